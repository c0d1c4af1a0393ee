package replication

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/pause"
)

// due is a repository of a policy's source where something happened.
type due struct {
	policy     int64
	repository string
	tags       []string // those that it is about, and manifests as @digest; none: everything
	version    int64
	execution  int64 // that works on it
	failures   int
}

const (
	dueFields = `policy_id, repository, tags, version, execution_id, failures`
	dueOne    = `SELECT ` + dueFields + ` FROM replication_due WHERE policy_id = $1 AND repository = $2`
	dueNow    = `SELECT ` + dueFields + ` FROM replication_due WHERE execution_id = 0 AND due_at <= $1 ORDER BY due_at LIMIT $2`
	duePut    = `INSERT INTO replication_due (policy_id, repository, tags, version, execution_id, failures, due_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (policy_id, repository) DO UPDATE SET tags = excluded.tags, version = excluded.version, execution_id = excluded.execution_id,
		failures = excluded.failures, due_at = excluded.due_at`
	dueDrop       = `DELETE FROM replication_due WHERE policy_id = $1 AND repository = $2 AND version = $3`
	dueOf         = `SELECT ` + dueFields + ` FROM replication_due WHERE execution_id = $1 AND execution_id > 0`
	dueDropAll    = `DELETE FROM replication_due WHERE execution_id = $1 AND execution_id > 0`
	dueDropPolicy = `DELETE FROM replication_due WHERE policy_id = $1`
	// What waits because a registry couldn't be reached.
	dueSoon = `UPDATE replication_due SET due_at = 0, failures = 0 WHERE execution_id = 0
		AND policy_id IN (SELECT id FROM replication_policy WHERE src_registry = $1 OR dest_registry = $1)`
)

const (
	// maxDueTags is up to how many tags are compared one by one; where more have changed, the whole repository is.
	maxDueTags = 100
	// dueEvery is how often what has failed is looked at.
	dueEvery = 5 * time.Second
	// firstDue is when something is tried again whose tasks have all failed; it doubles with each time up to lastDue.
	firstDue = 30 * time.Second
	lastDue  = 5 * time.Minute
	dueBatch = 200
)

func scanDue(r db.Row) (d due, err error) {
	var tags string
	if err = r.Scan(&d.policy, &d.repository, &tags, &d.version, &d.execution, &d.failures); err == nil {
		err = json.Unmarshal([]byte(tags), &d.tags)
	}
	return d, err
}

func (d due) put(ctx context.Context, tx db.Tx, at int64) error {
	if d.tags == nil {
		d.tags = []string{}
	}
	tags, err := json.Marshal(d.tags)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, duePut, d.policy, d.repository, string(tags), d.version, d.execution, d.failures, at)
	return err
}

// findDue is the zero value where nothing is due.
func (s *Service) findDue(ctx context.Context, policy int64, repository string) (due, error) {
	d, err := db.Get(ctx, s.DB.Auto(), scanDue, dueOne, policy, repository)
	if errors.Is(err, db.ErrNotFound) {
		return due{}, nil
	}
	if err != nil {
		return due{}, fmt.Errorf("look what is due in %s: %w", repository, err)
	}
	return d, nil
}

// mark says that something happened to tags of a repository, all of them for none, and begins to copy it unless that goes on already.
func (s *Service) mark(ctx context.Context, tx db.Tx, p Policy, repository string, tags []string) error {
	d, err := db.Get(ctx, tx, scanDue, dueOne, p.ID, repository)
	switch {
	case errors.Is(err, db.ErrNotFound):
		d = due{policy: p.ID, repository: repository, tags: tags}
	case err != nil:
		return err
	case len(d.tags) == 0 || len(tags) == 0:
		d.tags = nil
	default:
		d.tags = union(d.tags, tags)
	}
	if len(d.tags) > maxDueTags {
		d.tags = nil
	}
	d.version++
	if d.execution == 0 {
		return s.beginDue(ctx, tx, d)
	}
	return d.put(ctx, tx, 0)
}

