package retention

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

// executionExtra is what an execution carries: what it is about, and what came of it so far.
type executionExtra struct {
	ProjectID int64                   `json:"project_id"`
	Project   string                  `json:"project"`
	DryRun    bool                    `json:"dry_run"`
	Rules     []Rule                  `json:"rules"` // as they were when it began
	Total     int64                   `json:"total"`
	Retained  int64                   `json:"retained"`
	Deleted   []event.DeletedArtifact `json:"deleted,omitempty"` // the first event.MaxDeleted
}

// taskExtra is what a task shows.
type taskExtra struct {
	Repository string `json:"repository"` // without the project
	Total      int64  `json:"total"`
	Retained   int64  `json:"retained"`
}

// order is what a task is to do.
type order struct {
	Repository string `json:"repository"`
}

// Execution is one run of a policy.
type Execution struct {
	ID, Policy int64
	Status     job.Status
	Trigger    job.Trigger
	DryRun     bool
	StartedAt  time.Time
	EndedAt    time.Time // zero: not yet
}

// Task is what a run does to one repository.
type Task struct {
	ID, Execution      int64
	Repository         string
	Status             job.Status
	Total, Retained    int64
	StartedAt, EndedAt time.Time
}

// Start carries a policy out, and returns the execution. A dry run deletes nothing.
func (s *Service) Start(ctx context.Context, by authz.Principal, policy int64, dry bool) (id int64, err error) {
	err = s.DB.Write(ctx, func(tx db.Tx) error {
		p, err := load(ctx, tx, policy)
		if err != nil {
			return err
		}
		name, err := nameOf(ctx, tx, p.ProjectID)
		if err != nil {
			return err
		}
		if id, err = s.begin(ctx, tx, p, name, job.Manual, by.Name, dry); err != nil {
			return err
		}
		return s.happened(ctx, tx, by.Name, event.StartRetention, name, p)
	})
	if err != nil {
		return 0, fmt.Errorf("start retention: %w", err)
	}
	return id, nil
}

// fire begins what the clock begins, unless the last run goes on still. The project of a policy that isn't there has gone.
func (s *Service) fire(ctx context.Context, tx db.Tx, sch job.Schedule) error {
	p, err := load(ctx, tx, sch.VendorID)
	if errors.Is(err, fault.NotFound) {
		_, err = s.Jobs.DropSchedule(ctx, tx, Kind, sch.VendorID)
		return err
	}
	if err != nil {
		return err
	}
	open, err := s.Jobs.Open(ctx, tx, Kind, p.ID)
	if err != nil || open {
		return err
	}
	name, err := nameOf(ctx, tx, p.ProjectID)
	if err != nil {
		return err
	}
	_, err = s.begin(ctx, tx, p, name, job.BySchedule, "", false)
	return err
}

// begin writes an execution of a project's policy, by all rules that hold for the project.
func (s *Service) begin(ctx context.Context, tx db.Tx, p Policy, project string, trigger job.Trigger, by string, dry bool) (int64, error) {
	v, err := standing(ctx, tx, p.ProjectID)
	if err != nil {
		return 0, err
	}
	return s.beginIn(ctx, tx, job.NewExecution{Kind: Kind, VendorID: p.ID, Trigger: trigger, By: by}, executionExtra{ProjectID: p.ProjectID, Project: project, DryRun: dry, Rules: v.Rules})
}

