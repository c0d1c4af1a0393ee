package registry

import (
	"bytes"
	"context"
	"crypto/sha512"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/blob/blobtest"
	"github.com/havenregistry/haven/internal/oci"
)

// pass lets a grace pass, and takes back all that is due then.
func (f fixture) pass() (total Reclaimed) {
	f.t.Helper()
	f.clock.skip(DefaultReclaimAfter)
	return f.reclaimAll()
}

func (f fixture) reclaimAll() (total Reclaimed) {
	f.t.Helper()
	for {
		did, more, err := f.Reclaim(ctx, Speed{})
		f.ok(err)
		total.add(did)
		if !more {
			return total
		}
	}
}

// sound checks all sums and marks.
func (f fixture) sound() {
	f.t.Helper()
	found, err := f.VerifyUsage(ctx)
	f.ok(err)
	for _, d := range found {
		f.t.Error(d)
	}
}

// used is what the project holds, as its quota says.
func (f fixture) used(projectID int64) int64 {
	f.t.Helper()
	return f.count(`SELECT CAST(COALESCE(SUM(bytes), 0) AS BIGINT) FROM project_usage WHERE project_id = $1`, projectID)
}

// files counts what the store holds: blobs, and uploads.
func (f fixture) files() (blobs, uploads int) {
	f.t.Helper()
	f.ok(f.store.Blobs(ctx, func(string, int64) error { blobs++; return nil }))
	entries, err := os.ReadDir(filepath.Join(f.dir, "uploads"))
	f.ok(err)
	return blobs, len(entries)
}

// ageUploads makes the files of uploads older than any lifetime: their times are not the fixture's clock's.
func (f fixture) ageUploads() {
	f.t.Helper()
	entries, err := os.ReadDir(filepath.Join(f.dir, "uploads"))
	f.ok(err)
	before := epoch.Add(-30 * 24 * time.Hour)
	for _, e := range entries {
		f.ok(os.Chtimes(filepath.Join(f.dir, "uploads", e.Name()), before, before))
	}
}

func (f fixture) has(ref Ref, d oci.Digest) bool {
	f.t.Helper()
	_, err := f.StatBlob(ctx, ref, d)
	if err != nil && !errors.Is(err, ErrBlobUnknown) {
		f.t.Fatal(err)
	}
	return err == nil
}

// What nothing names gives its space back in the quota at once, stays pushable for the grace, and is gone with
// bytes and row after another one.
func TestReclaimWhatNothingNames(t *testing.T) {
	each(t, func(f fixture) {
		one, two := f.image(app, "one"), f.image(app, "two")
		two.Layers = append(two.Layers, one.Layers...) // shared
		f.push(app, one, "one")
		f.push(app, two, "two")
		both := f.used(1)
		f.ok(f.DeleteManifest(ctx, pusher, app, one.descriptor().Digest))
		if got, want := both-f.used(1), one.Config.Size+one.descriptor().Size; got != want {
			t.Errorf("the quota got %d bytes back, want %d", got, want)
		}
		f.sound()
		f.clock.skip(DefaultReclaimAfter / 2)
		if did := f.reclaimAll(); did != (Reclaimed{}) {
			t.Errorf("took back %+v within the grace", did)
		}
		if !f.has(app, one.Config.Digest) {
			t.Error("a client is told that the blob is gone within the grace")
		}
		f.clock.skip(DefaultReclaimAfter * 3 / 4)
		if did := f.reclaimAll(); did != (Reclaimed{}) {
			t.Errorf("took back %+v although a client was told of it", did)
		}
		f.push(app, one, "again")
		f.ok(f.DeleteManifest(ctx, pusher, app, one.descriptor().Digest))
		if did := f.pass(); did != (Reclaimed{Memberships: 1}) {
			t.Errorf("after the grace: %+v, want one membership", did)
		}
		if f.has(app, one.Config.Digest) {
			t.Error("a condemned blob is answered for")
		}
		f.sound()
		if did := f.pass(); did != (Reclaimed{Blobs: 1, Bytes: one.Config.Size}) {
			t.Errorf("after the second grace: %+v, want one blob", did)
		}
		if n, _ := f.files(); n != 3 || f.count(`SELECT COUNT(*) FROM blob`) != 3 {
			t.Errorf("%d files, want those of the other image", n)
		}
		f.sound()
	})
}

