package scan

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/await"
	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/blob/file"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/scan/confined"
	"github.com/havenregistry/haven/internal/scan/inventory"
	"github.com/havenregistry/haven/internal/scan/vulndb"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

var (
	ctx    = context.Background()
	pusher = authz.Principal{Kind: authz.User, ID: 1, Name: "owner"}
	app    = registry.Ref{ProjectID: 1, Project: "alpha", Name: "app"}
	theirs = registry.Ref{ProjectID: 2, Project: "beta", Name: "app"}
	quiet  = slog.New(slog.DiscardHandler)
)

// world is a registry with jobs and scanning on an empty database, with the projects alpha (1) and beta (2).
type world struct {
	*testing.T
	*Service
	db       *db.DB
	registry *registry.Service
	jobs     *job.Service
	engine   *fakeEngine
	editions *fakeEditions
	scanners *fakeScanners
	opened   *countingStore
}

func each(t *testing.T, f func(w world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.run()
		f(w)
	})
}

func newWorld(t *testing.T, d *db.DB) world {
	t.Helper()
	store, err := file.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	w := world{T: t, db: d, opened: &countingStore{Store: store}, engine: newFakeEngine(), editions: &fakeEditions{},
		scanners: &fakeScanners{own: Scanner{ID: "own", Name: "Trivy", Vendor: "Haven", Version: "1", Own: true}}}
	w.exec(`INSERT INTO account (username, email, created_at, updated_at) VALUES ('owner', 'owner@example.com', 0, 0)`)
	for _, name := range []string{"alpha", "beta"} {
		w.exec(`INSERT INTO project (name, owner_id, created_at, updated_at) SELECT $1, id, 0, 0 FROM account`, name)
	}
	w.replica()
	return w
}

// replica makes the parts of a process anew, on the same database and store.
func (w *world) replica() {
	w.registry = registry.New(registry.Deps{DB: w.db, Blobs: w.opened, Clock: time.Now, Log: quiet, Wake: func() {}})
	w.jobs = job.New(job.Deps{DB: w.db, Clock: time.Now, Log: quiet})
	w.Service = New(Deps{DB: w.db, Registry: w.registry, Jobs: w.jobs, Engine: w.engine, Editions: w.editions, Merge: inventory.Merge, Scanners: w.scanners,
		Others: w.scanners, Clock: time.Now, Log: quiet})
}

// run works on jobs until the test ends.
func (w world) run() {
	running, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.jobs.Run(running) }()
	w.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			w.Error(err)
		}
	})
}

func (w world) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w world) exec(query string, args ...any) {
	w.Helper()
	w.ok(w.db.Write(ctx, func(tx db.Tx) error {
		_, err := tx.Exec(ctx, query, args...)
		return err
	}))
}

func (w world) count(query string, args ...any) int64 {
	w.Helper()
	n, err := db.Get(ctx, w.db.Auto(), db.ScanInt, query, args...)
	w.ok(err)
	return n
}

// settled hands events out and waits until no job is open.
func (w world) settled() {
	w.Helper()
	await.Until(w.T, "no job is open", func() bool {
		w.ok(event.NewDispatcher(w.db, quiet, w.Service).Drain(ctx))
		return w.count(`SELECT COUNT(*) FROM job_execution WHERE status IN ('Pending', 'Running')`) == 0
	})
}

// layer is what a layer of the fake engine holds.
type layer struct {
	OS       inventory.OS `json:"os"`
	Packages []string     `json:"packages"` // name@version; libraries of npm when they begin with "lib"
	Unread   string       `json:"unread,omitempty"`
	Salt     string       `json:"salt,omitempty"`
}

var debian = inventory.OS{Family: "debian", Name: "12"}

func (w world) blob(ref registry.Ref, mediaType string, content []byte) oci.Descriptor {
	w.Helper()
	d := oci.SHA256Of(content)
	_, err := w.registry.PutBlob(ctx, ref, d, bytes.NewReader(content))
	w.ok(err)
	return oci.Descriptor{MediaType: mediaType, Digest: d, Size: int64(len(content))}
}

func encoded(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}

