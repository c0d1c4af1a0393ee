//go:build acceptance

package storage

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/test/haventest"
)

// TestProgram pushes to and pulls from the whole program on each kind of storage: a small and a large blob,
// the same ones once more, and with the digest that bytes are read again for.
func TestProgram(t *testing.T) {
	for name, start := range map[string]func(*testing.T) kind{"s3": startS3, "azure": startAzure, "gcs": startGCS} {
		t.Run(name, func(t *testing.T) {
			c := client{t, haventest.Start(t, haventest.Options{Plain: true, Env: []string{"HAVEN_STORAGE_URL=" + start(t).url}})}
			for _, size := range []int{0, 1000, 20_000_000} {
				content := random(size)
				for _, algorithm := range []oci.Algorithm{oci.SHA256, oci.SHA512} {
					digest, err := oci.FromBytes(algorithm, content)
					if err != nil {
						t.Fatal(err)
					}
					for _, repository := range []string{"library/one", "library/two"} {
						c.push(repository, content, digest)
						if answer, got := c.pull(http.DefaultClient, repository, digest, ""); answer.StatusCode != http.StatusOK || !bytes.Equal(got, content) {
							t.Errorf("pull of %s: %s, %d bytes", digest, answer.Status, len(got))
						}
					}
					if size == 0 {
						continue
					}
					answer, got := c.pull(http.DefaultClient, "library/two", digest, "bytes=100-299")
					if answer.StatusCode != http.StatusPartialContent || !bytes.Equal(got, content[100:300]) {
						t.Errorf("range of %s: %s, %d bytes", digest, answer.Status, len(got))
					}
				}
			}
		})
	}
}

// TestRedirect: the client is sent to the bucket, where the address alone is enough.
func TestRedirect(t *testing.T) {
	for name, start := range map[string]func(*testing.T) kind{"s3": startS3, "azure": startAzure} {
		t.Run(name, func(t *testing.T) {
			storage := start(t)
			c := client{t, haventest.Start(t, haventest.Options{Plain: true, Env: []string{"HAVEN_STORAGE_URL=" + storage.url + "&redirect=true"}})}
			content := random(6_000_000)
			digest := oci.SHA256Of(content)
			c.push("library/one", content, digest)
			stay := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
			answer, _ := c.pull(stay, "library/one", digest, "")
			if answer.StatusCode != http.StatusTemporaryRedirect || answer.Header.Get("Docker-Content-Digest") != digest.String() {
				t.Fatalf("pull: %s, %v", answer.Status, answer.Header)
			}
			if at := answer.Header.Get("Location"); !strings.HasPrefix(at, "http://"+storage.address+"/") {
				t.Errorf("sent to %s", at)
			}
			answer, got := c.pull(http.DefaultClient, "library/one", digest, "")
			if answer.StatusCode != http.StatusOK || !bytes.Equal(got, content) {
				t.Errorf("followed: %s, %d bytes", answer.Status, len(got))
			}
			answer, got = c.pull(http.DefaultClient, "library/one", digest, "bytes=5000000-")
			if answer.StatusCode != http.StatusPartialContent || !bytes.Equal(got, content[5_000_000:]) {
				t.Errorf("followed with a range: %s, %d bytes", answer.Status, len(got))
			}
		})
	}
}

func random(size int) []byte {
	content := make([]byte, size)
	source := rand.NewChaCha8([32]byte{byte(size)})
	source.Read(content) // never fails
	return content
}

// client pushes and pulls as the administrator.
type client struct {
	t      *testing.T
	server *haventest.Server
}

func (c client) do(by *http.Client, method, address string, body io.Reader, header ...string) (*http.Response, []byte) {
	c.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = c.server.URL + address
	}
	request, err := http.NewRequestWithContext(c.t.Context(), method, address, body)
	if err != nil {
		c.t.Fatal(err)
	}
	request.SetBasicAuth("admin", haventest.AdminPassword)
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	answer, err := by.Do(request)
	if err != nil {
		c.t.Fatal(err)
	}
	defer answer.Body.Close()
	got, err := io.ReadAll(answer.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return answer, got
}

// push sends the content in two pieces.
func (c client) push(repository string, content []byte, digest oci.Digest) {
	c.t.Helper()
	answer, text := c.do(http.DefaultClient, http.MethodPost, "/v2/"+repository+"/blobs/uploads/", nil)
	half := len(content) / 3
	for _, piece := range [][]byte{content[:half], content[half:]} {
		if answer.StatusCode != http.StatusAccepted {
			c.t.Fatalf("push: %s: %s", answer.Status, text)
		}
		answer, text = c.do(http.DefaultClient, http.MethodPatch, answer.Header.Get("Location"), bytes.NewReader(piece),
			"Content-Type", oci.MediaTypeOctetStream)
	}
	at := answer.Header.Get("Location")
	join := "?"
	if strings.Contains(at, "?") {
		join = "&"
	}
	answer, text = c.do(http.DefaultClient, http.MethodPut, at+join+"digest="+digest.String(), nil)
	if answer.StatusCode != http.StatusCreated {
		c.t.Fatalf("commit: %s: %s", answer.Status, text)
	}
}

func (c client) pull(by *http.Client, repository string, digest oci.Digest, span string) (*http.Response, []byte) {
	c.t.Helper()
	var header []string
	if span != "" {
		header = []string{"Range", span}
	}
	return c.do(by, http.MethodGet, "/v2/"+repository+"/blobs/"+digest.String(), nil, header...)
}
