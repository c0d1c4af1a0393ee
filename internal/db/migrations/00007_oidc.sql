-- +goose Up

-- What is known of accounts that an OpenID provider brought, apart from account, so that no listing or filter
-- can reach it (S4). subject is the issuer, a blank and the sub.
CREATE TABLE oidc_account (
	account_id {{int}} NOT NULL PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
	subject TEXT NOT NULL UNIQUE,
	cli_secret {{bytes}} NOT NULL, -- sealed
	grant_tokens {{bytes}} NOT NULL, -- sealed: the provider's tokens
	person TEXT NOT NULL, -- as the provider last described them, JSON
	checked_at {{int}} NOT NULL, -- when that was; 0: the provider doesn't know them any more
	generation {{int}} NOT NULL DEFAULT 1, -- grows with each sign-in and refresh
	lease_until {{int}} NOT NULL DEFAULT 0, -- until then one process is asking the provider
	created_at {{int}} NOT NULL,
	updated_at {{int}} NOT NULL
) {{strict}};

-- Sessions that a provider's log-out ends. They go with the session itself.
CREATE TABLE oidc_session (
	token_hash {{bytes}} NOT NULL PRIMARY KEY REFERENCES session (token_hash) ON DELETE CASCADE ON UPDATE CASCADE,
	subject TEXT NOT NULL,
	sid TEXT NOT NULL DEFAULT '', -- the issuer, a blank and its name for the provider's session; or nothing
	id_token {{bytes}} NOT NULL -- sealed
) {{strict}};
CREATE INDEX oidc_session_subject ON oidc_session (subject);
CREATE INDEX oidc_session_sid ON oidc_session (sid);

-- People who came without an account and are asked for a user name.
CREATE TABLE oidc_onboarding (
	token_hash {{bytes}} NOT NULL PRIMARY KEY,
	sealed {{bytes}} NOT NULL,
	expires_at {{int}} NOT NULL
) {{strict}};
CREATE INDEX oidc_onboarding_expires ON oidc_onboarding (expires_at);

-- What must not be used twice: attempts to sign in, and log-out tokens.
CREATE TABLE oidc_once (
	name TEXT NOT NULL PRIMARY KEY,
	expires_at {{int}} NOT NULL
) {{strict}};
CREATE INDEX oidc_once_expires ON oidc_once (expires_at);

-- +goose Down
DROP TABLE oidc_once;
DROP TABLE oidc_onboarding;
DROP TABLE oidc_session;
DROP TABLE oidc_account;
