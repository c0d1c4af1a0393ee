package day

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/go-openapi/runtime/client"
	"github.com/goharbor/go-client/pkg/harbor"
	v2 "github.com/goharbor/go-client/pkg/sdk/v2.0/client"
)

// calls is what all clients asked and what they were answered, a line each: method, path, status.
type calls struct {
	mu    sync.Mutex
	lines []string // guarded by mu
}

// RoundTrip sends a request and notes it.
func (c *calls) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err == nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.lines = append(c.lines, fmt.Sprintf("%s %s %d", r.Method, r.URL.EscapedPath(), resp.StatusCode))
	}
	return resp, err
}

var noted calls

func TestMain(m *testing.M) {
	for _, name := range []string{"HAVEN_URL", "HAVEN_PASSWORD", "HAVEN_CALLS"} {
		if os.Getenv(name) == "" {
			fmt.Fprintln(os.Stderr, name, "is not set: test/harborclient runs this with a registry")
			os.Exit(2)
		}
	}
	code := m.Run()
	if err := os.WriteFile(os.Getenv("HAVEN_CALLS"), []byte(strings.Join(noted.lines, "\n")+"\n"), 0o600); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	os.Exit(code)
}

// as is Harbor's client for somebody who signs in by password.
func as(t *testing.T, name, password string) *v2.HarborAPI {
	t.Helper()
	at, err := url.Parse(os.Getenv("HAVEN_URL"))
	if err != nil {
		t.Fatal(err)
	}
	config := harbor.Config{URL: at, Transport: &noted, AuthInfo: client.BasicAuth(name, password)}
	return v2.New(config.ToV2Config())
}

func admin(t *testing.T) *v2.HarborAPI {
	t.Helper()
	return as(t, "admin", os.Getenv("HAVEN_PASSWORD"))
}

// ok is what an operation answered, which must be a success.
func ok[T any](answer T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
}

// refused is the text of the error that an operation must answer, which names its status.
func refused[T any](_ T, err error) func(t *testing.T, status int) {
	return func(t *testing.T, status int) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), strconv.Itoa(status)) {
			t.Errorf("answer %v, want status %d", err, status)
		}
	}
}

// idOf is the number at the end of a Location.
func idOf(t *testing.T, location string) int64 {
	t.Helper()
	id, err := strconv.ParseInt(location[strings.LastIndexByte(location, '/')+1:], 10, 64)
	if err != nil {
		t.Fatalf("Location %q: %v", location, err)
	}
	return id
}

func ptr[T any](v T) *T { return &v }
