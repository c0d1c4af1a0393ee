package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/outbound"
)

const (
	// askTime bounds one request to the provider; somebody waits for it.
	askTime = 8 * time.Second
	// maxAnswer bounds each of its answers, in bytes.
	maxAnswer = 1 << 20
	// maxRedirects bounds redirects, all within one origin.
	maxRedirects = 3
)

// clients are what requests to the provider go by: with and without a check of its certificate.
type clients struct{ checking, trusting *http.Client }

func newClients(calls *outbound.Calls) clients {
	c := newClient().Watch(calls)
	return clients{c.Checking(true), c.Checking(false)}
}

func (c clients) of(verify bool) *http.Client {
	if verify {
		return c.checking
	}
	return c.trusting
}

// newClient makes a client for what an administrator entered, which follows no redirect to another origin (S6).
func newClient() *outbound.Client {
	return outbound.New(outbound.Purpose{
		Peer: outbound.Provider, Reach: outbound.Administered(), Elsewhere: outbound.Nowhere(), Redirects: maxRedirects, Proxied: true,
		Timeout: askTime, Stall: askTime, MaxBody: maxAnswer,
	})
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
