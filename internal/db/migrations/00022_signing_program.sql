-- +goose Up

-- The private part is not here, but with the signing program; private_key is a sealed nothing.
ALTER TABLE signing_key ADD COLUMN elsewhere {{bool}} NOT NULL DEFAULT FALSE;

-- +goose Down
ALTER TABLE signing_key DROP COLUMN elsewhere;
