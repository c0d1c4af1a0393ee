package record_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/blob/file"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/record"
)

// alone runs f where records are packed.
func alone(t *testing.T, f func(t *testing.T, w world)) {
	dir := t.TempDir()
	store, err := file.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	if !store.Packs() {
		t.Fatal("the file system of the tests gives no space back out of the middle of a file")
	}
	w := newWorld(t, dbtest.SQLite(t), store, store)
	w.dir = dir
	f(t, w)
}

// files are the names of records that have a file of their own.
func (w world) files() (names []string) {
	w.t.Helper()
	w.ok(w.store.EachRecord(w.t.Context(), func(name string) error {
		names = append(names, name)
		return nil
	}))
	slices.Sort(names)
	return names
}

// packed are all packed records' names, sorted: those too that no row names.
func (w world) packed() (names []string) {
	w.t.Helper()
	w.ok(w.store.EachPackedRecord(w.t.Context(), func(_ string, r blob.PackedRecord) error {
		names = append(names, r.Name)
		return nil
	}))
	slices.Sort(names)
	return names
}

// wantPacked fails the test unless exactly these records are there, all packed, each once and named by its row.
func (w world) wantPacked(names ...string) {
	w.t.Helper()
	slices.Sort(names)
	if got := w.files(); len(got) != 0 {
		w.t.Errorf("%v have files", got)
	}
	if got := w.packed(); !slices.Equal(got, names) {
		w.t.Errorf("packed are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(names, "\n"))
	}
	w.ok(w.keeper.EachUnnamed(w.t.Context(), func(n record.Name, location string) error {
		w.t.Errorf("%s at %s has no row", n, location)
		return nil
	}))
	w.wantRecords(names...)
	for _, query := range []string{`SELECT COUNT(*) FROM record_discarded`, `SELECT COUNT(*) - ` + fmt.Sprint(len(names)) + ` FROM record_place`} {
		if n, err := db.Get(w.t.Context(), w.db.Auto(), db.ScanInt, query); err != nil || n != 0 {
			w.t.Errorf("%s: %d, %v; want 0", query, n, err)
		}
	}
}

// killed is a world whose process was killed and was followed by another one.
func (w world) killed() world {
	w.t.Helper()
	store, err := file.Open(w.dir)
	w.ok(err)
	w.t.Cleanup(func() { store.Close() })
	again := newWorld(w.t, w.db, store, store)
	again.dir = w.dir
	return again
}

func TestRecordsArePackedWhereAProcessIsAlone(t *testing.T) {
	alone(t, func(t *testing.T, w world) {
		var want []string
		for i := range 300 { // more than a batch
			want = append(want, manifestName(app, w.image(app, fmt.Sprint(i), fmt.Sprint("v", i%100))))
		}
		w.settle()
		w.wantPacked(want...)
		w.ok(w.DeleteTag(t.Context(), by, app, "v0"))
		two := w.image(below, "two", "v1")
		w.settle()
		w.wantPacked(append(want, manifestName(below, two))...)
		w.ok(w.DeleteRepository(t.Context(), by, app))
		w.settle()
		w.wantPacked(manifestName(below, two))
		w.wantTags(below, two, "v1")
	})
}

// Where others may use the store too, nothing is packed; what somebody packed before is read, replaced and deleted.
func TestPackedRecordsAmongReplicas(t *testing.T) {
	store, err := file.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	w := newWorld(t, dbtest.Postgres(t), store, store)
	one, two := w.image(app, "one", "v1"), w.image(app, "two", "v2")
	w.settle()
	if got := w.packed(); len(got) != 0 || len(w.files()) != 2 {
		t.Fatalf("%v are packed, %v are files", got, w.files())
	}
	var records []blob.PackedRecord
	for i, name := range w.files() {
		records = append(records, blob.PackedRecord{Name: name, Stamp: int64(i), Content: w.read(name)})
		w.ok(store.DeleteRecord(t.Context(), name))
	}
	_, err = store.PackRecords(t.Context(), records)
	w.ok(err)
	w.ok(w.keeper.Adopt(t.Context()))
	w.wantRecords(manifestName(app, one), manifestName(app, two))
	w.wantTags(app, one, "v1")

	w.ok(w.DeleteTag(t.Context(), by, app, "v1"))
	w.ok(w.DeleteManifest(t.Context(), by, app, two))
	w.settle()
	w.wantTags(app, one, "")
	w.wantRecords(manifestName(app, one))
	if got := w.packed(); len(got) != 0 || !slices.Equal(w.files(), []string{manifestName(app, one)}) {
		t.Errorf("%v are packed, %v are files", got, w.files())
	}
}

// A store from before records were packed: what doesn't change stays as it is, what does is packed, and its file goes.
func TestOlderFilesOfRecords(t *testing.T) {
	alone(t, func(t *testing.T, w world) {
		old := newWorld(t, w.db, w.store, &intercepted{Records: w.store})
		one, two, three := old.image(app, "one", "v1"), old.image(app, "two", "v2"), old.image(app, "three", "v3")
		old.settle()
		if got := w.files(); len(got) != 3 {
			t.Fatalf("files are %v", got)
		}
		w.ok(w.DeleteTag(t.Context(), by, app, "v1"))
		w.ok(w.DeleteManifest(t.Context(), by, app, two))
		w.settle()
		w.wantRecords(manifestName(app, one), manifestName(app, three))
		w.wantTags(app, one, "")
		w.wantTags(app, three, "v3")
		if got := w.files(); !slices.Equal(got, []string{manifestName(app, three)}) {
			t.Errorf("files are %v", got)
		}
		if got := w.packed(); !slices.Equal(got, []string{manifestName(app, one)}) {
			t.Errorf("packed are %v", got)
		}
	})
}

// A record that grows beyond what is packed becomes a file, and comes back.
func TestLongRecordsAreFiles(t *testing.T) {
	alone(t, func(t *testing.T, w world) {
		one := w.image(app, "one", "first")
		w.settle()
		name, ctx := manifestName(app, one), t.Context()
		n, err := record.ParseName(name)
		w.ok(err)
		w.exec(`INSERT INTO tag (repository_id, name, manifest_id, pushed_at)
			WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
			SELECT m.repository_id, 'a-tag-with-a-name-that-is-rather-long-' || i, m.id, i FROM n, manifest m`)
		w.ok(w.keeper.Look(ctx, name))
		w.settle()
		if got := w.packed(); len(got) != 0 || !slices.Equal(w.files(), []string{name}) {
			t.Errorf("packed are %v, files %v", got, w.files())
		}
		if m, err := record.ParseManifest(one, w.read(n.String())); err != nil || len(m.Tags) != 5001 {
			t.Errorf("%d tags, %v", len(m.Tags), err)
		}
		w.exec(`DELETE FROM tag WHERE name <> 'first'`)
		w.ok(w.keeper.Look(ctx, name))
		w.settle()
		w.wantPacked(name)
		w.wantTags(app, one, "first")
	})
}

// faulty is a store where something happens, or fails, at a step of the keeper's.
type faulty struct {
	*file.Store
	packed  func() error // after records were packed
	discard func() error // before they are deleted
	unlink  func() error // before a file is
	full    bool
}

func (f *faulty) PackRecords(ctx context.Context, records []blob.PackedRecord) ([]string, error) {
	if f.full {
		return nil, blob.ErrNoSpace
	}
	locations, err := f.Store.PackRecords(ctx, records)
	if err == nil && f.packed != nil {
		err = f.packed()
	}
	return locations, err
}

func (f *faulty) DeletePackedRecords(ctx context.Context, locations ...string) error {
	if f.discard != nil {
		if err := f.discard(); err != nil {
			return err
		}
	}
	return f.Store.DeletePackedRecords(ctx, locations...)
}

func (f *faulty) DeleteRecord(ctx context.Context, name string) error {
	if f.unlink != nil {
		if err := f.unlink(); err != nil {
			return err
		}
	}
	return f.Store.DeleteRecord(ctx, name)
}

var errBroken = errors.New("broken")

// Wherever a process is killed, the next one makes of what it left what the database says, and leaves nothing else.
func TestKilledWhilePacking(t *testing.T) {
	for name, at := range map[string]struct {
		store func(f *faulty, kill func())
		older bool // the records were files
	}{
		"after records were packed":     {store: func(f *faulty, kill func()) { f.packed = func() error { kill(); return nil } }},
		"before outdated ones are gone": {store: func(f *faulty, kill func()) { f.discard = func() error { kill(); return errBroken } }},
		"before the older files went":   {store: func(f *faulty, kill func()) { f.unlink = func() error { kill(); return errBroken } }, older: true},
	} {
		t.Run(name, func(t *testing.T) {
			alone(t, func(t *testing.T, w world) {
				before := w
				if at.older {
					before = newWorld(t, w.db, w.store, &intercepted{Records: w.store})
				}
				one, two := before.image(app, "one", "v1"), before.image(app, "two", "v2")
				before.settle()

				f := &faulty{Store: w.store}
				dies := newWorld(t, w.db, w.store, f)
				ctx, kill := context.WithCancel(t.Context())
				w.ok(dies.DeleteTag(t.Context(), by, app, "v1"))
				w.ok(dies.DeleteManifest(t.Context(), by, app, two))
				three := dies.image(app, "three", "v3")
				w.ok(dies.events.Drain(t.Context()))
				at.store(f, kill)
				if err := dies.keeper.Drain(ctx); err == nil {
					t.Fatal("nothing happened")
				}
				next := w.killed()
				w.ok(next.keeper.Sweep(t.Context()))
				w.ok(next.store.UnendedRecords(t.Context(), func(location string, r blob.PackedRecord) error {
					t.Errorf("%s at %s will be looked at again", r.Name, location)
					return nil
				}))
				next.settle()
				next.wantPacked(manifestName(app, one), manifestName(app, three))
				next.wantTags(app, one, "")
				next.wantTags(app, three, "v3")
			})
		})
	}
}

// A process that ends while it packs leaves nothing behind, so that nobody needs to look for it.
func TestEndWhilePacking(t *testing.T) {
	alone(t, func(t *testing.T, w world) {
		f := &faulty{Store: w.store}
		ends := newWorld(t, w.db, w.store, f)
		zero := ends.image(app, "zero", "v0")
		ends.settle()
		one := ends.image(app, "one", "v1")
		w.ok(ends.events.Drain(t.Context()))
		ctx, end := context.WithCancel(t.Context())
		f.packed = func() error { end(); return nil }
		w.ok(ends.keeper.Run(ctx))
		if got := w.packed(); !slices.Equal(got, []string{manifestName(app, zero)}) {
			t.Errorf("%v are left", got)
		}
		next := w.killed()
		next.exec(`DELETE FROM record_pass`)
		next.later.Store(int64(3 * time.Minute)) // the lease ends
		next.settle()
		next.wantPacked(manifestName(app, zero), manifestName(app, one))
	})
}

// When the database takes no row, what was packed goes before anything else is.
func TestPackedForNothing(t *testing.T) {
	alone(t, func(t *testing.T, w world) {
		one := w.image(app, "one", "v1")
		w.ok(w.events.Drain(t.Context()))
		w.exec(`CREATE TRIGGER refuse BEFORE INSERT ON record_place BEGIN SELECT RAISE(ABORT, 'no'); END`)
		if err := w.keeper.Drain(t.Context()); err == nil || len(w.packed()) != 1 {
			t.Fatalf("%v, %v", err, w.packed())
		}
		w.ok(w.keeper.Drain(t.Context()))
		if got := w.packed(); len(got) != 0 {
			t.Errorf("%v are left", got)
		}
		w.exec(`DROP TRIGGER refuse`)
		w.later.Store(int64(3 * time.Minute))
		w.ok(w.keeper.Drain(t.Context()))
		w.wantPacked(manifestName(app, one))
	})
}

// A record that can't be packed is tried again, as any.
func TestNoSpaceForPacking(t *testing.T) {
	alone(t, func(t *testing.T, w world) {
		f := &faulty{Store: w.store}
		full := newWorld(t, w.db, w.store, f)
		one := full.image(app, "one", "v1")
		w.ok(full.events.Drain(t.Context()))
		f.full = true
		if err := full.keeper.Drain(t.Context()); !errors.Is(err, blob.ErrNoSpace) {
			t.Errorf("%v, want ErrNoSpace", err)
		}
		f.full = false
		full.later.Store(int64(10 * time.Minute))
		w.ok(full.keeper.Drain(t.Context()))
		full.wantPacked(manifestName(app, one))
	})
}

// What a database doesn't know, because it is a new one or an old copy, stays in the store for a rebuild.
func TestSweepSparesWhatTheDatabaseDoesNotKnow(t *testing.T) {
	alone(t, func(t *testing.T, w world) {
		one, two := w.image(app, "one", "v1"), w.image(app, "two", "v2")
		w.settle()
		old, err := db.Get(t.Context(), w.db.Auto(), db.ScanString, `SELECT location FROM record_place WHERE name = $1`, manifestName(app, one))
		w.ok(err)
		w.ok(w.DeleteTag(t.Context(), by, app, "v1"))
		w.settle()
		both := w.packed()

		// An old copy knows of a place where nothing is any more, and of one manifest nothing.
		w.exec(`UPDATE record_place SET location = $1 WHERE name = $2`, old, manifestName(app, one))
		w.exec(`DELETE FROM record_place WHERE name = $1`, manifestName(app, two))
		for range 2 { // it is looked at each time
			next := w.killed()
			w.ok(next.keeper.Sweep(t.Context()))
			if got := next.packed(); len(both) != 2 || !slices.Equal(got, both) {
				t.Fatalf("packed are %v, want %v", got, both)
			}
		}
		empty := newWorld(t, dbtest.SQLite(t), w.killed().store, w.killed().store)
		w.ok(empty.keeper.Sweep(t.Context()))
		if got := w.packed(); !slices.Equal(got, both) {
			t.Fatalf("a new database leaves %v, want %v", got, both)
		}

		// What a later record has taken the place of goes, be it so at once or not.
		next := w.killed()
		w.ok(next.keeper.Look(t.Context(), manifestName(app, one), manifestName(app, two)))
		next.settle()
		last := next.killed()
		w.ok(last.keeper.Sweep(t.Context()))
		last.wantPacked(both...)
	})
}

// Of records with one name the latest is adopted, packed or not, and the others go.
func TestAdopt(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		ctx := t.Context()
		now := time.Now().UnixMicro()
		name := func(repository string) string {
			return record.Name{Kind: record.Manifest, Project: "p", Repository: repository, Digest: oci.SHA256Of([]byte(repository))}.String()
		}
		pack := func(repository, text string, stamp int64) string {
			locations, err := w.store.PackRecords(ctx, []blob.PackedRecord{{Name: name(repository), Stamp: stamp, Content: []byte(text)}})
			w.ok(err)
			return locations[0]
		}
		pack("single", "good", now)
		pack("twice", "good", now)
		pack("twice", "old", now-1)
		pack("thrice", "old", now-2)
		pack("thrice", "good", now)
		pack("thrice", "old", now-1)
		pack("older-file", "good", now+int64(time.Hour/time.Microsecond))
		w.ok(w.store.PutRecord(ctx, name("older-file"), []byte("old")))
		pack("newer-file", "old", now-int64(time.Hour/time.Microsecond))
		w.ok(w.store.PutRecord(ctx, name("newer-file"), []byte("good")))
		w.ok(w.store.PutRecord(ctx, name("file"), []byte("good")))
		want := []string{}
		for _, repository := range []string{"single", "twice", "thrice", "older-file", "newer-file", "file"} {
			want = append(want, name(repository))
		}
		for range 2 {
			w.ok(w.keeper.Adopt(ctx))
			w.wantRecords(want...)
			for _, name := range want {
				if got := w.read(name); string(got) != "good" {
					t.Errorf("%s says %q", name, got)
				}
			}
		}
		w.ok(w.keeper.Drain(ctx))
		left := map[string]int{}
		for _, name := range w.packed() {
			left[name]++
		}
		if !maps.Equal(left, map[string]int{name("single"): 1, name("twice"): 1, name("thrice"): 1, name("older-file"): 1}) {
			t.Errorf("packed are %v", left)
		}
	})
}
