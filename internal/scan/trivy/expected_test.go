package trivy_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/havenregistry/haven/internal/scan/inventory"
	"github.com/havenregistry/haven/internal/scan/scantest"
	"github.com/havenregistry/haven/internal/scan/trivy"
)

// readImage reads all layers of an image and merges them.
func readImage(t testing.TB, image scantest.Image) inventory.Inventory {
	t.Helper()
	var layers []inventory.Layer
	for _, blob := range image.Layers {
		layer := readLayer(t, blob)
		layer.Digest = scantest.Digest(blob)
		layers = append(layers, layer)
	}
	return inventory.Merge(layers)
}

func readLayer(t testing.TB, blob []byte) inventory.Layer {
	t.Helper()
	layer, err := newReader(t).Layer(context.Background(), bytes.NewReader(blob))
	if err != nil {
		t.Fatal(err)
	}
	return layer
}

func newReader(t testing.TB) *trivy.Reader {
	t.Helper()
	dir := t.TempDir()
	spool, err := os.Create(filepath.Join(dir, "spool"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = spool.Close() })
	rpm := filepath.Join(dir, "rpm")
	if err := os.WriteFile(rpm, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return &trivy.Reader{Limits: trivy.Usual, Spool: spool, RPM: rpm}
}

// openEdition makes an edition and opens it.
func openEdition(t testing.TB, edition int) *trivy.Database {
	t.Helper()
	dir := t.TempDir()
	if err := scantest.WriteDatabase(dir, edition); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(filepath.Join(dir, "trivy.db"))
	if err != nil {
		t.Fatal(err)
	}
	db, err := trivy.OpenDatabase(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// findings lists what is found as scantest.Expected does.
func findings(inv inventory.Inventory, verdicts []inventory.Verdict) (all []string) {
	for i, p := range inv.Packages {
		class := p.Scope
		if p.Class == inventory.OSPackage {
			class = string(p.Class)
		}
		for _, f := range verdicts[i].Findings {
			all = append(all, fmt.Sprintf("%s|%s|%s|%s|%s|%s", class, p.Name, p.Installed(), f.ID, f.Fixed, strings.ToUpper(f.Severity.String())))
		}
	}
	slices.Sort(all)
	return all
}

func subjects(inv inventory.Inventory) []inventory.Subject {
	all := make([]inventory.Subject, len(inv.Packages))
	for i, p := range inv.Packages {
		all[i] = p.Subject
	}
	return all
}

// Every image has exactly the findings, with each edition, that Trivy's own detectors and parsers have.
func TestFindings(t *testing.T) {
	images := map[string]inventory.Inventory{}
	for _, name := range scantest.Names {
		images[name] = readImage(t, scantest.MakeImage(t, name))
	}
	counts := map[string][2]int{"clean": {0, 0}, "stale": {0, 102}, "debian": {823, 925}, "app": {29, 31}}
	for edition := 1; edition <= 2; edition++ {
		db := openEdition(t, edition)
		for _, name := range scantest.Names {
			t.Run(fmt.Sprintf("%s edition %d", name, edition), func(t *testing.T) {
				verdicts, err := db.Judge(t.Context(), subjects(images[name]))
				if err != nil {
					t.Fatal(err)
				}
				got, want := findings(images[name], verdicts), scantest.Expected(name, edition)
				slices.Sort(want)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("other findings (-want +got):\n%s", diff)
				}
				if n := counts[name][edition-1]; len(got) != n {
					t.Errorf("%d findings, expected %d", len(got), n)
				}
			})
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
