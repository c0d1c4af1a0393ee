package db_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
)

func failures(d *db.DB) (sum int64) {
	d.Failures(func(_ string, n int64) { sum += n })
	return sum
}

// What somebody asks for wrongly, and what he refuses himself, isn't counted as the database's failure; a database that is away is.
func TestFailuresAreTheDatabases(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		own := errors.New("refused by the caller")
		err := d.Write(ctx, func(tx db.Tx) error {
			_, err := tx.Exec(ctx, `INSERT INTO setting (name, value) VALUES ('a', 'b')`)
			return err
		})
		again := d.Write(ctx, func(tx db.Tx) error {
			_, err := tx.Exec(ctx, `INSERT INTO setting (name, value) VALUES ('a', 'b')`)
			return err
		})
		if err != nil || !errors.Is(again, db.ErrUnique) {
			t.Fatalf("%v, %v", err, again)
		}
		if err := d.Write(ctx, func(db.Tx) error { return own }); !errors.Is(err, own) {
			t.Errorf("%v", err)
		}
		gone, cancel := context.WithCancel(ctx)
		cancel()
		if _, err := db.Get(gone, d.Auto(), db.ScanInt, `SELECT 1`); err == nil {
			t.Error("who has gone gets an answer")
		}
		if _, err := db.Get(ctx, d.Auto(), db.ScanInt, `SELECT version_id FROM goose_db_version WHERE id = -1`); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("%v", err)
		}
		if n := failures(d); n != 0 {
			t.Errorf("%d failures are counted", n)
		}
		if _, err := db.Get(ctx, d.Auto(), db.ScanInt, `SELECT nothing FROM nowhere`); err == nil || failures(d) != 1 {
			t.Errorf("%v, %d failures", err, failures(d))
		}
		pools := 0
		d.Pools(func(_ string, stats sql.DBStats) {
			pools++
			if stats.MaxOpenConnections == 0 {
				t.Errorf("%+v", stats)
			}
		})
		if pools != 2 {
			t.Errorf("%d pools", pools)
		}
	})
}
