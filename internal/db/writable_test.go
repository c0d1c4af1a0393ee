package db_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
)

// A database that takes no writes answers pings all the same.
func TestWritable(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		if err := d.Writable(t.Context()); err != nil {
			t.Error(err)
		}
	})
	address := dbtest.PostgresURL(t)
	separator := "?"
	if strings.Contains(address, "?") {
		separator = "&"
	}
	d, err := db.Open(t.Context(), address+separator+"default_transaction_read_only=on")
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	if err := d.Writable(t.Context()); !errors.Is(err, db.ErrReadOnly) {
		t.Errorf("read-only: %v", err)
	}
	if s, err := d.Examine(t.Context()); err != nil || !s.ReadOnly {
		t.Errorf("%+v, %v", s, err)
	}
}
