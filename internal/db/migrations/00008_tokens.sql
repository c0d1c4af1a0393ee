-- +goose Up

-- The secret before the present one, which a rotation keeps good for a while: until previous_until, in
-- microseconds. '' and 0: there is none.
ALTER TABLE robot_secret ADD COLUMN previous_hash TEXT NOT NULL DEFAULT '';
ALTER TABLE robot_secret ADD COLUMN previous_until {{int}} NOT NULL DEFAULT 0;
CREATE INDEX robot_secret_previous ON robot_secret (previous_until) WHERE previous_until > 0;
CREATE INDEX robot_expires ON robot (expires_at) WHERE expires_at > 0;

-- When robots were last used, apart from robot: docker tokens look again when that table changes.
CREATE TABLE robot_use (
	robot_id {{int}} NOT NULL PRIMARY KEY REFERENCES robot (id) ON DELETE CASCADE,
	used_at {{int}} NOT NULL
) {{strict}};

-- Which expiry of a robot was announced, so that it is once.
CREATE TABLE robot_warning (
	robot_id {{int}} NOT NULL PRIMARY KEY REFERENCES robot (id) ON DELETE CASCADE,
	expires_at {{int}} NOT NULL
) {{strict}};

-- Personal access tokens. A row never changes: what a token may do is settled when it is made.
CREATE TABLE personal_token (
	id {{id}},
	account_id {{int}} NOT NULL REFERENCES account (id) ON DELETE CASCADE,
	name TEXT NOT NULL,
	hash {{bytes}} NOT NULL UNIQUE, -- SHA-256 of the token, which is 256 random bits
	hint TEXT NOT NULL, -- its last characters, by which its owner tells it
	expires_at {{int}} NOT NULL DEFAULT 0, -- 0: never
	created_at {{int}} NOT NULL,
	UNIQUE (account_id, name)
) {{strict}};
CREATE INDEX personal_token_expires ON personal_token (expires_at) WHERE expires_at > 0;

-- What a token is narrowed to, with the kinds of robot_permission. '*' for both words: all that the owner may there.
CREATE TABLE personal_token_permission (
	id {{id}},
	token_id {{int}} NOT NULL REFERENCES personal_token (id) ON DELETE CASCADE,
	kind TEXT NOT NULL CHECK (kind IN ('system', 'project', 'all')),
	project_id {{int}} REFERENCES project (id) ON DELETE CASCADE,
	resource TEXT NOT NULL,
	action TEXT NOT NULL
) {{strict}};
CREATE INDEX personal_token_permission_token ON personal_token_permission (token_id);
CREATE INDEX personal_token_permission_project ON personal_token_permission (project_id);

CREATE TABLE personal_token_use (
	token_id {{int}} NOT NULL PRIMARY KEY REFERENCES personal_token (id) ON DELETE CASCADE,
	used_at {{int}} NOT NULL
) {{strict}};

-- public_id names a session in lists; neither the token nor its hash follow from it, nor it from them in SQL, so
-- people sign in again. admin: whether it was opened by a system administrator; it ends when that changes.
DELETE FROM session;
ALTER TABLE session ADD COLUMN public_id TEXT NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN admin {{bool}} NOT NULL DEFAULT FALSE;
CREATE UNIQUE INDEX session_public ON session (public_id);

-- +goose Down
DROP INDEX session_public;
ALTER TABLE session DROP COLUMN admin;
ALTER TABLE session DROP COLUMN public_id;
DROP TABLE personal_token_use;
DROP TABLE personal_token_permission;
DROP TABLE personal_token;
DROP TABLE robot_warning;
DROP TABLE robot_use;
DROP INDEX robot_expires;
DROP INDEX robot_secret_previous;
ALTER TABLE robot_secret DROP COLUMN previous_until;
ALTER TABLE robot_secret DROP COLUMN previous_hash;
