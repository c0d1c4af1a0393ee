-- +goose Up

-- Work that outlives the process which begins it: an execution is what somebody asked for, a task a piece of it.
-- The counts are of its tasks, by the transactions that change them; the status follows from the counts.
CREATE TABLE job_execution (
	id {{id}},
	kind TEXT NOT NULL,
	vendor_id {{int}} NOT NULL,           -- what it is for, in the words of its kind
	trigger_type TEXT NOT NULL,           -- MANUAL, SCHEDULE or EVENT
	started_by TEXT NOT NULL,
	status TEXT NOT NULL CHECK (status IN ('Pending', 'Running', 'Stopped', 'Error', 'Success')),
	message TEXT NOT NULL DEFAULT '',
	extra TEXT NOT NULL DEFAULT '{}',     -- JSON
	waiting {{int}} NOT NULL DEFAULT 0,   -- tasks that are Pending or Scheduled
	running {{int}} NOT NULL DEFAULT 0,
	stopped {{int}} NOT NULL DEFAULT 0,
	failed {{int}} NOT NULL DEFAULT 0,
	succeeded {{int}} NOT NULL DEFAULT 0,
	stopping {{bool}} NOT NULL DEFAULT FALSE, -- more tasks are to be stopped than one transaction did
	created_at {{int}} NOT NULL,
	started_at {{int}} NOT NULL DEFAULT 0,
	ended_at {{int}} NOT NULL DEFAULT 0,
	updated_at {{int}} NOT NULL
) {{strict}};
CREATE INDEX job_execution_kind ON job_execution (kind, id);
CREATE INDEX job_execution_vendor ON job_execution (kind, vendor_id, id);
CREATE INDEX job_execution_stopping ON job_execution (id) WHERE stopping;

CREATE TABLE job_task (
	id {{id}},
	execution_id {{int}} NOT NULL REFERENCES job_execution (id) ON DELETE CASCADE,
	kind TEXT NOT NULL,
	status TEXT NOT NULL CHECK (status IN ('Pending', 'Scheduled', 'Running', 'Stopped', 'Error', 'Success')),
	payload TEXT NOT NULL,                -- JSON
	extra TEXT NOT NULL DEFAULT '{}',     -- JSON
	checkpoint TEXT NOT NULL DEFAULT '',  -- JSON: where a later run goes on
	message TEXT NOT NULL DEFAULT '',     -- the last failure
	group_id {{int}} NOT NULL DEFAULT 0,  -- groups take turns
	priority {{int}} NOT NULL DEFAULT 0,
	turn {{int}} NOT NULL,                -- the place in the queue of its kind and priority
	runs {{int}} NOT NULL DEFAULT 0,      -- how often it was taken up; with the holder, what tells one run from another
	failures {{int}} NOT NULL DEFAULT 0,  -- runs that returned an error
	lost {{int}} NOT NULL DEFAULT 0,      -- runs whose process ended without a word
	holder TEXT NOT NULL DEFAULT '',      -- the process that works on it, or did last
	lease_until {{int}} NOT NULL DEFAULT 0, -- after that another process takes it
	due_at {{int}} NOT NULL DEFAULT 0,    -- when a Scheduled one is Pending again
	queued_at {{int}} NOT NULL,           -- since when it waits
	created_at {{int}} NOT NULL,
	started_at {{int}} NOT NULL DEFAULT 0,
	ended_at {{int}} NOT NULL DEFAULT 0,
	updated_at {{int}} NOT NULL
) {{strict}};
CREATE INDEX job_task_execution ON job_task (execution_id, id);
CREATE INDEX job_task_queue ON job_task (kind, priority DESC, turn, id, queued_at) WHERE status = 'Pending';
CREATE INDEX job_task_group ON job_task (kind, priority, group_id, turn) WHERE status = 'Pending';
CREATE INDEX job_task_due ON job_task (due_at) WHERE status = 'Scheduled';
CREATE INDEX job_task_lease ON job_task (lease_until) WHERE status = 'Running';

-- What a task has to tell, in pieces. start_at counts the bytes before a piece; where the middle was cut out, the
-- pieces don't join.
CREATE TABLE job_log (
	task_id {{int}} NOT NULL REFERENCES job_task (id) ON DELETE CASCADE,
	start_at {{int}} NOT NULL,
	size {{int}} NOT NULL,
	body TEXT NOT NULL,
	PRIMARY KEY (task_id, start_at)
) {{clustered}};

