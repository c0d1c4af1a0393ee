package oidc

import (
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/outbound"
	"github.com/havenregistry/haven/internal/secret"
)

// begin starts a sign-in and returns what the browser holds and an answer of the provider that fits.
func (h *house) begin(t *testing.T) (sealed string, answer url.Values) {
	t.Helper()
	location, sealed, err := h.Begin(t.Context(), "http://haven/c/oidc/callback", "/p/team")
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(location)
	if err != nil {
		t.Fatal(err)
	}
	asked := u.Query()
	for name, want := range map[string]string{
		"client_id": clientID, "response_type": "code", "code_challenge_method": "S256", "scope": "openid offline_access",
		"redirect_uri": "http://haven/c/oidc/callback",
	} {
		if asked.Get(name) != want {
			t.Fatalf("%s is %q, want %q", name, asked.Get(name), want)
		}
	}
	h.is(func(i *issuer) { i.nonce = asked.Get("nonce") })
	return sealed, url.Values{"state": {asked.Get("state")}, "code": {"c"}}
}

func (h *house) signIn(t *testing.T) SignedIn {
	t.Helper()
	sealed, answer := h.begin(t)
	in, err := h.Finish(t.Context(), sealed, answer, Browser{UserAgent: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func (h *house) who(t *testing.T, session string) (authz.Principal, bool) {
	t.Helper()
	p, err := h.identity.SessionPrincipal(t.Context(), session, false)
	if errors.Is(err, identity.ErrSession) {
		return p, false
	}
	if err != nil {
		t.Fatal(err)
	}
	return p, true
}

func TestSignIn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		in := h.signIn(t)
		p, ok := h.who(t, in.Session)
		if !ok || p.Name != "Ann_Lee" || in.Next != "/p/team" {
			t.Fatalf("got %+v, %+v", p, in)
		}
		// The same person again, by another name: the same account and the same CLI secret.
		before, err := h.GetSecret(t.Context(), p.ID)
		if err != nil || before.SubIss != "u1"+h.url {
			t.Fatalf("got %+v, %v", before, err)
		}
		h.is(func(i *issuer) { i.token["name"] = "Ann Other" })
		again, _ := h.who(t, h.signIn(t).Session)
		after, err := h.GetSecret(t.Context(), p.ID)
		if err != nil || again.ID != p.ID || after.Secret.Reveal() != before.Secret.Reveal() {
			t.Fatalf("got %+v, %v", again, err)
		}
	})
}

// Each of these answers is wrong in one way.
func TestFinishRefuses(t *testing.T) {
	key := newIssuer(t).key
	for name, c := range map[string]struct {
		spoil func(h *house, sealed string, answer url.Values) string
		want  error
	}{
		"wrong state":      {func(_ *house, s string, a url.Values) string { a.Set("state", "x"); return s }, ErrFlow},
		"no state":         {func(_ *house, s string, a url.Values) string { a.Del("state"); return s }, ErrFlow},
		"no cookie":        {func(_ *house, _ string, _ url.Values) string { return "" }, ErrFlow},
		"forged cookie":    {func(_ *house, s string, _ url.Values) string { return s[:len(s)-4] + "AAAA" }, ErrFlow},
		"another's cookie": {func(h *house, _ string, _ url.Values) string { _, s, _ := h.Begin(h.t.Context(), "x", "/"); return s }, ErrFlow},
		"too late": {func(h *house, s string, _ url.Values) string {
			h.now = h.now.Add(FlowLife + time.Second)
			return s
		}, ErrFlow},
		"another issuer's answer": {func(_ *house, s string, a url.Values) string { a.Set("iss", "https://evil.example"); return s }, ErrFlow},
		"person said no": {func(_ *house, s string, a url.Values) string {
			a.Set("error", "access_denied")
			return s
		}, ErrDenied},
		"no code":         {func(_ *house, s string, a url.Values) string { a.Del("code"); return s }, ErrDenied},
		"used code":       {says(func(i *issuer) { i.gone = true }), ErrRefused},
		"wrong nonce":     {tells("nonce", "x"), ErrRefused},
		"no nonce":        {tells("nonce", nil), ErrRefused},
		"other audience":  {tells("aud", "other"), ErrRefused},
		"two audiences":   {tells("aud", []string{clientID, "other"}), ErrRefused},
		"other azp":       {tells("azp", "other"), ErrRefused},
		"other issuer":    {tells("iss", "https://evil.example"), ErrRefused},
		"expired":         {tells("exp", time.Now().Add(-skew-2*time.Second).Unix()), ErrRefused},
		"no expiry":       {tells("exp", nil), ErrRefused},
		"of the future":   {tells("iat", time.Now().Add(time.Hour).Unix()), ErrRefused},
		"no sub":          {tells("sub", ""), ErrRefused},
		"another's token": {tells("at_hash", "AAAAAAAAAAAAAAAAAAAAAA"), ErrRefused},
		"other signature": {says(func(i *issuer) { *i.key = *key }), ErrRefused},
		"userinfo of another": {says(func(i *issuer) {
			i.info["sub"] = "u2"
		}), ErrRefused},
		"no name": {tells("name", nil), ErrProfile},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, dbtest.SQLite(t))
			h.signIn(t) // the keys are known by now
			sealed, answer := h.begin(t)
			sealed = c.spoil(h, sealed, answer)
			in, err := h.Finish(t.Context(), sealed, answer, Browser{})
			if !errors.Is(err, c.want) || in.Session != "" {
				t.Fatalf("got %+v, %v, want %v", in, err, c.want)
			}
		})
	}
}

