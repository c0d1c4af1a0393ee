-- As much of the schema of a Harbor 2 (schema version 160) as an adoption reads. Names and types are Harbor's
-- (github.com/goharbor/harbor, make/migrations/postgresql, Apache-2.0).
CREATE TABLE schema_migrations (version BIGINT NOT NULL PRIMARY KEY, dirty BOOLEAN NOT NULL);
CREATE TABLE properties (id SERIAL PRIMARY KEY, k VARCHAR(64) NOT NULL UNIQUE, v TEXT NOT NULL);
CREATE TABLE harbor_user (user_id INT PRIMARY KEY, username VARCHAR(255), email VARCHAR(255), password VARCHAR(40) NOT NULL, realname VARCHAR(255) NOT NULL,
	comment VARCHAR(30), deleted BOOLEAN NOT NULL DEFAULT FALSE, salt VARCHAR(40), sysadmin_flag BOOLEAN NOT NULL DEFAULT FALSE,
	creation_time TIMESTAMP DEFAULT now(), update_time TIMESTAMP DEFAULT now(), password_version VARCHAR(16) DEFAULT 'sha256');
CREATE TABLE oidc_user (id SERIAL PRIMARY KEY, user_id INT NOT NULL, secret VARCHAR(255) NOT NULL, subiss VARCHAR(255) NOT NULL, token TEXT);
CREATE TABLE user_group (id INT PRIMARY KEY, group_name VARCHAR(255) NOT NULL, group_type SMALLINT DEFAULT 0, ldap_group_dn VARCHAR(512) NOT NULL,
	creation_time TIMESTAMP DEFAULT now(), update_time TIMESTAMP DEFAULT now());
CREATE TABLE project (project_id INT PRIMARY KEY, owner_id INT NOT NULL, name VARCHAR(255) NOT NULL, deleted BOOLEAN NOT NULL DEFAULT FALSE, registry_id INT,
	creation_time TIMESTAMP DEFAULT now(), update_time TIMESTAMP DEFAULT now());
CREATE TABLE project_metadata (id SERIAL PRIMARY KEY, project_id INT NOT NULL, name VARCHAR(255) NOT NULL, value VARCHAR(255));
CREATE TABLE project_member (id SERIAL PRIMARY KEY, project_id INT NOT NULL, entity_id INT NOT NULL, entity_type CHAR(1) NOT NULL, role INT NOT NULL,
	creation_time TIMESTAMP DEFAULT now(), update_time TIMESTAMP DEFAULT now());
CREATE TABLE quota (id SERIAL PRIMARY KEY, reference VARCHAR(255) NOT NULL, reference_id VARCHAR(255) NOT NULL, hard JSONB NOT NULL);
CREATE TABLE cve_allowlist (id SERIAL PRIMARY KEY, project_id INT, expires_at BIGINT, items TEXT NOT NULL);
CREATE TABLE robot (id BIGINT PRIMARY KEY, name VARCHAR(255), description VARCHAR(1024), project_id INT, expiresat BIGINT, disabled BOOLEAN NOT NULL DEFAULT FALSE,
	visible BOOLEAN NOT NULL DEFAULT TRUE, secret VARCHAR(2048), salt VARCHAR(64), duration INT, creator_ref BIGINT DEFAULT 0, creator_type VARCHAR(255),
	creation_time TIMESTAMP DEFAULT now(), update_time TIMESTAMP DEFAULT now());
CREATE TABLE permission_policy (id BIGSERIAL PRIMARY KEY, scope VARCHAR(255) NOT NULL, resource VARCHAR(255), action VARCHAR(255), effect VARCHAR(255));
CREATE TABLE role_permission (id BIGSERIAL PRIMARY KEY, role_type VARCHAR(255) NOT NULL, role_id BIGINT NOT NULL, permission_policy_id BIGINT NOT NULL);
CREATE TABLE harbor_label (id INT PRIMARY KEY, name VARCHAR(128) NOT NULL, description TEXT, color VARCHAR(16), level CHAR(1) NOT NULL, scope CHAR(1) NOT NULL,
	project_id INT, deleted BOOLEAN NOT NULL DEFAULT FALSE, creation_time TIMESTAMP DEFAULT now(), update_time TIMESTAMP DEFAULT now());
