package oidc

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"time"
)

const (
	// askTime bounds one request to the provider; somebody waits for it.
	askTime = 8 * time.Second
	// maxAnswer bounds each of its answers, in bytes.
	maxAnswer = 1 << 20
	// maxRedirects bounds redirects, all within one host.
	maxRedirects = 3
)

// clients are what requests to the provider go by: with and without a check of its certificate.
type clients struct{ checking, trusting *http.Client }

func newClients() clients { return clients{newClient(true), newClient(false)} }

func (c clients) of(verify bool) *http.Client {
	if verify {
		return c.checking
	}
	return c.trusting
}

func newClient(verify bool) *http.Client {
	dialer := &net.Dialer{Timeout: askTime / 2, Control: refuseLinkLocal}
	return &http.Client{
		Timeout: askTime,
		Transport: bounded{&http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         dialer.DialContext,
			TLSHandshakeTimeout: askTime / 2,
			//nolint:gosec // an administrator may switch the check off: oidc_verify_cert
			TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: !verify},
			MaxIdleConnsPerHost: 4,
			IdleConnTimeout:     time.Minute,
			ForceAttemptHTTP2:   true,
		}},
		CheckRedirect: func(next *http.Request, via []*http.Request) error {
			if first := via[0].URL; len(via) > maxRedirects || next.URL.Host != first.Host || next.URL.Scheme != first.Scheme {
				return fmt.Errorf("%w to %s://%s", errRedirect, next.URL.Scheme, next.URL.Host)
			}
			return nil
		},
	}
}

var (
	errRedirect = errors.New("the provider redirects")
	errAddress  = errors.New("this address is not for identity providers")
)

// refuseLinkLocal keeps what an administrator enters away from the machine's metadata service (S6). It looks
// at the address that is dialled, not at the name.
func refuseLinkLocal(_, address string, _ syscall.RawConn) error {
	a, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %s", errAddress, address)
	}
	ip := a.Addr().Unmap()
	if ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsUnspecified() {
		return fmt.Errorf("%w: %s", errAddress, ip)
	}
	return nil
}

// bounded cuts answers off at maxAnswer.
type bounded struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := b.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	answer.Body = http.MaxBytesReader(nil, answer.Body, maxAnswer)
	return answer, nil
}

// secureAs reports whether an address of the provider may be used beside its issuer: never a plain one
// beside an encrypted one.
func secureAs(issuer, address string) bool {
	return strings.HasPrefix(address, "https://") || strings.HasPrefix(address, "http://") && strings.HasPrefix(issuer, "http://")
}

var (
	errUnauthorized = errors.New("the provider refuses the access token")
	errStatus       = errors.New("the provider answers with the status")
)

// getJSON reads a document of the provider. Its size is bounded by the client.
func getJSON(ctx context.Context, client *http.Client, address string, into any) error {
	body, _, err := get(ctx, client, address, "")
	if err != nil {
		return err
	}
	return json.Unmarshal(body, into)
}

// get reads a document of the provider, with an access token unless that is empty.
func get(ctx context.Context, client *http.Client, address, access string) (body []byte, mediaType string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, "", err
	}
	request.Header.Set("Accept", "application/json")
	if access != "" {
		request.Header.Set("Authorization", "Bearer "+access)
	}
	answer, err := client.Do(request)
	if err != nil {
		return nil, "", err
	}
	defer answer.Body.Close()
	switch answer.StatusCode {
	case http.StatusOK:
	case http.StatusUnauthorized:
		return nil, "", errUnauthorized
	default:
		return nil, "", fmt.Errorf("%w %d", errStatus, answer.StatusCode)
	}
	body, err = io.ReadAll(answer.Body)
	mediaType, _, _ = mime.ParseMediaType(answer.Header.Get("Content-Type"))
	return body, mediaType, err
}
