package outbound

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/telemetry/trace"
)

// Requests are counted by what sort of server was asked and what it said, also those that were never sent.
func TestCalls(t *testing.T) {
	s := serve(t, "127.0.0.1", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/missing" {
			http.NotFound(w, r)
			return
		}
		if r.URL.Path == "/slow" {
			select {
			case <-r.Context().Done():
			case <-time.After(time.Minute):
			}
		}
	})
	calls := NewCalls()
	c := New(Purpose{Peer: Scanner, Reach: Administered(), Timeout: time.Second}).Watch(calls)
	away, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	away.Close()
	for _, address := range []string{s.URL, s.URL + "/missing", s.URL + "/slow", "http://" + away.Addr().String(), "http://169.254.169.254/"} {
		_, _, _ = get(t, c, t.Context(), address)
	}
	want := map[Answer]int64{{Scanner, "2xx"}: 1, {Scanner, "4xx"}: 1, {Scanner, "timeout"}: 1, {Scanner, "failed"}: 1, {Scanner, "refused"}: 1}
	if got := calls.Answers(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, not %v", got, want)
	}
}

// Registries and scanners are told of the trace that a request belongs to; nobody else is, nor what they redirect to.
func TestWhoIsToldOfATrace(t *testing.T) {
	const cause = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	var mu sync.Mutex
	told := map[string]string{}
	hear := func(who string, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		told[who] = r.Header.Get("traceparent")
	}
	elsewhere := serve(t, "127.0.0.2", func(_ http.ResponseWriter, r *http.Request) { hear("elsewhere", r) })
	s := serve(t, "127.0.0.1", func(w http.ResponseWriter, r *http.Request) {
		hear(strings.Trim(r.URL.Path, "/"), r)
		http.Redirect(w, r, elsewhere.URL, http.StatusFound)
	})
	for _, p := range []Peer{Registry, Scanner, Webhook, Provider, ""} {
		c := New(Purpose{Peer: p, Reach: Administered(), Elsewhere: Administered(), Redirects: 1})
		if _, _, err := get(t, c, trace.Caused(t.Context(), cause), s.URL+"/"+string(p)); err != nil {
			t.Errorf("%s: %v", p, err)
		}
	}
	want := map[string]string{"registry": cause, "scanner": cause, "webhook": "", "oidc": "", "": "", "elsewhere": ""}
	if fmt.Sprint(told) != fmt.Sprint(want) {
		t.Errorf("%v, not %v", told, want)
	}
}
