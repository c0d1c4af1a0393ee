-- +goose Up

-- Keys that Haven signs with. The private part goes when another key of the format comes; the public one stays, for what was signed.
CREATE TABLE signing_key (
	id {{id}},
	format TEXT NOT NULL CHECK (format IN ('cosign', 'notation')),
	public_key TEXT NOT NULL,              -- PEM
	certificates TEXT NOT NULL DEFAULT '', -- PEM, of a key of Notation's: its certificate and the one of the authority
	fingerprint TEXT NOT NULL,
	private_key {{bytes}},                 -- sealed; NULL: it signs no more
	created_at {{int}} NOT NULL
) {{strict}};
CREATE UNIQUE INDEX signing_key_current ON signing_key (format) WHERE private_key IS NOT NULL;

-- What a project wants signed. Without a row: nothing.
CREATE TABLE signing_policy (
	project_id {{int}} NOT NULL PRIMARY KEY REFERENCES project (id) ON DELETE CASCADE,
	enabled {{bool}} NOT NULL,
	formats TEXT NOT NULL, -- with spaces between
	attest {{bool}} NOT NULL,
	require_trust {{bool}} NOT NULL,
	updated_at {{int}} NOT NULL
) {{strict}};
CREATE INDEX signing_policy_enabled ON signing_policy (project_id) WHERE enabled;

-- What Haven has begun to say about a manifest. The moment is written down before the bytes are made, so that another try makes the same.
CREATE TABLE signing_made (
	manifest_id {{int}} NOT NULL REFERENCES manifest (id) ON DELETE CASCADE,
	form TEXT NOT NULL,
	key_id {{int}} NOT NULL REFERENCES signing_key (id),
	digest TEXT NOT NULL DEFAULT '', -- of the manifest that says it, '': it may not be there yet
	made_at {{int}} NOT NULL,
	PRIMARY KEY (manifest_id, form, key_id)
) {{clustered}};

-- +goose Down
DROP TABLE signing_made;
DROP TABLE signing_policy;
DROP TABLE signing_key;
