package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/adopt"
	"github.com/havenregistry/haven/internal/config"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/record"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/repair"
)

// Scrub compares the store with the database, beside a server that may be running.
func Scrub(ctx context.Context, cfg config.Config, log *slog.Logger, o repair.ScrubOptions, p repair.Progress) (report repair.ScrubReport, err error) {
	d, err := db.Open(ctx, cfg.DatabaseURL)
	if err != nil {
		return report, fmt.Errorf("database_url: %w", err)
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	schema, err := d.Schema(ctx)
	if err != nil {
		return report, err
	}
	if schema.Pending() {
		return report, db.ErrOldSchema
	}
	if err := checkServable(ctx, d); err != nil {
		return report, err
	}
	blobs, err := OpenStore(ctx, cfg.StorageURL)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, blobs.Close()) }()
	s := &repair.Scrub{
		Registry: registry.New(registry.Deps{DB: d, Blobs: blobs, Clock: time.Now, Log: log, Wake: func() {}}),
		Records:  record.NewKeeper(d, blobs, time.Now, log),
		Blobs:    blobs, Clock: time.Now, Log: log, Progress: p, Options: o,
	}
	return s.Run(ctx)
}

// RebuildOptions says how to rebuild.
type RebuildOptions struct {
	TrustNames bool // don't read blobs whose location names their digest
	Parallel   int  // blobs read at a time, at least 1
}

// checkServable refuses a database that a rebuild or an adoption hasn't filled to the end.
func checkServable(ctx context.Context, d *db.DB) error {
	return errors.Join(repair.CheckServable(ctx, d.Auto()), adopt.CheckServable(ctx, d))
}

// Rebuild makes an empty database anew from the store. No server may run on either meanwhile.
func Rebuild(ctx context.Context, cfg config.Config, log *slog.Logger, o RebuildOptions, p repair.Progress) (report repair.RebuildReport, err error) {
	a := &App{cfg: cfg, log: log}
	defer func() { err = errors.Join(err, a.Close()) }()
	if err := a.open(ctx); err != nil {
		return report, err
	}
	if err := adopt.CheckServable(ctx, a.db); err != nil {
		return report, err
	}
	if err := repair.BeginRebuild(ctx, a.db, time.Now()); err != nil {
		return report, err
	}
	d, err := a.assemble()
	if err == nil {
		err = a.populate(ctx, d)
	}
	if err != nil {
		return report, err
	}
	dir, local := strings.CutPrefix(cfg.StorageURL, "file:")
	if !local {
		dir = ""
	}
	r := &repair.Rebuild{
		DB: a.db, Registry: d.registry, Projects: d.projects, Endpoints: d.endpoints, Caches: d.caches, Records: a.records, Blobs: a.blobs,
		Volume: strings.TrimPrefix(dir, "//"), TrustNames: o.TrustNames, Parallel: o.Parallel,
		Clock: time.Now, Log: log, Progress: p,
	}
	report, err = r.Run(ctx)
	if err == nil && a.generated != "" {
		fmt.Fprintf(os.Stderr, "Sign in as admin with the password %s (kept in %s)\n", a.generated.Reveal(), a.passwordAt)
	}
	return report, err
}
