package db_test

import (
	"context"
	"errors"
	"testing"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
)

func TestOneProcessServesSQLite(t *testing.T) {
	url := dbtest.SQLiteURL(t)
	open := func() *db.DB {
		t.Helper()
		d, err := db.Open(context.Background(), url)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { d.Close() })
		return d
	}
	first, second := open(), open()
	if err := first.Claim(); err != nil {
		t.Fatal(err)
	}
	if err := second.Claim(); !errors.Is(err, db.ErrServed) {
		t.Errorf("second claim: %v, want ErrServed", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := second.Claim(); err != nil {
		t.Errorf("claim after the first has closed: %v", err)
	}
}

func TestManyProcessesServePostgreSQL(t *testing.T) {
	url := dbtest.PostgresURL(t)
	for range 2 {
		d, err := db.Open(context.Background(), url)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		if err := d.Claim(); err != nil {
			t.Error(err)
		}
	}
}
