package immutable

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
)

// Service keeps the rules, and answers for them. It is safe for concurrent use, and takes authorised input.
type Service struct {
	db    *db.DB
	clock func() time.Time

	mu    sync.Mutex
	known map[int64]knownRules // by the project
}

// knownRules are a project's rules in force, as they were at a version.
type knownRules struct {
	version int64
	rules   []compiled
}

// maxKnown bounds the projects whose rules are remembered.
const maxKnown = 1000

// New returns a Service.
func New(d *db.DB, clock func() time.Time) *Service {
	return &Service{db: d, clock: clock, known: map[int64]knownRules{}}
}

// Version is an SQL expression for the version of the rules of the project whose id the expression inside says, 0 where there
// are none. It costs a look into an index, where somebody reads a row anyhow.
func Version(projectID string) string {
	return `COALESCE((SELECT iv.version FROM immutable_version iv WHERE iv.project_id = ` + projectID + `), 0)`
}

// Protecting returns what protects the tags of a repository, nil where nothing does. A nil Service has no rules.
func (s *Service) Protecting(ctx context.Context, tx db.Tx, projectID int64, repository string) (*Protected, error) {
	if s == nil {
		return nil, nil
	}
	version, err := db.Get(ctx, tx, db.ScanInt, versionOf, projectID)
	if errors.Is(err, db.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("ask for the rules of project %d: %w", projectID, err)
	}
	return s.ProtectingAt(ctx, tx, projectID, repository, version)
}

// ProtectingAt is Protecting for whom Version told which version the rules have.
func (s *Service) ProtectingAt(ctx context.Context, tx db.Tx, projectID int64, repository string, version int64) (*Protected, error) {
	if s == nil || version == 0 {
		return nil, nil
	}
	rules, err := s.inForce(ctx, tx, projectID, version)
	if err != nil {
		return nil, fmt.Errorf("read the rules of project %d: %w", projectID, err)
	}
	p := &Protected{repository: repository, now: s.clock()}
	for _, r := range rules {
		if r.repositories.chooses(repository) {
			p.rules = append(p.rules, r)
		}
	}
	if len(p.rules) == 0 {
		return nil, nil
	}
	return p, nil
}

// inForce returns the rules that aren't disabled.
func (s *Service) inForce(ctx context.Context, tx db.Tx, projectID, version int64) ([]compiled, error) {
	s.mu.Lock()
	found, ok := s.known[projectID]
	s.mu.Unlock()
	if ok && found.version == version {
		return found.rules, nil
	}
	rows, err := db.Collect(ctx, tx, scanRule, rulesOf, projectID)
	if err != nil {
		return nil, err
	}
	rules := make([]compiled, len(rows))
	for i, r := range rows {
		if rules[i], err = r.compiled(); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.known) >= maxKnown {
		for id := range s.known { // any: it is read again
			delete(s.known, id)
			break
		}
	}
	s.known[projectID] = knownRules{version, rules}
	return rules, nil
}

// Immutable returns what protects the tags of a repository, for showing it.
func (s *Service) Immutable(ctx context.Context, projectID int64, repository string) (*Protected, error) {
	return s.Protecting(ctx, s.db.Auto(), projectID, repository)
}

// HeldUntil returns when the last hold in a project ends, or ended; the zero time where there was none.
func (s *Service) HeldUntil(ctx context.Context, tx db.Tx, projectID int64) (time.Time, error) {
	last, err := db.Get(ctx, tx, db.ScanInt, lastHold, projectID)
	if err != nil {
		return time.Time{}, fmt.Errorf("ask for the holds of project %d: %w", projectID, err)
	}
	return db.Time(last), nil
}

// Get returns a rule, or fault.NotFound.
func (s *Service) Get(ctx context.Context, projectID, id int64) (Rule, error) {
	return load(ctx, s.db.Auto(), projectID, id)
}

