package replication

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/job"
)

// executionExtra is what an execution carries.
type executionExtra struct {
	Plan int64  `json:"plan,omitempty"` // the task that plans, which isn't shown
	Text string `json:"text,omitempty"` // for people
}

// Status is how far an execution or task is, in the words of Harbor's replication.
type Status string

// The states.
const (
	InProgress Status = "InProgress"
	Succeeded  Status = "Succeed"
	StoppedOff Status = "Stopped"
	Failed     Status = "Failed"
	Pending    Status = "Pending" // of a task only
)

// Execution is one run of a policy.
type Execution struct {
	ID, Policy int64
	Status     Status
	Text       string
	Trigger    Trigger
	Counts     job.Counts
	StartedAt  time.Time
	EndedAt    time.Time // zero: not yet
}

// Task is a piece of an execution.
type Task struct {
	ID, Execution       int64
	Status              Status
	Operation, Resource string
	Source, Destination string
	StartedAt, EndedAt  time.Time
}

const skippedActive = "Execution skipped: active replication still in progress."

// DisabledError is a policy that is disabled, and so isn't carried out.
type DisabledError struct{ Policy int64 }

// Error is what Harbor says.
func (e *DisabledError) Error() string { return fmt.Sprintf("the policy %d is disabled", e.Policy) }

// Start carries a policy out and returns the execution. A disabled one is a *DisabledError.
func (s *Service) Start(ctx context.Context, by authz.Principal, policy int64) (id int64, err error) {
	err = s.DB.Write(ctx, func(tx db.Tx) error {
		tx.AfterCommit(s.Wake)
		p, err := getPolicy(ctx, tx, policy)
		if err != nil {
			return err
		}
		if !p.Enabled {
			return &DisabledError{policy}
		}
		if id, err = s.begin(ctx, tx, p, job.Manual, by.Name); err != nil {
			return err
		}
		return s.happened(ctx, tx, by, event.StartReplication, p)
	})
	if err != nil {
		return 0, fmt.Errorf("start replication: %w", err)
	}
	return id, nil
}

// fire begins what the clock begins.
func (s *Service) fire(ctx context.Context, tx db.Tx, sch job.Schedule) error {
	p, err := getPolicy(ctx, tx, sch.VendorID)
	if err != nil {
		return err
	}
	if !p.Enabled {
		return nil
	}
	_, err = s.begin(ctx, tx, p, job.BySchedule, "")
	return err
}

// begin begins an execution with the task that plans.
func (s *Service) begin(ctx context.Context, tx db.Tx, p Policy, trigger job.Trigger, by string) (int64, error) {
	o, extra := planOrder{Policy: p.ID}, executionExtra{}
	if p.SingleActive {
		open, err := s.Jobs.Open(ctx, tx, Kind, p.ID)
		if err != nil {
			return 0, err
		}
		if open {
			o.Refuse, extra.Text = skippedActive, skippedActive
		}
	}
	id, tasks, err := s.Jobs.Begin(ctx, tx, job.NewExecution{Kind: Kind, VendorID: p.ID, Trigger: trigger, By: by}, job.NewTask{Kind: PlanKind, Payload: o, Group: p.ID})
	if err != nil {
		return 0, err
	}
	extra.Plan = tasks[0]
	return id, s.Jobs.SetExtra(ctx, tx, id, extra)
}

// Stop ends an execution. One that has ended stays as it is.
func (s *Service) Stop(ctx context.Context, by authz.Principal, id int64) error {
	e, err := s.Execution(ctx, id)
	if err != nil {
		return err
	}
	return s.DB.Write(ctx, func(tx db.Tx) error {
		stopped, err := s.Jobs.StopIn(ctx, tx, id, "stopped by "+by.Name)
		if err != nil || !stopped {
			return err
		}
		tx.AfterCommit(s.Wake)
		return event.Append(ctx, tx, event.Event{Kind: event.StopReplication, At: s.Clock(), By: by.Name, Resource: strconv.FormatInt(e.ID, 10), Success: true})
	})
}

// ExecutionFilter narrows Executions; zero values don't.
type ExecutionFilter struct {
	Policy  *int64
	Status  Status
	Trigger Trigger
}

// HasExecutionKey reports whether Executions can sort by key.
func HasExecutionKey(key string) bool { return job.HasExecutionKey(key) }

// Executions returns a page of executions, newest first, and how many match.
func (s *Service) Executions(ctx context.Context, f ExecutionFilter, list db.List) ([]Execution, int64, error) {
	if f.Status != "" {
		list.Filters = append(list.Filters, statusFilter(f.Status))
	}
	if f.Trigger != "" {
		list.Filters = append(list.Filters, db.Filter{Key: "trigger", Values: []string{string(triggers()[f.Trigger])}})
	}
	rows, total, err := s.Jobs.Executions(ctx, []job.Kind{Kind}, f.Policy, list)
	if err != nil {
		return nil, 0, err
	}
	page, err := s.shown(ctx, rows)
	return page, total, err
}

