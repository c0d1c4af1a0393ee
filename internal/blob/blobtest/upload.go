package blobtest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/oci"
)

func resumeAfterReopen(t *testing.T, d Driver) {
	content := pattern(300_000, 1)
	u := mustAppend(t, d.Open(t), upload(0), content[:100_001])
	u = mustAppend(t, d.Open(t), u, content[100_001:])
	location := mustCommit(t, d.Open(t), u, content)
	wantBlob(t, d.Open(t), location, content)
	wantObjects(t, d, 1)
}

// manyParts: appends that end anywhere, each by another process, and a size that is whole parts.
func manyParts(t *testing.T, d Driver) {
	content := pattern(6*Part, 7)
	u, at := upload(0), 0
	for _, n := range []int{1, Part - 1, Part + 1, 2*Part - 2, 10, 1<<20 - 9, Part, len(content) - 5*Part - 1<<20} {
		u = mustAppend(t, d.Open(t), u, content[at:at+n])
		at += n
	}
	location := mustCommit(t, d.Open(t), u, content)
	wantBlob(t, d.Open(t), location, content)
	wantObjects(t, d, 1)
}

// unacknowledgedDropped: the process ended before its database knew of the last append.
func unacknowledgedDropped(t *testing.T, d Driver) {
	for name, sizes := range map[string][3]int{
		"small":          {12, 20, 1},
		"first part":     {12, Part + 20, 30},
		"several parts":  {Part + 12, 2 * Part, Part + 50},
		"nothing before": {0, 2*Part + 1, 2 * Part},
		"and less after": {2 * Part, 3 * Part, 7},
	} {
		t.Run(name, func(t *testing.T) {
			s := d.Open(t)
			id := upload(len(d.Objects(t)))
			content := pattern(sizes[0]+sizes[2], 8)
			acknowledged := id
			if sizes[0] > 0 {
				acknowledged = mustAppend(t, s, id, content[:sizes[0]])
			}
			mustAppend(t, s, acknowledged, pattern(sizes[1], 9))
			s = d.Open(t)
			u := mustAppend(t, s, acknowledged, content[sizes[0]:])
			before := len(d.Objects(t))
			wantBlob(t, s, mustCommit(t, s, u, content), content)
			if after := d.Objects(t); len(after) > before {
				t.Errorf("commit made objects: %q", after)
			}
		})
	}
}

func commitDropsUnacknowledged(t *testing.T, d Driver) {
	for n, size := range []int{15, 2*Part + 15} {
		s := d.Open(t)
		content := pattern(size, 10)
		u := mustAppend(t, s, upload(n), content)
		mustAppend(t, s, u, pattern(Part, 11))
		wantBlob(t, s, mustCommit(t, d.Open(t), u, content), content)
	}
}

func emptyAppend(t *testing.T, d Driver) {
	s := d.Open(t)
	u := mustAppend(t, s, upload(0), nil)
	u = mustAppend(t, s, u, nil)
	u = mustAppend(t, s, u, []byte("0123"))
	mustAppend(t, s, u, []byte("456789"))
	u = mustAppend(t, s, u, nil)
	wantUpload(t, s, u, []byte("0123"))
}

func appendBeyondEnd(t *testing.T, d Driver) {
	s := d.Open(t)
	u := mustAppend(t, s, upload(0), []byte("abc"))
	for _, offset := range []int64{4, 1 << 40, -1} {
		off := u
		off.Size = offset
		_, err := s.Append(t.Context(), off, bytes.NewReader([]byte("xyz")))
		var wrong *blob.OffsetError
		if !errors.Is(err, blob.ErrOffset) || !errors.As(err, &wrong) {
			t.Fatalf("append at %d: %v; want an OffsetError", offset, err)
		}
		if wrong.Held != 3 || wrong.Offset != offset {
			t.Errorf("got %+v, want held 3 and offset %d", wrong, offset)
		}
	}
	wantUpload(t, s, u, []byte("abc"))
}

func appendUnknown(t *testing.T, d Driver) {
	s := d.Open(t)
	u := upload(0)
	u.Size = 3
	if _, err := s.Append(t.Context(), u, bytes.NewReader([]byte("x"))); !errors.Is(err, blob.ErrUploadUnknown) {
		t.Errorf("got %v, want ErrUploadUnknown", err)
	}
	wantUploadUnknown(t, s, upload(0))
	wantObjects(t, d, 0)
}

// failingReader: a client that goes away leaves what it sent, and the count says how
// much that is.
func failingReader(t *testing.T, d Driver) {
	for n, size := range []int{1_000_000, 2*Part + 5} {
		s := d.Open(t)
		content := pattern(size, 2)
		u := mustAppend(t, s, upload(n), content[:10])
		gone := errors.New("client went away")
		sent := size * 3 / 4
		grown, err := s.Append(t.Context(), u, io.MultiReader(bytes.NewReader(content[10:sent]), iotest.ErrReader(gone)))
		if !errors.Is(err, gone) {
			t.Fatalf("got %v, want the reader's error", err)
		}
		wantGrown(t, u, grown, int64(sent)-10)
		grown = mustAppend(t, d.Open(t), grown, content[sent:])
		wantBlob(t, s, mustCommit(t, s, grown, content), content)
	}
}

