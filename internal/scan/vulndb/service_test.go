package vulndb_test

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/blob/file"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/scan/confined"
	"github.com/havenregistry/haven/internal/scan/scantest"
	"github.com/havenregistry/haven/internal/scan/vulndb"
	"github.com/havenregistry/haven/internal/secret"
)

func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "scan-worker" {
		os.Exit(confined.Work(os.Args[2]))
	}
	dbtest.Main(m)
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// world is a database and a store that replicas share.
type world struct {
	t     *testing.T
	db    *db.DB
	store blob.Store
}

func newWorld(t *testing.T, d *db.DB) *world {
	t.Helper()
	store, err := file.Open(t.TempDir())
	ok(t, err)
	t.Cleanup(func() { _ = store.Close() })
	return &world{t, d, store}
}

// replica is a process of the registry, with a folder of its own.
func (w *world) replica(sources ...string) (*vulndb.Service, string) {
	w.t.Helper()
	var texts []secret.Text
	for _, s := range sources {
		texts = append(texts, secret.Text(s))
	}
	parsed, err := vulndb.ParseSources(texts)
	ok(w.t, err)
	dir := filepath.Join(w.t.TempDir(), "vulndb")
	return vulndb.New(vulndb.Deps{
		DB: w.db, Records: w.store, Verifier: confined.New(confined.Options{TempDir: w.t.TempDir()}), Client: http.DefaultClient,
		Sources: parsed, Happened: event.Append, Dir: dir, Clock: time.Now, Log: slog.New(slog.DiscardHandler),
	}), dir
}

func (w *world) records() (names []string) {
	ok(w.t, w.store.EachRecord(w.t.Context(), func(name string) error {
		names = append(names, name)
		return nil
	}))
	return names
}

// told compares what the audit log is told of with what it should begin with.
func (w *world) told(want ...string) {
	w.t.Helper()
	bodies, err := db.Collect(w.t.Context(), w.db.Auto(), db.ScanString, `SELECT body FROM event WHERE kind = 'update_vulndb' ORDER BY id`)
	ok(w.t, err)
	for i, body := range bodies {
		var e event.Event
		ok(w.t, json.Unmarshal([]byte(body), &e))
		text := e.By + ": " + e.Description
		if i >= len(want) || !strings.HasPrefix(text, want[i]) || e.Success == strings.Contains(text, "failed") {
			w.t.Errorf("told: %s (%v)", text, e.Success)
		}
	}
	if len(bodies) != len(want) {
		w.t.Errorf("told of %d imports, expected %d", len(bodies), len(want))
	}
}

var editions = sync.OnceValues(func() (folders [2]string, err error) {
	for i := range folders {
		if folders[i], err = os.MkdirTemp("", "haven-edition-"); err != nil {
			return folders, err
		}
		if err = scantest.WriteDatabase(folders[i], i+1); err != nil {
			return folders, err
		}
	}
	return folders, nil
})

func folder(t testing.TB, edition int) string {
	t.Helper()
	all, err := editions()
	ok(t, err)
	return all[edition-1]
}

func archive(t testing.TB, edition int) []byte {
	t.Helper()
	var b bytes.Buffer
	ok(t, scantest.WriteArchive(&b, folder(t, edition)))
	return b.Bytes()
}