// Execution returns an execution, or fault.NotFound.
func (s *Service) Execution(ctx context.Context, id int64) (Execution, error) {
	e, err := s.Jobs.Execution(ctx, id)
	if err == nil && e.Kind != Kind {
		err = fault.NotFoundf("%d", id)
	}
	if err != nil {
		if errors.Is(err, fault.NotFound) {
			err = fault.NotFoundf("replication execution %d not found", id)
		}
		return Execution{}, err
	}
	page, err := s.shown(ctx, []job.Execution{e})
	if err != nil {
		return Execution{}, err
	}
	return page[0], nil
}

// shown is executions as they are shown: without the task that plans, which is asked for once for all.
func (s *Service) shown(ctx context.Context, rows []job.Execution) ([]Execution, error) {
	extras := make([]executionExtra, len(rows))
	var ids []string
	for i, e := range rows {
		if err := e.Decode(&extras[i]); err == nil && extras[i].Plan != 0 {
			ids = append(ids, strconv.FormatInt(extras[i].Plan, 10))
		}
	}
	plans := map[int64]job.Task{}
	for some := range slices.Chunk(ids, 100) {
		tasks, _, err := s.Jobs.Tasks(ctx, job.AllTasks, db.List{Page: 1, Size: len(some), Filters: []db.Filter{{Key: "id", Op: db.AnyOf, Values: some}}})
		if err != nil {
			return nil, err
		}
		for _, t := range tasks {
			plans[t.ID] = t
		}
	}
	page := make([]Execution, len(rows))
	for i, e := range rows {
		v := Execution{ID: e.ID, Policy: e.VendorID, Status: statusOf(e.Status), Text: extras[i].Text, Counts: e.Counts, StartedAt: e.CreatedAt, EndedAt: e.EndedAt}
		if v.Status == Pending {
			v.Status = InProgress
		}
		for t, word := range triggers() {
			if word == e.Trigger {
				v.Trigger = t
			}
		}
		if plan, ok := plans[extras[i].Plan]; ok {
			v.Counts = job.Without(v.Counts, plan.Status)
			if plan.Status == job.Error && v.Text == "" {
				v.Text = plan.Message
			}
		}
		page[i] = v
	}
	return page, nil
}

func triggers() map[Trigger]job.Trigger {
	return map[Trigger]job.Trigger{Manual: job.Manual, Scheduled: job.BySchedule, EventBased: job.ByEvent}
}

// KnownTrigger reports whether there is such a trigger.
func KnownTrigger(t Trigger) bool { _, ok := triggers()[t]; return ok }

func statusOf(s job.Status) Status {
	switch s {
	case job.Pending:
		return Pending
	case job.Success:
		return Succeeded
	case job.Error:
		return Failed
	case job.Stopped:
		return StoppedOff
	}
	return InProgress
}

// statusFilter is a filter by a status that is shown.
func statusFilter(s Status) db.Filter {
	f := db.Filter{Key: "status", Op: db.AnyOf}
	for _, known := range []job.Status{job.Pending, job.Scheduled, job.Running, job.Success, job.Error, job.Stopped} {
		if statusOf(known) == s || s == InProgress && known == job.Pending {
			f.Values = append(f.Values, string(known))
		}
	}
	if f.Values == nil {
		f.Values = []string{"none"}
	}
	return f
}

// HasTaskKey reports whether Tasks can sort by key.
func HasTaskKey(key string) bool { return job.HasTaskKey(key) }

// Tasks returns a page of an execution's tasks, and how many match. One that isn't there has none.
func (s *Service) Tasks(ctx context.Context, execution int64, status Status, list db.List) ([]Task, int64, error) {
	if execution == job.AllTasks {
		return nil, 0, nil
	}
	list.Filters = append(list.Filters, db.Filter{Key: "vendor_type", Values: []string{string(Kind)}})
	switch status {
	case "":
	case Pending:
		list.Filters = append(list.Filters, db.Filter{Key: "status", Values: []string{string(job.Pending)}})
	case InProgress:
		list.Filters = append(list.Filters, db.Filter{Key: "status", Op: db.AnyOf, Values: []string{string(job.Scheduled), string(job.Running)}})
	default:
		list.Filters = append(list.Filters, statusFilter(status))
	}
	rows, total, err := s.Jobs.Tasks(ctx, execution, list)
	if err != nil {
		return nil, 0, err
	}
	page := make([]Task, len(rows))
	for i, t := range rows {
		page[i] = taskOf(t)
	}
	return page, total, nil
}

func taskOf(t job.Task) Task {
	var v shown
	_ = json.Unmarshal(t.Extra, &v) // what an older version wrote shows nothing
	return Task{
		ID: t.ID, Execution: t.ExecutionID, Status: statusOf(t.Status), Operation: v.Operation, Resource: v.ResourceType, Source: v.Source, Destination: v.Destination,
		StartedAt: t.StartedAt, EndedAt: t.EndedAt,
	}
}

// TaskLog returns the log of an execution's task. One of another execution is fault.NotFound.
func (s *Service) TaskLog(ctx context.Context, execution, task int64) (string, error) {
	if _, err := s.Execution(ctx, execution); err != nil {
		return "", err
	}
	t, err := s.Jobs.Task(ctx, task)
	if err == nil && t.ExecutionID != execution || errors.Is(err, fault.NotFound) {
		return "", fault.NotFoundf("task %d of replication execution %d not found", task, execution)
	}
	if err != nil {
		return "", err
	}
	return s.Jobs.WholeLog(ctx, task)
}
