-- +goose Up

-- Where a row's request came from, and its id; '' where no request caused it.
ALTER TABLE audit ADD COLUMN client TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN request_id TEXT NOT NULL DEFAULT '';
-- 0: only kept. 1: to be forwarded, and kept. 2: to be forwarded, and deleted then.
ALTER TABLE audit ADD COLUMN delivery {{int}} NOT NULL DEFAULT 0;
CREATE INDEX audit_delivery ON audit (id) WHERE delivery > 0;

-- Who writes rows that are to be forwarded changes this row first: so their ids ascend as their transactions
-- commit, and a cursor can't step over one that comes late.
CREATE TABLE audit_order (
	id {{int}} NOT NULL PRIMARY KEY,
	batches {{int}} NOT NULL
) {{strict}};
INSERT INTO audit_order (id, batches) VALUES (1, 0);

-- How far forwarding is, and which process does it until lease_until.
CREATE TABLE audit_forward (
	id {{int}} NOT NULL PRIMARY KEY,
	holder TEXT NOT NULL DEFAULT '',
	lease_until {{int}} NOT NULL DEFAULT 0,
	safe_id {{int}} NOT NULL DEFAULT 0,      -- up to this row the receiver has all, even if it died after it read them
	sent {{int}} NOT NULL DEFAULT 0,         -- rows up to safe_id, in all time
	last_row_at {{int}} NOT NULL DEFAULT 0,  -- when row safe_id happened
	confirmed_at {{int}} NOT NULL DEFAULT 0, -- when it was delivered
	failure TEXT NOT NULL DEFAULT '',        -- the last one
	failed_at {{int}} NOT NULL DEFAULT 0
) {{strict}};
INSERT INTO audit_forward (id) VALUES (1);

-- When the log is purged. No row: never by itself.
CREATE TABLE audit_purge_schedule (
	id {{int}} NOT NULL PRIMARY KEY,
	type TEXT NOT NULL,
	cron TEXT NOT NULL,
	parameters TEXT NOT NULL, -- JSON
	due_at {{int}} NOT NULL,  -- the next run; one in the past is caught up, once
	created_at {{int}} NOT NULL,
	updated_at {{int}} NOT NULL
) {{strict}};

CREATE TABLE audit_purge (
	id {{id}},
	trigger_type TEXT NOT NULL, -- MANUAL or SCHEDULE
	status TEXT NOT NULL, -- Pending, Running, Stopped, Error, Success
	parameters TEXT NOT NULL, -- JSON
	purged {{int}} NOT NULL DEFAULT 0, -- rows, so far
	log TEXT NOT NULL DEFAULT '',
	holder TEXT NOT NULL DEFAULT '', -- which process works on it, until lease_until
	lease_until {{int}} NOT NULL DEFAULT 0,
	created_at {{int}} NOT NULL,
	updated_at {{int}} NOT NULL
) {{strict}};
CREATE INDEX audit_purge_open ON audit_purge (id) WHERE status IN ('Pending', 'Running');

-- +goose Down
DROP TABLE audit_purge;
DROP TABLE audit_purge_schedule;
DROP TABLE audit_forward;
DROP TABLE audit_order;
DROP INDEX audit_delivery;
ALTER TABLE audit DROP COLUMN delivery;
ALTER TABLE audit DROP COLUMN request_id;
ALTER TABLE audit DROP COLUMN client;
