package replication

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/replication/remote"
)

// The kinds of jobs.
const (
	// Kind is a copy of one repository: Harbor's name.
	Kind job.Kind = "REPLICATION"
	// PlanKind finds out which repositories are to be copied.
	PlanKind job.Kind = "REPLICATION_PLAN"
	// WatchKind looks whether something happened at a source elsewhere.
	WatchKind job.Kind = "REPLICATION_WATCH"
)

// Peer is a registry elsewhere, as far as policies need to know it.
type Peer struct {
	ID   int64
	Name string
	Kind remote.Kind
	URL  string
}

// Endpoints are the registries elsewhere.
type Endpoints interface {
	// Peer returns a registry, as a transaction sees it, or fault.NotFound.
	Peer(ctx context.Context, tx db.Tx, id int64) (Peer, error)
	// Open returns a client of it, which is kept and shared.
	Open(ctx context.Context, id int64) (remote.Registry, error)
}

// Deps is what a Service stands on. All fields are required.
type Deps struct {
	DB        *db.DB
	Jobs      *job.Service
	Local     remote.Registry // this Haven
	Endpoints Endpoints
	// Itself reports whether a registry's address is one of this Haven.
	Itself func(address string) bool
	Wake   func() // called when an event was committed; must not block
	Clock  func() time.Time
	Log    *slog.Logger
}

// Service keeps policies and carries them out. It is safe for concurrent use, and takes authorised input.
type Service struct {
	Deps

	mu    sync.Mutex
	pools map[pair]*pool
	// compiled are the filters of policies, by their ids, as long as they don't change.
	compiled map[int64]compiled
}

const (
	// tasksAtOnce is how many repositories one process copies at once.
	tasksAtOnce = 8
	attempts    = 6
	firstPause  = 15 * time.Second
	keptOf      = 50 // executions of a policy
)

// New returns a Service, and has its work done by the jobs. Handle is to be given the events.
func New(d Deps) *Service {
	s := &Service{Deps: d, pools: map[pair]*pool{}, compiled: map[int64]compiled{}}
	s.Jobs.Register(Kind, job.Work{Do: s.doCopy, Limit: tasksAtOnce, Attempts: attempts, Backoff: firstPause, Keep: keptOf})
	s.Jobs.Register(PlanKind, job.Work{Do: s.doPlan, Limit: 2, Attempts: attempts, Backoff: firstPause, Keep: keptOf})
	s.Jobs.Register(WatchKind, job.Work{Do: s.doWatch, Limit: 2, Timeout: watchTime, Keep: 3})
	s.Jobs.OnSchedule(Kind, s.fire)
	s.Jobs.OnSchedule(WatchKind, s.fireWatch)
	s.Jobs.OnEnd(Kind, s.ended)
	s.Jobs.OnCleanup(s.cleanUp)
	return s
}

// Get returns a policy, or fault.NotFound.
func (s *Service) Get(ctx context.Context, id int64) (Policy, error) {
	return getPolicy(ctx, s.DB.Auto(), id)
}

