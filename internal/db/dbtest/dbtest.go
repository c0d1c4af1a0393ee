// Package dbtest gives tests an empty, migrated database of each kind that Haven runs on. It is for
// tests only.
//
// A package that uses it has
//
//	func TestMain(m *testing.M) { dbtest.Main(m) }
package dbtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
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

// SQLite returns an empty, migrated SQLite database in the test's folder, which rehearses each transaction: conflicts have it run twice, and
// so they may happen anywhere. A test that counts what is done has to be without (d.Rehearse(false)).
func SQLite(t testing.TB) *db.DB {
	t.Helper()
	d := open(t, emptySQLite(t))
	d.Rehearse(true)
	return d
}

// emptySQLite is the URL of an empty, migrated database.
func emptySQLite(t testing.TB) string {
	t.Helper()
	content, err := migrated()
	if err != nil {
		t.Fatalf("prepare the template database: %v", err)
	}
	url := SQLiteURL(t)
	if err := os.WriteFile(strings.TrimPrefix(url, "sqlite:"), content, 0o600); err != nil {
		t.Fatal(err)
	}
	return url
}

// migrated is the file of a SQLite database that was migrated and closed: to migrate takes longer than most tests.
var migrated = sync.OnceValues(func() ([]byte, error) {
	folder, err := os.MkdirTemp("", "haven-template")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "haven.db")
	if err := migrate("sqlite:" + path); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

func migrate(url string) error {
	d, err := db.Open(context.Background(), url)
	if err != nil {
		return err
	}
	return errors.Join(d.Migrate(context.Background()), d.Close())
}

// SQLiteURL is the URL of a database that doesn't exist yet.
func SQLiteURL(t testing.TB) string {
	return "sqlite:" + filepath.Join(t.TempDir(), "haven.db")
}

// Postgres returns an empty, migrated PostgreSQL database.
func Postgres(t testing.TB) *db.DB {
	t.Helper()
	return open(t, emptyPostgres(t))
}

// emptyPostgres is the URL of an empty, migrated database.
func emptyPostgres(t testing.TB) string {
	t.Helper()
	return create(t, " TEMPLATE "+template(t))
}

// PostgresURL is the URL of a new PostgreSQL database without a schema. It is dropped after the test.
func PostgresURL(t testing.TB) string {
	t.Helper()
	return create(t, "")
}

func open(t testing.TB, url string) *db.DB {
	t.Helper()
	d, err := db.Open(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
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
		s.templateErr = migrate(s.url(name))
	})
	if s.templateErr != nil {
		t.Fatalf("prepare the template database: %v", s.templateErr)
	}
	return name
}
