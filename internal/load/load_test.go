package load

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/havenregistry/haven/internal/authz"
)

func TestClassOf(t *testing.T) {
	for _, c := range []struct {
		method, path string
		want         Class
	}{
		{"GET", "/healthz", None}, {"GET", "/readyz", None},
		{"GET", "/v2/", Registry}, {"GET", "/v2", Registry}, {"GET", "/service/token", Registry},
		{"GET", "/v2/p/a/manifests/v1", Registry}, {"PUT", "/v2/p/a/manifests/v1", Registry},
		{"GET", "/v2/p/a/blobs/sha256:ab", Blob}, {"HEAD", "/v2/p/a/blobs/sha256:ab", Registry}, {"DELETE", "/v2/p/a/blobs/sha256:ab", Registry},
		{"POST", "/v2/p/a/blobs/uploads/", Upload}, {"POST", "/v2/p/a/blobs/uploads", Upload}, {"PATCH", "/v2/p/a/blobs/uploads/x", Upload},
		{"PUT", "/v2/p/a/blobs/uploads/x", Upload}, {"GET", "/v2/p/a/blobs/uploads/x", Registry}, {"DELETE", "/v2/p/a/blobs/uploads/x", Registry},
		{"GET", "/v2/p/blobs/uploads/manifests/v1", Registry}, {"GET", "/v2/p/blobs/uploads/blobs/sha256:ab", Blob},
		{"GET", "/api/v2.0/projects", API}, {"GET", "/api/v2.0/search", Search}, {"GET", "/api/haven/v1/search/", Search}, {"GET", "/api/v2.0/security/vul", Search},
		{"GET", "/", Portal}, {"POST", "/c/login", Portal},
	} {
		if got := ClassOf(httptest.NewRequest(c.method, c.path, nil)); got != c.want {
			t.Errorf("%s %s is %s, want %s", c.method, c.path, got, c.want)
		}
	}
	live := httptest.NewRequest("GET", "/api/haven/v1/jobs/executions/1/watch", nil)
	live.Header.Set("Accept", "text/event-stream")
	if got := ClassOf(live); got != Live {
		t.Errorf("a live answer is %s", got)
	}
}

// ask sends a request through a Guard.
func ask(h http.Handler, method, path, from string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	r.RemoteAddr = from
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// refused fails unless the answer has the status, a time to wait, and the form of the path.
func refused(t *testing.T, w *httptest.ResponseRecorder, status int, code string) {
	t.Helper()
	wait, err := strconv.Atoi(w.Header().Get("Retry-After"))
	if w.Code != status || err != nil || wait < 1 {
		t.Errorf("status %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
	}
	var body struct {
		Errors []struct{ Code, Message string }
	}
	if code == "" {
		return
	}
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || len(body.Errors) != 1 || body.Errors[0].Code != code || body.Errors[0].Message == "" {
		t.Errorf("%v: %s", err, w.Body)
	}
}

func TestFullClassesDontHoldUpOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Limits{Requests: 4, Wait: 2 * time.Second}, time.Now)
		release, begun := make(chan struct{}), make(chan struct{})
		slow := true
		h := g.Protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if slow && ClassOf(r) == Blob {
				begun <- struct{}{}
				<-release
			}
		}))
		for range leastPlaces {
			go ask(h, "GET", "/v2/p/a/blobs/sha256:ab", "10.0.0.1:1")
			<-begun
		}
		began := time.Now()
		refused(t, ask(h, "GET", "/v2/p/a/blobs/sha256:ab", "10.0.0.1:1"), http.StatusServiceUnavailable, "UNAVAILABLE")
		if waited := time.Since(began); waited != 2*time.Second {
			t.Errorf("waited %s", waited)
		}
		for _, path := range []string{"/healthz", "/readyz", "/v2/p/a/manifests/v1", "/api/v2.0/projects", "/"} {
			if w := ask(h, "GET", path, "10.0.0.1:1"); w.Code != http.StatusOK {
				t.Errorf("%s: %d while downloads take all of their places", path, w.Code)
			}
		}
		// As many wait as there are places; the next one isn't kept waiting.
		for range leastPlaces {
			go ask(h, "GET", "/v2/p/a/blobs/sha256:ab", "10.0.0.1:1")
		}
		synctest.Wait()
		began = time.Now()
		refused(t, ask(h, "GET", "/v2/p/a/blobs/sha256:ab", "10.0.0.1:1"), http.StatusServiceUnavailable, "UNAVAILABLE")
		if waited := time.Since(began); waited != 0 {
			t.Errorf("waited %s", waited)
		}
		slow = false
		close(release)
		synctest.Wait()
		if w := ask(h, "GET", "/v2/p/a/blobs/sha256:ab", "10.0.0.1:1"); w.Code != http.StatusOK || len(g.places[Blob].taken) != 0 {
			t.Errorf("afterwards: %d, %d places taken", w.Code, len(g.places[Blob].taken))
		}
		if n := g.refused.All()[refusal{Blob, Busy}]; n != 2 {
			t.Errorf("%d refusals were counted", n)
		}
	})
}

// Who goes while waiting leaves nothing behind; a handler that panics gives its place back.
func TestPlacesComeBack(t *testing.T) {
	p := newPlaces(1)
	if !p.enter(t.Context(), 0) || p.enter(t.Context(), 0) {
		t.Fatal("one place isn't one place")
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if p.enter(gone, time.Minute) || p.waiting.Load() != 0 {
		t.Error("who has gone got a place, or still waits")
	}
	p.leave()
	g := New(Limits{Requests: 4}, time.Now)
	h := g.Protect(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("a bug") }))
	func() {
		defer func() { _ = recover() }()
		ask(h, "GET", "/v2/", "10.0.0.1:1")
	}()
	if n := len(g.places[Registry].taken); n != 0 {
		t.Errorf("%d places are taken", n)
	}
}

