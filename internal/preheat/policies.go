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

// ErrRunning refuses to delete a policy of which an execution runs.
var ErrRunning = errors.New("an execution of the policy is running: stop it first")

// Policy returns a policy of a project by its name, or fault.NotFound.
func (s *Service) Policy(ctx context.Context, projectID int64, name string) (Policy, error) {
	return findPolicy(ctx, s.DB.Auto(), projectID, name)
}

func findPolicy(ctx context.Context, tx db.Tx, projectID int64, name string) (Policy, error) {
	return one(ctx, tx, scanPolicy, "preheat policy "+printable([]byte(name)), policyByName, projectID, name)
}

// Policies returns a page of a project's policies, and how many match.
func (s *Service) Policies(ctx context.Context, projectID int64, list db.List) (page []Policy, total int64, err error) {
	err = s.DB.Read(ctx, func(tx db.Tx) error {
		page, total, err = db.Page(ctx, tx, policies(), "p.project_id = $1", []any{projectID}, list, scanPolicy)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list preheat policies: %w", err)
	}
	return page, total, nil
}

// CreatePolicy makes a policy. Errors: fault.Invalid, fault.NotFound for the instance, and fault.Conflict for a name that is taken.
func (s *Service) CreatePolicy(ctx context.Context, by authz.Principal, project string, p Policy) error {
	if err := p.check(); err != nil {
		return err
	}
	p.ID, p.CreatedAt = 0, s.Clock()
	err := s.DB.Write(ctx, func(tx db.Tx) error {
		tx.AfterCommit(s.Wake)
		n, err := db.Get(ctx, tx, db.ScanInt, policyCount, p.ProjectID)
		if err != nil {
			return err
		}
		if n >= maxPolicies {
			return fault.Forbiddenf("the project has %d preheat policies already, which is the most", n)
		}
		if _, err := one(ctx, tx, scanInstance, fmt.Sprintf("preheat instance %d", p.Instance), instanceByID, p.Instance); err != nil {
			return err
		}
		made := p
		if made.ID, err = p.insert(ctx, tx); err != nil {
			return err
		}
		return s.keep(ctx, tx, by, event.CreatePreheatPolicy, project, made)
	})
	if err != nil {
		return fmt.Errorf("create preheat policy %s: %w", p.Name, err)
	}
	return nil
}

// UpdatePolicy replaces the policy of that name; p may name it anew.
func (s *Service) UpdatePolicy(ctx context.Context, by authz.Principal, project, name string, p Policy) error {
	if p.Name == "" {
		p.Name = name
	}
	if err := p.check(); err != nil {
		return err
	}
	err := s.DB.Write(ctx, func(tx db.Tx) error {
		tx.AfterCommit(s.Wake)
		present, err := findPolicy(ctx, tx, p.ProjectID, name)
		if err != nil {
			return err
		}
		p.ID = present.ID
		if _, err := one(ctx, tx, scanInstance, fmt.Sprintf("preheat instance %d", p.Instance), instanceByID, p.Instance); err != nil {
			return err
		}
		taken, err := db.Get(ctx, tx, db.ScanBool, policyNamed, p.ProjectID, p.Name, p.ID)
		if err != nil {
			return err
		}
		if taken {
			return fault.Conflictf("preheat policy %s already exists", p.Name)
		}
		if _, err := tx.Exec(ctx, updatePolicy, p.Name, p.Description, p.Instance, p.Filters, p.Trigger, p.Cron, p.Extra, p.Enabled, db.Micros(s.Clock()), p.ID); err != nil {
			return err
		}
		return s.keep(ctx, tx, by, event.UpdatePreheatPolicy, project, p)
	})
	if err != nil {
		return fmt.Errorf("update preheat policy %s: %w", name, err)
	}
	return nil
}

// keep brings the schedule of a policy in line with it, and says what happened.
func (s *Service) keep(ctx context.Context, tx db.Tx, by authz.Principal, kind event.Kind, project string, p Policy) error {
	var err error
	if p.Trigger == Scheduled && p.Enabled {
		err = s.Jobs.PutSchedule(ctx, tx, job.Schedule{Kind: job.Preheat, VendorID: p.ID, CronType: "Custom", Cron: p.Cron, Parameters: "{}"})
	} else {
		_, err = s.Jobs.DropSchedule(ctx, tx, job.Preheat, p.ID)
	}
	if err != nil {
		return err
	}
	return s.happened(ctx, tx, kind, by, event.Event{ProjectID: p.ProjectID, Project: project, Resource: project + "/" + p.Name})
}

// DeletePolicy removes a policy with its executions. While one runs it is ErrRunning.
func (s *Service) DeletePolicy(ctx context.Context, by authz.Principal, project string, projectID int64, name string) error {
	err := s.DB.Write(ctx, func(tx db.Tx) error {
		tx.AfterCommit(s.Wake)
		p, err := findPolicy(ctx, tx, projectID, name)
		if err != nil {
			return err
		}
		open, err := s.Jobs.Open(ctx, tx, job.Preheat, p.ID)
		if err != nil {
			return err
		}
		if open {
			return ErrRunning
		}
		if err := s.forget(ctx, tx, p.ID); err != nil {
			return err
		}
		return s.happened(ctx, tx, event.DeletePreheatPolicy, by, event.Event{ProjectID: projectID, Project: project, Resource: project + "/" + name})
	})
	if err != nil {
		return fmt.Errorf("delete preheat policy: %w", err)
	}
	return nil
}

// forget removes a policy, its schedule and its executions.
func (s *Service) forget(ctx context.Context, tx db.Tx, id int64) error {
	if _, err := s.Jobs.DropSchedule(ctx, tx, job.Preheat, id); err != nil {
		return err
	}
	if err := s.Jobs.Forget(ctx, tx, job.Preheat, id); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, deletePolicy, id)
	return err
}
