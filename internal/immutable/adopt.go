package immutable

import (
	"context"
	"fmt"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
)

// Adopt brings a rule of another registry, with the id that it had there, into a database without rules of its own. There is no event.
// Errors: fault.Invalid; fault.Conflict where one says the same.
func (s *Service) Adopt(ctx context.Context, tx db.Tx, r Rule) error {
	if err := r.check(s.clock()); err != nil {
		return err
	}
	cache, err := db.Get(ctx, tx, db.ScanBool, isCache, r.ProjectID)
	if err != nil {
		return err
	}
	if cache {
		return fault.Invalidf("the project is a cache: its tags follow the registry elsewhere")
	}
	if n, err := db.Get(ctx, tx, db.ScanInt, countRules, r.ProjectID); err != nil || n >= maxRules {
		return errorOr(err, fault.Invalidf("a project has at most %d immutable rules", maxRules))
	}
	if err := r.alone(ctx, tx); err != nil {
		return err
	}
	_, err = db.Get(ctx, tx, db.ScanInt, db.WithID(insertRule), r.ProjectID, r.Priority, r.Disabled, r.Action, r.Template, encode(r.Params), encode(r.Tags),
		encode(r.Scope), r.says(), r.NoMove, r.NoDelete, db.Micros(r.HoldUntil), r.Reason, r.CreatedBy, db.Micros(r.CreatedAt), r.ID)
	if err != nil {
		return fmt.Errorf("adopt immutable rule %d: %w", r.ID, err)
	}
	return changed(ctx, tx, r.ProjectID)
}

// errorOr is err, or else otherwise.
func errorOr(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// EndAdoption has new ids go on above those that were brought.
func (s *Service) EndAdoption(ctx context.Context, tx db.Tx) error {
	return tx.KeepIDs(ctx, "immutable_rule")
}