func says(change func(*issuer)) func(*house, string, url.Values) string {
	return func(h *house, sealed string, _ url.Values) string { h.is(change); return sealed }
}

func tells(claim string, value any) func(*house, string, url.Values) string {
	return says(func(i *issuer) { i.token[claim] = value })
}

func TestSkewIsForgiven(t *testing.T) {
	h := newHouse(t, dbtest.SQLite(t))
	h.is(func(i *issuer) {
		i.token["exp"], i.token["iat"] = time.Now().Add(-skew/2).Unix(), time.Now().Add(skew/2).Unix()
	})
	h.signIn(t)
}

// The header's algorithm is the sender's word: none, or HMAC with what everybody knows, is no signature.
func TestAlgorithmsThatProveNothing(t *testing.T) {
	h := newHouse(t, dbtest.SQLite(t))
	c, r, err := h.provider.connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	body := h.idClaims()
	good := h.sign(body, jose.ES256, h.key)
	if _, err := r.verify(t.Context(), c, good, "", h.now); err != nil {
		t.Fatal(err)
	}
	payload := strings.Split(good, ".")[1]
	for name, token := range map[string]string{
		"none":          "eyJhbGciOiJub25lIn0." + payload + ".",
		"client secret": h.sign(body, jose.HS256, []byte("s3crets3crets3crets3crets3crets3")),
		"no token":      "x.y.z",
		"nothing":       "",
	} {
		if _, err := r.verify(t.Context(), c, token, "", h.now); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnswerCountsOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		sealed, answer := h.begin(t)
		if _, err := h.Finish(t.Context(), sealed, answer, Browser{}); err != nil {
			t.Fatal(err)
		}
		asked := h.count("/token")
		if _, err := h.Finish(t.Context(), sealed, answer, Browser{}); !errors.Is(err, ErrFlow) {
			t.Fatalf("got %v", err)
		}
		if h.count("/token") != asked {
			t.Fatal("the code went to the provider again, which may revoke the first one's tokens")
		}
	})
}

func TestOnboarding(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		h.set(t, map[string]any{"oidc_auto_onboard": false})
		in := h.signIn(t)
		if in.Session != "" || in.Onboard == "" || in.Username != "Ann_Lee" || in.Next != "/p/team" {
			t.Fatalf("got %+v", in)
		}
		if _, err := h.Onboard(t.Context(), "x", "ann", Browser{}); !errors.Is(err, ErrFlow) {
			t.Fatalf("with another token: %v", err)
		}
		if _, err := h.Onboard(t.Context(), in.Onboard, "admin", Browser{}); !errors.Is(err, fault.Conflict) {
			t.Fatalf("a name that is taken: %v", err)
		}
		if _, err := h.Onboard(t.Context(), in.Onboard, "a~b", Browser{}); !errors.Is(err, fault.Invalid) {
			t.Fatalf("no name: %v", err)
		}
		done, err := h.Onboard(t.Context(), in.Onboard, "ann", Browser{})
		if err != nil {
			t.Fatal(err)
		}
		if p, ok := h.who(t, done.Session); !ok || p.Name != "ann" || done.Next != "/p/team" {
			t.Fatalf("got %+v, %+v", p, done)
		}
		if _, err := h.Onboard(t.Context(), in.Onboard, "ann2", Browser{}); !errors.Is(err, ErrFlow) {
			t.Fatalf("a second time: %v", err)
		}
	})
}

