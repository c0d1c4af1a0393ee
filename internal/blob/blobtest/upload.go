package blobtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/havenregistry/haven/internal/blob"
)

func resumeAfterReopen(t *testing.T, d Driver) {
	content := pattern(300_000, 1)
	mustAppend(t, d.Open(t), uploadID(0), 0, content[:100_001])
	again := d.Open(t)
	wantSize(t, again, uploadID(0), 100_001)
	wantUpload(t, again, uploadID(0), content[:100_001])
	mustAppend(t, again, uploadID(0), 100_001, content[100_001:])
	location := mustCommit(t, d.Open(t), uploadID(0), content)
	wantBlob(t, d.Open(t), location, content)
	wantObjects(t, d, 1)
}

func truncatedTail(t *testing.T, d Driver) {
	s := d.Open(t)
	mustAppend(t, s, uploadID(0), 0, []byte("acknowledged, lost in the crash"))
	s = d.Open(t)
	mustAppend(t, s, uploadID(0), 12, []byte("!"))
	wantUpload(t, s, uploadID(0), []byte("acknowledged!"))
	wantBlob(t, s, mustCommit(t, s, uploadID(0), []byte("acknowledged!")), []byte("acknowledged!"))
}

func emptyAppendCuts(t *testing.T, d Driver) {
	s := d.Open(t)
	mustAppend(t, s, uploadID(0), 0, []byte("0123456789"))
	mustAppend(t, s, uploadID(0), 4, nil)
	wantUpload(t, s, uploadID(0), []byte("0123"))
	mustAppend(t, s, uploadID(0), 0, nil)
	wantSize(t, s, uploadID(0), 0)
}

func appendBeyondEnd(t *testing.T, d Driver) {
	s := d.Open(t)
	mustAppend(t, s, uploadID(0), 0, []byte("abc"))
	for _, offset := range []int64{4, 1 << 40, -1} {
		n, err := s.Append(t.Context(), uploadID(0), offset, bytes.NewReader([]byte("xyz")))
		var wrong *blob.OffsetError
		if n != 0 || !errors.Is(err, blob.ErrOffset) || !errors.As(err, &wrong) {
			t.Fatalf("append at %d: %d, %v; want an OffsetError", offset, n, err)
		}
		if wrong.Held != 3 || wrong.Offset != offset {
			t.Errorf("got %+v, want held 3 and offset %d", wrong, offset)
		}
	}
	wantUpload(t, s, uploadID(0), []byte("abc"))
}

func appendUnknown(t *testing.T, d Driver) {
	s := d.Open(t)
	if _, err := s.Append(t.Context(), uploadID(0), 3, bytes.NewReader([]byte("x"))); !errors.Is(err, blob.ErrUploadUnknown) {
		t.Errorf("got %v, want ErrUploadUnknown", err)
	}
	wantUploadUnknown(t, s, uploadID(0))
	wantObjects(t, d, 0)
}

// failingReader: a client that goes away leaves what it sent, and the count says how
// much that is.
func failingReader(t *testing.T, d Driver) {
	s := d.Open(t)
	content := pattern(1_000_000, 2)
	mustAppend(t, s, uploadID(0), 0, content[:10])
	gone := errors.New("client went away")
	n, err := s.Append(t.Context(), uploadID(0), 10,
		io.MultiReader(bytes.NewReader(content[10:700_010]), iotest.ErrReader(gone)))
	if n != 700_000 || !errors.Is(err, gone) {
		t.Fatalf("got %d, %v; want 700000 and the reader's error", n, err)
	}
	mustAppend(t, s, uploadID(0), 10+n, content[10+n:])
	wantBlob(t, s, mustCommit(t, s, uploadID(0), content), content)
}

func cancelledAppend(t *testing.T, d Driver) {
	s := d.Open(t)
	mustAppend(t, s, uploadID(0), 0, []byte("abc"))
	ctx, stop := context.WithCancel(t.Context())
	endless := readerFunc(func(p []byte) (int, error) {
		stop()
		return copy(p, "more of it"), nil
	})
	n, err := s.Append(ctx, uploadID(0), 3, endless)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want context.Canceled", err)
	}
	wantSize(t, s, uploadID(0), 3+n)
	mustAppend(t, s, uploadID(0), 3, []byte("def"))
	wantUpload(t, s, uploadID(0), []byte("abcdef"))
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func uploadsSideBySide(t *testing.T, d Driver) {
	s := d.Open(t)
	const count = 8
	var wait sync.WaitGroup
	errs := make([]error, count)
	for i := range count {
		wait.Go(func() { errs[i] = chunked(t.Context(), s, uploadID(i), pattern(200_000+i, uint32(i))) })
	}
	wait.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	for i := range count {
		content := pattern(200_000+i, uint32(i))
		wantBlob(t, s, mustCommit(t, s, uploadID(i), content), content)
	}
	wantObjects(t, d, count)
}

// chunked appends content in chunks of a third.
func chunked(ctx context.Context, s blob.Store, id string, content []byte) error {
	for from := 0; from < len(content); {
		to := min(from+len(content)/3, len(content))
		n, err := s.Append(ctx, id, int64(from), bytes.NewReader(content[from:to]))
		if err != nil {
			return err
		}
		if n != int64(to-from) {
			return fmt.Errorf("appended %d of %d bytes", n, to-from)
		}
		from = to
	}
	return nil
}

func cancel(t *testing.T, d Driver) {
	s := d.Open(t)
	mustAppend(t, s, uploadID(0), 0, []byte("abc"))
	mustAppend(t, s, uploadID(1), 0, []byte("other"))
	for range 2 { // the second time it is unknown, which is no error
		if err := s.Cancel(t.Context(), uploadID(0)); err != nil {
			t.Fatal(err)
		}
	}
	wantUploadUnknown(t, s, uploadID(0))
	wantUpload(t, s, uploadID(1), []byte("other"))
	wantObjects(t, d, 1)
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
			_, err := s.Append(t.Context(), id, 0, bytes.NewReader([]byte("x")))
			wantNameInvalid(t, err)
			_, err = s.UploadSize(t.Context(), id)
			wantNameInvalid(t, err)
			_, err = s.ReadUpload(t.Context(), id)
			wantNameInvalid(t, err)
			_, _, err = s.Commit(t.Context(), id, emptyDigest)
			wantNameInvalid(t, err)
			wantNameInvalid(t, s.Cancel(t.Context(), id))
		})
	}
	wantObjects(t, d, 0)
}

func wantNameInvalid(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, blob.ErrNameInvalid) {
		t.Errorf("got %v, want ErrNameInvalid", err)
	}
}
