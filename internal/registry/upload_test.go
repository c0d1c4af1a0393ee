package registry

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/oci"
)

var errCut = errors.New("connection cut")

// cutAfter yields s and then fails.
func cutAfter(s string) io.Reader {
	return io.MultiReader(strings.NewReader(s), iotest.ErrReader(errCut))
}

func TestUploadGoesOnInAnotherProcess(t *testing.T) {
	each(t, func(f fixture) {
		content := make([]byte, 700_000)
		_, err := rand.Read(content)
		f.ok(err)
		u, err := f.StartUpload(ctx, app)
		f.ok(err)
		for i, size := range []int{0, 100_000, 1, 399_999} {
			got, err := f.Append(ctx, app, u.ID, u.Size, bytes.NewReader(content[u.Size:u.Size+int64(size)]))
			f.ok(err)
			if got.Size != u.Size+int64(size) {
				f.t.Errorf("chunk %d: %d bytes held, want %d", i, got.Size, u.Size+int64(size))
			}
			u = got
			f.reopen()
		}
		// Bytes that a crash left in the store without their acknowledgement are not the upload's.
		_, err = f.store.Append(ctx, blob.Upload{ID: u.ID, Size: u.Size}, strings.NewReader("never acknowledged"))
		f.ok(err)
		f.reopen()
		if got, err := f.GetUpload(ctx, app, u.ID); err != nil || got.Size != 500_000 {
			f.t.Errorf("after a crash: %+v, %v", got, err)
		}
		_, err = f.Append(ctx, app, u.ID, -1, bytes.NewReader(content[500_000:]))
		f.ok(err)
		_, err = f.store.Append(ctx, blob.Upload{ID: u.ID, Size: 700_000}, strings.NewReader("never acknowledged"))
		f.ok(err)
		f.reopen()
		b, err := f.CommitUpload(ctx, app, u.ID, oci.SHA256Of(content))
		f.ok(err)
		f.reopen()
		r, err := f.OpenBlob(ctx, b)
		f.ok(err)
		defer r.Close()
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, content) {
			f.t.Errorf("blob of %d bytes, %v", len(got), err)
		}
		if _, err := f.GetUpload(ctx, app, u.ID); !errors.Is(err, ErrUploadUnknown) {
			f.t.Errorf("upload after its commit: %v", err)
		}
	})
}

func TestCommitIsRepeatedAfterACrash(t *testing.T) {
	each(t, func(f fixture) {
		for _, content := range []string{"", "content"} {
			d := oci.SHA256Of([]byte(content))
			u, err := f.StartUpload(ctx, app)
			f.ok(err)
			_, err = f.Append(ctx, app, u.ID, 0, strings.NewReader(content))
			f.ok(err)
			// The store has placed the blob, the database doesn't know yet.
			_, err = f.store.Commit(ctx, blob.Upload{ID: u.ID, Size: int64(len(content))}, d)
			f.ok(err)
			f.reopen()
			b, err := f.CommitUpload(ctx, app, u.ID, d)
			f.ok(err)
			if b.Size != int64(len(content)) {
				f.t.Errorf("blob of %d bytes, want %d", b.Size, len(content))
			}
		}
	})
}

