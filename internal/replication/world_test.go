package replication

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/await"
	"github.com/havenregistry/haven/internal/blob/file"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/label"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/project"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/replication/local"
	"github.com/havenregistry/haven/internal/replication/remote"
	"github.com/havenregistry/haven/internal/secret"
	"github.com/havenregistry/haven/internal/setting"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

var (
	ctx   = context.Background()
	ann   = authz.Principal{Kind: authz.User, ID: 1, Name: "ann", Admin: true}
	quiet = slog.New(slog.DiscardHandler)
)

// haven is a registry on an empty database, with the projects alpha, which is public, and beta.
type haven struct {
	*testing.T
	db       *db.DB
	registry *registry.Service
	projects *project.Service
	labels   *label.Service
	local    *local.Registry
	gate     *openGate
}

// openGate stands for the gate, which knows policies that these tests don't need: it refuses what it is told to.
type openGate struct {
	mu      sync.Mutex
	refused map[string]error // pushes, by tag
}

func (g *openGate) Admit(context.Context, authz.Principal, registry.Ref, registry.Manifest, func(context.Context) (bool, error)) error {
	return nil
}

func (g *openGate) MayPush(_ context.Context, _ registry.Ref, r oci.Reference, _ string, _ []byte, _ ...string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.refused[r.Tag()]
}

