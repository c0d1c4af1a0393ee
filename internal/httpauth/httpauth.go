// Package httpauth reads from a request who sends it. The edges share it; how each of them refuses
// is its own.
package httpauth

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"strings"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/secret"
)

// SessionCookie is the name of the cookie that carries a browser session, as Harbor names it.
const SessionCookie = "sid"

// NoRenewal is a header that keeps a request from prolonging its session (a page's polling).
const NoRenewal = "X-Harbor-No-Session-Renewal"

// Reader finds the principal of requests.
type Reader struct{ identity *identity.Service }

// New returns a Reader that asks id.
func New(id *identity.Service) *Reader { return &Reader{identity: id} }

// Principal returns who sends r: by Basic credentials, a personal access token as Bearer, or else by the
// session cookie; the anonymous principal when there is none of them. Credentials that were sent and are wrong are an error of package
// identity, never anonymous access. A session that has ended is anonymous: browsers keep old cookies.
func (rd *Reader) Principal(r *http.Request) (authz.Principal, error) {
	if username, password, ok := r.BasicAuth(); ok {
		return rd.identity.Authenticate(r.Context(), username, secret.Text(password), Remote(r))
	}
	if token, ok := BearerToken(r); ok {
		return rd.identity.AuthenticateToken(r.Context(), secret.Text(token), Remote(r))
	}
	if r.Header.Get("Authorization") != "" {
		return authz.Principal{}, identity.ErrCredentials
	}
	c, err := r.Cookie(SessionCookie)
	if err != nil || c.Value == "" {
		return authz.Principal{}, nil
	}
	return rd.session(r.Context(), c.Value, renews(r))
}

// renews reports whether a request counts as a use of its session. What a page listens to by itself, with a browser's
// EventSource, which sends no headers of the page's, doesn't.
func renews(r *http.Request) bool {
	return r.Header.Get(NoRenewal) == "" && r.Header.Get("Accept") != "text/event-stream"
}

func (rd *Reader) session(ctx context.Context, token string, renew bool) (authz.Principal, error) {
	p, err := rd.identity.SessionPrincipal(ctx, token, renew)
	if errors.Is(err, identity.ErrSession) {
		return authz.Principal{}, nil
	}
	return p, err
}

// BearerToken returns the token of an Authorization header of the scheme Bearer.
func BearerToken(r *http.Request) (string, bool) {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	return strings.TrimSpace(token), true
}

// Remote is the address that log-in back-off counts by. A proxy on this machine is believed about
// the address before it, another machine is not: anyone could write that header.
func Remote(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	addr := peer.Addr().Unmap()
	if !addr.IsLoopback() {
		return addr
	}
	forwarded := r.Header.Values("X-Forwarded-For")
	if len(forwarded) == 0 {
		return addr
	}
	last := forwarded[len(forwarded)-1]
	if real, err := netip.ParseAddr(strings.TrimSpace(last[strings.LastIndexByte(last, ',')+1:])); err == nil {
		return real.Unmap()
	}
	return addr
}

// Scheme is the scheme that the client used, as far as this server or a proxy on the way knows. It
// only shapes links in the answer to that same client.
func Scheme(r *http.Request) string {
	if r.TLS != nil {
		return "https"
	}
	if strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https") {
		return "https"
	}
	return "http"
}
