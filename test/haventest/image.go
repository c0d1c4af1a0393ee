//go:build acceptance

package haventest

import (
	"archive/tar"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// NewImage writes an image that nobody has pushed before, as `docker save` would: three
// layers of random bytes that no compression makes smaller, and a config. It returns
// the path of the archive. The image inside is called name, like "demo:1".
func NewImage(t testing.TB, name string) string {
	t.Helper()
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	var layers, diffs []string
	for i, size := range []int{4 << 10, 64 << 10, 3 << 20} {
		layer := newLayer(t, fmt.Sprintf("file-%d", i), size)
		path := fmt.Sprintf("%d/layer.tar", i)
		layers = append(layers, path)
		diffs = append(diffs, fmt.Sprintf("sha256:%x", sha256.Sum256(layer)))
		addFile(t, w, path, layer)
	}
	config := marshal(t, map[string]any{
		"architecture": "amd64", "os": "linux", "created": "2026-01-02T03:04:05Z",
		"config":  map[string]any{"Cmd": []string{"/file-0"}, "Labels": map[string]string{"org.example": "haven"}},
		"rootfs":  map[string]any{"type": "layers", "diff_ids": diffs},
		"history": []any{history("one"), history("two"), history("three")},
	})
	configPath := fmt.Sprintf("%x.json", sha256.Sum256(config))
	addFile(t, w, configPath, config)
	addFile(t, w, "manifest.json", marshal(t, []any{map[string]any{
		"Config": configPath, "RepoTags": []string{name}, "Layers": layers,
	}}))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "image.tar")
	if err := os.WriteFile(path, archive.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func history(step string) map[string]string {
	return map[string]string{"created": "2026-01-02T03:04:05Z", "created_by": "COPY " + step}
}

func newLayer(t testing.TB, name string, size int) []byte {
	t.Helper()
	content := make([]byte, size)
	if _, err := rand.Read(content); err != nil {
		t.Fatal(err)
	}
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	addFile(t, w, name, content)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return layer.Bytes()
}

func addFile(t testing.TB, w *tar.Writer, name string, content []byte) {
	t.Helper()
	if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
}

func marshal(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
