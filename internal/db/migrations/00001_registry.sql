-- +goose Up

-- Settings that an administrator changes while Haven runs, as JSON values.
CREATE TABLE setting (
	name TEXT NOT NULL PRIMARY KEY,
	value TEXT NOT NULL
) {{strict}};

-- Keys that Haven made for itself, sealed by the secret key file. One row a purpose and id.
CREATE TABLE sealed_key (
	purpose TEXT NOT NULL,
	kid TEXT NOT NULL,
	sealed {{bytes}} NOT NULL,
	created_at {{int}} NOT NULL,
	PRIMARY KEY (purpose, kid)
) {{strict}};

-- identity

CREATE TABLE account (
	id {{id}},
	username TEXT NOT NULL UNIQUE,
	email TEXT NOT NULL UNIQUE,
	realname TEXT NOT NULL DEFAULT '',
	comment TEXT NOT NULL DEFAULT '',
	sysadmin {{bool}} NOT NULL DEFAULT FALSE,
	epoch {{int}} NOT NULL DEFAULT 1,
	created_at {{int}} NOT NULL,
	updated_at {{int}} NOT NULL,
	deleted_at {{int}} NOT NULL DEFAULT 0
) {{strict}};

-- Apart from account, so that no listing or filter can reach it (S4).
CREATE TABLE account_password (
	account_id {{int}} NOT NULL PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
	hash TEXT NOT NULL,
	must_change {{bool}} NOT NULL DEFAULT FALSE
) {{strict}};

CREATE TABLE session (
	token_hash {{bytes}} NOT NULL PRIMARY KEY,
	account_id {{int}} NOT NULL REFERENCES account (id) ON DELETE CASCADE,
	created_at {{int}} NOT NULL,
	seen_at {{int}} NOT NULL,
	remote TEXT NOT NULL DEFAULT '',
	user_agent TEXT NOT NULL DEFAULT ''
) {{strict}};
CREATE INDEX session_account ON session (account_id);
CREATE INDEX session_seen ON session (seen_at);

-- Failed log-ins by account and by network, shared by all replicas.
CREATE TABLE login_failure (
	subject TEXT NOT NULL PRIMARY KEY,
	failures {{int}} NOT NULL,
	last_at {{int}} NOT NULL,
	until {{int}} NOT NULL
) {{strict}};
CREATE INDEX login_failure_last ON login_failure (last_at);

-- project

CREATE TABLE project (
	id {{id}},
	name TEXT {{bytewise}} NOT NULL UNIQUE,
	owner_id {{int}} NOT NULL REFERENCES account (id),
	public {{bool}} NOT NULL DEFAULT FALSE,
	storage_limit {{int}} NOT NULL DEFAULT -1,
	epoch {{int}} NOT NULL DEFAULT 1,
	created_at {{int}} NOT NULL,
	updated_at {{int}} NOT NULL,
	deleted_at {{int}} NOT NULL DEFAULT 0
) {{strict}};
CREATE INDEX project_owner ON project (owner_id);

CREATE TABLE project_metadata (
	project_id {{int}} NOT NULL REFERENCES project (id) ON DELETE CASCADE,
	name TEXT NOT NULL,
	value TEXT NOT NULL,
	PRIMARY KEY (project_id, name)
) {{strict}};

CREATE TABLE cve_allowlist (
	project_id {{int}} NOT NULL PRIMARY KEY REFERENCES project (id) ON DELETE CASCADE,
	items TEXT NOT NULL DEFAULT '[]',
	expires_at {{int}} NOT NULL DEFAULT 0,
	created_at {{int}} NOT NULL,
	updated_at {{int}} NOT NULL
) {{strict}};

CREATE TABLE project_member (
	id {{id}},
	project_id {{int}} NOT NULL REFERENCES project (id) ON DELETE CASCADE,
	account_id {{int}} NOT NULL REFERENCES account (id) ON DELETE CASCADE,
	role_id {{int}} NOT NULL CHECK (role_id BETWEEN 1 AND 5),
	created_at {{int}} NOT NULL,
	updated_at {{int}} NOT NULL,
	UNIQUE (project_id, account_id)
) {{strict}};
CREATE INDEX project_member_account ON project_member (account_id, project_id);

-- robots: name is stored without prefix, "ci" or "project+ci"

CREATE TABLE robot (
	id {{id}},
	project_id {{int}} REFERENCES project (id) ON DELETE CASCADE, -- NULL: system level
	name TEXT NOT NULL UNIQUE,
	description TEXT NOT NULL DEFAULT '',
	duration_days {{int}} NOT NULL,
	expires_at {{int}} NOT NULL DEFAULT 0, -- 0: never
	disabled {{bool}} NOT NULL DEFAULT FALSE,
	creator_type TEXT NOT NULL CHECK (creator_type IN ('local', 'robot')),
	creator_id {{int}} NOT NULL,
	epoch {{int}} NOT NULL DEFAULT 1,
	created_at {{int}} NOT NULL,
	updated_at {{int}} NOT NULL
) {{strict}};
CREATE INDEX robot_project ON robot (project_id);

