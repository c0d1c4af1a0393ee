package admission

import (
	"context"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestTheRobotsPasswordMayChange(t *testing.T) {
	h := world(t)
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	a, err := newAsker(Haven{URL: h.server.URL, UsernameFile: write("username", robotName), PasswordFile: write("password", "the last one"), Timeout: Duration(time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(want trouble) {
		t.Helper()
		found, err := a.evaluate(t.Context(), []string{"prod/good:v1"})
		if want == "" {
			if err != nil || !found["prod/good:v1"].allowed {
				t.Errorf("got %v, %v", found, err)
			}
			return
		}
		if failed, ok := errors.AsType[*askError](err); !ok || failed.trouble != want {
			t.Errorf("got %v, %v; want %s", found, err, want)
		}
	}
	ask(troubleStatus)
	write("password", robotPassword+"\n")
	ask("")
	write("password", "")
	ask(troubleSettings)
	os.Remove(a.haven.PasswordFile)
	ask(troubleSettings)
}

func TestHavensAuthority(t *testing.T) {
	h := &fakeHaven{says: map[string]said{}}
	h.server = httptest.NewTLSServer(h)
	t.Cleanup(h.server.Close)
	path := filepath.Join(t.TempDir(), "ca.crt")
	if _, err := newAsker(Haven{URL: h.server.URL, CAFile: path}); err == nil || !strings.Contains(err.Error(), "haven.ca_file") {
		t.Errorf("a file that isn't there: %v", err)
	}
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: h.server.Certificate().Raw})
	if err := os.WriteFile(path, authority, 0o600); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]trouble{"": troubleConnection, path: troubleStatus} { // it is spoken to, and says 401
		a, err := newAsker(Haven{URL: h.server.URL, CAFile: file, Timeout: Duration(time.Minute)})
		if err != nil {
			t.Fatal(err)
		}
		_, err = a.evaluate(t.Context(), []string{"a/b:1"})
		if failed, ok := errors.AsType[*askError](err); !ok || failed.trouble != want {
			t.Errorf("%q: %v, want %s", file, err, want)
		}
	}
}

func TestAnswersThatCannotBeUsed(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer func(w http.ResponseWriter)
		want   trouble
	}{
		{"too large", func(w http.ResponseWriter) { w.Write(make([]byte, maxVerdicts+1)) }, troubleAnswer},
		{"a page", func(w http.ResponseWriter) { w.Write([]byte("<html>")) }, troubleAnswer},
		{"nothing", func(http.ResponseWriter) {}, troubleAnswer},
		{"somewhere else", func(w http.ResponseWriter) {
			w.Header().Set("Location", "https://elsewhere.test/")
			w.WriteHeader(http.StatusFound)
		}, troubleStatus},
		{"not yet", func(w http.ResponseWriter) { w.WriteHeader(http.StatusAccepted) }, troubleStatus},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { c.answer(w) }))
			defer server.Close()
			a, err := newAsker(Haven{URL: server.URL, Timeout: Duration(time.Minute)})
			if err != nil {
				t.Fatal(err)
			}
			found, err := a.evaluate(t.Context(), []string{"a/b:1"})
			if failed, ok := errors.AsType[*askError](err); !ok || failed.trouble != c.want || found != nil {
				t.Errorf("got %v, %v; want %s", found, err, c.want)
			}
		})
	}
}

func TestWhoLeavesIsNotWaitedFor(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then a server notices who leaves
		<-r.Context().Done()
	}))
	defer server.Close()
	a, err := newAsker(Haven{URL: server.URL, Timeout: Duration(time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err = a.evaluate(ctx, []string{"a/b:1"})
	if failed, ok := errors.AsType[*askError](err); !ok || failed.trouble != troubleTimeout {
		t.Errorf("got %v", err)
	}
}
