package proxycache_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sort"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/await"
	"github.com/havenregistry/haven/internal/blob/file"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/replication/proxycache"
	"github.com/havenregistry/haven/internal/replication/remote"
	"github.com/havenregistry/haven/internal/scan"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// upstream is a registry elsewhere, in memory: what matters here is what it is asked, and that it misbehaves as we say. The real
// ones are asked in test/proxycache.
type upstream struct {
	remote.Registry // what a cache never asks

	mu        sync.Mutex
	blobs     map[oci.Digest][]byte
	manifests map[oci.Digest]remote.Manifest
	tags      map[string]oci.Digest // by repository:tag
	referrers map[oci.Digest][]oci.Descriptor
	asked     map[string]int // "head app:v1", "blob sha256:…"
	err       error          // of everything
	stop      chan struct{}  // requests wait until it is closed, nil: they don't
	cutAt     int64          // a connection for a blob breaks off behind so many bytes, 0: never
	noRanges  bool
	slowBlobs chan struct{} // the second half of each blob waits until it is closed
	kind      remote.Kind   // of registry that it is
}

func newUpstream() *upstream {
	return &upstream{kind: remote.DockerRegistry, blobs: map[oci.Digest][]byte{}, manifests: map[oci.Digest]remote.Manifest{}, tags: map[string]oci.Digest{},
		referrers: map[oci.Digest][]oci.Descriptor{}, asked: map[string]int{}}
}

// ask notes a request, and answers as it is to.
func (u *upstream) ask(ctx context.Context, what string) error {
	u.mu.Lock()
	u.asked[what]++
	err, stop := u.err, u.stop
	u.mu.Unlock()
	if stop != nil {
		select {
		case <-stop:
		case <-ctx.Done():
			return &remote.UnreachableError{Words: "no answer", Err: ctx.Err()}
		}
	}
	return err
}

func (u *upstream) find(repository string, ref oci.Reference) (remote.Manifest, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	d := ref.Digest()
	if !ref.IsDigest() {
		d = u.tags[repository+":"+ref.Tag()]
	}
	m, ok := u.manifests[d]
	if !ok {
		return m, remote.ErrNotFound
	}
	return m, nil
}

func (u *upstream) Head(ctx context.Context, repository string, ref oci.Reference) (oci.Descriptor, error) {
	if err := u.ask(ctx, "head "+repository+":"+ref.String()); err != nil {
		return oci.Descriptor{}, err
	}
	m, err := u.find(repository, ref)
	return oci.Descriptor{MediaType: m.MediaType, Digest: m.Digest, Size: int64(len(m.Bytes))}, err
}

func (u *upstream) Manifest(ctx context.Context, repository string, ref oci.Reference) (remote.Manifest, error) {
	if err := u.ask(ctx, "manifest "+repository+":"+ref.String()); err != nil {
		return remote.Manifest{}, err
	}
	return u.find(repository, ref)
}

