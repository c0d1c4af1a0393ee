package record_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/blob/file"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/record"
	"github.com/havenregistry/haven/internal/registry"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// world is a registry with a project p, whose records are kept.
type world struct {
	*registry.Service
	t      testing.TB
	db     *db.DB
	store  *file.Store
	keeper *record.Keeper
	events *event.Dispatcher
	later  *atomic.Int64 // added to the clock
	dir    string        // of the store, where a test needs it
}

var (
	quiet = slog.New(slog.DiscardHandler)
	by    = authz.Principal{Kind: authz.User, ID: 1, Name: "owner"}
	app   = registry.Ref{ProjectID: 1, Project: "p", Name: "app"}
	below = registry.Ref{ProjectID: 1, Project: "p", Name: "app/below"}
)

func each(t *testing.T, f func(t *testing.T, w world)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		store, err := file.Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { store.Close() })
		f(t, newWorld(t, d, store, store))
	})
}

func newWorld(t testing.TB, d *db.DB, store *file.Store, records blob.Records) world {
	t.Helper()
	w := world{t: t, db: d, store: store, later: &atomic.Int64{}}
	clock := func() time.Time { return time.Now().Add(time.Duration(w.later.Load())) }
	w.exec(`INSERT INTO account (username, email, created_at, updated_at) VALUES ('owner', 'owner@example.com', 0, 0) ON CONFLICT DO NOTHING`)
	w.exec(`INSERT INTO project (name, owner_id, created_at, updated_at) SELECT 'p', id, 0, 0 FROM account WHERE id > 0 ON CONFLICT DO NOTHING`)
	w.keeper = record.NewKeeper(d, records, clock, quiet)
	w.events = event.NewDispatcher(d, quiet, w.keeper)
	w.Service = registry.New(registry.Deps{DB: d, Blobs: store, Clock: time.Now, Log: quiet, Wake: func() {}})
	return w
}

func (w world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w world) exec(query string, args ...any) {
	w.t.Helper()
	w.ok(w.db.Write(w.t.Context(), func(tx db.Tx) error {
		_, err := tx.Exec(w.t.Context(), query, args...)
		return err
	}))
}

// settle hands out events and works off what they leave.
func (w world) settle() {
	w.t.Helper()
	w.ok(w.events.Drain(w.t.Context()))
	w.ok(w.keeper.Drain(w.t.Context()))
}

// records are all records' names, sorted.
func (w world) records() []string {
	w.t.Helper()
	all := []string{}
	w.ok(w.keeper.Each(w.t.Context(), func(n record.Name) error {
		all = append(all, n.String())
		return nil
	}))
	slices.Sort(all)
	return all
}

// image pushes an image of one layer under tags and returns its digest.
func (w world) image(ref registry.Ref, seed string, tags ...string) oci.Digest {
	w.t.Helper()
	put := func(text string) string {
		d := oci.SHA256Of([]byte(text))
		_, err := w.PutBlob(w.t.Context(), ref, d, strings.NewReader(text))
		w.ok(err)
		return fmt.Sprintf(`"digest":"%s","size":%d`, d, len(text))
	}
	config, layer := put(`{"seed":"`+seed+`"}`), put("layer of "+seed)
	return w.manifest(ref, oci.MediaTypeImageManifest, fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,
		"config":{"mediaType":%q,%s},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar",%s}]}`,
		oci.MediaTypeImageManifest, oci.MediaTypeImageConfig, config, layer), tags...)
}

func (w world) manifest(ref registry.Ref, mediaType, text string, tags ...string) oci.Digest {
	w.t.Helper()
	r := oci.DigestReference(oci.SHA256Of([]byte(text)))
	put, err := w.PutManifest(w.t.Context(), by, ref, r, mediaType, []byte(text), tags...)
	w.ok(err)
	return put.Digest
}