func TestOnboardingEnds(t *testing.T) {
	h := newHouse(t, dbtest.SQLite(t))
	h.set(t, map[string]any{"oidc_auto_onboard": false})
	in := h.signIn(t)
	h.now = h.now.Add(OnboardLife + time.Second)
	if _, err := h.Onboard(t.Context(), in.Onboard, "ann", Browser{}); !errors.Is(err, ErrFlow) {
		t.Fatalf("got %v", err)
	}
}

func TestCLISecret(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		p, _ := h.who(t, h.signIn(t).Session)
		made, err := h.GetSecret(t.Context(), p.ID)
		if err != nil {
			t.Fatal(err)
		}
		logIn := func(password string) error {
			_, err := h.identity.Authenticate(t.Context(), p.Name, secret.Text(password), netip.MustParseAddr("192.0.2.7"))
			return err
		}
		if err := logIn(made.Secret.Reveal()); err != nil {
			t.Fatal(err)
		}
		if err := h.SetSecret(t.Context(), p, p.ID, "short"); !errors.Is(err, fault.Invalid) {
			t.Fatalf("a weak one: %v", err)
		}
		if err := h.SetSecret(t.Context(), p, p.ID, "Chosen-12345"); err != nil {
			t.Fatal(err)
		}
		if err := logIn(made.Secret.Reveal()); !errors.Is(err, identity.ErrCredentials) {
			t.Fatalf("the old one: %v", err)
		}
		if err := logIn("Chosen-12345"); err != nil {
			t.Fatal(err)
		}
		if err := h.SetSecret(t.Context(), p, p.ID, ""); err != nil {
			t.Fatal(err)
		}
		random, err := h.GetSecret(t.Context(), p.ID)
		if err != nil || len(random.Secret.Reveal()) != secret.PasswordLength || random.Secret.Reveal() == made.Secret.Reveal() {
			t.Fatalf("got %d characters, %v", len(random.Secret.Reveal()), err)
		}
		if err := h.SetSecret(t.Context(), authz.Principal{Kind: authz.User, ID: 1, Admin: true}, identity.AdminID, ""); !errors.Is(err, ErrNoSecret) {
			t.Fatalf("of who never came by the provider: %v", err)
		}
	})
}

func TestRefresh(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		h.signIn(t)
		subject := subjectOf(h.url, "u1")
		asked := h.count("/token")
		h.is(func(i *issuer) { i.token["groups"] = []string{"dev"} })
		if got, err := h.provider.Refresh(t.Context(), subject); err != nil || len(got.Groups) != 0 || h.count("/token") != asked {
			t.Fatalf("fresh from the sign-in: %+v, %v", got, err)
		}
		for range 3 { // each token is good once
			h.now = h.now.Add(freshFor)
			if got, err := h.provider.Refresh(t.Context(), subject); err != nil || len(got.Groups) != 1 || got.Groups[0].Key != "dev" {
				t.Fatalf("got %+v, %v", got, err)
			}
		}
		h.is(func(i *issuer) { i.down = true })
		h.now = h.now.Add(freshFor)
		if _, err := h.provider.Refresh(t.Context(), subject); err == nil || errors.Is(err, fault.NotFound) {
			t.Fatalf("the provider is down: %v", err)
		}
		h.is(func(i *issuer) { i.down = false })
		if _, err := h.provider.Refresh(t.Context(), subject); err != nil {
			t.Fatalf("the provider is back: %v", err)
		}
		h.is(func(i *issuer) { i.token["sub"] = "u2" })
		h.now = h.now.Add(freshFor)
		if _, err := h.provider.Refresh(t.Context(), subject); !errors.Is(err, ErrRefused) {
			t.Fatalf("it speaks of another: %v", err)
		}
		h.is(func(i *issuer) { delete(i.token, "sub"); i.gone = true })
		h.now = h.now.Add(freshFor)
		for range 2 {
			if _, err := h.provider.Refresh(t.Context(), subject); !errors.Is(err, fault.NotFound) {
				t.Fatalf("the person left: %v", err)
			}
		}
		if _, err := h.provider.Authenticate(t.Context(), "Ann_Lee", "x"); !errors.Is(err, identity.ErrCredentials) {
			t.Fatalf("got %v", err)
		}
		h.is(func(i *issuer) { i.gone = false })
		h.signIn(t)
		h.now = h.now.Add(freshFor)
		if _, err := h.provider.Refresh(t.Context(), subject); err != nil {
			t.Fatalf("the person is back: %v", err)
		}
	})
}

