-- +goose Up

-- Registries elsewhere, which images are copied from and to.
CREATE TABLE remote_registry (
	id {{id}},
	name TEXT NOT NULL UNIQUE,
	kind TEXT NOT NULL,
	url TEXT NOT NULL, -- without a slash at the end
	description TEXT NOT NULL DEFAULT '',
	insecure {{bool}} NOT NULL DEFAULT FALSE,
	ca_certificate TEXT NOT NULL DEFAULT '',
	credential_type TEXT NOT NULL DEFAULT '',
	access_key TEXT NOT NULL DEFAULT '',
	access_secret {{bytes}}, -- sealed; NULL: none. It is for this url alone
	realm TEXT NOT NULL DEFAULT '', -- another origin that the credential may be sent to, as it was when somebody saved it
	complaint TEXT NOT NULL DEFAULT '', -- why it isn't healthy
	check_at {{int}} NOT NULL, -- when it is to be asked again: who moves this asks
	created_at {{int}} NOT NULL,
	updated_at {{int}} NOT NULL
) {{strict}};
CREATE INDEX remote_registry_check ON remote_registry (check_at);

-- +goose Down
DROP TABLE remote_registry;