// A condemned blob that is pushed again lives.
func TestPushAgainWhatIsCondemned(t *testing.T) {
	each(t, func(f fixture) {
		b := f.blob(app, "", []byte("bytes"))
		if did := f.pass(); did.Memberships != 1 || f.used(1) != 0 {
			t.Fatalf("took back %+v, the project holds %d bytes", did, f.used(1))
		}
		f.clock.skip(DefaultReclaimAfter)
		f.blob(other, "", []byte("bytes"))
		if did := f.reclaimAll(); did != (Reclaimed{}) || !f.has(other, b.Digest) || f.has(app, b.Digest) {
			t.Errorf("took back %+v", did)
		}
		f.sound()
	})
}

// Repositories, their projects too, leave nothing behind.
func TestReclaimRepositories(t *testing.T) {
	each(t, func(f fixture) {
		f.push(app, f.image(app, "one"), "v1")
		f.push(other, f.image(other, "one"), "v1")
		u, err := f.StartUpload(ctx, app)
		f.ok(err)
		_, err = f.Append(ctx, app, u.ID, 0, strings.NewReader("begun"))
		f.ok(err)
		shared := f.used(1)
		f.ok(f.DeleteRepository(ctx, pusher, app))
		f.sound()
		if size := f.image(other, "one").descriptor().Size; shared-f.used(1) != size {
			t.Errorf("gave back %d bytes, want the manifest's %d: the blobs are shared", shared-f.used(1), size)
		}
		f.ok(f.DeleteRepository(ctx, pusher, other))
		f.blob(theirs, "", []byte("of a project that ends"))
		f.exec(`UPDATE project SET deleted_at = 1 WHERE id = 2`)
		f.pass()
		f.pass()
		f.sound()
		blobs, uploads := f.files()
		for _, table := range []string{"repository", "repository_blob", "blob", "upload", "manifest_blob"} {
			if n := f.count(`SELECT COUNT(*) FROM ` + table); n != 0 {
				t.Errorf("%d rows of %s are left", n, table)
			}
		}
		if blobs+uploads != 0 || f.used(1) != 0 || f.used(2) != 0 {
			t.Errorf("%d blobs and %d uploads are left, quotas of %d and %d bytes", blobs, uploads, f.used(1), f.used(2))
		}
	})
}

// wrapped is a store that does something else besides; nil does nothing.
type wrapped struct {
	blob.Store
	committed func() error
	deleted   func() error
}

func (w wrapped) Commit(ctx context.Context, u blob.Upload, d oci.Digest) (string, error) {
	location, err := w.Store.Commit(ctx, u, d)
	if err == nil && w.committed != nil {
		err = w.committed()
	}
	return location, err
}

func (w wrapped) Delete(ctx context.Context, location string) error {
	err := w.Store.Delete(ctx, location)
	if err == nil && w.deleted != nil {
		err = w.deleted()
	}
	return err
}

func (w wrapped) Find(ctx context.Context, d oci.Digest) (string, int64, error) {
	return w.Store.(blob.Finder).Find(ctx, d)
}

// A collector that dies between bytes and row leaves a row that the next one takes up, or a push.
func TestCollectorDiesBetweenBytesAndRow(t *testing.T) {
	for _, name := range []string{"taken up", "pushed meanwhile"} {
		t.Run(name, func(t *testing.T) {
			each(t, func(f fixture) {
				b := f.blob(app, "", []byte("bytes"))
				f.pass()
				f.clock.skip(DefaultReclaimAfter)
				dying, die := context.WithCancel(ctx)
				f.serve(wrapped{Store: f.store, deleted: func() error { die(); return nil }})
				if _, _, err := f.Reclaim(dying, Speed{}); err == nil {
					t.Fatal("the collector lived")
				}
				if f.count(`SELECT COUNT(*) FROM blob WHERE deleting`) != 1 {
					t.Fatal("no row is left")
				}
				f.reopen()
				if did := f.reclaimAll(); did.Blobs != 0 {
					t.Errorf("took %d blobs while another collector may hold them", did.Blobs)
				}
				f.clock.skip(deleteLease)
				if name == "taken up" {
					if did := f.reclaimAll(); did != (Reclaimed{Blobs: 1, Bytes: 5}) {
						t.Errorf("took back %+v, want the blob", did)
					}
					if n := f.count(`SELECT COUNT(*) FROM blob`); n != 0 {
						t.Errorf("%d rows are left", n)
					}
				}
				f.blob(app, "", []byte("bytes"))
				f.reclaimAll()
				back, err := f.Blob(ctx, app, b.Digest)
				f.ok(err)
				if content, err := f.readBlob(ctx, back); err != nil || string(content) != "bytes" {
					t.Errorf("read %q, %v", content, err)
				}
				f.sound()
			})
		})
	}
}

