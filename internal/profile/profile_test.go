package profile

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/fault"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// kinds are all that the API's description names.
var kinds = []string{"cpu", "heap", "allocs", "goroutine", "mutex", "block", "trace"}

func TestTake(t *testing.T) {
	d := dbtest.SQLite(t)
	s := New(d, time.Now)
	secret := strings.Clone("canary of the heap") // what the program has in memory isn't in its profiles
	for _, kind := range kinds {
		text, err := s.Take(t.Context(), "admin", kind, time.Second)
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		if kind == "trace" {
			if !bytes.HasPrefix(text, []byte("go 1.")) {
				t.Errorf("a trace begins with %q", text[:min(len(text), 8)])
			}
			continue
		}
		z, err := gzip.NewReader(bytes.NewReader(text))
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		plain, err := io.ReadAll(z)
		if err != nil || len(plain) == 0 || bytes.Contains(plain, []byte(secret)) {
			t.Errorf("%s: %d bytes, %v", kind, len(plain), err)
		}
	}
	logged, err := db.Collect(t.Context(), d.Auto(), db.ScanString, `SELECT body FROM event WHERE kind = 'take_profile' ORDER BY id`)
	if err != nil || len(logged) != len(kinds) || !strings.Contains(logged[0], `"by":"admin"`) || !strings.Contains(logged[0], "cpu") {
		t.Errorf("logged %v, %v", logged, err)
	}
	if _, err := s.Take(t.Context(), "admin", "nosuch", time.Second); !errors.Is(err, fault.NotFound) {
		t.Errorf("an unknown profile: %v", err)
	}
}

func TestOneAtATime(t *testing.T) {
	s := New(dbtest.SQLite(t), time.Now)
	s.one <- struct{}{}
	if _, err := s.Take(t.Context(), "admin", "heap", 0); !errors.Is(err, ErrBusy) {
		t.Errorf("got %v", err)
	}
	<-s.one
	// Who goes ends it.
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := s.Take(ctx, "admin", "cpu", MaxTime); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if _, err := s.Take(t.Context(), "admin", "cpu", time.Second); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestProfilesAreBounded(t *testing.T) {
	var b bounded
	for range 3 {
		if n, err := b.Write(make([]byte, maxSize/2)); n != maxSize/2 || err != nil {
			t.Fatal(n, err)
		}
	}
	if !b.cut || b.Len() != maxSize {
		t.Errorf("%d bytes are kept", b.Len())
	}
}
