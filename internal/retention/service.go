package retention

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/registry"
)

// Kind is a run of a policy: Harbor's name.
const Kind job.Kind = "RETENTION"

// Projects writes down which policy a project has, where its clients look for it.
type Projects interface {
	// NoteRetention sets a project's metadata retention_id, "" for none, in a transaction.
	NoteRetention(ctx context.Context, tx db.Tx, projectID int64, policy string) error
}

// Deps is what a Service stands on. All fields are required.
type Deps struct {
	DB       *db.DB
	Registry *registry.Service
	Projects Projects
	Jobs     *job.Service
	// ReadOnly reports whether nothing may be changed now.
	ReadOnly func(context.Context) (bool, error)
	// NoUses reports whether nobody notes now what is pulled: rules by use would delete what is in use.
	NoUses func(context.Context) (bool, error)
	Wake   func() // called when an event was committed; must not block
	Clock  func() time.Time
	Log    *slog.Logger
}

// Service keeps policies and carries them out. It is safe for concurrent use, and takes authorised input.
type Service struct{ Deps }

const (
	tasksAtOnce = 2 // of one process: what they wait for is the database
	attempts    = 3
	keptOf      = 50 // executions of a policy
)

// New returns a Service, and has its work done by the jobs.
func New(d Deps) *Service {
	s := &Service{d}
	for _, kind := range []job.Kind{Kind, DefaultKind} {
		s.Jobs.Register(kind, job.Work{Do: s.carryOut, Limit: tasksAtOnce, Attempts: attempts, Keep: keptOf})
		s.Jobs.OnEnd(kind, s.ended)
	}
	s.Jobs.OnSchedule(Kind, s.fire)
	s.Jobs.OnSchedule(DefaultKind, s.fireDefault)
	return s
}

// Get returns a policy, or fault.NotFound.
func (s *Service) Get(ctx context.Context, id int64) (Policy, error) {
	return load(ctx, s.DB.Auto(), id)
}

// Of returns a project's policy, and whether it has one.
func (s *Service) Of(ctx context.Context, projectID int64) (Policy, bool, error) {
	p, err := db.Get(ctx, s.DB.Auto(), scanPolicy, policyOf, projectID)
	if errors.Is(err, db.ErrNotFound) {
		return p, false, nil
	}
	if err != nil {
		return p, false, fmt.Errorf("find the retention policy of project %d: %w", projectID, err)
	}
	return p, true, nil
}

// Next returns when the clock begins a policy next, the zero time for never.
func (s *Service) Next(ctx context.Context, id int64) (time.Time, error) {
	sch, _, err := s.Jobs.FindSchedule(ctx, Kind, id)
	return sch.Next, err
}

// Create makes a project's policy, in the place of the default one. Errors: fault.Invalid, also where it has one; fault.Conflict for two rules that are the same.
func (s *Service) Create(ctx context.Context, by authz.Principal, p Policy) (id int64, err error) {
	if p, err = p.checked(); err != nil {
		return 0, err
	}
	p.ID, p.CreatedAt = 0, s.Clock()
	err = s.DB.Write(ctx, func(tx db.Tx) error {
		name, err := nameOf(ctx, tx, p.ProjectID)
		if err != nil {
			return err
		}
		if id, err = s.add(ctx, tx, p); err != nil {
			return err
		}
		if err := s.leaveDefault(ctx, tx, p.ProjectID); err != nil {
			return err
		}
		made := p
		made.ID = id
		return s.changed(ctx, tx, by, event.CreateRetention, name, made)
	})
	if err != nil {
		return 0, fmt.Errorf("create retention policy: %w", err)
	}
	return id, nil
}

