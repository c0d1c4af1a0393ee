-- +goose Up

-- What listings count, so that a page costs the same at any size. artifact_count is the number of
-- manifests with listed, changed where listed is. manifest.project_id is the repository's, which never
-- changes.
ALTER TABLE repository ADD COLUMN artifact_count {{int}} NOT NULL DEFAULT 0;
UPDATE repository SET artifact_count = (SELECT COUNT(*) FROM manifest m WHERE m.repository_id = repository.id AND m.listed);
CREATE INDEX repository_created ON repository (created_at, id) WHERE NOT hidden;
CREATE INDEX repository_project ON repository (project_id, created_at, id) WHERE NOT hidden;

ALTER TABLE manifest ADD COLUMN project_id {{int}} NOT NULL DEFAULT 0;
UPDATE manifest SET project_id = (SELECT r.project_id FROM repository r WHERE r.id = manifest.repository_id);
-- tagged: a tag names it; changed where listed is.
ALTER TABLE manifest ADD COLUMN tagged {{bool}} NOT NULL DEFAULT FALSE;
UPDATE manifest SET tagged = EXISTS (SELECT 1 FROM tag t WHERE t.manifest_id = manifest.id);
DROP INDEX manifest_listed;
CREATE INDEX manifest_listed ON manifest (repository_id, pushed_at, id, listed, type, tagged) WHERE listed; -- counting needs no row
CREATE INDEX manifest_project ON manifest (project_id, pushed_at, id) WHERE listed;
CREATE INDEX manifest_pulled ON manifest (repository_id, pulled_at, id) WHERE listed;
CREATE INDEX manifest_size ON manifest (repository_id, size, id) WHERE listed;

-- An artifact's tags are shown newest first.
DROP INDEX tag_manifest;
CREATE INDEX tag_manifest ON tag (manifest_id, pushed_at, id);

-- The catalogue's order: with the slash behind it a name sorts as the full names of its repositories do.
CREATE UNIQUE INDEX project_path ON project ((name || '/'));

-- How many rows of audit each project has, 0 for those of no project.
CREATE TABLE audit_count (
	project_id {{int}} NOT NULL PRIMARY KEY,
	entries {{int}} NOT NULL
) {{strict}};
INSERT INTO audit_count (project_id, entries) SELECT project_id, COUNT(*) FROM audit GROUP BY project_id;

-- +goose Down
DROP TABLE audit_count;
DROP INDEX project_path;
DROP INDEX tag_manifest;
CREATE INDEX tag_manifest ON tag (manifest_id, name);
DROP INDEX manifest_size;
DROP INDEX manifest_pulled;
DROP INDEX manifest_project;
DROP INDEX manifest_listed;
CREATE INDEX manifest_listed ON manifest (repository_id, pushed_at, id, listed) WHERE listed;
ALTER TABLE manifest DROP COLUMN tagged;
ALTER TABLE manifest DROP COLUMN project_id;
DROP INDEX repository_project;
DROP INDEX repository_created;
ALTER TABLE repository DROP COLUMN artifact_count;
