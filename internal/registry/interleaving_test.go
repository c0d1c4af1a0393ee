package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/blob/file"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/oci"
)

// What the registry promises while it reclaims holds however two pushes of the same bytes, a mount of them, the
// delete of a manifest that names them and a collector meet, and wherever the process dies: an acknowledged
// manifest has all its bytes, and what a client was told of is there as long as the grace says. The code that
// runs is the real one. It stops between its transactions and its calls of the store, and goes on in every order.

// actor is somebody who does several things in order, and can be stopped between them.
type actor struct {
	name   string
	resume chan struct{}
	place  atomic.Value // string: the point where it waits, "" while it runs or is blocked, "end" when it is done
	steps  atomic.Int64
	dead   atomic.Bool
	heard  atomic.Int64 // when it was told that the blob is there, a time.Duration; -1: not yet
	acked  atomic.Bool  // its manifest was acknowledged
	failed atomic.Value // string: what it may not have been told
}

func (a *actor) at() string          { return a.place.Load().(string) }
func (a *actor) waits() bool         { return a.at() != "" && a.at() != "end" }
func (a *actor) told() time.Duration { return time.Duration(a.heard.Load()) }

type actorKey struct{}

// point lets the others go on until it is this actor's turn.
func point(ctx context.Context, at string) {
	a, _ := ctx.Value(actorKey{}).(*actor)
	if a == nil {
		return
	}
	a.place.Store(at)
	<-a.resume
	a.place.Store("")
	a.steps.Add(1)
	if a.dead.Load() {
		runtime.Goexit()
	}
}

// stopping is a store with points around what it changes.
type stopping struct{ *file.Store }

func (s stopping) Commit(ctx context.Context, u blob.Upload, d oci.Digest) (string, error) {
	point(ctx, "before commit")
	defer point(ctx, "after commit")
	return s.Store.Commit(ctx, u, d)
}

// Pack has no point before it: what is packed is nobody's business until it has a row.
func (s stopping) Pack(ctx context.Context, content []byte) (string, error) {
	defer point(ctx, "after pack")
	return s.Store.Pack(ctx, content)
}

func (s stopping) Place(ctx context.Context, u blob.Upload, d oci.Digest) (string, error) {
	point(ctx, "before place")
	defer point(ctx, "after place")
	return s.Store.Place(ctx, u, d)
}

func (s stopping) Cancel(ctx context.Context, u blob.Upload) error {
	point(ctx, "before cancel")
	defer point(ctx, "after cancel")
	return s.Store.Cancel(ctx, u)
}

func (s stopping) Delete(ctx context.Context, location string) error {
	point(ctx, "before delete")
	defer point(ctx, "after delete")
	return s.Store.Delete(ctx, location)
}

// scene is one run of the actors.
type scene struct {
	fixture
	files   string // the store's directory
	wall    *wall
	actors  []*actor
	closers []*file.Store // of processes that died
}

// wall is a clock that stands still but when it is moved.
type wall struct{ moved atomic.Int64 }

func (w *wall) now() time.Time          { return epoch.Add(w.passed()) }
func (w *wall) passed() time.Duration   { return time.Duration(w.moved.Load()) }
func (w *wall) advance(d time.Duration) { w.moved.Add(int64(d)) }

var (
	sharedBytes  = []byte("bytes that all of them push")
	sharedDigest = oci.SHA256Of(sharedBytes)
)

// naming is a manifest that names the shared bytes.
func naming(who string) document {
	layer := oci.Descriptor{MediaType: "application/x", Digest: sharedDigest, Size: int64(len(sharedBytes))}
	return document{SchemaVersion: 2, MediaType: oci.MediaTypeImageManifest, Config: &layer, Layers: []oci.Descriptor{}, ArtifactType: "text/" + who}
}

var mounted = Ref{2, "beta", "mounted"}

// homes are the repositories that the actors push into.
var homes = map[string]Ref{"pushes": app, "pushes chunks": theirs, "mounts": mounted}

