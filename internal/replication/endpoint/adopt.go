package endpoint

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
)

// Adopt brings a registry elsewhere from another registry, with the id that it had there. Nobody asks it before Run does, and there
// is no event. Errors: fault.Invalid; fault.Conflict for a name or id that is taken.
func (s *Service) Adopt(ctx context.Context, tx db.Tx, id int64, d Draft, createdAt time.Time) error {
	d, err := d.clean()
	if err != nil {
		return err
	}
	_, err = s.insert(ctx, tx, id, d, createdAt, 0)
	if errors.Is(err, db.ErrNotFound) {
		return fault.Conflictf("there is a registry of this name or id")
	}
	if err != nil {
		return fmt.Errorf("adopt registry %s: %w", d.Name, err)
	}
	return nil
}

// EndAdoption has new ids go on above those that were brought.
func (s *Service) EndAdoption(ctx context.Context, tx db.Tx) error {
	return tx.KeepIDs(ctx, "remote_registry")
}
