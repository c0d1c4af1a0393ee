package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/havenregistry/haven/internal/outbound"
)

// reason is why a connection failed, in words.
func reason(err error) string { return outbound.Reason(err) }

// largeLayer is a layer that a registry must take, in bytes: nothing of it is sent.
const largeLayer = 5 << 30

// external asks each external URL what a client asks first, by whatever stands before Haven.
func (g *Given) external(ctx context.Context, n *Notes) {
	for _, raw := range g.ExternalURL {
		u, err := url.Parse(raw)
		if err == nil {
			g.asClient(ctx, n, u)
		}
	}
}

func (g *Given) asClient(ctx context.Context, n *Notes, u *url.URL) {
	base := u.Scheme + "://" + u.Host
	client := plainClient(&tls.Config{MinVersion: tls.VersionTLS12})
	began := time.Now()
	answer, err := get(ctx, client, base+"/v2/")
	if unknown, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		n.Doubt("Put the authority's certificate on the clients (docker: /etc/docker/certs.d/HOST/ca.crt), or get one from an authority that they know.",
			"%s: this machine doesn't know who signed its certificate (%s)", base, issuer(unknown.Cert))
		client = plainClient(&tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: true}) //nolint:gosec // looked at, and no secret sent
		answer, err = get(ctx, client, base+"/v2/")
	}
	if err != nil {
		unreachable(n, base, err)
		return
	}
	ended := time.Now()
	if at, err := http.ParseTime(answer.header.Get("Date")); err == nil {
		compareClock(n, "the clock of "+base, outside(at, began, ended), time.Second) // Date has whole seconds
	}
	if answer.tls != nil && len(answer.tls.PeerCertificates) > 0 {
		validity(n, "the certificate of "+base, answer.tls.PeerCertificates[0], time.Now())
	}
	if !strings.HasPrefix(answer.header.Get("Docker-Distribution-Api-Version"), "registry/") {
		n.Wrong("Let the proxy hand on /v2/, /service/, /api/ and all other paths to Haven.", "%s/v2/ is answered with %d, and not by a registry", base, answer.status)
		return
	}
	realm := answer.header.Get("Www-Authenticate")
	if !strings.Contains(realm, `realm="`+base+`/service/token"`) {
		n.Wrong("Let the proxy hand on Host, and set X-Forwarded-Proto.", "%s sends clients elsewhere for a token: %s", base, realm)
		return
	}
	n.Good("%s answers as a registry, and sends clients to itself for tokens", base)
	largeBody(ctx, n, client, base)
}

func unreachable(n *Notes, base string, err error) {
	if _, wrongName := errors.AsType[x509.HostnameError](err); wrongName {
		n.Wrong("Get a certificate for that name.", "%s: %s", base, reason(err))
		return
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		n.Wrong("Renew the certificate, and see that it is one for servers.", "%s: %v", base, invalid)
		return
	}
	if errors.Is(err, syscall.ECONNREFUSED) || outbound.TimedOut(err) {
		n.Doubt("Start Haven and what stands before it; where clients reach it and this machine can't, nothing is wrong.", "%s doesn't answer from here: %s", base, reason(err))
		return
	}
	n.Doubt("See DNS, and what stands before Haven; where clients reach it and this machine can't, nothing is wrong.", "%s can't be asked from here: %s", base, reason(err))
}

func issuer(c *x509.Certificate) string {
	if c == nil {
		return "unknown"
	}
	return c.Issuer.String()
}

// largeBody asks whether a large layer would be taken. Haven refuses for want of a password, before it reads anything; a proxy that limits bodies
// refuses by the length alone.
func largeBody(ctx context.Context, n *Notes, client *http.Client, base string) {
	body := &unread{}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/v2/library/haven-doctor/blobs/uploads/?digest=sha256:"+strings.Repeat("0", 64), body)
	if err != nil {
		return
	}
	r.ContentLength = largeLayer
	r.Header.Set("Expect", "100-continue")
	answer, err := client.Do(r)
	if err != nil {
		return // somebody wanted the body before it was Haven's turn: no limit was met
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusRequestEntityTooLarge {
		n.Wrong("Lift the proxy's limit on bodies (nginx: client_max_body_size 0; proxy_request_buffering off).", "what stands before %s refuses large layers (413)", base)
	}
}

// unread is a body that is never sent.
type unread struct{}

var errUnread = errors.New("the body isn't sent")

func (*unread) Read([]byte) (int, error) { return 0, errUnread }

// said is an answer without its body's rest.
type said struct {
	status int
	header http.Header
	tls    *tls.ConnectionState
	body   string
}

// maxSaid is how much of an answer is read, in bytes.
const maxSaid = 1 << 20

func get(ctx context.Context, client *http.Client, address string) (s said, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return s, err
	}
	answer, err := client.Do(r)
	if err != nil {
		return s, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxSaid))
	return said{answer.StatusCode, answer.Header, answer.TLS, string(body)}, err
}

// plainClient connects directly, as clients within the network do, and follows no redirect.
func plainClient(c *tls.Config) *http.Client {
	return &http.Client{
		Transport:     &http.Transport{TLSClientConfig: c, DisableKeepAlives: true, ExpectContinueTimeout: 3 * time.Second},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
