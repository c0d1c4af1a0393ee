package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/job"
)

// keptPurges is how many purges that ended are listed, as in Harbor.
const keptPurges = 10

// Purger deletes old rows, by a schedule or when somebody says so. Each purge is an execution of one task; one runs
// at a time.
type Purger struct {
	*Service
	jobs  *job.Service
	clock func() time.Time
}

// NewPurger returns the purger of a log, which works as jobs does.
func NewPurger(s *Service, jobs *job.Service, clock func() time.Time) *Purger {
	p := &Purger{Service: s, jobs: jobs, clock: clock}
	jobs.Register(job.PurgeAudit, job.Work{Do: p.do, Alone: true, Attempts: 3, Keep: keptPurges})
	jobs.OnSchedule(job.PurgeAudit, p.fire)
	return p
}

// purgeExtra is what an execution carries.
type purgeExtra struct {
	Parameters json.RawMessage `json:"parameters"`
	Purged     int64           `json:"purged"`
}

// Schedule returns the schedule, and whether there is one.
func (p *Purger) Schedule(ctx context.Context) (job.Schedule, bool, error) {
	return p.jobs.FindSchedule(ctx, job.PurgeAudit, job.System)
}

// SetSchedule replaces the schedule. kind is a name for people: Hourly, Daily, Weekly or Custom. A bad cron text is a
// fault.Invalid.
func (p *Purger) SetSchedule(ctx context.Context, by authz.Principal, kind, cron string, what Purge) error {
	err := p.db.Write(ctx, func(tx db.Tx) error {
		s := job.Schedule{Kind: job.PurgeAudit, VendorID: job.System, CronType: kind, Cron: cron, Parameters: what.String()}
		if err := p.jobs.PutSchedule(ctx, tx, s); err != nil {
			return err
		}
		return p.happened(ctx, tx, event.UpdatePurge, by.Name, "schedule the purge of the audit log: "+cron)
	})
	if err != nil {
		return fmt.Errorf("schedule purges: %w", err)
	}
	return nil
}

// Unschedule ends the schedule, if there is one.
func (p *Purger) Unschedule(ctx context.Context, by authz.Principal) error {
	err := p.db.Write(ctx, func(tx db.Tx) error {
		found, err := p.jobs.DropSchedule(ctx, tx, job.PurgeAudit, job.System)
		if err != nil || !found {
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
		id, err = p.begin(ctx, tx, job.Manual, by.Name, what.String())
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("start a purge: %w", err)
	}
	return id, nil
}

// Stop ends an execution that hasn't ended: nothing is deleted by it any more. One that isn't there is fault.NotFound.
func (p *Purger) Stop(ctx context.Context, by authz.Principal, id int64) error {
	if _, err := p.Execution(ctx, id); err != nil {
		return err
	}
	err := p.db.Write(ctx, func(tx db.Tx) error {
		stopped, err := p.jobs.StopIn(ctx, tx, id, "stopped by "+by.Name)
		if err != nil || !stopped {
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
	e, err := p.jobs.Execution(ctx, id)
	if errors.Is(err, fault.NotFound) || err == nil && e.Kind != job.PurgeAudit {
		return Execution{}, fault.NotFoundf("purge audit job with execution ID: %d not found", id)
	}
	if err != nil {
		return Execution{}, err
	}
	return executionOf(e)
}

// executionOf is an execution in the words of purging.
func executionOf(e job.Execution) (Execution, error) {
	var extra purgeExtra
	if err := e.Decode(&extra); err != nil {
		return Execution{}, err
	}
	return Execution{ID: e.ID, Trigger: e.Trigger, Status: e.Status, Parameters: string(extra.Parameters), Purged: extra.Purged,
		CreatedAt: e.CreatedAt, UpdatedAt: e.UpdatedAt}, nil
}

// ExecutionLog returns what an execution has to tell, line by line; fault.NotFound where there is none.
func (p *Purger) ExecutionLog(ctx context.Context, id int64) (string, error) {
	if _, err := p.Execution(ctx, id); err != nil {
		return "", err
	}
	tasks, _, err := p.jobs.Tasks(ctx, id, db.List{Page: 1, Size: 1})
	if err != nil || len(tasks) == 0 {
		return "", err
	}
	return p.jobs.WholeLog(ctx, tasks[0].ID)
}

// HasExecutionKey reports whether Executions filters and sorts by key.
func HasExecutionKey(key string) bool { return job.HasExecutionKey(key) }

// Executions returns a page of the executions, the newest first, and how many there are.
func (p *Purger) Executions(ctx context.Context, list db.List) (rows []Execution, total int64, err error) {
	all, total, err := p.jobs.Executions(ctx, []job.Kind{job.PurgeAudit}, nil, list)
	if err != nil {
		return nil, 0, err
	}
	for _, e := range all {
		row, err := executionOf(e)
		if err != nil {
			return nil, 0, err
		}
		rows = append(rows, row)
	}
	return rows, total, nil
}

// fire begins what the schedule says, unless another purge takes its time.
func (p *Purger) fire(ctx context.Context, tx db.Tx, s job.Schedule) error {
	open, err := p.jobs.Open(ctx, tx, job.PurgeAudit, job.System)
	if err != nil || open {
		return err
	}
	_, err = p.begin(ctx, tx, job.BySchedule, "schedule", s.Parameters)
	return err
}

// begin writes an execution that waits.
func (p *Purger) begin(ctx context.Context, tx db.Tx, trigger job.Trigger, by, parameters string) (int64, error) {
	e := job.NewExecution{Kind: job.PurgeAudit, VendorID: job.System, Trigger: trigger, By: by, Extra: purgeExtra{Parameters: json.RawMessage(parameters)}}
	id, _, err := p.jobs.Begin(ctx, tx, e, job.NewTask{})
	if err != nil {
		return 0, err
	}
	return id, p.happened(ctx, tx, event.StartPurge, by, "purge the audit log: "+parameters)
}

func (p *Purger) happened(ctx context.Context, tx db.Tx, kind event.Kind, by, description string) error {
	return event.Append(ctx, tx, event.Event{Kind: kind, At: p.clock(), By: by, Resource: "audit log", Description: description, Success: true})
}

// decoded is the parameters of a stored purge, which were checked when they were stored.
func decoded(text string) (Purge, error) {
	var sent map[string]any
	if err := json.Unmarshal([]byte(text), &sent); err != nil {
		return Purge{}, fmt.Errorf("read the parameters of a purge: %w", err)
	}
	return ParsePurge(sent)
}
