package remote

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
)

// How one secret is exchanged for another: a workload's token, which lies in a file, and a refresh token go by a form.

// form is a request with values as a browser's form sends them.
func form(ctx context.Context, to *url.URL, values url.Values) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), strings.NewReader(values.Encode()))
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", to.Host, err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	return r, nil
}

// form sends values as a browser's form does, and has the answer decoded.
func (c *client) form(ctx context.Context, address string, values url.Values, sign func(context.Context, *http.Request, []byte) error, decode func([]byte) error) error {
	to, err := url.Parse(address)
	if err != nil {
		return fmt.Errorf("ask %s: %w", address, err)
	}
	r, err := form(ctx, to, values)
	if err != nil {
		return err
	}
	if sign != nil {
		if err := sign(ctx, r, []byte(values.Encode())); err != nil {
			return err
		}
	}
	answer, err := c.still.Do(r)
	if err != nil {
		return broken(ctx, to.Hostname(), err)
	}
	if answer.StatusCode != http.StatusOK {
		return c.meaning(answer, false)
	}
	text, err := c.read(ctx, answer, maxToken)
	if err != nil {
		return err
	}
	if err := decode(text); err != nil {
		return fmt.Errorf("%w: %s answers something else than is expected", ErrNoRegistry, to.Host)
	}
	return nil
}

// readToken reads the file of a workload's token, which is renewed where it lies.
func readToken(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxToken))
	return strings.TrimSpace(string(text)), err
}
