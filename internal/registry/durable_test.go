package registry

import (
	"bytes"
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/blob/blobtest"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/oci"
)

// counting is a store that counts what is synced.
type counting struct {
	blob.Store
	calls, blobs atomic.Int64
	fail         atomic.Bool
}

func (c *counting) Sync(ctx context.Context, locations ...string) error {
	if c.fail.Load() {
		return errors.New("the disk is ill")
	}
	c.calls.Add(1)
	c.blobs.Add(int64(len(locations)))
	return c.Store.Sync(ctx, locations...)
}

func (f *fixture) counting() *counting {
	c := &counting{Store: f.store}
	f.serve(c)
	return c
}

const looseBlobs = `SELECT COUNT(*) FROM blob WHERE NOT durable`

// On SQLite small blobs wait for their manifest, and one sync serves them all.
func TestManifestMakesItsBlobsDurable(t *testing.T) {
	f := newFixture(t, dbtest.SQLite(t))
	store := f.counting()
	image := f.image(app, "1")
	large := f.blob(app, "application/octet-stream", make([]byte, deferredMost+1))
	image.Layers = append(image.Layers, large)
	if calls := store.calls.Load(); calls != 1 || f.count(looseBlobs) != 2 {
		t.Fatalf("%d syncs for a large blob and two small ones, %d of them not durable", calls, f.count(looseBlobs))
	}
	store.fail.Store(true)
	if _, err := f.put(app, image, "v1"); err == nil || f.count(looseBlobs) != 2 || f.count(`SELECT COUNT(*) FROM manifest`) != 0 {
		t.Fatalf("a manifest whose blobs can't be synced: %v", err)
	}
	store.fail.Store(false)
	f.push(app, image, "v1")
	if calls, blobs := store.calls.Load(), store.blobs.Load(); calls != 2 || blobs != 3 || f.count(looseBlobs) != 0 {
		t.Fatalf("%d syncs of %d blobs, %d are not durable", calls, blobs, f.count(looseBlobs))
	}
	f.push(app, image, "v2")
	if calls := store.calls.Load(); calls != 2 {
		t.Fatalf("%d syncs; another tag needs none", calls)
	}
	_, err := f.Mount(ctx, theirs, app, large.Digest)
	f.ok(err)
}

// Where several processes share the database a blob is durable when it is pushed.
func TestSharedDatabaseSyncsAtOnce(t *testing.T) {
	f := newFixture(t, dbtest.Postgres(t))
	store := f.counting()
	f.image(app, "1")
	if calls := store.calls.Load(); calls != 2 || f.count(looseBlobs) != 0 {
		t.Fatalf("%d syncs of two blobs, %d are not durable", calls, f.count(looseBlobs))
	}
}

// A blob that the loss of power has torn is absent for everybody until it is pushed again.
func TestTornBlobIsAbsent(t *testing.T) {
	tear := map[string]func(content []byte) []byte{
		"whole":   func(content []byte) []byte { return content },
		"missing": func([]byte) []byte { return nil },
		"short":   func(content []byte) []byte { return content[:3] },
		"empty":   func([]byte) []byte { return []byte{} },
		"zeroes":  func(content []byte) []byte { return make([]byte, len(content)) },
		"others":  func([]byte) []byte { return []byte("layer of 2") },
	}
	asks := map[string]func(f fixture, image document, d oci.Digest) error{
		"HEAD": func(f fixture, _ document, d oci.Digest) error { _, err := f.StatBlob(ctx, app, d); return err },
		"GET":  func(f fixture, _ document, d oci.Digest) error { _, err := f.Blob(ctx, app, d); return err },
		"mount": func(f fixture, _ document, d oci.Digest) error {
			_, err := f.Mount(ctx, theirs, app, d)
			return err
		},
		"manifest": func(f fixture, image document, _ oci.Digest) error {
			_, err := f.put(app, image, "v1")
			return err
		},
	}
	for damage, tear := range tear {
		for by, ask := range asks {
			t.Run(damage+"/"+by, func(t *testing.T) {
				f := newFixture(t, dbtest.SQLite(t))
				image := f.image(app, "1")
				layer := image.Layers[0].Digest
				b, err := f.Blob(ctx, app, layer)
				f.ok(err)
				blobtest.Spoil(t, f.dir, b.Location, tear)
				f.reopen()
				err = ask(f, image, layer)
				if damage == "whole" {
					f.ok(err)
					if n := f.count(`SELECT COUNT(*) FROM blob WHERE digest = $1 AND durable`, layer); n != 1 {
						t.Fatal("it was checked, and is not durable")
					}
					return
				}
				var missing *MissingError
				if !errors.Is(err, ErrBlobUnknown) && (!errors.As(err, &missing) || len(missing.Digests) != 1 || missing.Digests[0] != layer) {
					t.Fatalf("got %v, want that the layer is unknown", err)
				}
				_, err = f.PutBlob(ctx, app, layer, bytes.NewReader([]byte("layer of 1")))
				f.ok(err)
				f.ok(ask(f, image, layer))
				f.push(app, image, "v1")
				b, err = f.Blob(ctx, app, layer)
				f.ok(err)
				if got, err := f.readBlob(ctx, b); err != nil || string(got) != "layer of 1" {
					t.Fatalf("%q, %v", got, err)
				}
			})
		}
	}
}

// What this process has pushed it doesn't read again.
func TestOwnBlobIsNotInDoubt(t *testing.T) {
	f := newFixture(t, dbtest.SQLite(t))
	f.image(app, "before")
	f.reopen()
	image := f.image(app, "1")
	b, err := f.Blob(ctx, app, image.Layers[0].Digest)
	f.ok(err)
	if err := f.doubt(ctx, b); err != nil || b.Durable {
		t.Fatalf("%v; durable %v", err, b.Durable)
	}
}

// A blob that got other bytes between the sync and the manifest's transaction is synced again.
func TestManifestSyncsWhatCameMeanwhile(t *testing.T) {
	f := newFixture(t, dbtest.SQLite(t))
	image := f.image(app, "1")
	content := image.bytes()
	m, err := oci.ParseManifest(image.MediaType, content)
	f.ok(err)
	p := pushed{Manifest: m, digest: oci.SHA256Of(content), content: content, attributes: emptyObject}
	p.held, err = f.syncNamed(ctx, app, p)
	f.ok(err)
	f.blob(app, image.Layers[0].MediaType, []byte("layer of 1")) // again, without asking whether it is there
	f.exec(`UPDATE blob SET created_at = created_at + 1 WHERE digest = $1`, image.Layers[0].Digest)
	err = f.db.Write(ctx, func(tx db.Tx) error {
		_, err := f.putManifest(ctx, tx, pusher, app, p)
		return err
	})
	if !errors.Is(err, errUnsynced) || f.count(`SELECT COUNT(*) FROM manifest`) != 0 {
		t.Fatalf("got %v, want errUnsynced", err)
	}
	f.push(app, image, "v1")
}
