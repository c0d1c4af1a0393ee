package oidc

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/secret"
	"github.com/havenregistry/haven/internal/setting"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// issuer is a provider that says what a test wants, also what no honest one would: the real one is in
// test/identity.
type issuer struct {
	t   *testing.T
	url string
	key *ecdsa.PrivateKey

	mu       sync.Mutex
	token    claims // of the ID token, over the usual ones
	info     claims // of userinfo, over sub
	nonce    string
	down     bool // everything answers 503
	gone     bool // the grant is no good any more
	noIDs    bool // a refresh brings no ID token
	noGrants bool // there are no refresh tokens
	asked    map[string]int
	refresh  string // the one token that is good
}

const clientID = "haven"

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	i := &issuer{t: t, key: key, asked: map[string]int{}, token: claims{}, info: claims{}}
	server := httptest.NewServer(http.HandlerFunc(i.serve))
	t.Cleanup(server.Close)
	i.url = server.URL
	return i
}

func (i *issuer) serve(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.asked[r.URL.Path]++
	if i.down {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		i.write(w, map[string]any{
			"issuer": i.url, "authorization_endpoint": i.url + "/auth", "token_endpoint": i.url + "/token",
			"userinfo_endpoint": i.url + "/me", "jwks_uri": i.url + "/keys", "end_session_endpoint": i.url + "/end",
		})
	case "/keys":
		i.write(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: i.key.Public(), KeyID: "1", Algorithm: "ES256", Use: "sig"}}})
	case "/token":
		i.redeem(w, r)
	case "/me":
		info := claims{"sub": "u1"}
		maps.Copy(info, i.info)
		i.write(w, info)
	}
}

func (i *issuer) redeem(w http.ResponseWriter, r *http.Request) {
	again := r.FormValue("grant_type") == "refresh_token"
	if i.gone || again && r.FormValue("refresh_token") != i.refresh || !again && r.FormValue("code_verifier") == "" {
		w.WriteHeader(http.StatusBadRequest)
		i.write(w, map[string]string{"error": "invalid_grant"})
		return
	}
	answer := map[string]any{"access_token": "a", "token_type": "Bearer", "expires_in": 3600}
	if !i.noGrants {
		i.refresh = secret.NewToken()
		answer["refresh_token"] = i.refresh
	}
	if !again || !i.noIDs {
		answer["id_token"] = i.sign(i.idClaims(), jose.ES256, i.key)
	}
	i.write(w, answer)
}

func (i *issuer) idClaims() claims {
	c := claims{
		"iss": i.url, "aud": clientID, "sub": "u1", "nonce": i.nonce, "iat": time.Now().Unix(),
		"exp": time.Now().Add(time.Minute).Unix(), "name": "Ann Lee", "email": "ann@example.org",
	}
	maps.Copy(c, i.token)
	for name, v := range c {
		if v == nil {
			delete(c, name)
		}
	}
	return c
}

func (i *issuer) sign(c claims, alg jose.SignatureAlgorithm, key any) string {
	i.t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, (&jose.SignerOptions{}).WithHeader("kid", "1"))
	if err != nil {
		i.t.Fatal(err)
	}
	text, _ := json.Marshal(c)
	signed, err := signer.Sign(text)
	if err != nil {
		i.t.Fatal(err)
	}
	out, err := signed.CompactSerialize()
	if err != nil {
		i.t.Fatal(err)
	}
	return out
}

func (i *issuer) write(w http.ResponseWriter, v any) {
	if err := json.NewEncoder(w).Encode(v); err != nil {
		i.t.Error(err)
	}
}

// is changes what the issuer says.
func (i *issuer) is(change func(*issuer)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	change(i)
}

func (i *issuer) count(path string) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.asked[path]
}

// house is a registry with the issuer as its provider, and a clock of its own.
type house struct {
	*Service
	*issuer
	db       *db.DB
	settings *setting.Service
	now      time.Time
}

func newHouse(t *testing.T, d *db.DB) *house {
	t.Helper()
	box, err := secret.OpenBox(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	h := &house{issuer: newIssuer(t), db: d, now: time.Now()}
	clock := func() time.Time { return h.now }
	h.settings = setting.New(d, box, time.Now)
	log := slog.New(slog.DiscardHandler)
	p := NewProvider(Deps{DB: d, Settings: h.settings, Box: box, Clock: clock, Log: log})
	people := identity.New(identity.Deps{
		DB: d, Settings: h.settings, Box: box, Clock: clock, Log: log,
		Providers: []identity.NamedProvider{{Provider: p, Name: identity.OIDCProvider, GroupType: identity.OIDCGroup}},
	})
	if _, err := people.Bootstrap(t.Context(), "Admin-test-12345", false); err != nil {
		t.Fatal(err)
	}
	h.Service = NewService(p, people)
	h.set(t, map[string]any{
		"auth_mode": "oidc_auth", "oidc_endpoint": h.url, "oidc_client_id": clientID, "oidc_client_secret": "s3cret",
		"oidc_groups_claim": "groups", "oidc_auto_onboard": true, "oidc_scope": "openid,offline_access",
	})
	return h
}

func (h *house) set(t *testing.T, changes map[string]any) {
	t.Helper()
	if err := h.settings.Set(t.Context(), "admin", changes); err != nil {
		t.Fatal(err)
	}
}
