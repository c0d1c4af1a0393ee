-- +goose Up

-- The registry elsewhere that the project is a cache of, 0 for none; it never changes.
ALTER TABLE project ADD COLUMN registry_id {{int}} NOT NULL DEFAULT 0;
CREATE INDEX project_registry ON project (registry_id) WHERE registry_id > 0;

-- What Haven's own API says of a cache, beside the project's metadata. Without a row: always asked, kept for 7 days after the last pull.
CREATE TABLE proxy_policy (
	project_id {{int}} NOT NULL PRIMARY KEY REFERENCES project (id) ON DELETE CASCADE,
	freshness TEXT NOT NULL CHECK (freshness IN ('always', 'max_age', 'offline')),
	max_age {{int}} NOT NULL,           -- seconds
	scan_before_serve {{bool}} NOT NULL,
	minimum_age {{int}} NOT NULL,       -- seconds since a manifest was first seen, 0 for none
	keep_days {{int}} NOT NULL,         -- after the last pull, 0 for ever
	updated_at {{int}} NOT NULL
) {{strict}};

-- Manifests that clients may have though not all that they name is here. When it is, they become ordinary ones and the row goes.
-- due_at: when what is missing is fetched unasked, 0 for never. repository is the name in the project.
CREATE TABLE proxy_manifest (
	id {{id}},
	project_id {{int}} NOT NULL REFERENCES project (id) ON DELETE CASCADE,
	repository TEXT {{bytewise}} NOT NULL,
	digest TEXT NOT NULL,
	media_type TEXT NOT NULL,
	content {{bytes}} NOT NULL,
	fetched_at {{int}} NOT NULL,
	pulled_at {{int}} NOT NULL,
	due_at {{int}} NOT NULL,
	tries {{int}} NOT NULL DEFAULT 0,
	UNIQUE (project_id, repository, digest)
) {{strict}};
CREATE INDEX proxy_manifest_pulled ON proxy_manifest (project_id, pulled_at, id);
CREATE INDEX proxy_manifest_due ON proxy_manifest (due_at) WHERE due_at > 0;

-- What such a manifest names and its repository doesn't hold.
CREATE TABLE proxy_missing (
	manifest_id {{int}} NOT NULL REFERENCES proxy_manifest (id) ON DELETE CASCADE,
	digest TEXT NOT NULL,
	size {{int}} NOT NULL,
	media_type TEXT NOT NULL,
	PRIMARY KEY (manifest_id, digest)
) {{strict}};
CREATE INDEX proxy_missing_digest ON proxy_missing (digest, manifest_id);

-- What a tag meant upstream when it was last asked for; digest is '' where upstream had none. first_at is when this meaning was first
-- seen, and was is what it meant before.
CREATE TABLE proxy_tag (
	project_id {{int}} NOT NULL REFERENCES project (id) ON DELETE CASCADE,
	repository TEXT {{bytewise}} NOT NULL,
	name TEXT {{bytewise}} NOT NULL,
	digest TEXT NOT NULL,
	media_type TEXT NOT NULL,
	size {{int}} NOT NULL,
	was TEXT NOT NULL,
	checked_at {{int}} NOT NULL,
	first_at {{int}} NOT NULL,
	PRIMARY KEY (project_id, repository, name)
) {{strict}};
CREATE INDEX proxy_tag_digest ON proxy_tag (project_id, repository, digest);

-- Who fetches what from upstream, where several processes share the database: one at a time.
CREATE TABLE proxy_fetch (
	name TEXT NOT NULL PRIMARY KEY,
	project_id {{int}} NOT NULL,
	holder TEXT NOT NULL,
	lease_until {{int}} NOT NULL
) {{strict}};
CREATE INDEX proxy_fetch_project ON proxy_fetch (project_id, lease_until);

-- Until when a registry elsewhere wants to be left alone, as it told one of the processes.
CREATE TABLE proxy_upstream (
	registry_id {{int}} NOT NULL PRIMARY KEY,
	blocked_until {{int}} NOT NULL,
	updated_at {{int}} NOT NULL
) {{strict}};

-- By what names clients mean a project who name none: the registry that they believe to speak to (?ns=), or the host they reach us by.
CREATE TABLE mirror (
	id {{id}},
	kind TEXT NOT NULL CHECK (kind IN ('registry', 'host')),
	name TEXT NOT NULL,
	project_id {{int}} NOT NULL REFERENCES project (id) ON DELETE CASCADE,
	created_at {{int}} NOT NULL,
	UNIQUE (kind, name)
) {{strict}};
CREATE INDEX mirror_project ON mirror (project_id);

-- +goose Down
DROP TABLE mirror;
DROP TABLE proxy_upstream;
DROP TABLE proxy_fetch;
DROP TABLE proxy_tag;
DROP TABLE proxy_missing;
DROP TABLE proxy_manifest;
DROP TABLE proxy_policy;
DROP INDEX project_registry;
ALTER TABLE project DROP COLUMN registry_id;