func cancelledAppend(t *testing.T, d Driver) {
	s := d.Open(t)
	u := mustAppend(t, s, upload(0), []byte("abc"))
	ctx, stop := context.WithCancel(t.Context())
	var read int64
	endless := readerFunc(func(p []byte) (int, error) {
		stop()
		n := copy(p, "more of it")
		read += int64(n)
		return n, nil
	})
	grown, err := s.Append(ctx, u, endless)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want context.Canceled", err)
	}
	wantGrown(t, u, grown, read)
	u = mustAppend(t, s, u, []byte("def"))
	wantUpload(t, s, u, []byte("abcdef"))
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// cancelledContexts: an append that is cancelled before it began reads and changes nothing.
func cancelledContexts(t *testing.T, d Driver) {
	s := d.Open(t)
	u := mustAppend(t, s, upload(0), []byte("abc"))
	ctx, stop := context.WithCancel(t.Context())
	stop()
	unread := readerFunc(func([]byte) (int, error) {
		t.Error("read for a client that has gone")
		return 0, io.EOF
	})
	if grown, err := s.Append(ctx, u, unread); !errors.Is(err, context.Canceled) || grown.Size != u.Size {
		t.Errorf("append: %d bytes, %v; want 3 and context.Canceled", grown.Size, err)
	}
	wantBlob(t, s, mustCommit(t, s, u, []byte("abc")), []byte("abc"))
}

func readUpload(t *testing.T, d Driver) {
	for n, size := range []int{1000, 2*Part + 1000} {
		content := pattern(size, 12)
		u := mustAppend(t, d.Open(t), upload(n), content)
		wantUpload(t, d.Open(t), u, content)
		wantUpload(t, d.Open(t), u, content)
		s := d.Open(t)
		wantBlob(t, s, mustCommit(t, s, u, content), content)
	}
	wantObjects(t, d, 2)
}

func uploadsSideBySide(t *testing.T, d Driver) {
	s := d.Open(t)
	const count = 8
	size := func(i int) int { return 200_000 + i*i*i*20_000 } // up to 7 MB
	var wait sync.WaitGroup
	uploads, errs := make([]blob.Upload, count), make([]error, count)
	for i := range count {
		wait.Go(func() { uploads[i], errs[i] = chunked(t.Context(), s, upload(i), pattern(size(i), uint32(i))) })
	}
	wait.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	for i := range count {
		content := pattern(size(i), uint32(i))
		wantBlob(t, s, mustCommit(t, s, uploads[i], content), content)
	}
	wantObjects(t, d, count)
}

// chunked appends content in chunks of a third.
func chunked(ctx context.Context, s blob.Store, u blob.Upload, content []byte) (blob.Upload, error) {
	for from := 0; from < len(content); {
		to := min(from+len(content)/3, len(content))
		var err error
		if u, err = s.Append(ctx, u, bytes.NewReader(content[from:to])); err != nil {
			return u, err
		}
		from = to
	}
	return u, nil
}

func cancel(t *testing.T, d Driver) {
	s := d.Open(t)
	small := mustAppend(t, s, upload(0), []byte("abc"))
	other := mustAppend(t, s, upload(1), []byte("other"))
	large := mustAppend(t, s, upload(2), pattern(Part+3, 13))
	large = mustAppend(t, s, large, pattern(3, 14))
	for range 2 { // the second time it is unknown, which is no error
		for _, u := range []blob.Upload{small, large} {
			if err := d.Open(t).Cancel(t.Context(), blob.Upload{ID: u.ID}); err != nil {
				t.Fatal(err)
			}
		}
	}
	wantUploadUnknown(t, s, small)
	wantUploadUnknown(t, s, large)
	wantUpload(t, s, other, []byte("other"))
	wantObjects(t, d, 1)
}

// cancelCommitted: a process ended between the commit and its row; nothing names the blob.
func cancelCommitted(t *testing.T, d Driver) {
	s := d.Open(t)
	for n, size := range []int{10, Part + 10} {
		content := pattern(size, 15)
		location := put(t, s, upload(n), content)
		if err := s.Cancel(t.Context(), upload(n)); err != nil {
			t.Fatal(err)
		}
		if d.ByDigest {
			wantBlob(t, s, location, content)
		} else {
			wantNoBlob(t, s, location)
		}
	}
	if !d.ByDigest {
		wantObjects(t, d, 0)
	}
}

func badUploadIDs(t *testing.T, d Driver) {
	s := d.Open(t)
	for name, id := range map[string]string{
		"empty":      "",
		"short":      "abc",
		"long":       string(bytes.Repeat([]byte("a"), 65)),
		"parent":     "../../../../../../etc/passwd",
		"dots":       "................",
		"slash":      "0192f0c1/7d3e70008000",
		"upper case": "0192F0C1-7D3E-7000-8000-000000000000",
		"nul":        "0192f0c17d3e7000\x00",
		"escaped":    "0192f0c17d3e%2f%2e%2e",
		"dash first": "-192f0c17d3e70008000",
	} {
		t.Run(name, func(t *testing.T) {
			u := blob.Upload{ID: id}
			_, err := s.Append(t.Context(), u, bytes.NewReader([]byte("x")))
			wantNameInvalid(t, err)
			_, err = s.ReadUpload(t.Context(), u)
			wantNameInvalid(t, err)
			_, err = s.Commit(t.Context(), u, oci.SHA256Of(nil))
			wantNameInvalid(t, err)
			wantNameInvalid(t, s.Cancel(t.Context(), u))
		})
	}
	wantObjects(t, d, 0)
}
