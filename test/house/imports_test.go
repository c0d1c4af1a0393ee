// Package house holds rules about the source itself.
package house

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/havenregistry/haven/"

// layer says in which direction imports may go: a package imports its own layer and
// those with a lower number.
type layer int

const (
	foundation layer = iota // knows nothing of a registry's policies
	domain                  // one concept each: types, rules, SQL
	edge                    // speaks a protocol, decides nothing
	wiring                  // builds every part
)

var layerNames = map[layer]string{foundation: "foundation", domain: "domain", edge: "edge", wiring: "wiring"}

// layers places each folder of internal/. A new folder needs a line here.
var layers = map[string]layer{
	"await": foundation, "blob": foundation, "config": foundation, "db": foundation, "event": foundation, "fault": foundation, "job": foundation,
	"notice": foundation, "pause": foundation, "servertls": foundation,
	"oci": foundation, "outbound": foundation, "secret": foundation, "selector": foundation,
	"setting": foundation, "telemetry": foundation,

	"audit": domain, "authz": domain, "explain": domain, "gate": domain, "identity": domain, "immutable": domain, "label": domain,
	"preheat": domain, "project": domain, "proxycache": domain, "quota": domain, "record": domain, "registry": domain, "repair": domain,
	"replication": domain, "retention": domain, "scan": domain, "trust": domain, "webhook": domain,
	"search": domain, "trend": domain,
	"adopt": domain, "backup": domain, "bundle": domain, "declared": domain, "doctor": domain, "profile": domain,

	"admission": edge, "distribution": edge, "load": edge, "harborapi": edge, "havenapi": edge, "httpauth": edge, "portal": edge, "rest": edge,

	"app": wiring,
}

// forTests are packages that only test files import.
var forTests = map[string]bool{"internal/admission/foreign/foreigntest": true, "internal/adopt/harbor/harbortest": true, "internal/app/apptest": true, "internal/await": true, "internal/blob/blobtest": true, "internal/db/dbtest": true,
	"internal/identity/workload/issuertest": true, "internal/notice/redistest": true, "internal/replication/remote/remotetest": true, "internal/scan/scantest": true}

func TestImportsGoOneWay(t *testing.T) {
	root := filepath.Join("..", "..")
	files := 0
	err := filepath.WalkDir(filepath.Join(root, "internal"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		files++
		checkFile(t, path, filepath.ToSlash(rel))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files == 0 {
		t.Fatal("no source file was found")
	}
}

func checkFile(t *testing.T, path, rel string) {
	t.Helper()
	from := concept(rel)
	fromLayer, known := layers[from]
	if !known {
		t.Errorf("%s: internal/%s has no layer: add it to layers", rel, from)
		return
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
	if err != nil {
		t.Errorf("%s: %v", rel, err)
		return
	}
	test := strings.HasSuffix(rel, "_test.go") || forTests[filepath.ToSlash(filepath.Dir(rel))]
	for _, spec := range parsed.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Errorf("%s: %v", rel, err)
			continue
		}
		local, ours := strings.CutPrefix(imported, module)
		if !ours {
			continue
		}
		if forTests[local] && !test {
			t.Errorf("%s imports %s, which is for tests", rel, local)
		}
		if to := concept(local); !test && layers[to] > fromLayer {
			t.Errorf("%s (%s) imports %s (%s)", rel, layerNames[fromLayer], local, layerNames[layers[to]])
		}
	}
}

// concept is the folder below internal/ that a path belongs to.
func concept(path string) string {
	rest, inside := strings.CutPrefix(path, "internal/")
	if !inside {
		return path
	}
	name, _, _ := strings.Cut(rest, "/")
	return strings.TrimSuffix(name, ".go")
}

// Each folder of internal/ is one that layers knows, and nothing else lies there.
func TestEachFolderHasALayer(t *testing.T) {
	entries, err := os.ReadDir(filepath.Join("..", "..", "internal"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if _, known := layers[e.Name()]; !known || !e.IsDir() {
			t.Errorf("internal/%s has no layer: add it to layers", e.Name())
		}
	}
}
