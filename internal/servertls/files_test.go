package servertls

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestFilesAreReadAnew(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	write := func(path string, text []byte) {
		t.Helper()
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ca := newAuthority(t)
	lasting := func(life time.Duration) issued { return ca.issue(t, "registry.test", life) }
	log := slog.New(slog.DiscardHandler)
	if _, err := NewFiles(certFile, keyFile, log); err == nil {
		t.Error("files that aren't there are a certificate")
	}
	first, second := lasting(time.Hour), lasting(2*time.Hour)
	write(certFile, first.cert)
	write(keyFile, second.key)
	if _, err := NewFiles(certFile, keyFile, log); err == nil {
		t.Error("files that don't belong together are a certificate")
	}
	write(keyFile, first.key)
	files, err := NewFiles(certFile, keyFile, log)
	if err != nil {
		t.Fatal(err)
	}
	shows := func(want issued) {
		t.Helper()
		pair, err := files.GetCertificate(nil)
		if err != nil || !pair.Leaf.Equal(want.leaf) || !files.End().Equal(want.leaf.NotAfter) {
			t.Errorf("it ends %s, %v; want %s", files.End(), err, want.leaf.NotAfter)
		}
	}
	shows(first)
	write(certFile, second.cert) // half of the change
	shows(first)
	write(keyFile, second.key)
	shows(second)
	write(certFile, []byte("x"))
	shows(second)
	if err := os.Remove(certFile); err != nil {
		t.Fatal(err)
	}
	shows(second)
}
