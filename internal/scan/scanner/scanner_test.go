package scanner_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/scan/adapter"
	"github.com/havenregistry/haven/internal/scan/scanner"
	"github.com/havenregistry/haven/internal/secret"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// house is a service, with scanners that say what the test wants.
type house struct {
	*scanner.Service
	d       *db.DB
	now     time.Time
	asked   atomic.Int64
	last    atomic.Pointer[adapter.Endpoint]
	failing error
	chosen  map[int64]string
}

func (h *house) Metadata(_ context.Context, e adapter.Endpoint) (adapter.Metadata, error) {
	h.asked.Add(1)
	h.last.Store(&e)
	return adapter.Metadata{Scanner: adapter.Name{Name: "Other", Vendor: "Somebody", Version: "1"}}, h.failing
}

func (h *house) ScannerOf(_ context.Context, id int64) (string, error) { return h.chosen[id], nil }

func newHouse(t *testing.T, d *db.DB) *house {
	t.Helper()
	box, err := secret.OpenBox(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	h := &house{d: d, now: time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC), chosen: map[int64]string{}}
	h.Service = scanner.New(scanner.Deps{
		DB: d, Box: box, Adapters: h, Projects: h, Clock: func() time.Time { return h.now }, Log: slog.New(slog.DiscardHandler),
		Own: func(context.Context) (adapter.Metadata, error) {
			return adapter.Metadata{Scanner: adapter.Name{Name: "Trivy", Vendor: "Aqua Security", Version: "0"}}, nil
		},
	})
	return h
}

var admin = authz.Principal{Kind: authz.User, ID: 1, Name: "admin", Admin: true}

func draft(name, url string) scanner.Draft { return scanner.Draft{Name: name, URL: url} }

func (h *house) create(t *testing.T, d scanner.Draft) scanner.Scanner {
	t.Helper()
	s, err := h.Create(t.Context(), admin, d)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (h *house) get(t *testing.T, uuid string) scanner.Scanner {
	t.Helper()
	s, err := h.Get(t.Context(), uuid)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestOwnScanner(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		own, err := h.Default(t.Context())
		if err != nil || !own.Builtin() || own.Name != "Trivy" || own.Disabled || !own.Default || own.UUID == "" {
			t.Fatalf("got %+v, %v", own, err)
		}
		if age := time.Since(own.CreatedAt); age < 0 || age > time.Hour {
			t.Errorf("created at %v", own.CreatedAt)
		}
		if _, err := h.Delete(t.Context(), admin, own.UUID); !errors.Is(err, fault.Forbidden) {
			t.Errorf("deleted: %v", err)
		}
		for name, change := range map[string]scanner.Draft{
			"name": draft("Other", own.URL), "url": draft("Trivy", "http://127.0.0.1"),
			"auth": {Name: "Trivy", URL: own.URL, Auth: adapter.Bearer, Credential: "x"},
		} {
			if err := h.Update(t.Context(), admin, own.UUID, change); !errors.Is(err, fault.Forbidden) {
				t.Errorf("another %s: %v", name, err)
			}
		}
		off := draft("Trivy", own.URL)
		off.Disabled, off.Description = true, "mine"
		if err := h.Update(t.Context(), admin, own.UUID, off); err != nil {
			t.Fatal(err)
		}
		if own = h.get(t, own.UUID); !own.Disabled || own.Description != "mine" || !own.Default || !own.Builtin() {
			t.Errorf("got %+v", own)
		}
		if v := h.View(t.Context(), own); !v.Healthy || v.Metadata.Scanner.Name != "Trivy" || h.asked.Load() != 0 {
			t.Errorf("got %+v, asked %d times", v, h.asked.Load())
		}
	})
}

