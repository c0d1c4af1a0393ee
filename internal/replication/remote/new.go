package remote

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/havenregistry/haven/internal/outbound"
)

const (
	// maxRedirects is how many a registry may answer with: many send to their storage.
	maxRedirects = 5
	// silence is how long a registry may say nothing. One that was sent a large blob reads it again before it answers.
	silence = 3 * time.Minute
	// maxIdle is how many connections to a registry stay open between requests: replication asks with as many at once.
	maxIdle = 32
	// maxConns is how many there are at most. A blob on its way holds two, to where it comes from and to where it goes, which may be one
	// host: so it is more than there are such blobs at once. Else all of them held one and waited for the other.
	maxConns = 128
)

// NewHTTP returns what registries are asked by. Their own addresses are an administrator's word; what they lead to, as their
// storage and their token services, is on the public internet or in one of the networks. Nothing bounds a blob's size or time, but silence.
func NewHTTP(networks ...netip.Prefix) *outbound.Client {
	return outbound.New(outbound.Purpose{
		Peer: outbound.Registry, Reach: outbound.Administered(), Elsewhere: outbound.Internet(networks...), Redirects: maxRedirects, Proxied: true,
		Timeout: -1, Stall: silence, MaxBody: math.MaxInt64, Conns: maxConns, Idle: maxIdle,
	})
}

// Deps are what a Registry is made of.
type Deps struct {
	HTTP *outbound.Client // of NewHTTP
	// Clock tells the time; nil is the system's.
	Clock func() time.Time
	// At is where a service is that a kind knows the address of, such as https://hub.docker.com; nil is there. For tests, and for
	// those who reach it by another name.
	At  func(origin string) string
	Log *slog.Logger // nil logs nothing
	// Environ looks up what the environment says of the workload's identity; nil is os.Getenv.
	Environ func(name string) string
}

func (d Deps) at(origin string) string {
	if d.At == nil {
		return origin
	}
	return d.At(origin)
}

func (d Deps) withDefaults() Deps {
	if d.Clock == nil {
		d.Clock = time.Now
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Environ == nil {
		d.Environ = os.Getenv
	}
	return d
}

// New returns what speaks with an endpoint. It asks nobody yet. Its errors are for people.
func New(e Endpoint, d Deps) (Registry, error) {
	d = d.withDefaults()
	if !e.Kind.Known() {
		return nil, fmt.Errorf("%q is no kind of registry", e.Kind)
	}
	c, err := newClient(e, d)
	if err != nil {
		return nil, err
	}
	switch e.Kind {
	case Harbor:
		return newHarbor(c), nil
	case DockerHub:
		return newDockerHub(c, d)
	case AWSECR:
		return newECR(c, e, d)
	case AzureACR:
		return newACR(c, e, d), nil
	case GoogleGCR:
		return newGoogle(c, e, d), nil
	case GitHubGHCR:
		return newGitHub(c, e, d), nil
	case GitLab:
		return newGitLab(c, e, d), nil
	case Quay:
		return newQuay(c, e)
	case Artifactory:
		return newArtifactory(c), nil
	case AliACR:
		return newAliACR(c, e, d)
	case HuaweiSWR:
		return newHuaweiSWR(c, e, d), nil
	case TencentTCR:
		return newTencentTCR(c, e, d), nil
	case VolcengineCR:
		return newVolcengineCR(c, e, d), nil
	case DTR:
		return dtr{c}, nil
	}
	return c, nil
}

// move has a client speak with another registry than the endpoint's address says.
func (c *client) move(to *url.URL) {
	c.base = to
	c.auth.home = to
}

// newClient is the plain client of an endpoint, which knows its credential.
func newClient(e Endpoint, d Deps) (*client, error) {
	base, err := url.Parse(strings.TrimSuffix(e.URL, "/"))
	if err != nil || outbound.CheckURL(base) != nil {
		return nil, errors.New("url: expected http:// or https:// and a host, without a name and password in it")
	}
	base.RawQuery, base.Fragment = "", ""
	kept, err := d.HTTP.HTTP(outbound.Trust{Roots: []byte(e.CACertificate), SkipVerify: e.Insecure})
	if err != nil {
		return nil, fmt.Errorf("ca_certificate: %w", err)
	}
	still := *kept
	still.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c := &client{
		kind: e.Kind, base: base, http: kept, still: &still, clock: d.Clock,
		limits: new(atomic.Pointer[Limits]), noReferrers: new(atomic.Int64), noSingle: new(atomic.Bool),
	}
	c.auth = newAuthority(base, kept, d.Clock, static(e.Credential))
	if e.Realm != "" {
		c.auth.realms = append(c.auth.realms, e.Realm)
	}
	return c, nil
}
