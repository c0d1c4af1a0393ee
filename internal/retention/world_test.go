package retention

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/await"
	"github.com/havenregistry/haven/internal/blob/file"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/immutable"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/project"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/secret"
	"github.com/havenregistry/haven/internal/setting"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

var (
	ctx   = context.Background()
	quiet = slog.New(slog.DiscardHandler)
	ann   = authz.Principal{Kind: authz.User, ID: 1, Name: "ann", Admin: true}
	start = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
)

// world is a registry with the project alpha (1), and a clock that stands until somebody moves it.
type world struct {
	*Service
	*testing.T
	db       *db.DB
	registry *registry.Service
	rules    *immutable.Service
	clock    *atomic.Int64
	readOnly *atomic.Bool
	blind    *atomic.Bool // nobody notes pulls
}

func (w *world) now() time.Time       { return time.UnixMicro(w.clock.Load()).UTC() }
func (w *world) pass(d time.Duration) { w.clock.Add(d.Microseconds()) }
func each(t *testing.T, f func(w *world)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) { f(newWorld(t, d)) })
}

func newWorld(t *testing.T, d *db.DB) *world {
	t.Helper()
	store, err := file.Open(t.TempDir())
	box, err2 := secret.OpenBox(filepath.Join(t.TempDir(), "key"))
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	t.Cleanup(func() { store.Close() })
	w := &world{T: t, db: d, clock: &atomic.Int64{}, readOnly: &atomic.Bool{}, blind: &atomic.Bool{}}
	w.clock.Store(start.UnixMicro())
	w.rules = immutable.New(d, w.now)
	w.registry = registry.New(registry.Deps{DB: d, Blobs: store, Clock: w.now, Log: quiet, Wake: func() {}, Immutable: w.rules,
		Rules: func(context.Context) (registry.Rules, error) {
			return registry.Rules{KeepDeleted: 7 * 24 * time.Hour}, nil
		}})
	jobs := job.New(job.Deps{DB: d, Clock: w.now, Log: quiet})
	w.Service = New(Deps{DB: d, Registry: w.registry, Jobs: jobs, Wake: func() {}, Clock: w.now, Log: quiet,
		Projects: project.New(project.Deps{DB: d, Settings: setting.New(d, box, w.now), Clock: w.now}),
		NoUses:   func(context.Context) (bool, error) { return w.blind.Load(), nil },
		ReadOnly: func(context.Context) (bool, error) { return w.readOnly.Load(), nil }})
	w.exec(`INSERT INTO account (username, email, created_at, updated_at) VALUES ('ann', 'ann@example.com', 1, 1)`)
	w.exec(`INSERT INTO project (name, owner_id, created_at, updated_at) VALUES ('alpha', 1, 1, 1)`)
	return w
}

// work does jobs until the test ends.
func (w *world) work() {
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- w.Jobs.Run(running) }()
	w.Cleanup(func() {
		stop()
		<-ended
	})
}

func (w *world) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) exec(query string, args ...any) {
	w.Helper()
	w.ok(w.db.Write(ctx, func(tx db.Tx) error {
		_, err := tx.Exec(ctx, query, args...)
		return err
	}))
}

func repository(name string) registry.Ref {
	return registry.Ref{ProjectID: 1, Project: "alpha", Name: name}
}

// manifest is an image, an index of children, or what refers to a subject.
func (w *world) manifest(ref registry.Ref, seed string, subject *oci.Descriptor, children ...oci.Descriptor) (oci.Descriptor, []byte) {
	w.Helper()
	empty := []byte(`{}`)
	config := oci.Descriptor{MediaType: oci.MediaTypeImageConfig, Digest: oci.SHA256Of(empty), Size: int64(len(empty))}
	m := map[string]any{"schemaVersion": 2, "annotations": map[string]string{"seed": seed}}
	media := oci.MediaTypeImageManifest
	if len(children) > 0 {
		media, m["manifests"] = oci.MediaTypeImageIndex, children
	} else {
		_, err := w.registry.PutBlob(ctx, ref, config.Digest, bytes.NewReader(empty))
		w.ok(err)
		m["config"], m["layers"] = config, []oci.Descriptor{}
	}
	if subject != nil {
		m["subject"] = subject
	}
	m["mediaType"] = media
	content, err := json.Marshal(m)
	w.ok(err)
	return oci.Descriptor{MediaType: media, Digest: oci.SHA256Of(content), Size: int64(len(content))}, content
}

// push puts a manifest under a tag, "" for by its digest.
func (w *world) push(ref registry.Ref, tag string, d oci.Descriptor, content []byte) {
	w.Helper()
	r := oci.DigestReference(d.Digest)
	if tag != "" {
		r = oci.TagReference(tag)
	}
	_, err := w.registry.PutManifest(ctx, ann, ref, r, d.MediaType, content)
	w.ok(err)
}

func (w *world) image(ref registry.Ref, tag, seed string) oci.Descriptor {
	w.Helper()
	d, content := w.manifest(ref, seed, nil)
	w.push(ref, tag, d, content)
	return d
}