func TestRegistrations(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		one := h.create(t, scanner.Draft{Name: "one", URL: "http://one.example.com:8080/", Description: "d", Auth: adapter.Basic, Credential: "u:canary-password", SkipVerify: true, UseInternalAddr: true})
		if one.Builtin() || one.Default || one.URL != "http://one.example.com:8080" || one.Auth != adapter.Basic || !one.SkipVerify || !one.UseInternalAddr || !one.CreatedAt.Equal(h.now) {
			t.Errorf("got %+v", one)
		}
		if e := h.last.Load(); e.Credential != "u:canary-password" || !e.Trust.SkipVerify {
			t.Errorf("asked with %+v", *e)
		}
		for name, c := range map[string]struct {
			draft scanner.Draft
			want  error
		}{
			"name taken": {draft("one", "http://b.example.com"), fault.Conflict}, "url taken": {draft("b", "http://one.example.com:8080"), fault.Conflict},
			"reserved": {draft("Trivy", "http://b.example.com"), fault.Invalid}, "reserved in other letters": {draft("trivy", "http://b.example.com"), fault.Invalid},
			"no name": {draft(" ", "http://b.example.com"), fault.Invalid}, "no url": {draft("b", ""), fault.Invalid}, "another scheme": {draft("b", "ftp://b.example.com"), fault.Invalid},
			"ours": {draft("b", "internal://trivy"), fault.Invalid}, "password in it": {draft("b", "http://u:p@b.example.com"), fault.Invalid}, "a query": {draft("b", "http://b.example.com?x"), fault.Invalid},
			"long":           {draft(strings.Repeat("n", 129), "http://b.example.com"), fault.Invalid},
			"unknown auth":   {scanner.Draft{Name: "b", URL: "http://b.example.com", Auth: "Digest", Credential: "x"}, fault.Invalid},
			"no credential":  {scanner.Draft{Name: "b", URL: "http://b.example.com", Auth: adapter.APIKey}, fault.Invalid},
			"no colon":       {scanner.Draft{Name: "b", URL: "http://b.example.com", Auth: adapter.Basic, Credential: "x"}, fault.Invalid},
			"header in it":   {scanner.Draft{Name: "b", URL: "http://b.example.com", Auth: adapter.Bearer, Credential: "x\r\nHost: y"}, fault.Invalid},
			"an absurd size": {scanner.Draft{Name: "b", URL: "http://b.example.com", Auth: adapter.Bearer, Credential: secret.Text(strings.Repeat("x", 10_000))}, fault.Invalid},
		} {
			if _, err := h.Create(t.Context(), admin, c.draft); !errors.Is(err, c.want) {
				t.Errorf("%s: got %v, want %v", name, err, c.want)
			}
		}
		h.failing = &adapter.Failure{Kind: adapter.ErrUnreachable, Reason: "nothing listens there"}
		if _, err := h.Create(t.Context(), admin, draft("b", "http://b.example.com")); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "nothing listens there") {
			t.Errorf("one that doesn't answer: %v", err)
		}
		if err := h.Ping(t.Context(), draft("b", "http://b.example.com")); !errors.Is(err, fault.Invalid) {
			t.Errorf("ping: %v", err)
		}
		h.failing = nil
		if err := h.Ping(t.Context(), draft("b", "http://b.example.com")); err != nil {
			t.Errorf("ping: %v", err)
		}
		page, total, err := h.List(t.Context(), db.List{Filters: []db.Filter{{Key: "name", Op: db.Contains, Values: []string{"ON"}}}})
		if err != nil || total != 1 || len(page) != 1 || page[0].ID != one.ID {
			t.Errorf("got %v, %d, %v", page, total, err)
		}
		gone, err := h.Delete(t.Context(), admin, one.UUID)
		if err != nil || gone.Name != "one" {
			t.Errorf("got %+v, %v", gone, err)
		}
		if _, err := h.Delete(t.Context(), admin, one.UUID); !errors.Is(err, fault.NotFound) {
			t.Errorf("again: %v", err)
		}
		if kinds := h.events(t); kinds != "create_scanner delete_scanner" {
			t.Errorf("events: %s", kinds)
		}
	})
}

func (h *house) events(t *testing.T) string {
	t.Helper()
	kinds, err := db.Collect(t.Context(), h.d.Auto(), db.ScanString, `SELECT kind FROM event ORDER BY id`)
	if err != nil {
		t.Fatal(err)
	}
	bodies, err := db.Collect(t.Context(), h.d.Auto(), db.ScanString, `SELECT body FROM event ORDER BY id`)
	if err != nil || strings.Contains(strings.Join(bodies, ""), "canary") {
		t.Fatalf("got %v, %v", bodies, err)
	}
	return strings.Join(kinds, " ")
}

