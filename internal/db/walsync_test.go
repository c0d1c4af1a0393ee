package db

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
)

const putSetting = `INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`

func newSQLite(t *testing.T) (d *DB, put func() error) {
	t.Helper()
	ctx := context.Background()
	d, err := Open(ctx, "sqlite:"+filepath.Join(t.TempDir(), "haven.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	if err := d.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	return d, func() error {
		return d.Write(ctx, func(tx Tx) error {
			_, err := tx.Exec(ctx, putSetting, "a", "1")
			return err
		})
	}
}

// All that wait while a sync runs share the next one: that which runs may have begun before their commits.
func TestCommitsShareTheNextSync(t *testing.T) {
	d, _ := newSQLite(t)
	before := d.Syncs()
	synctest.Test(t, func(t *testing.T) {
		d.wal.running = true
		errs := make(chan error, 50)
		for range cap(errs) {
			go func() { errs <- d.wal.wait() }()
		}
		synctest.Wait() // each of them waits now
		if len(errs) > 0 || d.Syncs() != before {
			t.Fatalf("%d returned, %d syncs; the sync before theirs has not ended", len(errs), d.Syncs()-before)
		}
		d.wal.run(&walRound{done: make(chan struct{})})
		for range cap(errs) {
			if err := <-errs; err != nil {
				t.Fatal(err)
			}
		}
	})
	if n := d.Syncs() - before; n != 2 {
		t.Fatalf("%d syncs, want the one that ran and one for all that came meanwhile", n)
	}
}

func TestEachWriteAloneSyncs(t *testing.T) {
	d, put := newSQLite(t)
	before := d.Syncs()
	for range 5 {
		if err := put(); err != nil {
			t.Fatal(err)
		}
	}
	if n := d.Syncs() - before; n != 5 {
		t.Fatalf("5 writes one after the other took %d syncs", n)
	}
}

// What could not be synced once is never acknowledged later, and the database says that it isn't well.
func TestNothingIsAcknowledgedAfterAFailedSync(t *testing.T) {
	d, put := newSQLite(t)
	ctx := context.Background()
	if err := put(); err != nil {
		t.Fatal(err)
	}
	away := d.wal.path + ".away"
	if err := os.Rename(d.wal.path, away); err != nil {
		t.Fatal(err)
	}
	if err := put(); !errors.Is(err, ErrBroken) {
		t.Fatalf("got %v, want ErrBroken", err)
	}
	if err := os.Rename(away, d.wal.path); err != nil {
		t.Fatal(err)
	}
	if err := put(); !errors.Is(err, ErrBroken) {
		t.Fatalf("the next write: got %v, want ErrBroken", err)
	}
	if err := d.Ping(ctx); !errors.Is(err, ErrBroken) {
		t.Fatalf("ping: got %v, want ErrBroken", err)
	}
	if _, err := Get(ctx, d.Auto(), ScanString, `SELECT value FROM setting WHERE name = $1`, "a"); err != nil {
		t.Fatalf("reading: %v", err)
	}
}

// The log's file may be replaced by another one: then that is what has to be synced.
func TestSyncFollowsTheLogsName(t *testing.T) {
	d, put := newSQLite(t)
	if err := put(); err != nil {
		t.Fatal(err)
	}
	held, err := d.wal.log.Stat()
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(d.wal.path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(d.wal.path, d.wal.path+".old"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(d.wal.path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := put(); err != nil {
		t.Fatal(err)
	}
	if now, err := d.wal.log.Stat(); err != nil || os.SameFile(held, now) {
		t.Fatalf("the sync went to the old file (%v)", err)
	}
}

func TestCloseTwice(t *testing.T) {
	d, put := newSQLite(t)
	if err := errors.Join(put(), d.Close(), d.Close()); err != nil {
		t.Fatal(err)
	}
}
