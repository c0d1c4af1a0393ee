-- +goose Up

-- What the automatic certificate needs: the account's key, certificates with their keys, answers to challenges.
CREATE TABLE acme_entry (
	name TEXT NOT NULL PRIMARY KEY,
	sealed {{bytes}} NOT NULL
) {{clustered}};

-- +goose Down
DROP TABLE acme_entry;
