package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// call is a request to the API of a registry's vendor, which isn't OCI distribution.
type call struct {
	method string
	url    string
	header http.Header
	body   any // sent as JSON; nil sends nothing, a []byte goes as it is
	// sign puts on the request what says who asks; nil asks as nobody.
	sign func(ctx context.Context, r *http.Request, body []byte) error
	// statuses are the good ones; none means 200.
	statuses []int
}

// call makes a request and decodes its answer, unless into is nil. It returns the answer's status and headers. Addresses of
// vendors' APIs are our own knowledge, or the endpoint's, and never a registry's word.
func (c *client) call(ctx context.Context, q call, into any) (int, http.Header, error) {
	var body []byte
	switch b := q.body.(type) {
	case nil:
	case []byte:
		body = b
	default:
		var err error
		if body, err = json.Marshal(b); err != nil {
			return 0, nil, fmt.Errorf("encode a request to %s: %w", q.url, err)
		}
	}
	r, err := http.NewRequestWithContext(ctx, q.method, q.url, bytes.NewReader(body))
	if err != nil {
		return 0, nil, fmt.Errorf("ask %s: %w", q.url, err)
	}
	if q.header != nil {
		r.Header = q.header.Clone()
	}
	r.Header.Set("Accept", "application/json")
	if body != nil && r.Header.Get("Content-Type") == "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if q.sign != nil {
		if err := q.sign(ctx, r, body); err != nil {
			return 0, nil, err
		}
	}
	answer, err := c.still.Do(r)
	if err != nil {
		return 0, nil, broken(ctx, r.URL.Hostname(), err)
	}
	if len(q.statuses) == 0 {
		q.statuses = []int{http.StatusOK}
	}
	if !slices.Contains(q.statuses, answer.StatusCode) {
		return answer.StatusCode, answer.Header, c.meaning(answer, false)
	}
	text, err := c.read(ctx, answer, maxDocument)
	if err != nil {
		return answer.StatusCode, answer.Header, err
	}
	if into != nil && answer.StatusCode != http.StatusNoContent {
		if err := json.Unmarshal(text, into); err != nil {
			return answer.StatusCode, answer.Header, fmt.Errorf("%w: %s%s has no JSON as expected", ErrNoRegistry, r.URL.Host, r.URL.Path)
		}
	}
	return answer.StatusCode, answer.Header, nil
}

// byPassword signs calls with the login of the moment, if there is one.
func (c *client) byPassword(ctx context.Context, r *http.Request, _ []byte) error {
	l, err := c.auth.current(ctx, false)
	if err == nil && !l.nobody() {
		r.Header.Set("Authorization", basic(l))
	}
	return err
}

// byToken signs calls with a token.
func byToken(find func(ctx context.Context) (string, error)) func(context.Context, *http.Request, []byte) error {
	return func(ctx context.Context, r *http.Request, _ []byte) error {
		token, err := find(ctx)
		if err == nil && token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		return err
	}
}

// path is an address's path of segments that are escaped.
func path(segments ...string) string {
	var b strings.Builder
	for _, each := range segments {
		b.WriteString("/" + url.PathEscape(each))
	}
	return b.String()
}

// wanted reports whether a name is one below a prefix, and one that can be asked for.
func (c *client) wanted(name, prefix string) bool {
	_, err := c.in(name, "")
	return err == nil && strings.HasPrefix(name, prefix)
}

// namespace is what a prefix says of the first part of names; "" where that isn't all of it.
func namespace(prefix string) string {
	first, _, ok := strings.Cut(prefix, "/")
	if !ok {
		return ""
	}
	return first
}

// origin is scheme and host of an address.
func origin(u *url.URL) string { return u.Scheme + "://" + u.Host }
