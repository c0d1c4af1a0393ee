// Package apptest runs the whole registry inside a test, on each kind of database. It is for tests only.
package apptest

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/havenregistry/haven/internal/app"
	"github.com/havenregistry/haven/internal/config"
	"github.com/havenregistry/haven/internal/db/dbtest"
)

// AdminPassword is the password of the user admin.
const AdminPassword = "Admin-12345"

// Server is a running registry with its own data folder.
type Server struct {
	*app.App
	URL  string // http://127.0.0.1:PORT
	Host string // 127.0.0.1:PORT
	Dir  string // data folder
}

// Each runs f on a fresh registry with SQLite and on one with PostgreSQL.
func Each(t *testing.T, f func(t *testing.T, s *Server)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { f(t, Start(t, dbtest.SQLiteURL(t))) })
	t.Run("postgres", func(t *testing.T) { f(t, Start(t, dbtest.PostgresURL(t))) })
}

// Start runs a registry on the database until the test ends.
func Start(t testing.TB, databaseURL string) *Server {
	t.Helper()
	dir := t.TempDir()
	cfg := config.Config{
		DataDir: dir, Listen: "127.0.0.1:0", DatabaseURL: databaseURL, StorageURL: "file:" + filepath.Join(dir, "storage"),
		SecretKeyFile: filepath.Join(dir, "secret-key"), AdminPassword: AdminPassword,
	}
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	a, err := app.New(context.Background(), cfg, log)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Background(ctx) }()
	server := httptest.NewServer(a.Handler())
	t.Cleanup(func() {
		server.Close()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("background work: %v", err)
		}
		if err := a.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return &Server{App: a, URL: server.URL, Host: server.Listener.Addr().String(), Dir: dir}
}