// push pushes an image of these layers under a tag, and returns its digest.
func (w world) push(ref registry.Ref, tag string, layers ...layer) oci.Digest {
	w.Helper()
	var all []oci.Descriptor
	for _, l := range layers {
		all = append(all, w.blob(ref, "application/vnd.oci.image.layer.v1.tar+gzip", encoded(l)))
	}
	return w.pushManifest(ref, tag, oci.MediaTypeImageManifest, map[string]any{
		"schemaVersion": 2, "mediaType": oci.MediaTypeImageManifest,
		"config": w.blob(ref, oci.MediaTypeImageConfig, []byte(`{"architecture":"amd64","os":"linux","tag":"`+tag+`"}`)), "layers": all,
	})
}

func (w world) pushManifest(ref registry.Ref, tag, mediaType string, document any) oci.Digest {
	w.Helper()
	content := encoded(document)
	r := oci.DigestReference(oci.SHA256Of(content))
	if tag != "" {
		r = oci.TagReference(tag)
	}
	put, err := w.registry.PutManifest(ctx, pusher, ref, r, mediaType, content)
	w.ok(err)
	return put.Digest
}

func (w world) pushIndex(ref registry.Ref, tag string, children ...oci.Digest) oci.Digest {
	w.Helper()
	var all []map[string]any
	for _, d := range children {
		m, err := w.registry.Manifest(ctx, ref, oci.DigestReference(d))
		w.ok(err)
		all = append(all, map[string]any{"mediaType": m.MediaType, "digest": d, "size": m.Size, "platform": map[string]string{"os": "linux", "architecture": "amd64"}})
	}
	return w.pushManifest(ref, tag, oci.MediaTypeImageIndex, map[string]any{"schemaVersion": 2, "mediaType": oci.MediaTypeImageIndex, "manifests": all})
}

func (w world) artifact(ref registry.Ref, d oci.Digest) registry.Artifact {
	w.Helper()
	a, err := w.registry.GetArtifact(ctx, ref, oci.DigestReference(d), registry.With{Accessories: true})
	w.ok(err)
	return a
}

// scanned scans an artifact to the end, and returns what is known of it then.
func (w world) scanned(ref registry.Ref, d oci.Digest) Overview {
	w.Helper()
	w.ok(w.Scan(ctx, pusher, ref, d, Vulnerabilities))
	w.settled()
	return w.overview(ref, d)
}

func (w world) overview(ref registry.Ref, d oci.Digest) Overview {
	w.Helper()
	a := w.artifact(ref, d)
	all, err := w.Overviews(ctx, ref.ProjectID, []registry.Artifact{a})
	w.ok(err)
	return all[a.ID]
}

// edition puts an edition of the database in force and has everything judged by it.
func (w world) edition(name string, verdicts map[string][]inventory.Finding) {
	w.Helper()
	w.engine.mu.Lock()
	w.engine.verdicts[name] = verdicts
	w.engine.mu.Unlock()
	e := vulndb.Edition{Digest: name, UpdatedAt: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}
	w.editions.set(e)
	w.ok(w.db.Write(ctx, func(tx db.Tx) error { return w.EditionChanged(ctx, tx, e) }))
	w.settled()
}

func finding(id string, severity inventory.Severity, fixed string) inventory.Finding {
	return inventory.Finding{ID: id, Severity: severity, Fixed: fixed, Status: "fixed", Detail: inventory.Detail{
		Source: "debian", DataSource: "debian", Link: "https://example.com/" + id, CVSS: map[string]inventory.CVSS{"nvd": {V3Score: 2 * float64(severity), V3Vector: "CVSS:3.1/AV:N"}}}}
}

// fakeEngine stands for the confined child: layers are JSON, verdicts are by package name. What it was asked is counted.
type fakeEngine struct {
	mu       sync.Mutex
	verdicts map[string]map[string][]inventory.Finding // by edition and package
	unknown  map[string]bool                           // scopes that nobody publishes advisories for
	layers   atomic.Int64
	judged   atomic.Int64
	block    chan struct{} // what layers wait for, nil: nothing
	fail     error         // of layers
}

func newFakeEngine() *fakeEngine {
	return &fakeEngine{verdicts: map[string]map[string][]inventory.Finding{}, unknown: map[string]bool{}}
}

