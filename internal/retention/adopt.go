package retention

import (
	"context"
	"fmt"

	"github.com/havenregistry/haven/internal/db"
)

// Adopt brings a project's policy from another registry, with the id that it had there, and has the clock begin it. There is no event.
// The project is there. Errors: fault.Invalid, also where it has a policy or the schedule can't be kept; nothing was written then.
func (s *Service) Adopt(ctx context.Context, tx db.Tx, p Policy) error {
	p, err := p.checked()
	if err != nil {
		return err
	}
	if err := s.schedule(ctx, tx, Kind, p.ID, p.Cron); err != nil {
		return err
	}
	if _, err := s.add(ctx, tx, p); err != nil {
		return fmt.Errorf("adopt retention policy %d: %w", p.ID, err)
	}
	return nil
}

// EndAdoption has new ids go on above those that were brought.
func (s *Service) EndAdoption(ctx context.Context, tx db.Tx) error {
	return tx.KeepIDs(ctx, "retention_policy")
}
