package endpoint_test

import (
	"context"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/replication/endpoint"
	"github.com/havenregistry/haven/internal/replication/remote"
	"github.com/havenregistry/haven/internal/replication/remote/remotetest"
	"github.com/havenregistry/haven/internal/secret"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

var admin = authz.Principal{Kind: authz.User, ID: 1, Name: "admin", Admin: true}

// house is a service, and a registry that lets in who has the password, if any is set.
type house struct {
	*endpoint.Service
	d        *db.DB
	now      time.Time
	url      string
	password string
	down     atomic.Bool
	asked    atomic.Int64
}

func newHouse(t *testing.T, d *db.DB) *house {
	t.Helper()
	h := &house{d: d, now: time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.asked.Add(1)
		_, password, _ := r.BasicAuth()
		switch {
		case h.down.Load():
			w.WriteHeader(http.StatusServiceUnavailable)
		case r.URL.Path != "/v2/":
			w.WriteHeader(http.StatusNotFound)
		case h.password != "" && password != h.password:
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			w.WriteHeader(http.StatusUnauthorized)
		default:
			w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
		}
	}))
	t.Cleanup(server.Close)
	h.url = server.URL
	h.Service = h.another(t)
	return h
}

// another is one more process with the same database.
func (h *house) another(t *testing.T) *endpoint.Service {
	t.Helper()
	box, err := secret.OpenBox(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	client := remote.NewHTTP(netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128"))
	t.Cleanup(client.Close)
	return endpoint.New(endpoint.Deps{
		DB: h.d, Box: box, Remote: remote.Deps{HTTP: client}, LocalURL: "http://here",
		Clock: func() time.Time { return h.now }, Log: slog.New(slog.DiscardHandler),
	})
}

func (h *house) draft(name string) endpoint.Draft {
	return endpoint.Draft{Name: name, Endpoint: remote.Endpoint{Kind: remote.DockerRegistry, URL: h.url}}
}

func (h *house) create(t *testing.T, d endpoint.Draft) int64 {
	t.Helper()
	id, err := h.Create(t.Context(), admin, d)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func (h *house) get(t *testing.T, id int64) endpoint.Endpoint {
	t.Helper()
	e, err := h.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func to[T any](v T) *T { return &v }

func TestEndpoints(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		draft := h.draft("one")
		draft.URL = strings.TrimPrefix(h.url, "http://") + "/?a=b#c" // as Harbor takes it
		draft.Description, draft.Insecure = "words", true
		one := h.get(t, h.create(t, draft))
		if one.Name != "one" || one.URL != h.url || one.Description != "words" || !one.Insecure || !one.Healthy() || one.HasSecret() || !one.CreatedAt.Equal(h.now) {
			t.Errorf("got %+v", one)
		}
		for name, c := range map[string]struct {
			change func(*endpoint.Draft)
			want   error
			words  string
		}{
			"the same name":        {func(d *endpoint.Draft) { d.Name = "one" }, fault.Conflict, "already exists"},
			"no name":              {func(d *endpoint.Draft) { d.Name = "" }, fault.Invalid, "name"},
			"a long name":          {func(d *endpoint.Draft) { d.Name = strings.Repeat("ü", 65) }, fault.Invalid, "name"},
			"no kind":              {func(d *endpoint.Draft) { d.Kind = "" }, fault.Invalid, "type"},
			"a kind that is none":  {func(d *endpoint.Draft) { d.Kind = "helm-hub" }, fault.Invalid, "type"},
			"no url":               {func(d *endpoint.Draft) { d.URL = "" }, fault.Invalid, "url"},
			"another scheme":       {func(d *endpoint.Draft) { d.URL = "ftp://x" }, fault.Invalid, "url"},
			"a password in it":     {func(d *endpoint.Draft) { d.URL = "http://a:b@x" }, fault.Invalid, "url"},
			"a bad certificate":    {func(d *endpoint.Draft) { d.CACertificate = "x" }, fault.Invalid, "ca_certificate"},
			"a kind of credential": {func(d *endpoint.Draft) { d.Credential.Type = "magic" }, fault.Invalid, "credential"},
			"nothing there":        {func(d *endpoint.Draft) { d.URL = "http://127.0.0.1:1" }, fault.Invalid, "unhealthy: 127.0.0.1: nothing listens there"},
			"no such name":         {func(d *endpoint.Draft) { d.URL = "http://nowhere.invalid" }, fault.Invalid, "unhealthy: nowhere.invalid: the name nowhere.invalid"},
			"no TLS":               {func(d *endpoint.Draft) { d.URL = strings.Replace(h.url, "http:", "https:", 1) }, fault.Invalid, "it doesn't speak TLS"},
			"no registry":          {func(d *endpoint.Draft) { d.URL += "/elsewhere" }, fault.Invalid, "is no registry"},
			"metadata":             {func(d *endpoint.Draft) { d.URL = "http://169.254.169.254" }, fault.Invalid, "may not be connected to"},
		} {
			d := h.draft("two")
			c.change(&d)
			if _, err := h.Create(t.Context(), admin, d); !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.words) {
				t.Errorf("%s: %v", name, err)
			}
		}
		two := h.create(t, h.draft("two"))
		if err := h.Update(t.Context(), admin, two, endpoint.Change{Name: to("one")}); !errors.Is(err, fault.Conflict) {
			t.Errorf("renamed: %v", err)
		}
		if err := h.Update(t.Context(), admin, two, endpoint.Change{Name: to("three"), Description: to("d")}); err != nil {
			t.Fatal(err)
		}
		if e := h.get(t, two); e.Name != "three" || e.Description != "d" || e.URL != h.url || !e.UpdatedAt.After(e.CreatedAt) {
			t.Errorf("got %+v", e)
		}
		page, total, err := h.List(t.Context(), db.List{Filters: []db.Filter{{Key: "name", Op: db.Contains, Values: []string{"HRE"}}}})
		if err != nil || total != 1 || page[0].ID != two {
			t.Errorf("got %v, %d, %v", page, total, err)
		}
		if err := h.Delete(t.Context(), admin, two); err != nil {
			t.Fatal(err)
		}
		if err := h.Delete(t.Context(), admin, two); !errors.Is(err, fault.NotFound) {
			t.Errorf("again: %v", err)
		}
	})
}

// Certificates are checked, unless an administrator says otherwise.
func TestCertificates(t *testing.T) {
	h := newHouse(t, dbtest.SQLite(t))
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(server.Close)
	roots := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	for name, c := range map[string]struct {
		change func(*endpoint.Draft)
		words  string // of the refusal
	}{
		"an authority nobody knows": {func(*endpoint.Draft) {}, "its certificate is signed by an unknown authority"},
		"the authority named":       {func(d *endpoint.Draft) { d.CACertificate = roots }, ""},
		"another name": {func(d *endpoint.Draft) {
			d.CACertificate, d.URL = roots, strings.Replace(d.URL, "127.0.0.1", "localhost", 1)
		}, "its certificate is for another name"},
		"not checked":       {func(d *endpoint.Draft) { d.Insecure = true }, ""},
		"spoken to plainly": {func(d *endpoint.Draft) { d.URL = strings.Replace(d.URL, "https:", "http:", 1) }, "perhaps because it wants https"},
	} {
		d := h.draft(name)
		d.URL = server.URL
		c.change(&d)
		_, err := h.Create(t.Context(), admin, d)
		if (err == nil) != (c.words == "") || err != nil && !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestItself(t *testing.T) {
	h := newHouse(t, dbtest.SQLite(t))
	e := h.get(t, 0)
	if !e.Local() || e.Name != "Local" || e.Kind != remote.Harbor || e.URL != "http://here" || !e.Healthy() {
		t.Errorf("got %+v", e)
	}
	if err := h.Ping(t.Context(), endpoint.Probe{ID: to[int64](0)}); err != nil {
		t.Error(err)
	}
	for _, err := range []error{h.Delete(t.Context(), admin, 0), h.Update(t.Context(), admin, 0, endpoint.Change{Name: to("x")})} {
		if !errors.Is(err, fault.Forbidden) {
			t.Errorf("got %v", err)
		}
	}
	if _, _, err := h.Open(t.Context(), 0); err == nil {
		t.Error("nobody said what this registry is opened as")
	}
	h.Here(nothing{})
	if r, _, err := h.Open(t.Context(), 0); err != nil || r != (nothing{}) {
		t.Errorf("got %v, %v", r, err)
	}
}

type nothing struct{ remote.Registry }

func TestUsers(t *testing.T) {
	h := newHouse(t, dbtest.SQLite(t))
	id := h.create(t, h.draft("one"))
	by := "replication policies"
	h.Uses(func(_ context.Context, tx db.Tx, asked int64) (string, error) {
		if asked != id {
			t.Errorf("asked about %d", asked)
		}
		return by, nil
	})
	err := h.Delete(t.Context(), admin, id)
	used, ok := errors.AsType[*endpoint.UsedError](err)
	if !ok || used.Error() != "the registry 1 is referenced by replication policies, cannot delete it" {
		t.Fatalf("got %v", err)
	}
	by = ""
	if err := h.Delete(t.Context(), admin, id); err != nil {
		t.Error(err)
	}
}

// S5: a secret belongs to the address that it was entered with.
func TestSecretBelongsToItsAddress(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		h.password = "canary-1"
		draft := h.draft("one")
		draft.Credential = remote.Credential{Type: "basic", AccessKey: "someone", Secret: "canary-2"}
		if _, err := h.Create(t.Context(), admin, draft); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "the access key or secret is wrong") || strings.Contains(err.Error(), "canary") {
			t.Fatalf("with a wrong one: %v", err)
		}
		draft.Credential.Secret = "canary-1"
		id := h.create(t, draft)
		stored, err := db.Get(t.Context(), d.Auto(), db.ScanBytes, `SELECT access_secret FROM remote_registry`)
		if err != nil || len(stored) == 0 || strings.Contains(string(stored), "canary") {
			t.Fatalf("stored as %q, %v", stored, err)
		}
		for name, c := range map[string]struct {
			change endpoint.Change
			works  bool
		}{
			"nothing":                 {endpoint.Change{}, true},
			"what answers show":       {endpoint.Change{Secret: to(secret.Text(endpoint.Hidden))}, true},
			"the address as it is":    {endpoint.Change{URL: to(h.url + "/")}, true},
			"another address":         {endpoint.Change{URL: to(strings.Replace(h.url, "127.0.0.1", "localhost", 1))}, false},
			"another, and the secret": {endpoint.Change{URL: to(strings.Replace(h.url, "127.0.0.1", "localhost", 1)), Secret: to(secret.Text("canary-1"))}, true},
		} {
			err := h.Update(t.Context(), admin, id, c.change)
			if (err == nil) != c.works {
				t.Errorf("%s: %v", name, err)
			}
			if err := h.Update(t.Context(), admin, id, endpoint.Change{URL: to(h.url), Secret: to(secret.Text("canary-1"))}); err != nil {
				t.Fatal(err)
			}
		}
		if err := h.Ping(t.Context(), endpoint.Probe{ID: to(id), Change: endpoint.Change{URL: to("http://127.0.0.1:1")}}); err != nil {
			t.Errorf("the stored address counts: %v", err)
		}
		if err := h.Ping(t.Context(), endpoint.Probe{ID: to(id), Change: endpoint.Change{Secret: to(secret.Text("canary-3"))}}); !errors.Is(err, fault.Invalid) {
			t.Errorf("another secret: %v", err)
		}
		if err := h.Ping(t.Context(), endpoint.Probe{Kind: to("docker-registry")}); !errors.Is(err, fault.Invalid) {
			t.Errorf("no address: %v", err)
		}
		if err := h.Ping(t.Context(), endpoint.Probe{ID: to[int64](99)}); !errors.Is(err, fault.NotFound) {
			t.Errorf("none: %v", err)
		}
	})
}