func (e *fakeEngine) Layer(ctx context.Context, content io.Reader, _ string) (found inventory.Layer, err error) {
	e.layers.Add(1)
	if e.block != nil {
		select {
		case <-e.block:
		case <-ctx.Done():
			return found, ctx.Err()
		}
	}
	if e.fail != nil {
		return found, e.fail
	}
	text, err := io.ReadAll(content)
	if err != nil {
		return found, err
	}
	var l layer
	if err := json.Unmarshal(text, &l); err != nil {
		return found, &confined.Failure{Cause: confined.Content, Reason: "the layer is no archive"}
	}
	found.OS = l.OS
	system, libraries := inventory.File{Path: "var/lib/dpkg/status"}, inventory.File{Path: "app/package.json", Type: "npm"}
	for _, p := range l.Packages {
		name, version, _ := strings.Cut(p, "@")
		s := inventory.Subject{Class: inventory.OSPackage, Name: name, Version: version, SrcName: name, SrcVersion: version}
		if strings.HasPrefix(name, "lib") {
			s = inventory.Subject{Class: inventory.Library, Scope: "npm", Name: name, Version: version}
			libraries.Packages = append(libraries.Packages, inventory.Package{Subject: s, Path: libraries.Path})
			continue
		}
		system.Packages = append(system.Packages, inventory.Package{Subject: s})
	}
	for _, f := range []inventory.File{system, libraries} {
		if len(f.Packages) > 0 {
			found.Files = append(found.Files, f)
		}
	}
	if l.Unread != "" {
		found.Unread = []string{l.Unread}
	}
	return found, nil
}

func (e *fakeEngine) JudgeEach(_ context.Context, edition vulndb.Edition, subjects iter.Seq[inventory.Subject], each func(inventory.Subject, inventory.Verdict) error) error {
	e.mu.Lock()
	verdicts := e.verdicts[edition.Digest]
	e.mu.Unlock()
	for s := range subjects {
		e.judged.Add(1)
		v := inventory.Verdict{Unknown: e.unknown[s.Scope], Findings: verdicts[s.Name]}
		if err := each(s, v); err != nil {
			return err
		}
	}
	return nil
}

func (e *fakeEngine) SBOM(_ context.Context, of inventory.Inventory, r confined.SBOMRequest) ([]byte, error) {
	return fmt.Appendf(nil, `{"spdxVersion":"SPDX-2.3","name":%q,"packages":%d,"format":%q}`, r.Name+"@"+r.Digest, len(of.Packages), r.Format), nil
}

type fakeEditions struct {
	mu      sync.Mutex
	current *vulndb.Edition
}

func (e *fakeEditions) set(v vulndb.Edition) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.current = &v
}

func (e *fakeEditions) Current(context.Context) (vulndb.Edition, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.current == nil {
		return vulndb.Edition{}, vulndb.ErrNone
	}
	return *e.current, nil
}

// fakeScanners are our own scanner and another one, which says what a test tells it.
type fakeScanners struct {
	mu      sync.Mutex
	own     Scanner
	inForce *Scanner
	foreign Foreign
	fail    error
}

func (s *fakeScanners) InForce(context.Context, int64) (Scanner, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return *cmp.Or(s.inForce, &s.own), nil
}

func (s *fakeScanners) ByID(_ context.Context, id string) (Scanner, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range []*Scanner{&s.own, s.inForce} {
		if v != nil && v.ID == id {
			return *v, nil
		}
	}
	return Scanner{}, errors.New("no such scanner")
}

func (s *fakeScanners) Own(context.Context) (Scanner, error) { return s.own, nil }

func (s *fakeScanners) Vulnerabilities(context.Context, Scanner, Image, func(string, ...any)) (Foreign, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.foreign, s.fail
}

func (s *fakeScanners) Materials(context.Context, Scanner, Image, func(string, ...any)) ([]byte, Scanner, error) {
	return []byte(`{"spdxVersion":"SPDX-2.3"}`), Scanner{Name: "Other", Vendor: "Others", Version: "9"}, nil
}

// countingStore counts how often blobs are opened.
type countingStore struct {
	blob.Store
	opens atomic.Int64
}

func (s *countingStore) Open(ctx context.Context, location string) (blob.Content, error) {
	s.opens.Add(1)
	return s.Store.Open(ctx, location)
}

var (
	jobOfCleanup  = job.NewExecution{Kind: job.ArtifactCleanup, VendorID: job.System}
	taskOfCleanup = job.NewTask{}
)
