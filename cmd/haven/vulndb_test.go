package main

import (
	"archive/tar"
	"compress/gzip"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/oci"
)

// A folder is sent as the archive that registries hold, and what the registry says is shown.
func TestVulnDBImport(t *testing.T) {
	var files []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, password, _ := r.BasicAuth()
		if name != "admin" || password != "Test-12345" || r.URL.Path != "/api/haven/v1/vulndb/import" {
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(`{"errors":[{"code":"FORBIDDEN","message":"not you"}]}`))
			return
		}
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			t.Error(err)
			return
		}
		for archive := tar.NewReader(z); ; {
			h, err := archive.Next()
			if err != nil {
				break
			}
			files = append(files, h.Name)
		}
		_, _ = w.Write([]byte(`{"changed":true,"current":{"version":2,"updated_at":"2026-11-01T06:00:00Z","digest":"sha256:aa","source":"upload"}}`))
	}))
	defer server.Close()
	dir := t.TempDir()
	for _, name := range []string{"trivy.db", "metadata.json"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("HAVEN_SERVER", server.URL)
	t.Setenv("HAVEN_USERNAME", "admin")
	t.Setenv("HAVEN_PASSWORD", "Test-12345")
	status, text := haven(t, "vulndb", "import", dir)
	if status != 0 || !strings.Contains(text, "in force now") || strings.Join(files, " ") != "trivy.db metadata.json" {
		t.Errorf("%d %s %q", status, text, files)
	}
	t.Setenv("HAVEN_PASSWORD", "wrong")
	if status, text := haven(t, "vulndb", "import", dir); status != 1 || !strings.Contains(text, "not you") || strings.Contains(text, "wrong") {
		t.Errorf("a refusal: %d %s", status, text)
	}
	if status, text := haven(t, "vulndb", "import", t.TempDir()); status != 1 || !strings.Contains(text, "metadata.json") {
		t.Errorf("an empty folder: %d %s", status, text)
	}
}

// An edition is fetched into a file that is there wholly or not at all.
func TestVulnDBExport(t *testing.T) {
	content, digest := "an archive", ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/haven/v1/vulndb/archive" {
			t.Errorf("asked for %s", r.URL.Path)
		}
		w.Header().Set("Docker-Content-Digest", digest)
		_, _ = w.Write([]byte(content))
	}))
	defer server.Close()
	dir := t.TempDir()
	path := filepath.Join(dir, "db.tar.gz")
	args := []string{"vulndb", "export", path, "--server", server.URL, "--username", "admin"}
	t.Setenv("HAVEN_PASSWORD", "Test-12345")
	digest = oci.SHA256Of([]byte("another archive")).String()
	if status, text := haven(t, args...); status != 1 || !strings.Contains(text, "the line broke") {
		t.Errorf("damaged: %d %s", status, text)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("a damaged archive leaves %v, %v", left, err)
	}
	digest = oci.SHA256Of([]byte(content)).String()
	if status, text := haven(t, args...); status != 0 || !strings.Contains(text, digest) {
		t.Errorf("%d %s", status, text)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != content {
		t.Errorf("%q, %v", got, err)
	}
}
