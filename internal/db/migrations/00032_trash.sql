-- +goose Up

-- What was deleted and can be restored. grave_id is the hidden repository that holds the manifests meanwhile, with their tags
-- and blobs: another one for each deletion, or the deleted repository itself. 0: a tag alone, all of which is here.
CREATE TABLE trash (
	id {{id}},
	kind TEXT NOT NULL CHECK (kind IN ('tag', 'artifact', 'repository')),
	project_id {{int}} NOT NULL,
	repository TEXT {{bytewise}} NOT NULL, -- its name when it was deleted, without the project
	grave_id {{int}} NOT NULL DEFAULT 0,
	digest TEXT NOT NULL DEFAULT '',       -- of the artifact, or what the tag named; '': of several
	tag TEXT NOT NULL DEFAULT '',          -- the tag, or the first one of the artifact
	tag_id {{int}} NOT NULL DEFAULT 0,
	tag_pushed_at {{int}} NOT NULL DEFAULT 0,
	tag_pulled_at {{int}} NOT NULL DEFAULT 0,
	artifacts {{int}} NOT NULL DEFAULT 0,
	bytes {{int}} NOT NULL DEFAULT 0,      -- what nothing else in the project needed
	charged {{int}} NOT NULL DEFAULT 0,    -- what of it the project's quota still counts
	run_id {{int}} NOT NULL DEFAULT 0,     -- the execution of retention that deleted it
	deleted_by TEXT NOT NULL,
	deleted_at {{int}} NOT NULL,
	expires_at {{int}} NOT NULL
) {{strict}};
CREATE INDEX trash_project ON trash (project_id, id);
CREATE INDEX trash_expires ON trash (expires_at, id);
CREATE INDEX trash_grave ON trash (grave_id) WHERE grave_id > 0;
CREATE INDEX trash_run ON trash (run_id, id) WHERE run_id > 0;

-- What lies in graves, for those who count it off.
CREATE INDEX manifest_deleted ON manifest (digest) WHERE project_id = 0;

-- A collector looks for hidden repositories that hold nothing. updated_at of what keeps something to be restored is when that ends, so
-- that it is out of the way.
DROP INDEX repository_hidden;
CREATE INDEX repository_hidden ON repository (updated_at, id) WHERE hidden;

-- Until when a deleted project can be restored, 0: not any more. A deleted one isn't public; was_public says whether it was.
ALTER TABLE project ADD COLUMN restorable_until {{int}} NOT NULL DEFAULT 0;
ALTER TABLE project ADD COLUMN was_public {{bool}} NOT NULL DEFAULT FALSE;
ALTER TABLE project ADD COLUMN deleted_by TEXT NOT NULL DEFAULT '';
CREATE INDEX project_restorable ON project (restorable_until, id) WHERE restorable_until > 0;

-- +goose Down
DROP INDEX project_restorable;
ALTER TABLE project DROP COLUMN deleted_by;
ALTER TABLE project DROP COLUMN was_public;
ALTER TABLE project DROP COLUMN restorable_until;
DROP INDEX repository_hidden;
CREATE INDEX repository_hidden ON repository (id) WHERE hidden;
DROP INDEX manifest_deleted;
DROP TABLE trash;
