package file

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/oci"
)

// After a restart of the machine an upload's file may have its size and not its bytes.
func TestBytesLostWithThePowerBecomeNoBlob(t *testing.T) {
	const text = "hello, world"
	d := oci.SHA256Of([]byte(text))
	cases := []struct {
		name  string
		boot  string // that the second half is written and committed under
		found string // first half, after the restart
		want  error
	}{
		{"same run", "", text[:5], nil},
		{"restarted, whole", "other", text[:5], nil},
		{"restarted, torn", "other", "he\x00\x00\x00", blob.ErrUploadUnknown},
		{"restarted, shorter", "other", "he", blob.ErrOffset},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir)
			u, err := s.Append(t.Context(), blob.Upload{ID: upload}, strings.NewReader(text[:5]))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, uploadsDir, upload), []byte(c.found), 0o600); err != nil {
				t.Fatal(err)
			}
			s = open(t, dir)
			if c.boot != "" {
				s.boot = []byte(c.boot)
			}
			if u, err = s.Append(t.Context(), u, strings.NewReader(text[5:])); err == nil {
				_, err = s.Commit(t.Context(), u, d)
			}
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

// A commit that was cut off may have given torn bytes the blob's name.
func TestCommitIsNotRepeatedOnBytesLostWithThePower(t *testing.T) {
	dir, d := t.TempDir(), oci.SHA256Of([]byte("hello"))
	s := open(t, dir)
	u, err := s.Append(t.Context(), blob.Upload{ID: upload}, strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	placed, err := s.Commit(t.Context(), u, d)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, placed), make([]byte, 5), 0o600); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	s.boot = []byte("other")
	if _, err := s.Commit(t.Context(), u, d); !errors.Is(err, blob.ErrUploadUnknown) {
		t.Errorf("got %v, want ErrUploadUnknown", err)
	}
}
