-- +goose Up

-- admin_in_auth: a provider of the account says that it is an administrator.
-- ask_after: when the account's providers are to be asked about it again, 0 for one without.
-- left_at: since when nothing lets the account in: its providers don't know it any more, and it has no
-- password of its own. 0 while something does. All three follow from account_link.
ALTER TABLE account ADD COLUMN admin_in_auth {{bool}} NOT NULL DEFAULT FALSE;
ALTER TABLE account ADD COLUMN ask_after {{int}} NOT NULL DEFAULT 0;
ALTER TABLE account ADD COLUMN left_at {{int}} NOT NULL DEFAULT 0;

-- Who an account is for a provider, and what the provider last said: word is a digest of it, '' to take
-- the next one for news. used_at is when it was last said because the account was in use; gone: the
-- provider doesn't know the subject any more.
CREATE TABLE account_link (
	provider TEXT NOT NULL,
	subject TEXT NOT NULL,
	account_id {{int}} NOT NULL REFERENCES account (id) ON DELETE CASCADE,
	admin {{bool}} NOT NULL DEFAULT FALSE,
	gone {{bool}} NOT NULL DEFAULT FALSE,
	word TEXT NOT NULL DEFAULT '',
	heard_at {{int}} NOT NULL,
	used_at {{int}} NOT NULL,
	created_at {{int}} NOT NULL,
	PRIMARY KEY (provider, subject),
	UNIQUE (account_id, provider)
) {{strict}};
CREATE INDEX account_link_used ON account_link (used_at) WHERE NOT gone;

-- type: 1 LDAP, 2 HTTP, 3 OIDC. key is what the provider names it by: a normalised DN, or the name.
CREATE TABLE user_group (
	id {{id}},
	name TEXT NOT NULL,
	type {{int}} NOT NULL CHECK (type IN (1, 2, 3)),
	key TEXT NOT NULL,
	created_at {{int}} NOT NULL,
	updated_at {{int}} NOT NULL,
	UNIQUE (type, key)
) {{strict}};
CREATE INDEX user_group_name ON user_group (name);

-- Who is in which group, by the last word of the provider; told_at is when it first said so.
CREATE TABLE account_group (
	account_id {{int}} NOT NULL REFERENCES account (id) ON DELETE CASCADE,
	group_id {{int}} NOT NULL REFERENCES user_group (id) ON DELETE CASCADE,
	told_at {{int}} NOT NULL,
	PRIMARY KEY (account_id, group_id)
) {{strict}};
CREATE INDEX account_group_group ON account_group (group_id, account_id);

-- A member is an account or a group. Neither database makes a column nullable in a way that the other
-- knows, so the table is made anew, with its ids and what ids it has used up.
CREATE TABLE member_next (
	id {{id}},
	project_id {{int}} NOT NULL REFERENCES project (id) ON DELETE CASCADE,
	account_id {{int}} REFERENCES account (id) ON DELETE CASCADE,
	group_id {{int}} REFERENCES user_group (id) ON DELETE CASCADE,
	role_id {{int}} NOT NULL CHECK (role_id BETWEEN 1 AND 5),
	created_at {{int}} NOT NULL,
	updated_at {{int}} NOT NULL,
	UNIQUE (project_id, account_id),
	UNIQUE (project_id, group_id),
	CHECK ((account_id IS NULL) <> (group_id IS NULL))
) {{strict}};
INSERT INTO member_next (id, project_id, account_id, role_id, created_at, updated_at)
	SELECT id, project_id, account_id, role_id, created_at, updated_at FROM project_member ORDER BY id;
{{sqlite}} DELETE FROM sqlite_sequence WHERE name = 'member_next';
{{sqlite}} INSERT INTO sqlite_sequence (name, seq) SELECT 'member_next', seq FROM sqlite_sequence WHERE name = 'project_member';
{{postgres}} SELECT setval(pg_get_serial_sequence('member_next', 'id'), nextval(pg_get_serial_sequence('project_member', 'id')));
DROP TABLE project_member;
ALTER TABLE member_next RENAME TO project_member;
CREATE INDEX project_member_account ON project_member (account_id, project_id);
CREATE INDEX project_member_group ON project_member (group_id, project_id);

-- +goose Down
CREATE TABLE member_before (
	id {{id}},
	project_id {{int}} NOT NULL REFERENCES project (id) ON DELETE CASCADE,
	account_id {{int}} NOT NULL REFERENCES account (id) ON DELETE CASCADE,
	role_id {{int}} NOT NULL CHECK (role_id BETWEEN 1 AND 5),
	created_at {{int}} NOT NULL,
	updated_at {{int}} NOT NULL,
	UNIQUE (project_id, account_id)
) {{strict}};
INSERT INTO member_before (id, project_id, account_id, role_id, created_at, updated_at)
	SELECT id, project_id, account_id, role_id, created_at, updated_at FROM project_member WHERE account_id IS NOT NULL ORDER BY id;
{{sqlite}} DELETE FROM sqlite_sequence WHERE name = 'member_before';
{{sqlite}} INSERT INTO sqlite_sequence (name, seq) SELECT 'member_before', seq FROM sqlite_sequence WHERE name = 'project_member';
{{postgres}} SELECT setval(pg_get_serial_sequence('member_before', 'id'), nextval(pg_get_serial_sequence('project_member', 'id')));
DROP TABLE project_member;
ALTER TABLE member_before RENAME TO project_member;
CREATE INDEX project_member_account ON project_member (account_id, project_id);
DROP TABLE account_group;
DROP TABLE user_group;
DROP TABLE account_link;
ALTER TABLE account DROP COLUMN left_at;
ALTER TABLE account DROP COLUMN ask_after;
ALTER TABLE account DROP COLUMN admin_in_auth;
