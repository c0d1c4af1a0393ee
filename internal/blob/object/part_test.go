package object

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/havenregistry/haven/internal/blob"
)

// A part holds the same bytes wherever they lie: in memory, in a temporary file, or in both.
func TestPart(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789abcdef!"), 100_000) // 1.7 MB, seven chunks
	for name, chunks := range map[string]int64{"memory": 100, "both": 3, "file": 0} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			m := newMemory(chunks*chunkSize, dir)
			p := &part{memory: m}
			r := iotest.HalfReader(bytes.NewReader(content))
			if err := p.fill(t.Context(), r, 1_000_000); err != nil || p.size != 1_000_000 {
				t.Fatalf("%d bytes, %v", p.size, err)
			}
			if err := p.fill(t.Context(), r, 5_000_000); err != io.EOF || p.size != int64(len(content)) { //nolint:errorlint // readers return it plain
				t.Fatalf("%d bytes, %v", p.size, err)
			}
			if err := iotest.TestReader(io.NewSectionReader(p, 0, p.size), content); err != nil {
				t.Error(err)
			}
			if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
				t.Errorf("a temporary file has a name: %v, %v", entries, err)
			}
			p.release()
			if m.taken != 0 || m.slab != nil && int64(len(m.free)) != chunks {
				t.Errorf("%d chunks are free, want %d", len(m.free), chunks)
			}
		})
	}
}

func TestPartKeepsLittleInMemory(t *testing.T) {
	m := newMemory(1<<30, t.TempDir())
	p := &part{memory: m}
	defer p.release()
	if err := p.fill(t.Context(), zeros{}, partMemory+3*chunkSize); err != nil {
		t.Fatal(err)
	}
	if p.inMemory() != partMemory || p.file == nil {
		t.Errorf("%d bytes in memory", p.inMemory())
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

// Memory that nobody uses goes back to the system: the pages are empty when they come again.
func TestMemoryIsGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(4*chunkSize, t.TempDir())
		c := m.take()
		c[0] = 1
		time.Sleep(2 * memoryIdle)
		if c[0] != 1 {
			t.Fatal("given back while in use")
		}
		m.give([]chunk{c})
		time.Sleep(memoryIdle + time.Second)
		if again := m.take(); again != c || again[0] != 0 {
			t.Error("kept for ever")
		}
	})
}

func TestPartStops(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	p := &part{memory: newMemory(1<<20, t.TempDir())}
	if err := p.fill(ctx, zeros{}, 10); !errors.Is(err, context.Canceled) || p.size != 0 {
		t.Errorf("%d bytes, %v", p.size, err)
	}
	missing := &part{memory: newMemory(0, "/nonexistent")}
	var failed *spoolError
	if err := missing.fill(t.Context(), zeros{}, 10); !errors.As(err, &failed) {
		t.Errorf("got %v, want a spoolError", err)
	}
}

// The sizes grow so that 10,000 parts of S3 are enough for 5 TiB, whatever the first size is.
func TestPartSizes(t *testing.T) {
	limits := Limits{Part: 5 << 20, MaxPart: 5 << 30, Parts: 10_000}
	for _, first := range []int64{5 << 20, 8 << 20, 1 << 30} {
		s := New(limited{limits: limits}, Options{PartSize: first})
		var sum, before int64
		for n := 1; n <= limits.Parts; n++ {
			size := s.partSize(n)
			if size < max(before, limits.Part) || size > limits.MaxPart {
				t.Fatalf("part %d has %d bytes, the one before %d", n, size, before)
			}
			before = size
			sum += size
		}
		if sum < 5<<40 {
			t.Errorf("from %d on all parts have %d bytes", first, sum)
		}
	}
}

// limited is a bucket of which only the limits are asked.
type limited struct {
	Bucket
	limits Limits
}

func (l limited) Limits() Limits { return l.limits }

func TestState(t *testing.T) {
	parts := []Part{{Number: 1, Size: 5, ETag: "a"}, {Number: 2, Size: 6, ETag: "b", Previous: "a"}, {Number: 3, Size: 7, ETag: "c", Previous: "b"}}
	var st state
	for _, p := range parts {
		st.add(p)
	}
	u, err := st.upload("0192f0c1-7d3e-7000-8000-000000000000")
	if err != nil || u.Size != 18 {
		t.Fatalf("%+v, %v", u, err)
	}
	st, err = parse(u)
	if err != nil {
		t.Fatal(err)
	}
	side := Part{Number: 2, Size: 6, ETag: "other", Previous: "a"}
	newer := Part{Number: 4, Size: 9, ETag: "newer", Previous: "c"}
	for name, test := range map[string]struct {
		listed []Part
		ok     bool
	}{
		"as they are":      {parts, true},
		"and newer ones":   {append([]Part{newer}, parts...), true},
		"and one beside":   {append([]Part{side}, parts...), true},
		"one is missing":   {parts[1:], false},
		"one was replaced": {[]Part{parts[0], side, parts[2]}, false},
		"other size":       {[]Part{{Number: 1, Size: 4, ETag: "a"}, parts[1], parts[2]}, false},
		"none":             {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			chosen, err := st.choose(test.listed)
			if test.ok != (err == nil) || err != nil && !errors.Is(err, errChanged) {
				t.Fatalf("got %v", err)
			}
			for i, p := range chosen {
				if p != parts[i] {
					t.Errorf("part %d is %+v", i+1, p)
				}
			}
		})
	}
	if _, err := parse(blob.Upload{ID: u.ID, State: []byte("no JSON")}); err == nil {
		t.Error("a broken state was taken")
	}
}