// Several processes ask at once; a refresh token that came twice would be revoked.
func TestRefreshUsesATokenOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		h.signIn(t)
		h.now = h.now.Add(freshFor)
		asked := h.count("/token")
		done := make(chan error, 8)
		for range cap(done) {
			go func() {
				_, err := h.provider.Refresh(t.Context(), subjectOf(h.url, "u1"))
				done <- err
			}()
		}
		for range cap(done) {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if n := h.count("/token") - asked; n != 1 {
			t.Errorf("the provider was asked %d times", n)
		}
	})
}

// A refresh token belongs to who gave it (S5).
func TestRefreshGoesToNobodyElse(t *testing.T) {
	h := newHouse(t, dbtest.SQLite(t))
	h.signIn(t)
	other := newIssuer(t)
	h.set(t, map[string]any{"oidc_endpoint": other.url})
	h.now = h.now.Add(freshFor)
	if _, err := h.provider.Refresh(t.Context(), subjectOf(h.url, "u1")); !errors.Is(err, fault.NotFound) {
		t.Fatalf("got %v", err)
	}
	if other.count("/token") != 0 {
		t.Fatal("the other provider got a token")
	}
}

func TestRefreshWithoutRefreshTokens(t *testing.T) {
	h := newHouse(t, dbtest.SQLite(t))
	h.is(func(i *issuer) { i.noGrants = true; i.info["name"] = "Ann"; i.info["groups"] = []string{"dev"} })
	p, _ := h.who(t, h.signIn(t).Session)
	subject := subjectOf(h.url, "u1")
	h.now = h.now.Add(freshFor)
	h.is(func(i *issuer) { i.info["groups"] = []string{"ops"} })
	if got, err := h.provider.Refresh(t.Context(), subject); err != nil || len(got.Groups) != 1 || got.Groups[0].Key != "ops" {
		t.Fatalf("while the access token lasts: %+v, %v", got, err)
	}
	h.now = h.now.Add(2 * time.Hour)
	if _, err := h.provider.Refresh(t.Context(), subject); !errors.Is(err, errUntold) {
		t.Fatalf("after it: %v", err)
	}
	made, err := h.GetSecret(t.Context(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.provider.Authenticate(t.Context(), p.Name, made.Secret); !errors.Is(err, identity.ErrCredentials) {
		t.Fatalf("a CLI secret that nobody stands for: %v", err)
	}
}

func TestLogOut(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		in := h.signIn(t)
		if pending, err := h.FarewellPending(t.Context(), in.Session); err != nil || pending {
			t.Fatalf("got %v, %v", pending, err)
		}
		h.set(t, map[string]any{"oidc_logout": true})
		if pending, err := h.FarewellPending(t.Context(), in.Session); err != nil || !pending {
			t.Fatalf("got %v, %v", pending, err)
		}
		there, err := h.Farewell(t.Context(), in.Session, "http://haven/account/sign-in")
		if err != nil || !strings.HasPrefix(there, h.url+"/end?") || !strings.Contains(there, "id_token_hint=ey") ||
			!strings.Contains(there, "post_logout_redirect_uri=http%3A%2F%2Fhaven%2Faccount%2Fsign-in") {
			t.Fatalf("got %s, %v", there, err)
		}
		if _, ok := h.who(t, in.Session); ok {
			t.Fatal("the session goes on")
		}
	})
}

func (h *house) logoutToken(change claims) string {
	c := claims{
		"iss": h.url, "aud": clientID, "iat": h.now.Unix(), "exp": h.now.Add(time.Minute).Unix(), "jti": secret.NewToken(), "sub": "u1",
		"events": claims{"http://schemas.openid.net/event/backchannel-logout": claims{}},
	}
	maps.Copy(c, change)
	for name, v := range c {
		if v == nil {
			delete(c, name)
		}
	}
	return h.sign(c, jose.ES256, h.key)
}

