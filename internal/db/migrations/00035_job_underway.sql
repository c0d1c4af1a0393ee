-- +goose Up

-- What waits or runs is asked for every few seconds: all of it, and what somebody began.
CREATE INDEX job_execution_open ON job_execution (id) WHERE status IN ('Pending', 'Running');
CREATE INDEX job_execution_open_by ON job_execution (started_by, id) WHERE status IN ('Pending', 'Running');

-- +goose Down
DROP INDEX job_execution_open_by;
DROP INDEX job_execution_open;
