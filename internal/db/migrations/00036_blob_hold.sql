-- +goose Up

-- Who copies the store: blobs that somebody let go of since then keep their bytes while the lease runs.
CREATE TABLE blob_hold (
	id TEXT NOT NULL PRIMARY KEY,
	since {{int}} NOT NULL,
	lease_until {{int}} NOT NULL
) {{clustered}};
CREATE INDEX blob_hold_since ON blob_hold (since, lease_until);

-- +goose Down
DROP TABLE blob_hold;
