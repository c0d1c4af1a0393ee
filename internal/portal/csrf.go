package portal

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/havenregistry/haven/internal/httpauth"
)

// The header and the cookie that carry the two halves of the token, as Harbor names them.
const (
	csrfHeader = "X-Harbor-CSRF-Token"
	csrfCookie = "_gorilla_csrf"
)

const (
	nonceSize = 32
	macSize   = sha256.Size
)

// What a refused request is told; clients that keep cookies look for these words.
const (
	csrfMissing   = "CSRF token not found in request"
	csrfInvalid   = "CSRF token invalid"
	csrfCrossSite = "referer invalid"
)

// Guard keeps other sites from using a browser's session: the double-submit pattern, where the header
// holds a MAC over the cookie and the session. A token of another session, or one that an attacker has
// planted, does not fit. It stores nothing, so any replica with the same key checks any token.
type Guard struct {
	key            []byte
	externalScheme func(host string) string
}

// NewGuard returns a Guard with a secret key of at least 32 random bytes. externalScheme is the scheme of
// the external URL for a host, "" to go by the request.
func NewGuard(key []byte, externalScheme func(host string) string) *Guard {
	return &Guard{key: key, externalScheme: externalScheme}
}

// Protect checks requests that carry a session cookie and all of /c/. Each answer to them brings a fresh
// token in the header and its half in the cookie; an unsafe method without both is 403. Other requests
// (clients with Basic credentials or tokens) pass untouched.
func (g *Guard) Protect(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		session := sessionToken(r)
		if session == "" && !strings.HasPrefix(r.URL.Path, "/c/") {
			next.ServeHTTP(w, r)
			return
		}
		nonce, known := readNonce(r)
		if !known {
			nonce = newNonce()
		}
		g.issue(w, r, nonce, session)
		if message := g.fault(r, nonce, known, session); message != "" {
			writeError(w, http.StatusForbidden, "FORBIDDEN", message)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// fault says what is wrong with a request's token, "" for nothing.
func (g *Guard) fault(r *http.Request, nonce []byte, known bool, session string) string {
	if safe(r.Method) {
		return ""
	}
	if r.Header.Get("Sec-Fetch-Site") == "cross-site" {
		return csrfCrossSite
	}
	token := r.Header.Get(csrfHeader)
	if token == "" {
		return csrfMissing
	}
	sent, ok := unmask(token)
	if !ok || !known || !hmac.Equal(sent, g.mac(nonce, session)) {
		return csrfInvalid
	}
	return ""
}

// Renew replaces the token of an answer by one for another session: the one that a log-in began, or none.
func (g *Guard) Renew(w http.ResponseWriter, r *http.Request, session string) {
	g.issue(w, r, newNonce(), session)
}

// issue sets both halves, in place of any that the answer has.
func (g *Guard) issue(w http.ResponseWriter, r *http.Request, nonce []byte, session string) {
	w.Header()["Set-Cookie"] = slices.DeleteFunc(w.Header()["Set-Cookie"], func(line string) bool {
		return strings.HasPrefix(line, csrfCookie+"=")
	})
	w.Header().Set(csrfHeader, mask(g.mac(nonce, session)))
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure follows the scheme: browsers drop such a cookie over plain http
		Name: csrfCookie,
		// Clients cut the value at '=', so there is no padding.
		Value:    base64.RawURLEncoding.EncodeToString(nonce),
		Path:     "/",
		HttpOnly: true,
		Secure:   g.secure(r),
		SameSite: http.SameSiteStrictMode,
	})
}

// mac binds a nonce to a session. Its length is fixed, so that nothing can move between the two.
func (g *Guard) mac(nonce []byte, session string) []byte {
	h := hmac.New(sha256.New, g.key)
	h.Write([]byte("csrf\x00"))
	h.Write(nonce)
	h.Write([]byte(session))
	return h.Sum(nil)
}

// secure reports whether cookies of the answer may go over https only.
func (g *Guard) secure(r *http.Request) bool {
	if scheme := g.externalScheme(r.Host); scheme != "" {
		return scheme == "https"
	}
	return httpauth.Scheme(r) == "https"
}

func safe(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	}
	return false
}

func sessionToken(r *http.Request) string {
	c, err := r.Cookie(httpauth.SessionCookie)
	if err != nil {
		return ""
	}
	return c.Value
}

func newNonce() []byte {
	nonce := make([]byte, nonceSize)
	_, _ = rand.Read(nonce)
	return nonce
}

func readNonce(r *http.Request) ([]byte, bool) {
	c, err := r.Cookie(csrfCookie)
	if err != nil {
		return nil, false
	}
	nonce, err := base64.RawURLEncoding.DecodeString(c.Value)
	return nonce, err == nil && len(nonce) == nonceSize
}

// mask hides a MAC behind random bytes, so that no two answers hold the same text and compression can't
// give it away (BREACH).
func mask(mac []byte) string {
	out := make([]byte, 2*macSize)
	_, _ = rand.Read(out[:macSize])
	subtle.XORBytes(out[macSize:], out[:macSize], mac)
	return base64.StdEncoding.EncodeToString(out)
}

func unmask(token string) ([]byte, bool) {
	raw, err := base64.StdEncoding.DecodeString(token)
	if err != nil || len(raw) != 2*macSize {
		return nil, false
	}
	mac := make([]byte, macSize)
	subtle.XORBytes(mac, raw[:macSize], raw[macSize:])
	return mac, true
}

// writeError answers in the form of Harbor's API.
func writeError(w http.ResponseWriter, status int, code, message string) {
	type one struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	body, _ := json.Marshal(map[string][]one{"errors": {{code, message}}})
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}
