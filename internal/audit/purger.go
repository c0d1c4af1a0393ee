package audit

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/job"
)

const (
	// purgeBatch is how many rows are looked at for one transaction, which deletes those that are to go.
	purgeBatch = 500
	// purgePause lets requests write between two batches.
	purgePause = 10 * time.Millisecond
	purgePoll  = 5 * time.Second
	// purgeLease is how long after the end of a process another one takes up its purge.
	purgeLease = 30 * time.Second
	// keptExecutions is how many purges that ended are listed.
	keptExecutions = 50
)

// Purger deletes old rows, by a schedule or when somebody says so. Of all processes one works on an execution, who
// has its lease; what a process leaves behind another one goes on with.
type Purger struct {
	*Service
	clock  func() time.Time
	log    *slog.Logger
	holder string
	wake   chan struct{}
}

// NewPurger returns the purger of a log.
func NewPurger(s *Service, clock func() time.Time, log *slog.Logger) *Purger {
	return &Purger{Service: s, clock: clock, log: log, holder: rand.Text(), wake: make(chan struct{}, 1)}
}

// Schedule returns the schedule, and whether there is one.
func (p *Purger) Schedule(ctx context.Context) (Schedule, bool, error) {
	s, err := db.Get(ctx, p.db.Auto(), scanSchedule, oneSchedule)
	switch {
	case errors.Is(err, db.ErrNotFound):
		return Schedule{}, false, nil
	case err != nil:
		return Schedule{}, false, fmt.Errorf("read the schedule of purges: %w", err)
	}
	return s, true, nil
}

// SetSchedule replaces the schedule. kind is a name for people: Hourly, Daily, Weekly or Custom. A bad cron text is a
// fault.Invalid.
func (p *Purger) SetSchedule(ctx context.Context, by authz.Principal, kind, cron string, what Purge) error {
	c, err := job.ParseCron(cron)
	if err != nil {
		return err
	}
	now := p.clock()
	err = p.db.Write(ctx, func(tx db.Tx) error {
		if _, err := tx.Exec(ctx, putSchedule, kind, c.String(), what.String(), db.Micros(c.Next(now)), db.Micros(now), db.Micros(now)); err != nil {
			return err
		}
		return p.happened(ctx, tx, event.UpdatePurge, by.Name, "schedule the purge of the audit log: "+c.String())
	})
	if err != nil {
		return fmt.Errorf("schedule purges: %w", err)
	}
	return nil
}

// Unschedule ends the schedule, if there is one.
func (p *Purger) Unschedule(ctx context.Context, by authz.Principal) error {
	err := p.db.Write(ctx, func(tx db.Tx) error {
		n, err := tx.Exec(ctx, dropSchedule)
		if err != nil || n == 0 {
			return err
		}
		return p.happened(ctx, tx, event.UpdatePurge, by.Name, "end the schedule by which the audit log is purged")
	})
	if err != nil {
		return fmt.Errorf("end the schedule of purges: %w", err)
	}
	return nil
}

// Start begins an execution, and returns its id. It goes on in the background.
func (p *Purger) Start(ctx context.Context, by authz.Principal, what Purge) (id int64, err error) {
	err = p.db.Write(ctx, func(tx db.Tx) error {
		tx.AfterCommit(p.Wake)
		id, err = p.begin(ctx, tx, Manually, by.Name, what.String())
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("start a purge: %w", err)
	}
	return id, nil
}

// Stop ends an execution that hasn't ended: nothing is deleted by it any more. One that isn't there is fault.NotFound.
func (p *Purger) Stop(ctx context.Context, by authz.Principal, id int64) error {
	err := p.db.Write(ctx, func(tx db.Tx) error {
		if _, err := getExecution(ctx, tx, id); err != nil {
			return err
		}
		n, err := tx.Exec(ctx, endExecution, Stopped, p.line("stopped by %s", by.Name), db.Micros(p.clock()), id)
		if err != nil || n == 0 {
			return err
		}
		return p.happened(ctx, tx, event.StopPurge, by.Name, "stop the purge of the audit log")
	})
	if err != nil {
		return fmt.Errorf("stop purge %d: %w", id, err)
	}
	return nil
}

// Execution returns an execution, or fault.NotFound.
func (p *Purger) Execution(ctx context.Context, id int64) (Execution, error) {
	return getExecution(ctx, p.db.Auto(), id)
}

func getExecution(ctx context.Context, tx db.Tx, id int64) (Execution, error) {
	e, err := db.Get(ctx, tx, scanExecution, oneExecution, id)
	if errors.Is(err, db.ErrNotFound) {
		return e, fault.NotFoundf("purge audit job with execution ID: %d not found", id)
	}
	if err != nil {
		return e, fmt.Errorf("get purge %d: %w", id, err)
	}
	return e, nil
}

// ExecutionLog returns what an execution has to tell, line by line; fault.NotFound where there is none.
func (p *Purger) ExecutionLog(ctx context.Context, id int64) (string, error) {
	text, err := db.Get(ctx, p.db.Auto(), db.ScanString, executionLog, id)
	if errors.Is(err, db.ErrNotFound) {
		return "", fault.NotFoundf("purge audit job with execution ID: %d not found", id)
	}
	if err != nil {
		return "", fmt.Errorf("read the log of purge %d: %w", id, err)
	}
	return text, nil
}

// HasExecutionKey reports whether Executions filters and sorts by key.
func HasExecutionKey(key string) bool { return executions().Has(key) }

// Executions returns a page of the executions, the newest first, and how many there are.
func (p *Purger) Executions(ctx context.Context, list db.List) (rows []Execution, total int64, err error) {
	err = p.db.Read(ctx, func(tx db.Tx) error {
		rows, total, err = db.Page(ctx, tx, executions(), "", nil, list, scanExecution)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list purges: %w", err)
	}
	return rows, total, nil
}

// begin writes an execution that waits, and drops the oldest that ended.
func (p *Purger) begin(ctx context.Context, tx db.Tx, trigger, by, parameters string) (int64, error) {
	now := db.Micros(p.clock())
	id, err := db.Get(ctx, tx, db.ScanInt, insertExecution, trigger, Pending, parameters, now, now)
	if err != nil {
		return 0, err
	}
	if _, err := tx.Exec(ctx, dropExecutions, keptExecutions); err != nil {
		return 0, err
	}
	return id, p.happened(ctx, tx, event.StartPurge, by, "purge the audit log: "+parameters)
}

func (p *Purger) happened(ctx context.Context, tx db.Tx, kind event.Kind, by, description string) error {
	return event.Append(ctx, tx, event.Event{Kind: kind, At: p.clock(), By: by, Resource: "audit log", Description: description, Success: true})
}

// line is one of an execution's log.
func (p *Purger) line(format string, args ...any) string {
	return p.clock().UTC().Format(time.RFC3339) + " " + fmt.Sprintf(format, args...) + "\n"
}

// decoded is the parameters of a stored purge, which were checked when they were stored.
func decoded(text string) (Purge, error) {
	var sent map[string]any
	if err := json.Unmarshal([]byte(text), &sent); err != nil {
		return Purge{}, fmt.Errorf("read the parameters of a purge: %w", err)
	}
	return ParsePurge(sent)
}
