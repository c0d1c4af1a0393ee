package upkeep

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/job"
)

// kept is how many runs that ended are listed, as in Harbor.
const kept = 10

// Terms are what a routine is, and the words for it.
type Terms struct {
	Kind job.Kind
	Do   func(ctx context.Context, r *job.Run) error

	What     string // such as "the purge of the audit log"
	Resource string // of the events, such as "audit log"
	Unknown  string // what is said of an execution that isn't there, with a %d for its id

	Scheduled, Started, Stopped event.Kind
}

// Routine is one piece of upkeep, whose runs have the result R, an object as JSON.
type Routine[R any] struct {
	terms Terms
	db    *db.DB
	jobs  *job.Service
	clock func() time.Time
}

// New returns a routine that is done as jobs does.
func New[R any](d *db.DB, jobs *job.Service, clock func() time.Time, terms Terms) *Routine[R] {
	r := &Routine[R]{terms, d, jobs, clock}
	jobs.Register(terms.Kind, job.Work{Do: terms.Do, Alone: true, Attempts: 3, Keep: kept})
	jobs.OnSchedule(terms.Kind, r.fire)
	return r
}

// carried is what an execution carries, and shows: the parameters beside the fields of the result.
type carried[R any] struct {
	Parameters json.RawMessage
	Result     R
}

