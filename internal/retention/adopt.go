package retention

import (
	"context"
	"errors"
	"fmt"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
)

// Adopt brings a project's policy from another registry, with the id that it had there, and has the clock begin it. There is no event.
// The project is there. Errors: fault.Invalid, also where it has a policy or the schedule can't be kept; nothing was written then.
func (s *Service) Adopt(ctx context.Context, tx db.Tx, p Policy) error {
	p, err := p.checked()
	if err != nil {
		return err
	}
	switch old, err := db.Get(ctx, tx, scanPolicy, policyOf, p.ProjectID); {
	case err == nil:
		return fault.Invalidf("project %d already has retention policy %d", p.ProjectID, old.ID)
	case !errors.Is(err, db.ErrNotFound):
		return err
	}
	if err := s.schedule(ctx, tx, Kind, p.ID, p.Cron); err != nil {
		return err
	}
	_, err = db.Get(ctx, tx, db.ScanInt, db.WithID(insertPolicy), p.ProjectID, p.Algorithm, p.TriggerKind, p.Cron, encode(p.Rules), db.Micros(p.CreatedAt), p.ID)
	if err != nil {
		return fmt.Errorf("adopt retention policy %d: %w", p.ID, err)
	}
	return s.Projects.NoteRetention(ctx, tx, p.ProjectID, fmt.Sprint(p.ID))
}

// EndAdoption has new ids go on above those that were brought.
func (s *Service) EndAdoption(ctx context.Context, tx db.Tx) error {
	return tx.KeepIDs(ctx, "retention_policy")
}