// List returns a page of a project's rules, the oldest first, and how many match; of Harbor's only, where it is so asked.
func (s *Service) List(ctx context.Context, projectID int64, onlyHarbors bool, list db.List) (page []Rule, total int64, err error) {
	where := "project_id = $1"
	if onlyHarbors {
		where += " AND " + harbors
	}
	err = s.db.Read(ctx, func(tx db.Tx) error {
		page, total, err = db.Page(ctx, tx, ruleListing(), where, []any{projectID}, list, scanRule)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list immutable rules: %w", err)
	}
	return page, total, nil
}

// Create makes a rule. Errors: fault.Invalid; fault.Conflict where one says the same.
func (s *Service) Create(ctx context.Context, by authz.Principal, project string, r Rule) (id int64, err error) {
	now := s.clock()
	r.HoldUntil = r.HoldUntil.Truncate(time.Second) // as clients read it
	if err := r.check(now); err != nil {
		return 0, err
	}
	if !r.HoldUntil.IsZero() && !r.Holds(now) {
		return 0, fault.Invalidf("a hold ends in the future")
	}
	r.ID, r.CreatedBy, r.CreatedAt = 0, by.Name, now
	err = s.db.Write(ctx, func(tx db.Tx) error {
		if id, err = r.add(ctx, tx); err != nil {
			return err
		}
		made := r
		made.ID = id
		return s.changed(ctx, tx, by, event.CreateImmutable, project, made, "create")
	})
	if err != nil {
		return 0, fmt.Errorf("create immutable rule: %w", err)
	}
	return id, nil
}

// Update replaces a rule. While it holds, it can only hold longer, and forbid more.
func (s *Service) Update(ctx context.Context, by authz.Principal, project string, r Rule) error {
	now := s.clock()
	r.HoldUntil = r.HoldUntil.Truncate(time.Second)
	if err := r.check(now); err != nil {
		return err
	}
	return s.change(ctx, by, project, r.ProjectID, r.ID, func(was Rule) (Rule, error) {
		if was.Holds(now) && r.lessThan(was) {
			return r, stillHeld(was, "the rule can only be made to hold longer, and to forbid more")
		}
		if !r.HoldUntil.Equal(was.HoldUntil) && !r.HoldUntil.IsZero() && !r.Holds(now) {
			return r, fault.Invalidf("a hold ends in the future")
		}
		return r, nil
	})
}

// UpdateHarbors is Update for a client of Harbor's: where disabled changes, nothing else does.
func (s *Service) UpdateHarbors(ctx context.Context, by authz.Principal, project string, r Rule) error {
	r.NoMove, r.NoDelete, r.HoldUntil = true, true, time.Time{}
	return s.change(ctx, by, project, r.ProjectID, r.ID, func(was Rule) (Rule, error) {
		if !was.Harbors() {
			return r, fault.NotFoundf("immutable rule %d not found", r.ID)
		}
		if was.Disabled != r.Disabled {
			was.Disabled = r.Disabled
			return was, nil
		}
		r.Reason = was.Reason
		return r, r.check(s.clock())
	})
}

// lessThan reports whether a rule would hold or forbid less than it did, or is about other tags.
func (r Rule) lessThan(was Rule) bool {
	return r.HoldUntil.Before(was.HoldUntil) || r.Disabled || was.NoMove && !r.NoMove || was.NoDelete && !r.NoDelete ||
		encode(r.Tags) != encode(was.Tags) || encode(r.Scope) != encode(was.Scope)
}

func stillHeld(r Rule, what string) error {
	return &HoldError{r.HoldUntil, what}
}

// change replaces a rule by what f makes of it.
func (s *Service) change(ctx context.Context, by authz.Principal, project string, projectID, id int64, f func(was Rule) (Rule, error)) error {
	err := s.db.Write(ctx, func(tx db.Tx) error {
		was, err := load(ctx, tx, projectID, id)
		if err != nil {
			return err
		}
		r, err := f(was)
		if err != nil {
			return err
		}
		if err := r.update(ctx, tx, db.Micros(s.clock())); err != nil {
			return err
		}
		return s.changed(ctx, tx, by, event.UpdateImmutable, project, r, "update")
	})
	if err != nil {
		return fmt.Errorf("update immutable rule %d: %w", id, err)
	}
	return nil
}

// Delete ends a rule; of Harbor's only, where it is so asked. One that holds stays.
func (s *Service) Delete(ctx context.Context, by authz.Principal, project string, projectID, id int64, onlyHarbors bool) error {
	err := s.db.Write(ctx, func(tx db.Tx) error {
		r, err := load(ctx, tx, projectID, id)
		if err != nil {
			return err
		}
		if onlyHarbors && !r.Harbors() {
			return fault.NotFoundf("immutable rule %d not found", id)
		}
		if r.Holds(s.clock()) {
			return stillHeld(r, "the rule can't be deleted")
		}
		if _, err := tx.Exec(ctx, deleteRule, id); err != nil {
			return err
		}
		return s.changed(ctx, tx, by, event.DeleteImmutable, project, r, "delete")
	})
	if err != nil {
		return fmt.Errorf("delete immutable rule %d: %w", id, err)
	}
	return nil
}

// changed notes that rules of a project aren't what they were.
func (s *Service) changed(ctx context.Context, tx db.Tx, by authz.Principal, kind event.Kind, project string, r Rule, verb string) error {
	if err := changed(ctx, tx, r.ProjectID); err != nil {
		return err
	}
	return event.Append(ctx, tx, event.Event{Kind: kind, At: s.clock(), By: by.Name, Success: true, ProjectID: r.ProjectID, Project: project,
		Resource: project, Description: fmt.Sprintf("%s immutable rule %d: %s", verb, r.ID, r.describe())})
}

func (r Rule) describe() string {
	c, err := r.compiled()
	if err != nil {
		return "unreadable"
	}
	text := "tags " + c.tags.String() + " of " + c.repositories.String()
	if r.NoMove {
		text += ", no move"
	}
	if r.NoDelete {
		text += ", no deletion"
	}
	if !r.HoldUntil.IsZero() {
		text += ", hold until " + r.HoldUntil.UTC().Format(time.RFC3339)
	}
	if r.Disabled {
		text += ", disabled"
	}
	return text
}
