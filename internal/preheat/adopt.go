package preheat

import (
	"context"
	"errors"
	"fmt"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/job"
)

// AdoptInstance brings an instance from another registry, with the id that it had there. There is no event. Errors: fault.Invalid;
// fault.Conflict for a name or id that is taken.
func (s *Service) AdoptInstance(ctx context.Context, tx db.Tx, i Instance) error {
	i, err := i.clean()
	if err != nil {
		return err
	}
	sealed, err := seal(s.Box, i.AuthInfo)
	if err != nil {
		return err
	}
	if _, err := i.insert(ctx, tx, sealed); err != nil {
		return fmt.Errorf("adopt preheat instance %s: %w", i.Name, err)
	}
	return nil
}

// AdoptPolicy brings a policy from another registry, with the id that it had there, and has the clock begin it. There is no event. Its
// project and instance are there. Errors: fault.Invalid; fault.Conflict for a name or id that is taken.
func (s *Service) AdoptPolicy(ctx context.Context, tx db.Tx, p Policy) error {
	if err := p.check(); err != nil {
		return err
	}
	if _, err := p.insert(ctx, tx); err != nil {
		return fmt.Errorf("adopt preheat policy %s: %w", p.Name, err)
	}
	if p.Trigger != Scheduled || !p.Enabled {
		return nil
	}
	return s.Jobs.PutSchedule(ctx, tx, job.Schedule{Kind: job.Preheat, VendorID: p.ID, CronType: "Custom", Cron: p.Cron, Parameters: "{}"})
}

// EndAdoption has new ids go on above those that were brought.
func (s *Service) EndAdoption(ctx context.Context, tx db.Tx) error {
	return errors.Join(tx.KeepIDs(ctx, "preheat_instance"), tx.KeepIDs(ctx, "preheat_policy"))
}