// List returns a page of the policies, newest first, and how many match.
func (s *Service) List(ctx context.Context, list db.List) (page []Policy, total int64, err error) {
	err = s.DB.Read(ctx, func(tx db.Tx) error {
		page, total, err = db.Page(ctx, tx, policies(), "", nil, list, scanPolicy)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list replication policies: %w", err)
	}
	return page, total, nil
}

// Create makes a policy. Errors: fault.Invalid, and fault.Conflict for a name that is taken.
func (s *Service) Create(ctx context.Context, by authz.Principal, p Policy) (id int64, err error) {
	if p, err = s.check(ctx, p); err != nil {
		return 0, err
	}
	p.ID, p.CreatedAt = 0, s.Clock()
	err = s.DB.Write(ctx, func(tx db.Tx) error {
		tx.AfterCommit(s.Wake)
		made, err := s.add(ctx, tx, p)
		if err != nil {
			return err
		}
		id = made.ID
		return s.happened(ctx, tx, by, event.CreateReplication, made)
	})
	if err != nil {
		return 0, fmt.Errorf("create replication policy: %w", err)
	}
	return id, nil
}

// add writes a policy, with its ID if it has one, and has the clock begin it.
func (s *Service) add(ctx context.Context, tx db.Tx, p Policy) (made Policy, err error) {
	n, err := db.Get(ctx, tx, db.ScanInt, policyCount)
	if err != nil {
		return p, err
	}
	if n >= maxPolicies {
		return p, fault.Invalidf("there are %d replication policies, and may not be more", n)
	}
	if p.ID, err = p.insert(ctx, tx); err != nil {
		return p, err
	}
	return p, s.schedule(ctx, tx, p)
}

// Update replaces a policy. What it has copied so far stays where it is, also when it copies from or to elsewhere from now on.
func (s *Service) Update(ctx context.Context, by authz.Principal, p Policy) error {
	p, err := s.check(ctx, p)
	if err != nil {
		return err
	}
	err = s.DB.Write(ctx, func(tx db.Tx) error {
		tx.AfterCommit(s.Wake)
		was, err := getPolicy(ctx, tx, p.ID)
		if err != nil {
			return err
		}
		if !was.sameEnds(p) {
			if err := forget(ctx, tx, p.ID); err != nil {
				return err
			}
		}
		if p.Trigger != EventBased || p.Source != was.Source { // what happened there concerns it no more
			if _, err := tx.Exec(ctx, dueDropPolicy, p.ID); err != nil {
				return err
			}
		}
		if err := p.update(ctx, tx, db.Micros(s.Clock())); err != nil {
			return err
		}
		if err := s.schedule(ctx, tx, p); err != nil {
			return err
		}
		return s.happened(ctx, tx, by, event.UpdateReplication, p)
	})
	if err != nil {
		return fmt.Errorf("update replication policy %d: %w", p.ID, err)
	}
	return nil
}

// ErrRunning is Harbor's refusal to delete a policy that is being carried out.
var ErrRunning = errors.New("contains executions that aren't in final status, stop the execution first")

// Delete ends a policy with its executions. While it is carried out it is ErrRunning.
func (s *Service) Delete(ctx context.Context, by authz.Principal, id int64) error {
	err := s.DB.Write(ctx, func(tx db.Tx) error {
		tx.AfterCommit(s.Wake)
		p, err := getPolicy(ctx, tx, id)
		if err != nil {
			return err
		}
		if open, err := s.Jobs.Open(ctx, tx, Kind, id); err != nil || open {
			return errors.Join(err, whenOpen(open))
		}
		for _, kind := range []job.Kind{Kind, WatchKind} {
			if _, err := s.Jobs.DropSchedule(ctx, tx, kind, id); err != nil {
				return err
			}
			if err := s.Jobs.Forget(ctx, tx, kind, id); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, policyDelete, id); err != nil {
			return err
		}
		return s.happened(ctx, tx, by, event.DeleteReplication, p)
	})
	if err != nil {
		return fmt.Errorf("delete replication policy %d: %w", id, err)
	}
	return nil
}

func whenOpen(open bool) error {
	if open {
		return ErrRunning
	}
	return nil
}

// check is the policy as it is stored. Both registries are there. That both are this Haven, by their addresses, is no error, and where
// names stay the same there is nothing to do.
func (s *Service) check(ctx context.Context, p Policy) (Policy, error) {
	return s.checkIn(ctx, s.DB.Auto(), p)
}

func (s *Service) checkIn(ctx context.Context, tx db.Tx, p Policy) (Policy, error) {
	p, err := p.checked()
	if err != nil {
		return p, err
	}
	p.SourceHere = p.Source == Local
	for i, id := range []int64{p.Source, p.Destination} {
		if id == Local {
			continue
		}
		peer, err := s.Endpoints.Peer(ctx, tx, id)
		if errors.Is(err, fault.NotFound) {
			return p, fault.Invalidf("registry %d not found", id)
		}
		if err != nil {
			return p, err
		}
		p.SourceHere = p.SourceHere || i == 0 && s.Itself(peer.URL)
	}
	if p.Source == p.Destination && p.Namespace == "" {
		return p, fault.Invalidf("source and destination are the same registry, and the policy gives repositories no other names there: dest_namespace says which")
	}
	return p, nil
}

// schedule has the clock begin what the policy wants begun by it.
func (s *Service) schedule(ctx context.Context, tx db.Tx, p Policy) error {
	for kind, cron := range map[job.Kind]string{Kind: p.Cron, WatchKind: watchCron} {
		wanted := p.Enabled && p.Trigger == Scheduled
		if kind == WatchKind {
			wanted = p.Enabled && p.Watched()
		}
		if !wanted {
			if _, err := s.Jobs.DropSchedule(ctx, tx, kind, p.ID); err != nil {
				return err
			}
			continue
		}
		if err := s.Jobs.PutSchedule(ctx, tx, job.Schedule{Kind: kind, VendorID: p.ID, CronType: "Custom", Cron: cron, Parameters: "{}"}); err != nil {
			return err
		}
	}
	return nil
}

// Using returns the name of a policy that uses a registry, "" for none.
func (s *Service) Using(ctx context.Context, tx db.Tx, registry int64) (string, error) {
	name, err := db.Get(ctx, tx, db.ScanString, policyUsing, registry)
	if errors.Is(err, db.ErrNotFound) {
		return "", nil
	}
	return name, err
}

func (s *Service) happened(ctx context.Context, tx db.Tx, by authz.Principal, kind event.Kind, p Policy) error {
	return event.Append(ctx, tx, event.Event{Kind: kind, At: s.Clock(), By: by.Name, Resource: p.Name, Success: true})
}
