package webhook

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
)

// Adopt brings a policy of a project from another registry, with the id that it had there. There is no event. Errors: fault.Invalid;
// fault.Conflict for a name or id that is taken.
func (s *Service) Adopt(ctx context.Context, tx db.Tx, projectID, id int64, d Draft, createdAt time.Time) error {
	d, err := d.clean()
	if err != nil {
		return err
	}
	types, err := json.Marshal(d.EventTypes)
	if err != nil {
		return err
	}
	if n, err := db.Get(ctx, tx, db.ScanInt, policyCount, projectID); err != nil {
		return err
	} else if n >= maxPolicies {
		return fault.Invalidf("there are %d webhook policies, and may not be more", n)
	}
	if used, err := db.Get(ctx, tx, db.ScanBool, policyNamed, projectID, d.Name, 0); err != nil {
		return err
	} else if used {
		return taken(d.Name)
	}
	created, err := db.Collect(ctx, tx, db.ScanInt, db.WithID(policyInsert), projectID, d.Name, d.Description, d.Enabled, string(types), d.Creator, db.Micros(createdAt), id)
	if err != nil {
		return fmt.Errorf("adopt webhook policy %s: %w", d.Name, err)
	}
	if len(created) == 0 {
		return taken(d.Name)
	}
	if err := s.putTargets(ctx, tx, Policy{ID: id}, d.Targets); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, policyChanged)
	return err
}

// EndAdoption has new ids go on above those that were brought.
func (s *Service) EndAdoption(ctx context.Context, tx db.Tx) error {
	return tx.KeepIDs(ctx, "webhook_policy")
}