func TestInterruptedBodyIsAcknowledged(t *testing.T) {
	each(t, func(f fixture) {
		u, err := f.StartUpload(ctx, app)
		f.ok(err)
		left, cancel := context.WithCancel(ctx)
		got, err := f.Append(left, app, u.ID, 0, io.MultiReader(strings.NewReader("hello "), readerFunc(func([]byte) (int, error) {
			cancel() // the client leaves
			return 0, errCut
		})))
		if !errors.Is(err, errCut) || got.Size != 6 {
			f.t.Errorf("cut body: %+v, %v", got, err)
		}
		var wrong *RangeError
		if _, err := f.Append(ctx, app, u.ID, 0, strings.NewReader("hello ")); !errors.As(err, &wrong) || wrong.Held != 6 || !errors.Is(err, ErrRange) {
			f.t.Errorf("the same chunk again: %v", err)
		}
		if _, err := f.Append(ctx, app, u.ID, 7, strings.NewReader("x")); !errors.As(err, &wrong) || wrong.Held != 6 {
			f.t.Errorf("a chunk too far: %v", err)
		}
		_, err = f.Append(ctx, app, u.ID, 6, strings.NewReader("world"))
		f.ok(err)
		_, err = f.CommitUpload(ctx, app, u.ID, oci.SHA256Of([]byte("hello world")))
		f.ok(err)
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestWrongDigestLeavesNothing(t *testing.T) {
	each(t, func(f fixture) {
		claimed := oci.SHA256Of([]byte("claimed"))
		claimed512, err := oci.FromBytes(oci.SHA512, []byte("claimed"))
		f.ok(err)
		for _, d := range []oci.Digest{claimed, claimed512} {
			u, err := f.StartUpload(ctx, app)
			f.ok(err)
			_, err = f.Append(ctx, app, u.ID, -1, strings.NewReader("sent"))
			f.ok(err)
			if _, err := f.CommitUpload(ctx, app, u.ID, d); !errors.Is(err, ErrDigestMismatch) {
				f.t.Errorf("commit as %s: %v", d, err)
			}
			if _, err := f.GetUpload(ctx, app, u.ID); !errors.Is(err, ErrUploadUnknown) {
				f.t.Errorf("upload with a wrong digest: %v", err)
			}
			if _, err := f.PutBlob(ctx, app, d, strings.NewReader("sent")); !errors.Is(err, ErrDigestMismatch) {
				f.t.Errorf("put as %s: %v", d, err)
			}
			if _, err := f.Blob(ctx, app, d); !errors.Is(err, ErrBlobUnknown) {
				f.t.Errorf("blob with a wrong digest: %v", err)
			}
		}
		if _, err := f.PutBlob(ctx, app, claimed, cutAfter("clai")); !errors.Is(err, errCut) {
			f.t.Errorf("put with a cut body: %v", err)
		}
		f.empty()
	})
}

// empty checks that neither database nor store holds an upload or a blob.
func (f fixture) empty() {
	f.t.Helper()
	if n := f.count(`SELECT COUNT(*) FROM upload`) + f.count(`SELECT COUNT(*) FROM blob`) + f.count(`SELECT COUNT(*) FROM repository_blob`); n != 0 {
		f.t.Errorf("%d rows left", n)
	}
	f.ok(filepath.WalkDir(f.dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			f.t.Errorf("file left: %s", path)
		}
		return err
	}))
}

func TestCancelUpload(t *testing.T) {
	each(t, func(f fixture) {
		u, err := f.StartUpload(ctx, app)
		f.ok(err)
		_, err = f.Append(ctx, app, u.ID, -1, strings.NewReader("sent"))
		f.ok(err)
		if _, err := f.GetUpload(ctx, theirs, u.ID); !errors.Is(err, ErrUploadUnknown) {
			f.t.Errorf("upload asked for in another project: %v", err)
		}
		if err := f.CancelUpload(ctx, other, u.ID); !errors.Is(err, ErrUploadUnknown) {
			f.t.Errorf("cancelled through another repository: %v", err)
		}
		f.ok(f.CancelUpload(ctx, app, u.ID))
		if err := f.CancelUpload(ctx, app, u.ID); !errors.Is(err, ErrUploadUnknown) {
			f.t.Errorf("cancelled twice: %v", err)
		}
		f.empty()
	})
}

// Two processes on one database and one store must never mix the bytes of one request with the hash of
// another. On SQLite there is one process; there the lock in memory is what is tested.
func TestOneWriterPerUpload(t *testing.T) {
	each(t, func(f fixture) {
		second := f
		if !f.db.Exclusive() {
			second.reopen()
		}
		u, err := f.StartUpload(ctx, app)
		f.ok(err)
		started, finish, done := make(chan struct{}), make(chan struct{}), make(chan error)
		go func() {
			_, err := f.Append(ctx, app, u.ID, 0, io.MultiReader(strings.NewReader("good"), readerFunc(func([]byte) (int, error) {
				close(started)
				<-finish
				return 0, io.EOF
			})))
			done <- err
		}()
		<-started
		impatient, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
		defer cancel()
		if _, err := second.Append(impatient, app, u.ID, 0, strings.NewReader("evil")); !errors.Is(err, context.DeadlineExceeded) {
			f.t.Errorf("two requests write the same upload: %v", err)
		}
		impatient, cancel = context.WithTimeout(ctx, 300*time.Millisecond)
		defer cancel()
		if _, err := second.CommitUpload(impatient, app, u.ID, oci.SHA256Of([]byte("good"))); !errors.Is(err, context.DeadlineExceeded) {
			f.t.Errorf("an upload is committed while it is written: %v", err)
		}
		close(finish)
		f.ok(<-done)
		var wrong *RangeError
		if _, err := second.Append(ctx, app, u.ID, 0, strings.NewReader("evil")); !errors.As(err, &wrong) || wrong.Held != 4 {
			f.t.Errorf("a late request: %v", err)
		}
		b, err := second.CommitUpload(ctx, app, u.ID, oci.SHA256Of([]byte("good")))
		f.ok(err)
		content, err := f.readBlob(ctx, b)
		if err != nil || string(content) != "good" {
			f.t.Errorf("blob = %q, %v", content, err)
		}
	})
}

// A process that died while it held an upload doesn't hold it for ever.
func TestClaimOfADeadProcessEnds(t *testing.T) {
	each(t, func(f fixture) {
		if f.db.Exclusive() {
			return // its locks die with it
		}
		u, err := f.StartUpload(ctx, app)
		f.ok(err)
		f.exec(`UPDATE upload SET writer = 'dead', writer_until = $1`, db.Micros(f.clock.now()))
		_, err = f.Append(ctx, app, u.ID, 0, strings.NewReader("x"))
		f.ok(err)
		if n := f.count(`SELECT COUNT(*) FROM upload WHERE writer <> ''`); n != 0 {
			f.t.Error("the claim stays after the request")
		}
	})
}

func TestStreamIsAcknowledgedOnItsWay(t *testing.T) {
	f := newFixture(t, dbtest.SQLite(t))
	u, err := f.StartUpload(ctx, app)
	f.ok(err)
	seen := int64(0)
	total := int64(checkpoint + 10)
	_, err = f.Append(ctx, app, u.ID, 0, io.MultiReader(io.LimitReader(zeros{}, total), readerFunc(func([]byte) (int, error) {
		got, err := f.GetUpload(ctx, app, u.ID)
		seen = got.Size
		return 0, errors.Join(io.EOF, err)
	})))
	if seen != checkpoint || err == nil {
		t.Errorf("%d bytes acknowledged on the way, want %d: %v", seen, checkpoint, err)
	}
	if got, err := f.GetUpload(ctx, app, u.ID); err != nil || got.Size != total {
		t.Errorf("at the end: %+v, %v", got, err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestUploadsOfManyProjectsShareBytesOnly(t *testing.T) {
	each(t, func(f fixture) {
		content := []byte("shared")
		d := oci.SHA256Of(content)
		for i, ref := range []Ref{app, other, theirs} {
			if _, err := f.Blob(ctx, ref, d); !errors.Is(err, ErrBlobUnknown) {
				f.t.Errorf("%s holds it before its own upload: %v", ref.FullName(), err)
			}
			f.blob(ref, "", content)
			if n := f.count(`SELECT COUNT(*) FROM repository_blob`); n != int64(i+1) {
				f.t.Errorf("%d memberships, want %d", n, i+1)
			}
		}
		if n := f.count(`SELECT COUNT(*) FROM blob`); n != 1 {
			f.t.Errorf("%d blobs, want 1", n)
		}
	})
}
