package replication

import (
	"context"
	"errors"
	"fmt"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
)

// Adopt brings a policy from another registry, with the id that it had there, and has the clock begin it. There is no event. Its
// registries are there. Errors: fault.Invalid; fault.Conflict for a name or id that is taken.
func (s *Service) Adopt(ctx context.Context, tx db.Tx, p Policy) error {
	p, err := s.checkIn(ctx, tx, p)
	if err != nil {
		return err
	}
	if n, err := db.Get(ctx, tx, db.ScanInt, policyCount); err != nil {
		return err
	} else if n >= maxPolicies {
		return fault.Invalidf("there are %d replication policies, and may not be more", n)
	}
	filters, err := filterText(p.Filters)
	if err != nil {
		return err
	}
	if taken, err := db.Get(ctx, tx, db.ScanBool, policyNamed, p.Name, 0); err != nil {
		return err
	} else if taken {
		return fault.Conflictf("replication policy %s already exists", p.Name)
	}
	_, err = db.Get(ctx, tx, db.ScanInt, db.WithID(policyInsert), p.Name, p.Description, p.Source, p.SourceHere, p.Destination, p.Namespace, p.ReplaceCount,
		p.Trigger, p.Cron, filters, p.Deletion, p.Override, p.Enabled, p.Speed, p.CopyByChunk, p.SingleActive, db.Micros(p.CreatedAt), p.ID)
	if errors.Is(err, db.ErrNotFound) {
		return fault.Conflictf("replication policy %s already exists", p.Name)
	}
	if err != nil {
		return fmt.Errorf("adopt replication policy %s: %w", p.Name, err)
	}
	return s.schedule(ctx, tx, p)
}

// EndAdoption has new ids go on above those that were brought.
func (s *Service) EndAdoption(ctx context.Context, tx db.Tx) error {
	return tx.KeepIDs(ctx, "replication_policy")
}