// layoutFiles are an OCI layout with an edition as Trivy's registries hold it.
func layoutFiles(t testing.TB, edition int) []scantest.File {
	t.Helper()
	layer := archive(t, edition)
	blobName := func(b []byte) string { return "blobs/sha256/" + strings.TrimPrefix(scantest.Digest(b), "sha256:") }
	config := []byte("{}")
	manifest, err := json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "artifactType": "application/vnd.aquasec.trivy.config.v1+json",
		"config": map[string]any{"mediaType": "application/vnd.oci.empty.v1+json", "digest": scantest.Digest(config), "size": len(config)},
		"layers": []any{map[string]any{"mediaType": vulndb.LayerType, "digest": scantest.Digest(layer), "size": len(layer)}},
	})
	ok(t, err)
	index, err := json.Marshal(map[string]any{"schemaVersion": 2, "manifests": []any{map[string]any{
		"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": scantest.Digest(manifest), "size": len(manifest)}}})
	ok(t, err)
	return []scantest.File{
		{Name: blobName(config), Body: config}, {Name: blobName(layer), Body: layer}, {Name: blobName(manifest), Body: manifest},
		{Name: "index.json", Body: index}, {Name: "oci-layout", Body: []byte(`{"imageLayoutVersion":"1.0.0"}`)},
	}
}

func quiet(string, ...any) {}

func TestImportAndSwitch(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		d.Rehearse(false) // how often it is told is counted
		w := newWorld(t, d)
		one, oneDir := w.replica()
		two, _ := w.replica()
		var told []int64
		one.OnSwitch(func(_ context.Context, tx db.Tx, e vulndb.Edition) error {
			told = append(told, e.ID)
			return nil
		})
		if _, err := two.Current(t.Context()); !errors.Is(err, vulndb.ErrNone) {
			t.Fatalf("before the first import: %v", err)
		}
		if _, _, err := two.Export(t.Context()); !errors.Is(err, fault.NotFound) {
			t.Errorf("export before the first import: %v", err)
		}
		first, changed, err := one.Import(t.Context(), "somebody", bytes.NewReader(archive(t, 1)), "upload")
		ok(t, err)
		if !changed || !first.UpdatedAt.Equal(scantest.UpdatedAt(1)) || first.Version != 2 || first.Digest != scantest.Digest(archive(t, 1)) {
			t.Errorf("the first edition: %+v", first)
		}
		// The other replica gets it from the store.
		got, err := two.Current(t.Context())
		ok(t, err)
		if got.ID != first.ID || got.Dir == "" {
			t.Errorf("the other replica has %+v", got)
		}
		same(t, filepath.Join(got.Dir, "trivy.db"), filepath.Join(folder(t, 1), "trivy.db"))
		exported, content, err := two.Export(t.Context())
		ok(t, err)
		if text, err := io.ReadAll(content); err != nil || exported.ID != first.ID || int64(len(text)) != exported.Size || !bytes.Equal(text, archive(t, 1)) {
			t.Errorf("exported are %d bytes of %+v, %v", len(text), exported, err)
		}
		if _, changed, err := one.Import(t.Context(), "somebody", bytes.NewReader(archive(t, 1)), "upload"); err != nil || changed {
			t.Errorf("the same again: %v, %v", changed, err)
		}
		second, changed, err := one.Import(t.Context(), "somebody", bytes.NewReader(archive(t, 2)), "upload")
		ok(t, err)
		if !changed || !slices.Equal(told, []int64{first.ID, second.ID}) {
			t.Errorf("told of %v", told)
		}
		third, _, err := one.Import(t.Context(), "somebody", bytes.NewReader(archive(t, 1)), "upload")
		ok(t, err)
		if third.ID == first.ID {
			t.Error("an older edition can't be taken in again by hand")
		}
		state, err := two.State(t.Context())
		ok(t, err)
		if state.Current.ID != third.ID || state.Previous.ID != second.ID {
			t.Errorf("state: %+v, %+v", state.Current, state.Previous)
		}
		if _, _, err := two.Import(t.Context(), "another", strings.NewReader("no archive"), "upload"); !errors.Is(err, fault.Invalid) {
			t.Errorf("no archive: %v", err)
		}
		w.told(
			"somebody: import of the vulnerability database from upload: the edition of 2026-11-01T06:00:00Z (",
			"somebody: import of the vulnerability database from upload: the edition of 2026-11-01T06:00:00Z (",
			"somebody: import of the vulnerability database from upload: the edition of 2026-11-23T06:00:00Z (",
			"somebody: import of the vulnerability database from upload: the edition of 2026-11-01T06:00:00Z (",
			"another: import of the vulnerability database from upload failed: the archive is no tar archive",
		)
		if n := len(w.records()); n != 2 {
			t.Errorf("%d records are left of two editions: %v", n, w.records())
		}
		_, err = one.Current(t.Context())
		ok(t, err)
		entries, err := os.ReadDir(oneDir)
		ok(t, err)
		if len(entries) != 2 {
			t.Errorf("%d copies are left", len(entries))
		}
	})
}

