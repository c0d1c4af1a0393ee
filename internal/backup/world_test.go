package backup

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/blob/file"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/repair"
	"github.com/havenregistry/haven/internal/secret"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

var (
	quiet = slog.New(slog.DiscardHandler)
	by    = authz.Principal{Kind: authz.User, ID: 1, Name: "owner"}
	app   = registry.Ref{ProjectID: 1, Project: "p", Name: "app"}
)

// world is a registry with a project p, and a key.
type world struct {
	Source
	t   *testing.T
	dir string // of the store
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func openFiles(t *testing.T, dir string) blob.Store {
	t.Helper()
	store, err := file.Open(dir)
	ok(t, err)
	t.Cleanup(func() { store.Close() })
	return store
}

func newBox(t *testing.T) *secret.Box {
	t.Helper()
	box, err := secret.OpenBox(filepath.Join(t.TempDir(), "key"))
	ok(t, err)
	return box
}

func newWorld(t *testing.T, d *db.DB) world {
	t.Helper()
	w := world{t: t, dir: t.TempDir()}
	w.Source = Source{DB: d, Blobs: openFiles(t, w.dir), Box: newBox(t)}
	w.Registry = registry.New(registry.Deps{DB: d, Blobs: w.Blobs, Clock: time.Now, Log: quiet, Wake: func() {}})
	w.exec(`INSERT INTO account (username, email, sysadmin, created_at, updated_at) VALUES ('owner', 'owner@example.com', TRUE, 1, 2)`)
	w.exec(`INSERT INTO project (name, owner_id, created_at, updated_at) VALUES ('p', 1, 0, 0)`)
	w.exec(`INSERT INTO sealed_key (purpose, kid, sealed, created_at) VALUES ('token', 'k', $1, 0), ('other', 'k', $2, 0)`, w.Box.Seal([]byte("x")), w.Box.Seal([]byte("y")))
	w.exec(`INSERT INTO session (token_hash, account_id, created_at, seen_at) VALUES ($1, 1, 0, 0)`, []byte("hash"))
	return w
}

func (w world) exec(query string, args ...any) {
	w.t.Helper()
	ok(w.t, w.DB.Write(w.t.Context(), func(tx db.Tx) error {
		_, err := tx.Exec(w.t.Context(), query, args...)
		return err
	}))
}

func (w world) count(query string) int64 {
	w.t.Helper()
	n, err := db.Get(w.t.Context(), w.DB.Auto(), db.ScanInt, query)
	ok(w.t, err)
	return n
}

// image pushes an image with a layer of so many bytes, and returns the layer.
func (w world) image(seed string, size int, tag string) []byte {
	w.t.Helper()
	layer := bytes.Repeat([]byte(seed+" "), size/(len(seed)+1)+1)[:size]
	push := func(content []byte) string {
		d := oci.SHA256Of(content)
		_, err := w.Registry.PutBlob(w.t.Context(), app, d, bytes.NewReader(content))
		ok(w.t, err)
		return fmt.Sprintf(`"digest":%q,"size":%d`, d, len(content))
	}
	text := fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"config":{"mediaType":%q,%s},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar",%s}]}`,
		oci.MediaTypeImageManifest, oci.MediaTypeImageConfig, push([]byte(`{"seed":"`+seed+`"}`)), push(layer))
	_, err := w.Registry.PutManifest(w.t.Context(), by, app, oci.TagReference(tag), oci.MediaTypeImageManifest, []byte(text))
	ok(w.t, err)
	return layer
}

// fill pushes small and large images.
func (w world) fill() {
	w.t.Helper()
	for i := range 12 {
		w.image(fmt.Sprintf("seed%d", i), 500, fmt.Sprintf("v%d", i))
	}
	w.image("large", 3<<20, "large")
	w.image("empty", 0, "empty")
}

func (w world) create(to Target) *Create {
	return &Create{Source: w.Source, Target: to, Name: "here", Version: "test", Pace: Pace{Parallel: 3}, Clock: time.Now, Log: quiet, Progress: silent{}}
}

