//go:build acceptance

package registries

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/havenregistry/haven/internal/replication/remote"
)

// access is what a token allows (distribution's token specification).
type access struct {
	Type    string   `json:"type"`
	Name    string   `json:"name"`
	Actions []string `json:"actions"`
}

// tokenService gives tokens for all that is asked to who has the password, and returns the configuration of a registry that believes it.
func tokenService(t *testing.T) (besides, realm string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "1"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "someone" || password != "canary-1" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		allowed := []access{}
		for _, scope := range r.URL.Query()["scope"] {
			parts := strings.Split(scope, ":")
			allowed = append(allowed, access{parts[0], parts[1], strings.Split(parts[2], ",")})
		}
		now := time.Now()
		token, err := jwt.Signed(signer).Claims(map[string]any{
			"iss": "test", "aud": r.URL.Query().Get("service"), "sub": "someone", "iat": now.Unix(), "nbf": now.Add(-time.Minute).Unix(), "exp": now.Add(time.Minute).Unix(), "access": allowed,
		}).Serialize()
		if err != nil {
			t.Error(err)
		}
		fmt.Fprintf(w, `{"token":%q,"expires_in":60}`, token)
	}))
	t.Cleanup(server.Close)
	text, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &key.PublicKey, KeyID: "1", Algorithm: "ES256", Use: "sig"}}})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "jwks")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("auth: {token: {realm: %q, service: registry, issuer: test, jwks: %q, signingalgorithms: [ES256]}}", server.URL+"/token", path), server.URL
}

// Distribution whose tokens come from another port of its host.
func TestDistributionWithTokens(t *testing.T) {
	besides, _ := tokenService(t)
	url := distribution(t, besides)
	e := remote.Endpoint{Kind: remote.DockerRegistry, URL: url, Credential: remote.Credential{Type: "basic", AccessKey: "someone", Secret: "canary-2"}}
	if led, ok := errors.AsType[*remote.RealmError](remote.Ping(t.Context(), open(t, e))); ok {
		e.Realm = led.Origin
	}
	if err := remote.Ping(t.Context(), open(t, e)); !errors.Is(err, remote.ErrCredential) {
		t.Errorf("with a wrong password: %v", err)
	}
	e.Credential.Secret = "canary-1"
	conversation(t, e)
}
