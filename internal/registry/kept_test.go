package registry

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/oci"
)

// keeping is a fixture where small uploads are kept in memory, and small blobs packed.
func keeping(t *testing.T) fixture {
	t.Helper()
	f := begun(t)
	if f.packer == nil || !f.packer.Packs() {
		t.Fatal("nothing is packed here")
	}
	return f
}

func (f fixture) uploadOf(content []byte) Upload {
	f.t.Helper()
	u, err := f.StartUpload(ctx, app)
	f.ok(err)
	u, err = f.Append(ctx, app, u.ID, 0, bytes.NewReader(content))
	f.ok(err)
	return u
}

// stored counts the uploads that the store has.
func (f fixture) stored(want int) {
	f.t.Helper()
	if _, uploads := f.files(); uploads != want {
		f.t.Errorf("the store has %d uploads, want %d", uploads, want)
	}
}

func (f fixture) commits(u Upload, content []byte) Blob {
	f.t.Helper()
	b, err := f.CommitUpload(ctx, app, u.ID, oci.SHA256Of(content))
	f.ok(err)
	if got, err := f.readBlob(ctx, b); err != nil || !bytes.Equal(got, content) {
		f.t.Errorf("blob of %d bytes, %v; want %d", len(got), err, len(content))
	}
	return b
}

// A small upload is in the store only as the blob that it becomes. A larger one is there as soon as it is.
func TestSmallUploadIsKept(t *testing.T) {
	f := keeping(t)
	for _, size := range []int{0, 1, 5000, blob.MaxPacked, blob.MaxPacked + 1, 3 * blob.MaxPacked} {
		content := bytes.Repeat([]byte{byte(size)}, size)
		u := f.uploadOf(content)
		small := size <= blob.MaxPacked
		if small {
			f.stored(0)
		} else {
			f.stored(1)
		}
		b := f.commits(u, content)
		if packed := strings.HasPrefix(b.Location, "segments/"); packed != small {
			t.Errorf("%d bytes lie at %s", size, b.Location)
		}
		f.stored(0)
	}
}

// It grows, in small steps, out of memory.
func TestKeptUploadGrows(t *testing.T) {
	f := keeping(t)
	content := bytes.Repeat([]byte("0123456789"), 30_000)
	u := f.uploadOf(nil)
	for at := 0; at < len(content); at += 50_000 {
		_, err := f.Append(ctx, app, u.ID, int64(at), bytes.NewReader(content[at:at+50_000]))
		f.ok(err)
	}
	f.commits(u, content)
	f.stored(0)
}

// A process that is killed forgets it, and says so.
func TestKilledProcessForgetsKeptUploads(t *testing.T) {
	f := keeping(t)
	u := f.uploadOf([]byte("some bytes"))
	f.reopen()
	if _, err := f.GetUpload(ctx, app, u.ID); !errors.Is(err, ErrUploadUnknown) {
		t.Errorf("got %v, want that the upload is unknown", err)
	}
	if _, err := f.Append(ctx, app, u.ID, 10, strings.NewReader("more")); !errors.Is(err, ErrUploadUnknown) {
		t.Errorf("got %v, want that the upload is unknown", err)
	}
}

// Nobody goes on with it: it goes to the store, can be gone on with there, and ends with its lifetime.
func TestIdleUploadIsStored(t *testing.T) {
	f := keeping(t)
	content := []byte("some bytes")
	on, left := f.uploadOf(content), f.uploadOf(content)
	f.stored(0)
	f.clock.skip(2 * keptFor)
	f.reclaimAll()
	f.stored(2)
	f.commits(on, content)
	f.stored(1)
	f.ageUploads()
	f.clock.skip(DefaultUploadLifetime)
	f.reclaimAll()
	f.stored(0)
	if _, err := f.GetUpload(ctx, app, left.ID); !errors.Is(err, ErrUploadUnknown) {
		t.Errorf("got %v, want that the upload is unknown", err)
	}
}

// A process that was killed while it moved an upload to the store: the client is told that the upload is unknown, and
// what was written of it goes with its lifetime.
func TestHalfMovedUpload(t *testing.T) {
	f := keeping(t)
	u := f.uploadOf([]byte("some bytes"))
	f.ok(f.Drain(ctx))
	const begun = 0o200 // see blob/file
	f.ok(os.Chmod(filepath.Join(f.dir, "uploads", u.ID), begun))
	f.reopen()
	if _, err := f.GetUpload(ctx, app, u.ID); !errors.Is(err, ErrUploadUnknown) {
		t.Errorf("got %v, want that the upload is unknown", err)
	}
	f.stored(1)
	f.ageUploads()
	f.clock.skip(DefaultUploadLifetime)
	f.reclaimAll()
	f.stored(0)
}

// Memory is bounded, and who comes too late for it is served all the same.
func TestKeptUploadsAreBounded(t *testing.T) {
	f := keeping(t)
	contents := map[string][]byte{}
	for i := range maxBuffers + 5 {
		content := fmt.Appendf(nil, "upload %d", i)
		contents[f.uploadOf(content).ID] = content
	}
	f.stored(5)
	for range maxKept + 5 - maxBuffers {
		_, err := f.StartUpload(ctx, app)
		f.ok(err)
	}
	f.stored(10)
	for id, content := range contents {
		f.commits(Upload{ID: id}, content)
	}
	if f.buffers.used != 0 {
		t.Errorf("%d buffers are in use", f.buffers.used)
	}
}

