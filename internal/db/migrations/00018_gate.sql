-- +goose Up

-- gated: the gate has something to say about pulls from the project; changed where its metadata is.
ALTER TABLE project ADD COLUMN gated {{bool}} NOT NULL DEFAULT FALSE;
UPDATE project SET gated = TRUE WHERE EXISTS (SELECT 1 FROM project_metadata x
	WHERE x.project_id = project.id AND x.name = 'prevent_vul' AND x.value = 'true');

-- What a project does with images that no report speaks for: 'block' or 'allow'. Without a row: block.
CREATE TABLE gate_policy (
	project_id {{int}} NOT NULL PRIMARY KEY REFERENCES project (id) ON DELETE CASCADE,
	never_scanned TEXT NOT NULL CHECK (never_scanned IN ('block', 'allow')),
	pending TEXT NOT NULL CHECK (pending IN ('block', 'allow')),
	failed TEXT NOT NULL CHECK (failed IN ('block', 'allow')),
	not_evaluated TEXT NOT NULL CHECK (not_evaluated IN ('block', 'allow')),
	updated_at {{int}} NOT NULL
) {{strict}};

-- +goose Down
DROP TABLE gate_policy;
ALTER TABLE project DROP COLUMN gated;
