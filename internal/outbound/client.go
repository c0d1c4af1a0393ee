package outbound

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

const (
	// maxHeaders bounds the headers of an answer, in bytes.
	maxHeaders = 64 << 10
	// maxTrusts bounds how many ways of trusting a client keeps connections for.
	maxTrusts = 64

	usualBody    = 1 << 20
	usualTimeout = 30 * time.Second
	usualConns   = 32
	usualIdle    = 4
	dialTime     = 10 * time.Second
)

// Purpose says what requests are for, and so what they may.
type Purpose struct {
	Peer  Peer   // what sort of server is asked
	Calls *Calls // counts requests; nil: nobody does
	Reach Reach  // of the address that somebody entered
	// Elsewhere is the reach of other origins: those that redirects lead to, and those of requests whose context
	// is from LedBy. The zero value is the public internet.
	Elsewhere Reach
	// Redirects is how many of them a GET or HEAD follows. With 0, and for other methods, the answer that
	// redirects is given to the caller.
	Redirects int
	// Proxied: requests may go through the proxy that the environment names. Only for an Administered reach.
	Proxied bool
	// Timeout bounds a whole exchange, body included; 0 means 30 s, and a negative one that only the context does.
	Timeout time.Duration
	// Stall bounds how long the other side may be silent; 0 means 30 s.
	Stall time.Duration
	// Conns bounds connections to one host; 0 means 32. Who comes then waits, within his time.
	Conns int
	// Idle is how many connections to one host are kept between requests; 0 means 4.
	Idle int
	// MaxBody bounds the body of an answer, in bytes; 0 means 1 MiB.
	MaxBody int64
	// Resolver resolves names; nil is the system's.
	Resolver *net.Resolver

	proxy func(*http.Request) (*url.URL, error) // of the environment, where Proxied
}

// Trust says whose certificates are believed. The zero value is the system's roots.
type Trust struct {
	Roots      []byte // PEM, beside the system's
	SkipVerify bool   // an administrator's explicit wish
}

// Client makes requests for one purpose. It is safe for concurrent use.
type Client struct {
	purpose Purpose

	mu   sync.Mutex
	made map[[sha256.Size]byte]*http.Client
}

// New returns a client for a purpose.
func New(p Purpose) *Client {
	if p.Timeout == 0 {
		p.Timeout = usualTimeout
	}
	if p.Stall <= 0 {
		p.Stall = usualTimeout
	}
	if p.MaxBody <= 0 {
		p.MaxBody = usualBody
	}
	if p.Conns <= 0 {
		p.Conns = usualConns
	}
	if p.Idle <= 0 {
		p.Idle = usualIdle
	}
	if p.Resolver == nil {
		p.Resolver = net.DefaultResolver
	}
	switch {
	case !p.Proxied || !p.Reach.private:
		p.proxy = func(*http.Request) (*url.URL, error) { return nil, nil }
	case p.proxy == nil:
		p.proxy = http.ProxyFromEnvironment
	}
	return &Client{purpose: p, made: map[[sha256.Size]byte]*http.Client{}}
}

// ErrRoots: what should be certificates in PEM holds none.
var ErrRoots = errors.New("expected one or more certificates in PEM")

// HTTP returns the client that trusts so. Its errors for what is refused are ErrAddress, ErrURL, ErrRedirect,
// ErrTooLarge and ErrSilent; Reason has words for all. Calls with an equal Trust share connections.
func (c *Client) HTTP(t Trust) (*http.Client, error) {
	if len(t.Roots) == 0 {
		return c.Checking(!t.SkipVerify), nil
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool() // a machine without roots of its own
	}
	if !roots.AppendCertsFromPEM(t.Roots) {
		return nil, ErrRoots
	}
	return c.trusting(t, roots), nil
}

// Checking is HTTP with the system's roots, or without a check of certificates.
func (c *Client) Checking(verify bool) *http.Client {
	return c.trusting(Trust{SkipVerify: !verify}, nil)
}

func (c *Client) trusting(t Trust, roots *x509.CertPool) *http.Client {
	key := sha256.Sum256(append([]byte{boolByte(t.SkipVerify)}, t.Roots...))
	c.mu.Lock()
	defer c.mu.Unlock()
	if made := c.made[key]; made != nil {
		return made
	}
	if len(c.made) >= maxTrusts {
		c.drop()
	}
	//nolint:gosec // an administrator may switch the check off, for one address
	made := c.newHTTP(&tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: t.SkipVerify, RootCAs: roots})
	c.made[key] = made
	return made
}

// Do makes a request with the system's roots.
func (c *Client) Do(r *http.Request) (*http.Response, error) {
	return c.Checking(true).Do(r)
}

// Close drops idle connections; those in use end with their requests.
func (c *Client) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop()
}

func (c *Client) drop() {
	for key, made := range c.made {
		made.CloseIdleConnections()
		delete(c.made, key)
	}
}

func boolByte(b bool) byte {
	if b {
		return 1
	}
	return 0
}

func (c *Client) newHTTP(config *tls.Config) *http.Client {
	p := c.purpose
	return &http.Client{
		Timeout:       max(p.Timeout, 0),
		CheckRedirect: p.redirect,
		Transport: p.counted(&guard{
			purpose:   p,
			home:      p.transport(config, p.Reach, nil),
			elsewhere: p.transport(config, p.Elsewhere, nil),
			proxied:   p.transport(config, Administered(), p.proxy),
		}),
	}
}

// transport connects to what is within reach. Connections of one reach never serve another.
func (p Purpose) transport(config *tls.Config, reach Reach, proxy func(*http.Request) (*url.URL, error)) *http.Transport {
	dialer := &net.Dialer{Timeout: dialTime, Resolver: p.Resolver, Control: reach.Control}
	t := &http.Transport{
		Proxy: proxy,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return &attentive{Conn: conn, stall: p.Stall}, nil
		},
		TLSClientConfig:        config.Clone(),
		TLSHandshakeTimeout:    dialTime,
		DisableCompression:     true,
		MaxIdleConns:           64,
		MaxIdleConnsPerHost:    p.Idle,
		MaxConnsPerHost:        p.Conns,
		IdleConnTimeout:        time.Minute,
		MaxResponseHeaderBytes: maxHeaders,
		Protocols:              new(http.Protocols),
	}
	t.Protocols.SetHTTP1(true)
	return t
}