func (w world) index(ref registry.Ref, child oci.Digest, tags ...string) oci.Digest {
	w.t.Helper()
	m, err := w.Manifest(w.t.Context(), ref, oci.DigestReference(child))
	w.ok(err)
	return w.manifest(ref, oci.MediaTypeImageIndex, fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,
		"manifests":[{"mediaType":%q,"digest":"%s","size":%d}]}`, oci.MediaTypeImageIndex, m.MediaType, child, len(m.Content)), tags...)
}

func manifestName(ref registry.Ref, d oci.Digest) string {
	return record.Name{Kind: record.Manifest, Project: ref.Project, Repository: ref.Name, Digest: d}.String()
}

// read is what a record says.
func (w world) read(name string) []byte {
	w.t.Helper()
	n, err := record.ParseName(name)
	w.ok(err)
	text, err := w.keeper.Read(w.t.Context(), n)
	w.ok(err)
	return text
}

// lose makes a record vanish behind everybody's back.
func (w world) lose(name string) {
	w.t.Helper()
	locations, err := db.Collect(w.t.Context(), w.db.Auto(), db.ScanString, `SELECT location FROM record_place WHERE name = $1`, name)
	w.ok(err)
	w.ok(w.store.DeletePackedRecords(w.t.Context(), locations...))
	w.ok(w.store.DeleteRecord(w.t.Context(), name))
}

// tags are what the record of a manifest says about its tags.
func (w world) tags(ref registry.Ref, d oci.Digest) string {
	w.t.Helper()
	m, err := record.ParseManifest(d, w.read(manifestName(ref, d)))
	w.ok(err)
	names := []string{}
	for _, t := range m.Tags {
		names = append(names, t.Name)
	}
	return strings.Join(names, " ")
}

func (w world) wantTags(ref registry.Ref, d oci.Digest, want string) {
	w.t.Helper()
	if got := w.tags(ref, d); got != want {
		w.t.Errorf("tags of %s@%s are %q, want %q", ref.FullName(), d, got, want)
	}
}

func (w world) wantRecords(names ...string) {
	w.t.Helper()
	slices.Sort(names)
	if got := w.records(); !slices.Equal(got, names) {
		w.t.Errorf("records are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(names, "\n"))
	}
	left, err := db.Get(w.t.Context(), w.db.Auto(), db.ScanInt, `SELECT COUNT(*) FROM record_task`)
	w.ok(err)
	if left != 0 {
		w.t.Errorf("%d tasks are left", left)
	}
}

func TestRecordsFollowWhatHappens(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		ctx := t.Context()
		one := w.image(app, "one", "v1", "latest")
		w.settle()
		w.wantRecords(manifestName(app, one))
		w.wantTags(app, one, "latest v1")

		two := w.image(below, "two")
		family := w.index(below, two, "multi")
		three := w.image(app, "three", "latest", "multi")
		w.settle()
		w.wantRecords(manifestName(app, one), manifestName(app, three), manifestName(below, two), manifestName(below, family))
		w.wantTags(app, one, "v1")
		w.wantTags(app, three, "latest multi")
		w.wantTags(below, two, "")
		w.wantTags(below, family, "multi")
		text := w.read(manifestName(below, family))
		served, err := w.Manifest(ctx, below, oci.TagReference("multi"))
		w.ok(err)
		m, err := record.ParseManifest(family, text)
		if err != nil || !bytes.Equal(m.Bytes, served.Content) || m.MediaType != served.MediaType {
			t.Errorf("record of the index: %+v, %v", m, err)
		}

		// A copy takes the family along and moves a tag, a delete takes it away, a tag comes and goes alone.
		w.ok(w.Copy(ctx, by, app, below, oci.TagReference("multi")))
		w.ok(w.DeleteManifest(ctx, by, below, family))
		w.ok(w.DeleteTag(ctx, by, app, "v1"))
		three0, err := w.ManifestInfo(ctx, app, oci.DigestReference(three))
		w.ok(err)
		w.ok(w.CreateTag(ctx, by, app, three0.ID, "v3"))
		w.settle()
		w.wantRecords(manifestName(app, one), manifestName(app, three), manifestName(app, two), manifestName(app, family))
		w.wantTags(app, one, "")
		w.wantTags(app, three, "latest v3")
		w.wantTags(app, family, "multi")

		w.ok(w.DeleteRepository(ctx, by, app))
		w.settle()
		w.wantRecords()
	})
}

func TestRecordOfAProject(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		ctx := t.Context()
		changed := func(kind event.Kind) {
			w.ok(w.db.Write(ctx, func(tx db.Tx) error {
				return event.Append(ctx, tx, event.Event{Kind: kind, Project: "p", Resource: "p", Success: true})
			}))
			w.settle()
		}
		w.exec(`UPDATE project SET public = TRUE, storage_limit = 4096 WHERE name = 'p'`)
		w.exec(`INSERT INTO project_metadata (project_id, name, value) SELECT id, 'auto_scan', 'true' FROM project`)
		changed(event.UpdateProject)
		text := w.read("projects/p")
		p, err := record.ParseProject(text)
		if err != nil || !p.Public || p.StorageLimit != 4096 || p.Owner != "owner" || !maps.Equal(p.Metadata, map[string]string{"auto_scan": "true"}) {
			t.Errorf("%+v, %v: %s", p, err, text)
		}
		w.exec(`UPDATE project SET name = 'p#1', deleted_at = 1`)
		changed(event.DeleteProject)
		w.wantRecords()
	})
}

// What happened between the lease and its end is looked at again.
func TestAChangeDuringTheWorkIsNotForgotten(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		store, err := file.Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { store.Close() })
		slow := &intercepted{Records: store}
		w := newWorld(t, d, store, slow)
		one := w.image(app, "one", "v1")
		w.ok(w.events.Drain(t.Context()))
		two := oci.Digest("")
		slow.once = func(name string) { // what the tag pointed to is on its way already
			two = w.image(app, "two", "v1")
			w.ok(w.events.Drain(t.Context()))
		}
		slow.on = manifestName(app, one)
		w.ok(w.keeper.Drain(t.Context()))
		w.wantTags(app, one, "")
		w.wantTags(app, two, "v1")
	})
}

// intercepted records let a test do something before one of them is written, or fail.
type intercepted struct {
	blob.Records
	on   string
	once func(name string)
	down atomic.Bool
}

func (i *intercepted) PutRecord(ctx context.Context, name string, content []byte) error {
	if i.down.Load() {
		return errors.New("the store is down")
	}
	if f := i.once; f != nil && name == i.on {
		i.once = nil
		f(name)
	}
	return i.Records.PutRecord(ctx, name, content)
}

func TestAnOutageIsSurvived(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		store, err := file.Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { store.Close() })
		flaky := &intercepted{Records: store}
		w := newWorld(t, d, store, flaky)
		one := w.image(app, "one", "v1")
		w.ok(w.events.Drain(t.Context()))
		flaky.down.Store(true)
		for range 4 {
			if err := w.keeper.Drain(t.Context()); err == nil {
				t.Fatal("no error while the store is down")
			}
			w.later.Add(int64(10 * time.Minute))
		}
		flaky.down.Store(false)
		w.ok(w.keeper.Drain(t.Context()))
		w.wantRecords(manifestName(app, one))
		w.wantTags(app, one, "v1")
	})
}

// A worker that is killed leaves a lease, which ends.
func TestAKilledWorkersTasksAreDoneByAnother(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		one := w.image(app, "one")
		w.ok(w.events.Drain(t.Context()))
		w.exec(`UPDATE record_task SET worker = 'killed', due_at = $1`, db.Micros(time.Now().Add(2*time.Minute)))
		w.ok(w.keeper.Drain(t.Context()))
		if got := w.records(); len(got) != 0 {
			t.Errorf("a leased record was written: %v", got)
		}
		w.later.Store(int64(3 * time.Minute))
		w.ok(w.keeper.Drain(t.Context()))
		w.wantRecords(manifestName(app, one))
	})
}

// Data from before there were records gets them without any event.
func TestOldDataIsEnrolled(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		want := []string{"projects/p"}
		for i := range 3 {
			d := w.image(app, fmt.Sprint(i), fmt.Sprintf("v%d", i))
			want = append(want, manifestName(app, d))
		}
		w.exec(`DELETE FROM event`)
		ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
		defer stop()
		done := make(chan error, 1)
		go func() { done <- w.keeper.Run(ctx) }()
		poll := time.NewTicker(20 * time.Millisecond)
		defer poll.Stop()
		for passes := int64(1); passes > 0; <-poll.C { // Run's own steps take half a second each
			var err error
			passes, err = db.Get(ctx, w.db.Auto(), db.ScanInt, `SELECT (SELECT COUNT(*) FROM record_pass) + (SELECT COUNT(*) FROM record_task)`)
			w.ok(err)
		}
		stop()
		w.ok(<-done)
		w.wantRecords(want...)
	})
}

func TestDiffers(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		ctx := t.Context()
		one, two := w.image(app, "one", "v1"), w.image(app, "two", "v2")
		w.settle()
		w.ok(w.store.PutRecord(ctx, manifestName(below, one), w.read(manifestName(app, one))))
		w.lose(manifestName(app, two))
		for name, want := range map[string]bool{
			manifestName(app, one): false, manifestName(app, two): true, manifestName(below, one): true, manifestName(below, two): false,
		} {
			if got, err := w.keeper.Differs(ctx, name); err != nil || got != want {
				t.Errorf("%s differs: %t, %v; want %t", name, got, err, want)
			}
		}
	})
}

// A manifest with so many tags that they don't fit into a record as they are.
func TestAGreatMany(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		one := w.image(app, "one", "first")
		w.exec(`INSERT INTO tag (repository_id, name, manifest_id, pushed_at)
			WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40000)
			SELECT m.repository_id, 'a-tag-with-a-name-that-is-as-long-as-those-that-a-build-makes-of-branches-and-commits-and-dates-' || i, m.id, i FROM n, manifest m`)
		w.settle()
		text := w.read(manifestName(app, one))
		if m, err := record.ParseManifest(one, text); err != nil || len(m.Tags) != 40_001 || len(text) > 4<<20 {
			t.Errorf("%d tags in %d bytes, %v", len(m.Tags), len(text), err)
		}
	})
}
