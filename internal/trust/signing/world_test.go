package signing

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
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
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/scan"
	"github.com/havenregistry/haven/internal/scan/inventory"
	"github.com/havenregistry/haven/internal/secret"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

var (
	ctx    = context.Background()
	pusher = authz.Principal{Kind: authz.User, ID: 1, Name: "ann"}
	app    = registry.Ref{ProjectID: 1, Project: "alpha", Name: "app"}
	theirs = registry.Ref{ProjectID: 2, Project: "beta", Name: "app"}
	quiet  = slog.New(slog.DiscardHandler)
	noon   = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	all    = Policy{Enabled: true, Formats: Formats()}
)

// world is a registry with jobs and signing on an empty database, with the projects alpha (1) and beta (2).
type world struct {
	*testing.T
	*Service
	db       *db.DB
	registry *registry.Service
	jobs     *job.Service
	judge    *fakeJudge
	now      *clock
	keyFile  string
	stop     func() // ends the process
}

// clock is one that a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// fakeJudge stands for the gate and the trust policy, which know this package and not the other way round. Who isn't named has passed.
type fakeJudge struct {
	mu       sync.Mutex
	refused  map[oci.Digest]string
	fails    map[oci.Digest]error
	asked    map[oci.Digest]int
	trusting bool // requireTrust as it was last asked with
}

func (j *fakeJudge) MaySign(_ context.Context, _ registry.Ref, m registry.Manifest, requireTrust bool) (bool, string, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.asked[m.Digest]++
	j.trusting = requireTrust
	if err := j.fails[m.Digest]; err != nil {
		delete(j.fails, m.Digest) // it goes by itself
		return true, "", err
	}
	why, refused := j.refused[m.Digest]
	return !refused, why, nil
}

func (j *fakeJudge) refuse(d oci.Digest) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.refused[d] = "it has vulnerabilities"
}

func (j *fakeJudge) pass(d oci.Digest) {
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.refused, d)
}

func (j *fakeJudge) fail(d oci.Digest, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.fails[d] = err
}

// oneScanner is the scanner of every project.
type oneScanner struct{}

func (oneScanner) InForce(context.Context, int64) (scan.Scanner, error) {
	return scan.Scanner{ID: "own", Own: true}, nil
}

func (s oneScanner) ByID(ctx context.Context, _ string) (scan.Scanner, error) {
	return s.InForce(ctx, 0)
}
func (s oneScanner) Own(ctx context.Context) (scan.Scanner, error) { return s.InForce(ctx, 0) }

func each(t *testing.T, f func(w world)) {
	t.Helper()
	eachWith(t, "", f)
}

// eachWith has a signing program.
func eachWith(t *testing.T, program string, f func(w world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) { f(newWorld(t, d, program)) })
}

func newWorld(t *testing.T, d *db.DB, program string) world {
	t.Helper()
	store, err := file.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	w := world{T: t, db: d, now: &clock{now: noon}, keyFile: filepath.Join(t.TempDir(), "secret.key"),
		judge: &fakeJudge{refused: map[oci.Digest]string{}, fails: map[oci.Digest]error{}, asked: map[oci.Digest]int{}}}
	w.exec(`INSERT INTO account (username, email, created_at, updated_at) VALUES ('ann', 'ann@example.com', 0, 0)`)
	for _, name := range []string{"alpha", "beta"} {
		w.exec(`INSERT INTO project (name, owner_id, created_at, updated_at) SELECT $1, id, 0, 0 FROM account`, name)
	}
	w.registry = registry.New(registry.Deps{DB: d, Blobs: store, Clock: w.now.Now, Log: quiet, Wake: func() {}})
	w.restart(program)
	return w
}

