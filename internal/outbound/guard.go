package outbound

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"time"
)

var (
	// ErrURL: an address isn't one that requests can go to.
	ErrURL = errors.New("expected an http or https address without a name and password in it")
	// ErrTooLarge: an answer is larger than its purpose allows.
	ErrTooLarge = errors.New("the answer is too large")
	// ErrSilent: the other side neither sent nor took a byte for too long.
	ErrSilent = errors.New("the other side is silent")
)

// guard checks each request, picks the connections it may use, and bounds its answer.
type guard struct {
	purpose                  Purpose
	home, elsewhere, proxied *http.Transport
}

// RoundTrip implements http.RoundTripper.
func (g *guard) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := CheckURL(r.URL); err != nil {
		closeBody(r)
		return nil, err
	}
	transport, reach := g.home, g.purpose.Reach
	if foreign(r) {
		transport, reach = g.elsewhere, g.purpose.Elsewhere
	}
	proxy, err := g.purpose.proxy(r)
	if err == nil && proxy != nil {
		transport = g.proxied
		err = g.look(r.Context(), r.URL.Hostname(), reach)
	}
	if err != nil {
		closeBody(r)
		return nil, err
	}
	answer, err := transport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if r.Method != http.MethodHead && answer.ContentLength > g.purpose.MaxBody {
		answer.Body.Close()
		return nil, fmt.Errorf("%w: %d bytes, %d are allowed", ErrTooLarge, answer.ContentLength, g.purpose.MaxBody)
	}
	answer.Body = &bounded{ReadCloser: answer.Body, left: g.purpose.MaxBody}
	return answer, nil
}

// CloseIdleConnections is what http.Client's calls.
func (g *guard) CloseIdleConnections() {
	g.home.CloseIdleConnections()
	g.elsewhere.CloseIdleConnections()
	g.proxied.CloseIdleConnections()
}

// closeBody does what a RoundTripper must when it doesn't send a request.
func closeBody(r *http.Request) {
	if r.Body != nil {
		r.Body.Close()
	}
}

// look refuses what is known here to be out of reach, before a proxy is asked. Where names of the world don't
// resolve, as behind many proxies, the proxy decides.
func (g *guard) look(ctx context.Context, host string, reach Reach) error {
	if a, err := netip.ParseAddr(host); err == nil {
		return reach.Check(a)
	}
	found, err := g.purpose.Resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return ctx.Err()
	}
	for _, a := range found {
		if err := reach.Check(a); err != nil {
			return err
		}
	}
	return nil
}

// CheckURL returns an error that is ErrURL unless requests can go to the address.
func CheckURL(u *url.URL) error {
	if u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Opaque != "" {
		return ErrURL
	}
	return nil
}

// bounded fails where an answer goes on after its limit.
type bounded struct {
	io.ReadCloser
	left int64
}

// Read implements io.Reader.
func (b *bounded) Read(p []byte) (int, error) {
	if b.left == 0 {
		// What ends here is within the limit: one more byte tells.
		n, err := b.ReadCloser.Read(make([]byte, min(len(p), 1)))
		if n > 0 {
			return 0, ErrTooLarge
		}
		return 0, err
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// attentive ends a connection whose other side is silent.
type attentive struct {
	net.Conn
	stall time.Duration
}

// Read implements net.Conn.
func (a *attentive) Read(p []byte) (int, error) {
	if err := a.SetReadDeadline(time.Now().Add(a.stall)); err != nil {
		return 0, err
	}
	n, err := a.Conn.Read(p)
	return n, a.silent(err)
}

// Write implements net.Conn.
func (a *attentive) Write(p []byte) (int, error) {
	// While a body is sent nothing is read, but somebody waits to: a side that takes bytes isn't silent.
	if err := a.SetDeadline(time.Now().Add(a.stall)); err != nil {
		return 0, err
	}
	n, err := a.Conn.Write(p)
	return n, a.silent(err)
}

func (a *attentive) silent(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("%w for %s: %w", ErrSilent, a.stall, err)
	}
	return err
}
