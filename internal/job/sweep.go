package job

import (
	"context"
	"errors"
	"fmt"

	"github.com/havenregistry/haven/internal/db"
)

const (
	midnight = "0 0 0 * * *"
	// sweepPage is how many executions are looked at with one statement, and sweepBatch how many tasks one
	// transaction deletes, with their logs.
	sweepPage  = 1000
	sweepBatch = 200
)

// housekeeping registers what a registry does each night, as Harbor shows it: old executions go, and what other
// parts keep for a while.
func (s *Service) housekeeping() {
	for _, daily := range []struct {
		kind   Kind
		vendor int64 // Harbor's
		do     func(context.Context, *Run) error
	}{{ArtifactCleanup, 0, s.cleanUp}, {ExecutionSweep, System, s.sweep}} {
		s.Register(daily.kind, Work{Do: daily.do, Alone: true, Attempts: 3, Keep: 10})
		s.builtin = append(s.builtin, Schedule{Kind: daily.kind, VendorID: daily.vendor, CronType: "Daily", Cron: midnight})
		s.OnSchedule(daily.kind, func(ctx context.Context, tx db.Tx, sch Schedule) error {
			_, _, err := s.Begin(ctx, tx, NewExecution{Kind: sch.Kind, VendorID: sch.VendorID, Trigger: BySchedule, By: "schedule"}, NewTask{})
			return err
		})
	}
}

// OnCleanup has f called each night (SYSTEM_ARTIFACT_CLEANUP): it removes what its part kept for a while.
func (s *Service) OnCleanup(f func(ctx context.Context, r *Run) error) {
	s.beforeRun()
	s.cleanups = append(s.cleanups, f)
}

// cleanUp has all parts clean up: one that fails holds up no other.
func (s *Service) cleanUp(ctx context.Context, r *Run) error {
	var errs []error
	for _, f := range s.cleanups {
		if ctx.Err() != nil {
			break
		}
		errs = append(errs, f(ctx, r))
	}
	return errors.Join(append(errs, ctx.Err())...)
}

const (
	// The three are compared as one value, which the index on them serves.
	byVendor = `SELECT id, kind, vendor_id, status FROM job_execution WHERE (kind, vendor_id, id) > ($1, $2, $3) ORDER BY kind, vendor_id, id LIMIT $4`

	endedExecution = `SELECT EXISTS (SELECT 1 FROM job_execution WHERE id = $1 AND status IN ('Stopped', 'Error', 'Success'))`
	dropTasks      = `DELETE FROM job_task WHERE id IN (SELECT id FROM job_task WHERE execution_id = $1 ORDER BY id LIMIT $2)`
)

// brief is what a sweep looks at of an execution.
type brief struct {
	ID     int64
	Kind   Kind
	Vendor int64
	Status Status
}

func scanBrief(r db.Row) (b brief, err error) {
	err = r.Scan(&b.ID, &b.Kind, &b.Vendor, &b.Status)
	return b, err
}

// sweep deletes ended executions but for the last ones of each kind and vendor id. It reads them along an index, those
// of a vendor id together, the oldest first; and remembers of each as many as are kept, so that the one before goes.
func (s *Service) sweep(ctx context.Context, r *Run) error {
	var last brief
	var kept []int64
	deleted := 0
	for {
		page, err := db.Collect(ctx, s.db.Auto(), scanBrief, byVendor, last.Kind, last.Vendor, last.ID, sweepPage)
		if err != nil {
			return fmt.Errorf("read executions: %w", err)
		}
		for _, b := range page {
			if b.Kind != last.Kind || b.Vendor != last.Vendor {
				kept = kept[:0]
			}
			if last = b; !b.Status.Ended() {
				continue
			}
			if kept = append(kept, b.ID); len(kept) <= s.keep(b.Kind) {
				continue
			}
			if err := s.drop(ctx, kept[0]); err != nil {
				return err
			}
			kept = kept[1:]
			deleted++
		}
		if len(page) < sweepPage {
			r.Logf("deleted %d executions", deleted)
			return nil
		}
	}
}

func (s *Service) keep(kind Kind) int {
	if w, known := s.works[kind]; known {
		return w.Keep
	}
	return keepDefault
}

// drop deletes an execution that has ended, its tasks first, batch by batch.
func (s *Service) drop(ctx context.Context, execution int64) error {
	for more := true; more; {
		err := s.db.WriteRelaxed(ctx, func(tx db.Tx) error {
			ended, err := db.Get(ctx, tx, db.ScanBool, endedExecution, execution)
			if more = false; err != nil || !ended { // somebody has it tried again
				return err
			}
			n, err := tx.Exec(ctx, dropTasks, execution, sweepBatch)
			if more = n == sweepBatch; err != nil || more {
				return err
			}
			_, err = tx.Exec(ctx, dropExecution, execution)
			return err
		})
		if err != nil {
			return fmt.Errorf("delete execution %d: %w", execution, err)
		}
	}
	return nil
}

const ofVendor = `SELECT id FROM job_execution WHERE kind = $1 AND vendor_id = $2 LIMIT 100`

// Forget deletes all executions of a kind for a vendor id that is no more. Those that run lose their tasks.
func (s *Service) Forget(ctx context.Context, tx db.Tx, kind Kind, vendorID int64) error {
	for {
		ids, err := db.Collect(ctx, tx, db.ScanInt, ofVendor, kind, vendorID)
		for _, id := range ids {
			if err == nil {
				_, err = tx.Exec(ctx, dropExecution, id)
			}
		}
		if err != nil {
			return fmt.Errorf("forget the executions of %s %d: %w", kind, vendorID, err)
		}
		if len(ids) == 0 {
			tx.AfterCommit(s.changed)
			return nil
		}
	}
}
