package app

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"testing"

	"github.com/havenregistry/haven/internal/outbound"
)

// serveAt runs a server on an address of this machine.
func serveAt(t *testing.T, host string, h http.HandlerFunc) string {
	t.Helper()
	l, err := net.Listen("tcp", host+":0")
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(h)
	s.Listener.Close()
	s.Listener = l
	s.Start()
	t.Cleanup(s.Close)
	return s.URL
}

// A source may be anywhere, since an operator entered it. What it leads to may be private only in a listed network.
func TestWhereSourcesLead(t *testing.T) {
	storage := serveAt(t, "127.0.0.2", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "bytes") })
	registry := serveAt(t, "127.0.0.1", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, storage, http.StatusTemporaryRedirect)
	})
	for _, c := range []struct {
		networks []netip.Prefix
		want     error
	}{{nil, outbound.ErrAddress}, {[]netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}, nil}} {
		client, err := sourceClient(c.networks, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := client.Get(registry)
		if !errors.Is(err, c.want) {
			t.Errorf("%v: %v", c.networks, err)
		}
		if err == nil {
			answer.Body.Close()
		}
	}
}

// Health names the parts that Harbor's monitors look for, and what they say is looked up.
func TestHealth(t *testing.T) {
	a := start(t, configIn(t.TempDir()))
	var health struct {
		Status     string
		Components []struct{ Name, Status string }
	}
	w := httptest.NewRecorder()
	a.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/api/v2.0/health", nil))
	if err := json.Unmarshal(w.Body.Bytes(), &health); err != nil || health.Status != "healthy" {
		t.Fatalf("%s: %v", w.Body, err)
	}
	var names []string
	for _, c := range health.Components {
		names = append(names, c.Name)
	}
	if want := []string{"core", "database", "jobservice", "portal", "registry", "trivy"}; !slices.Equal(names, want) {
		t.Errorf("got %v, want %v", names, want)
	}
}
