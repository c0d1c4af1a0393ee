//go:build acceptance

package haventest

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// Root is the folder that holds go.mod.
func Root(t testing.TB) string {
	t.Helper()
	_, file, _, ok := runtime.Caller(0)
	if !ok {
		t.Fatal("the compiler did not record where the tests lie")
	}
	return filepath.Dir(filepath.Dir(filepath.Dir(file)))
}

// Tool is the path of a program that scripts/tools installs.
func Tool(t testing.TB, name string) string {
	t.Helper()
	out, err := exec.Command(filepath.Join(Root(t), "scripts", "tools"), "path", name).Output()
	if err != nil {
		t.Fatalf("%s is not installed: run scripts/tools install %s", name, name)
	}
	return strings.TrimSpace(string(out))
}

type buildResult struct {
	path string
	err  string
}

// Each test process builds each kind once; the go command's cache makes the second
// process's build a matter of linking.
var (
	buildRace  = sync.OnceValue(func() buildResult { return build("haven-race", append([]string{"-race"}, unwatched...)...) })
	buildPlain = sync.OnceValue(func() buildResult { return build("haven", "-trimpath", "-ldflags=-s -w") })
)

// unwatched is UNWATCHED of the Makefile: what of SQLite the race detector leaves out.
var unwatched = []string{"-gcflags=modernc.org/sqlite/lib=-race=false", "-gcflags=modernc.org/libc/...=-race=false"}

func build(name string, flags ...string) buildResult {
	_, file, _, _ := runtime.Caller(0)
	root := filepath.Dir(filepath.Dir(filepath.Dir(file)))
	path := filepath.Join(root, "bin", "test", name)
	args := append([]string{"build", "-o", path}, flags...)
	cmd := exec.Command("go", append(args, "./cmd/haven")...)
	cmd.Dir = root
	cgo := "CGO_ENABLED=0"
	if name == "haven-race" {
		cgo = "CGO_ENABLED=1" // the race detector is C
	}
	cmd.Env = append(os.Environ(), cgo)
	if out, err := cmd.CombinedOutput(); err != nil {
		return buildResult{err: string(bytes.TrimSpace(out)) + ": " + err.Error()}
	}
	return buildResult{path: path}
}

// Binary is the path of the freshly built program.
func Binary(t testing.TB, plain bool) string {
	t.Helper()
	b := buildRace
	if plain {
		b = buildPlain
	}
	r := b()
	if r.err != "" {
		t.Fatalf("go build ./cmd/haven: %s", r.err)
	}
	return r.path
}

// Later builds the program as a later release may be, plain: with these migrations behind its own.
func Later(t testing.TB, migrations ...string) string {
	t.Helper()
	later := ""
	for _, text := range migrations {
		later += "-- +goose Up\n" + text + "\n"
	}
	program := filepath.Join(t.TempDir(), "haven")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w -X 'github.com/havenregistry/haven/internal/db.later="+later+"'", "-o", program, "./cmd/haven")
	cmd.Dir, cmd.Env = Root(t), append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build with migrations of a later release: %s: %v", out, err)
	}
	return program
}
