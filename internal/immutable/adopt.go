package immutable

import (
	"context"
	"fmt"

	"github.com/havenregistry/haven/internal/db"
)

// Adopt brings a rule of another registry, with the id that it had there, into a database without rules of its own. There is no event.
// Errors: fault.Invalid; fault.Conflict where one says the same.
func (s *Service) Adopt(ctx context.Context, tx db.Tx, r Rule) error {
	if err := r.check(s.clock()); err != nil {
		return err
	}
	if _, err := r.add(ctx, tx); err != nil {
		return fmt.Errorf("adopt immutable rule %d: %w", r.ID, err)
	}
	return changed(ctx, tx, r.ProjectID)
}

// EndAdoption has new ids go on above those that were brought.
func (s *Service) EndAdoption(ctx context.Context, tx db.Tx) error {
	return tx.KeepIDs(ctx, "immutable_rule")
}
