-- +goose Up

-- Scanners: our own, and others that speak Harbor's scanner adapter API. Exactly one is the default.
CREATE TABLE scanner (
	id {{id}},
	uuid TEXT NOT NULL UNIQUE,
	name TEXT NOT NULL UNIQUE,
	url TEXT NOT NULL UNIQUE, -- without a slash at the end
	description TEXT NOT NULL DEFAULT '',
	builtin {{bool}} NOT NULL DEFAULT FALSE,
	disabled {{bool}} NOT NULL DEFAULT FALSE,
	is_default {{bool}} NOT NULL DEFAULT FALSE,
	auth TEXT NOT NULL DEFAULT '' CHECK (auth IN ('', 'Basic', 'Bearer', 'X-ScannerAdapter-API-Key')),
	credential {{bytes}}, -- sealed; NULL: none. It is for the scheme, host and port of url alone
	skip_verify {{bool}} NOT NULL DEFAULT FALSE,
	use_internal_addr {{bool}} NOT NULL DEFAULT FALSE,
	created_at {{int}} NOT NULL,
	updated_at {{int}} NOT NULL
) {{strict}};
CREATE UNIQUE INDEX scanner_default ON scanner (is_default) WHERE is_default = TRUE;
CREATE UNIQUE INDEX scanner_builtin ON scanner (builtin) WHERE builtin = TRUE;

{{sqlite}} INSERT INTO scanner (uuid, name, url, description, builtin, is_default, created_at, updated_at) SELECT 'd1a0f6f2-6f0b-4c55-9a1e-3b7f2f6c8e10', 'Trivy', 'internal://trivy', 'Built in', TRUE, TRUE, n, n FROM (SELECT CAST(unixepoch('subsec') * 1000000 AS INTEGER) AS n);
{{postgres}} INSERT INTO scanner (uuid, name, url, description, builtin, is_default, created_at, updated_at) SELECT 'd1a0f6f2-6f0b-4c55-9a1e-3b7f2f6c8e10', 'Trivy', 'internal://trivy', 'Built in', TRUE, TRUE, n, n FROM (SELECT CAST(EXTRACT(EPOCH FROM now()) * 1000000 AS BIGINT) AS n) t;

-- What lets a scanner pull one repository while it scans. The token says which; it dies with the row.
CREATE TABLE scan_pass (
	id {{id}},
	expires_at {{int}} NOT NULL
) {{strict}};
CREATE INDEX scan_pass_expires ON scan_pass (expires_at);

-- +goose Down
DROP TABLE scan_pass;
DROP TABLE scanner;