func same(t *testing.T, a, b string) {
	t.Helper()
	one, err := os.ReadFile(a)
	ok(t, err)
	two, err := os.ReadFile(b)
	ok(t, err)
	if !bytes.Equal(one, two) {
		t.Errorf("%s and %s differ", a, b)
	}
}

// Whatever form it comes in, it is the same database.
func TestForms(t *testing.T) {
	layout := t.TempDir()
	for _, f := range layoutFiles(t, 2) {
		ok(t, os.MkdirAll(filepath.Dir(filepath.Join(layout, f.Name)), 0o700))
		ok(t, os.WriteFile(filepath.Join(layout, f.Name), f.Body, 0o600))
	}
	plain := filepath.Join(t.TempDir(), "archive.tar.gz")
	ok(t, os.WriteFile(plain, archive(t, 2), 0o600))
	registry := registryOf(t, 2)
	for name, source := range map[string]string{
		"folder": "file://" + folder(t, 2), "archive": "file://" + plain, "layout": "file://" + layout,
		"registry":          "oci://" + strings.TrimPrefix(registry, "http://") + "/aquasec/trivy-db:2",
		"the second of two": "file:///nowhere/at/all\nfile://" + plain,
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := newWorld(t, dbtest.SQLite(t)).replica(strings.Split(source, "\n")...)
			e, changed, err := s.Refresh(t.Context(), "somebody", quiet)
			ok(t, err)
			if !changed || !e.UpdatedAt.Equal(scantest.UpdatedAt(2)) {
				t.Errorf("%v %+v", changed, e)
			}
			current, err := s.Current(t.Context())
			ok(t, err)
			same(t, filepath.Join(current.Dir, "trivy.db"), filepath.Join(folder(t, 2), "trivy.db"))
			if _, changed, err := s.Refresh(t.Context(), "somebody", quiet); changed || err != nil {
				t.Errorf("again: %v, %v", changed, err)
			}
		})
	}
	t.Run("layout as archive", func(t *testing.T) {
		s, _ := newWorld(t, dbtest.SQLite(t)).replica()
		e, _, err := s.Import(t.Context(), "somebody", bytes.NewReader(scantest.Tar(layoutFiles(t, 1))), "upload")
		ok(t, err)
		if e.Digest != scantest.Digest(archive(t, 1)) {
			t.Errorf("%+v", e)
		}
	})
}

