package main

import (
	"context"
	"fmt"

	"github.com/havenregistry/haven/internal/config"
	"github.com/havenregistry/haven/internal/db"
)

// migrate brings the schema up to date. `haven serve` does so too when it starts.
type migrate struct {
	config.Config `embed:""`
	Check         bool `help:"Only say whether the schema is up to date: exit status 0 if so, 3 if migrations are pending, 1 if it can't be used."`
}

const exitPending = exitError(3)

// Run implements kong's command.
func (m *migrate) Run(ctx context.Context) error {
	if err := m.Complete(); err != nil {
		return err
	}
	d, err := db.Open(ctx, m.DatabaseURL)
	if err != nil {
		return err
	}
	defer d.Close()
	if !m.Check {
		if err := d.Migrate(ctx); err != nil {
			return err
		}
	}
	s, err := d.Schema(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("schema %d of %d\n", s.Current, s.Target)
	if s.Pending() {
		return exitPending
	}
	return nil
}
