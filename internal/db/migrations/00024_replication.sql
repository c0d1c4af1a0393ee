-- +goose Up

-- What is copied from where to where, and when. Registry 0 is this Haven; the others are remote_registry's, which asks before one goes.
CREATE TABLE replication_policy (
	id {{id}},
	name TEXT NOT NULL UNIQUE,
	description TEXT NOT NULL DEFAULT '',
	src_registry {{int}} NOT NULL,
	src_here {{bool}} NOT NULL, -- it is this Haven, by its id or its address
	dest_registry {{int}} NOT NULL,
	dest_namespace TEXT NOT NULL DEFAULT '',
	replace_count {{int}} NOT NULL,
	trigger_type TEXT NOT NULL CHECK (trigger_type IN ('manual', 'scheduled', 'event_based')),
	cron TEXT NOT NULL DEFAULT '',
	filters TEXT NOT NULL, -- JSON
	deletion {{bool}} NOT NULL,
	override {{bool}} NOT NULL,
	enabled {{bool}} NOT NULL,
	speed {{int}} NOT NULL, -- KB/s of a task, 0: as fast as it goes
	copy_by_chunk {{bool}} NOT NULL,
	single_active {{bool}} NOT NULL,
	created_at {{int}} NOT NULL,
	updated_at {{int}} NOT NULL
) {{strict}};

-- A repository of the source where something happened that hasn't reached the destination yet. The row goes with the task that
-- brought everything over, and else stays, so that what a task could not do is tried again.
CREATE TABLE replication_due (
	policy_id {{int}} NOT NULL REFERENCES replication_policy (id) ON DELETE CASCADE,
	repository TEXT NOT NULL, -- of the source, with its project
	tags TEXT NOT NULL,       -- JSON: those that it is about; [] for all that the repository has
	version {{int}} NOT NULL, -- grows with each event
	execution_id {{int}} NOT NULL, -- the one that works on it, 0: none
	failures {{int}} NOT NULL,
	due_at {{int}} NOT NULL,  -- when it is tried again, where there is no execution
	PRIMARY KEY (policy_id, repository)
) {{clustered}};
CREATE INDEX replication_due_at ON replication_due (due_at) WHERE execution_id = 0;
CREATE INDEX replication_due_execution ON replication_due (execution_id) WHERE execution_id > 0;

-- Which tags a policy that deletes has brought over or found there, so that it deletes no others.
CREATE TABLE replication_copied (
	policy_id {{int}} NOT NULL REFERENCES replication_policy (id) ON DELETE CASCADE,
	repository TEXT NOT NULL, -- of the source
	tag TEXT NOT NULL,
	digest TEXT NOT NULL,
	destination TEXT NOT NULL, -- the repository there
	PRIMARY KEY (policy_id, repository, tag)
) {{clustered}};

-- Which repository of a destination got a blob of a source: another one of it can mount the blob instead of getting it again.
CREATE TABLE replication_blob (
	source {{int}} NOT NULL,
	destination {{int}} NOT NULL,
	digest TEXT NOT NULL,
	repository TEXT NOT NULL,
	put_at {{int}} NOT NULL,
	PRIMARY KEY (source, destination, digest)
) {{clustered}};
CREATE INDEX replication_blob_old ON replication_blob (put_at);

-- What a repository elsewhere was like when it was last looked at, where a policy waits for something to happen there.
CREATE TABLE replication_seen (
	policy_id {{int}} NOT NULL REFERENCES replication_policy (id) ON DELETE CASCADE,
	repository TEXT NOT NULL,
	state TEXT NOT NULL, -- a digest of its tags and what they point to
	PRIMARY KEY (policy_id, repository)
) {{clustered}};

-- +goose Down
DROP TABLE replication_seen;
DROP TABLE replication_blob;
DROP TABLE replication_copied;
DROP TABLE replication_due;
DROP TABLE replication_policy;
