package job

import (
	"context"
	"fmt"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
)

// stopBatch is how many tasks one transaction stops, or has tried again.
const stopBatch = 500

const (
	openTasks   = `SELECT ` + taskFields + ` FROM job_task WHERE execution_id = $1 AND id > $2 AND status IN ('Pending', 'Scheduled', 'Running') ORDER BY id LIMIT $3`
	failedTasks = `SELECT ` + taskFields + ` FROM job_task WHERE execution_id = $1 AND id > $2 AND status = 'Error' ORDER BY id LIMIT $3`
	stopOne     = `UPDATE job_task SET status = 'Stopped', message = $1, lease_until = 0, due_at = 0, ended_at = $2, updated_at = $2 WHERE id = $3`
	retryOne    = `UPDATE job_task SET status = 'Pending', turn = $1, failures = 0, lost = 0, holder = '', queued_at = $2, ended_at = 0, updated_at = $2 WHERE id = $3`

	openOf      = `SELECT id FROM job_execution WHERE kind = $1 AND vendor_id = $2 AND status IN ('Pending', 'Running') ORDER BY id`
	toBeStopped = `SELECT id FROM job_execution WHERE stopping ORDER BY id LIMIT 100`
)

// Stop ends an execution: tasks that wait never begin, and those that run can write nothing more and are cancelled
// within seconds, whichever process runs them. One that has ended stays as it is. fault.NotFound where there is none.
func (s *Service) Stop(ctx context.Context, execution int64) error {
	stopped := false
	err := s.db.Write(ctx, func(tx db.Tx) (err error) {
		stopped, err = s.StopIn(ctx, tx, execution, "stopped")
		return err
	})
	if err == nil && stopped {
		err = s.stopAll(ctx, execution, 0)
	}
	if err != nil {
		return fmt.Errorf("stop execution %d: %w", execution, err)
	}
	return nil
}

// StopIn is Stop in a transaction; where there are many tasks, they are stopped batch by batch after it. words are
// the last in the tasks' logs. It reports whether there was something to stop.
func (s *Service) StopIn(ctx context.Context, tx db.Tx, execution int64, words string) (bool, error) {
	e, err := getExecution(ctx, tx, execution)
	if err != nil || e.Status.Ended() {
		return false, err
	}
	tx.AfterCommit(s.changed)
	_, more, err := s.stopSome(ctx, tx, execution, 0, words)
	if err != nil || !more {
		return true, err
	}
	_, err = tx.Exec(ctx, setStopping, execution) // unless those were all: it has ended then
	return true, err
}

// StopOpen is StopIn for all executions of a kind for a vendor id.
func (s *Service) StopOpen(ctx context.Context, tx db.Tx, kind Kind, vendorID int64, words string) error {
	ids, err := db.Collect(ctx, tx, db.ScanInt, openOf, kind, vendorID)
	for _, id := range ids {
		if err == nil {
			_, err = s.StopIn(ctx, tx, id, words)
		}
	}
	if err != nil {
		return fmt.Errorf("stop the executions of %s %d: %w", kind, vendorID, err)
	}
	return nil
}

// stopRest goes on where a process ended while it stopped an execution of many tasks.
func (s *Service) stopRest(ctx context.Context) error {
	ids, err := db.Collect(ctx, s.db.Auto(), db.ScanInt, toBeStopped)
	for _, id := range ids {
		if err == nil {
			err = s.stopAll(ctx, id, 0)
		}
	}
	if err != nil {
		return fmt.Errorf("stop executions: %w", err)
	}
	return nil
}

// stopAll stops the tasks that come after one.
func (s *Service) stopAll(ctx context.Context, execution, after int64) error {
	for more := true; more; {
		last := after
		err := s.db.Write(ctx, func(tx db.Tx) (err error) {
			tx.AfterCommit(s.changed)
			last, more, err = s.stopSome(ctx, tx, execution, after, "stopped")
			return err
		})
		if err != nil {
			return err
		}
		after = last
	}
	return nil
}