// A token service elsewhere is believed as it was when somebody saved the endpoint.
func TestRealmIsWrittenDown(t *testing.T) {
	h := newHouse(t, dbtest.SQLite(t))
	registry := remotetest.New(t)
	tokens := &remotetest.Tokens{User: "someone", Password: "canary-1"}
	service := httptest.NewServer(http.HandlerFunc(tokens.Serve))
	t.Cleanup(service.Close)
	tokens.Realm = strings.Replace(service.URL, "127.0.0.1", "localhost", 1)
	registry.Before = tokens.Guard
	draft := endpoint.Draft{Name: "one", Endpoint: remote.Endpoint{
		Kind: remote.DockerRegistry, URL: registry.URL, Credential: remote.Credential{AccessKey: "someone", Secret: "canary-1"},
	}}
	id := h.create(t, draft)
	if e := h.get(t, id); e.Realm != tokens.Realm {
		t.Errorf("got %q", e.Realm)
	}
	h.now = h.now.Add(5 * time.Minute)
	if err := h.Check(t.Context()); err != nil || !h.get(t, id).Healthy() {
		t.Errorf("got %v, %q", err, h.get(t, id).Complaint)
	}
	// The registry changes its mind: it is told nothing until an administrator says so.
	given := tokens.Given()
	another := httptest.NewServer(http.HandlerFunc(tokens.Serve))
	t.Cleanup(another.Close)
	tokens.Realm = strings.Replace(another.URL, "127.0.0.1", "localhost", 1)
	tokens.Revoke()
	h.now = h.now.Add(5 * time.Minute)
	if err := h.Check(t.Context()); err != nil || !strings.Contains(h.get(t, id).Complaint, "save the endpoint again") || tokens.Given() != given {
		t.Errorf("got %v, %q, %d tokens", err, h.get(t, id).Complaint, tokens.Given()-given)
	}
	if err := h.Update(t.Context(), admin, id, endpoint.Change{}); err != nil {
		t.Fatal(err)
	}
	if e := h.get(t, id); e.Realm != tokens.Realm || !e.Healthy() {
		t.Errorf("got %q, %q", e.Realm, e.Complaint)
	}
}

