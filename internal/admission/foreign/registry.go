package foreign

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"time"

	"github.com/maypok86/otter/v2"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"

	"github.com/havenregistry/haven/internal/outbound"
	"github.com/havenregistry/haven/internal/trust/verify"
)

// Settings say how a registry is asked, and how its images are judged. Files are read again for each evaluation.
type Settings struct {
	Host            string // as the names of images have it, with its port
	Verifier        *verify.Verifier
	CredentialsFile string // of Docker's format (config.json); "" for none
	CAFile          string // authorities beside the system's; "" for none
	PlainHTTP       bool
	// TokenServer is the address of the server that gives tokens, where it isn't the registry's own: it gets the
	// credentials too.
	TokenServer string
	// Networks are those beside the public internet that the registry may lead to, as for its storage.
	Networks []netip.Prefix
	Timeout  time.Duration // of an evaluation
	Clock    func() time.Time
}

const (
	// maxRedirects is how many a registry may answer with: many send to their storage.
	maxRedirects = 5
	// maxRepositories bounds the repositories that tokens are remembered for.
	maxRepositories = 1000
	// maxFile bounds a file of settings, in bytes.
	maxFile = 1 << 20
)

// Registry is one that images are verified of. It is safe for concurrent use.
type Registry struct {
	settings Settings
	home     *url.URL
	tokens   string // origin of the token server, "" for the registry's own
	http     *outbound.Client
	sessions *otter.Cache[string, auth.Cache] // tokens, by repository
}

// New prepares a registry. It asks nobody yet, but reads the files.
func New(s Settings) (*Registry, error) {
	about, err := remote.NewRepository(s.Host + "/x")
	if err != nil {
		return nil, fmt.Errorf("%q is no registry's address", s.Host)
	}
	r := &Registry{
		settings: s, home: &url.URL{Scheme: "https", Host: about.Reference.Host()},
		http: outbound.New(outbound.Purpose{
			Reach: outbound.Administered(), Elsewhere: outbound.Internet(s.Networks...), Redirects: maxRedirects, Proxied: true,
			Timeout: -1, Stall: s.Timeout, MaxBody: maxDocument,
		}),
		sessions: otter.Must(&otter.Options[string, auth.Cache]{MaximumSize: maxRepositories}),
	}
	if s.PlainHTTP {
		r.home.Scheme = "http"
	}
	if s.TokenServer != "" {
		u, err := url.Parse(s.TokenServer)
		if err != nil || outbound.CheckURL(u) != nil {
			return nil, errors.New("token_server: expected https://HOST")
		}
		r.tokens = outbound.Origin(u)
	}
	if _, err := r.client(); err != nil {
		return nil, err
	}
	if s.CredentialsFile != "" {
		c, err := r.credential()
		if err != nil {
			return nil, err
		}
		if c == auth.EmptyCredential {
			return nil, fmt.Errorf("credentials_file: %s has nothing for %s: add it to auths, as `docker login %[2]s` does", s.CredentialsFile, s.Host)
		}
	}
	return r, nil
}

// client trusts what the file of authorities says now.
func (r *Registry) client() (*http.Client, error) {
	trust := outbound.Trust{}
	if r.settings.CAFile != "" {
		var err error
		if trust.Roots, err = readFile(r.settings.CAFile); err != nil {
			return nil, fmt.Errorf("ca_file: %w", err)
		}
	}
	client, err := r.http.HTTP(trust)
	if err != nil {
		return nil, fmt.Errorf("ca_file: %s: %w", r.settings.CAFile, err)
	}
	kept := *client
	kept.Transport = &led{next: client.Transport, registry: r}
	return &kept, nil
}

// repository is what is spoken to about one repository, for one evaluation. Tokens outlive it.
func (r *Registry) repository(name string) (*remote.Repository, error) {
	client, err := r.client()
	if err != nil {
		return nil, &Failure{Setting, err.Error()}
	}
	repository, err := remote.NewRepository(r.settings.Host + "/" + name)
	if err != nil {
		return nil, &unreadable{"this is no repository's name"}
	}
	tokens, _ := r.sessions.ComputeIfAbsent(name, func() (auth.Cache, bool) { return auth.NewCache(), false })
	// Which addresses may be asked is decided when they are dialled, by the client, and not by a list.
	a := &auth.Client{Client: client, Cache: tokens, BlockedRealmPrefixes: []netip.Prefix{}}
	a.SetUserAgent("haven")
	if r.settings.CredentialsFile != "" {
		a.Credential = func(context.Context, string) (auth.Credential, error) {
			c, err := r.credential()
			if err != nil {
				return c, &Failure{Setting, err.Error()}
			}
			return c, nil
		}
	}
	repository.Client, repository.PlainHTTP = asking{a}, r.settings.PlainHTTP
	repository.MaxMetadataBytes, repository.ReferrerListMaxPages = maxDocument, maxPages
	return repository, nil
}

// led looks at where a registry leads its client. What carries credentials goes to the registry itself, and where the operator
// said so (S5); the rest is asked as whatever an answer leads to is (S6).
type led struct {
	next     http.RoundTripper
	registry *Registry
}

// RoundTrip implements http.RoundTripper.
func (l *led) RoundTrip(r *http.Request) (*http.Response, error) {
	// What a redirect leads to comes without credentials, and is looked at by the client itself.
	if origin := outbound.Origin(r.URL); r.Response != nil || origin == outbound.Origin(l.registry.home) || origin == l.registry.tokens {
		return l.next.RoundTrip(r)
	}
	if r.Header.Get("Authorization") != "" || r.Method != http.MethodGet && r.Method != http.MethodHead {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		at := r.URL.Scheme + "://" + r.URL.Host
		return nil, &Failure{Setting, fmt.Sprintf("%s has its credentials sent to %s: say token_server: %[2]s if that is right", l.registry.settings.Host, at)}
	}
	return l.next.RoundTrip(r.WithContext(outbound.LedBy(r.Context(), l.registry.home)))
}

func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("%s: larger than %d bytes", path, maxFile)
	}
	return os.ReadFile(path)
}
