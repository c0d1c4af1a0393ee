package file_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/blob/file"
	"github.com/havenregistry/haven/internal/oci"
)

// A volume is read where it lies, and a store over it writes nothing.
func TestVolume(t *testing.T) {
	dir := t.TempDir()
	if _, err := file.OpenVolume(dir); err == nil || !strings.Contains(err.Error(), "no volume") {
		t.Fatalf("a folder without blobs: %v", err)
	}
	content := []byte("of another registry")
	sum := oci.Digest("sha256:").NewHash()
	sum.Write(content)
	d := oci.FromHash(oci.SHA256, sum)
	at := filepath.Join("docker/registry/v2/blobs/sha256", d.Hex()[:2], d.Hex(), "data")
	if err := errors.Join(os.MkdirAll(filepath.Join(dir, filepath.Dir(at)), 0o755), os.WriteFile(filepath.Join(dir, at), content, 0o644)); err != nil {
		t.Fatal(err)
	}
	v, err := file.OpenVolume(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	found, size, err := v.Find(t.Context(), d)
	if err != nil || found != at || size != int64(len(content)) {
		t.Errorf("find: %s, %d, %v", found, size, err)
	}
	if _, _, err := v.Find(t.Context(), oci.Digest("sha256:"+strings.Repeat("0", 64))); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("find an absent one: %v", err)
	}
	store := blob.ReadOnly(v)
	open, err := store.Open(t.Context(), found)
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	if read, err := io.ReadAll(open); err != nil || string(read) != string(content) || open.Size() != size {
		t.Errorf("read %q, %v", read, err)
	}
	if _, err := store.Open(t.Context(), "../secret"); !errors.Is(err, blob.ErrNameInvalid) {
		t.Errorf("open what is no blob: %v", err)
	}
	var listed []string
	if err := store.Blobs(t.Context(), func(at string, _ int64) error { listed = append(listed, at); return nil }); err != nil || len(listed) != 1 || listed[0] != at {
		t.Errorf("listed: %v, %v", listed, err)
	}
	_, appended := store.Append(t.Context(), blob.Upload{ID: "0123456789abcdef"}, strings.NewReader("x"))
	_, committed := store.Commit(t.Context(), blob.Upload{ID: "0123456789abcdef"}, d)
	for name, err := range map[string]error{
		"append": appended, "commit": committed, "delete": store.Delete(t.Context(), at), "record": store.PutRecord(t.Context(), "x", nil), "check": store.Check(t.Context()),
	} {
		if !errors.Is(err, blob.ErrReadOnly) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if entries, err := fs.ReadDir(os.DirFS(dir), "."); err != nil || len(entries) != 1 {
		t.Errorf("something was made: %v, %v", entries, err)
	}
}
