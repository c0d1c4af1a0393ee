package main

import (
	"context"

	"github.com/havenregistry/haven/internal/app"
	"github.com/havenregistry/haven/internal/config"
)

// restore fills an empty Haven from a backup. It exits with 0 when all is there, 1 when blobs are missing, and 2 when it couldn't be done.
type restore struct {
	config.Config `embed:""`
	backupTarget  `embed:""`
	pace          `embed:""`
	Backup        string `placeholder:"ID" help:"Which one. Default: the last one."`
	JSON          bool   `name:"json" help:"Write the report as JSON."`
}

// Run implements kong's command.
func (r *restore) Run(ctx context.Context) error {
	if err := r.Complete(); err != nil {
		return failed(err)
	}
	pace, err := r.pace.pace()
	if err != nil {
		return failed(err)
	}
	report, err := app.Restore(ctx, r.Config, r.Logger(), app.BackupTarget(r.Target), r.Backup, pace, newProgress())
	if err != nil {
		return failed(err)
	}
	if err := writeReport(report, r.JSON); err != nil {
		return failed(err)
	}
	if !report.Whole() {
		return exitDamage
	}
	return nil
}
