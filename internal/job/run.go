package job

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/havenregistry/haven/internal/db"
)

// Run is one try at a task, by one process. Its methods are for the goroutine of Work.Do and those it waits for.
type Run struct {
	s        *Service
	task     Task
	work     Work
	cancel   context.CancelCauseFunc
	finished atomic.Bool
	stopped  atomic.Bool
	log      record
}

// Task is the task as it was when the run began.
func (r *Run) Task() Task { return r.task }

// Decode reads the task's payload into v.
func (r *Run) Decode(v any) error { return r.task.Decode(v) }

// Logf adds a line to the task's log. It never blocks, and writes to the database a little later.
func (r *Run) Logf(format string, args ...any) {
	r.log.add(r.s.clock(), fmt.Sprintf(format, args...))
}

const (
	hold = `UPDATE job_task SET lease_until = $1, updated_at = $2 WHERE id = $3 AND holder = $4 AND runs = $5 AND status = 'Running'`
	save = `UPDATE job_task SET checkpoint = $1 WHERE id = $2`
	end  = `UPDATE job_task SET status = $1, message = $2, failures = $3, due_at = $4, ended_at = $5, lease_until = 0, updated_at = $6
		WHERE id = $7 AND holder = $8 AND runs = $9 AND status = 'Running'`
)

// Write runs f in one transaction, as db.Write does, which changes nothing and is ErrLost when this run doesn't hold
// the task any more. It may be called often: each of f's effects is followed by no other run's that didn't see it.
func (r *Run) Write(ctx context.Context, f func(tx db.Tx) error) error {
	return r.s.db.Write(ctx, func(tx db.Tx) error { return r.held(ctx, tx, f) })
}

// WriteRelaxed is Write without waiting for the disk, as db.WriteRelaxed is.
func (r *Run) WriteRelaxed(ctx context.Context, f func(tx db.Tx) error) error {
	return r.s.db.WriteRelaxed(ctx, func(tx db.Tx) error { return r.held(ctx, tx, f) })
}

// held changes the row before f does anything, and not only reads it: so whoever takes the task away conflicts with
// this transaction, whatever f looks at.
func (r *Run) held(ctx context.Context, tx db.Tx, f func(tx db.Tx) error) error {
	now := r.s.clock()
	n, err := tx.Exec(ctx, hold, db.Micros(now.Add(leaseTime)), db.Micros(now), r.task.ID, r.s.holder, r.task.Runs)
	switch {
	case err != nil:
		return fmt.Errorf("hold task %d: %w", r.task.ID, err)
	case n == 0:
		return ErrLost
	}
	return f(tx)
}

// Checkpoint writes down where a later run goes on.
func (r *Run) Checkpoint(ctx context.Context, v any) error {
	return r.WriteRelaxed(ctx, func(tx db.Tx) error { return r.Save(ctx, tx, v) })
}

// Save is Checkpoint in a transaction of Write, together with its effects.
func (r *Run) Save(ctx context.Context, tx db.Tx, v any) error {
	text, err := encode(v)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, save, text, r.task.ID); err != nil {
		return fmt.Errorf("save how far task %d is: %w", r.task.ID, err)
	}
	return nil
}

// Resume reads the last checkpoint of former runs into v. It reports whether there is one.
func (r *Run) Resume(v any) (bool, error) {
	if r.task.checkpoint == "" {
		return false, nil
	}
	return true, decode([]byte(r.task.checkpoint), v)
}

// Finish ends the task with success, in one transaction with its effect, f (which may be nil). When it returns nil,
// both are there, once; ErrLost, when this run doesn't hold the task any more and neither is.
func (r *Run) Finish(ctx context.Context, f func(tx db.Tx) error) error {
	written := r.log.take()
	err := r.conclusion(ctx, func(tx db.Tx) error {
		if err := r.end(ctx, tx, ending{status: Success, failures: r.task.Failures}); err != nil {
			return err
		}
		if f != nil {
			if err := f(tx); err != nil {
				return err
			}
		}
		return r.settled(ctx, tx, Success, written)
	})
	if err != nil {
		return fmt.Errorf("finish task %d: %w", r.task.ID, err)
	}
	r.log.stored(written)
	r.finished.Store(true)
	r.s.stats.ended(r.task.Kind, Success)
	return nil
}

// conclusion is the last transaction of a run.
func (r *Run) conclusion(ctx context.Context, f func(tx db.Tx) error) error {
	return r.s.counting(ctx, []int64{r.task.ExecutionID}, func() error { return r.s.db.Write(ctx, f) })
}

// ending is how a run leaves its task.
type ending struct {
	status   Status
	message  string
	failures int
	due      int64
}

// end changes the task's row, or is ErrLost.
func (r *Run) end(ctx context.Context, tx db.Tx, e ending) error {
	now, ended := db.Micros(r.s.clock()), int64(0)
	if e.status.Ended() {
		ended = now
	}
	n, err := tx.Exec(ctx, end, e.status, bounded(e.message, maxMessage), e.failures, e.due, ended, now, r.task.ID, r.s.holder, r.task.Runs)
	if err == nil && n == 0 {
		return ErrLost
	}
	return err
}

// settled counts what end did, and writes the rest of the log.
func (r *Run) settled(ctx context.Context, tx db.Tx, now Status, written []piece) error {
	if err := r.log.write(ctx, tx, r.task.ID, written); err != nil {
		return err
	}
	_, err := r.s.settle(ctx, tx, r.task.ExecutionID, moved(Running, now, 1))
	return err
}
