package registry

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/blob/file"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/oci"
)

// begun is a fixture where uploads go without rows: alone with its database, into a repository that is there.
func begun(t *testing.T) fixture {
	t.Helper()
	f := newFixture(t, dbtest.SQLite(t))
	f.push(app, f.image(app, "1"), "v1")
	return f
}

func (f fixture) rows(want int64) {
	f.t.Helper()
	if n := f.count(`SELECT COUNT(*) FROM upload`); n != want {
		f.t.Errorf("%d uploads have a row, want %d", n, want)
	}
}

// A small upload has no row, and goes on in another process all the same, whatever it holds.
func TestUnwrittenUploadOutlivesTheProcess(t *testing.T) {
	f := begun(t)
	content := []byte("some bytes of a small upload")
	for _, held := range []int{0, 1, len(content)} {
		u, err := f.StartUpload(ctx, app)
		f.ok(err)
		_, err = f.Append(ctx, app, u.ID, 0, bytes.NewReader(content[:held]))
		f.ok(err)
		f.rows(0)
		f.ok(f.Drain(ctx))
		f.reopen()
		got, err := f.GetUpload(ctx, app, u.ID)
		if err != nil || got.Size != int64(held) {
			t.Fatalf("another process finds %+v, %v; want %d bytes", got, err, held)
		}
		for _, elsewhere := range []Ref{other, theirs} {
			if _, err := f.GetUpload(ctx, elsewhere, u.ID); !errors.Is(err, ErrUploadUnknown) {
				t.Errorf("it is found in %s: %v", elsewhere.FullName(), err)
			}
		}
		_, err = f.Append(ctx, app, u.ID, int64(held), bytes.NewReader(content[held:]))
		f.ok(err)
		f.reopen()
		b, err := f.CommitUpload(ctx, app, u.ID, oci.SHA256Of(content))
		f.ok(err)
		if got, err := f.readBlob(ctx, b); err != nil || !bytes.Equal(got, content) {
			t.Errorf("blob %q, %v", got, err)
		}
		if _, err := f.GetUpload(ctx, app, u.ID); !errors.Is(err, ErrUploadUnknown) {
			t.Errorf("the upload after its end: %v", err)
		}
	}
	f.rows(0)
	if _, uploads := f.files(); uploads != 0 {
		t.Errorf("%d files of uploads are left", uploads)
	}
}

// A large upload gets a row, with what it holds, before that is acknowledged.
func TestLargeUploadIsWritten(t *testing.T) {
	f := begun(t)
	content := bytes.Repeat([]byte("0123456789abcdef"), unwrittenMost/16+1)
	u, err := f.StartUpload(ctx, app)
	f.ok(err)
	_, err = f.Append(ctx, app, u.ID, 0, bytes.NewReader(content[:unwrittenMost]))
	f.ok(err)
	f.rows(0)
	_, err = f.Append(ctx, app, u.ID, unwrittenMost, bytes.NewReader(content[unwrittenMost:]))
	f.ok(err)
	f.rows(1)
	f.reopen()
	_, err = f.CommitUpload(ctx, app, u.ID, oci.SHA256Of(content))
	f.ok(err)
	f.rows(0)
}

// The process ended after the blob had its place and before its row: the commit can be repeated; and when
// nobody does, nothing is left.
func TestUnwrittenCommitThatWasCutOff(t *testing.T) {
	for _, algorithm := range []oci.Algorithm{oci.SHA256, oci.SHA512} {
		f := begun(t)
		blobs, _ := f.files()
		content := []byte("content")
		d, err := oci.FromBytes(algorithm, content)
		f.ok(err)
		cutOff := func() string { return f.cutOff(content, d) }
		b, err := f.CommitUpload(ctx, app, cutOff(), d)
		f.ok(err)
		if b.Size != int64(len(content)) {
			t.Errorf("blob of %d bytes", b.Size)
		}
		f.ok(f.DeleteBlob(ctx, app, d))
		f.pass()
		f.pass()
		f.clear()
		f.push(app, f.image(app, "1"), "v1")

		cutOff()
		f.ageUploads()
		f.clock.skip(DefaultUploadLifetime)
		f.reclaimAll()
		f.pass()
		f.pass()
		f.rows(0)
		if left, uploads := f.files(); left != blobs || uploads != 0 {
			t.Errorf("%s: %d blobs and %d uploads are left, want %d and none", algorithm, left, uploads, blobs)
		}
	}
}

