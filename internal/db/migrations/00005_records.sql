-- +goose Up

-- Records in the store that may no longer say what the database says, by their names. due_at is when to look,
-- and while worker holds the row when its lease ends; changed: look again, something happened since the lease.
CREATE TABLE record_task (
	name TEXT NOT NULL PRIMARY KEY,
	due_at {{int}} NOT NULL DEFAULT 0,
	attempts {{int}} NOT NULL DEFAULT 0, -- failed so far
	changed {{bool}} NOT NULL DEFAULT FALSE,
	worker TEXT NOT NULL DEFAULT ''
) {{strict}};
CREATE INDEX record_task_due ON record_task (due_at);

-- What was there before there were records gets them bit by bit: all rows up to after_id have had their turn.
-- A pass that is over has no row.
CREATE TABLE record_pass (
	kind TEXT NOT NULL PRIMARY KEY,
	after_id {{int}} NOT NULL
) {{strict}};
INSERT INTO record_pass (kind, after_id) VALUES ('projects', 0), ('manifests', 0);

-- One row while this database is being made anew from the store: it isn't complete.
CREATE TABLE rebuilding (
	id {{int}} NOT NULL PRIMARY KEY CHECK (id = 1),
	started_at {{int}} NOT NULL
) {{strict}};

-- +goose Down
DROP TABLE rebuilding;
DROP TABLE record_pass;
DROP TABLE record_task;
