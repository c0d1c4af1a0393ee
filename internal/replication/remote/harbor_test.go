package remote_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/replication/remote"
	"github.com/havenregistry/haven/internal/replication/remote/remotetest"
)

// A Harbor whose tokens come from a name that is only known elsewhere is told name and password, as it takes both.
func TestHarborByAnotherName(t *testing.T) {
	fake := remotetest.New(t)
	tokens := &remotetest.Tokens{User: "someone", Password: "canary-1", Realm: "https://harbor.example.com"}
	d := fake.Image("a/b", "x", "v1")
	fake.Before = func(w http.ResponseWriter, q *http.Request) bool {
		switch _, password, ok := q.BasicAuth(); {
		case q.URL.Path == "/api/v2.0/ping":
			return answer(w, "Pong")
		case q.URL.Path == "/api/v2.0/health":
			remotetest.Answer(w, 200, map[string]any{"status": "unhealthy", "components": []any{map[string]string{"name": "trivy", "status": "unhealthy"}}})
			return true
		case ok && password == "canary-1":
			return false
		}
		return tokens.Guard(w, q)
	}
	r := newWorld(t, remote.Harbor).open(fake.URL, "someone", "canary-1")
	ping(t, r)
	if got, err := r.Head(t.Context(), "a/b", oci.TagReference("v1")); err != nil || got.Digest != d {
		t.Errorf("got %v, %v", got, err)
	}
}

// Who gave http where the registry is at https, as one who gave no scheme does, is told where it is.
func TestRegistryThatLeadsOn(t *testing.T) {
	fake := remotetest.New(t)
	fake.Before = func(w http.ResponseWriter, q *http.Request) bool {
		http.Redirect(w, q, "https://harbor.example.com"+q.URL.Path, http.StatusPermanentRedirect)
		return true
	}
	for _, kind := range []remote.Kind{remote.Harbor, remote.DockerRegistry} {
		err := remote.Ping(t.Context(), newWorld(t, kind).open(fake.URL, "someone", "canary-1"))
		if err == nil || remote.Diagnosis(err) != "it answers 308: it leads on to https://harbor.example.com: give the address of the registry itself" {
			t.Errorf("%s: got %v", kind, err)
		}
	}
}

func answer(w http.ResponseWriter, words string) bool {
	_, _ = io.WriteString(w, words)
	return true
}