// open starts the actors on an empty registry in which one manifest names the bytes. It runs in a bubble.
func openScene(f fixture) *scene {
	f.wipe()
	s := &scene{fixture: f, wall: &wall{}, files: f.t.TempDir()}
	s.reopen()
	s.Service = s.process()
	s.push(app, index(), "v0") // uploads into it have no rows, and are packed where small ones are
	s.blob(other, "", sharedBytes)
	s.push(other, naming("first"), "v1")
	s.start("pushes", func(ctx context.Context, a *actor) error {
		_, err := s.PutBlob(ctx, app, sharedDigest, bytes.NewReader(sharedBytes))
		return s.follow(ctx, a, err)
	})
	s.start("pushes chunks", func(ctx context.Context, a *actor) error {
		u, err := s.StartUpload(ctx, theirs)
		if err != nil {
			return err
		}
		if _, err := s.Append(ctx, theirs, u.ID, 0, bytes.NewReader(sharedBytes)); err != nil {
			return err
		}
		_, err = s.CommitUpload(ctx, theirs, u.ID, sharedDigest)
		return s.follow(ctx, a, err)
	})
	s.start("mounts", func(ctx context.Context, a *actor) error {
		_, err := s.Mount(ctx, mounted, other, sharedDigest)
		if errors.Is(err, ErrBlobUnknown) {
			return nil // the client pushes it
		}
		return s.follow(ctx, a, err)
	})
	s.start("deletes", func(ctx context.Context, a *actor) error {
		return s.DeleteManifest(ctx, pusher, other, naming("first").descriptor().Digest)
	})
	collector := s.Service
	if !f.db.Exclusive() {
		collector = s.process() // another one than the pushes'
	}
	s.start("collects", func(ctx context.Context, a *actor) error {
		for range 2 {
			s.wall.advance(DefaultReclaimAfter)
			if _, _, err := collector.Reclaim(ctx, Speed{}); err != nil {
				return err
			}
			point(ctx, "behind a grace")
		}
		return nil
	})
	synctest.Wait()
	return s
}

// wipe empties the tables.
func (f fixture) wipe() {
	f.t.Helper()
	f.ok(f.db.WriteRelaxed(ctx, func(tx db.Tx) error {
		for _, table := range []string{"tag", "manifest_child", "manifest_blob", "manifest", "manifest_content", "repository_blob", "upload",
			"blob", "discarded", "repository", "project_usage", "event"} {
			if _, err := tx.Exec(ctx, `DELETE FROM `+table); err != nil {
				return err
			}
		}
		return nil
	}))
}

// reopen opens the store as a new process does, whatever the last one left.
func (s *scene) reopen() {
	store, err := file.Open(s.files)
	s.ok(err)
	s.store = store
}

// process is a new process with the scene's store and database.
func (s *scene) process() *Service {
	r := New(Deps{DB: s.db, Blobs: stopping{s.store}, Clock: s.wall.now, Log: slog.New(slog.DiscardHandler), Wake: func() {}})
	r.reclaim.orphansAt = s.wall.now().Add(1000 * time.Hour)
	return r
}

func (s *scene) start(name string, do func(ctx context.Context, a *actor) error) {
	a := &actor{name: name, resume: make(chan struct{})}
	a.place.Store("")
	a.heard.Store(-1)
	s.actors = append(s.actors, a)
	ctx := context.WithValue(ctx, actorKey{}, a)
	go func() {
		defer a.place.Store("end")
		point(ctx, "start")
		if err := do(ctx, a); err != nil {
			a.failed.Store(fmt.Sprintf("%s: %v", name, err))
		}
	}()
}

// follow puts the manifest of a client that was told that the bytes are there.
func (s *scene) follow(ctx context.Context, a *actor, err error) error {
	if err != nil {
		return err
	}
	a.heard.Store(int64(s.wall.passed()))
	point(ctx, "before manifest")
	_, err = s.put(homes[a.name], naming(a.name), "v1")
	if errors.Is(err, ErrBlobUnknown) && s.wall.passed()-a.told() >= DefaultReclaimAfter {
		return nil // it took its time
	}
	a.acked.Store(err == nil)
	return err
}

