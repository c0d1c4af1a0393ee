package db_test

import (
	"testing"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
)

const insertLabel = `INSERT INTO label (project_id, name, created_at, updated_at) VALUES ($1, $2, $3, $3) RETURNING id`

// A row keeps the id that it is given, and the next one has a greater one.
func TestIDsAreKept(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var given, next int64
		err := d.Write(t.Context(), func(tx db.Tx) (err error) {
			if given, err = db.Insert(t.Context(), tx, 40, insertLabel, 0, "theirs", 1); err != nil {
				return err
			}
			if err := tx.KeepIDs(t.Context(), "label"); err != nil {
				return err
			}
			next, err = db.Insert(t.Context(), tx, 0, insertLabel, 0, "ours", 1)
			return err
		})
		if err != nil || given != 40 || next <= 40 {
			t.Errorf("ids %d and %d, %v", given, next, err)
		}
	})
}

// Where nothing was given an id, ids go on as they would.
func TestIDsOfAnEmptyTable(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var id int64
		err := d.Write(t.Context(), func(tx db.Tx) (err error) {
			if err := tx.KeepIDs(t.Context(), "label"); err != nil {
				return err
			}
			id, err = db.Get(t.Context(), tx, db.ScanInt, insertLabel, 0, "ours", 1)
			return err
		})
		if err != nil || id < 1 {
			t.Errorf("id %d, %v", id, err)
		}
	})
}
