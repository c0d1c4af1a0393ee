//go:build acceptance

package haventest

import (
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
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
	address = FreeAddress(t)
	cmd := exec.Command(Tool(t, "versitygw"), "--port", address, "posix", dir)
	cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY=test", "ROOT_SECRET_KEY=testtest")
	serve(t, cmd, address)
	return address, "s3://" + bucket + "?endpoint=http://" + address + "&path_style=true&access_key=test&secret_key=testtest"
}

// serve runs a server until the test ends, and waits until it takes connections.
func serve(t testing.TB, cmd *exec.Cmd, address string) {
	t.Helper()
	ended := startServer(t, cmd, address)
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-ended
	})
}

// startServer runs a server that the caller ends, and waits until it takes connections. The channel has its
// end.
func startServer(t testing.TB, cmd *exec.Cmd, address string) chan error {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), filepath.Base(cmd.Path)+".log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	deadline := time.After(30 * time.Second)
	for {
		if c, err := net.DialTimeout("tcp", address, time.Second); err == nil {
			c.Close()
			return ended
		}
		select {
		case err := <-ended:
			text, _ := os.ReadFile(log.Name())
			t.Fatalf("%s: %v\n%s", cmd.Path, err, text)
		case <-deadline:
			cmd.Process.Kill()
			<-ended
			text, _ := os.ReadFile(log.Name())
			t.Fatalf("%s does not listen on %s\n%s", cmd.Path, address, text)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// The account that Azurite has.
const (
	AzureAccount = "devstoreaccount1"
	AzureKey     = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)

// Azure starts Azurite, which ends with the test, and returns its address and the storage_url of an empty
// container in it.
func Azure(t testing.TB) (address, storageURL string) {
	t.Helper()
	address = FreeAddress(t)
	host, port, _ := net.SplitHostPort(address)
	serve(t, exec.Command(Tool(t, "azurite"), "--inMemoryPersistence", "--disableTelemetry", "--skipApiVersionCheck",
		"--silent", "--blobHost", host, "--blobPort", port), address)
	endpoint := "http://" + address + "/" + AzureAccount
	key, err := container.NewSharedKeyCredential(AzureAccount, AzureKey)
	if err != nil {
		t.Fatal(err)
	}
	client, err := container.NewClientWithSharedKeyCredential(endpoint+"/registry", key, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Create(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return address, "azblob://registry?endpoint=" + endpoint + "&account=" + AzureAccount + "&account_key=" + url.QueryEscape(AzureKey)
}

// GCS starts an emulator of Google Cloud Storage (fake-gcs-server), which ends with the test, and returns its
// address and the storage_url of an empty bucket in it.
func GCS(t testing.TB) (address, storageURL string) {
	t.Helper()
	address = FreeAddress(t)
	host, port, _ := net.SplitHostPort(address)
	serve(t, exec.Command(Tool(t, "fake-gcs-server"), "-scheme", "http", "-host", host, "-port", port, "-backend", "memory",
		"-public-host", address, "-external-url", "http://"+address, "-log-level", "error"), address)
	answer, err := http.Post("http://"+address+"/storage/v1/b?project=test", "application/json", strings.NewReader(`{"name":"registry"}`))
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("create a bucket: %s", answer.Status)
	}
	return address, "gs://registry?endpoint=http://" + address
}
