-- +goose Up

-- Editions of the vulnerability database. Their bytes lie in the store as records (vulndb/LOCATION/NUMBER), which nobody
-- reclaims. Of those that are ready the one that was imported last is in force.

CREATE TABLE vulndb_edition (
	id {{id}},
	location TEXT NOT NULL UNIQUE,             -- of its records, its own alone
	chunks {{int}} NOT NULL,                   -- how many records it has
	digest TEXT NOT NULL,                      -- of the archive
	size {{int}} NOT NULL,                     -- of the archive, in bytes
	version {{int}} NOT NULL,                  -- of the schema
	updated_at {{int}} NOT NULL,               -- when it was published
	next_update {{int}} NOT NULL DEFAULT 0,    -- when the next one is promised; 0: not said
	imported_at {{int}} NOT NULL,              -- when it came into force, or its import began
	source TEXT NOT NULL,
	ready {{bool}} NOT NULL DEFAULT FALSE      -- all records are there
) {{strict}};
CREATE INDEX vulndb_edition_imported ON vulndb_edition (imported_at, id) WHERE ready;

-- +goose Down
DROP TABLE vulndb_edition;