// cutOff is an upload whose process ended after the blob had its place and before its row.
func (f *fixture) cutOff(content []byte, d oci.Digest) (id string) {
	f.t.Helper()
	u, err := f.StartUpload(ctx, app)
	f.ok(err)
	_, err = f.Append(ctx, app, u.ID, 0, bytes.NewReader(content))
	f.ok(err)
	f.ok(f.Drain(ctx))
	h, err := f.hold(ctx, app, u.ID, d)
	f.ok(err)
	f.ok(f.intend(ctx, h, d))
	_, err = f.store.Place(ctx, h.Upload, d)
	f.ok(err)
	f.reopen()
	return u.ID
}

// dying is a store whose process ends in the middle of one of these calls.
type dying struct {
	*file.Store
	inFind, inCancel bool
}

var errKilled = errors.New("killed")

func (d dying) Find(ctx context.Context, digest oci.Digest) (string, int64, error) {
	if d.inFind {
		return "", 0, errKilled
	}
	return d.Store.Find(ctx, digest)
}

func (d dying) Cancel(ctx context.Context, u blob.Upload) error {
	if d.inCancel {
		return errKilled
	}
	return d.Store.Cancel(ctx, u)
}

// The process that finds such an upload ends too, while it clears it away: the next one finds it again.
func TestClearingAwayThatWasCutOff(t *testing.T) {
	for _, end := range []dying{{inFind: true}, {inCancel: true}} {
		f := begun(t)
		blobs, _ := f.files()
		content := []byte("content")
		id := f.cutOff(content, oci.SHA256Of(content))
		end.Store = f.store
		f.serve(end)
		if ended, err := f.endUpload(ctx, id); ended || !errors.Is(err, errKilled) {
			t.Fatalf("ended %v, %v", ended, err)
		}
		f.reopen()
		f.ageUploads()
		f.clock.skip(DefaultUploadLifetime)
		f.reclaimAll()
		f.pass()
		f.pass()
		if left, uploads := f.files(); left != blobs || uploads != 0 {
			t.Errorf("%+v: %d blobs and %d uploads are left, want %d and none", end, left, uploads, blobs)
		}
	}
}

// The same small blob lies in a segment, and in a file of its own by an upload that was cut off: into a new repository it had a
// row. The file goes, and the blob stays.
func TestTwinOfAPackedBlobThatWasCutOff(t *testing.T) {
	f := begun(t)
	content := []byte("content")
	d := oci.SHA256Of(content)
	packed := f.blob(app, "application/octet-stream", content)
	blobs, _ := f.files()
	u, err := f.StartUpload(ctx, other)
	f.ok(err)
	f.rows(1)
	_, err = f.Append(ctx, other, u.ID, 0, bytes.NewReader(content))
	f.ok(err)
	h, err := f.hold(ctx, other, u.ID, d)
	f.ok(err)
	_, err = f.store.Commit(ctx, h.Upload, d)
	f.ok(err)
	f.reopen()
	if n, _ := f.files(); n != blobs+1 {
		t.Fatalf("%d blobs, want one more than %d", n, blobs)
	}
	f.clock.skip(DefaultUploadLifetime)
	f.push(app, document{SchemaVersion: 2, MediaType: oci.MediaTypeImageManifest, Config: &packed, Layers: []oci.Descriptor{packed}}, "v2")
	f.pass()
	f.pass()
	f.rows(0)
	if n, _ := f.files(); n != blobs {
		t.Errorf("%d blobs are left, want %d", n, blobs)
	}
	if b, err := f.Blob(ctx, app, d); err != nil {
		t.Error(err)
	} else if got, err := f.readBlob(ctx, b); err != nil || !bytes.Equal(got, content) {
		t.Errorf("blob %q, %v", got, err)
	}
}

// Power was lost, and the bytes with it: the blob is refused, and never another one.
func TestTornUnwrittenUpload(t *testing.T) {
	f := begun(t)
	u, err := f.StartUpload(ctx, app)
	f.ok(err)
	_, err = f.Append(ctx, app, u.ID, 0, strings.NewReader("what was sent"))
	f.ok(err)
	f.ok(f.Drain(ctx))
	torn := blob.Upload{ID: u.ID}
	torn, err = f.store.Append(ctx, torn, strings.NewReader("what was torn"))
	f.ok(err)
	f.reopen()
	if _, err := f.CommitUpload(ctx, app, torn.ID, oci.SHA256Of([]byte("what was sent"))); !errors.Is(err, ErrDigestMismatch) {
		t.Errorf("torn bytes are committed: %v", err)
	}
	if f.has(app, oci.SHA256Of([]byte("what was sent"))) {
		t.Error("the blob is there")
	}
}
