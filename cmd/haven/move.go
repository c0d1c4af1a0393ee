package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/havenregistry/haven/internal/app"
	"github.com/havenregistry/haven/internal/config"
)

// move takes this Haven to another database and store, while it serves. It exits with 0 when all is there, 1 when blobs were lost before,
// and 2 when it couldn't be done.
type move struct {
	config.Config `embed:""`
	pace          `embed:""`
	ToDatabaseURL string `name:"to-database-url" placeholder:"URL" help:"The new database_url: an empty database."`
	ToStorageURL  string `name:"to-storage-url" placeholder:"URL" help:"The new storage_url: an empty store."`
	Undo          bool   `help:"Let pushes in again where a move has stopped them."`
	JSON          bool   `name:"json" help:"Write the report as JSON."`
}

// Run implements kong's command.
func (m *move) Run(ctx context.Context) error {
	if err := m.Complete(); err != nil {
		return failed(err)
	}
	if m.Undo {
		if err := app.UndoMove(ctx, m.Config, m.Logger()); err != nil {
			return failed(err)
		}
		fmt.Println("Pushes are let in again.")
		return nil
	}
	if m.ToDatabaseURL == "" || m.ToStorageURL == "" {
		return failed(errors.New("to_database_url and to_storage_url: expected both"))
	}
	to := m.Config
	to.DatabaseURL, to.StorageURL = m.ToDatabaseURL, m.ToStorageURL
	if err := to.Complete(); err != nil {
		return failed(fmt.Errorf("the new place: %w", err))
	}
	pace, err := m.pace.pace()
	if err != nil {
		return failed(err)
	}
	report, err := app.Move(ctx, m.Config, to, m.Logger(), pace, newProgress())
	if err != nil {
		return failed(err)
	}
	if err := writeReport(report, m.JSON); err != nil {
		return failed(err)
	}
	if report.Missing > 0 {
		return exitDamage
	}
	return nil
}
