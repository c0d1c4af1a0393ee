package confined_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/scan/confined"
	"github.com/havenregistry/haven/internal/scan/inventory"
	"github.com/havenregistry/haven/internal/scan/scantest"
)

// Where the machine forbids user namespaces it is said what is lost, and images are scanned all the same.
func TestWithoutNamespaces(t *testing.T) {
	e := newEngine(t)
	e.ForbidNamespaces()
	if err := e.Check(t.Context()); err != nil {
		t.Errorf("before it was tried: %v", err)
	}
	words := e.Confinement()
	for _, part := range []string{"limits of memory and time", "forbids user namespaces", "no calls of the system that lead to a network"} {
		if !strings.Contains(words, part) {
			t.Errorf("%q doesn't say %q", words, part)
		}
	}
	if landlocked := strings.Contains(words, "landlock"); e.Fully() != landlocked || e.Check(t.Context()) != nil {
		t.Errorf("fully: %v, %q, %v", e.Fully(), words, e.Check(t.Context()))
	}
	found := readImage(t, e, scantest.MakeImage(t, "debian"))
	strict := readImage(t, newEngine(t), scantest.MakeImage(t, "debian"))
	if len(found.Packages) == 0 || len(found.Packages) != len(strict.Packages) {
		t.Errorf("%d packages, with namespaces %d", len(found.Packages), len(strict.Packages))
	}
	if _, err := e.Judge(t.Context(), makeEdition(t, 1), []inventory.Subject{found.Packages[0].Subject}); err != nil {
		t.Error(err)
	}
	// The limits of memory hold as ever.
	hungry := confined.New(confined.Options{TempDir: t.TempDir(), Command: []string{"/proc/self/exe", "bad-eats"}})
	hungry.ForbidNamespaces()
	_, err := hungry.Layer(t.Context(), strings.NewReader("x"), "")
	if f := (*confined.Failure)(nil); !errors.As(err, &f) || f.Cause != confined.Memory {
		t.Errorf("a child that wants all memory: %v", err)
	}
}

// An operator can demand the whole confinement. Then nothing is read without it, and the reason names the setting.
func TestFullConfinement(t *testing.T) {
	image := scantest.MakeImage(t, "clean")
	e := confined.New(confined.Options{TempDir: t.TempDir(), Full: true, Command: []string{"/proc/self/exe", "bad-mumbles"}}) // which achieves nothing
	e.ForbidNamespaces()
	edition := makeEdition(t, 1)
	_, layer := e.Layer(t.Context(), bytes.NewReader(image.Layers[0]), "")
	_, judged := e.Judge(t.Context(), edition, []inventory.Subject{{Scope: "npm", Name: "x", Version: "1"}})
	_, verified := e.Verify(t.Context(), edition.Dir)
	_, bill := e.SBOM(t.Context(), inventory.Inventory{}, confined.SBOMRequest{Format: confined.SPDX, Created: time.Unix(1e9, 0)})
	for what, err := range map[string]error{"layer": layer, "verdicts": judged, "database": verified, "bill of materials": bill, "health": e.Check(t.Context())} {
		f := (*confined.Failure)(nil)
		if !errors.As(err, &f) || f.Cause != confined.Machine || !strings.Contains(f.Explain(), "scan_confinement") || !strings.Contains(f.Explain(), "has the network") {
			t.Errorf("%s: %v", what, err)
		}
		if _, blamed := confined.AtFault(err); blamed {
			t.Errorf("%s: the image is blamed", what)
		}
	}
	whole := confined.New(confined.Options{TempDir: t.TempDir(), Full: true})
	if !whole.Fully() {
		t.Logf("this machine doesn't confine fully: %s", whole.Confinement())
		return
	}
	if found := readImage(t, whole, image); found.OS.Family == "" {
		t.Errorf("nothing was read: %+v", found)
	}
}

// A machine on which no child starts is not well.
func TestNoChildStarts(t *testing.T) {
	e := confined.New(confined.Options{TempDir: t.TempDir(), Command: []string{"/nowhere/at/all"}})
	if words := e.Confinement(); !strings.Contains(words, "can't be started") || e.Check(t.Context()) == nil {
		t.Errorf("%q, %v", words, e.Check(t.Context()))
	}
}
