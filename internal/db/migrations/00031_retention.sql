-- +goose Up

-- When somebody last used it: a pull by a person or a program, not by a scanner or another registry that copies.
ALTER TABLE manifest ADD COLUMN used_at {{int}} NOT NULL DEFAULT 0;
UPDATE manifest SET used_at = pulled_at WHERE pulled_at > 0;

-- Which artifacts of a project stay; what no rule retains goes.
CREATE TABLE retention_policy (
	id {{id}},
	project_id {{int}} NOT NULL UNIQUE REFERENCES project (id) ON DELETE CASCADE,
	algorithm TEXT NOT NULL,
	trigger_kind TEXT NOT NULL, -- as clients send it
	cron TEXT NOT NULL,         -- '': by hand only
	rules TEXT NOT NULL,        -- JSON
	created_at {{int}} NOT NULL,
	updated_at {{int}} NOT NULL
) {{strict}};

-- The policy of projects that have none; one row at most.
CREATE TABLE retention_default (
	id {{int}} NOT NULL PRIMARY KEY CHECK (id = 1),
	cron TEXT NOT NULL,
	rules TEXT NOT NULL, -- JSON
	updated_at {{int}} NOT NULL
) {{strict}};

-- What the default policy is for a project. No row: unless_own.
CREATE TABLE retention_mode (
	project_id {{int}} NOT NULL PRIMARY KEY REFERENCES project (id) ON DELETE CASCADE,
	mode TEXT NOT NULL CHECK (mode IN ('unless_own', 'besides', 'never'))
) {{strict}};

-- +goose Down
DROP TABLE retention_mode;
DROP TABLE retention_default;
DROP TABLE retention_policy;
ALTER TABLE manifest DROP COLUMN used_at;