// A store that can't delete keeps the rows, and is asked again later.
func TestStoreRefusesToDelete(t *testing.T) {
	each(t, func(f fixture) {
		f.blob(app, "", []byte("bytes"))
		f.pass()
		f.clock.skip(DefaultReclaimAfter)
		f.serve(wrapped{Store: f.store, deleted: func() error { return errors.New("no") }})
		did, more, err := f.Reclaim(ctx, Speed{})
		if err == nil || more || did != (Reclaimed{}) {
			t.Errorf("took back %+v, more %v, error %v", did, more, err)
		}
		f.reopen()
		f.clock.skip(deleteLease)
		if did := f.reclaimAll(); did.Blobs != 1 {
			t.Errorf("took back %+v", did)
		}
	})
}

// An upload that nobody goes on with leaves nothing, at whichever step its process has died.
func TestReclaimUploads(t *testing.T) {
	content := []byte("the bytes of an upload")
	sum := sha512.Sum512(content)
	long := oci.Digest(fmt.Sprintf("sha512:%x", sum))
	dies := func() error { return errors.New("the process died") }
	for name, begin := range map[string]func(f *fixture){
		"appended": func(f *fixture) {
			u, err := f.StartUpload(ctx, app)
			f.ok(err)
			_, err = f.Append(ctx, app, u.ID, 0, bytes.NewReader(content))
			f.ok(err)
		},
		"committed in the store": func(f *fixture) {
			f.serve(wrapped{Store: f.store, committed: dies})
			u, err := f.StartUpload(ctx, app)
			f.ok(err)
			_, err = f.Append(ctx, app, u.ID, 0, bytes.NewReader(content))
			f.ok(err)
			f.CommitUpload(ctx, app, u.ID, oci.SHA256Of(content))
		},
		"committed as sha512": func(f *fixture) {
			f.serve(wrapped{Store: f.store, committed: dies})
			u, err := f.StartUpload(ctx, app)
			f.ok(err)
			_, err = f.Append(ctx, app, u.ID, 0, bytes.NewReader(content))
			f.ok(err)
			f.CommitUpload(ctx, app, u.ID, long)
		},
		"put in one go": func(f *fixture) {
			f.serve(wrapped{Store: f.store, committed: dies})
			f.PutBlob(ctx, app, oci.SHA256Of(content), bytes.NewReader(content))
		},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(f fixture) {
				begin(&f)
				f.reopen()
				blobs, uploads := f.files()
				if blobs+uploads != 1 || f.count(`SELECT COUNT(*) FROM upload`) != 1 {
					t.Fatalf("%d blobs, %d uploads: the test does not test", blobs, uploads)
				}
				f.clock.skip(DefaultUploadLifetime - time.Hour)
				if did := f.reclaimAll(); did.Uploads != 0 {
					t.Error("the upload went before its time")
				}
				f.clock.skip(2 * time.Hour)
				f.reclaimAll()
				f.pass()
				blobs, uploads = f.files()
				if blobs+uploads != 0 || f.count(`SELECT (SELECT COUNT(*) FROM upload) + (SELECT COUNT(*) FROM blob) + (SELECT COUNT(*) FROM repository)`) != 0 {
					t.Errorf("%d blobs, %d uploads are left", blobs, uploads)
				}
			})
		})
	}
}

// A second commit of bytes that a died one left behind makes no harm: the known blob stays.
func TestDroppedUploadLeavesKnownBlobs(t *testing.T) {
	each(t, func(f fixture) {
		content := []byte("known")
		u, err := f.StartUpload(ctx, app)
		f.ok(err)
		_, err = f.Append(ctx, app, u.ID, 0, bytes.NewReader(content))
		f.ok(err)
		b := f.blob(app, "", content)
		f.clock.skip(DefaultReclaimAfter / 8)
		f.ok(f.CancelUpload(ctx, app, u.ID))
		f.sound()
		if !f.has(app, b.Digest) {
			t.Error("the blob went with the upload")
		}
	})
}

