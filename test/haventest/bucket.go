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

// S3 starts an S3 server (versitygw, over a folder) that ends with the test, and returns its address and
// the storage_url of an empty bucket in it. A prefix may be put between bucket and parameters.
func S3(t testing.TB) (address, storageURL string) {
	t.Helper()
	dir := t.TempDir()
	const bucket = "registry"
	if err := os.Mkdir(filepath.Join(dir, bucket), 0o700); err != nil {
		t.Fatal(err)
	}
	address = freeAddress(t)
	cmd := exec.Command(Tool(t, "versitygw"), "--port", address, "posix", dir)
	cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY=test", "ROOT_SECRET_KEY=testtest")
	serve(t, cmd, address)
	return address, "s3://" + bucket + "?endpoint=http://" + address + "&path_style=true&access_key=test&secret_key=testtest"
}

// serve runs a server until the test ends, and waits until it takes connections.
func serve(t testing.TB, cmd *exec.Cmd, address string) {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), filepath.Base(cmd.Path)+".log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-ended
		log.Close()
	})
	deadline := time.After(30 * time.Second)
	for {
		if c, err := net.DialTimeout("tcp", address, time.Second); err == nil {
			c.Close()
			return
		}
		select {
		case err := <-ended:
			ended <- err
			text, _ := os.ReadFile(log.Name())
			t.Fatalf("%s: %v\n%s", cmd.Path, err, text)
		case <-deadline:
			text, _ := os.ReadFile(log.Name())
			t.Fatalf("%s does not listen on %s\n%s", cmd.Path, address, text)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
