//go:build acceptance

package fault

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/test/haventest"
)

// stall begins to download a blob and reads no more than the head of the answer.
func stall(t *testing.T, s *haventest.Server, token, path string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", s.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.(*net.TCPConn).SetReadBuffer(4096)
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n", path, s.Host, token)
	first := make([]byte, 12)
	if err := conn.SetReadDeadline(time.Now().Add(recovery)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(first); err != nil || string(first) != "HTTP/1.1 200" {
		t.Fatalf("a download began with %q, %v", first, err)
	}
	return conn
}

// refusal is an answer that tells when to come again, in the form that both APIs have.
func refusal(t *testing.T, a haventest.Answer, status int, code string) {
	t.Helper()
	wait, err := strconv.Atoi(a.Header.Get("Retry-After"))
	var body struct{ Errors []struct{ Code string } }
	if a.Status != status || err != nil || wait < 1 || json.Unmarshal(a.Body, &body) != nil || len(body.Errors) != 1 || body.Errors[0].Code != code {
		t.Errorf("status %d, Retry-After %q: %s; want %d with %s", a.Status, a.Header.Get("Retry-After"), a.Body, status, code)
	}
}

// Downloads that stand still take all of their places: who comes then is told to come again. All else goes on, and downloads too when they end.
func TestTooManyDownloads(t *testing.T) {
	const places = 16
	s := haventest.Start(t, haventest.Options{Plain: true, Env: []string{"HAVEN_MAX_REQUESTS=" + strconv.Itoa(places), "HAVEN_REQUEST_WAIT=200ms"}})
	content := make([]byte, 32<<20) // more than the kernel takes for a client that doesn't read
	rand.Read(content)
	sum := sha256.Sum256(content)
	digest := "sha256:" + hex.EncodeToString(sum[:])
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/v2/library/slow/blobs/uploads/?digest="+digest, strings.NewReader(string(content)))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("admin", haventest.AdminPassword)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		t.Fatalf("pushed with %d", resp.StatusCode)
	}
	blob := "/v2/library/slow/blobs/" + digest
	token := s.Token(t, "admin", haventest.AdminPassword, "repository:library/slow:pull")
	var stalled []net.Conn
	for range places {
		stalled = append(stalled, stall(t, s, token, blob))
	}
	began := time.Now()
	refusal(t, s.Call(t, "admin", haventest.AdminPassword, http.MethodGet, blob, nil), http.StatusServiceUnavailable, "UNAVAILABLE")
	if waited := time.Since(began); waited < 150*time.Millisecond || waited > recovery {
		t.Errorf("refused after %s", waited)
	}
	for path, want := range map[string]int{
		"/healthz": http.StatusOK, "/readyz": http.StatusOK, "/v2/": http.StatusOK, "/v2/_catalog": http.StatusOK, "/api/v2.0/projects": http.StatusOK, "/": http.StatusOK, "/api/haven/v1/profiles/goroutine": http.StatusOK,
	} {
		if a := s.Call(t, "admin", haventest.AdminPassword, http.MethodGet, path, nil); a.Status != want {
			t.Errorf("%s: %d while downloads take all of their places, want %d: %s", path, a.Status, want, a.Body[:min(len(a.Body), 200)])
		}
	}
	for _, conn := range stalled {
		conn.Close()
	}
	for deadline := time.Now().Add(recovery); ; {
		a := s.Call(t, "admin", haventest.AdminPassword, http.MethodGet, blob, nil)
		if a.Status == http.StatusOK {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("downloads don't come back: %d", a.Status)
		}
	}
}

// An account that asks too often is told so in the form of what it asked, and is the only one.
func TestTooOften(t *testing.T) {
	s := haventest.Start(t, haventest.Options{Plain: true, Env: []string{"HAVEN_RATE_ACCOUNT=2", "HAVEN_RATE_SEARCH=0.5"}})
	s.NewProject(t, project, true)
	s.NewMember(t, project, "developer", haventest.AdminPassword, 2)
	s.NewMember(t, project, "guest", haventest.AdminPassword, 3)
	limited := func(user, path string, most int) haventest.Answer {
		t.Helper()
		for range most {
			if a := s.Call(t, user, haventest.AdminPassword, http.MethodGet, path, nil); a.Status == http.StatusTooManyRequests {
				return a
			}
		}
		t.Fatalf("%s may ask for %s %d times", user, path, most)
		return haventest.Answer{}
	}
	refusal(t, limited("developer", "/v2/", 200), http.StatusTooManyRequests, "TOOMANYREQUESTS")
	refusal(t, limited("developer", "/api/v2.0/users/current", 200), http.StatusTooManyRequests, "TOO_MANY_REQUEST")
	refusal(t, limited("developer", "/service/token?service=harbor-registry", 200), http.StatusTooManyRequests, "TOOMANYREQUESTS")
	if a := s.Call(t, "guest", haventest.AdminPassword, http.MethodGet, "/v2/", nil); a.Status != http.StatusOK {
		t.Errorf("another account: %d %s", a.Status, a.Body)
	}
	if a := s.Call(t, "", "", http.MethodGet, "/readyz", nil); a.Status != http.StatusOK {
		t.Errorf("readiness: %d", a.Status)
	}
	// Searches of who isn't signed in.
	refusal(t, limited("", "/api/haven/v1/search?q=x", 20), http.StatusTooManyRequests, "TOO_MANY_REQUEST")
	if a := s.Call(t, "", "", http.MethodGet, "/api/v2.0/projects", nil); a.Status != http.StatusOK {
		t.Errorf("other calls than searches: %d %s", a.Status, a.Body)
	}
}

// A network that asks too often is refused before anybody looks at passwords.
func TestTooOftenFromANetwork(t *testing.T) {
	s := haventest.Start(t, haventest.Options{Plain: true, Env: []string{"HAVEN_RATE_NETWORK=2"}})
	call := func(from, path string) haventest.Answer {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Forwarded-For", from) // as a proxy on this machine says it
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body := make([]byte, 1000)
		n, _ := resp.Body.Read(body)
		return haventest.Answer{Status: resp.StatusCode, Header: resp.Header, Body: body[:n]}
	}
	var last haventest.Answer
	for i := 0; i < 500 && last.Status != http.StatusTooManyRequests; i++ {
		last = call("203.0.113.9", "/v2/")
	}
	refusal(t, last, http.StatusTooManyRequests, "TOOMANYREQUESTS")
	if a := call("203.0.113.10", "/v2/"); a.Status != http.StatusUnauthorized {
		t.Errorf("a neighbour: %d", a.Status)
	}
	if a := call("203.0.113.9", "/healthz"); a.Status != http.StatusOK {
		t.Errorf("health: %d", a.Status)
	}
}
