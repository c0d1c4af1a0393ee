package remote_test

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/replication/remote"
	"github.com/havenregistry/haven/internal/replication/remote/remotetest"
	"github.com/havenregistry/haven/internal/secret"
)

func secretText(s string) secret.Text { return secret.Text(s) }

func TestTokens(t *testing.T) {
	fake := remotetest.New(t)
	tokens := &remotetest.Tokens{User: "someone", Password: "canary-1", Life: 100}
	fake.Before = tokens.Guard
	d := fake.Image("a/b", "x", "v1")
	w := newWorld(t, remote.DockerRegistry)
	r := w.open(fake.URL, "someone", "canary-1")
	ping(t, r)
	head := func() {
		t.Helper()
		if got, err := r.Head(t.Context(), "a/b", oci.TagReference("v1")); err != nil || got.Digest != d {
			t.Fatalf("got %v, %v", got, err)
		}
	}
	given := func(when string, want int) {
		t.Helper()
		if n := tokens.Given(); n != want {
			t.Errorf("%s: %d tokens, want %d", when, n, want)
		}
	}
	head()
	head()
	given("two requests", 2) // one for the ping
	if tokens.Scopes[1] != "repository:a/b:pull" {
		t.Errorf("got %v", tokens.Scopes)
	}
	w.now = w.now.Add(74 * time.Second)
	head()
	given("before it ends", 2)
	w.now = w.now.Add(2 * time.Second)
	head()
	given("shortly before it ends", 3)
	tokens.Revoke()
	head()
	given("after it ended early", 4)
	// All at once have one asked for.
	tokens.Revoke()
	w.now = w.now.Add(time.Hour)
	var all sync.WaitGroup
	for range 10 {
		all.Go(head)
	}
	all.Wait()
	given("ten at once", 5)

	wrong := w.open(fake.URL, "someone", "canary-2")
	if err := remote.Ping(t.Context(), wrong); !errors.Is(err, remote.ErrCredential) || strings.Contains(err.Error(), "canary") {
		t.Errorf("a wrong password: %v", err)
	}
	if _, err := wrong.Head(t.Context(), "a/b", oci.TagReference("v1")); !errors.Is(err, remote.ErrCredential) {
		t.Errorf("a wrong password: %v", err)
	}
}

// A token that ends in the middle of a copy is followed by another, and the copy goes on.
func TestTokenEndsInACopy(t *testing.T) {
	d, b := remotetest.Random(3 << 20)
	fake := remotetest.New(t)
	tokens := &remotetest.Tokens{}
	patches := 0
	fake.Before = func(w http.ResponseWriter, q *http.Request) bool {
		if q.Method == http.MethodPatch {
			if patches++; patches == 2 {
				tokens.Revoke()
			}
		}
		return tokens.Guard(w, q)
	}
	r := newWorld(t, remote.DockerRegistry).open(fake.URL, "", "")
	if err := r.PutBlob(t.Context(), "a/b", d, remotetest.From(b), remote.PutOptions{Chunk: 1 << 20}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(fake.Bytes("a/b", d.Digest), b) || tokens.Given() != 2 {
		t.Errorf("%d tokens", tokens.Given())
	}
}

// What the registry says that a token lacks is asked for.
func TestWiderScope(t *testing.T) {
	fake := remotetest.New(t)
	tokens := &remotetest.Tokens{Extra: "repository:a/b:metadata_read"}
	fake.Before = tokens.Guard
	fake.Image("a/b", "x", "v1")
	r := newWorld(t, remote.DockerRegistry).open(fake.URL, "", "")
	if _, err := r.Head(t.Context(), "a/b", oci.TagReference("v1")); err != nil {
		t.Fatal(err)
	}
	if last := tokens.Scopes[len(tokens.Scopes)-1]; last != "repository:a/b:pull repository:a/b:metadata_read" {
		t.Errorf("got %v", tokens.Scopes)
	}
	// One who is refused with all that he may have doesn't ask for more and more.
	fake.Before = func(w http.ResponseWriter, q *http.Request) bool {
		if q.URL.Path != "/token" {
			w.Header().Set("WWW-Authenticate", `Bearer realm="`+fake.URL+`/token",service="registry.test",error="insufficient_scope"`)
			w.WriteHeader(http.StatusUnauthorized)
			return true
		}
		return tokens.Guard(w, q)
	}
	before := tokens.Given()
	if _, err := r.Head(t.Context(), "c/d", oci.TagReference("v1")); !errors.Is(err, remote.ErrDenied) {
		t.Errorf("got %v", err)
	}
	if n := tokens.Given() - before; n != 1 {
		t.Errorf("%d tokens", n)
	}
}

// S5: a registry can't have its credential sent elsewhere.
func TestRealmElsewhere(t *testing.T) {
	fake := remotetest.New(t)
	tokens := &remotetest.Tokens{User: "someone", Password: "canary-1"}
	var told []string
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		told = append(told, q.Header.Get("Authorization"))
		tokens.Serve(w, q)
	}))
	t.Cleanup(elsewhere.Close)
	address := strings.Replace(elsewhere.URL, "127.0.0.1", "localhost", 1)
	tokens.Realm = address
	fake.Before = tokens.Guard
	w := newWorld(t, remote.DockerRegistry)
	e := remote.Endpoint{Kind: remote.DockerRegistry, URL: fake.URL, Credential: remote.Credential{AccessKey: "someone", Secret: "canary-1"}}
	err := remote.Ping(t.Context(), w.with(e))
	led, ok := errors.AsType[*remote.RealmError](err)
	if !ok || led.Origin != address || len(told) != 0 {
		t.Fatalf("got %v, told %v", err, told)
	}
	e.Realm = led.Origin
	if err := remote.Ping(t.Context(), w.with(e)); errors.As(err, &led) {
		t.Errorf("though somebody said that it is right: %v", err)
	}
	// Another port of the registry's host is elsewhere, encrypted or not.
	e.Realm = ""
	for _, tokens.Realm = range []string{elsewhere.URL, "https://127.0.0.1:1"} {
		if err := remote.Ping(t.Context(), w.with(e)); !errors.As(err, &led) || led.Origin != tokens.Realm {
			t.Errorf("%s: %v", tokens.Realm, err)
		}
	}
	tokens.Realm = address
	// Nobody's anonymous request goes there as to any other.
	tokens.User = ""
	e.Realm, e.Credential = "", remote.Credential{}
	if err := remote.Ping(t.Context(), w.with(e)); errors.As(err, &led) {
		t.Errorf("without a credential: %v", err)
	}
}

func TestTokenServiceInTrouble(t *testing.T) {
	fake := remotetest.New(t)
	tokens := &remotetest.Tokens{}
	status, body := 429, ""
	fake.Before = func(w http.ResponseWriter, q *http.Request) bool {
		if q.URL.Path == "/token" {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(status)
			w.Write([]byte(body))
			return true
		}
		return tokens.Guard(w, q)
	}
	r := newWorld(t, remote.DockerRegistry).open(fake.URL, "", "")
	head := func() error {
		_, err := r.Head(t.Context(), "a/b", oci.TagReference("v1"))
		return err
	}
	if err := head(); !limited(7 * time.Second)(err) {
		t.Errorf("got %v", err)
	}
	status = 502
	if err := head(); !isUnreachable(err) {
		t.Errorf("got %v", err)
	}
	status = 200
	for _, body = range []string{"", "{}", "<html>", `{"token":3}`} {
		if err := head(); !errors.Is(err, remote.ErrNoRegistry) {
			t.Errorf("%s: %v", body, err)
		}
	}
}
