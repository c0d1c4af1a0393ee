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

-- +goose Down
DROP TABLE job_pool;
DROP TABLE job_paused;
DROP TABLE job_schedule;
DROP TABLE job_log;
DROP TABLE job_task;
DROP TABLE job_execution;