func (u *upstream) Tags(ctx context.Context, repository string, yield func(remote.Tag) error) error {
	if err := u.ask(ctx, "tags "+repository); err != nil {
		return err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	found := false
	for name := range u.tags {
		if r, tag, _ := bytes.Cut([]byte(name), []byte(":")); string(r) == repository {
			found = true
			if err := yield(remote.Tag{Name: string(tag)}); err != nil {
				return err
			}
		}
	}
	if !found {
		return remote.ErrNotFound
	}
	return nil
}

func (u *upstream) Referrers(ctx context.Context, repository string, subject oci.Digest) ([]oci.Descriptor, error) {
	if err := u.ask(ctx, "referrers "+repository); err != nil {
		return nil, err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.referrers[subject], nil
}

func (u *upstream) OpenBlob(ctx context.Context, _ string, d oci.Descriptor, offset int64) (io.ReadCloser, error) {
	if err := u.ask(ctx, "blob "+string(d.Digest)); err != nil {
		return nil, err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	content, ok := u.blobs[d.Digest]
	if !ok {
		return nil, remote.ErrNotFound
	}
	if offset > 0 && u.noRanges {
		return nil, remote.ErrUnsupported
	}
	var body io.Reader = bytes.NewReader(content[offset:])
	if u.cutAt > 0 && int64(len(content))-offset > u.cutAt {
		body = io.MultiReader(io.LimitReader(body, u.cutAt), brokenOff{})
	}
	if u.slowBlobs != nil {
		half := int64(len(content)) / 2
		body = io.MultiReader(io.LimitReader(body, half), &gated{ctx, u.slowBlobs}, body)
	}
	return io.NopCloser(body), nil
}

type brokenOff struct{}

func (brokenOff) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

// gated yields nothing, when it may.
type gated struct {
	ctx  context.Context
	gate chan struct{}
}

func (g *gated) Read([]byte) (int, error) {
	select {
	case <-g.gate:
		return 0, io.EOF
	case <-g.ctx.Done():
		return 0, g.ctx.Err()
	}
}

func (u *upstream) set(change func()) {
	u.mu.Lock()
	defer u.mu.Unlock()
	change()
}

// requests are those of a kind since the last look, all of them with "".
func (u *upstream) requests() map[string]int {
	u.mu.Lock()
	defer u.mu.Unlock()
	was := u.asked
	u.asked = map[string]int{}
	return was
}

func (u *upstream) blob(content []byte) oci.Descriptor {
	d := oci.SHA256Of(content)
	u.set(func() { u.blobs[d] = content })
	return oci.Descriptor{MediaType: "application/vnd.oci.image.layer.v1.tar+gzip", Digest: d, Size: int64(len(content))}
}

func (u *upstream) put(repository, tag string, document any) oci.Descriptor {
	text, err := json.Marshal(document)
	if err != nil {
		panic(err)
	}
	var typed struct{ MediaType string }
	if err := json.Unmarshal(text, &typed); err != nil {
		panic(err)
	}
	m := remote.Manifest{MediaType: typed.MediaType, Digest: oci.SHA256Of(text), Bytes: text}
	u.set(func() {
		u.manifests[m.Digest] = m
		if tag != "" {
			u.tags[repository+":"+tag] = m.Digest
		}
	})
	return oci.Descriptor{MediaType: m.MediaType, Digest: m.Digest, Size: int64(len(text))}
}

type document struct {
	SchemaVersion int              `json:"schemaVersion"`
	MediaType     string           `json:"mediaType"`
	ArtifactType  string           `json:"artifactType,omitempty"`
	Config        *oci.Descriptor  `json:"config,omitempty"`
	Layers        []oci.Descriptor `json:"layers,omitempty"`
	Manifests     []oci.Descriptor `json:"manifests,omitempty"`
	Subject       *oci.Descriptor  `json:"subject,omitempty"`
}

// image pushes an image of its own for the seed to upstream, with layers of the sizes.
func (u *upstream) image(repository, tag, seed string, sizes ...int) (oci.Descriptor, []oci.Descriptor) {
	config := u.blob(fmt.Appendf(nil, `{"architecture":"amd64","os":"linux","config":{"Env":["SEED=%s"]},"rootfs":{"type":"layers","diff_ids":[]}}`, seed))
	config.MediaType = oci.MediaTypeImageConfig
	doc := document{SchemaVersion: 2, MediaType: oci.MediaTypeImageManifest, Config: &config}
	for i, size := range sizes {
		content := bytes.Repeat(fmt.Appendf(nil, "%s layer %d.", seed, i), size/10+1)[:size]
		doc.Layers = append(doc.Layers, u.blob(content))
	}
	return u.put(repository, tag, doc), append([]oci.Descriptor{config}, doc.Layers...)
}

func (u *upstream) index(repository, tag string, children ...oci.Descriptor) oci.Descriptor {
	return u.put(repository, tag, document{SchemaVersion: 2, MediaType: oci.MediaTypeImageIndex, Manifests: children})
}

// Upstream implements proxycache.Endpoints: there is one.
func (u *upstream) Upstream(context.Context, int64) (proxycache.Upstream, error) {
	return proxycache.Upstream{Registry: u, Name: "up", URL: "https://up.example.com", Kind: u.kind, Healthy: true}, nil
}

// scans is a scanner that says what it is told to: what a real one finds is tested elsewhere.
type scans struct {
	mu      sync.Mutex
	begun   map[oci.Digest]bool
	outcome scan.Standing
}

func (s *scans) Scan(_ context.Context, _ authz.Principal, _ registry.Ref, d oci.Digest, _ scan.Kind) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.begun[d] {
		return fault.Conflictf("it is being scanned")
	}
	s.begun[d] = true
	return nil
}

func (s *scans) Standing(_ context.Context, _ int64, d oci.Digest) (scan.Standing, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.begun[d] {
		return scan.Standing{Digest: d}, nil
	}
	return s.outcome, nil
}

// world is a cache of an upstream; replicas are further processes on the same database and store.
type world struct {
	*proxycache.Service
	t        *testing.T
	db       *db.DB
	store    *file.Store
	registry *registry.Service
	up       *upstream
	scans    *scans
	readOnly atomic.Bool
	skipped  atomic.Int64 // time that passed, beside the real one
	patience time.Duration
}

var (
	ctx  = context.Background()
	app  = registry.Ref{ProjectID: 1, Project: "hub", Name: "team/app"}
	beta = registry.Ref{ProjectID: 1, Project: "hub", Name: "team/beta"}
)

func each(t *testing.T, f func(w *world)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) { f(newWorld(t, d)) })
}

