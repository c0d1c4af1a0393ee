//go:build acceptance

package fault

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/test/haventest"
	"github.com/havenregistry/haven/test/ledger"
)

// idlers is how many clients stall at a time.
const idlers = 100

// Clients that stall in the middle of a header or a body cost others nothing.
func TestClientsThatStall(t *testing.T) {
	server := haventest.Start(t, haventest.Options{Plain: true})
	fleet := newFleet(t, server.Door)
	before, _ := server.Memory()
	var header net.Conn
	for i := range idlers {
		c := dial(t, server.Host)
		if i%2 == 0 {
			fmt.Fprintf(c, "POST /v2/%s/slow/blobs/uploads/ HTTP/1.1\r\nHost: %s\r\nX-Slow", project, server.Host)
			header = c
			continue
		}
		location := begin(t, server)
		fmt.Fprintf(c, "PATCH %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Length: 1000000\r\n\r\nslow", location, server.Host, fleet.Workers[0].Client.Token)
	}
	began := time.Now()
	work(t, fleet, 2*time.Second)
	checkAll(t, fleet)
	if n := fleet.Counts.Images.Load(); n < 5 {
		t.Errorf("beside %d clients that stall only %d images were pushed in %s", idlers, n, time.Since(began).Round(time.Second))
	}
	after, _ := server.Memory()
	t.Logf("%d clients stall; %d MB more; %s", idlers, (after-before)>>20, fleet.Counts)
	if after-before > 100<<20 {
		t.Errorf("they take %d MB", (after-before)>>20)
	}
	// A header has a time limit; the limit of a body that stands still is longer.
	if err := header.SetReadDeadline(time.Now().Add(40 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, header); err != nil {
		t.Errorf("a header that never ends is still waited for after 40 s: %v", err)
	}
}

// A client that leaves in the middle of a body has sent what it has sent: a chunk can be
// gone on with, a blob in one request is not there.
func TestClientsThatSendHalf(t *testing.T) {
	haventest.OnEachDatabase(t, func(t *testing.T, databaseURL string) {
		server := haventest.Start(t, haventest.Options{Plain: true, DatabaseURL: databaseURL})
		fleet := newFleet(t, server.Door)
		token := fleet.Workers[0].Client.Token
		b := ledger.NewBlob([]byte(strings.Repeat("0123456789", 100_000)))
		for _, sent := range []int{1000, len(b.Content) / 2, len(b.Content) - 1} {
			single := fmt.Sprintf("/v2/%s/w0/blobs/uploads/?digest=%s", project, b.Digest)
			sendHalf(t, server.Host, "POST", single, token, b.Content, sent)
			if a := server.Call(t, "admin", haventest.AdminPassword, http.MethodHead, "/v2/"+project+"/w0/blobs/"+b.Digest, nil); a.Status != http.StatusNotFound {
				t.Errorf("a blob of which %d bytes were sent is answered with %d", sent, a.Status)
			}
			location := begin(t, server)
			sendHalf(t, server.Host, "PATCH", location, token, b.Content, sent)
			held := settled(t, server, location)
			if held > sent {
				t.Errorf("%d bytes were sent and %d are held", sent, held)
			}
			resume(t, server, location, token, b, held)
		}
	})
}

func begin(t *testing.T, server *haventest.Server) string {
	t.Helper()
	a := server.Admin(t, http.StatusAccepted, http.MethodPost, "/v2/"+project+"/w0/blobs/uploads/", nil)
	return strings.TrimPrefix(a.Header.Get("Location"), server.URL)
}

func dial(t *testing.T, host string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// sendHalf announces the whole content, sends a part of it, and leaves.
func sendHalf(t *testing.T, host, method, path, token string, content []byte, sent int) {
	t.Helper()
	c := dial(t, host)
	fmt.Fprintf(c, "%s %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n", method, path, host, token, len(content))
	if _, err := c.Write(content[:sent]); err != nil {
		t.Fatal(err)
	}
	// The end of what is sent; an answer, if there is one, says that it was too little.
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if err := c.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err == nil {
		resp.Body.Close()
		if resp.StatusCode < 400 {
			t.Errorf("half a %s is answered with %d", method, resp.StatusCode)
		}
	}
}

// settled asks what the upload holds.
func settled(t *testing.T, server *haventest.Server, location string) int {
	t.Helper()
	a := server.Admin(t, http.StatusNoContent, http.MethodGet, location, nil)
	last := 0
	if _, err := fmt.Sscanf(a.Header.Get("Range"), "0-%d", &last); err != nil {
		t.Fatalf("Range %q", a.Header.Get("Range"))
	}
	if last == 0 {
		return 0
	}
	return last + 1
}

func resume(t *testing.T, server *haventest.Server, location, token string, b ledger.Blob, held int) {
	t.Helper()
	for _, step := range []struct {
		method, path string
		body         string
		want         int
	}{
		{http.MethodPatch, location, string(b.Content[held:]), http.StatusAccepted},
		{http.MethodPut, location + "?digest=" + b.Digest, "", http.StatusCreated},
		{http.MethodDelete, "/v2/" + project + "/w0/blobs/" + b.Digest, "", http.StatusAccepted},
	} {
		req, err := http.NewRequest(step.method, server.URL+step.path, strings.NewReader(step.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		if step.method == http.MethodPatch && held > 0 {
			req.Header.Set("Content-Range", fmt.Sprintf("%d-%d", held, len(b.Content)-1))
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		said, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != step.want {
			t.Fatalf("%s with %d bytes held: status %d, want %d: %s", step.method, held, resp.StatusCode, step.want, said)
		}
	}
}
