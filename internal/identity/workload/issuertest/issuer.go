// Package issuertest is an OpenID Connect issuer for tests: it signs tokens with its own keys and publishes
// those by HTTP on 127.0.0.1, as a CI system does.
package issuertest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// Issuer signs tokens.
type Issuer struct {
	URL string

	t         testing.TB
	mu        sync.Mutex
	number    int
	algorithm jose.SignatureAlgorithm
	key       crypto.Signer
	published []jose.JSONWebKey
	asked     int
	down      bool
}

// New starts an issuer that signs with ES256; it ends with the test.
func New(t testing.TB) *Issuer {
	t.Helper()
	i := &Issuer{t: t}
	server := httptest.NewServer(http.HandlerFunc(i.serve))
	t.Cleanup(server.Close)
	i.URL = server.URL
	i.Rotate(jose.ES256)
	return i
}

// Rotate makes another key for the algorithm, and publishes it besides the present ones.
func (i *Issuer) Rotate(algorithm jose.SignatureAlgorithm) {
	i.t.Helper()
	key, err := newKey(algorithm)
	if err != nil {
		i.t.Fatal(err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.number++
	i.algorithm, i.key = algorithm, key
	i.published = append(i.published, jose.JSONWebKey{Key: key.Public(), KeyID: i.keyID(), Algorithm: string(algorithm), Use: "sig"})
}

func (i *Issuer) keyID() string { return "key-" + strconv.Itoa(i.number) }

func newKey(algorithm jose.SignatureAlgorithm) (crypto.Signer, error) {
	switch algorithm {
	case jose.RS256:
		return rsa.GenerateKey(rand.Reader, 2048)
	case jose.EdDSA:
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	default:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
}

// Forget stops publishing all keys but the newest.
func (i *Issuer) Forget() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.published = i.published[len(i.published)-1:]
}

// Down lets the issuer answer 503 until it is called with false.
func (i *Issuer) Down(down bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.down = down
}

// Asked is how often keys were asked for.
func (i *Issuer) Asked() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.asked
}

// KeySet is the JWKS that the issuer publishes.
func (i *Issuer) KeySet() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	text, err := json.Marshal(jose.JSONWebKeySet{Keys: i.published})
	if err != nil {
		i.t.Error(err)
	}
	return string(text)
}

// Claims are those of a CI job of acme/app for the audience, good from now for five minutes.
func (i *Issuer) Claims(audience string, now time.Time) map[string]any {
	return map[string]any{
		"iss": i.URL, "aud": audience, "sub": "repo:acme/app:ref:refs/heads/main", "jti": "job-1",
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
		"repository": "acme/app", "ref": "refs/heads/main", "run_number": 17,
	}
}

// Sign signs claims with the newest key.
func (i *Issuer) Sign(claims map[string]any) string {
	i.t.Helper()
	i.mu.Lock()
	defer i.mu.Unlock()
	return Sign(i.t, i.algorithm, i.key, i.keyID(), claims)
}

// Sign signs claims with any key.
func Sign(t testing.TB, algorithm jose.SignatureAlgorithm, key any, keyID string, claims map[string]any) string {
	t.Helper()
	options := (&jose.SignerOptions{}).WithType("JWT")
	if keyID != "" {
		options = options.WithHeader("kid", keyID)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, options)
	if err != nil {
		t.Fatal(err)
	}
	token, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func (i *Issuer) serve(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	down := i.down
	if r.URL.Path == "/keys" {
		i.asked++
	}
	i.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	switch {
	case down:
		http.Error(w, "down for a while", http.StatusServiceUnavailable)
	case r.URL.Path == "/.well-known/openid-configuration":
		if err := json.NewEncoder(w).Encode(map[string]any{"issuer": i.URL, "jwks_uri": i.URL + "/keys"}); err != nil {
			i.t.Error(err)
		}
	case r.URL.Path == "/keys":
		if _, err := w.Write([]byte(i.KeySet())); err != nil {
			i.t.Error(err)
		}
	default:
		http.NotFound(w, r)
	}
}