func (w world) backup(to Target) Description {
	w.t.Helper()
	made, err := w.create(to).Run(w.t.Context())
	ok(w.t, err)
	return made
}

func newTarget(t *testing.T) (Target, string) {
	t.Helper()
	dir := t.TempDir()
	return Target{openFiles(t, dir)}, dir
}

// empty is a place to restore to.
func empty(t *testing.T, url string) (Destination, string) {
	t.Helper()
	d, err := db.Open(t.Context(), url)
	ok(t, err)
	t.Cleanup(func() { d.Close() })
	dir := t.TempDir()
	return Destination{DB: d, Blobs: openFiles(t, dir), Clock: time.Now}, dir
}

func restoring(t *testing.T, from Target, to Destination, box *secret.Box) *Restore {
	return &Restore{
		Target: from, Destination: to, Name: "there", Schema: db.Newest(), Pace: Pace{Parallel: 3}, Log: quiet, Progress: silent{},
		Box: func(context.Context, Description) (*secret.Box, error) { return box, nil },
	}
}

// at is the registry that a place has become.
func (w world) at(d Destination, dir string) world {
	w.Source = Source{DB: d.DB, Blobs: d.Blobs, Box: w.Box}
	w.Registry = registry.New(registry.Deps{DB: d.DB, Blobs: d.Blobs, Clock: time.Now, Log: quiet, Wake: func() {}})
	w.dir = dir
	return w
}

// text is a rowSink that keeps all rows but for what is bound to a place, sorted.
type text struct {
	at    head
	lines []string
}

func (s *text) begin(_ context.Context, h head) error {
	s.at = h
	if h.table != "event" && h.table != "audit" { // a restore is one itself
		s.lines = append(s.lines, fmt.Sprint(h.table, " counter ", h.counter))
	}
	return nil
}

func (s *text) add(_ context.Context, row []any) error {
	line := s.at.table
	for i, v := range row {
		if name := s.at.columns[i]; s.at.table == blobTable && (name == "location" || name == "durable") {
			continue
		}
		line += fmt.Sprintf(" %s=%q", s.at.columns[i], fmt.Sprint(v))
	}
	if s.at.table != "event" && s.at.table != "audit" && s.at.table != "audit_count" {
		s.lines = append(s.lines, line)
	}
	return nil
}

func (s *text) end(context.Context) error { return nil }

// rows is all that goes along, as text.
func (w world) rows() string {
	w.t.Helper()
	s := &text{}
	_, err := w.snapshot(w.t.Context(), time.Now, func(int64) {}, s)
	ok(w.t, err)
	slices.Sort(s.lines)
	return strings.Join(s.lines, "\n")
}

// same compares this registry with the one that it came from, and reads all its blobs.
func (w world) same(want string) {
	w.t.Helper()
	if got := w.rows(); got != want {
		w.t.Errorf("the rows are\n%s\nwere\n%s", got, want)
	}
	r := repair.NewReader(w.Blobs, 0, func(int64) {})
	page, err := w.Registry.StoredBlobs(w.t.Context(), 0, time.Time{}, 1000)
	ok(w.t, err)
	for _, b := range page {
		if problem, err := r.Examine(w.t.Context(), b.Location, b.Digest, b.Size); err != nil || problem != "" && !b.Damaged {
			w.t.Errorf("blob %s: %s, %v", b.Digest, problem, err)
		}
	}
}

// spoil changes a byte in the middle of the one file below dir whose name or folder has the words.
func spoil(t *testing.T, dir string, words ...string) {
	t.Helper()
	done := false
	ok(t, filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || done {
			return err
		}
		for _, word := range words {
			if !strings.Contains(path, word) {
				return nil
			}
		}
		content, err := os.ReadFile(path)
		if err != nil || len(content) == 0 {
			return err
		}
		content[len(content)/2] ^= 0x40
		done = true
		return os.WriteFile(path, content, 0o600)
	}))
	if !done {
		t.Fatalf("nothing in %s has %q in its name", dir, words)
	}
}