// stopSome stops a batch of an execution's tasks. more says that there may be others after the last of them.
func (s *Service) stopSome(ctx context.Context, tx db.Tx, execution, after int64, words string) (last int64, more bool, err error) {
	tasks, err := db.Collect(ctx, tx, scanTask, openTasks, execution, after, stopBatch)
	if err != nil || len(tasks) == 0 {
		return after, false, err
	}
	return tasks[len(tasks)-1].ID, len(tasks) == stopBatch, s.stopTasks(ctx, tx, execution, tasks, words)
}

// stopTasks stops tasks of an execution that are open. The logs of those that run belong to their runs, which add the
// words when they learn of it.
func (s *Service) stopTasks(ctx context.Context, tx db.Tx, execution int64, tasks []Task, words string) error {
	var change Counts
	now := db.Micros(s.clock())
	for _, t := range tasks {
		if _, err := tx.Exec(ctx, stopOne, words, now, t.ID); err != nil {
			return err
		}
		if t.Status != Running {
			var last record
			last.add(s.clock(), words)
			if err := last.write(ctx, tx, t.ID, last.take()); err != nil {
				return err
			}
		}
		change = change.plus(moved(t.Status, Stopped, 1))
	}
	_, err := s.settle(ctx, tx, execution, change)
	return err
}

// StopTask is Stop for one task.
func (s *Service) StopTask(ctx context.Context, task int64) error {
	err := s.db.Write(ctx, func(tx db.Tx) error {
		t, err := getTask(ctx, tx, task)
		if err != nil || t.Status.Ended() {
			return err
		}
		tx.AfterCommit(s.changed)
		return s.stopTasks(ctx, tx, t.ExecutionID, []Task{t}, "stopped")
	})
	if err != nil {
		return fmt.Errorf("stop task %d: %w", task, err)
	}
	return nil
}

// Retry has the tasks of an execution that failed tried again, with all their attempts; from their last checkpoint.
// fault.NotFound where there is no such execution.
func (s *Service) Retry(ctx context.Context, execution int64) error {
	if _, err := s.Execution(ctx, execution); err != nil {
		return err
	}
	for after, more := int64(0), true; more; {
		last := after
		err := s.db.Write(ctx, func(tx db.Tx) error {
			tasks, err := db.Collect(ctx, tx, scanTask, failedTasks, execution, after, stopBatch)
			if more = len(tasks) == stopBatch; err != nil || len(tasks) == 0 {
				return err
			}
			last = tasks[len(tasks)-1].ID
			tx.AfterCommit(s.changed)
			return s.retryTasks(ctx, tx, execution, tasks)
		})
		if err != nil {
			return fmt.Errorf("try execution %d again: %w", execution, err)
		}
		after = last
	}
	return nil
}

// RetryTask is Retry for one task; a task that didn't fail is a fault.Invalid.
func (s *Service) RetryTask(ctx context.Context, task int64) error {
	err := s.db.Write(ctx, func(tx db.Tx) error {
		t, err := getTask(ctx, tx, task)
		if err != nil {
			return err
		}
		if t.Status != Error {
			return fault.Invalidf("task %d has not failed: its status is %s", task, t.Status)
		}
		tx.AfterCommit(s.changed)
		return s.retryTasks(ctx, tx, t.ExecutionID, []Task{t})
	})
	if err != nil {
		return fmt.Errorf("try task %d again: %w", task, err)
	}
	return nil
}

func (s *Service) retryTasks(ctx context.Context, tx db.Tx, execution int64, tasks []Task) error {
	upcoming, now := turns{}, db.Micros(s.clock())
	for _, t := range tasks {
		turn, err := upcoming.next(ctx, tx, place{t.Kind, t.Priority, t.Group})
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, retryOne, turn, now, t.ID); err != nil {
			return err
		}
	}
	_, err := s.settle(ctx, tx, execution, moved(Error, Pending, int64(len(tasks))))
	return err
}
