package servertls

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/acme/autocert"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/secret"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

func newBox(t *testing.T) *secret.Box {
	t.Helper()
	box, err := secret.OpenBox(filepath.Join(t.TempDir(), "key"))
	ok(t, err)
	return box
}

func TestEntriesAreKeptSealed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		box := newBox(t)
		e := entries{d, box, "a/"}
		if _, err := e.Get(t.Context(), "x"); !errors.Is(err, autocert.ErrCacheMiss) {
			t.Errorf("before the first: %v", err)
		}
		ok(t, e.Put(t.Context(), "x", []byte("first key")))
		ok(t, e.Put(t.Context(), "x", []byte("a private key")))
		if got, err := e.Get(t.Context(), "x"); err != nil || string(got) != "a private key" {
			t.Errorf("got %q, %v", got, err)
		}
		stored, err := db.Get(t.Context(), d.Auto(), db.ScanBytes, getEntry, "a/x")
		if err != nil || bytes.Contains(stored, []byte("private")) {
			t.Errorf("the database holds %q, %v", stored, err)
		}
		for what, other := range map[string]entries{"another directory's": {d, box, "b/"}, "another key's": {d, newBox(t), "a/"}} {
			if got, err := other.Get(t.Context(), "x"); !errors.Is(err, autocert.ErrCacheMiss) {
				t.Errorf("%s: %q, %v", what, got, err)
			}
		}
		ok(t, e.Delete(t.Context(), "x"))
		ok(t, e.Delete(t.Context(), "x"))
		if _, err := e.Get(t.Context(), "x"); !errors.Is(err, autocert.ErrCacheMiss) {
			t.Errorf("after the end: %v", err)
		}
	})
}

type refusing struct{ asked chan string }

func (r refusing) RoundTrip(q *http.Request) (*http.Response, error) {
	r.asked <- q.URL.String()
	return nil, errors.New("nobody there")
}

func TestWithoutTheAuthority(t *testing.T) {
	d := dbtest.SQLite(t)
	var log bytes.Buffer
	r := refusing{make(chan string, 9)}
	terms := Terms{Names: []string{"registry.test", "other.test"}, Directory: "https://ca.test/dir", KeyID: "k", Key: "not base64!"}
	client := &http.Client{Transport: r}
	prepare := func() (*Automatic, error) {
		return NewAutomatic(terms, d, newBox(t), client, time.Now, slog.New(slog.NewTextHandler(&log, nil)))
	}
	if _, err := prepare(); err == nil || !strings.Contains(err.Error(), "acme_key") || strings.Contains(err.Error(), "not base64") {
		t.Errorf("a key that is none: %v", err)
	}
	terms.Key = "YWJj"
	a, err := prepare()
	ok(t, err)
	if !a.End().IsZero() {
		t.Error("there is a certificate")
	}
	for _, name := range []string{"registry.test", "OTHER.test.", "127.0.0.1", ""} {
		if _, err := a.GetCertificate(&tls.ClientHelloInfo{ServerName: name}); err == nil || !strings.Contains(err.Error(), "no certificate") {
			t.Errorf("%q: %v", name, err)
		}
	}
	select {
	case asked := <-r.asked:
		t.Errorf("a client had the authority asked: %s", asked)
	default:
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	if asked := <-r.asked; asked != terms.Directory {
		t.Errorf("asked %s", asked)
	}
	<-r.asked // for the other name
	cancel()
	ok(t, <-ended)
	if text := log.String(); !strings.Contains(text, "gives no certificate") || !strings.Contains(text, "nobody there") || !strings.Contains(text, "name=registry.test") {
		t.Errorf("the log: %s", text)
	}
}
