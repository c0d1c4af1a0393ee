package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/havenregistry/haven/bench/dataset"
)

// fillDatabase writes the data set of a large registry.
func fillDatabase(ctx context.Context, url string, shape dataset.Shape) error {
	start := time.Now()
	next := 0
	err := dataset.Fill(ctx, url, shape, func(artifacts int) {
		if artifacts >= next {
			fmt.Fprintf(os.Stderr, "  %d artifacts after %s\n", artifacts, time.Since(start).Round(time.Second))
			next = artifacts + shape.Artifacts/5
		}
	})
	if err == nil {
		fmt.Fprintf(os.Stderr, "  filled in %s\n", time.Since(start).Round(time.Second))
	}
	return err
}

// filled is a registry with a data set, not running.
type filled struct {
	name     string // of its database
	dir      string // data directory
	settings []string
	stop     func() error // ends the database
}

// fillSQLite makes a registry with a data set below root, or finds it there.
func fillSQLite(ctx context.Context, o options, root string) (filled, error) {
	f := filled{name: "SQLite", dir: filepath.Join(root, "sqlite"), stop: func() error { return nil }}
	return f, f.fill(ctx, o, "sqlite:"+filepath.Join(f.dir, "haven.db"))
}

func fillPostgres(ctx context.Context, o options, root string) (filled, error) {
	p, err := startPostgres(ctx, filepath.Join(root, "postgres"))
	if err != nil {
		return filled{}, err
	}
	f := filled{name: "PostgreSQL", dir: filepath.Join(root, "postgres-data"), settings: []string{"HAVEN_DATABASE_URL=" + p.url}, stop: p.stop}
	if err := f.fill(ctx, o, p.url); err != nil {
		return filled{}, errors.Join(err, p.stop())
	}
	return f, nil
}

// fill starts the registry once, so that there is a schema, and fills it, unless that was done before.
func (f filled) fill(ctx context.Context, o options, url string) error {
	done := filepath.Join(f.dir, "filled")
	if _, err := os.Stat(done); err == nil {
		return nil
	}
	if err := os.MkdirAll(f.dir, 0o750); err != nil {
		return err
	}
	s, err := startServer(ctx, o.haven, f.dir, f.settings...)
	if err != nil {
		return err
	}
	if err := s.stop(); err != nil {
		return err
	}
	if err := fillDatabase(ctx, url, o.sizes().shape); err != nil {
		return err
	}
	return os.WriteFile(done, nil, 0o600)
}