func newWorld(t *testing.T, d *db.DB) *world {
	t.Helper()
	store, err := file.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	w := &world{t: t, db: d, store: store, up: newUpstream(), scans: &scans{begun: map[oci.Digest]bool{}}, patience: 300 * time.Millisecond}
	w.exec(`INSERT INTO account (username, email, created_at, updated_at) VALUES ('owner', 'owner@example.com', 0, 0)`)
	w.exec(`INSERT INTO project (name, owner_id, registry_id, created_at, updated_at) SELECT 'hub', id, 7, 0, 0 FROM account`)
	w.exec(`INSERT INTO project (name, owner_id, created_at, updated_at) SELECT 'plain', id, 0, 0 FROM account`)
	w.registry = w.newRegistry()
	w.Service = w.replica(w.registry)
	return w
}

func (w *world) now() time.Time {
	return time.Now().Truncate(time.Microsecond).Add(time.Duration(w.skipped.Load()))
}

func (w *world) newRegistry() *registry.Service {
	return registry.New(registry.Deps{DB: w.db, Blobs: w.store, Clock: w.now, Log: slog.New(slog.DiscardHandler), Wake: func() {}})
}

func (w *world) replica(r *registry.Service) *proxycache.Service {
	s := proxycache.New(proxycache.Deps{
		DB: w.db, Registry: r, Endpoints: w.up, Scans: w.scans, ReadOnly: func(context.Context) (bool, error) { return w.readOnly.Load(), nil },
		Wake: func() {}, Dir: w.t.TempDir(), Clock: w.now, Log: slog.New(slog.NewTextHandler(w.t.Output(), nil)), Patience: w.patience, Hold: 5 * time.Second,
	})
	w.t.Cleanup(s.Close)
	return s
}

func (w *world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) exec(query string, args ...any) {
	w.t.Helper()
	w.ok(w.db.Write(ctx, func(tx db.Tx) error {
		_, err := tx.Exec(ctx, query, args...)
		return err
	}))
}

func (w *world) count(query string, args ...any) int64 {
	w.t.Helper()
	n, err := db.Get(ctx, w.db.Auto(), db.ScanInt, query, args...)
	w.ok(err)
	return n
}

func (w *world) metadata(key, value string) {
	w.t.Helper()
	w.exec(`INSERT INTO project_metadata (project_id, name, value) VALUES (1, $1, $2)`, key, value)
	w.exec(`UPDATE project SET gated = EXISTS (SELECT 1 FROM project_metadata x WHERE x.name IN ('prevent_vul', 'enable_content_trust_cosign') AND x.value = 'true') WHERE id = 1`)
	w.settled()
}

