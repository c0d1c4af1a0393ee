package job

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
)

// Schedule is what begins by the clock: one for each kind and vendor id.
type Schedule struct {
	ID         int64
	Kind       Kind
	VendorID   int64
	CronType   string // a word for people: Hourly, Daily, Weekly or Custom
	Cron       string // six fields, in UTC
	Parameters string // in the words of the kind
	Next       time.Time
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

const (
	scheduleFields = `id, kind, vendor_id, cron_type, cron, parameters, due_at, created_at, updated_at`
	oneSchedule    = `SELECT ` + scheduleFields + ` FROM job_schedule WHERE kind = $1 AND vendor_id = $2`
	allSchedules   = `SELECT ` + scheduleFields + ` FROM job_schedule ORDER BY id LIMIT $1`
	dueSchedules   = `SELECT ` + scheduleFields + ` FROM job_schedule WHERE due_at <= $1 AND (due_at, id) > ($2, $3) AND ` + clockRuns + ` ORDER BY due_at, id LIMIT $4`
	clockRuns      = `NOT EXISTS (SELECT 1 FROM job_paused WHERE kind = 'SCHEDULER')`
	insertSchedule = `INSERT INTO job_schedule (kind, vendor_id, cron_type, cron, parameters, due_at, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $7) ON CONFLICT (kind, vendor_id) DO `
	putSchedule = insertSchedule + `UPDATE SET cron_type = excluded.cron_type, cron = excluded.cron, parameters = excluded.parameters,
		due_at = excluded.due_at, updated_at = excluded.updated_at`
	ensureSchedule = insertSchedule + `NOTHING`
	dropSchedule   = `DELETE FROM job_schedule WHERE kind = $1 AND vendor_id = $2`
	moveSchedule   = `UPDATE job_schedule SET due_at = $1 WHERE id = $2 AND due_at = $3`
)

const (
	// restSchedule is how long a schedule waits whose beginning failed.
	restSchedule = time.Minute
	// duePage is how many schedules are read at once.
	duePage = 100
)

func scanSchedule(r db.Row) (s Schedule, err error) {
	err = r.Scan(&s.ID, &s.Kind, &s.VendorID, &s.CronType, &s.Cron, &s.Parameters, db.ScanTime(&s.Next), db.ScanTime(&s.CreatedAt), db.ScanTime(&s.UpdatedAt))
	return s, err
}

// OnSchedule has fire called when a schedule of the kind is due, in the transaction that moves the due time: once,
// whatever the number of processes, and once for all runs that were missed. fire must do nothing but statements on tx,
// such as Begin's; its error leaves the schedule due, to be tried again a minute later.
func (s *Service) OnSchedule(kind Kind, fire func(ctx context.Context, tx db.Tx, sch Schedule) error) {
	s.beforeRun()
	s.fires[kind] = fire
}

// PutSchedule sets the schedule of a kind and vendor id. A bad cron text is a fault.Invalid.
func (s *Service) PutSchedule(ctx context.Context, tx db.Tx, sch Schedule) error {
	return s.writeSchedule(ctx, tx, sch, putSchedule)
}

// ensure makes a schedule where there is none.
func (s *Service) ensure(ctx context.Context, tx db.Tx, sch Schedule) error {
	return s.writeSchedule(ctx, tx, sch, ensureSchedule)
}

func (s *Service) writeSchedule(ctx context.Context, tx db.Tx, sch Schedule, statement string) error {
	c, err := ParseCron(sch.Cron)
	if err != nil {
		return err
	}
	if len(sch.Parameters) > maxJSON {
		return fault.Invalidf("the schedule's parameters are too large")
	}
	now := s.clock()
	if _, err := tx.Exec(ctx, statement, sch.Kind, sch.VendorID, sch.CronType, c.String(), sch.Parameters, db.Micros(c.Next(now)), db.Micros(now)); err != nil {
		return fmt.Errorf("schedule %s: %w", sch.Kind, err)
	}
	return nil
}

// DropSchedule ends a schedule. It reports whether there was one.
func (s *Service) DropSchedule(ctx context.Context, tx db.Tx, kind Kind, vendorID int64) (bool, error) {
	n, err := tx.Exec(ctx, dropSchedule, kind, vendorID)
	if err != nil {
		return false, fmt.Errorf("end the schedule of %s: %w", kind, err)
	}
	return n > 0, nil
}

// FindSchedule returns a schedule, and whether there is one.
func (s *Service) FindSchedule(ctx context.Context, kind Kind, vendorID int64) (Schedule, bool, error) {
	sch, err := db.Get(ctx, s.db.Auto(), scanSchedule, oneSchedule, kind, vendorID)
	switch {
	case errors.Is(err, db.ErrNotFound):
		return Schedule{}, false, nil
	case err != nil:
		return Schedule{}, false, fmt.Errorf("find the schedule of %s: %w", kind, err)
	}
	return sch, true, nil
}

// Schedules returns all schedules, the oldest first.
func (s *Service) Schedules(ctx context.Context) ([]Schedule, error) {
	all, err := db.Collect(ctx, s.db.Auto(), scanSchedule, allSchedules, db.MaxRows)
	if err != nil {
		return nil, fmt.Errorf("list schedules: %w", err)
	}
	return all, nil
}

// fire begins what is due. It looks at all of it: those that can't begin stay due, and are the first ones.
func (s *Service) fire(ctx context.Context) error {
	now := s.clock()
	var last Schedule
	var errs []error
	for {
		due, err := db.Collect(ctx, s.db.Auto(), scanSchedule, dueSchedules, db.Micros(now), db.Micros(last.Next), last.ID, duePage)
		if err != nil {
			return errors.Join(append(errs, fmt.Errorf("look for due schedules: %w", err))...)
		}
		for _, sch := range due {
			if err := s.fireDue(ctx, sch, now); err != nil {
				errs = append(errs, fmt.Errorf("begin what is scheduled as %s for %d: %w", sch.Kind, sch.VendorID, err))
			}
		}
		if len(due) < duePage {
			return errors.Join(errs...)
		}
		last = due[len(due)-1]
	}
}

// fireDue begins what a schedule is about, if this process knows it and didn't fail with it just now.
func (s *Service) fireDue(ctx context.Context, sch Schedule, now time.Time) error {
	f := s.fires[sch.Kind]
	if f == nil || now.Before(s.resting[sch.ID]) { // unknown here: of a newer version, which runs elsewhere
		return nil
	}
	delete(s.resting, sch.ID)
	err := s.fireOne(ctx, sch, now, f)
	if err != nil {
		s.resting[sch.ID] = now.Add(restSchedule)
	}
	return err
}

func (s *Service) fireOne(ctx context.Context, sch Schedule, now time.Time, f func(context.Context, db.Tx, Schedule) error) error {
	cron, err := ParseCron(sch.Cron)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx db.Tx) error {
		n, err := tx.Exec(ctx, moveSchedule, db.Micros(cron.Next(now)), sch.ID, db.Micros(sch.Next))
		if err != nil || n == 0 { // another process was faster, or somebody changed it
			return err
		}
		return f(ctx, tx, sch)
	})
}
