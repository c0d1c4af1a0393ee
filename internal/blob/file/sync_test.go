package file

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/oci"
)

// commit puts a blob of this content into the store.
func commit(t *testing.T, s *Store, content string) (location string) {
	t.Helper()
	u, err := s.Append(t.Context(), at(0), strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	if location, err = s.Commit(t.Context(), u, oci.SHA256Of([]byte(content))); err != nil {
		t.Fatal(err)
	}
	return location
}

func TestSyncManyAndLarge(t *testing.T) {
	for _, whole := range []bool{true, false} {
		t.Run(fmt.Sprint("whole=", whole), func(t *testing.T) {
			s := open(t, t.TempDir())
			s.whole = s.whole && whole
			locations := []string{commit(t, s, strings.Repeat("large", sharedMost))}
			for i := range openAtOnce {
				locations = append(locations, commit(t, s, fmt.Sprint("blob", i)))
			}
			if err := s.Sync(t.Context(), append(locations, locations...)...); err != nil {
				t.Fatal(err)
			}
			if err := s.Delete(t.Context(), locations[7]); err != nil {
				t.Fatal(err)
			}
			if err := s.Sync(t.Context(), locations...); !errors.Is(err, blob.ErrNotFound) {
				t.Fatalf("got %v, want ErrNotFound for the blob that was deleted", err)
			}
			if failed := s.syncEach(locations); len(failed) != 1 || !errors.Is(failed[locations[7]], blob.ErrNotFound) {
				t.Fatalf("got %v, want ErrNotFound for the one that was deleted", failed)
			}
		})
	}
}

// All that come while a round runs share the next one: the file system may have passed their blobs.
func TestSyncsGatherInTheNextRound(t *testing.T) {
	s := open(t, t.TempDir())
	var locations []string
	for i := range 20 {
		locations = append(locations, commit(t, s, fmt.Sprint(i)))
	}
	synctest.Test(t, func(t *testing.T) {
		s.syncs.running = true
		errs := make(chan error, len(locations))
		for _, location := range locations {
			go func() { errs <- s.Sync(t.Context(), location) }()
		}
		synctest.Wait() // each of them waits now
		if s.syncs.next == nil || len(s.syncs.next.locations) != len(locations) || len(errs) > 0 {
			t.Fatalf("next round: %+v, %d returned", s.syncs.next, len(errs))
		}
		s.run(&syncRound{done: make(chan struct{})})
		for range locations {
			if err := <-errs; err != nil {
				t.Fatal(err)
			}
		}
	})
}

// A blob that could not be synced once is never called durable, until other bytes are in its place.
func TestFailedSyncIsRemembered(t *testing.T) {
	s := open(t, t.TempDir())
	bad, good := commit(t, s, "bad"), commit(t, s, "good")
	failed := map[string]error{bad: syscall.EIO}
	if err := s.syncs.failure([]string{good, bad}, failed); !errors.Is(err, syscall.EIO) {
		t.Fatalf("got %v, want the error", err)
	}
	if err := s.Sync(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	if err := s.Sync(t.Context(), good, bad); !errors.Is(err, syscall.EIO) {
		t.Fatalf("got %v, want the error of the sync before", err)
	}
	if commit(t, s, "bad") != bad {
		t.Fatal("another location")
	}
	if err := s.Sync(t.Context(), good, bad); err != nil {
		t.Fatalf("after it was pushed again: %v", err)
	}
}
