-- +goose Up

-- Statements that end some day, for the night in which they go.
CREATE INDEX scan_vex_expires ON scan_vex (expires_at) WHERE expires_at > 0;

-- +goose Down
DROP INDEX scan_vex_expires;
