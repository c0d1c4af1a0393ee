package observed_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/blob/file"
	"github.com/havenregistry/haven/internal/blob/observed"
	"github.com/havenregistry/haven/internal/oci"
)

func open(t *testing.T, s blob.Store) (blob.Store, *observed.Figures) {
	t.Helper()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return observed.Store(s, "filesystem")
}

func openFiles(t *testing.T) (blob.Store, *observed.Figures) {
	t.Helper()
	s, err := file.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return open(t, s)
}

func failures(f *observed.Figures) int64 {
	var sum int64
	f.Failures(func(_ string, n int64) { sum += n })
	return sum
}

// What a store can do beside what all can, the registry finds out by its type.
func TestNothingIsHidden(t *testing.T) {
	files, _ := openFiles(t)
	if _, ok := files.(blob.Packer); !ok {
		t.Error("a store of files doesn't pack")
	}
	if _, ok := files.(blob.RecordPacker); !ok {
		t.Error("a store of files doesn't pack records")
	}
	if _, ok := files.(blob.Finder); !ok {
		t.Error("a store of files doesn't find")
	}
	if _, ok := files.(blob.RecordSyncer); !ok {
		t.Error("a store of files doesn't sync records")
	}
	if _, ok := files.(blob.Redirector); ok {
		t.Error("a store of files sends clients elsewhere")
	}
	bucket, _ := observed.Store(redirecting{blob.ReadOnly(nil)}, "s3")
	if _, ok := bucket.(blob.Redirector); !ok {
		t.Error("a bucket doesn't send clients elsewhere")
	}
	if _, ok := bucket.(blob.Finder); ok {
		t.Error("a bucket finds blobs by their digest")
	}
	if plain, _ := observed.Store(blob.ReadOnly(nil), "s3"); plain == nil {
		t.Error("no store")
	} else if _, ok := plain.(blob.Redirector); ok {
		t.Error("a store without addresses sends clients elsewhere")
	}
}

type redirecting struct{ blob.Store }

func (redirecting) Redirect(context.Context, string, time.Duration) (string, bool, error) {
	return "", false, nil
}

// The store of files is no worse for being looked at: its contents are plain files, which reach sendfile, and no failure is counted for
// what isn't there or what a client broke off.
func TestFailures(t *testing.T) {
	s, f := openFiles(t)
	ctx := t.Context()
	gone := errors.New("the client has gone")
	u, err := s.Append(ctx, blob.Upload{ID: "0123456789abcdef"}, io.MultiReader(strings.NewReader("hello"), iotest.ErrReader(gone)))
	if !errors.Is(err, gone) || u.Size != 5 {
		t.Fatalf("%d bytes, %v", u.Size, err)
	}
	location, err := s.Commit(ctx, u, oci.SHA256Of([]byte("hello")))
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.Open(ctx, location)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, ok := c.(syscall.Conn); !ok {
		t.Errorf("%T reaches no sendfile", c)
	}
	if text, err := io.ReadAll(c); err != nil || string(text) != "hello" {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := s.Open(ctx, "docker/registry/v2/blobs/sha256/00/"+strings.Repeat("0", 64)+"/data"); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("%v", err)
	}
	if n := failures(f); n != 0 {
		t.Errorf("%d failures are counted", n)
	}
	full, fullFigures := observed.Store(blob.ReadOnly(nil), "filesystem")
	if err := full.Check(ctx); !errors.Is(err, blob.ErrReadOnly) || failures(fullFigures) != 1 {
		t.Errorf("%v, %d failures", err, failures(fullFigures))
	}
}

// Looking at a store costs its readers no memory.
func TestOpeningAllocatesNothing(t *testing.T) {
	fixed, _ := observed.Store(still{blob.ReadOnly(nil)}, "filesystem")
	ctx := t.Context()
	if n := testing.AllocsPerRun(100, func() { _, _ = fixed.Open(ctx, "x") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

type still struct{ blob.Store }

func (still) Open(context.Context, string) (blob.Content, error) { return nil, nil }

func BenchmarkOpen(b *testing.B) {
	s, _ := observed.Store(still{blob.ReadOnly(nil)}, "filesystem")
	ctx := b.Context()
	for b.Loop() {
		_, _ = s.Open(ctx, "x")
	}
}
