package db_test

import (
	"context"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
)

// A PostgreSQL that comes back has ended every connection. Whoever asks next doesn't notice, whichever way
// they ask, and however many connections there were.
func TestLostConnectionsAreNotNoticed(t *testing.T) {
	ctx := context.Background()
	url := dbtest.PostgresURL(t)
	d, operator := connect(t, url), connect(t, url)
	if err := d.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	write := func(tx db.Tx) error { _, err := tx.Exec(ctx, putSetting, "a", "1"); return err }
	for name, ask := range map[string]func() error{
		"a read": func() error { _, err := db.Get(ctx, d.Auto(), db.ScanInt, `SELECT 1`); return err },
		"a list": func() error { _, err := db.Collect(ctx, d.Auto(), db.ScanInt, `SELECT 1`); return err },
		"a snapshot": func() error {
			return d.Read(ctx, func(tx db.Tx) error { _, err := db.Get(ctx, tx, db.ScanInt, `SELECT 1`); return err })
		},
		"a write":   func() error { return d.Write(ctx, write) },
		"a relaxed": func() error { return d.WriteRelaxed(ctx, write) },
	} {
		var g errgroup.Group
		for range 8 { // more than one connection of each pool
			g.Go(func() error {
				return d.Read(ctx, func(tx db.Tx) error {
					_, err := db.Get(ctx, tx, db.ScanInt, `SELECT 1 FROM pg_sleep(0.05)`)
					return err
				})
			})
			g.Go(func() error { return d.WriteRelaxed(ctx, write) })
		}
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
		ended := endOthers(t, operator)
		if ended < 2 {
			t.Fatalf("%d connections ended", ended)
		}
		if err := ask(); err != nil {
			t.Errorf("%s after %d connections were lost: %v", name, ended, err)
		}
	}
}

// A transaction that loses its connection before it commits has changed nothing, and runs again.
func TestTransactionThatLosesItsConnectionRunsAgain(t *testing.T) {
	ctx := context.Background()
	url := dbtest.PostgresURL(t)
	d, operator := connect(t, url), connect(t, url)
	if err := d.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	runs := 0
	err := d.Write(ctx, func(tx db.Tx) error {
		runs++
		pid, err := db.Get(ctx, tx, db.ScanInt, `SELECT pg_backend_pid()`)
		if err != nil {
			return err
		}
		if runs == 1 {
			if _, err := db.Get(ctx, operator.Auto(), db.ScanBool, `SELECT pg_terminate_backend(CAST($1 AS INTEGER), 5000)`, pid); err != nil {
				return err
			}
		}
		_, err = tx.Exec(ctx, putSetting, "a", "1")
		return err
	})
	if err != nil || runs != 2 {
		t.Errorf("ran %d times, %v", runs, err)
	}
}

// endOthers ends all connections but its own, at once: those that rest for a second are looked at before use.
func endOthers(t *testing.T, operator *db.DB) (ended int64) {
	t.Helper()
	const others = ` FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`
	for first := true; ; first = false {
		n, err := db.Get(t.Context(), operator.Auto(), db.ScanInt, `SELECT COUNT(*) FROM (SELECT pg_terminate_backend(pid)`+others+`) ended`)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return ended
		}
		if first {
			ended = n
		}
	}
}

func connect(t *testing.T, url string) *db.DB {
	t.Helper()
	d, err := db.Open(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}
