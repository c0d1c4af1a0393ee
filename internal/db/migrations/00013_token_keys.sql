-- +goose Up

-- Docker tokens are signed with another kind of key, which is made at the next start. The tokens of the old one
-- were good for half an hour.
DELETE FROM sealed_key WHERE purpose = 'token';

-- +goose Down
DELETE FROM sealed_key WHERE purpose = 'token';
