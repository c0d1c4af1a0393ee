package app

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/havenregistry/haven/internal/config"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/notice/redistest"
	"github.com/havenregistry/haven/internal/scan/confined"
	"github.com/havenregistry/haven/internal/secret"
)

func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "scan-worker" { // a confined child of the scanner
		os.Exit(confined.Work(os.Args[2]))
	}
	dbtest.Main(m)
}

// startTogether starts replicas at the same time, on one empty database.
func startTogether(t *testing.T, cfgs []config.Config) []*App {
	t.Helper()
	apps := make([]*App, len(cfgs))
	var g errgroup.Group
	for i, cfg := range cfgs {
		g.Go(func() (err error) {
			apps[i], err = New(context.Background(), cfg, slog.New(slog.NewTextHandler(t.Output(), nil)))
			return err
		})
	}
	err := g.Wait()
	t.Cleanup(func() {
		for _, a := range apps {
			if a != nil {
				a.Close()
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return apps
}

func TestReplicasStartTogether(t *testing.T) {
	const replicas = 5
	t.Run("each with a folder of its own", func(t *testing.T) {
		shared, url := t.TempDir(), dbtest.PostgresURL(t)
		cfgs := make([]config.Config, replicas)
		for i := range cfgs {
			cfgs[i] = configIn(t.TempDir())
			cfgs[i].DatabaseURL = url
			cfgs[i].SecretKeyFile, cfgs[i].StorageURL = filepath.Join(shared, "key"), "file:"+filepath.Join(shared, "storage")
		}
		apps := startTogether(t, cfgs)
		var passwords []string
		for i, cfg := range cfgs {
			text, err := os.ReadFile(filepath.Join(cfg.DataDir, "admin-password"))
			if announces := apps[i].generated != ""; announces != (err == nil) {
				t.Errorf("replica %d: announces a password: %v, its file: %v", i, announces, err)
			}
			if err == nil {
				passwords = append(passwords, strings.TrimSpace(string(text)))
			}
		}
		if len(passwords) != 1 {
			t.Fatalf("%d replicas made a password", len(passwords))
		}
		for i, a := range apps {
			if !signsIn(t, a, passwords[0]) {
				t.Errorf("replica %d knows another password", i)
			}
		}
	})
	t.Run("all with one folder", func(t *testing.T) {
		cfg := configIn(t.TempDir())
		cfg.DatabaseURL = dbtest.PostgresURL(t)
		cfgs := make([]config.Config, replicas)
		for i := range cfgs {
			cfgs[i] = cfg
		}
		apps := startTogether(t, cfgs)
		text, err := os.ReadFile(filepath.Join(cfg.DataDir, "admin-password"))
		if err != nil {
			t.Fatal(err)
		}
		announce := 0
		for i, a := range apps {
			if !signsIn(t, a, strings.TrimSpace(string(text))) {
				t.Errorf("replica %d knows another password than the file's", i)
			}
			if a.generated != "" {
				announce++
			}
		}
		if announce != 1 {
			t.Errorf("%d replicas announce the password", announce)
		}
	})
}

func TestAnotherSecretKeyIsRefused(t *testing.T) {
	for name, url := range map[string]string{"sqlite": dbtest.SQLiteURL(t), "postgres": dbtest.PostgresURL(t)} {
		t.Run(name, func(t *testing.T) {
			cfg := configIn(t.TempDir())
			cfg.DatabaseURL = url
			if err := start(t, cfg).Close(); err != nil {
				t.Fatal(err)
			}
			cfg.SecretKeyFile = filepath.Join(t.TempDir(), "another")
			other, err := New(t.Context(), cfg, slog.New(slog.DiscardHandler))
			if err == nil {
				other.Close()
				t.Fatal("a replica with a key of its own starts")
			}
			for _, want := range []string{"secret_key_file", cfg.SecretKeyFile, "same file"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in %q", want, err)
				}
			}
		})
	}
}

// Two servers on one SQLite file would each believe what the other has changed.
func TestSecondServerOnSQLiteIsRefused(t *testing.T) {
	cfg := configIn(t.TempDir())
	cfg.DatabaseURL = dbtest.SQLiteURL(t)
	start(t, cfg)
	if other, err := New(t.Context(), cfg, slog.New(slog.DiscardHandler)); !errors.Is(err, db.ErrServed) {
		t.Errorf("%v, %v; want ErrServed", other, err)
	}
}

// A replica starts without Redis, and what Redis can't be used for stops the start.
func TestRedisIsNotNeededToStart(t *testing.T) {
	redis := redistest.Start(t)
	redis.Kill()
	cfg := configIn(t.TempDir())
	cfg.AdminPassword, cfg.RedisURL = "Given-12345", secret.Text(redis.URL)
	if a := start(t, cfg); !signsIn(t, a, "Given-12345") {
		t.Error("nobody gets in")
	}
	cfg.RedisURL = secret.Text(redis.URL + "/?sentinel=x")
	if _, err := New(t.Context(), cfg, slog.New(slog.DiscardHandler)); err == nil || !strings.HasPrefix(err.Error(), "redis_url: ") {
		t.Errorf("a bad redis_url: %v", err)
	}
}
