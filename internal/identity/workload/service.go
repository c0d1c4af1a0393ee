package workload

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/outbound"
	"github.com/havenregistry/haven/internal/secret"
)

// Deps is what a Service needs.
type Deps struct {
	DB    *db.DB
	Box   *secret.Box
	Calls *outbound.Calls // counts requests; nil: nobody does
	Clock func() time.Time
	Log   *slog.Logger
}

// Service is the package's use cases. It is safe for concurrent use. It implements identity.Workloads.
type Service struct {
	db         *db.DB
	box        *secret.Box
	clock      func() time.Time
	log        *slog.Logger
	conditions *conditions
	issuers    *issuers
	grants     *otter.Cache[grantsKey, granted]
}

// New returns a Service. It reads nothing yet.
func New(d Deps) (*Service, error) {
	c, err := newConditions()
	if err != nil {
		return nil, err
	}
	return &Service{
		db: d.DB, box: d.Box, clock: d.Clock, log: d.Log, conditions: c, issuers: newIssuers(d.Calls, d.Clock, d.Log),
		grants: otter.Must(&otter.Options[grantsKey, granted]{MaximumSize: mostGrants}),
	}, nil
}

// List lists the policies of a project, or of the system (0). Keys: id, name, description, issuer,
// audience, enabled, creation_time, update_time.
func (s *Service) List(ctx context.Context, projectID int64, list db.List) (page []Policy, total int64, err error) {
	where, args := `w.project_id IS NULL`, []any(nil)
	if projectID != 0 {
		where, args = `w.project_id = $1 AND p.deleted_at = 0`, []any{projectID}
	}
	err = s.db.Read(ctx, func(tx db.Tx) error {
		if page, total, err = db.Page(ctx, tx, policies(), where, args, list, scanPolicy); err != nil {
			return err
		}
		return withPermissions(ctx, tx, page)
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list trust policies: %w", err)
	}
	return page, total, nil
}

// Get returns a policy with its permissions; fault.NotFound when there is none.
func (s *Service) Get(ctx context.Context, id int64) (Policy, error) {
	one := make([]Policy, 1)
	err := s.db.Read(ctx, func(tx db.Tx) (err error) {
		if one[0], err = getPolicy(ctx, tx, id); err != nil {
			return err
		}
		return withPermissions(ctx, tx, one)
	})
	return one[0], err
}

// Create creates a policy of a project, or of the system (0). The caller has authorised by there. A robot
// or a personal token passes on a part of its own rights at most, else identity.ErrGrantTooBroad. A name
// in use is a fault.Conflict.
func (s *Service) Create(ctx context.Context, by authz.Principal, projectID int64, d Draft) (id int64, err error) {
	if err := d.check(s.conditions); err != nil {
		return 0, err
	}
	err = s.db.Write(ctx, func(tx db.Tx) error {
		all, err := d.grants(ctx, tx, by, projectID)
		if err != nil {
			return err
		}
		n, err := db.Get(ctx, tx, db.ScanInt, policyCount, projectID)
		if err != nil {
			return err
		}
		if n >= mostPolicies {
			return fault.Forbiddenf("there are %d policies already, which is the most", n)
		}
		var project any
		if projectID != 0 {
			project = projectID
		}
		now := db.Micros(s.clock())
		id, err = db.Get(ctx, tx, db.ScanInt, policyInsert, project, d.Name, d.Description, d.Issuer, d.Audience, d.Condition, d.KeySet,
			d.LifeMinutes, d.Enabled, now, now)
		if errors.Is(err, db.ErrNotFound) {
			return fault.Conflictf("policy %s already exists", d.Name)
		}
		if err != nil {
			return err
		}
		if err := insertGrants(ctx, tx, id, all); err != nil {
			return err
		}
		return s.record(ctx, tx, event.CreateTrust, by, id)
	})
	if err != nil {
		return 0, fmt.Errorf("create a trust policy: %w", err)
	}
	return id, nil
}

// Update replaces all of a policy but its name and its place. Who was let in by it before is out.
func (s *Service) Update(ctx context.Context, by authz.Principal, id int64, d Draft) error {
	if err := d.check(s.conditions); err != nil {
		return err
	}
	err := s.db.Write(ctx, func(tx db.Tx) error {
		p, err := getPolicy(ctx, tx, id)
		if err != nil {
			return err
		}
		if d.Name != p.Name {
			return fault.Invalidf("the name of a policy can't be changed")
		}
		all, err := d.grants(ctx, tx, by, p.ProjectID)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, policyUpdate, d.Description, d.Issuer, d.Audience, d.Condition, d.KeySet, d.LifeMinutes, d.Enabled,
			db.Micros(s.clock()), id); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, grantClear, id); err != nil {
			return err
		}
		if err := insertGrants(ctx, tx, id, all); err != nil {
			return err
		}
		return s.record(ctx, tx, event.UpdateTrust, by, id)
	})
	if err != nil {
		return fmt.Errorf("change trust policy %d: %w", id, err)
	}
	return nil
}

// Delete deletes a policy. Who was let in by it is out.
func (s *Service) Delete(ctx context.Context, by authz.Principal, id int64) error {
	err := s.db.Write(ctx, func(tx db.Tx) error {
		if err := s.record(ctx, tx, event.DeleteTrust, by, id); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, policyDelete, id)
		return err
	})
	if err != nil {
		return fmt.Errorf("delete trust policy %d: %w", id, err)
	}
	return nil
}

func (s *Service) record(ctx context.Context, tx db.Tx, kind event.Kind, by authz.Principal, id int64) error {
	p, err := getPolicy(ctx, tx, id)
	if err != nil {
		return err
	}
	return event.Append(ctx, tx, event.Event{Kind: kind, At: s.clock(), By: by.Name, ProjectID: p.ProjectID, Project: p.ProjectName,
		Resource: p.FullName(), Success: true})
}