func TestNetworks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Limits{Requests: 64, Network: 2}, time.Now)
		h := g.Protect(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		for i := range 2 * burstSeconds {
			if w := ask(h, "GET", "/v2/", "[2001:db8::"+strconv.Itoa(i+1)+"]:1"); w.Code != http.StatusOK {
				t.Fatalf("%d: %d", i, w.Code)
			}
		}
		refused(t, ask(h, "GET", "/v2/", "[2001:db8::ffff]:1"), http.StatusTooManyRequests, "TOOMANYREQUESTS")
		refused(t, ask(h, "GET", "/api/v2.0/projects", "[2001:db8::ffff]:1"), http.StatusTooManyRequests, "TOO_MANY_REQUEST")
		refused(t, ask(h, "GET", "/", "[2001:db8::ffff]:1"), http.StatusTooManyRequests, "")
		for path, from := range map[string]string{"/healthz": "[2001:db8::ffff]:1", "/v2/": "[2001:db8:0:1::1]:1", "/": "10.0.0.1:1"} {
			if w := ask(h, "GET", path, from); w.Code != http.StatusOK {
				t.Errorf("%s for %s: %d", path, from, w.Code)
			}
		}
		time.Sleep(time.Second)
		if w := ask(h, "GET", "/v2/", "[2001:db8::1]:1"); w.Code != http.StatusOK {
			t.Errorf("a second later: %d", w.Code)
		}
	})
}

func TestAccounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Limits{Requests: 64, Account: 1, Search: 0.1}, time.Now)
		r := httptest.NewRequest("GET", "/v2/", nil)
		user := authz.Principal{Kind: authz.User, ID: 2}
		for i := range burstSeconds {
			who := user
			switch i % 3 { // by whichever of its credentials
			case 1:
				who = authz.Principal{Kind: authz.Bearer, Holder: authz.User, ID: 2}
			case 2:
				who = authz.Principal{Kind: authz.Personal, ID: 2}
			}
			if err := g.Account(r, who); err != nil {
				t.Fatal(err)
			}
		}
		err := g.Account(r, user)
		if limited, ok := errors.AsType[*Limited](err); !ok || limited.RetryAfter != time.Second || !strings.Contains(err.Error(), "in 1 s") {
			t.Errorf("got %v", err)
		}
		for _, other := range []authz.Principal{{Kind: authz.User, ID: 3}, {Kind: authz.Robot, ID: 2}, {Kind: authz.Robot, ID: 2, PolicyID: 2}, {}} {
			if err := g.Account(r, other); err != nil {
				t.Errorf("%+v: %v", other, err)
			}
		}
		search := httptest.NewRequest("GET", "/api/haven/v1/search?q=x", nil)
		if err := g.Account(search, authz.Principal{}); err != nil {
			t.Error(err)
		}
		if err := g.Account(search, authz.Principal{}); err == nil {
			t.Error("anybody may search without end")
		}
		if err := g.Account(search, authz.Principal{Kind: authz.User, ID: 9}); err != nil {
			t.Error(err)
		}
		if err := (*Guard)(nil).Account(search, user); err != nil {
			t.Error(err)
		}
	})
}

func TestRatesAreBounded(t *testing.T) {
	now := time.Unix(0, 0)
	r := newRates[int](1, func() time.Time { return now })
	r.max = 100
	for i := range 1000 {
		r.take(i)
	}
	if len(r.of) != r.max {
		t.Errorf("%d are remembered", len(r.of))
	}
	// Who asks all the time isn't forgotten for others' sake.
	busy := -1
	for range burstSeconds + 1 {
		r.take(busy)
	}
	for i := range 50 {
		r.take(2000 + i)
	}
	if r.take(busy) == 0 {
		t.Error("one that had nothing left was forgotten")
	}
	now = now.Add(time.Hour)
	r.take(5000)
	if len(r.of) > r.max-sweepSize+1 {
		t.Errorf("%d are remembered after an hour", len(r.of))
	}
}

// What a request pays when nobody is refused.
func BenchmarkProtect(b *testing.B) {
	for name, l := range map[string]Limits{"usual": {Requests: 4096, Wait: time.Second}, "all limits": {Requests: 4096, Wait: time.Second, Network: 1e9, Account: 1e9, Search: 1e9}} {
		b.Run(name, func(b *testing.B) {
			g := New(l, time.Now)
			user := authz.Principal{Kind: authz.User, ID: 2}
			h := g.Protect(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				if err := g.Account(r, user); err != nil {
					b.Fatal(err)
				}
			}))
			r := httptest.NewRequest("GET", "/v2/project/repository/manifests/latest", nil)
			r.RemoteAddr = "10.1.2.3:4567"
			w := httptest.NewRecorder()
			b.ReportAllocs()
			for b.Loop() {
				h.ServeHTTP(w, r)
			}
		})
	}
}

func TestServingAllocatesNothing(t *testing.T) {
	g := New(Limits{Requests: 4096, Wait: time.Second, Network: 1e9, Account: 1e9, Search: 1e9}, time.Now)
	user := authz.Principal{Kind: authz.User, ID: 2}
	h := g.Protect(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _ = g.Account(r, user) }))
	r := httptest.NewRequest("GET", "/v2/project/repository/manifests/latest", nil)
	w := httptest.NewRecorder()
	if n := testing.AllocsPerRun(100, func() { h.ServeHTTP(w, r) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
