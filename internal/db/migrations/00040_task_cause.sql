-- +goose Up

-- The part of a trace that a task is caused by, as a traceparent of W3C; empty where no trace was kept.
ALTER TABLE job_task ADD COLUMN cause TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE job_task DROP COLUMN cause;
