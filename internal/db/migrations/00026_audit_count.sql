-- +goose Up

-- What the log is searched by most is counted, and found in the order of time.
DROP TABLE audit_count;
CREATE TABLE audit_count (
	project_id {{int}} NOT NULL, -- 0 for rows of no project
	username TEXT NOT NULL,
	operation TEXT NOT NULL,
	entries {{int}} NOT NULL,
	PRIMARY KEY (project_id, username, operation)
) {{strict}};
INSERT INTO audit_count (project_id, username, operation, entries)
	SELECT project_id, username, operation, COUNT(*) FROM audit GROUP BY project_id, username, operation;
CREATE INDEX audit_count_username ON audit_count (username, operation, project_id, entries);
CREATE INDEX audit_username ON audit (username, created_at, id);
CREATE INDEX audit_operation ON audit (operation, created_at, id);

-- +goose Down
DROP INDEX audit_operation;
DROP INDEX audit_username;
DROP TABLE audit_count;
CREATE TABLE audit_count (
	project_id {{int}} NOT NULL PRIMARY KEY,
	entries {{int}} NOT NULL
) {{strict}};
INSERT INTO audit_count (project_id, entries) SELECT project_id, COUNT(*) FROM audit GROUP BY project_id;
