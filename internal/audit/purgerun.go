package audit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/job"
)

// Wake says that there is an execution to work on; it never blocks.
func (p *Purger) Wake() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// Run works on executions until ctx is cancelled, and returns nil then.
func (p *Purger) Run(ctx context.Context) error {
	ticker := time.NewTicker(purgePoll)
	defer ticker.Stop()
	for {
		if err := p.turn(ctx); err != nil && ctx.Err() == nil {
			p.log.WarnContext(ctx, "purging the audit log failed", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		case <-p.wake:
		}
	}
}

// turn begins what is due and works on what is open, one execution after another.
func (p *Purger) turn(ctx context.Context) error {
	if err := p.fire(ctx); err != nil {
		return err
	}
	for {
		e, found, err := p.claim(ctx)
		if err != nil || !found {
			return err
		}
		if err := p.execute(ctx, e); err != nil {
			return err
		}
	}
}

// fire begins an execution when the schedule says so. Runs that were missed, while nothing ran here or another
// purge took its time, are one.
func (p *Purger) fire(ctx context.Context) error {
	s, found, err := p.Schedule(ctx)
	now := p.clock()
	if err != nil || !found || s.Next.After(now) {
		return err
	}
	cron, err := job.ParseCron(s.Cron)
	if err != nil {
		return fmt.Errorf("read the schedule of purges: %w", err)
	}
	err = p.db.Write(ctx, func(tx db.Tx) error {
		n, err := tx.Exec(ctx, moveSchedule, db.Micros(cron.Next(now)), db.Micros(s.Next))
		if err != nil || n == 0 { // another process was faster
			return err
		}
		open, err := db.Get(ctx, tx, db.ScanBool, anyOpen)
		if err != nil || open {
			return err
		}
		_, err = p.begin(ctx, tx, BySchedule, "schedule", s.Parameters)
		return err
	})
	if err != nil {
		return fmt.Errorf("begin a scheduled purge: %w", err)
	}
	return nil
}

// claim takes the oldest open execution, where no process works on one.
func (p *Purger) claim(ctx context.Context) (e Execution, found bool, err error) {
	open, err := db.Get(ctx, p.db.Auto(), db.ScanBool, anyOpen)
	if err != nil || !open { // most of the time nothing is written
		return e, false, err
	}
	err = p.db.WriteRelaxed(ctx, func(tx db.Tx) error {
		found = false
		now := p.clock()
		if !p.db.Exclusive() { // else who had the lease has ended
			busy, err := db.Get(ctx, tx, db.ScanBool, beingDone, db.Micros(now))
			if err != nil || busy {
				return err
			}
		}
		e, err = db.Get(ctx, tx, scanExecution, nextOpen)
		if errors.Is(err, db.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		found = true
		_, err = tx.Exec(ctx, takeUp, p.holder, db.Micros(now.Add(purgeLease)), p.line("%s", p.greeting(e)), db.Micros(now), e.ID)
		return err
	})
	if err != nil {
		return e, false, fmt.Errorf("take up a purge: %w", err)
	}
	return e, found, nil
}

func (p *Purger) greeting(e Execution) string {
	what, err := decoded(e.Parameters)
	if err != nil {
		return err.Error()
	}
	verb := "begin to purge "
	if e.Status == Running {
		verb = "go on after " + rowsWord(e.Purged) + " with purging "
	}
	return verb + what.describe(e.CreatedAt.Add(-what.retention))
}

var errEnded = errors.New("somebody else has ended it or goes on with it")

// execute works on an execution to its end, or to that of ctx: then another process may go on at once.
func (p *Purger) execute(ctx context.Context, e Execution) error {
	total, failure := p.purge(ctx, e)
	switch {
	case errors.Is(failure, errEnded):
		return nil
	case ctx.Err() != nil:
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTime)
		defer cancel()
		return p.db.WriteRelaxed(ctx, func(tx db.Tx) error {
			_, err := tx.Exec(ctx, giveBack, e.ID, p.holder)
			return err
		})
	}
	status, last := Success, p.line("done: %s", rowsWord(e.Purged+total))
	if failure != nil {
		status, last = Failed, p.line("failed after %s: %v", rowsWord(e.Purged+total), failure)
	}
	err := p.db.Write(ctx, func(tx db.Tx) error {
		_, err := tx.Exec(ctx, conclude, status, last, db.Micros(p.clock()), e.ID, p.holder)
		return err
	})
	return errors.Join(failure, err)
}

// purge deletes batch by batch, and returns how many rows went.
func (p *Purger) purge(ctx context.Context, e Execution) (total int64, err error) {
	what, err := decoded(e.Parameters)
	if err != nil {
		return 0, err
	}
	before, last := db.Micros(e.CreatedAt.Add(-what.retention)), oldRow{at: -1}
	for {
		rows, err := db.Collect(ctx, p.db.Auto(), scanOldRow, oldRows, before, last.at, last.id, purgeBatch)
		if err != nil {
			return total, fmt.Errorf("read old rows: %w", err)
		}
		n, err := p.batch(ctx, e.ID, what, rows)
		if total += n; err != nil || len(rows) < purgeBatch {
			return total, err
		}
		last = rows[len(rows)-1]
		if !sleep(ctx, purgePause) {
			return total, ctx.Err()
		}
	}
}

// batch deletes those of the rows that are to go, and notes it, in one transaction. errEnded where the execution isn't
// this process's any more.
func (p *Purger) batch(ctx context.Context, id int64, what Purge, rows []oldRow) (n int64, err error) {
	ids, err := p.chosen(ctx, what, rows)
	if err != nil {
		return 0, err
	}
	err = p.db.WriteRelaxed(ctx, func(tx db.Tx) error {
		n = int64(len(ids))
		if !what.dry && len(ids) > 0 {
			marks, args := db.In(0, ids)
			if n, err = remove(ctx, tx, `DELETE FROM audit WHERE id IN (`+marks+`) RETURNING project_id`, args...); err != nil {
				return err
			}
		}
		now := p.clock()
		held, err := tx.Exec(ctx, advance, n, db.Micros(now.Add(purgeLease)), db.Micros(now), id, p.holder)
		if err == nil && held == 0 {
			return errEnded
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("delete old rows: %w", err)
	}
	return n, nil
}

// chosen are the rows that are to go. What waits to be forwarded stays.
func (p *Purger) chosen(ctx context.Context, what Purge, rows []oldRow) (ids []int64, err error) {
	values, err := p.settings.Get(ctx)
	if err != nil {
		return nil, err
	}
	delivered, err := db.Get(ctx, p.db.Auto(), db.ScanInt, cursorAt)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		waits := r.delivery != keep && r.id > delivered && values.AuditForwardEndpoint() != ""
		if what.covers(r.kind, r.operation) && !waits {
			ids = append(ids, r.id)
		}
	}
	return ids, nil
}

// sleep waits; it reports false when ctx ends.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
