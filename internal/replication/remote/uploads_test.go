package remote_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/replication/remote"
	"github.com/havenregistry/haven/internal/replication/remote/remotetest"
)

// cut is a body whose line breaks after some bytes.
type cut struct {
	io.Reader
	io.Closer
}

func cutAfter(q *http.Request, n int64) {
	q.Body = cut{io.MultiReader(io.LimitReader(q.Body, n), failing{}), q.Body}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("the line is broken") }

func TestUploads(t *testing.T) {
	d, b := remotetest.Random(3<<20 + 17)
	for name, c := range map[string]struct {
		o      remote.PutOptions
		cuts   []int64 // after how many bytes of each PATCH the line breaks
		resent int64   // bytes that arrived twice at most
	}{
		"in one":                 {},
		"in chunks":              {o: remote.PutOptions{Chunk: 1 << 20}},
		"broken once":            {cuts: []int64{1 << 20}},
		"broken again and again": {cuts: []int64{1 << 20, 100, 1 << 19, 5}},
		"broken in chunks":       {o: remote.PutOptions{Chunk: 1 << 20}, cuts: []int64{-1, 1000, 7}},
		"broken before a byte":   {cuts: []int64{0}},
	} {
		t.Run(name, func(t *testing.T) {
			fake := remotetest.New(t)
			var patches atomic.Int64
			fake.Before = func(_ http.ResponseWriter, q *http.Request) bool {
				if q.Method == http.MethodPatch {
					if n := int(patches.Add(1)) - 1; n < len(c.cuts) && c.cuts[n] >= 0 {
						cutAfter(q, c.cuts[n])
					}
				}
				return false
			}
			r := newWorld(t, remote.DockerRegistry).open(fake.URL, "", "")
			if err := r.PutBlob(t.Context(), "a/b", d, remotetest.From(b), c.o); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(fake.Bytes("a/b", d.Digest), b) {
				t.Error("other bytes arrived")
			}
			if n := fake.Received(); n != d.Size {
				t.Errorf("%d bytes went over, of %d", n, d.Size)
			}
			if n := fake.Uploads(); n > 1 { // the one before a byte went over is left
				t.Errorf("%d uploads are left", n)
			}
		})
	}
}

// A source that breaks is gone on with, and one with other bytes leaves nothing.
func TestUploadsFromABadSource(t *testing.T) {
	d, b := remotetest.Random(3 << 20)
	fake := remotetest.New(t)
	r := newWorld(t, remote.DockerRegistry).open(fake.URL, "", "")
	opened := []int64{}
	err := r.PutBlob(t.Context(), "a/b", d, func(_ context.Context, offset int64) (io.ReadCloser, error) {
		opened = append(opened, offset)
		if len(opened) == 1 {
			return io.NopCloser(io.MultiReader(bytes.NewReader(b[:2<<20]), failingAs{&remote.UnreachableError{Words: "x"}})), nil
		}
		return io.NopCloser(bytes.NewReader(b[offset:])), nil
	}, remote.PutOptions{})
	if err != nil || len(opened) != 2 || opened[1] == 0 || !bytes.Equal(fake.Bytes("a/b", d.Digest), b) {
		t.Errorf("opened %v, %v", opened, err)
	}
	for name, size := range map[string]int{"small": 1000, "large": 2 << 20} {
		wrong, bytesOf := remotetest.Random(size)
		_, other := remotetest.Random(size)
		for _, o := range []remote.PutOptions{{}, {Chunk: 1 << 20}, {Chunk: 100_000}} {
			if err := r.PutBlob(t.Context(), "a/b", wrong, remotetest.From(other), o); !errors.Is(err, remote.ErrDigest) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := r.PutBlob(t.Context(), "a/b", wrong, remotetest.From(bytesOf[:size-1]), remote.PutOptions{}); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: %v", name, err)
		}
		if fake.Bytes("a/b", wrong.Digest) != nil || fake.Uploads() != 0 {
			t.Errorf("%s: something is left", name)
		}
	}
}

type failingAs struct{ err error }

func (f failingAs) Read([]byte) (int, error) { return 0, f.err }

func TestMounts(t *testing.T) {
	fake := remotetest.New(t)
	_, b := remotetest.Random(10)
	d := fake.Blob("a/b", b)
	r := newWorld(t, remote.DockerRegistry).open(fake.URL, "", "")
	if mounted, err := r.MountBlob(t.Context(), "c/d", d, "a/b"); err != nil || !mounted || fake.Bytes("c/d", d.Digest) == nil {
		t.Errorf("got %t, %v", mounted, err)
	}
	if mounted, err := r.MountBlob(t.Context(), "c/d", d, "a/nothing"); err != nil || mounted || fake.Uploads() != 0 {
		t.Errorf("got %t, %v, %d uploads", mounted, err, fake.Uploads())
	}
}

// Blobs that come from the host they go to hold a connection each while they wait for another: there are enough.
func TestManyFromTheSameHost(t *testing.T) {
	const many = 48
	fake := remotetest.New(t)
	w := newWorld(t, remote.DockerRegistry)
	r := w.open(fake.URL, "", "")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var opened, all sync.WaitGroup
	opened.Add(many)
	for range many {
		_, b := remotetest.Random(1000)
		d := fake.Blob("a/b", b)
		all.Go(func() {
			err := r.PutBlob(ctx, "c/d", d, func(ctx context.Context, offset int64) (io.ReadCloser, error) {
				body, err := r.OpenBlob(ctx, "a/b", d, offset)
				opened.Done()
				opened.Wait() // nobody sends before all have what they send
				return body, err
			}, remote.PutOptions{})
			if err != nil || !bytes.Equal(fake.Bytes("c/d", d.Digest), b) {
				t.Errorf("got %v", err)
			}
		})
	}
	all.Wait()
}