CREATE TABLE robot_secret (
	robot_id {{int}} NOT NULL PRIMARY KEY REFERENCES robot (id) ON DELETE CASCADE,
	hash TEXT NOT NULL
) {{strict}};

-- Prefixes that robots have been known by besides robot$; they stay good for logging in.
CREATE TABLE robot_prefix (
	prefix TEXT NOT NULL PRIMARY KEY,
	used_at {{int}} NOT NULL
) {{strict}};

-- What a robot may do: kind 'system' (project_id NULL), 'project' (project_id), 'all' (every project, project_id NULL).
CREATE TABLE robot_permission (
	id {{id}},
	robot_id {{int}} NOT NULL REFERENCES robot (id) ON DELETE CASCADE,
	kind TEXT NOT NULL CHECK (kind IN ('system', 'project', 'all')),
	project_id {{int}} REFERENCES project (id) ON DELETE CASCADE,
	resource TEXT NOT NULL,
	action TEXT NOT NULL,
	effect TEXT NOT NULL CHECK (effect IN ('allow', 'deny'))
) {{strict}};
CREATE INDEX robot_permission_robot ON robot_permission (robot_id);
CREATE INDEX robot_permission_project ON robot_permission (project_id);

-- registry

-- A repository is hidden until its first manifest arrives; uploads need it before that. A deleted one
-- is hidden again, under a name that no client can ask for, until what it holds is reclaimed.
CREATE TABLE repository (
	id {{id}},
	project_id {{int}} NOT NULL REFERENCES project (id),
	name TEXT {{bytewise}} NOT NULL, -- without the project; "deleted:ID" once it was deleted
	description TEXT NOT NULL DEFAULT '',
	hidden {{bool}} NOT NULL DEFAULT TRUE,
	pull_count {{int}} NOT NULL DEFAULT 0,
	created_at {{int}} NOT NULL,
	updated_at {{int}} NOT NULL,
	UNIQUE (project_id, name)
) {{strict}};

-- Bytes in the store. location is the driver's word for where they lie.
CREATE TABLE blob (
	id {{id}},
	digest TEXT NOT NULL UNIQUE,
	size {{int}} NOT NULL,
	location TEXT NOT NULL,
	created_at {{int}} NOT NULL
) {{strict}};

-- A repository may serve a blob only when a row here says so (S10).
CREATE TABLE repository_blob (
	repository_id {{int}} NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
	blob_id {{int}} NOT NULL REFERENCES blob (id),
	created_at {{int}} NOT NULL,
	PRIMARY KEY (repository_id, blob_id)
) {{strict}};
CREATE INDEX repository_blob_blob ON repository_blob (blob_id);

-- An upload under way. sha256_state is the hash of the bytes so far, so that it goes on anywhere. Its
-- row leaves only when the store holds nothing of it any more.
CREATE TABLE upload (
	id TEXT NOT NULL PRIMARY KEY,
	repository_id {{int}} NOT NULL REFERENCES repository (id),
	size {{int}} NOT NULL DEFAULT 0,
	sha256_state {{bytes}} NOT NULL,
	digest TEXT NOT NULL DEFAULT '',           -- what it is being committed as, where sha256_state does not tell
	writer TEXT NOT NULL DEFAULT '',           -- who writes it now, where several processes share the database
	writer_until {{int}} NOT NULL DEFAULT 0,   -- when that claim ends
	created_at {{int}} NOT NULL,
	updated_at {{int}} NOT NULL
) {{strict}};
CREATE INDEX upload_repository ON upload (repository_id);
CREATE INDEX upload_updated ON upload (updated_at);

-- The exact bytes of manifests and what was read from them and their config, shared by repositories.
-- A row exists as long as a manifest names it.
CREATE TABLE manifest_content (
	digest TEXT NOT NULL PRIMARY KEY,
	content {{bytes}} NOT NULL,
	annotations TEXT NOT NULL DEFAULT '{}', -- JSON object
	extra_attrs TEXT NOT NULL DEFAULT '{}'  -- JSON object, from the config
) {{strict}};

