-- +goose Up

-- What the whole registry puts up with: one row, or none before it is first set.
CREATE TABLE system_cve_allowlist (
	id {{int}} NOT NULL PRIMARY KEY CHECK (id = 1),
	items TEXT NOT NULL DEFAULT '[]',
	expires_at {{int}} NOT NULL DEFAULT 0,
	created_at {{int}} NOT NULL,
	updated_at {{int}} NOT NULL
) {{strict}};

-- +goose Down
DROP TABLE system_cve_allowlist;
