-- +goose Up

-- project_id 0: for all projects.
CREATE TABLE label (
	id {{id}},
	project_id {{int}} NOT NULL DEFAULT 0,
	name TEXT NOT NULL,
	description TEXT NOT NULL DEFAULT '',
	color TEXT NOT NULL DEFAULT '',
	created_at {{int}} NOT NULL,
	updated_at {{int}} NOT NULL,
	UNIQUE (project_id, name)
) {{strict}};

CREATE TABLE artifact_label (
	manifest_id {{int}} NOT NULL REFERENCES manifest (id) ON DELETE CASCADE,
	label_id {{int}} NOT NULL REFERENCES label (id) ON DELETE CASCADE,
	created_at {{int}} NOT NULL,
	PRIMARY KEY (manifest_id, label_id)
) {{strict}};
CREATE INDEX artifact_label_label ON artifact_label (label_id, manifest_id);

-- +goose Down
DROP TABLE artifact_label;
DROP TABLE label;
