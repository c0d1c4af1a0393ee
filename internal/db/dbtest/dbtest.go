// Package dbtest gives tests an empty, migrated database of each kind that Haven runs on. It is for
// tests only.
//
// A package that uses it has
//
//	func TestMain(m *testing.M) { dbtest.Main(m) }
package dbtest

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/havenregistry/haven/internal/db"
)

// Each runs f on an empty SQLite database and on an empty PostgreSQL database.
func Each(t *testing.T, f func(t *testing.T, d *db.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { f(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { f(t, Postgres(t)) })
}

// SQLite returns an empty, migrated SQLite database in the test's folder.
func SQLite(t testing.TB) *db.DB {
	t.Helper()
	return open(t, SQLiteURL(t), true)
}

// SQLiteURL is the URL of a database that doesn't exist yet.
func SQLiteURL(t testing.TB) string {
	return "sqlite:" + filepath.Join(t.TempDir(), "haven.db")
}

// Postgres returns an empty, migrated PostgreSQL database.
func Postgres(t testing.TB) *db.DB {
	t.Helper()
	return open(t, create(t, " TEMPLATE "+template(t)), false)
}

// PostgresURL is the URL of a new PostgreSQL database without a schema. It is dropped after the test.
func PostgresURL(t testing.TB) string {
	t.Helper()
	return create(t, "")
}

func open(t testing.TB, url string, migrate bool) *db.DB {
	t.Helper()
	d, err := db.Open(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	if migrate {
		if err := d.Migrate(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

var serial atomic.Int64

// create makes a database and returns its URL.
func create(t testing.TB, options string) string {
	t.Helper()
	s := server(t)
	name := fmt.Sprintf("t%d", serial.Add(1))
	if err := s.exec("CREATE DATABASE " + name + options); err != nil {
		t.Fatalf("create test database: %v", err)
	}
	t.Cleanup(func() {
		if err := s.exec("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			t.Errorf("drop test database: %v", err)
		}
	})
	return s.url(name)
}

// template migrates one database that the others are copied from.
func template(t testing.TB) string {
	t.Helper()
	const name = "haven_template"
	s := server(t)
	s.templateOnce.Do(func() {
		if err := s.exec("CREATE DATABASE " + name); err != nil && !strings.Contains(err.Error(), "already exists") {
			s.templateErr = err
			return
		}
		d, err := db.Open(context.Background(), s.url(name))
		if err != nil {
			s.templateErr = err
			return
		}
		defer d.Close()
		s.templateErr = d.Migrate(context.Background())
	})
	if s.templateErr != nil {
		t.Fatalf("prepare the template database: %v", s.templateErr)
	}
	return name
}
