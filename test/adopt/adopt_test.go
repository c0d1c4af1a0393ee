//go:build acceptance

// Package adopt takes over a Harbor with the whole program, and asks it as Harbor's clients do.
package adopt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/adopt/harbor/harbortest"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/test/haventest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// haven runs the program to its end and returns what it wrote and its exit status.
func haven(t *testing.T, env []string, args ...string) (string, int) {
	t.Helper()
	program := haventest.Binary(t, true) // building it takes a while
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Env = t.TempDir(), append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// bytesOf tells the inode, the size and the time of each file below a folder.
func bytesOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		all[path] = fmt.Sprint(info.Sys().(*syscall.Stat_t).Ino, info.Size(), info.ModTime())
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// missing are the files that aren't what they were.
func missing(before, after map[string]string) (names []string) {
	for name, was := range before {
		if after[name] != was {
			names = append(names, name)
		}
	}
	return names
}

func crane(t *testing.T, config string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), haventest.Tool(t, "crane"), args...)
	cmd.Env = append(os.Environ(), "DOCKER_CONFIG="+config)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestHarbor(t *testing.T) {
	haventest.OnEachDatabase(t, func(t *testing.T, databaseURL string) {
		harbor := harbortest.New(t, dbtest.PostgresURL(t), "http://127.0.0.1:1")
		before, rows := bytesOf(t, harbor.Storage), harbor.Sum()
		// A server that isn't started yet: its folder is what the adoption fills.
		data := filepath.Join(t.TempDir(), "data")
		env := []string{"HAVEN_DATA_DIR=" + data, "HAVEN_ADMIN_PASSWORD="}
		if databaseURL != "" {
			env = append(env, "HAVEN_DATABASE_URL="+databaseURL)
		}
		args := []string{"adopt", "harbor", "--database", harbor.DatabaseURL, "--storage", harbor.Storage, "--secret-key", harbor.SecretKey}

		out, status := haven(t, env, append(args, "--dry-run")...)
		if status != 0 || !strings.Contains(out, "Nothing was written") || !strings.Contains(out, "4 users") {
			t.Fatalf("dry run: %d\n%s", status, out)
		}
		if _, err := os.Stat(data); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a dry run made the data folder: %v", err)
		}
		out, status = haven(t, env, args...)
		if status != 0 || !strings.Contains(out, "haven serve --storage-url file:"+harbor.Storage) {
			t.Fatalf("adoption: %d\n%s", status, out)
		}
		if len(before) != len(bytesOf(t, harbor.Storage)) || rows != harbor.Sum() {
			t.Error("an adoption wrote into Harbor's storage or database")
		}
		if out, status = haven(t, env, args...); status != 2 || !strings.Contains(out, "not empty") {
			t.Errorf("a second adoption: %d\n%s", status, out)
		}

		server := haventest.Start(t, haventest.Options{DatabaseURL: databaseURL, Plain: true, Env: append(env, "HAVEN_STORAGE_URL=file:"+harbor.Storage)})
		asClients(t, harbor, server)
		if changed := missing(before, bytesOf(t, harbor.Storage)); changed != nil {
			t.Errorf("files of Harbor's aren't what they were: %v", changed)
		}
		if rows != harbor.Sum() {
			t.Error("Harbor's database isn't what it was")
		}
	})
}

// asClients does what Harbor's clients did.
func asClients(t *testing.T, harbor *harbortest.Harbor, server *haventest.Server) {
	t.Helper()
	for _, who := range [][2]string{{"alice", harbortest.AlicePassword}, {"bob", harbortest.BobPassword}, {"robot$prod+ci", harbortest.RobotSecret}} {
		config := t.TempDir()
		if out, err := crane(t, config, "auth", "login", server.Host, "-u", who[0], "-p", who[1]); err != nil {
			t.Fatalf("%s logs in: %v\n%s", who[0], err, out)
		}
		for _, name := range []string{"prod/app:v1", "prod/app:v2", "prod/multi:all"} {
			out, err := crane(t, config, "pull", "--insecure", server.Host+"/"+name, filepath.Join(config, "image"), "--format", "oci")
			if err != nil {
				t.Errorf("%s pulls %s: %v\n%s", who[0], name, err, out)
			}
			if out, err := crane(t, config, "digest", "--insecure", server.Host+"/"+name); err != nil || strings.TrimSpace(out) != harbor.Images[name] {
				t.Errorf("%s asks for %s: %v %s", who[0], name, err, out)
			}
		}
	}
	config := t.TempDir()
	if out, err := crane(t, config, "auth", "login", server.Host, "-u", "robot$prod+ci", "-p", harbortest.RobotSecret); err != nil {
		t.Fatalf("the robot logs in: %v\n%s", err, out)
	}
	if out, err := crane(t, config, "tag", "--insecure", server.Host+"/prod/app:v2", "v3"); err != nil {
		t.Errorf("the robot pushes a tag: %v\n%s", err, out)
	}
	if out, err := crane(t, config, "copy", "--insecure", server.Host+"/prod/app:v2", server.Host+"/prod/app:v1"); err == nil {
		t.Errorf("an immutable tag moved:\n%s", out)
	}
	for _, path := range []string{
		"/api/v2.0/retentions/2", "/api/v2.0/replication/policies/9", "/api/v2.0/projects/prod/webhook/policies/2", "/api/v2.0/registries/4",
		"/api/v2.0/projects/prod/immutabletagrules", "/api/v2.0/robots/11", "/api/v2.0/p2p/preheat/instances/peers",
	} {
		if a := server.Call(t, "admin", harbortest.AdminPassword, http.MethodGet, path, nil); a.Status != http.StatusOK {
			t.Errorf("GET %s: %d %s", path, a.Status, a.Body)
		}
	}
}
