package object

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/havenregistry/haven/internal/blob"
)

const someID = "0192f0c1-7d3e-7000-8000-000000000000"

// faulty stands for a provider in trouble, which a real server can't be made to be on a virtual clock: each
// Get is answered by the next of its bodies.
type faulty struct {
	Bucket
	content []byte
	etag    string
	bodies  []func(ctx context.Context, rest []byte) (io.ReadCloser, error)
	gets    int
}

func (f *faulty) Limits() Limits { return Limits{Part: 1, MaxPart: 1 << 30, Parts: 10_000} }

func (f *faulty) Get(ctx context.Context, key string, from int64, etag string) (io.ReadCloser, Object, error) {
	body := f.bodies[min(f.gets, len(f.bodies)-1)]
	f.gets++
	if etag != "" && etag != f.etag {
		return nil, Object{}, blob.ErrNotFound
	}
	r, err := body(ctx, f.content[from:])
	return r, Object{Key: key, Size: int64(len(f.content)), ETag: f.etag}, err
}

func whole(_ context.Context, rest []byte) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(rest)), nil
}

func half(_ context.Context, rest []byte) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(rest[:len(rest)/2])), nil
}

func cut(_ context.Context, rest []byte) (io.ReadCloser, error) {
	return io.NopCloser(io.MultiReader(bytes.NewReader(rest[:len(rest)/2]), iotest.ErrReader(io.ErrUnexpectedEOF))), nil
}

func busy(context.Context, []byte) (io.ReadCloser, error) {
	return nil, RetryStatus(http.StatusServiceUnavailable, errors.New("slow down"))
}

func silent(ctx context.Context, _ []byte) (io.ReadCloser, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// stalling sends a little and then nothing more.
func stalling(ctx context.Context, rest []byte) (io.ReadCloser, error) {
	return io.NopCloser(io.MultiReader(bytes.NewReader(rest[:len(rest)/3]), readerFunc(func([]byte) (int, error) {
		<-ctx.Done()
		return 0, ctx.Err()
	}))), nil
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// A pull goes on where it was, whatever happens to the connection, and notices the rest.
func TestContentGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &faulty{content: bytes.Repeat([]byte("0123456789"), 1000), etag: "a"}
		f.bodies = append(f.bodies, busy, cut, silent, half, busy, stalling, cut, whole)
		c, err := New(f, Options{}).Open(t.Context(), someID)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if got, err := io.ReadAll(c); err != nil || !bytes.Equal(got, f.content) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		if f.gets != len(f.bodies) {
			t.Errorf("%d requests, want %d", f.gets, len(f.bodies))
		}
	})
}

func TestContentGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nothing := func(context.Context, []byte) (io.ReadCloser, error) { return http.NoBody, nil }
		f := &faulty{content: []byte("0123456789"), etag: "a"}
		f.bodies = append(f.bodies, half, nothing)
		c, err := New(f, Options{}).Open(t.Context(), someID)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if got, err := io.ReadAll(c); string(got) != "01234" || !errors.Is(err, io.ErrUnexpectedEOF) || f.gets > 2*tries {
			t.Errorf("%q, %v after %d requests", got, err, f.gets)
		}
	})
}

// An object that was replaced is not the one whose first half was sent.
func TestContentOfAnotherObject(t *testing.T) {
	f := &faulty{content: []byte("0123456789"), etag: "a"}
	f.bodies = append(f.bodies, half, whole)
	c, err := New(f, Options{}).Open(t.Context(), someID)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	f.etag = "b"
	if got, err := io.ReadAll(c); string(got) != "01234" || !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("%q, %v", got, err)
	}
}

func TestTry(t *testing.T) {
	refused := errors.New("refused")
	for name, test := range map[string]struct {
		err   error
		calls int
	}{
		"success":     {nil, 1},
		"refusal":     {refused, 1},
		"server busy": {RetryStatus(http.StatusServiceUnavailable, refused), tries},
		"forbidden":   {RetryStatus(http.StatusForbidden, refused), 1},
		"too slow":    {context.DeadlineExceeded, tries},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				calls, began := 0, time.Now()
				err := try(t.Context(), time.Second, func(context.Context) error { calls++; return test.err })
				if calls != test.calls || !errors.Is(err, test.err) {
					t.Errorf("%d calls, %v; want %d", calls, err, test.calls)
				}
				if took := time.Since(began); took > 15*time.Second {
					t.Errorf("took %s", took)
				}
			})
		})
	}
}

func TestTryStopsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		err := try(ctx, time.Second, func(context.Context) error {
			stop()
			return Retry(errors.New("busy"))
		})
		if err == nil || err.Error() != "busy" {
			t.Errorf("got %v", err)
		}
	})
}

// What was read is still written for a while when the client has left, and not for ever.
func TestSettling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, leave := context.WithCancel(t.Context())
		ctx, end := settling(client)
		defer end()
		leave()
		time.Sleep(settleTime - time.Second)
		if ctx.Err() != nil {
			t.Error("ended at once")
		}
		time.Sleep(2 * time.Second)
		if ctx.Err() == nil {
			t.Error("goes on for ever")
		}
	})
}