// S5: a credential belongs to the scheme, host and port that it was entered with.
func TestCredentialBelongsToItsOrigin(t *testing.T) {
	const password = "canary-token"
	cases := []struct {
		name string
		to   scanner.Draft
		want secret.Text
	}{
		{"as it is", scanner.Draft{Name: "s", URL: "https://a.example.com/x", Auth: adapter.Bearer}, password},
		{"another path", scanner.Draft{Name: "s", URL: "https://a.example.com/y", Auth: adapter.Bearer}, password},
		{"the port spelt out", scanner.Draft{Name: "s", URL: "https://A.example.com:443", Auth: adapter.Bearer}, password},
		{"another host", scanner.Draft{Name: "s", URL: "https://b.example.com/x", Auth: adapter.Bearer}, ""},
		{"another port", scanner.Draft{Name: "s", URL: "https://a.example.com:444/x", Auth: adapter.Bearer}, ""},
		{"another scheme", scanner.Draft{Name: "s", URL: "http://a.example.com/x", Auth: adapter.Bearer}, ""},
		{"another host and credential", scanner.Draft{Name: "s", URL: "https://b.example.com/x", Auth: adapter.Bearer, Credential: "new"}, "new"},
		{"another way", scanner.Draft{Name: "s", URL: "https://a.example.com/x", Auth: adapter.APIKey}, ""},
		{"none any more", scanner.Draft{Name: "s", URL: "https://a.example.com/x"}, ""},
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		for _, c := range cases {
			s := h.create(t, scanner.Draft{Name: "s", URL: "https://a.example.com/x", Auth: adapter.Bearer, Credential: password})
			if err := h.Update(t.Context(), admin, s.UUID, c.to); err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			e, err := h.Endpoint(h.get(t, s.UUID))
			if err != nil || e.Credential != c.want {
				t.Errorf("%s: %q, %v; want %q", c.name, e.Credential.Reveal(), err, c.want.Reveal())
			}
			if _, err := h.Delete(t.Context(), admin, s.UUID); err != nil {
				t.Fatal(err)
			}
		}
		h.create(t, scanner.Draft{Name: "s", URL: "https://a.example.com/x", Auth: adapter.Bearer, Credential: password})
		stored, err := db.Get(t.Context(), d.Auto(), db.ScanBytes, `SELECT credential FROM scanner WHERE name = 's'`)
		if err != nil || len(stored) == 0 || strings.Contains(string(stored), password) {
			t.Errorf("stored as %q, %v", stored, err)
		}
	})
}

func TestDefaultAndProjects(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		a, b := h.create(t, draft("a", "http://a.example.com")), h.create(t, draft("b", "http://b.example.com"))
		is := func(when, wantDefault, wantOfProject string) {
			t.Helper()
			def, err := h.Default(t.Context())
			if err != nil || def.Name != wantDefault {
				t.Errorf("%s: the default is %q, %v", when, def.Name, err)
			}
			of, err := h.Effective(t.Context(), 7)
			if err != nil || of.Name != wantOfProject {
				t.Errorf("%s: the project's is %q, %v", when, of.Name, err)
			}
		}
		is("at first", "Trivy", "Trivy")
		for range 2 {
			if err := h.SetDefault(t.Context(), admin, a.UUID); err != nil {
				t.Fatal(err)
			}
		}
		is("another default", "a", "a")
		h.chosen[7] = b.UUID
		is("chosen", "a", "b")
		if found, err := h.Find(t.Context(), b.ID); err != nil || found.UUID != b.UUID || found.QueueKey() == a.QueueKey() {
			t.Errorf("got %+v, %v", found, err)
		}
		if _, err := h.Delete(t.Context(), admin, b.UUID); err != nil {
			t.Fatal(err)
		}
		is("the chosen one is gone", "a", "a")
		if gone, err := h.Delete(t.Context(), admin, a.UUID); err != nil || !gone.Default {
			t.Fatalf("got %+v, %v", gone, err)
		}
		is("the default is gone", "Trivy", "Trivy")
		if err := h.SetDefault(t.Context(), admin, a.UUID); !errors.Is(err, fault.NotFound) {
			t.Errorf("got %v", err)
		}
		if kinds := h.events(t); strings.Count(kinds, string(event.UpdateScanner)) != 1 {
			t.Errorf("events: %s", kinds)
		}
	})
}

func TestMetadataIsRemembered(t *testing.T) {
	h := newHouse(t, dbtest.SQLite(t))
	s := h.create(t, draft("s", "http://s.example.com"))
	h.asked.Store(0)
	ask := func(when string, want int64) {
		t.Helper()
		h.Views(t.Context(), []scanner.Scanner{s, s, s})
		if n := h.asked.Swap(0); n != want {
			t.Errorf("%s: asked %d times, want %d", when, n, want)
		}
	}
	ask("at first", 1)
	h.now = h.now.Add(29 * time.Second)
	ask("soon", 0)
	h.now = h.now.Add(time.Second)
	ask("after 30 s", 1)
	if err := h.Update(t.Context(), admin, s.UUID, draft("s", "http://s2.example.com")); err != nil {
		t.Fatal(err)
	}
	s = h.get(t, s.UUID)
	ask("changed", 0+1)
	h.failing = &adapter.Failure{Kind: adapter.ErrUnreachable}
	h.now = h.now.Add(30 * time.Second)
	ask("it fails", 1)
	if v := h.View(t.Context(), s); v.Healthy {
		t.Error("one that doesn't answer is healthy")
	}
	if _, err := h.Explain(t.Context(), s); !errors.Is(err, fault.Invalid) {
		t.Errorf("got %v", err)
	}
	h.asked.Store(0)
	h.now = h.now.Add(10 * time.Second)
	ask("after 10 s", 1)
}
