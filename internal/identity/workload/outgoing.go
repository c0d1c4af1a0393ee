package workload

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/havenregistry/haven/internal/outbound"
)

const (
	// askTime bounds the two requests to an issuer together.
	askTime = 5 * time.Second
	// longestAnswer is in bytes.
	longestAnswer = 256 << 10
)

// client asks issuers within reach. It follows no redirect to another origin.
func client(allowed outbound.Reach, calls *outbound.Calls) *http.Client {
	return outbound.New(outbound.Purpose{
		Peer: outbound.Issuer, Calls: calls, Reach: allowed, Elsewhere: outbound.Nowhere(), Redirects: 3, Proxied: true, Timeout: askTime, MaxBody: longestAnswer + 1,
	}).Checking(true)
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