-- A manifest in a repository. listed: shown in listings, that is no accessory, and tagged or no child
-- of an index. accessory_of is the digest of what it belongs to, whether by subject or by
-- Cosign's tag; subject is the subject field alone, which the referrers API answers by.
CREATE TABLE manifest (
	id {{id}},
	repository_id {{int}} NOT NULL REFERENCES repository (id),
	digest TEXT NOT NULL REFERENCES manifest_content (digest),
	media_type TEXT NOT NULL,
	config_media_type TEXT NOT NULL DEFAULT '', -- of an index its own media type
	artifact_type TEXT NOT NULL DEFAULT '',
	type TEXT NOT NULL,
	size {{int}} NOT NULL, -- manifest, config and layers, or an index and its children
	content_size {{int}} NOT NULL,
	subject TEXT NOT NULL DEFAULT '',
	accessory_of TEXT NOT NULL DEFAULT '',
	accessory_type TEXT NOT NULL DEFAULT '',
	listed {{bool}} NOT NULL DEFAULT TRUE,
	pushed_at {{int}} NOT NULL,
	pulled_at {{int}} NOT NULL DEFAULT 0,
	UNIQUE (repository_id, digest)
) {{strict}};
CREATE INDEX manifest_digest ON manifest (digest);
CREATE INDEX manifest_listed ON manifest (repository_id, pushed_at, id, listed) WHERE listed; -- counting needs no row
CREATE INDEX manifest_base ON manifest (repository_id, pushed_at, id) WHERE accessory_of = '';
CREATE INDEX manifest_subject ON manifest (repository_id, subject, id) WHERE subject <> '';
CREATE INDEX manifest_accessory ON manifest (repository_id, accessory_of, id) WHERE accessory_of <> '';

-- Blobs that a manifest names.
CREATE TABLE manifest_blob (
	manifest_id {{int}} NOT NULL REFERENCES manifest (id) ON DELETE CASCADE,
	blob_id {{int}} NOT NULL REFERENCES blob (id),
	PRIMARY KEY (manifest_id, blob_id)
) {{strict}};
CREATE INDEX manifest_blob_blob ON manifest_blob (blob_id);

-- Children of an index, in its order.
CREATE TABLE manifest_child (
	parent_id {{int}} NOT NULL REFERENCES manifest (id) ON DELETE CASCADE,
	position {{int}} NOT NULL,
	child_id {{int}} NOT NULL REFERENCES manifest (id),
	platform TEXT NOT NULL DEFAULT '',    -- JSON of the descriptor's platform, '' when it has none
	annotations TEXT NOT NULL DEFAULT '', -- JSON of the descriptor's annotations
	urls TEXT NOT NULL DEFAULT '',        -- JSON of the descriptor's urls
	PRIMARY KEY (parent_id, position)
) {{strict}};
CREATE INDEX manifest_child_child ON manifest_child (child_id, parent_id);

CREATE TABLE tag (
	id {{id}},
	repository_id {{int}} NOT NULL REFERENCES repository (id),
	name TEXT {{bytewise}} NOT NULL,
	manifest_id {{int}} NOT NULL REFERENCES manifest (id),
	pushed_at {{int}} NOT NULL,
	pulled_at {{int}} NOT NULL DEFAULT 0,
	UNIQUE (repository_id, name)
) {{strict}};
CREATE INDEX tag_manifest ON tag (manifest_id, name);

-- What happened, written in the transaction that caused it; rows leave when the listeners have done
-- their part in one transaction (package event).
CREATE TABLE event (
	id {{id}},
	kind TEXT NOT NULL,
	body TEXT NOT NULL, -- JSON
	created_at {{int}} NOT NULL,
	attempts {{int}} NOT NULL DEFAULT 0, -- failed so far
	retry_at {{int}} NOT NULL DEFAULT 0  -- not tried before; the greatest number: set aside
) {{strict}};

CREATE TABLE audit (
	id {{id}},
	project_id {{int}} NOT NULL DEFAULT 0, -- 0: of no project; outlives the project
	username TEXT NOT NULL,
	event_type TEXT NOT NULL,
	operation TEXT NOT NULL,
	resource_type TEXT NOT NULL,
	resource TEXT NOT NULL,
	description TEXT NOT NULL DEFAULT '',
	result {{bool}} NOT NULL,
	created_at {{int}} NOT NULL
) {{strict}};
CREATE INDEX audit_created ON audit (created_at, id);
CREATE INDEX audit_project ON audit (project_id, created_at, id);

-- +goose Down
DROP TABLE audit;
DROP TABLE event;
DROP TABLE tag;
DROP TABLE manifest_child;
DROP TABLE manifest_blob;
DROP TABLE manifest;
DROP TABLE manifest_content;
DROP TABLE upload;
DROP TABLE repository_blob;
DROP TABLE blob;
DROP TABLE repository;
DROP TABLE robot_permission;
DROP TABLE robot_prefix;
DROP TABLE robot_secret;
DROP TABLE robot;
DROP TABLE project_member;
DROP TABLE cve_allowlist;
DROP TABLE project_metadata;
DROP TABLE project;
DROP TABLE login_failure;
DROP TABLE session;
DROP TABLE account_password;
DROP TABLE account;
DROP TABLE sealed_key;
DROP TABLE setting;
