package portal

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

var testKey = bytes.Repeat([]byte{7}, 32)

func noScheme(string) string { return "" }

func testGuard() *Guard { return NewGuard(testKey, noScheme) }

// guarded answers what the guard lets through.
func guarded(g *Guard) http.Handler {
	return g.Protect(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
	}))
}

// ask sends a request to h, with a session and the two halves of a token where they are not "".
func ask(h http.Handler, method, path, session, cookie, token string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	if session != "" {
		r.AddCookie(&http.Cookie{Name: "sid", Value: session})
	}
	if cookie != "" {
		r.AddCookie(&http.Cookie{Name: "_gorilla_csrf", Value: cookie})
	}
	if token != "" {
		r.Header.Set("X-Harbor-CSRF-Token", token)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// halves returns the cookie and the token that an answer brought.
func halves(t *testing.T, w *httptest.ResponseRecorder) (cookie, token string) {
	t.Helper()
	tokens := w.Result().Header.Values("X-Harbor-CSRF-Token")
	if len(tokens) != 1 || tokens[0] == "" {
		t.Fatalf("token headers %q, want exactly one", tokens)
	}
	var found []*http.Cookie
	for _, c := range w.Result().Cookies() {
		if c.Name == "_gorilla_csrf" {
			found = append(found, c)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d token cookies, want exactly one", len(found))
	}
	if strings.Contains(found[0].Value, "=") {
		t.Errorf("cookie %q has a '='; clients cut it there", found[0].Value)
	}
	if found[0].Path != "/" || !found[0].HttpOnly || found[0].SameSite != http.SameSiteStrictMode {
		t.Errorf("cookie %v, want path /, HttpOnly, SameSite=Strict", found[0])
	}
	return found[0].Value, tokens[0]
}

func TestGuardChecks(t *testing.T) {
	h := guarded(testGuard())
	cookie, token := halves(t, ask(h, "GET", "/c/session", "", "", ""))
	ownCookie, ownToken := halves(t, ask(h, "GET", "/api/v2.0/systeminfo", "session-1", "", ""))
	otherCookie, otherToken := halves(t, ask(h, "GET", "/api/v2.0/systeminfo", "session-2", "", ""))
	foreign := guarded(NewGuard(bytes.Repeat([]byte{8}, 32), noScheme))
	forgedCookie, forgedToken := halves(t, ask(foreign, "GET", "/c/session", "session-1", "", ""))

	const passes = ""
	for name, c := range map[string]struct {
		method, path, session, cookie, token string
		want                                 string
	}{
		"client without cookies":         {"POST", "/api/v2.0/projects", "", "", "", passes},
		"push without cookies":           {"PUT", "/v2/a/b/manifests/1", "", "", "", passes},
		"read with a session":            {"GET", "/api/v2.0/projects", "session-1", "", "", passes},
		"log-in without a token":         {"POST", "/c/login", "", "", "", csrfMissing},
		"log-in with the cookie only":    {"POST", "/c/login", "", cookie, "", csrfMissing},
		"log-in with the header only":    {"POST", "/c/login", "", "", token, csrfInvalid},
		"log-in with both":               {"POST", "/c/login", "", cookie, token, passes},
		"session without a token":        {"POST", "/api/v2.0/projects", "session-1", "", "", csrfMissing},
		"session with its token":         {"DELETE", "/api/v2.0/projects/1", "session-1", ownCookie, ownToken, passes},
		"token of before the log-in":     {"POST", "/api/v2.0/projects", "session-1", cookie, token, csrfInvalid},
		"token of another session":       {"POST", "/api/v2.0/projects", "session-1", otherCookie, otherToken, csrfInvalid},
		"header of one, cookie of other": {"POST", "/api/v2.0/projects", "session-1", otherCookie, ownToken, csrfInvalid},
		"token of another key":           {"POST", "/api/v2.0/projects", "session-1", forgedCookie, forgedToken, csrfInvalid},
		"cookie that is no nonce":        {"POST", "/api/v2.0/projects", "session-1", "abc", ownToken, csrfInvalid},
		"header that is no token":        {"POST", "/api/v2.0/projects", "session-1", ownCookie, "abc", csrfInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			w := ask(h, c.method, c.path, c.session, c.cookie, c.token)
			if c.want == passes {
				if w.Code != http.StatusNoContent {
					t.Fatalf("status %d: %s", w.Code, w.Body)
				}
				return
			}
			body := `{"errors":[{"code":"FORBIDDEN","message":"` + c.want + `"}]}` + "\n"
			if w.Code != http.StatusForbidden || w.Body.String() != body {
				t.Fatalf("status %d, body %q, want 403 and %q", w.Code, w.Body, body)
			}
			if got := w.Header().Get("Content-Type"); got != "application/json; charset=utf-8" {
				t.Errorf("content type %q", got)
			}
			// The refusal brings what the next attempt needs.
			cookie, token := halves(t, w)
			if w := ask(h, c.method, c.path, c.session, cookie, token); w.Code != http.StatusNoContent {
				t.Errorf("second attempt with the token of the refusal: status %d", w.Code)
			}
		})
	}
}

func TestGuardTokens(t *testing.T) {
	h := guarded(testGuard())
	t.Run("differ between answers and stay valid", func(t *testing.T) {
		cookie, first := halves(t, ask(h, "GET", "/c/session", "s", "", ""))
		again, second := halves(t, ask(h, "GET", "/c/session", "s", cookie, ""))
		if cookie != again {
			t.Errorf("cookie changed from %q to %q; an open page would lose its token", cookie, again)
		}
		if first == second {
			t.Error("the same token twice; compression could reveal it")
		}
		for _, token := range []string{first, second} {
			if w := ask(h, "POST", "/c/login", "s", cookie, token); w.Code != http.StatusNoContent {
				t.Errorf("token %q: status %d", token, w.Code)
			}
		}
	})
	t.Run("are not given to clients without a session", func(t *testing.T) {
		w := ask(h, "GET", "/api/v2.0/projects", "", "", "")
		if len(w.Result().Cookies()) != 0 || w.Header().Get("X-Harbor-CSRF-Token") != "" {
			t.Errorf("headers %v, want neither token nor cookie", w.Header())
		}
	})
	t.Run("come once, however many guards an answer passes", func(t *testing.T) {
		twice := testGuard().Protect(h)
		cookie, token := halves(t, ask(twice, "GET", "/c/session", "s", "", ""))
		if w := ask(twice, "POST", "/c/login", "s", cookie, token); w.Code != http.StatusNoContent {
			t.Errorf("status %d", w.Code)
		}
	})
	t.Run("do not help another site", func(t *testing.T) {
		cookie, token := halves(t, ask(h, "GET", "/c/session", "s", "", ""))
		r := httptest.NewRequest(http.MethodPost, "/c/login", nil)
		r.AddCookie(&http.Cookie{Name: "sid", Value: "s"})
		r.AddCookie(&http.Cookie{Name: "_gorilla_csrf", Value: cookie})
		r.Header.Set("X-Harbor-CSRF-Token", token)
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), csrfCrossSite) {
			t.Errorf("status %d, body %s", w.Code, w.Body)
		}
	})
	t.Run("go over https only where there is https", func(t *testing.T) {
		for name, c := range map[string]struct {
			forwarded, external string
			want                bool
		}{
			"neither says":                {"", "", false},
			"proxy says https":            {"https", "", true},
			"external URL says https":     {"", "https", true},
			"external URL, not the proxy": {"https", "http", false},
		} {
			r := httptest.NewRequest(http.MethodGet, "/c/session", nil)
			r.Header.Set("X-Forwarded-Proto", c.forwarded)
			w := httptest.NewRecorder()
			guarded(NewGuard(testKey, func(string) string { return c.external })).ServeHTTP(w, r)
			if got := w.Result().Cookies()[0].Secure; got != c.want {
				t.Errorf("%s: Secure is %v", name, got)
			}
		}
	})
}

func TestGuardRenew(t *testing.T) {
	g := testGuard()
	login := g.Protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "sid", Value: "fresh"})
		g.Renew(w, r, "fresh")
	}))
	cookie, token := halves(t, ask(guarded(g), "GET", "/c/session", "", "", ""))
	w := ask(login, "POST", "/c/login", "", cookie, token)
	newCookie, newToken := halves(t, w)
	if newCookie == cookie {
		t.Error("the cookie of before the log-in goes on; who planted it knows it")
	}
	if !strings.Contains(strings.Join(w.Header().Values("Set-Cookie"), "\n"), "sid=fresh") {
		t.Error("the session's cookie is gone")
	}
	if w := ask(guarded(g), "POST", "/api/v2.0/projects", "fresh", newCookie, newToken); w.Code != http.StatusNoContent {
		t.Errorf("token of the log-in's answer: status %d", w.Code)
	}
}
