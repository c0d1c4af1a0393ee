package confined_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/havenregistry/haven/internal/scan/confined"
	"github.com/havenregistry/haven/internal/scan/inventory"
	"github.com/havenregistry/haven/internal/scan/scantest"
	"github.com/havenregistry/haven/internal/scan/vulndb"
)

// A test binary is its own worker, as the program is.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "scan-worker" {
		os.Exit(confined.Work(os.Args[2]))
	}
	if len(os.Args) == 3 && os.Args[1] == "bad-tries" {
		os.Exit(tries(os.Args[2]))
	}
	if len(os.Args) == 3 && strings.HasPrefix(os.Args[1], "bad-") {
		os.Exit(bad(os.Args[1]))
	}
	os.Exit(m.Run())
}

func newEngine(t testing.TB) *confined.Process {
	t.Helper()
	return confined.New(confined.Options{TempDir: t.TempDir(), Children: 2})
}

func makeEdition(t testing.TB, edition int) vulndb.Edition {
	t.Helper()
	dir := t.TempDir()
	if err := scantest.WriteDatabase(dir, edition); err != nil {
		t.Fatal(err)
	}
	return vulndb.Edition{Dir: dir}
}

func readImage(t testing.TB, e confined.Engine, image scantest.Image) inventory.Inventory {
	t.Helper()
	var layers []inventory.Layer
	for _, blob := range image.Layers {
		layer, err := e.Layer(t.Context(), bytes.NewReader(blob), "application/vnd.oci.image.layer.v1.tar+gzip")
		if err != nil {
			t.Fatal(err)
		}
		layer.Digest = scantest.Digest(blob)
		layers = append(layers, layer)
	}
	return inventory.Merge(layers)
}

func TestImageThroughChildren(t *testing.T) {
	e := newEngine(t)
	t.Log(e.Confinement())
	for _, name := range []string{"debian", "app"} {
		inv := readImage(t, e, scantest.MakeImage(t, name))
		var subjects []inventory.Subject
		for _, p := range inv.Packages {
			subjects = append(subjects, p.Subject)
		}
		for edition := 1; edition <= 2; edition++ {
			verdicts, err := e.Judge(t.Context(), makeEdition(t, edition), subjects)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for i, p := range inv.Packages {
				class := p.Scope
				if p.Class == inventory.OSPackage {
					class = string(p.Class)
				}
				for _, f := range verdicts[i].Findings {
					got = append(got, fmt.Sprintf("%s|%s|%s|%s|%s|%s", class, p.Name, p.Installed(), f.ID, f.Fixed, strings.ToUpper(f.Severity.String())))
				}
			}
			slices.Sort(got)
			want := scantest.Expected(name, edition)
			slices.Sort(want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s edition %d (-want +got):\n%s", name, edition, diff)
			}
		}
	}
}

func TestSBOMThroughChildren(t *testing.T) {
	e := newEngine(t)
	inv := readImage(t, e, scantest.MakeImage(t, "stale"))
	request := confined.SBOMRequest{Format: confined.CycloneDX, Name: "registry.example.com/library/stale", Digest: "sha256:" + strings.Repeat("a", 64), Created: time.Unix(1e9, 0), Version: "1.0.0"}
	for _, format := range []confined.Format{confined.CycloneDX, confined.SPDX} {
		request.Format = format
		one, err := e.SBOM(t.Context(), inv, request)
		if err != nil {
			t.Fatal(err)
		}
		two, err := e.SBOM(t.Context(), inv, request)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(one, two) {
			t.Errorf("%s: equal requests give other bytes", format)
		}
		if n := bytes.Count(one, []byte("pkg:deb/debian/")); n < len(inv.Packages) {
			t.Errorf("%s names %d packages of %d", format, n, len(inv.Packages))
		}
	}
}

func TestFailures(t *testing.T) {
	e := newEngine(t)
	whole := scantest.MakeImage(t, "clean").Layers[0]
	for name, c := range map[string]struct {
		blob  io.Reader
		cause confined.Cause
		words string
	}{
		"no archive": {strings.NewReader(strings.Repeat("hello world ", 100)), confined.Content, "no tar archive"},
		"cut off":    {bytes.NewReader(whole[:len(whole)/2]), confined.Content, "cut off"},
		"the store":  {io.MultiReader(strings.NewReader("abc"), failing{}), confined.Machine, "from the store"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := e.Layer(t.Context(), c.blob, "text/plain")
			var f *confined.Failure
			if !errors.As(err, &f) || f.Cause != c.cause || !strings.Contains(f.Reason, c.words) {
				t.Errorf("%v", err)
			}
		})
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("the disk is gone") }

// A bill of materials in an image is read by a child like all else, and costs one failed layer at most.
func TestBillThroughChildren(t *testing.T) {
	e := newEngine(t)
	component := `{"type":"library","name":"lodash","version":"4.17.20","purl":"pkg:npm/lodash@4.17.20"}`
	layer := func(components string) (inventory.Layer, error) {
		body := `{"bomFormat":"CycloneDX","specVersion":"1.5","version":1,"components":[` + components + `]}`
		return e.Layer(t.Context(), bytes.NewReader(scantest.Tar([]scantest.File{{Name: "app/sbom.cdx.json", Mode: 0o644, Body: []byte(body)}})), "")
	}
	found, err := layer(component)
	if err != nil || len(found.Files) != 1 || found.Files[0].Type != "node-pkg" || found.Files[0].Packages[0].Name != "lodash" {
		t.Errorf("%+v, %v", found, err)
	}
	l, err := layer(strings.Repeat(component+",", 150_000) + component) // 13 MB
	if _, blamed := confined.AtFault(err); blamed && confined.Shadowed {
		t.Logf("many packages, with the memory of the race detector: %v", err)
	} else if err != nil || len(l.Unread) != 1 || !strings.Contains(l.Unread[0], "more than 50000 packages") {
		t.Errorf("many packages: %q, %v", l.Unread, err)
	}
	for name, hostile := range map[string]string{
		"deep":     strings.Repeat(`{"type":"library","name":"x","components":[`, 9_000) + component + strings.Repeat("]}", 9_000),
		"nameless": strings.Repeat(`{"type":"library"},`, 800_000) + component,
	} {
		l, err := layer(hostile)
		if _, blamed := confined.AtFault(err); err != nil && !blamed {
			t.Errorf("%s: %v", name, err)
		}
		t.Logf("%s: %q, %v", name, l.Unread, err)
	}
	if _, err := layer(component); err != nil {
		t.Errorf("the next layer: %v", err)
	}
}
