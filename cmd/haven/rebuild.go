package main

import (
	"context"
	"errors"

	"github.com/havenregistry/haven/internal/app"
	"github.com/havenregistry/haven/internal/config"
)

// rebuild makes a lost database anew from the store alone. It exits with 0 when everything came back that the
// store tells of, 1 when something is missing, and 2 when it couldn't be done.
type rebuild struct {
	config.Config `embed:""`
	TrustNames    bool `help:"Don't read blobs whose files are named by their digests. Faster, and finds no damage: haven scrub does, later."`
	Parallel      int  `default:"2" placeholder:"N" help:"Blobs read at a time."`
	JSON          bool `name:"json" help:"Write the report as JSON."`
}

// Run implements kong's command.
func (r *rebuild) Run(ctx context.Context) error {
	if err := r.Complete(); err != nil {
		return failed(err)
	}
	if r.Parallel < 1 || r.Parallel > 64 {
		return failed(errors.New("parallel: expected 1 to 64"))
	}
	report, err := app.Rebuild(ctx, r.Config, r.Logger(), app.RebuildOptions{TrustNames: r.TrustNames, Parallel: r.Parallel}, newProgress())
	if err != nil {
		return failed(err)
	}
	if err := writeReport(report, r.JSON); err != nil {
		return failed(err)
	}
	if !report.Complete() {
		return exitDamage
	}
	return nil
}