func (w *world) pull(ref registry.Ref, r oci.Reference, class registry.Class) {
	w.Helper()
	m, err := w.registry.Manifest(ctx, ref, r)
	w.ok(err)
	w.registry.RecordPull(registry.Pull{By: ann, Ref: ref, Manifest: m, Class: class})
	w.ok(w.registry.Flush(ctx))
}

// digests are what a repository holds, with everything.
func (w *world) digests(ref registry.Ref) map[oci.Digest]bool {
	w.Helper()
	all := map[oci.Digest]bool{}
	rows, err := db.Collect(ctx, w.db.Auto(), db.ScanString, `SELECT m.digest FROM manifest m JOIN repository r ON r.id = m.repository_id WHERE r.name = $1`, ref.Name)
	w.ok(err)
	for _, d := range rows {
		all[oci.Digest(d)] = true
	}
	return all
}

// state is what a repository holds, row by row.
func (w *world) state(ref registry.Ref) []string {
	w.Helper()
	var all []string
	for _, query := range []string{
		`SELECT m.id, m.digest, m.pushed_at, m.used_at, m.project_id, CASE WHEN m.listed THEN 1 ELSE 0 END + CASE WHEN m.tagged THEN 2 ELSE 0 END
			FROM manifest m JOIN repository r ON r.id = m.repository_id WHERE r.name = $1 ORDER BY m.id`,
		`SELECT t.id, t.name, t.pushed_at, t.pulled_at, t.manifest_id, 0 FROM tag t JOIN repository r ON r.id = t.repository_id WHERE r.name = $1 ORDER BY t.id`,
		`SELECT c.parent_id, c.platform, c.position, c.child_id, 0, 0 FROM manifest_child c JOIN manifest m ON m.id = c.parent_id JOIN repository r ON r.id = m.repository_id
			WHERE r.name = $1 ORDER BY c.parent_id, c.position`,
		`SELECT r.id, r.name, r.artifact_count, (SELECT SUM(u.bytes) FROM project_usage u WHERE u.project_id = 1), 0, 0 FROM repository r WHERE r.name = $1`,
	} {
		rows, err := db.Collect(ctx, w.db.Auto(), func(r db.Row) (string, error) {
			var v [5]int64
			var text string
			err := r.Scan(&v[0], &text, &v[1], &v[2], &v[3], &v[4])
			return fmt.Sprint(v, text), err
		}, query, ref.Name)
		w.ok(err)
		all = append(all, rows...)
	}
	return all
}

// undo undoes the last run that deleted anything of the repository since then, and reports whether one had.
func (w *world) undo(ref registry.Ref, since int64) bool {
	w.Helper()
	run, err := db.Get(ctx, w.db.Auto(), db.ScanInt, `SELECT COALESCE(MAX(run_id), 0) FROM trash WHERE repository = $1 AND id > $2`, ref.Name, since)
	w.ok(err)
	if run == 0 {
		return false
	}
	_, err = w.registry.UndeleteRun(ctx, ann, registry.Ref{ProjectID: 1, Project: "alpha"}, run)
	w.ok(err)
	return true
}

// lastDeletion is the newest of all.
func (w *world) lastDeletion() int64 {
	w.Helper()
	id, err := db.Get(ctx, w.db.Auto(), db.ScanInt, `SELECT COALESCE(MAX(id), 0) FROM trash`)
	w.ok(err)
	return id
}

// retain is a rule about a repository's tags.
func retain(template string, n int, repository, tags string) Rule {
	r := Rule{Action: "retain", Template: template, Tags: []Selector{{Kind: doublestar, Decoration: matches, Pattern: tags}},
		Scope: map[string][]Selector{byRepository: {{Kind: doublestar, Decoration: repoMatches, Pattern: repository}}}}
	if template != Always && template != Nothing {
		r.Params = map[string]any{template: float64(n)}
	}
	return r
}

// policy makes the project's policy, or replaces it.
func (w *world) policy(rules ...Rule) int64 {
	w.Helper()
	p := Policy{ProjectID: 1, Rules: rules}
	old, found, err := w.Of(ctx, 1)
	w.ok(err)
	if found {
		p.ID = old.ID
		w.ok(w.Update(ctx, ann, p))
		return p.ID
	}
	id, err := w.Create(ctx, ann, p)
	w.ok(err)
	return id
}

// carryOut runs the policy to its end, and returns what became of each repository.
func (w *world) carryOut(policy int64, dry bool) map[string]Task {
	w.Helper()
	id, err := w.Start(ctx, ann, policy, dry)
	w.ok(err)
	await.Until(w.T, fmt.Sprintf("execution %d ends", id), func() bool {
		e, err := w.Execution(ctx, policy, id)
		w.ok(err)
		return e.Status.Ended()
	})
	tasks, _, err := w.Tasks(ctx, policy, id, db.List{Page: 1, Size: 100})
	w.ok(err)
	byName := map[string]Task{}
	for _, t := range tasks {
		if t.Status != job.Success {
			text, _ := w.TaskLog(ctx, policy, id, t.ID)
			w.Errorf("task of %s: %s\n%s", t.Repository, t.Status, text)
		}
		byName[t.Repository] = t
	}
	return byName
}
