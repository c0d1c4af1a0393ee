-- +goose Up

-- Which tags of a project stay as they are. Harbor's rules forbid both, moving and deleting; a hold forbids both to everybody until it ends.
CREATE TABLE immutable_rule (
	id {{id}},
	project_id {{int}} NOT NULL REFERENCES project (id) ON DELETE CASCADE,
	priority {{int}} NOT NULL,
	disabled {{bool}} NOT NULL,
	action TEXT NOT NULL,   -- as clients send it
	template TEXT NOT NULL, -- as clients send it
	params TEXT NOT NULL,   -- JSON, as clients send it
	tags TEXT NOT NULL,     -- JSON: selectors, of which the first counts
	scope TEXT NOT NULL,    -- JSON: selectors by what they choose; the first of "repository" counts
	says TEXT NOT NULL,     -- a digest of what the rule is about, so that none is there twice
	no_move {{bool}} NOT NULL,
	no_delete {{bool}} NOT NULL,
	hold_until {{int}} NOT NULL, -- 0: no hold
	reason TEXT NOT NULL,
	created_by TEXT NOT NULL,
	created_at {{int}} NOT NULL,
	updated_at {{int}} NOT NULL,
	release_by TEXT NOT NULL DEFAULT '',      -- the first of two administrators who end a hold
	release_account {{int}} NOT NULL DEFAULT 0,
	release_reason TEXT NOT NULL DEFAULT '',
	release_at {{int}} NOT NULL DEFAULT 0,
	UNIQUE (project_id, says)
) {{strict}};

-- A number that is another one after each change of a project's rules, so that each process knows whether what it
-- remembers of them still holds. No row: no rules.
CREATE TABLE immutable_version (
	project_id {{int}} NOT NULL PRIMARY KEY REFERENCES project (id) ON DELETE CASCADE,
	version {{int}} NOT NULL
) {{strict}};

-- +goose Down
DROP TABLE immutable_version;
DROP TABLE immutable_rule;
