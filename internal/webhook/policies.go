package webhook

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
)

// Get returns a policy of a project, or fault.NotFound.
func (s *Service) Get(ctx context.Context, projectID, id int64) (p Policy, err error) {
	err = s.DB.Read(ctx, func(tx db.Tx) error {
		p, err = s.getPolicy(ctx, tx, projectID, id)
		return err
	})
	return p, err
}

// List returns a page of a project's policies, newest first, and how many match.
func (s *Service) List(ctx context.Context, projectID int64, list db.List) (page []Policy, total int64, err error) {
	err = s.DB.Read(ctx, func(tx db.Tx) error {
		if page, total, err = db.Page(ctx, tx, policies(), "project_id = $1", []any{projectID}, list, scanPolicy); err != nil {
			return err
		}
		return s.addTargets(ctx, tx, page)
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list webhook policies: %w", err)
	}
	return page, total, nil
}

// Create makes a policy. Errors: fault.Invalid, and fault.Conflict for a name that the project has.
func (s *Service) Create(ctx context.Context, by authz.Principal, project Project, d Draft) (id int64, err error) {
	if d, err = d.clean(); err != nil {
		return 0, err
	}
	err = s.DB.Write(ctx, func(tx db.Tx) error {
		tx.AfterCommit(s.Wake)
		if id, err = s.add(ctx, tx, project.ID, 0, d, s.Clock()); err != nil {
			return err
		}
		return s.changed(ctx, tx, by, event.CreateWebhook, project, d.Name)
	})
	if err != nil {
		return 0, fmt.Errorf("create webhook policy: %w", err)
	}
	return id, nil
}

// add writes a policy with its targets, under an id or with 0 the next one. The draft is clean.
func (s *Service) add(ctx context.Context, tx db.Tx, projectID, id int64, d Draft, createdAt time.Time) (int64, error) {
	n, err := db.Get(ctx, tx, db.ScanInt, policyCount, projectID)
	if err != nil {
		return 0, err
	}
	if n >= maxPolicies {
		return 0, fault.Invalidf("there are %d webhook policies, and may not be more", n)
	}
	types, err := json.Marshal(d.EventTypes)
	if err != nil {
		return 0, err
	}
	id, err = db.Insert(ctx, tx, id, policyInsert, projectID, d.Name, d.Description, d.Enabled, string(types), d.Creator, db.Micros(createdAt))
	if errors.Is(err, db.ErrNotFound) {
		return 0, taken(d.Name)
	}
	if err != nil {
		return 0, err
	}
	return id, s.putTargets(ctx, tx, Policy{ID: id}, d.Targets)
}

func taken(name string) error {
	return fault.Conflictf("notification policy named %s already exists", name)
}

// Project is where a policy belongs: Whole, without a name, or a project.
type Project struct {
	ID   int64
	Name string
}

// Update replaces a policy. What waits for a target stays with it: with its address, wherever that stands in the list, or else with its place.
func (s *Service) Update(ctx context.Context, by authz.Principal, project Project, id int64, d Draft) error {
	d, err := d.clean()
	if err != nil {
		return err
	}
	types, err := json.Marshal(d.EventTypes)
	if err != nil {
		return err
	}
	err = s.DB.Write(ctx, func(tx db.Tx) error {
		tx.AfterCommit(s.Wake)
		tx.AfterCommit(s.look)
		old, err := s.getPolicy(ctx, tx, project.ID, id)
		if err != nil {
			return err
		}
		used, err := db.Get(ctx, tx, db.ScanBool, policyNamed, project.ID, d.Name, id)
		if err != nil {
			return err
		}
		if used {
			return taken(d.Name)
		}
		if _, err := tx.Exec(ctx, policyUpdate, d.Name, d.Description, d.Enabled, string(types), db.Micros(s.Clock()), id); err != nil {
			return err
		}
		if err := s.putTargets(ctx, tx, old, d.Targets); err != nil {
			return err
		}
		return s.changed(ctx, tx, by, event.UpdateWebhook, project, d.Name)
	})
	if err != nil {
		return fmt.Errorf("update webhook policy %d: %w", id, err)
	}
	return nil
}

// formerly finds the target that each draft was: the one with its address, or else the one at its place, nil for none. Those that are
// left are gone.
func formerly(old []Target, drafts []TargetDraft) (were []*Target, gone []Target) {
	were = make([]*Target, len(drafts))
	taken := make([]bool, len(old))
	take := func(draft, target int) { were[draft], taken[target] = &old[target], true }
	for i, d := range drafts {
		for j, t := range old {
			if were[i] == nil && !taken[j] && t.Address == d.Address && t.Type == d.Type {
				take(i, j)
			}
		}
	}
	for i := range min(len(drafts), len(old)) {
		if were[i] == nil && !taken[i] {
			take(i, i)
		}
	}
	for j, t := range old {
		if !taken[j] {
			gone = append(gone, t)
		}
	}
	return were, gone
}

// putTargets makes the targets of a policy what a draft says.
func (s *Service) putTargets(ctx context.Context, tx db.Tx, old Policy, drafts []TargetDraft) error {
	now := db.Micros(s.Clock())
	were, gone := formerly(old.Targets, drafts)
	for i, draft := range drafts {
		before := were[i]
		t, err := draft.over(before)
		if err != nil {
			return err
		}
		header, key := sealed(s.Box, t.AuthHeader), sealed(s.Box, t.Signing)
		if before == nil {
			_, err = tx.Exec(ctx, targetInsert, old.ID, i, t.Type, t.Address, header, key, t.SkipVerify, t.Format)
		} else {
			_, err = tx.Exec(ctx, targetUpdate, i, t.Type, t.Address, header, key, t.SkipVerify, t.Format, now, before.ID)
		}
		if err != nil {
			return err
		}
	}
	for _, t := range gone {
		if _, err := tx.Exec(ctx, targetRemove, now, t.ID); err != nil {
			return err
		}
	}
	return nil
}

// Delete ends a policy with all that waits and is kept of it.
func (s *Service) Delete(ctx context.Context, by authz.Principal, project Project, id int64) error {
	err := s.DB.Write(ctx, func(tx db.Tx) error {
		tx.AfterCommit(s.Wake)
		tx.AfterCommit(s.look)
		old, err := s.getPolicy(ctx, tx, project.ID, id)
		if err != nil {
			return err
		}
		if err := s.forget(ctx, tx, id); err != nil {
			return err
		}
		return s.changed(ctx, tx, by, event.DeleteWebhook, project, old.Name)
	})
	if err != nil {
		return fmt.Errorf("delete webhook policy %d: %w", id, err)
	}
	return nil
}

// forget removes a policy. What is left of its targets Run takes away bit by bit.
func (s *Service) forget(ctx context.Context, tx db.Tx, id int64) error {
	if _, err := tx.Exec(ctx, targetsRemove, db.Micros(s.Clock()), id); err != nil {
		return err
	}
	for _, statement := range []string{policyDelete, triggersDrop} {
		if _, err := tx.Exec(ctx, statement, id); err != nil {
			return err
		}
	}
	return nil
}

// changed notes that policies aren't what somebody remembers any more.
func (s *Service) changed(ctx context.Context, tx db.Tx, by authz.Principal, kind event.Kind, project Project, name string) error {
	if _, err := tx.Exec(ctx, policyChanged); err != nil {
		return err
	}
	resource := name
	if project.Name != "" {
		resource = project.Name + "/" + name
	}
	return event.Append(ctx, tx, event.Event{Kind: kind, At: s.Clock(), By: by.Name, ProjectID: project.ID, Project: project.Name, Resource: resource, Success: true})
}

// Trigger is when a policy was last set off by a type of events; At is zero if never.
type Trigger struct {
	Policy    Policy
	EventType EventType
	At        time.Time
}

type triggered struct {
	policyID  int64
	eventType EventType
}

// Triggers returns when the policies of a project were last set off, a row for each type of events that one names.
func (s *Service) Triggers(ctx context.Context, projectID int64) ([]Trigger, error) {
	page, _, err := s.List(ctx, projectID, db.List{})
	if err != nil {
		return nil, err
	}
	last := map[triggered]time.Time{}
	_, err = db.Collect(ctx, s.DB.Auto(), func(r db.Row) (key triggered, err error) {
		var at time.Time
		err = r.Scan(&key.policyID, &key.eventType, db.ScanTime(&at))
		last[key] = at
		return key, err
	}, triggersOf, projectID)
	if err != nil {
		return nil, fmt.Errorf("read when webhook policies were set off: %w", err)
	}
	var all []Trigger
	for _, p := range page {
		for _, t := range p.EventTypes {
			all = append(all, Trigger{p, t, last[triggered{p.ID, t}]})
		}
	}
	return all, nil
}
