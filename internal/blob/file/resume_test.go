package file

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/oci"
)

// A blob that was placed has its upload as long as nobody cancels it, whether its place was empty or not; and
// nothing that is sent to the upload afterwards gets into the blob.
func TestPlacedUploadStays(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	d := oci.SHA256Of([]byte("content"))
	for _, name := range []string{"an empty place", "another upload's blob"} {
		if _, err := s.Append(t.Context(), at(0), strings.NewReader("content")); err != nil {
			t.Fatal(err)
		}
		var target string
		for range 2 { // repeated after a crash
			var err error
			if target, err = s.Place(t.Context(), at(7), d); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if got, err := s.Resume(t.Context(), upload); err != nil || got.Size != 7 {
				t.Fatalf("%s: the upload is %+v, %v", name, got, err)
			}
		}
		for _, size := range []int64{0, 3, 7} {
			if _, err := s.Append(t.Context(), at(size), strings.NewReader(" and more")); !errors.Is(err, blob.ErrUploadUnknown) {
				t.Errorf("%s: append at %d to a blob: %v", name, size, err)
			}
		}
		if _, err := s.Place(t.Context(), at(3), oci.SHA256Of([]byte("con"))); !errors.Is(err, blob.ErrUploadUnknown) {
			t.Errorf("%s: a part of a blob becomes another: %v", name, err)
		}
		if err := s.Cancel(t.Context(), at(7)); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Resume(t.Context(), upload); !errors.Is(err, blob.ErrUploadUnknown) {
			t.Errorf("%s: after its end the upload is known: %v", name, err)
		}
		if content, err := os.ReadFile(filepath.Join(dir, target)); err != nil || string(content) != "content" {
			t.Errorf("%s: the blob is %q, %v", name, content, err)
		}
	}
	if left, err := os.ReadDir(filepath.Join(dir, uploadsDir)); err != nil || len(left) != 0 {
		t.Errorf("uploads left: %v, %v", left, err)
	}
}

// An upload that was being begun when the process was killed is unknown; a moment later it holds all.
func TestBegunWhollyOrNotAtAll(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	u, err := s.Begin(t.Context(), upload, []byte("content"))
	if err != nil || u.Size != 7 {
		t.Fatal(u, err)
	}
	if got, err := s.Resume(t.Context(), upload); err != nil || got.Size != 7 {
		t.Errorf("begun, the upload is %+v, %v", got, err)
	}
	if u, err = s.Append(t.Context(), u, strings.NewReader(" and more")); err != nil || u.Size != 16 {
		t.Errorf("gone on with, the upload is %+v, %v", u, err)
	}
	if err := os.Chmod(filepath.Join(dir, uploadsDir, upload), notBegun); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Resume(t.Context(), upload); !errors.Is(err, blob.ErrUploadUnknown) {
		t.Errorf("half begun, the upload is %+v, %v", got, err)
	}
	found := 0
	if err := s.Uploads(t.Context(), time.Now().Add(time.Hour), func(string) error { found++; return nil }); err != nil || found != 1 {
		t.Errorf("%d uploads are found to be cleared away, %v", found, err)
	}
}
