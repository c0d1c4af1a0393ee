package file

import (
	"errors"
	"testing"

	"github.com/havenregistry/haven/internal/blob"
)

func TestRecordsAreSynced(t *testing.T) {
	s, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.PutRecord(t.Context(), "a/b/c", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := s.SyncRecords(t.Context(), "a/b/c"); err != nil {
		t.Error(err)
	}
	if err := s.SyncRecords(t.Context(), "a/b/d"); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("an absent record: %v, want ErrNotFound", err)
	}
	if err := s.SyncRecords(t.Context(), "../x"); !errors.Is(err, blob.ErrNameInvalid) {
		t.Errorf("no name: %v, want ErrNameInvalid", err)
	}
}