// Clients are shared as long as the endpoint stays as it is: tokens and connections are in them.
func TestOpenedOnce(t *testing.T) {
	h := newHouse(t, dbtest.SQLite(t))
	id := h.create(t, h.draft("one"))
	open := func() remote.Registry {
		t.Helper()
		r, e, err := h.Open(t.Context(), id)
		if err != nil || e.ID != id {
			t.Fatalf("got %+v, %v", e, err)
		}
		return r
	}
	first := open()
	if open() != first {
		t.Error("another client for the same endpoint")
	}
	if err := h.Update(t.Context(), admin, id, endpoint.Change{Description: to("x")}); err != nil { // at the same time by the clock
		t.Fatal(err)
	}
	if open() == first {
		t.Error("the same client for a changed endpoint")
	}
	if _, _, err := h.Open(t.Context(), 99); !errors.Is(err, fault.NotFound) {
		t.Errorf("got %v", err)
	}
}

// Of two processes one asks, every five minutes, and tells when the registry is well again.
func TestHealth(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		id := h.create(t, h.draft("one"))
		other := h.another(t)
		var well []int64
		for _, s := range []*endpoint.Service{h.Service, other} {
			s.Recovers(func(_ context.Context, id int64) error { well = append(well, id); return nil })
		}
		round := func(when string, want int64, healthy bool) {
			t.Helper()
			h.asked.Store(0)
			for _, s := range []*endpoint.Service{h.Service, other} {
				if err := s.Check(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if n := h.asked.Load(); n != want {
				t.Errorf("%s: asked %d times, want %d", when, n, want)
			}
			if e := h.get(t, id); e.Healthy() != healthy {
				t.Errorf("%s: %q", when, e.Complaint)
			}
		}
		round("at once", 0, true)
		h.down.Store(true)
		h.now = h.now.Add(5 * time.Minute)
		round("down", 1, false)
		round("soon after", 0, false)
		if c := h.get(t, id).Complaint; !strings.Contains(c, "503") {
			t.Errorf("complaint: %s", c)
		}
		h.down.Store(false)
		h.now = h.now.Add(5 * time.Minute)
		if len(well) != 0 {
			t.Errorf("%v are said to be well again", well)
		}
		round("back", 1, true)
		h.now = h.now.Add(5 * time.Minute)
		round("still there", 1, true)
		if !slices.Equal(well, []int64{id}) {
			t.Errorf("%v are said to be well again, want once %d", well, id)
		}
	})
}