func union(a, b []string) []string {
	all := append(slices.Clone(a), b...)
	slices.Sort(all)
	return slices.Compact(all)
}

// beginDue begins to copy what is due.
func (s *Service) beginDue(ctx context.Context, tx db.Tx, d due) (err error) {
	d.execution, _, err = s.Jobs.Begin(ctx, tx, job.NewExecution{Kind: Kind, VendorID: d.policy, Trigger: job.ByEvent, Extra: executionExtra{}},
		job.NewTask{
			Payload: order{Policy: d.policy, Repository: d.repository, Due: true}, Group: d.policy, Priority: 1,
			Extra: shown{Operation: "copy", ResourceType: AllArtifacts, Source: d.repository, Destination: d.repository},
		})
	if err != nil {
		return err
	}
	return d.put(ctx, tx, 0)
}

// settleDue is for the transaction that ends a task which has done what was due when it began. What came since begins anew.
func (s *Service) settleDue(ctx context.Context, tx db.Tx, d due) error {
	if d.policy == 0 {
		return nil
	}
	n, err := tx.Exec(ctx, dueDrop, d.policy, d.repository, d.version)
	if err != nil || n > 0 {
		return err
	}
	now, err := db.Get(ctx, tx, scanDue, dueOne, d.policy, d.repository)
	if errors.Is(err, db.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	now.failures = 0
	return s.beginDue(ctx, tx, now)
}

// ended is for the transaction that ends an execution. What it left due is tried again after a while; what somebody stopped isn't.
func (s *Service) ended(ctx context.Context, tx db.Tx, e job.Execution) error {
	if err := s.announce(ctx, tx, e); err != nil {
		return fmt.Errorf("announce the end of execution %d: %w", e.ID, err)
	}
	if e.Trigger != job.ByEvent {
		return nil
	}
	if e.Status == job.Stopped {
		_, err := tx.Exec(ctx, dueDropAll, e.ID)
		return err
	}
	left, err := db.Collect(ctx, tx, scanDue, dueOf, e.ID)
	for _, d := range left {
		if err == nil {
			d.execution = 0
			at := s.Clock().Add(min(firstDue<<min(d.failures, 10), lastDue))
			d.failures++
			err = d.put(ctx, tx, db.Micros(at))
		}
	}
	return err
}

// Run begins what failed and is due again, until ctx is cancelled.
func (s *Service) Run(ctx context.Context) error {
	if err := s.locate(ctx); err != nil {
		s.Log.ErrorContext(ctx, "replication policies may not see what happens here", "error", err)
	}
	for {
		if err := s.again(ctx); err != nil && ctx.Err() == nil {
			s.Log.ErrorContext(ctx, "replication can't look for what is due", "error", err)
		}
		if !pause.For(ctx, dueEvery) {
			return nil
		}
	}
}

func (s *Service) again(ctx context.Context) error {
	now := db.Micros(s.Clock())
	some, err := db.Collect(ctx, s.DB.Auto(), scanDue, dueNow, now, 1)
	if err != nil || len(some) == 0 {
		return err
	}
	return s.DB.Write(ctx, func(tx db.Tx) error {
		all, err := db.Collect(ctx, tx, scanDue, dueNow, now, dueBatch)
		for _, d := range all {
			if err == nil {
				err = s.beginDue(ctx, tx, d)
			}
		}
		return err
	})
}

// Recovered has tried at once what waits because a registry couldn't be reached: it can be again.
func (s *Service) Recovered(ctx context.Context, registry int64) error {
	return s.DB.Write(ctx, func(tx db.Tx) error {
		_, err := tx.Exec(ctx, dueSoon, registry)
		return err
	})
}

// locate finds out anew which policies have this Haven as their source: its address may be another one than when they were written.
func (s *Service) locate(ctx context.Context) error {
	all, _, err := s.List(ctx, db.List{Page: 1, Size: maxPolicies})
	if err != nil {
		return err
	}
	for _, p := range all {
		src, err := s.open(ctx, p.Source)
		if err != nil || (src.id == Local) == p.SourceHere {
			continue // who can't be opened says so when the policy is carried out
		}
		err = s.DB.Write(ctx, func(tx db.Tx) error {
			p, err := getPolicy(ctx, tx, p.ID)
			if err != nil {
				return err
			}
			p.SourceHere = !p.SourceHere
			if err := p.update(ctx, tx, db.Micros(p.UpdatedAt)); err != nil {
				return err
			}
			return s.schedule(ctx, tx, p)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// place is a repository of a policy.
type place struct {
	policy     int64
	repository string
}

// Handle begins to copy what events tell of: it is the event.Listener's.
func (s *Service) Handle(ctx context.Context, tx db.Tx, events []event.Event) error {
	if !slices.ContainsFunc(events, concerns) {
		return nil
	}
	all, err := db.Collect(ctx, tx, scanPolicy, policyOfEvents, maxPolicies)
	if err != nil || len(all) == 0 {
		return err
	}
	touched, first, order := map[place][]string{}, map[place]event.Event{}, []place(nil)
	byID := map[int64]Policy{}
	for _, p := range all {
		chosen, err := s.selectionOf(p)
		if err != nil {
			s.Log.ErrorContext(ctx, "a replication policy can't be read", "policy", p.Name, "error", err)
			continue
		}
		byID[p.ID] = p
		for _, e := range events {
			if !concerns(e) || !chosen.repository(e.Repository) {
				continue
			}
			tags, any := named(p, chosen, e)
			if !any {
				continue
			}
			at := place{p.ID, e.Repository}
			before, known := touched[at]
			if !known {
				order, first[at] = append(order, at), e
			}
			switch {
			case len(tags) == 0, known && len(before) == 0:
				touched[at] = nil
			default:
				touched[at] = union(before, tags)
			}
		}
	}
	for _, at := range order {
		if err := s.mark(first[at].Context(ctx), tx, byID[at.policy], at.repository, touched[at]); err != nil {
			return fmt.Errorf("note what is to be replicated: %w", err)
		}
	}
	return nil
}

// concerns reports whether an event is about what a repository has.
func concerns(e event.Event) bool {
	if !e.Success || e.Repository == "" {
		return false
	}
	switch e.Kind {
	case event.CreateArtifact, event.CreateTag, event.DeleteTag, event.DeleteArtifact, event.DeleteRepository:
		return true
	}
	return false
}

// named is what an event names, none for all of the repository, and whether the policy cares at all.
func named(p Policy, chosen selection, e event.Event) ([]string, bool) {
	switch e.Kind {
	case event.DeleteRepository:
		return nil, p.Deletion
	case event.DeleteArtifact:
		if e.Tag != "" {
			return nil, p.Deletion // with all its tags, of which the event names one
		}
		return []string{"@" + e.Digest}, p.Deletion
	case event.DeleteTag:
		if !p.Deletion {
			return nil, false
		}
	}
	if e.Tag == "" {
		return []string{"@" + e.Digest}, true
	}
	subject, listing := belongsTo(e.Tag)
	return []string{e.Tag}, !listing && (subject != "" || chosen.tag(e.Tag))
}

type compiled struct {
	updated time.Time
	selection
}

// selectionOf is a policy's filters, compiled once.
func (s *Service) selectionOf(p Policy) (selection, error) {
	s.mu.Lock()
	held, known := s.compiled[p.ID]
	s.mu.Unlock()
	if known && held.updated.Equal(p.UpdatedAt) {
		return held.selection, nil
	}
	chosen, err := p.selection()
	if err != nil {
		return chosen, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.compiled) >= 2*maxPolicies {
		s.compiled = map[int64]compiled{}
	}
	s.compiled[p.ID] = compiled{p.UpdatedAt, chosen}
	return chosen, nil
}