-- What begins by the clock.
CREATE TABLE job_schedule (
	id {{id}},
	kind TEXT NOT NULL,
	vendor_id {{int}} NOT NULL,
	cron_type TEXT NOT NULL,              -- a word for people: Hourly, Daily, Weekly, Custom
	cron TEXT NOT NULL,
	parameters TEXT NOT NULL DEFAULT '',
	due_at {{int}} NOT NULL,              -- the next run; one in the past is caught up, once
	created_at {{int}} NOT NULL,
	updated_at {{int}} NOT NULL,
	UNIQUE (kind, vendor_id)
) {{strict}};
CREATE INDEX job_schedule_due ON job_schedule (due_at);

-- Kinds whose tasks wait until somebody says otherwise.
CREATE TABLE job_paused (
	kind TEXT NOT NULL PRIMARY KEY,
	paused_at {{int}} NOT NULL
) {{strict}};

-- The processes that work on tasks.
CREATE TABLE job_pool (
	id TEXT NOT NULL PRIMARY KEY,
	host TEXT NOT NULL,
	pid {{int}} NOT NULL,
	concurrency {{int}} NOT NULL,
	started_at {{int}} NOT NULL,
	heartbeat_at {{int}} NOT NULL
) {{strict}};

-- Purges of the audit log are jobs as others are, with what was scheduled, what they told, and those that are open.
INSERT INTO job_schedule (kind, vendor_id, cron_type, cron, parameters, due_at, created_at, updated_at)
	SELECT 'PURGE_AUDIT_LOG', -1, type, cron, parameters, due_at, created_at, updated_at FROM audit_purge_schedule;
DROP TABLE audit_purge_schedule;
INSERT INTO job_execution (kind, vendor_id, trigger_type, started_by, status, extra, waiting, stopped, failed, succeeded, created_at, ended_at, updated_at)
	SELECT 'PURGE_AUDIT_LOG', -1, trigger_type, '', CASE WHEN status IN ('Pending', 'Running') THEN 'Pending' ELSE status END,
		'{"parameters":' || parameters || ',"purged":' || purged || '}',
		CASE WHEN status IN ('Pending', 'Running') THEN 1 ELSE 0 END, CASE WHEN status = 'Stopped' THEN 1 ELSE 0 END,
		CASE WHEN status = 'Error' THEN 1 ELSE 0 END, CASE WHEN status = 'Success' THEN 1 ELSE 0 END,
		created_at, CASE WHEN status IN ('Pending', 'Running') THEN 0 ELSE updated_at END, updated_at
	FROM audit_purge ORDER BY id;
INSERT INTO job_task (execution_id, kind, status, payload, turn, queued_at, created_at, ended_at, updated_at)
	SELECT id, kind, status, '{}', id, created_at, created_at, ended_at, updated_at FROM job_execution ORDER BY id;
INSERT INTO job_log (task_id, start_at, size, body)
	SELECT t.id, 0, OCTET_LENGTH(p.log), p.log
	FROM (SELECT id, ROW_NUMBER() OVER (ORDER BY id) AS place FROM job_task) t
	JOIN (SELECT log, ROW_NUMBER() OVER (ORDER BY id) AS place FROM audit_purge) p ON p.place = t.place
	WHERE p.log <> '';
DROP TABLE audit_purge;

-- +goose Down

CREATE TABLE audit_purge_schedule (
	id {{int}} NOT NULL PRIMARY KEY,
	type TEXT NOT NULL,
	cron TEXT NOT NULL,
	parameters TEXT NOT NULL,
	due_at {{int}} NOT NULL,
	created_at {{int}} NOT NULL,
	updated_at {{int}} NOT NULL
) {{strict}};
INSERT INTO audit_purge_schedule (id, type, cron, parameters, due_at, created_at, updated_at)
	SELECT 1, cron_type, cron, parameters, due_at, created_at, updated_at FROM job_schedule WHERE kind = 'PURGE_AUDIT_LOG';
CREATE TABLE audit_purge (
	id {{id}},
	trigger_type TEXT NOT NULL,
	status TEXT NOT NULL,
	parameters TEXT NOT NULL,
	purged {{int}} NOT NULL DEFAULT 0,
	log TEXT NOT NULL DEFAULT '',
	holder TEXT NOT NULL DEFAULT '',
	lease_until {{int}} NOT NULL DEFAULT 0,
	created_at {{int}} NOT NULL,
	updated_at {{int}} NOT NULL
) {{strict}};
CREATE INDEX audit_purge_open ON audit_purge (id) WHERE status IN ('Pending', 'Running');
DROP TABLE job_pool;
DROP TABLE job_paused;
DROP TABLE job_schedule;
DROP TABLE job_log;
DROP TABLE job_task;
DROP TABLE job_execution;