CREATE TABLE label_reference (id SERIAL PRIMARY KEY, label_id INT NOT NULL, artifact_id INT NOT NULL);
CREATE TABLE immutable_tag_rule (id INT PRIMARY KEY, project_id INT NOT NULL, tag_filter TEXT, disabled BOOLEAN NOT NULL DEFAULT FALSE, creation_time TIMESTAMP DEFAULT now());
CREATE TABLE retention_policy (id INT PRIMARY KEY, scope_level VARCHAR(20), scope_reference INT, trigger_kind VARCHAR(20), data TEXT, create_time TIMESTAMP DEFAULT now());
CREATE TABLE registry (id INT PRIMARY KEY, name VARCHAR(64), url VARCHAR(256), access_key VARCHAR(4096), access_secret VARCHAR(4096), insecure BOOLEAN NOT NULL DEFAULT FALSE,
	credential_type VARCHAR(16), type VARCHAR(32), description TEXT, creation_time TIMESTAMP DEFAULT now());
CREATE TABLE replication_policy (id INT PRIMARY KEY, name VARCHAR(256), dest_registry_id INT, src_registry_id INT, enabled BOOLEAN NOT NULL DEFAULT TRUE, description TEXT,
	deleted BOOLEAN NOT NULL DEFAULT FALSE, trigger VARCHAR(256), filters VARCHAR(1024), replicate_deletion BOOLEAN NOT NULL DEFAULT FALSE, override BOOLEAN,
	dest_namespace VARCHAR(256), dest_namespace_replace_count INT, speed_kb INT, creation_time TIMESTAMP DEFAULT now());
CREATE TABLE notification_policy (id INT PRIMARY KEY, name VARCHAR(256), project_id INT NOT NULL, enabled BOOLEAN NOT NULL DEFAULT TRUE, description TEXT, targets TEXT,
	event_types TEXT, creator VARCHAR(256), creation_time TIMESTAMP DEFAULT now());
CREATE TABLE p2p_preheat_instance (id INT PRIMARY KEY, name VARCHAR(255) NOT NULL, description VARCHAR(255), vendor VARCHAR(255) NOT NULL, endpoint VARCHAR(255) NOT NULL,
	auth_mode VARCHAR(255), auth_data TEXT, enabled BOOLEAN, is_default BOOLEAN, insecure BOOLEAN, setup_timestamp BIGINT);
CREATE TABLE p2p_preheat_policy (id INT PRIMARY KEY, name VARCHAR(255) NOT NULL, description VARCHAR(1024), project_id INT NOT NULL, provider_id INT NOT NULL,
	filters VARCHAR(1024), trigger VARCHAR(255), enabled BOOLEAN, creation_time TIMESTAMP);
CREATE TABLE schedule (id SERIAL PRIMARY KEY, vendor_type VARCHAR(64), vendor_id INT, cron VARCHAR(64), cron_type VARCHAR(64), callback_func_param TEXT, extra_attrs JSON);
CREATE TABLE repository (repository_id INT PRIMARY KEY, name VARCHAR(255) NOT NULL, project_id INT NOT NULL, description TEXT, pull_count INT NOT NULL DEFAULT 0,
	creation_time TIMESTAMP DEFAULT now());
CREATE TABLE artifact (id SERIAL PRIMARY KEY, project_id INT NOT NULL, repository_name VARCHAR(255) NOT NULL, digest VARCHAR(255) NOT NULL, repository_id INT NOT NULL,
	manifest_media_type VARCHAR(255) NOT NULL, push_time TIMESTAMP, pull_time TIMESTAMP);
CREATE TABLE tag (id SERIAL PRIMARY KEY, repository_id INT NOT NULL, artifact_id INT NOT NULL, name VARCHAR(255) NOT NULL, push_time TIMESTAMP DEFAULT now(), pull_time TIMESTAMP);
CREATE TABLE execution (id SERIAL PRIMARY KEY, vendor_type VARCHAR(64) NOT NULL);
INSERT INTO schema_migrations VALUES (160, FALSE);
INSERT INTO execution (vendor_type) VALUES ('GARBAGE_COLLECTION');