func TestEndedByProvider(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		h.is(func(i *issuer) { i.token["sid"] = "s1" })
		first := h.signIn(t).Session
		h.is(func(i *issuer) { i.token["sid"] = "s2" })
		second := h.signIn(t).Session
		foreign := newIssuer(t)
		for name, token := range map[string]string{
			"nothing":           "",
			"other key":         h.sign(h.idClaims(), jose.ES256, foreign.key),
			"an ID token":       h.sign(h.idClaims(), jose.ES256, h.key),
			"other audience":    h.logoutToken(claims{"aud": "other"}),
			"other issuer":      h.logoutToken(claims{"iss": foreign.url}),
			"with a nonce":      h.logoutToken(claims{"nonce": "n"}),
			"old":               h.logoutToken(claims{"iat": h.now.Add(-time.Hour).Unix()}),
			"of the future":     h.logoutToken(claims{"iat": h.now.Add(time.Hour).Unix()}),
			"without an id":     h.logoutToken(claims{"jti": nil}),
			"about nobody":      h.logoutToken(claims{"sub": nil}),
			"of another event":  h.logoutToken(claims{"events": claims{"x": claims{}}}),
			"without an expiry": h.logoutToken(claims{"exp": nil}),
		} {
			if err := h.EndedByProvider(t.Context(), token); !errors.Is(err, ErrRefused) {
				t.Errorf("%s: %v", name, err)
			}
		}
		stands := func(a, b bool) {
			t.Helper()
			_, one := h.who(t, first)
			_, two := h.who(t, second)
			if one != a || two != b {
				t.Fatalf("sessions stand: %v, %v, want %v, %v", one, two, a, b)
			}
		}
		if err := h.EndedByProvider(t.Context(), h.logoutToken(claims{"sub": "u2"})); err != nil {
			t.Fatal(err)
		}
		if err := h.EndedByProvider(t.Context(), h.logoutToken(claims{"sub": "u2", "sid": "s1"})); err != nil {
			t.Fatal(err)
		}
		stands(true, true)
		one := h.logoutToken(claims{"sub": nil, "sid": "s1"})
		if err := h.EndedByProvider(t.Context(), one); err != nil {
			t.Fatal(err)
		}
		stands(false, true)
		if err := h.EndedByProvider(t.Context(), one); !errors.Is(err, ErrFlow) {
			t.Fatalf("a second time: %v", err)
		}
		if err := h.EndedByProvider(t.Context(), h.logoutToken(nil)); err != nil {
			t.Fatal(err)
		}
		stands(false, false)
	})
}

func TestProviderDown(t *testing.T) {
	h := newHouse(t, dbtest.SQLite(t))
	h.is(func(i *issuer) { i.down = true })
	for range 5 {
		if _, _, err := h.Begin(t.Context(), "x", "/"); err == nil {
			t.Fatal("nobody is there")
		}
	}
	if n := h.count("/.well-known/openid-configuration"); n != 1 {
		t.Fatalf("asked %d times at once", n)
	}
	h.is(func(i *issuer) { i.down = false })
	h.now = h.now.Add(failedFor)
	h.signIn(t)
	// What is known of it serves on while it is away.
	h.is(func(i *issuer) { i.down = true })
	h.now = h.now.Add(knownFor)
	if _, _, err := h.Begin(t.Context(), "x", "/"); err != nil {
		t.Fatal(err)
	}
}

func TestPing(t *testing.T) {
	h := newHouse(t, dbtest.SQLite(t))
	if err := h.Ping(t.Context(), h.url+"/", true); err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]string{
		"":                         "expected the URL of an issuer",
		"ftp://x":                  "expected the URL of an issuer",
		"http://user:pw@127.0.0.1": "expected the URL of an issuer",
		"http://127.0.0.1:1":       "nothing listens there",
		h.url + "/realm":           "is not a provider's description",
		"http://169.254.169.254":   outbound.ErrAddress.Error(),
		"http://nobody.invalid":    "the name nobody.invalid ",
	} {
		if err := h.Ping(t.Context(), address, true); !errors.Is(err, fault.Invalid) || !strings.HasPrefix(err.Error(), "failed to verify connection: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", address, err, want)
		}
	}
}

func TestClientStaysOnItsHost(t *testing.T) {
	other := newIssuer(t)
	s := httptest.NewServer(http.RedirectHandler(other.url, http.StatusFound))
	t.Cleanup(s.Close)
	if _, _, err := get(t.Context(), newClient().Checking(true), s.URL, "token"); !errors.Is(err, outbound.ErrAddress) || other.count("/") != 0 {
		t.Fatalf("got %v", err)
	}
}
