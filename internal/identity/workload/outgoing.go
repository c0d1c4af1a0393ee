package workload

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

const (
	// askTime bounds the two requests to an issuer together.
	askTime = 5 * time.Second
	// longestAnswer is in bytes.
	longestAnswer = 256 << 10
)

// network says which addresses may be connected to.
type network func(netip.Addr) bool

// anyNetwork is for issuers that a system administrator named. What is told on link-local addresses,
// clouds' metadata, is never an issuer's.
func anyNetwork(a netip.Addr) bool {
	return !a.IsLinkLocalUnicast() && !a.IsMulticast() && !a.IsUnspecified()
}

// internet is for issuers that somebody else named: no address of a company's own networks (S6).
func internet(a netip.Addr) bool {
	shared := netip.MustParsePrefix("100.64.0.0/10") // of providers, and of clouds for themselves
	return anyNetwork(a) && a.IsGlobalUnicast() && !a.IsPrivate() && !a.IsLoopback() && !shared.Contains(a)
}

var errNetwork = errors.New("its address is in a network that may not be asked")

// client returns a client that checks the address after the name was resolved, so that no answer of a name
// server gets around it.
func client(allowed network) *http.Client {
	dialer := &net.Dialer{Timeout: askTime, ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil || !allowed(to.Addr().Unmap()) {
			return errNetwork
		}
		return nil
	}}
	return &http.Client{
		Timeout: askTime,
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, TLSHandshakeTimeout: askTime,
			MaxIdleConns: 10, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true, MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if len(via) > 3 || r.URL.Host != via[0].URL.Host || r.URL.Scheme != via[0].URL.Scheme {
				return http.ErrUseLastResponse
			}
			return nil
		},
	}
}

func get(ctx context.Context, c *http.Client, url string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", url, err)
	}
	r.Header.Set("Accept", "application/json")
	answer, err := c.Do(r)
	if err != nil {
		return nil, err // names method and URL
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", url, answer.Status)
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, longestAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("read the answer of %s: %w", url, err)
	}
	if len(body) > longestAnswer {
		return nil, fmt.Errorf("the answer of %s has more than %d bytes", url, longestAnswer)
	}
	return body, nil
}
