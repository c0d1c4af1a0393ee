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
	switch {
	case s.Pending():
		explain(d, s)
		return exitPending
	case s.Ahead():
		fmt.Println("A newer version of Haven has migrated the database; this one can go on with it.")
	}
	return nil
}

// explain says what migrating would do, and what must be so before.
func explain(d *db.DB, s db.Schema) {
	alone := false
	for _, m := range s.Lacking() {
		fmt.Println("pending:", m.Name)
		alone = alone || m.Alone
	}
	copied := d.SnapshotPath(s.Current)
	switch {
	case s.Current == 0:
	case copied != "":
		fmt.Printf("The database is copied to %s before, which takes as much room as it does. To go back, put the copy in its place.\n", copied)
	case alone:
		fmt.Println("Stop all of the version before: it can't go on with the new schema, nor be gone back to without a backup.")
	default:
		fmt.Println("Servers of the version before may go on meanwhile and after it.")
	}
}
