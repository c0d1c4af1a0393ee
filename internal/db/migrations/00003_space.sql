-- +goose Up

-- What the store's driver wants to know again about an upload. digest is what it is to be committed as, from
-- when that is known: while an upload says so, nobody deletes a blob of that digest.
ALTER TABLE upload ADD COLUMN store_state {{bytes}};
CREATE INDEX upload_digest ON upload (digest) WHERE digest <> '';

-- durable: the bytes survive the loss of power; set before a manifest that names them is acknowledged.
-- damaged: the bytes are lost or wrong; clients are told that the blob isn't there, and a push heals it.
-- condemned_at: since when no repository holds it, 0 while one does.
-- deleting: a collector is removing the bytes, then the row; condemned_at is when it began.
ALTER TABLE blob ADD COLUMN durable {{bool}} NOT NULL DEFAULT TRUE;
ALTER TABLE blob ADD COLUMN damaged {{bool}} NOT NULL DEFAULT FALSE;
ALTER TABLE blob ADD COLUMN condemned_at {{int}} NOT NULL DEFAULT 0;
ALTER TABLE blob ADD COLUMN deleting {{bool}} NOT NULL DEFAULT FALSE;
CREATE INDEX blob_condemned ON blob (condemned_at, id) WHERE condemned_at > 0 AND NOT deleting;
CREATE INDEX blob_deleting ON blob (condemned_at, id) WHERE deleting;
CREATE INDEX blob_damaged ON blob (id) WHERE damaged;
-- Where a location is short it begins with the id of the upload that it was.
CREATE INDEX blob_upload ON blob ((substr(location, 1, 36))) WHERE length(location) < 64;

-- Bytes that no blob's row names any more, or never did: another push of the same digest was first.
CREATE TABLE discarded (
	location TEXT NOT NULL PRIMARY KEY,
	discarded_at {{int}} NOT NULL
) {{strict}};
CREATE INDEX discarded_at ON discarded (discarded_at, location);

-- repository_id is the manifest's, which never changes: does another manifest of the repository name the blob?
ALTER TABLE manifest_blob ADD COLUMN repository_id {{int}} NOT NULL DEFAULT 0;
UPDATE manifest_blob SET repository_id = (SELECT m.repository_id FROM manifest m WHERE m.id = manifest_blob.manifest_id);
DROP INDEX manifest_blob_blob;
CREATE INDEX manifest_blob_blob ON manifest_blob (blob_id, repository_id);

-- Repositories that wait for their first manifest, or were deleted and wait for their end.
CREATE INDEX repository_hidden ON repository (id) WHERE hidden;

-- idle_since: since when no manifest of the repository names the blob, 0 while one does.
-- counted: the blob counts in the project's quota here: it is named, or was pushed and isn't named yet.
-- project_id is the repository's, which never changes.
ALTER TABLE repository_blob ADD COLUMN project_id {{int}} NOT NULL DEFAULT 0;
ALTER TABLE repository_blob ADD COLUMN idle_since {{int}} NOT NULL DEFAULT 0;
ALTER TABLE repository_blob ADD COLUMN counted {{bool}} NOT NULL DEFAULT TRUE;
UPDATE repository_blob SET project_id = (SELECT r.project_id FROM repository r WHERE r.id = repository_blob.repository_id);
UPDATE repository_blob SET idle_since = created_at WHERE NOT EXISTS (
	SELECT 1 FROM manifest_blob mb
	WHERE mb.blob_id = repository_blob.blob_id AND mb.repository_id = repository_blob.repository_id);
UPDATE repository_blob SET counted = FALSE WHERE repository_id IN (SELECT id FROM repository WHERE name LIKE 'deleted:%');
UPDATE blob SET condemned_at = created_at WHERE NOT EXISTS (SELECT 1 FROM repository_blob rb WHERE rb.blob_id = blob.id);
CREATE INDEX repository_blob_idle ON repository_blob (idle_since, repository_id, blob_id) WHERE idle_since > 0;
CREATE INDEX repository_blob_project ON repository_blob (project_id, blob_id) WHERE counted;

-- What a project stores, in bytes: the sum of the sizes of the distinct blobs counted in it and of its
-- manifests. Changed in the transactions that change those, by several rows where writers are many.
CREATE TABLE project_usage (
	project_id {{int}} NOT NULL REFERENCES project (id) ON DELETE CASCADE,
	shard {{int}} NOT NULL,
	bytes {{int}} NOT NULL,
	PRIMARY KEY (project_id, shard)
) {{strict}};
INSERT INTO project_usage (project_id, shard, bytes) SELECT p.id, 0, CAST(
	COALESCE((SELECT SUM(b.size) FROM blob b WHERE b.id IN (
		SELECT rb.blob_id FROM repository_blob rb WHERE rb.project_id = p.id AND rb.counted)), 0) +
	COALESCE((SELECT SUM(m.content_size) FROM manifest m JOIN repository r ON r.id = m.repository_id WHERE r.project_id = p.id), 0)
	AS BIGINT) FROM project p;

-- +goose Down
DROP TABLE project_usage;
DROP INDEX repository_blob_project;
DROP INDEX repository_blob_idle;
ALTER TABLE repository_blob DROP COLUMN counted;
ALTER TABLE repository_blob DROP COLUMN idle_since;
ALTER TABLE repository_blob DROP COLUMN project_id;
DROP INDEX repository_hidden;
DROP INDEX manifest_blob_blob;
ALTER TABLE manifest_blob DROP COLUMN repository_id;
CREATE INDEX manifest_blob_blob ON manifest_blob (blob_id);
DROP TABLE discarded;
DROP INDEX blob_upload;
DROP INDEX blob_damaged;
DROP INDEX blob_deleting;
DROP INDEX blob_condemned;
ALTER TABLE blob DROP COLUMN deleting;
ALTER TABLE blob DROP COLUMN condemned_at;
ALTER TABLE blob DROP COLUMN damaged;
ALTER TABLE blob DROP COLUMN durable;
DROP INDEX upload_digest;
ALTER TABLE upload DROP COLUMN store_state;
