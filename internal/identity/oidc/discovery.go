package oidc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/havenregistry/haven/internal/fault"
)

// metadata is what the provider says of itself. OpenID Connect Discovery 1.0, section 3.
type metadata struct {
	Issuer        string   `json:"issuer"`
	AuthURL       string   `json:"authorization_endpoint"`
	TokenURL      string   `json:"token_endpoint"`
	UserInfoURL   string   `json:"userinfo_endpoint"`
	KeysURL       string   `json:"jwks_uri"`
	EndSessionURL string   `json:"end_session_endpoint"`
	AuthMethods   []string `json:"token_endpoint_auth_methods_supported"`
	// NamesItself: answers to the browser carry the issuer (RFC 9207).
	NamesItself bool `json:"authorization_response_iss_parameter_supported"`
}

// remote is a provider whose metadata were read.
type remote struct {
	metadata
	client *http.Client
	keys   *keySet
}

const (
	// knownFor is how long metadata are believed without asking again.
	knownFor = 10 * time.Minute
	// staleFor is how long they serve on while the provider doesn't answer.
	staleFor = 24 * time.Hour
	// failedFor is how long a failure stands for the next ones.
	failedFor = 3 * time.Second
)

// discovery keeps the metadata of the one provider. Its zero value knows nothing.
type discovery struct {
	mu       sync.Mutex // guards what follows, and lets one caller at a time ask
	endpoint string
	verify   bool
	known    *remote
	knownAt  time.Time
	failure  error
	failedAt time.Time
}

// get returns the provider of the settings.
func (d *discovery) get(ctx context.Context, c config, all clients, clock func() time.Time) (*remote, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := clock()
	if d.endpoint != c.endpoint || d.verify != c.verifyCert {
		d.endpoint, d.verify, d.known, d.failure = c.endpoint, c.verifyCert, nil, nil
	}
	if d.known != nil && now.Sub(d.knownAt) < knownFor {
		return d.known, nil
	}
	if d.failure == nil || now.Sub(d.failedAt) >= failedFor {
		// Others wait for the answer too, so it isn't given up with one caller's request.
		found, err := discover(context.WithoutCancel(ctx), all.of(c.verifyCert), c.endpoint, clock)
		if err == nil {
			if d.known != nil && d.known.KeysURL == found.KeysURL {
				found.keys = d.known.keys
			}
			d.known, d.knownAt, d.failure = found, now, nil
			return found, nil
		}
		d.failure, d.failedAt = err, now
	}
	if d.known != nil && now.Sub(d.knownAt) < staleFor {
		return d.known, nil
	}
	return nil, d.failure
}

// errMetadata says that what a provider tells of itself can't be right.
var errMetadata = errors.New("the provider's description of itself")

func discover(ctx context.Context, client *http.Client, endpoint string, clock func() time.Time) (*remote, error) {
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fault.Invalidf("oidc_endpoint: expected the URL of an issuer")
	}
	r := &remote{client: client}
	if err := getJSON(ctx, client, strings.TrimRight(endpoint, "/")+"/.well-known/openid-configuration", &r.metadata); err != nil {
		return nil, fmt.Errorf("read the provider's description: %w", err)
	}
	// A slash at the end is forgiven to the administrator, nothing else: tokens are held to what the
	// provider calls itself.
	if strings.TrimRight(r.Issuer, "/") != strings.TrimRight(endpoint, "/") || strings.Contains(r.Issuer, " ") {
		return nil, fmt.Errorf("%w: it calls itself %q, not %q", errMetadata, r.Issuer, endpoint)
	}
	for name, address := range map[string]string{"authorization_endpoint": r.AuthURL, "token_endpoint": r.TokenURL, "jwks_uri": r.KeysURL} {
		if !secureAs(r.Issuer, address) {
			return nil, fmt.Errorf("%w: %s is %q", errMetadata, name, address)
		}
	}
	for _, optional := range []*string{&r.UserInfoURL, &r.EndSessionURL} {
		if *optional != "" && !secureAs(r.Issuer, *optional) {
			*optional = ""
		}
	}
	r.keys = &keySet{client: client, url: r.KeysURL, clock: clock}
	return r, nil
}

// oauth is the client that we are to the provider. The secret goes where the provider says that it takes it:
// trying both would send a code twice.
func (r *remote) oauth(c config, redirect string) oauth2.Config {
	style := oauth2.AuthStyleInHeader
	if c.clientSecret == "" || len(r.AuthMethods) > 0 && !slices.Contains(r.AuthMethods, "client_secret_basic") {
		style = oauth2.AuthStyleInParams
	}
	return oauth2.Config{
		ClientID: c.clientID, ClientSecret: c.clientSecret.Reveal(), RedirectURL: redirect, Scopes: c.scopes,
		Endpoint: oauth2.Endpoint{AuthURL: r.AuthURL, TokenURL: r.TokenURL, AuthStyle: style},
	}
}

// within has oauth2 and go-oidc use our client.
func (r *remote) within(ctx context.Context) context.Context {
	return oidc.ClientContext(ctx, r.client)
}