// ready are the actors that can go on.
func (s *scene) ready() (names []string) {
	for _, a := range s.actors {
		if a.waits() {
			names = append(names, a.name)
		}
	}
	return names
}

// step lets one actor go on to its next point.
func (s *scene) step(name string) {
	for _, a := range s.actors {
		if a.name == name {
			a.resume <- struct{}{}
		}
	}
	synctest.Wait()
	for len(s.ready()) == 0 && !s.over() { // somebody polls
		time.Sleep(time.Second)
		synctest.Wait()
	}
}

func (s *scene) over() bool {
	return !slices.ContainsFunc(s.actors, func(a *actor) bool { return a.at() != "end" })
}

// close ends what still waits.
func (s *scene) close() {
	for !s.over() {
		for _, a := range s.actors {
			a.dead.Store(true)
			if a.waits() {
				a.resume <- struct{}{}
			}
		}
		synctest.Wait()
		if len(s.ready()) == 0 && !s.over() {
			time.Sleep(time.Second)
			synctest.Wait()
		}
	}
	for _, store := range append(s.closers, s.store) {
		s.ok(store.Close())
	}
}

// check is what holds at every moment.
func (s *scene) check() error {
	for _, a := range s.actors {
		if failed, ok := a.failed.Load().(string); ok {
			return errors.New(failed)
		}
	}
	found, err := s.VerifyUsage(ctx)
	if err != nil || len(found) > 0 {
		return fmt.Errorf("%v, %w", found, err)
	}
	for _, a := range s.actors {
		ref, pushes := homes[a.name]
		if !pushes {
			continue
		}
		b, err := s.Blob(ctx, ref, sharedDigest)
		if errors.Is(err, ErrBlobUnknown) {
			if a.acked.Load() || a.told() >= 0 && s.wall.passed()-a.told() < DefaultReclaimAfter {
				return fmt.Errorf("what %q was told of is gone", a.name)
			}
			continue
		}
		if err != nil {
			return err
		}
		content, err := s.OpenBlob(ctx, b)
		if err != nil {
			return fmt.Errorf("%q holds what isn't there: %w", a.name, err)
		}
		read, err := io.ReadAll(content)
		if err := errors.Join(err, content.Close()); err != nil || !bytes.Equal(read, sharedBytes) {
			return fmt.Errorf("%q holds %q: %w", a.name, read, err)
		}
	}
	return nil
}

// aftermath is a new process after the end, or after a crash: nobody is stuck, and what nobody needs goes.
func (s *scene) aftermath() error {
	s.closers = append(s.closers, s.store)
	s.reopen()
	s.Service = s.process()
	if err := s.check(); err != nil {
		return fmt.Errorf("after the restart: %w", err)
	}
	s.wall.advance(deleteLease + claimLease)
	if _, err := s.PutBlob(ctx, Ref{1, "alpha", "late"}, sharedDigest, bytes.NewReader(sharedBytes)); err != nil {
		return fmt.Errorf("a push after the restart: %w", err)
	}
	for range 3 {
		if err := s.check(); err != nil {
			return fmt.Errorf("later: %w", err)
		}
		s.wall.advance(DefaultUploadLifetime)
		for more := true; more; {
			var err error
			if _, more, err = s.Reclaim(ctx, Speed{}); err != nil {
				return fmt.Errorf("a collector after the restart: %w", err)
			}
		}
	}
	named := s.count(`SELECT COUNT(*) FROM manifest`) - 1 // but for the first in app
	rows, files, uploads := s.count(`SELECT COUNT(*) FROM blob`), 0, 0
	err := errors.Join(s.store.Blobs(ctx, func(string, int64) error { files++; return nil }),
		s.store.Uploads(ctx, time.Now().Add(1e6*time.Hour), func(string) error { uploads++; return nil }))
	if want := int(min(named, 1)); err != nil || int(rows) != want || files != want || uploads != 0 {
		return fmt.Errorf("%d manifests name the bytes, there are %d rows, %d files and %d uploads, %w", named, rows, files, uploads, err)
	}
	return nil
}

