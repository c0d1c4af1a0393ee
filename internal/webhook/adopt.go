package webhook

import (
	"context"
	"fmt"
	"time"

	"github.com/havenregistry/haven/internal/db"
)

// Adopt brings a policy of a project from another registry, with the id that it had there. There is no event. Errors: fault.Invalid;
// fault.Conflict for a name or id that is taken.
func (s *Service) Adopt(ctx context.Context, tx db.Tx, projectID, id int64, d Draft, createdAt time.Time) error {
	d, err := d.clean()
	if err != nil {
		return err
	}
	if _, err := s.add(ctx, tx, projectID, id, d, createdAt); err != nil {
		return fmt.Errorf("adopt webhook policy %s: %w", d.Name, err)
	}
	_, err = tx.Exec(ctx, policyChanged)
	return err
}

// EndAdoption has new ids go on above those that were brought.
func (s *Service) EndAdoption(ctx context.Context, tx db.Tx) error {
	return tx.KeepIDs(ctx, "webhook_policy")
}
