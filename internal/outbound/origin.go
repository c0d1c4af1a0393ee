package outbound

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// ErrRedirect: a redirect that isn't followed. The error that wraps it says why.
var ErrRedirect = errors.New("the redirect is not followed")

// Origin is scheme, host and port of an address: what a credential belongs to (S5).
func Origin(u *url.URL) string {
	scheme, port := strings.ToLower(u.Scheme), u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[scheme]
	}
	return scheme + "://" + net.JoinHostPort(strings.ToLower(strings.TrimSuffix(u.Hostname(), ".")), port)
}

// ledBy is the key of the origin in a context.
type ledBy struct{}

// LedBy marks requests whose address an answer of home gave: a token realm, a location, an address in a document.
// On another origin they get only the reach of Elsewhere. What headers they carry is the caller's to decide.
func LedBy(ctx context.Context, home *url.URL) context.Context {
	return context.WithValue(ctx, ledBy{}, Origin(home))
}

// foreign reports whether a request goes to another origin than the one that was entered.
func foreign(r *http.Request) bool {
	first := r
	for first.Response != nil && first.Response.Request != nil { // a redirect's request holds the answer that caused it
		first = first.Response.Request
	}
	home, led := r.Context().Value(ledBy{}).(string)
	if !led {
		home = Origin(first.URL)
	}
	return Origin(r.URL) != home
}

// redirect is the CheckRedirect of a client.
func (p Purpose) redirect(next *http.Request, via []*http.Request) error {
	first := via[0]
	if p.Redirects == 0 || first.Method != http.MethodGet && first.Method != http.MethodHead {
		return http.ErrUseLastResponse
	}
	if len(via) > p.Redirects {
		return fmt.Errorf("%w: it is one after %d", ErrRedirect, p.Redirects)
	}
	last := via[len(via)-1]
	if last.URL.Scheme == "https" && next.URL.Scheme != "https" {
		return fmt.Errorf("%w: it leads from an encrypted connection to a plain one", ErrRedirect)
	}
	next.Header.Del("Referer")
	for _, each := range append(via[1:len(via):len(via)], next) {
		if Origin(each.URL) != Origin(first.URL) {
			keepHarmless(next.Header)
			break
		}
	}
	return nil
}

// keepHarmless drops all headers but those that say nothing of who asks. Go itself would send an Authorization on to
// other ports and subdomains, and headers with keys in them to anybody.
func keepHarmless(h http.Header) {
	for name := range h {
		switch name {
		case "Accept", "Accept-Language", "Range", "If-Range", "If-None-Match", "If-Modified-Since", "User-Agent":
		default:
			h.Del(name)
		}
	}
}