// Bytes of uploads that the database has lost go; those of others stay.
func TestReclaimOrphans(t *testing.T) {
	each(t, func(f fixture) {
		lost, err := f.StartUpload(ctx, app)
		f.ok(err)
		kept, err := f.StartUpload(ctx, app)
		f.ok(err)
		for _, u := range []Upload{lost, kept} {
			_, err = f.Append(ctx, app, u.ID, 0, strings.NewReader("bytes"))
			f.ok(err)
		}
		f.exec(`DELETE FROM upload WHERE id = $1`, lost.ID)
		f.exec(`UPDATE upload SET updated_at = $1`, int64(1)<<60) // still written
		f.ageUploads()
		f.uploadLifetime = time.Hour
		f.clock.skip(f.uploadLifetime)
		if did := f.reclaimAll(); did != (Reclaimed{Uploads: 1}) {
			t.Errorf("took back %+v, want one upload", did)
		}
		if _, uploads := f.files(); uploads != 1 {
			t.Errorf("%d uploads are left, want 1", uploads)
		}
	})
}

// A damaged blob is absent for clients, whoever names it, and a push heals it.
func TestDamagedBlob(t *testing.T) {
	each(t, func(f fixture) {
		one := f.image(app, "one")
		f.push(app, one, "v1")
		d := one.Layers[0].Digest
		b, err := f.Blob(ctx, app, d)
		f.ok(err)
		blobtest.Spoil(f.t, f.dir, b.Location, func([]byte) []byte { return []byte("layer of TWO") }) // as long
		f.exec(`UPDATE blob SET damaged = TRUE WHERE digest = $1`, d)
		if _, err := f.Blob(ctx, app, d); !errors.Is(err, ErrBlobUnknown) || f.has(app, d) {
			t.Errorf("a damaged blob is served: %v", err)
		}
		if _, err := f.Mount(ctx, other, app, d); !errors.Is(err, ErrBlobUnknown) {
			t.Errorf("a damaged blob is mounted: %v", err)
		}
		if _, err := f.put(app, one, "v2"); !errors.Is(err, ErrBlobUnknown) {
			t.Errorf("a damaged blob is named: %v", err)
		}
		used := f.used(1)
		f.blob(app, "", []byte("layer of one"))
		b, err = f.Blob(ctx, app, d)
		f.ok(err)
		if content, err := f.readBlob(ctx, b); err != nil || string(content) != "layer of one" {
			t.Errorf("after the push it reads %q, %v", content, err)
		}
		if f.used(1) != used {
			t.Errorf("healing has cost %d bytes", f.used(1)-used)
		}
		f.push(app, one, "v2")
		f.sound()
	})
}

// However much there is, a batch is bounded: so many statements, so many rows a transaction.
func TestReclaimInBatches(t *testing.T) {
	each(t, func(f fixture) {
		const rows = 20_000
		f.blob(app, "", []byte("the first"))
		f.exec(`INSERT INTO blob (digest, size, location, created_at)
			WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
			SELECT 'sha256:' || CAST(i AS TEXT), 10, '', 1 FROM n`)
		f.exec(`INSERT INTO repository_blob (repository_id, blob_id, project_id, created_at, idle_since, counted)
			SELECT r.id, b.id, 1, 1, 1, TRUE FROM blob b JOIN repository r ON r.id > 0 WHERE b.location = ''`)
		f.exec(`UPDATE project_usage SET bytes = bytes + 200000 WHERE project_id = 1`)
		f.sound()
		f.clock.skip(DefaultReclaimAfter / 2)
		f.db.Rehearse(false) // statements are counted
		most := func(name string, most int64) (total Reclaimed) {
			for more := true; more; {
				before := f.db.Executed()
				var did Reclaimed
				var err error
				did, more, err = f.Reclaim(ctx, Speed{})
				f.ok(err)
				total.add(did)
				if n := f.db.Executed() - before; n > most || did.Memberships > int64(f.rowsAtOnce()) || did.Blobs > deleteBatch {
					t.Fatalf("%s: a batch took %d statements for %+v, want at most %d", name, n, did, most)
				}
			}
			return total
		}
		perBatch := 2 * int64(deleteBatch/f.rowsAtOnce()) // transactions that mark blobs, and that end them
		start := time.Now()
		if did := most("memberships", 16); did.Memberships != rows || did.Blobs != 0 {
			t.Errorf("took back %+v", did)
		}
		if used := f.used(1); used != 9 {
			t.Errorf("the project holds %d bytes, want those of the first", used)
		}
		f.exec(`UPDATE blob SET condemned_at = 1 WHERE location = ''`)
		if did := most("blobs", 16+perBatch); did.Blobs != rows || did.Bytes != 10*rows {
			t.Errorf("took back %+v", did)
		}
		t.Logf("%d memberships and %d blobs in %s", rows, rows, time.Since(start))
		f.sound()
	})
}