// beginIn writes an execution with a task for each repository that a rule covers.
func (s *Service) beginIn(ctx context.Context, tx db.Tx, e job.NewExecution, extra executionExtra) (int64, error) {
	rules, _, err := rulesOf(extra.Rules)
	if err != nil {
		return 0, err
	}
	var tasks []job.NewTask
	err = eachRepository(ctx, tx, extra.ProjectID, func(name string) error {
		if covered(rules, name) {
			tasks = append(tasks, job.NewTask{Payload: order{name}, Extra: taskExtra{Repository: name}, Group: extra.ProjectID})
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	e.Extra = extra
	id, _, err := s.Jobs.Begin(ctx, tx, e, tasks...)
	return id, err
}

var errOtherRules = errors.New("the rules have changed since this run began, and nothing more is deleted by those of then: begin another run")

// carryOut is do, but for a task that is tried again, perhaps days later, after the rules were changed.
func (s *Service) carryOut(ctx context.Context, r *job.Run) error {
	if r.Task().Runs > 1 {
		switch same, err := s.rulesHold(ctx, r.Task().ExecutionID); {
		case err != nil:
			return err
		case !same:
			return job.Permanent(errOtherRules)
		}
	}
	return s.do(ctx, r)
}

// rulesHold reports whether the rules of an execution are those that hold for its project.
func (s *Service) rulesHold(ctx context.Context, execution int64) (bool, error) {
	e, err := s.Jobs.Execution(ctx, execution)
	if err != nil {
		return false, err
	}
	var extra executionExtra
	if err := e.Decode(&extra); err != nil {
		return false, err
	}
	v, err := s.Standing(ctx, extra.ProjectID)
	return encode(v.Rules) == encode(extra.Rules), err
}

// ended says what a run has done, to those whom it concerns. A dry run has done nothing.
func (s *Service) ended(ctx context.Context, tx db.Tx, e job.Execution) error {
	var extra executionExtra
	if err := e.Decode(&extra); err != nil {
		return err
	}
	if extra.DryRun {
		return nil
	}
	policy := e.VendorID
	if e.Kind == DefaultKind {
		policy = 0
	}
	body := event.Retention{
		Total: extra.Total, Retained: extra.Retained, Policy: policy, Execution: e.ID, Result: string(e.Status), Deleted: extra.Deleted,
		More: extra.Total-extra.Retained > int64(len(extra.Deleted)), Rules: []event.RetentionRule{},
	}
	for _, r := range extra.Rules {
		body.Rules = append(body.Rules, event.RetentionRule{Template: r.Template, Params: r.Params, Tags: r.Tags, Selectors: r.Scope})
	}
	if body.Deleted == nil {
		body.Deleted = []event.DeletedArtifact{}
	}
	detail, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("say what a run of retention has done: %w", err)
	}
	tx.AfterCommit(s.Wake)
	return event.Append(ctx, tx, event.Event{
		Kind: event.RetainTags, At: s.Clock(), By: e.By, Success: e.Status == job.Success, ProjectID: extra.ProjectID, Project: extra.Project, Resource: extra.Project,
		Description: fmt.Sprintf("retention %d: %d of %d artifacts retained", e.ID, extra.Retained, extra.Total), Detail: detail,
	})
}

// Stop ends an execution: nothing more is deleted by it. One that has ended stays as it is.
func (s *Service) Stop(ctx context.Context, by authz.Principal, policy, id int64) error {
	if _, err := s.Execution(ctx, policy, id); err != nil {
		return err
	}
	return s.DB.Write(ctx, func(tx db.Tx) error {
		stopped, err := s.Jobs.StopIn(ctx, tx, id, "stopped by "+by.Name)
		if err != nil || !stopped {
			return err
		}
		p, err := load(ctx, tx, policy)
		if err != nil {
			return err
		}
		name, err := nameOf(ctx, tx, p.ProjectID)
		if err != nil {
			return err
		}
		return s.happened(ctx, tx, by.Name, event.StopRetention, name, p)
	})
}

// Executions returns a page of a policy's executions, newest first, and how many there are.
func (s *Service) Executions(ctx context.Context, policy int64, list db.List) ([]Execution, int64, error) {
	rows, total, err := s.Jobs.Executions(ctx, []job.Kind{Kind}, &policy, list)
	if err != nil {
		return nil, 0, err
	}
	page := make([]Execution, len(rows))
	for i, e := range rows {
		if page[i], err = executionOf(e); err != nil {
			return nil, 0, err
		}
	}
	return page, total, nil
}

// Execution returns an execution of a policy, or fault.NotFound.
func (s *Service) Execution(ctx context.Context, policy, id int64) (Execution, error) {
	e, err := s.Jobs.Execution(ctx, id)
	if errors.Is(err, fault.NotFound) || err == nil && (e.Kind != Kind || e.VendorID != policy) {
		return Execution{}, fault.NotFoundf("retention execution %d not found", id)
	}
	if err != nil {
		return Execution{}, err
	}
	return executionOf(e)
}

func executionOf(e job.Execution) (Execution, error) {
	var extra executionExtra
	if err := e.Decode(&extra); err != nil {
		return Execution{}, err
	}
	v := Execution{ID: e.ID, Policy: e.VendorID, Status: e.Status, Trigger: e.Trigger, DryRun: extra.DryRun, StartedAt: e.CreatedAt, EndedAt: e.EndedAt}
	if v.Status == job.Pending { // Harbor knows none that waits
		v.Status = job.Running
	}
	return v, nil
}

// HasTaskKey reports whether Tasks sorts by key.
func HasTaskKey(key string) bool { return job.HasTaskKey(key) }

// HasExecutionKey reports whether Executions sorts by key.
func HasExecutionKey(key string) bool { return job.HasExecutionKey(key) }

// Tasks returns a page of an execution's tasks, and how many there are.
func (s *Service) Tasks(ctx context.Context, policy, execution int64, list db.List) ([]Task, int64, error) {
	if _, err := s.Execution(ctx, policy, execution); err != nil {
		return nil, 0, err
	}
	rows, total, err := s.Jobs.Tasks(ctx, execution, list)
	if err != nil {
		return nil, 0, err
	}
	page := make([]Task, len(rows))
	for i, t := range rows {
		var extra taskExtra
		if err := json.Unmarshal(t.Extra, &extra); err != nil {
			return nil, 0, fmt.Errorf("read what task %d shows: %w", t.ID, err)
		}
		page[i] = Task{ID: t.ID, Execution: t.ExecutionID, Repository: extra.Repository, Status: t.Status, Total: extra.Total, Retained: extra.Retained,
			StartedAt: t.StartedAt, EndedAt: t.EndedAt}
	}
	return page, total, nil
}

// TaskLog returns the log of an execution's task, or fault.NotFound.
func (s *Service) TaskLog(ctx context.Context, policy, execution, task int64) (string, error) {
	if _, err := s.Execution(ctx, policy, execution); err != nil {
		return "", err
	}
	t, err := s.Jobs.Task(ctx, task)
	if err == nil && t.ExecutionID != execution || errors.Is(err, fault.NotFound) {
		return "", fault.NotFoundf("task %d of retention execution %d not found", task, execution)
	}
	if err != nil {
		return "", err
	}
	return s.Jobs.WholeLog(ctx, task)
}