func newHaven(t *testing.T, d *db.DB) *haven {
	t.Helper()
	store, err := file.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	box, err := secret.OpenBox(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	h := &haven{T: t, db: d, gate: &openGate{refused: map[string]error{}}}
	h.exec(`INSERT INTO account (username, email, sysadmin, created_at, updated_at) VALUES ('ann', 'ann@example.com', TRUE, 0, 0)`)
	settings := setting.New(d, box, time.Now)
	h.projects = project.New(project.Deps{DB: d, Settings: settings, Clock: time.Now})
	h.labels = label.New(d, time.Now)
	h.registry = registry.New(registry.Deps{DB: d, Blobs: store, Clock: time.Now, Log: quiet, Wake: func() {}})
	h.local = local.New(local.Deps{Registry: h.registry, Projects: h.projects, Labels: h.labels, Gate: h.gate, By: "replication",
		ReadOnly: func(ctx context.Context) (bool, error) {
			v, err := settings.Get(ctx)
			return v.ReadOnly(), err
		}})
	h.project("alpha", true)
	h.project("beta", false)
	return h
}

func (h *haven) ok(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *haven) exec(query string, args ...any) {
	h.Helper()
	h.ok(h.db.Write(ctx, func(tx db.Tx) error {
		_, err := tx.Exec(ctx, query, args...)
		return err
	}))
}

func (h *haven) number(query string, args ...any) int64 {
	h.Helper()
	n, err := db.Get(ctx, h.db.Auto(), db.ScanInt, query, args...)
	h.ok(err)
	return n
}

func (h *haven) project(name string, public bool) {
	h.Helper()
	_, err := h.projects.Create(ctx, ann, project.NewProject{Name: name, Public: public})
	h.ok(err)
}

func (h *haven) ref(repository string) registry.Ref {
	h.Helper()
	name, rest, err := oci.ParseRepository(repository)
	h.ok(err)
	p, err := h.projects.ByName(ctx, name)
	h.ok(err)
	return registry.Ref{ProjectID: p.ID, Project: name, Name: rest}
}

func (h *haven) blob(repository, mediaType string, content []byte) oci.Descriptor {
	h.Helper()
	d := oci.Descriptor{MediaType: mediaType, Digest: oci.SHA256Of(content), Size: int64(len(content))}
	_, err := h.registry.PutBlob(ctx, h.ref(repository), d.Digest, bytes.NewReader(content))
	h.ok(err)
	return d
}

// image pushes an image of some layers under a tag, "" for none.
func (h *haven) image(repository, tag string, layers ...string) oci.Digest {
	h.Helper()
	fields := map[string]any{"config": h.blob(repository, oci.MediaTypeImageConfig, []byte(`{"architecture":"amd64","os":"linux","layers":"`+fmt.Sprint(layers)+`"}`))}
	var ds []oci.Descriptor
	for _, l := range layers {
		ds = append(ds, h.blob(repository, "application/vnd.oci.image.layer.v1.tar+gzip", []byte(l)))
	}
	fields["layers"] = ds
	return h.put(repository, tag, oci.MediaTypeImageManifest, fields)
}

// about pushes something that refers to a manifest, or has its tag where one is given.
func (h *haven) about(repository, tag string, subject oci.Digest, words string) oci.Digest {
	h.Helper()
	fields := map[string]any{
		"config": h.blob(repository, oci.MediaTypeEmpty, []byte("{}")),
		"layers": []oci.Descriptor{h.blob(repository, "application/vnd.dev.cosign.simplesigning.v1+json", []byte(words))},
	}
	if tag == "" {
		m, err := h.registry.ManifestInfo(ctx, h.ref(repository), oci.DigestReference(subject))
		h.ok(err)
		fields["artifactType"] = "application/vnd.example.statement"
		fields["subject"] = oci.Descriptor{MediaType: m.MediaType, Digest: subject, Size: m.Size}
	}
	return h.put(repository, tag, oci.MediaTypeImageManifest, fields)
}

func (h *haven) index(repository, tag string, children ...oci.Digest) oci.Digest {
	h.Helper()
	manifests := []oci.Descriptor{}
	for _, d := range children {
		m, err := h.registry.ManifestInfo(ctx, h.ref(repository), oci.DigestReference(d))
		h.ok(err)
		manifests = append(manifests, oci.Descriptor{MediaType: m.MediaType, Digest: d, Size: m.Size})
	}
	return h.put(repository, tag, oci.MediaTypeImageIndex, map[string]any{"manifests": manifests})
}

func (h *haven) put(repository, tag, mediaType string, fields map[string]any) oci.Digest {
	h.Helper()
	fields["schemaVersion"], fields["mediaType"] = 2, mediaType
	content, err := json.Marshal(fields)
	h.ok(err)
	r := oci.DigestReference(oci.SHA256Of(content))
	if tag != "" {
		r = oci.TagReference(tag)
	}
	put, err := h.registry.PutManifest(ctx, ann, h.ref(repository), r, mediaType, content)
	h.ok(err)
	return put.Digest
}

// tag is what a tag leads to, "" for nothing.
func (h *haven) tag(repository, tag string) oci.Digest {
	h.Helper()
	d, err := h.local.Head(ctx, repository, oci.TagReference(tag))
	if errors.Is(err, remote.ErrNotFound) {
		return ""
	}
	h.ok(err)
	return d.Digest
}

func (h *haven) has(repository string, d oci.Digest) bool {
	h.Helper()
	_, err := h.local.Head(ctx, repository, oci.DigestReference(d))
	if errors.Is(err, remote.ErrNotFound) {
		return false
	}
	h.ok(err)
	return true
}

// everything is all that a Haven has: tags and untagged artifacts with what they lead to, and what refers to it.
func (h *haven) everything() map[string]oci.Digest {
	h.Helper()
	all := map[string]oci.Digest{}
	h.ok(h.local.Repositories(ctx, "", func(name string) error {
		h.ok(h.local.Tags(ctx, name, func(t remote.Tag) error {
			all[name+":"+t.Name] = t.Digest
			return nil
		}))
		h.ok(h.local.Untagged(ctx, name, func(d oci.Descriptor) error {
			all[name+"@"+string(d.Digest)] = d.Digest
			return nil
		}))
		return h.local.Subjects(ctx, name, func(subject oci.Digest, d oci.Descriptor) error {
			all[name+"@"+string(subject)+" <- "+string(d.Digest)] = d.Digest
			return nil
		})
	}))
	return all
}

// peer is a registry elsewhere: another Haven behind a line that counts, and breaks when it is told to.
type peer struct {
	*local.Registry
	plain bool // it tells no more than every registry does

	mu    sync.Mutex
	asked map[string]int       // how often, by method
	sent  map[oci.Digest]int   // blobs that were sent to it
	read  map[oci.Digest]int   // blobs that were read from it from the start on
	fails map[string][]error   // what a method answers next
	cut   map[oci.Digest]int64 // blobs whose line breaks after so many bytes, once
	down  error                // what every method answers
	shut  map[string]error     // what is answered of the tags of a repository
	slips map[string]bool      // tags that its lists leave out
}

func newPeer(h *haven) *peer {
	return &peer{Registry: h.local, asked: map[string]int{}, sent: map[oci.Digest]int{}, read: map[oci.Digest]int{}, fails: map[string][]error{}, cut: map[oci.Digest]int64{}}
}

func (p *peer) ask(method string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked[method]++
	if p.down != nil {
		return p.down
	}
	if next := p.fails[method]; len(next) > 0 {
		p.fails[method] = next[1:]
		return next[0]
	}
	return nil
}

func (p *peer) set(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

func (p *peer) times(method string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked[method]
}

func (p *peer) Repositories(ctx context.Context, prefix string, yield func(string) error) error {
	if err := p.ask("Repositories"); err != nil {
		return err
	}
	return p.Registry.Repositories(ctx, prefix, yield)
}

func (p *peer) Tags(ctx context.Context, repository string, yield func(remote.Tag) error) error {
	if err := p.ask("Tags"); err != nil {
		return err
	}
	if err := p.shut[repository]; err != nil {
		return err
	}
	return p.Registry.Tags(ctx, repository, func(t remote.Tag) error {
		if p.slips[t.Name] {
			return nil
		}
		if p.plain {
			t.Digest = ""
		}
		return yield(t)
	})
}

func (p *peer) Head(ctx context.Context, repository string, ref oci.Reference) (oci.Descriptor, error) {
	if err := p.ask("Head"); err != nil {
		return oci.Descriptor{}, err
	}
	return p.Registry.Head(ctx, repository, ref)
}

func (p *peer) Manifest(ctx context.Context, repository string, ref oci.Reference) (remote.Manifest, error) {
	if err := p.ask("Manifest"); err != nil {
		return remote.Manifest{}, err
	}
	return p.Registry.Manifest(ctx, repository, ref)
}

func (p *peer) Referrers(ctx context.Context, repository string, subject oci.Digest) ([]oci.Descriptor, error) {
	if err := p.ask("Referrers"); err != nil {
		return nil, err
	}
	return p.Registry.Referrers(ctx, repository, subject)
}

func (p *peer) HasBlob(ctx context.Context, repository string, d oci.Digest) (bool, error) {
	if err := p.ask("HasBlob"); err != nil {
		return false, err
	}
	return p.Registry.HasBlob(ctx, repository, d)
}

func (p *peer) MountBlob(ctx context.Context, repository string, d oci.Descriptor, from string) (bool, error) {
	if err := p.ask("MountBlob"); err != nil {
		return false, err
	}
	return p.Registry.MountBlob(ctx, repository, d, from)
}

func (p *peer) PutManifest(ctx context.Context, repository string, ref oci.Reference, m remote.Manifest) error {
	if err := p.ask("PutManifest"); err != nil {
		return err
	}
	return p.Registry.PutManifest(ctx, repository, ref, m)
}

func (p *peer) Prepare(ctx context.Context, repository string, public bool) error {
	if err := p.ask("Prepare"); err != nil {
		return err
	}
	return p.Registry.Prepare(ctx, repository, public)
}

func (p *peer) PutBlob(ctx context.Context, repository string, d oci.Descriptor, open func(context.Context, int64) (io.ReadCloser, error), o remote.PutOptions) error {
	if err := p.ask("PutBlob"); err != nil {
		return err
	}
	if err := p.Registry.PutBlob(ctx, repository, d, open, o); err != nil {
		return err
	}
	p.set(func() { p.sent[d.Digest]++ })
	return nil
}

func (p *peer) OpenBlob(ctx context.Context, repository string, d oci.Descriptor, offset int64) (io.ReadCloser, error) {
	if err := p.ask("OpenBlob"); err != nil {
		return nil, err
	}
	content, err := p.Registry.OpenBlob(ctx, repository, d, offset)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if offset == 0 {
		p.read[d.Digest]++
	}
	if at, ok := p.cut[d.Digest]; ok {
		delete(p.cut, d.Digest)
		return struct {
			io.Reader
			io.Closer
		}{io.MultiReader(io.LimitReader(content, at), broken{}), content}, nil
	}
	return content, nil
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// once has each method that is told fail by an error, once.
func (p *peer) once(err error, methods ...string) {
	p.set(func() {
		for _, m := range methods {
			p.fails[m] = append(p.fails[m], err)
		}
	})
}

// world is a Haven that replicates, and registries elsewhere: 1 is another Haven, 2 is a third, 3 is the address of the first.
type world struct {
	*haven
	*Service
	jobs         *job.Service
	there, third *haven
	peer, other  *peer
	open         map[int64]remote.Registry
}

func (w *world) Peer(_ context.Context, _ db.Tx, id int64) (Peer, error) {
	if id < 1 || id > 3 {
		return Peer{}, fault.NotFoundf("registry %d not found", id)
	}
	return Peer{ID: id, Name: fmt.Sprintf("registry %d", id), Kind: remote.Harbor, URL: fmt.Sprintf("https://r%d.example.com", id)}, nil
}

// Open implements Endpoints.
func (w *world) Open(_ context.Context, id int64) (remote.Registry, error) {
	switch id {
	case 1:
		return w.peer.view(), nil
	case 2:
		return w.other.view(), nil
	}
	return nil, fmt.Errorf("registry %d is this Haven", id)
}

// view is the peer, or only what every registry can do.
func (p *peer) view() remote.Registry {
	if p.plain {
		return struct{ remote.Registry }{p}
	}
	return p
}

func eachWorld(t *testing.T, f func(w *world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) { f(newWorld(t, d)) })
}

func newWorld(t *testing.T, d *db.DB) *world {
	t.Helper()
	w := &world{haven: newHaven(t, d), there: newHaven(t, dbtest.SQLite(t)), third: newHaven(t, dbtest.SQLite(t))}
	w.peer, w.other = newPeer(w.there), newPeer(w.third)
	w.jobs = job.New(job.Deps{DB: d, Clock: time.Now, Log: quiet})
	w.Service = New(Deps{
		DB: d, Jobs: w.jobs, Local: w.local, Endpoints: w, Itself: func(url string) bool { return url == "https://r3.example.com" },
		Wake: func() {}, Clock: time.Now, Log: quiet,
	})
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- w.jobs.Run(running) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return w
}

// policy makes one.
func (w *world) policy(p Policy) int64 {
	w.T.Helper()
	if p.Name == "" {
		p.Name = fmt.Sprintf("p%d", rand.Int64())
	}
	p.Enabled, p.ReplaceCount = true, -1
	id, err := w.Create(ctx, ann, p)
	w.ok(err)
	return id
}

// settled hands events out and waits until no job is open.
func (w *world) settled() {
	w.T.Helper()
	await.Until(w.T, "no job is open", func() bool {
		w.ok(event.NewDispatcher(w.haven.db, quiet, w.Service).Drain(ctx))
		return w.number(`SELECT COUNT(*) FROM job_execution WHERE status IN ('Pending', 'Running')`) == 0
	})
}

// run carries a policy out, and returns how it ended.
func (w *world) run(policy int64) Execution {
	w.T.Helper()
	id, err := w.Start(ctx, ann, policy)
	w.ok(err)
	return w.wait(id)
}

func (w *world) wait(id int64) (e Execution) {
	w.T.Helper()
	await.Until(w.T, "the execution ends", func() bool {
		var err error
		e, err = w.Execution(ctx, id)
		w.ok(err)
		return e.Status != InProgress
	})
	return e
}

// succeed is run that must succeed.
func (w *world) succeed(policy int64) Execution {
	w.T.Helper()
	e := w.run(policy)
	if e.Status != Succeeded {
		w.T.Fatalf("the execution is %s: %s\n%s", e.Status, e.Text, w.logs(e.ID))
	}
	return e
}

func (w *world) logs(execution int64) (text string) {
	tasks, _, err := w.jobs.Tasks(ctx, execution, db.List{Page: 1, Size: 100})
	w.ok(err)
	for _, t := range tasks {
		log, err := w.jobs.WholeLog(ctx, t.ID)
		w.ok(err)
		text += fmt.Sprintf("task %d %s %s %s\n%s", t.ID, t.Kind, t.Status, t.Message, log)
	}
	return text
}

// alike compares two Havens, digest by digest.
func alike(t *testing.T, a, b *haven) {
	t.Helper()
	here, there := a.everything(), b.everything()
	for k, v := range here {
		if there[k] != v {
			t.Errorf("%s is %s, and %q there", k, v, there[k])
		}
	}
	for k := range there {
		if here[k] == "" {
			t.Errorf("%s is there alone", k)
		}
	}
}

type ctxt = context.Context

func (w *world) eventually(what string, is func() bool) {
	w.T.Helper()
	await.Until(w.T, what, is)
}