// What goes wrong with an upload in memory: a wrong digest ends it, a deleted repository too, a cancel.
func TestKeptUploadEnds(t *testing.T) {
	f := keeping(t)
	wrong := f.uploadOf([]byte("bytes"))
	if _, err := f.CommitUpload(ctx, app, wrong.ID, oci.SHA256Of([]byte("others"))); !errors.Is(err, ErrDigestMismatch) {
		t.Errorf("got %v, want a mismatch", err)
	}
	cancelled := f.uploadOf([]byte("bytes"))
	f.ok(f.CancelUpload(ctx, app, cancelled.ID))
	deleted := f.uploadOf([]byte("bytes"))
	f.ok(f.DeleteRepository(ctx, pusher, app))
	for _, u := range []Upload{wrong, cancelled, deleted} {
		if _, err := f.GetUpload(ctx, app, u.ID); !errors.Is(err, ErrUploadUnknown) {
			t.Errorf("got %v, want that the upload is unknown", err)
		}
	}
	if f.buffers.used != 0 || f.recents.kept != 0 {
		t.Errorf("%d buffers are in use, %d uploads are kept", f.buffers.used, f.recents.kept)
	}
	f.stored(0)
}

// The process was killed between bytes and row: the next one deletes the bytes, and nothing else.
func TestUnnamedBytesGo(t *testing.T) {
	f := keeping(t)
	named, _ := f.files()
	_, err := f.store.Pack(ctx, []byte("a blob that got no row"))
	f.ok(err)
	_, err = f.store.Pack(ctx, []byte("layer of 1")) // as another one that has a row
	f.ok(err)
	f.reclaimAll()
	if n, _ := f.files(); n != named+2 {
		t.Errorf("%d blobs while the process lives that packed them, want %d", n, named+2)
	}
	f.reopen()
	f.reclaimAll()
	if n, _ := f.files(); n != named {
		t.Errorf("%d blobs are left, want %d", n, named)
	}
	b, err := f.Blob(ctx, app, oci.SHA256Of([]byte("layer of 1")))
	f.ok(err)
	if got, err := f.readBlob(ctx, b); err != nil || string(got) != "layer of 1" {
		t.Errorf("%q, %v", got, err)
	}
}

// Much that the database doesn't know means that it is an old copy: nothing is deleted.
func TestUnknownBytesOfAnOldDatabaseStay(t *testing.T) {
	f := keeping(t)
	for i := range maxUnnamed + 1 {
		_, err := f.store.Pack(ctx, fmt.Appendf(nil, "blob %d", i))
		f.ok(err)
	}
	before, _ := f.files()
	for range 2 {
		f.reopen()
		f.reclaimAll()
		if n, _ := f.files(); n != before {
			t.Fatalf("%d blobs are left of %d", n, before)
		}
	}
}

// Bytes that lie where their digest says, and were discarded there once, stay when a row names them by now.
func TestDiscardedPlaceThatIsNeededAgain(t *testing.T) {
	f := keeping(t)
	content := bytes.Repeat([]byte("large"), blob.MaxPacked)
	u := f.uploadOf(content)
	b := f.commits(u, content)
	f.exec(`INSERT INTO discarded (location, discarded_at) VALUES ($1, 0), ('segments/0123456789abcdef0123456789abcdef/0/1', 0)`, b.Location)
	f.reclaimAll()
	if got, err := f.readBlob(ctx, b); err != nil || !bytes.Equal(got, content) {
		t.Errorf("blob of %d bytes, %v", len(got), err)
	}
	if left, err := db.Collect(ctx, f.db.Auto(), db.ScanString, `SELECT location FROM discarded`); err != nil || len(left) != 0 {
		t.Errorf("%v are still discarded, %v", left, err)
	}
}

// A store whose small blobs were packed is served by several processes now, which pack nothing: what is packed is read, and
// a push of it makes a file, for good.
func TestPackedBlobsAfterAMoveToSharedFiles(t *testing.T) {
	f := newFixture(t, dbtest.Postgres(t))
	image := f.image(app, "1")
	f.push(app, image, "v1")
	d := image.Layers[0].Digest
	location, err := f.store.Pack(ctx, []byte("layer of 1"))
	f.ok(err)
	f.exec(`UPDATE blob SET location = $1 WHERE digest = $2`, location, d)
	read := func(want string) Blob {
		t.Helper()
		b, err := f.Blob(ctx, app, d)
		f.ok(err)
		if got, err := f.readBlob(ctx, b); err != nil || string(got) != want {
			t.Errorf("%q, %v", got, err)
		}
		return b
	}
	if b := read("layer of 1"); b.Location != location {
		t.Errorf("it lies at %s", b.Location)
	}
	f.blob(other, "", []byte("layer of 1"))
	f.reclaimAll()
	b := read("layer of 1")
	if _, byDigest := f.store.Digest(b.Location); !byDigest || !b.Durable {
		t.Errorf("it lies at %s, durable %t", b.Location, b.Durable)
	}
	if content, err := f.store.Open(ctx, location); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("the packed bytes are left: %v, %v", content, err)
	}
}
