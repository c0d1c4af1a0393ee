package preheat

import (
	"context"
	"errors"
	"fmt"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/job"
)

// planKind looks for the images that match.
const planKind job.Kind = "P2P_PREHEAT_PLAN"

const keptOf = 50 // executions of a policy

// executionExtra is what an execution carries.
type executionExtra struct {
	Plan int64 `json:"plan"` // the task that plans, which isn't shown
}

// Start carries a policy out, whatever its trigger, and returns the execution. A disabled one is a fault.Invalid.
func (s *Service) Start(ctx context.Context, by authz.Principal, project string, projectID int64, name string) (id int64, err error) {
	err = s.DB.Write(ctx, func(tx db.Tx) error {
		tx.AfterCommit(s.Wake)
		p, err := findPolicy(ctx, tx, projectID, name)
		if err != nil {
			return err
		}
		if !p.Enabled {
			return fault.Invalidf("the policy %s is disabled", p.Name)
		}
		if id, err = s.begin(ctx, tx, p.ID, job.Manual, by.Name, planOrder{Policy: p.ID}); err != nil {
			return err
		}
		return s.happened(ctx, tx, event.StartPreheat, by, event.Event{ProjectID: projectID, Project: project, Resource: project + "/" + name})
	})
	if err != nil {
		return 0, fmt.Errorf("start preheating: %w", err)
	}
	return id, nil
}

// fire begins what the clock begins, unless the last time's is still at it.
func (s *Service) fire(ctx context.Context, tx db.Tx, sch job.Schedule) error {
	open, err := s.Jobs.Open(ctx, tx, job.Preheat, sch.VendorID)
	if err != nil || open {
		return err
	}
	_, err = s.begin(ctx, tx, sch.VendorID, job.BySchedule, "schedule", planOrder{Policy: sch.VendorID})
	return err
}

func (s *Service) begin(ctx context.Context, tx db.Tx, policy int64, trigger job.Trigger, by string, order planOrder) (int64, error) {
	id, tasks, err := s.Jobs.Begin(ctx, tx, job.NewExecution{Kind: job.Preheat, VendorID: policy, Trigger: trigger, By: by}, job.NewTask{Kind: planKind, Payload: order, Group: policy})
	if err != nil {
		return 0, err
	}
	return id, s.Jobs.SetExtra(ctx, tx, id, executionExtra{Plan: tasks[0]})
}

// Execution returns an execution of a policy with the counts of the tasks that are shown, or fault.NotFound.
func (s *Service) Execution(ctx context.Context, policy, id int64) (job.Execution, error) {
	e, err := s.Jobs.Execution(ctx, id)
	if errors.Is(err, fault.NotFound) || err == nil && (e.Kind != job.Preheat || e.VendorID != policy) {
		return job.Execution{}, fault.NotFoundf("execution %d not found", id)
	}
	if err != nil {
		return e, err
	}
	return s.shown(ctx, e)
}

// shown is an execution without the task that plans.
func (s *Service) shown(ctx context.Context, e job.Execution) (job.Execution, error) {
	var extra executionExtra
	if err := e.Decode(&extra); err != nil {
		return e, err
	}
	counts, err := s.Jobs.CountsBut(ctx, e.ID, extra.Plan)
	if errors.Is(err, fault.NotFound) { // swept meanwhile
		return e, nil
	}
	e.Counts = counts
	return e, err
}

// Executions returns a page of a policy's executions, the newest first, and how many match.
func (s *Service) Executions(ctx context.Context, policy int64, list db.List) (page []job.Execution, total int64, err error) {
	page, total, err = s.Jobs.Executions(ctx, []job.Kind{job.Preheat}, &policy, list)
	for i := range page {
		if err == nil {
			page[i], err = s.shown(ctx, page[i])
		}
	}
	return page, total, err
}

// Stop ends an execution of a policy that hasn't ended.
func (s *Service) Stop(ctx context.Context, by authz.Principal, project string, p Policy, id int64) error {
	if _, err := s.Execution(ctx, p.ID, id); err != nil {
		return err
	}
	err := s.DB.Write(ctx, func(tx db.Tx) error {
		tx.AfterCommit(s.Wake)
		stopped, err := s.Jobs.StopIn(ctx, tx, id, "stopped by "+by.Name)
		if err != nil || !stopped {
			return err
		}
		return s.happened(ctx, tx, event.StopPreheat, by, event.Event{ProjectID: p.ProjectID, Project: project, Resource: project + "/" + p.Name})
	})
	if err != nil {
		return fmt.Errorf("stop preheating: %w", err)
	}
	return nil
}

// Tasks returns a page of the images of an execution, the newest first, and how many match.
func (s *Service) Tasks(ctx context.Context, policy, id int64, list db.List) ([]job.Task, int64, error) {
	if _, err := s.Execution(ctx, policy, id); err != nil {
		return nil, 0, err
	}
	list.Filters = append(list.Filters, db.Filter{Key: "vendor_type", Values: []string{string(job.Preheat)}})
	return s.Jobs.Tasks(ctx, id, list)
}

// TaskLog returns what an image's task has to tell, line by line; fault.NotFound where there is none of that execution (S1).
func (s *Service) TaskLog(ctx context.Context, policy, id, task int64) (string, error) {
	if _, err := s.Execution(ctx, policy, id); err != nil {
		return "", err
	}
	t, err := s.Jobs.Task(ctx, task)
	if errors.Is(err, fault.NotFound) || err == nil && t.ExecutionID != id {
		return "", fault.NotFoundf("task %d not found", task)
	}
	if err != nil {
		return "", err
	}
	return s.Jobs.WholeLog(ctx, task)
}