// MarshalJSON writes both in one object.
func (c carried[R]) MarshalJSON() ([]byte, error) {
	result, err := json.Marshal(c.Result)
	if err != nil {
		return nil, err
	}
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(result, &fields); err != nil {
		return nil, err
	}
	fields["parameters"] = c.Parameters
	return json.Marshal(fields)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (c *carried[R]) UnmarshalJSON(text []byte) error {
	var fields struct{ Parameters json.RawMessage }
	if err := json.Unmarshal(text, &fields); err != nil {
		return err
	}
	c.Parameters = fields.Parameters
	return json.Unmarshal(text, &c.Result)
}

// Execution is one run.
type Execution[R any] struct {
	ID         int64
	Trigger    job.Trigger
	Status     job.Status
	Parameters string // JSON
	Result     R      // so far
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

// Schedule returns the schedule, and whether there is one.
func (r *Routine[R]) Schedule(ctx context.Context) (job.Schedule, bool, error) {
	return r.jobs.FindSchedule(ctx, r.terms.Kind, job.System)
}

// SetSchedule replaces the schedule. kind is a name for people: Hourly, Daily, Weekly or Custom. parameters are JSON. A
// bad cron text is a fault.Invalid.
func (r *Routine[R]) SetSchedule(ctx context.Context, by, kind, cron, parameters string) error {
	err := r.db.Write(ctx, func(tx db.Tx) error {
		s := job.Schedule{Kind: r.terms.Kind, VendorID: job.System, CronType: kind, Cron: cron, Parameters: parameters}
		if err := r.jobs.PutSchedule(ctx, tx, s); err != nil {
			return err
		}
		return r.happened(ctx, tx, r.terms.Scheduled, by, "schedule "+r.terms.What+": "+cron)
	})
	if err != nil {
		return fmt.Errorf("schedule %s: %w", r.terms.What, err)
	}
	return nil
}

// Unschedule ends the schedule, if there is one.
func (r *Routine[R]) Unschedule(ctx context.Context, by string) error {
	err := r.db.Write(ctx, func(tx db.Tx) error {
		found, err := r.jobs.DropSchedule(ctx, tx, r.terms.Kind, job.System)
		if err != nil || !found {
			return err
		}
		return r.happened(ctx, tx, r.terms.Scheduled, by, "end the schedule of "+r.terms.What)
	})
	if err != nil {
		return fmt.Errorf("end the schedule of %s: %w", r.terms.What, err)
	}
	return nil
}

// Start begins an execution, and returns its id. It goes on in the background.
func (r *Routine[R]) Start(ctx context.Context, by, parameters string) (id int64, err error) {
	err = r.db.Write(ctx, func(tx db.Tx) error {
		id, err = r.begin(ctx, tx, job.Manual, by, parameters)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("start %s: %w", r.terms.What, err)
	}
	return id, nil
}

// Stop ends an execution that hasn't ended: it has no effect any more. One that isn't there is fault.NotFound.
func (r *Routine[R]) Stop(ctx context.Context, by string, id int64) error {
	if _, err := r.Execution(ctx, id); err != nil {
		return err
	}
	err := r.db.Write(ctx, func(tx db.Tx) error {
		stopped, err := r.jobs.StopIn(ctx, tx, id, "stopped by "+by)
		if err != nil || !stopped {
			return err
		}
		return r.happened(ctx, tx, r.terms.Stopped, by, "stop "+r.terms.What)
	})
	if err != nil {
		return fmt.Errorf("stop %s, execution %d: %w", r.terms.What, id, err)
	}
	return nil
}

// Execution returns an execution, or fault.NotFound.
func (r *Routine[R]) Execution(ctx context.Context, id int64) (Execution[R], error) {
	e, err := r.jobs.Execution(ctx, id)
	if errors.Is(err, fault.NotFound) || err == nil && e.Kind != r.terms.Kind {
		return Execution[R]{}, fault.NotFoundf(r.terms.Unknown, id)
	}
	if err != nil {
		return Execution[R]{}, err
	}
	return executionOf[R](e)
}

func executionOf[R any](e job.Execution) (Execution[R], error) {
	var extra carried[R]
	if err := e.Decode(&extra); err != nil {
		return Execution[R]{}, err
	}
	return Execution[R]{ID: e.ID, Trigger: e.Trigger, Status: e.Status, Parameters: string(extra.Parameters), Result: extra.Result,
		CreatedAt: e.CreatedAt, UpdatedAt: e.UpdatedAt}, nil
}

// Report replaces the result of the execution that a run is of, in one of the run's transactions.
func (r *Routine[R]) Report(ctx context.Context, tx db.Tx, run *job.Run, parameters string, result R) error {
	return r.jobs.SetExtra(ctx, tx, run.Task().ExecutionID, carried[R]{json.RawMessage(parameters), result})
}

// Log returns what an execution has to tell, line by line; fault.NotFound where there is none.
func (r *Routine[R]) Log(ctx context.Context, id int64) (string, error) {
	if _, err := r.Execution(ctx, id); err != nil {
		return "", err
	}
	tasks, _, err := r.jobs.Tasks(ctx, id, db.List{Page: 1, Size: 1})
	if err != nil || len(tasks) == 0 {
		return "", err
	}
	return r.jobs.WholeLog(ctx, tasks[0].ID)
}

// Executions returns a page of the executions, the newest first, and how many there are. job.HasExecutionKey says by
// what they are filtered and sorted.
func (r *Routine[R]) Executions(ctx context.Context, list db.List) (rows []Execution[R], total int64, err error) {
	all, total, err := r.jobs.Executions(ctx, []job.Kind{r.terms.Kind}, nil, list)
	if err != nil {
		return nil, 0, err
	}
	for _, e := range all {
		row, err := executionOf[R](e)
		if err != nil {
			return nil, 0, err
		}
		rows = append(rows, row)
	}
	return rows, total, nil
}

// fire begins what the schedule says, unless another run takes its time.
func (r *Routine[R]) fire(ctx context.Context, tx db.Tx, s job.Schedule) error {
	open, err := r.jobs.Open(ctx, tx, r.terms.Kind, job.System)
	if err != nil || open {
		return err
	}
	_, err = r.begin(ctx, tx, job.BySchedule, "schedule", s.Parameters)
	return err
}

// begin writes an execution that waits.
func (r *Routine[R]) begin(ctx context.Context, tx db.Tx, trigger job.Trigger, by, parameters string) (int64, error) {
	e := job.NewExecution{Kind: r.terms.Kind, VendorID: job.System, Trigger: trigger, By: by, Extra: carried[R]{Parameters: json.RawMessage(parameters)}}
	id, _, err := r.jobs.Begin(ctx, tx, e, job.NewTask{})
	if err != nil {
		return 0, err
	}
	return id, r.happened(ctx, tx, r.terms.Started, by, "start "+r.terms.What+": "+parameters)
}

func (r *Routine[R]) happened(ctx context.Context, tx db.Tx, kind event.Kind, by, description string) error {
	return event.Append(ctx, tx, event.Event{Kind: kind, At: r.clock(), By: by, Resource: r.terms.Resource, Description: description, Success: true})
}
