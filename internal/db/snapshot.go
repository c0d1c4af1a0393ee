package db

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// SnapshotPath is the file in which Migrate keeps a database of SQLite as it was at a schema, "" on PostgreSQL: there a transaction
// that fails leaves nothing, and the program before can go on with what one that succeeds leaves.
func (d *DB) SnapshotPath(schema int64) string {
	if d.wal == nil {
		return ""
	}
	return d.snapshots() + strconv.FormatInt(schema, 10)
}

func (d *DB) snapshots() string { return strings.TrimSuffix(d.wal.path, "-wal") + ".schema-" }

// keepSnapshot copies the database, whole or not at all.
func (d *DB) keepSnapshot(ctx context.Context, schema int64) error {
	path := d.SnapshotPath(schema)
	if path == "" {
		return nil
	}
	part := path + ".part"
	if err := remove(part); err != nil {
		return err
	}
	err := d.copyTo(ctx, part)
	if errors.Is(err, ErrFull) {
		err = fmt.Errorf("%w: make room for a copy of it in %s: %w", ErrFull, filepath.Dir(path), err)
	}
	if err == nil {
		err = os.Rename(part, path)
	}
	if err != nil {
		return errors.Join(err, remove(part))
	}
	return nil
}

// copyTo writes the database to a new file, which is on the disk when it returns.
func (d *DB) copyTo(ctx context.Context, path string) error {
	if _, err := d.relaxed.ExecContext(ctx, "VACUUM INTO $1", path); err != nil {
		return classify(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0) //nolint:gosec // G703: beside the database that the configuration names
	if err != nil {
		return err
	}
	return errors.Join(f.Chmod(0o600), f.Sync(), f.Close())
}

// forgetSnapshots removes those of schemas before the one of the last upgrade.
func (d *DB) forgetSnapshots(but int64) error {
	if d.wal == nil {
		return nil
	}
	all, err := filepath.Glob(escaped(d.snapshots()) + "*")
	if err != nil {
		return fmt.Errorf("look for copies of the database: %w", err)
	}
	for _, path := range all {
		if path == d.SnapshotPath(but) {
			continue
		}
		if err := remove(path); err != nil {
			return fmt.Errorf("remove an old copy of the database: %w", err)
		}
	}
	return nil
}

// escaped is a path as Glob takes it.
func escaped(path string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}

func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