// add writes a policy, with its ID if it has one, for a project that has none.
func (s *Service) add(ctx context.Context, tx db.Tx, p Policy) (id int64, err error) {
	switch old, err := db.Get(ctx, tx, scanPolicy, policyOf, p.ProjectID); {
	case err == nil:
		return 0, fault.Invalidf("project %d already has retention policy %d", p.ProjectID, old.ID)
	case !errors.Is(err, db.ErrNotFound):
		return 0, err
	}
	id, err = db.Insert(ctx, tx, p.ID, insertPolicy, p.ProjectID, p.Algorithm, p.TriggerKind, p.Cron, encode(p.Rules), db.Micros(p.CreatedAt))
	if err != nil {
		return 0, err
	}
	return id, s.Projects.NoteRetention(ctx, tx, p.ProjectID, fmt.Sprint(id))
}

// Update replaces a policy; its project stays.
func (s *Service) Update(ctx context.Context, by authz.Principal, p Policy) error {
	p, err := p.checked()
	if err != nil {
		return err
	}
	err = s.DB.Write(ctx, func(tx db.Tx) error {
		was, err := load(ctx, tx, p.ID)
		if err != nil {
			return err
		}
		if p.ProjectID != was.ProjectID {
			return fault.Invalidf("a retention policy stays with its project, %d", was.ProjectID)
		}
		name, err := nameOf(ctx, tx, p.ProjectID)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, updatePolicy, p.ID, p.Algorithm, p.TriggerKind, p.Cron, encode(p.Rules), db.Micros(s.Clock())); err != nil {
			return err
		}
		return s.changed(ctx, tx, by, event.UpdateRetention, name, p)
	})
	if err != nil {
		return fmt.Errorf("update retention policy %d: %w", p.ID, err)
	}
	return nil
}

// changed brings the schedule up to date, and says what happened.
func (s *Service) changed(ctx context.Context, tx db.Tx, by authz.Principal, kind event.Kind, project string, p Policy) error {
	if err := s.schedule(ctx, tx, Kind, p.ID, p.Cron); err != nil {
		return err
	}
	return s.happened(ctx, tx, by.Name, kind, project, p)
}

// schedule has the clock begin something, or nothing for "".
func (s *Service) schedule(ctx context.Context, tx db.Tx, kind job.Kind, vendor int64, cron string) error {
	if cron == "" {
		_, err := s.Jobs.DropSchedule(ctx, tx, kind, vendor)
		return err
	}
	err := s.Jobs.PutSchedule(ctx, tx, job.Schedule{Kind: kind, VendorID: vendor, CronType: "Custom", Cron: cron, Parameters: "{}"})
	if bad, is := errors.AsType[*fault.Error](err); is {
		return fault.Invalidf("invalid cron string for scheduled tag retention: %.100s, error: %s", cron, bad.Message)
	}
	return err
}

func (s *Service) happened(ctx context.Context, tx db.Tx, by string, kind event.Kind, project string, p Policy) error {
	tx.AfterCommit(s.Wake)
	return event.Append(ctx, tx, event.Event{Kind: kind, At: s.Clock(), By: by, Success: true, ProjectID: p.ProjectID, Project: project, Resource: project})
}

// Delete ends a policy with its executions. While it is carried out it is a fault.Conflict.
func (s *Service) Delete(ctx context.Context, by authz.Principal, id int64) error {
	err := s.DB.Write(ctx, func(tx db.Tx) error {
		p, err := load(ctx, tx, id)
		if err != nil {
			return err
		}
		if open, err := s.Jobs.Open(ctx, tx, Kind, id); err != nil || open {
			return errors.Join(err, whenOpen(open))
		}
		name, err := nameOf(ctx, tx, p.ProjectID)
		if err != nil {
			return err
		}
		if _, err := s.Jobs.DropSchedule(ctx, tx, Kind, id); err != nil {
			return err
		}
		if err := s.Jobs.Forget(ctx, tx, Kind, id); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, deletePolicy, id); err != nil {
			return err
		}
		if err := s.Projects.NoteRetention(ctx, tx, p.ProjectID, ""); err != nil {
			return err
		}
		return s.happened(ctx, tx, by.Name, event.DeleteRetention, name, p)
	})
	if err != nil {
		return fmt.Errorf("delete retention policy %d: %w", id, err)
	}
	return nil
}

func whenOpen(open bool) error {
	if open {
		return fault.Conflictf("the policy is being carried out; stop its execution first")
	}
	return nil
}
