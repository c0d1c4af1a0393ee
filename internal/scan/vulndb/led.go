package vulndb

import (
	"net/http"
	"net/url"

	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/outbound"
)

// led looks at where a source's registry leads its client: to a token service of another origin. That gets the name and
// password only where the operator said so beside the source (S5); without them it is asked as whatever an answer
// leads to is (S6).
type led struct {
	next   http.RoundTripper
	source Source
	home   *url.URL // of the registry
}

// keepAtHome returns a client that asks as the given one does, for a source whose registry is at home.
func keepAtHome(client *http.Client, s Source, home *url.URL) *http.Client {
	next := client.Transport
	if next == nil {
		next = http.DefaultTransport
	}
	kept := *client
	kept.Transport = &led{next, s, home}
	return &kept
}

// RoundTrip implements http.RoundTripper.
func (l *led) RoundTrip(r *http.Request) (*http.Response, error) {
	// What a redirect leads to comes without credentials, and is looked at by the client itself.
	if r.Response != nil || outbound.Origin(r.URL) == outbound.Origin(l.home) || l.source.pinned(r.URL) {
		return l.next.RoundTrip(r)
	}
	if l.source.user != "" {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, fault.Invalidf("%s has the password sent to another address, %s: add ?realm=%[2]s to the source if that is its token service, or leave name and password out",
			l.source, r.URL.Scheme+"://"+r.URL.Host)
	}
	return l.next.RoundTrip(r.WithContext(outbound.LedBy(r.Context(), l.home)))
}