// sceneState has no times but whether they are within the grace that ends now: nothing else depends on them.
const sceneState = `SELECT 'blob ' || digest || durable || (condemned_at > 0) || (condemned_at > $1) || deleting FROM blob
	UNION ALL SELECT 'member ' || r.name || (rb.idle_since > 0) || (rb.idle_since > $1) || rb.counted
		FROM repository_blob rb JOIN repository r ON r.id = rb.repository_id
	UNION ALL SELECT 'manifest ' || r.name || m.digest FROM manifest m JOIN repository r ON r.id = m.repository_id
	UNION ALL SELECT 'upload ' || r.name || u.size || u.digest FROM upload u JOIN repository r ON r.id = u.repository_id
	UNION ALL SELECT 'repository ' || name || hidden || (hidden AND updated_at > $1) FROM repository ORDER BY 1`

// state is all that decides what can happen from here, and of it what a crash leaves.
func (s *scene) state() (all, left string) {
	rows, err := db.Collect(ctx, s.db.Auto(), db.ScanString, sceneState, db.Micros(s.wall.now().Add(-DefaultReclaimAfter)))
	s.ok(err)
	s.ok(s.store.Blobs(ctx, func(location string, size int64) error {
		if strings.HasPrefix(location, "segments/") {
			location = "packed" // somewhere
		}
		rows = append(rows, location)
		return nil
	}))
	uploads := 0
	s.ok(s.store.Uploads(ctx, time.Now().Add(1e6*time.Hour), func(string) error { uploads++; return nil }))
	rows = append(rows, fmt.Sprint(uploads))
	for _, a := range s.actors {
		fresh := a.told() >= 0 && !a.acked.Load() && s.wall.passed()-a.told() < DefaultReclaimAfter
		rows = append(rows, fmt.Sprint(a.name, fresh, a.acked.Load()))
	}
	left = strings.Join(rows, "\n")
	for _, a := range s.actors {
		rows = append(rows, a.name+" "+a.at())
		if a.name == "collects" {
			rows = append(rows, fmt.Sprint(a.steps.Load()))
		}
	}
	return strings.Join(rows, "\n"), left
}

// Some orders of each database, many of them cut off by a crash; the other test of this name goes through all.
func TestInterleavings(t *testing.T) {
	walks := map[string]int{"sqlite": 40, "postgres": 60}
	for name, open := range map[string]func(testing.TB) *db.DB{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
		t.Run(name, func(t *testing.T) {
			open(t) // starts the server, outside of the bubble
			random := rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano())))
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, open(t))
				// A push begins while the bytes are about to go.
				f.walk(random, "deletes", "collects", "collects", "pushes", "pushes", "pushes", "collects", "pushes")
				for range walks[name] {
					f.walk(random)
				}
			})
			t.Logf("%d orders", walks[name])
		})
	}
}

// walk goes one way of many, to a crash or to the end. It begins with these, as far as they can go on.
func (f fixture) walk(random *rand.Rand, first ...string) {
	s := openScene(f)
	defer s.close()
	var path []string
	for choices := s.ready(); len(choices) > 0 && (len(first) > 0 || random.IntN(20) > 0); choices = s.ready() {
		name := choices[random.IntN(len(choices))]
		if len(first) > 0 {
			var next string
			if next, first = first[0], first[1:]; !slices.Contains(choices, next) {
				continue
			}
			name = next
		}
		s.step(name)
		path = append(path, name)
		if err := s.check(); err != nil {
			f.t.Fatalf("broken after %s: %v", strings.Join(path, ", "), err)
		}
	}
	if err := s.aftermath(); err != nil {
		f.t.Fatalf("broken in the end after %s: %v", strings.Join(path, ", "), err)
	}
}