// restart has another process sign, on the same database and with the secret key of keyFile, in place of the one before.
func (w *world) restart(program string) {
	w.Helper()
	if w.stop != nil {
		w.stop()
	}
	w.jobs = job.New(job.Deps{DB: w.db, Clock: time.Now, Log: quiet})
	w.Service = w.service(program)
	running, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.jobs.Run(running) }()
	w.stop = sync.OnceFunc(func() {
		stop()
		if err := <-ended; err != nil {
			w.Error(err)
		}
	})
	w.Cleanup(w.stop)
}

func (w world) service(program string) *Service {
	w.Helper()
	box, err := secret.OpenBox(w.keyFile)
	w.ok(err)
	scans := scan.New(scan.Deps{DB: w.db, Scanners: oneScanner{}, Jobs: job.New(job.Deps{DB: w.db, Clock: w.now.Now, Log: quiet}), Clock: w.now.Now, Log: quiet})
	return New(Deps{DB: w.db, Registry: w.registry, Jobs: w.jobs, Box: box, Judge: w.judge, Scans: scans, Host: "registry.example.com", Program: program, Clock: w.now.Now, Log: quiet})
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

// want says what a project wants signed.
func (w world) want(in registry.Ref, p Policy) {
	w.Helper()
	w.ok(w.SetPolicy(ctx, pusher, in.ProjectID, in.Project, p))
	w.settled()
}

// settled hands events out and waits until no job is open.
func (w world) settled() {
	w.Helper()
	await.Until(w.T, "no job is open", func() bool {
		w.ok(event.NewDispatcher(w.db, quiet, w.Service).Drain(ctx))
		return w.count(`SELECT COUNT(*) FROM job_execution WHERE status IN ('Pending', 'Running')`) == 0
	})
}

// failed is how many executions ended with a failure.
func (w world) failed() int64 {
	w.Helper()
	return w.count(`SELECT COUNT(*) FROM job_execution WHERE status = 'Error'`)
}

func (w world) blob(in registry.Ref, mediaType string, content []byte) oci.Descriptor {
	w.Helper()
	_, err := w.registry.PutBlob(ctx, in, oci.SHA256Of(content), bytes.NewReader(content))
	w.ok(err)
	return oci.Describe(mediaType, content)
}

// image pushes an image under a tag.
func (w world) image(in registry.Ref, tag string) oci.Digest {
	w.Helper()
	return w.put(in, tag, oci.MediaTypeImageManifest, map[string]any{
		"config": w.blob(in, oci.MediaTypeImageConfig, []byte(`{"architecture":"amd64","os":"linux","tag":"`+tag+`"}`)),
		"layers": []oci.Descriptor{w.blob(in, "application/vnd.oci.image.layer.v1.tar+gzip", []byte("layer of "+tag))},
	})
}

func (w world) index(in registry.Ref, tag string, children ...oci.Digest) oci.Digest {
	w.Helper()
	manifests := []oci.Descriptor{}
	for _, d := range children {
		m := w.manifest(in, oci.DigestReference(d))
		manifests = append(manifests, oci.Descriptor{MediaType: m.MediaType, Digest: d, Size: m.Size})
	}
	return w.put(in, tag, oci.MediaTypeImageIndex, map[string]any{"manifests": manifests})
}

func (w world) put(in registry.Ref, tag, mediaType string, fields map[string]any) oci.Digest {
	w.Helper()
	fields["schemaVersion"], fields["mediaType"] = 2, mediaType
	content, err := json.Marshal(fields)
	w.ok(err)
	r := oci.DigestReference(oci.SHA256Of(content))
	if tag != "" {
		r = oci.TagReference(tag)
	}
	put, err := w.registry.PutManifest(ctx, pusher, in, r, mediaType, content)
	w.ok(err)
	return put.Digest
}

func (w world) manifest(in registry.Ref, r oci.Reference) registry.Manifest {
	w.Helper()
	m, err := w.registry.Manifest(ctx, in, r)
	w.ok(err)
	return m
}

// scanned writes what a scan of an image found, and that it ended.
func (w world) scanned(in registry.Ref, d oci.Digest, status scan.Status, criticals int) {
	w.Helper()
	w.exec(`DELETE FROM scan_report WHERE digest = $1`, d)
	at := db.Micros(w.now.Now())
	w.exec(`INSERT INTO scan_report (uuid, digest, scanner, scanner_name, scanner_version, status, evaluated, complete, critical, created_at, started_at, ended_at, updated_at)
		VALUES ($1, $2, 'own', 'Trivy', '1.2.3', $3, 2, TRUE, $4, $5, $5, $5, $5)`, "report of "+string(d), d, status, criticals, at)
	for n := range criticals {
		name := string(rune('a' + n))
		w.exec(`INSERT INTO scan_package (key, scope, name, version, subject) VALUES ($1, 'debian 12', $1, '1.0', '{}') ON CONFLICT (key) DO NOTHING`, "lib"+name)
		w.exec(`INSERT INTO scan_vulnerability (name, source, data_source, detail) VALUES ($1, 'debian', 'debian', '{}') ON CONFLICT DO NOTHING`, "CVE-"+name)
		w.exec(`INSERT INTO scan_finding (package_id, vulnerability_id, severity, fixed, since) SELECT p.id, v.id, $1, '1.1', 0
			FROM scan_package p, scan_vulnerability v WHERE p.key = $2 AND v.name = $3 ON CONFLICT DO NOTHING`, inventory.Critical, "lib"+name, "CVE-"+name)
		w.exec(`INSERT INTO scan_content (report_id, package_id) SELECT r.id, p.id FROM scan_report r, scan_package p WHERE r.digest = $1 AND p.key = $2`, d, "lib"+name)
	}
	w.ok(w.db.Write(ctx, func(tx db.Tx) error {
		return event.Append(ctx, tx, event.Event{Kind: event.ScanArtifact, ProjectID: in.ProjectID, Project: in.Project, Repository: in.FullName(), Digest: string(d), Resource: "x", Success: true})
	}))
	w.settled()
}

// accessories are the digests of what belongs to a manifest, and what they were pushed as.
func (w world) accessories(in registry.Ref, of oci.Digest) map[oci.Digest]string {
	w.Helper()
	a, err := w.registry.GetArtifact(ctx, in, oci.DigestReference(of), registry.With{Accessories: true})
	w.ok(err)
	found := map[oci.Digest]string{}
	for _, v := range a.Accessories {
		found[v.Digest] = v.Type
	}
	return found
}

// referrers are the manifests with a subject, of an artifact type.
func (w world) referrers(in registry.Ref, of oci.Digest, artifactType string) (found []registry.Manifest) {
	w.Helper()
	page, _, err := w.registry.Referrers(ctx, in, of, artifactType, 0, 100)
	w.ok(err)
	for _, r := range page {
		found = append(found, w.manifest(in, oci.DigestReference(r.Digest)))
	}
	return found
}

// layer is the one layer of a manifest, and its bytes.
func (w world) layer(in registry.Ref, m registry.Manifest) (oci.Descriptor, []byte) {
	w.Helper()
	parsed, err := oci.ParseManifest(m.MediaType, m.Content)
	w.ok(err)
	if len(parsed.Layers) != 1 {
		w.Fatalf("%s has %d layers, want 1", m.Digest, len(parsed.Layers))
	}
	content, err := w.registry.ReadBlob(ctx, in, parsed.Layers[0].Digest, 1<<20)
	w.ok(err)
	return parsed.Layers[0], content
}

// key is the key that signs now.
func (w world) key(format Format) Key {
	w.Helper()
	keys, err := w.Keys(ctx)
	w.ok(err)
	for _, k := range keys {
		if k.Format == format && k.Current {
			return k
		}
	}
	w.Fatalf("no current key for %s", format)
	return Key{}
}

// until hands events out until something is so.
func (w world) until(what string, found func() bool) {
	w.Helper()
	await.Until(w.T, what, func() bool {
		w.ok(event.NewDispatcher(w.db, quiet, w.Service).Drain(ctx))
		return found()
	})
}
