//go:build acceptance

package haventest

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// ObjectStore is a server of an object store, with one bucket.
type ObjectStore struct {
	URL  string   // for storage_url
	Env  []string // what else Haven needs to get in
	Host string   // 127.0.0.1:PORT of the server
	Dir  string   // where the server keeps the bucket's objects as files
}

// StartS3 runs a server of S3's API over a folder until the test ends.
func StartS3(t *testing.T) *ObjectStore {
	t.Helper()
	dir := t.TempDir()
	bucket := filepath.Join(dir, "blobs")
	if err := os.Mkdir(bucket, 0o700); err != nil {
		t.Fatal(err)
	}
	s := &ObjectStore{Host: FreeAddress(t), Dir: bucket, Env: []string{"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=" + StoreSecret}}
	s.URL = "s3://blobs?endpoint=http://" + s.Host + "&region=us-east-1&path_style=true"
	cmd := exec.Command(Tool(t, "versitygw"), "--port", s.Host, "--quiet", "posix", dir)
	cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY=test", "ROOT_SECRET_KEY="+StoreSecret)
	if err := cmd.Start(); err != nil {
		t.Fatalf("start versitygw: %v", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for deadline := time.Now().Add(20 * time.Second); ; {
		if c, err := net.Dial("tcp", s.Host); err == nil {
			c.Close()
			return s
		}
		if time.Now().After(deadline) {
			t.Fatal("versitygw doesn't answer after 20 s")
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// StoreSecret is the secret key of the object store. No log may have it.
const StoreSecret = "canary-of-the-store"
