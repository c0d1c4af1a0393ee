package replication

import (
	"context"
	"fmt"

	"github.com/havenregistry/haven/internal/db"
)

// Adopt brings a policy from another registry, with the id that it had there, and has the clock begin it. There is no event. Its
// registries are there. Errors: fault.Invalid; fault.Conflict for a name or id that is taken.
func (s *Service) Adopt(ctx context.Context, tx db.Tx, p Policy) error {
	p, err := s.checkIn(ctx, tx, p)
	if err != nil {
		return err
	}
	if _, err := s.add(ctx, tx, p); err != nil {
		return fmt.Errorf("adopt replication policy %s: %w", p.Name, err)
	}
	return nil
}

// EndAdoption has new ids go on above those that were brought.
func (s *Service) EndAdoption(ctx context.Context, tx db.Tx) error {
	return tx.KeepIDs(ctx, "replication_policy")
}