// settled has the policy read anew.
func (w *world) settled() {
	w.t.Helper()
	own, err := w.GetOwn(ctx, 1)
	w.ok(err)
	w.own(own)
}

func (w *world) own(o proxycache.Own) {
	w.t.Helper()
	w.ok(w.SetOwn(ctx, authz.Principal{Name: "admin"}, 1, "hub", o))
}

// client is where a pull goes: to a process.
type client struct {
	cache    *proxycache.Service
	registry *registry.Service
}

func (w *world) client() client { return client{w.Service, w.registry} }

// blob pulls a blob as the edge does: from here, else by the cache.
func (c client) blob(ref registry.Ref, d oci.Digest) ([]byte, error) {
	b, err := c.registry.Blob(ctx, ref, d)
	if err == nil {
		content, err := c.registry.OpenBlob(ctx, b)
		if err != nil {
			return nil, err
		}
		defer content.Close()
		return io.ReadAll(content)
	}
	if !errors.Is(err, registry.ErrBlobUnknown) {
		return nil, err
	}
	content, err := c.cache.Blob(ctx, ref, d)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	return io.ReadAll(content)
}

// pull pulls an image, and of an index the first.
func (c client) pull(ref registry.Ref, r oci.Reference) (registry.Manifest, error) {
	m, err := c.cache.Manifest(ctx, ref, r, proxycache.Ask{})
	if err != nil {
		return m, err
	}
	parsed, err := oci.ParseManifest(m.MediaType, m.Content)
	if err != nil {
		return m, err
	}
	if parsed.IsIndex() {
		_, err := c.pull(ref, oci.DigestReference(parsed.Manifests[0].Digest))
		return m, err
	}
	for _, d := range parsed.Blobs() {
		content, err := c.blob(ref, d.Digest)
		if err != nil {
			return m, fmt.Errorf("blob %s: %w", d.Digest, err)
		}
		if !d.Digest.Matches(content) {
			return m, fmt.Errorf("blob %s has other bytes", d.Digest)
		}
	}
	return m, nil
}

func (w *world) pull(ref registry.Ref, reference string) registry.Manifest {
	w.t.Helper()
	m, err := w.client().pull(ref, parsed(w.t, reference))
	w.ok(err)
	return m
}

func parsed(t testing.TB, reference string) oci.Reference {
	t.Helper()
	r, err := oci.ParseReference(reference)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// artifact waits until the repository holds an ordinary manifest under the reference.
func (w *world) artifact(ref registry.Ref, reference string) registry.Artifact {
	w.t.Helper()
	var a registry.Artifact
	await.Until(w.t, ref.FullName()+" "+reference+" is an artifact", func() (is bool) {
		var err error
		a, err = w.registry.GetArtifact(ctx, ref, parsed(w.t, reference), registry.With{Tags: true})
		return err == nil
	})
	return a
}

// wantRequests compares what upstream was asked since the last look.
func (w *world) wantRequests(want map[string]int) {
	w.t.Helper()
	got := w.up.requests()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		w.t.Errorf("upstream was asked\n%s, want\n%s", lines(got), lines(want))
	}
}

func lines(asked map[string]int) string {
	var all []string
	for what, n := range asked {
		all = append(all, fmt.Sprintf("  %d %s\n", n, what))
	}
	sort.Strings(all)
	return fmt.Sprint(all)
}

// sound looks at the registry's invariants.
func (w *world) sound() {
	w.t.Helper()
	found, err := w.registry.VerifyUsage(ctx)
	w.ok(err)
	for _, d := range found {
		w.t.Errorf("%v", d)
	}
}

func (w *world) dispatch() {
	w.t.Helper()
	w.ok(event.NewDispatcher(w.db, slog.New(slog.DiscardHandler), w.Service).Drain(ctx))
}

func contextWithCancel() (context.Context, context.CancelFunc) { return context.WithCancel(ctx) }