// registryOf serves one edition as the protocol of registries has it.
func registryOf(t *testing.T, edition int) string {
	t.Helper()
	files := map[string][]byte{}
	var manifest []byte
	for _, f := range layoutFiles(t, edition) {
		files["/v2/aquasec/trivy-db/blobs/sha256:"+filepath.Base(f.Name)] = f.Body
		if bytes.Contains(f.Body, []byte("vnd.aquasec.trivy.config")) {
			manifest = f.Body
		}
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, found := files[r.URL.Path]
		if r.URL.Path == "/v2/aquasec/trivy-db/manifests/2" {
			body, found = manifest, true
			w.Header().Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
			w.Header().Set("Docker-Content-Digest", scantest.Digest(manifest))
		}
		if !found {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(body)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func pack(t *testing.T, files map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	tw := tar.NewWriter(&b)
	for name, body := range files {
		ok(t, tw.WriteHeader(&tar.Header{Name: name, Size: int64(len(body)), Mode: 0o644}))
		_, err := tw.Write(body)
		ok(t, err)
	}
	ok(t, tw.Close())
	return b.Bytes()
}

func TestRefusals(t *testing.T) {
	metadata, err := os.ReadFile(filepath.Join(folder(t, 1), "metadata.json"))
	ok(t, err)
	database, err := os.ReadFile(filepath.Join(folder(t, 1), "trivy.db"))
	ok(t, err)
	damaged := bytes.Clone(database)
	for i := 3 * 4096; i < len(damaged)-4096; i += 512 {
		damaged[i] ^= 0xff
	}
	w := newWorld(t, dbtest.SQLite(t))
	s, _ := w.replica()
	for name, body := range map[string][]byte{
		"nothing":             nil,
		"no archive":          []byte(strings.Repeat("hello ", 1000)),
		"cut off":             archive(t, 1)[:10_000],
		"no metadata":         pack(t, map[string][]byte{"trivy.db": database}),
		"another schema":      pack(t, map[string][]byte{"trivy.db": database, "metadata.json": []byte(`{"Version":1,"UpdatedAt":"2026-01-01T00:00:00Z"}`)}),
		"metadata is no JSON": pack(t, map[string][]byte{"trivy.db": database, "metadata.json": []byte("hello")}),
		"no database":         pack(t, map[string][]byte{"trivy.db": bytes.Repeat([]byte("x"), 100_000), "metadata.json": metadata}),
		"a short database":    pack(t, map[string][]byte{"trivy.db": database[:len(database)/2], "metadata.json": metadata}),
		"a damaged database":  pack(t, map[string][]byte{"trivy.db": damaged, "metadata.json": metadata}),
	} {
		t.Run(name, func(t *testing.T) {
			_, changed, err := s.Import(t.Context(), "somebody", bytes.NewReader(body), "upload")
			if changed || !errors.Is(err, fault.Invalid) {
				t.Errorf("%v, %v", changed, err)
			}
			t.Log(err)
		})
	}
	if len(w.records()) > 0 {
		t.Errorf("refused databases are in the store: %v", w.records())
	}
	if _, _, err := s.Import(t.Context(), "somebody", io.MultiReader(bytes.NewReader(archive(t, 1)[:1000]), brokenPipe{}), "upload"); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("an upload that breaks off: %v", err)
	}
	if _, _, err := s.Refresh(t.Context(), "somebody", quiet); !errors.Is(err, fault.Invalid) {
		t.Errorf("without a source: %v", err)
	}
}

type brokenPipe struct{}

func (brokenPipe) Read([]byte) (int, error) { return 0, fs.ErrClosed }

func TestSources(t *testing.T) {
	for text, shown := range map[string]string{
		"file:///srv/db":                                            "file:///srv/db",
		"oci://ghcr.io/aquasecurity/trivy-db:2":                     "oci://ghcr.io/aquasecurity/trivy-db:2",
		"oci://u:s3cr3t@127.0.0.1:5000/a/b/c:tag":                   "oci://127.0.0.1:5000/a/b/c:tag",
		"oci://u:s3cr3t@host/a:2?realm=https://token.example.com/x": "oci://host/a:2",
		"oci://u:s3cr3t@host/a:2?realm=token":                       "", "oci://u:s3cr3t@host/a:2?realm=https://u:s3cr3t@token": "", "oci://u:s3cr3t@host/a:2?other=x": "", "file:///x?realm=https://x": "",
		"": "", "file://host/x": "", "file:relative": "", "oci://host/name": "", "oci://host/name@sha256:aa": "", "http://host/x:1": "", "oci://host/:1": "",
	} {
		s, err := vulndb.ParseSource(text)
		if shown == "" && err == nil || shown != "" && (err != nil || s.String() != shown) {
			t.Errorf("%q: %v, %v", text, s, err)
		}
		if err != nil && strings.Contains(err.Error(), "s3cr3t") {
			t.Error("an error tells the password")
		}
	}
}
