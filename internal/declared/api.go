package declared

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/secret"
)

const (
	harbor = "/api/v2.0"
	own    = "/api/haven/v1"

	pageSize  = 100
	maxPages  = 10_000
	maxAnswer = 16 << 20
	// patience is for one request; a registry elsewhere is asked while its endpoint is saved.
	patience = 2 * time.Minute
)

// API is a registry, as one account speaks with it.
type API struct {
	base     *url.URL
	username string
	password secret.Text
	client   *http.Client
}

// NewAPI returns the API of the registry at base.
func NewAPI(base *url.URL, username string, password secret.Text) *API {
	return &API{base: base, username: username, password: password, client: &http.Client{
		Timeout: patience,
		// The password is for this address alone (S5).
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// refusal is an answer that is no success.
type refusal struct {
	status  int
	message string
}

func (r *refusal) Error() string {
	switch {
	case r.status == http.StatusUnauthorized:
		return "the registry doesn't know this name and password: HAVEN_USERNAME and HAVEN_PASSWORD (or --password-stdin) are to be a system administrator's"
	case r.message == "":
		return fmt.Sprintf("the registry answered %d %s", r.status, http.StatusText(r.status))
	}
	return fmt.Sprintf("the registry answered %d: %s", r.status, r.message)
}

// refused reports whether the registry answered so.
func refused(err error, status int) bool {
	r, ok := errors.AsType[*refusal](err)
	return ok && r.status == status
}

// settled reports whether an error is the registry's word that nothing was done. Without one, or with that of something on the way,
// the request may have had its effect.
func settled(err error) bool {
	r, ok := errors.AsType[*refusal](err)
	return ok && r.status < http.StatusInternalServerError
}

// call sends body and reads the answer into out, each unless it is nil. id is the end of the Location, 0 without one.
func (a *API) call(ctx context.Context, method, path string, query url.Values, body, out any) (id int64, err error) {
	id, err = a.exchange(ctx, method, path, query, body, out)
	if err != nil {
		return 0, fmt.Errorf("%s %s: %w", method, path, err)
	}
	return id, nil
}

func (a *API) exchange(ctx context.Context, method, path string, query url.Values, body, out any) (int64, error) {
	var content io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return 0, err
		}
		content = bytes.NewReader(b)
	}
	address := strings.TrimRight(a.base.String(), "/") + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, method, address, content)
	if err != nil {
		return 0, err
	}
	r.SetBasicAuth(a.username, a.password.Reveal())
	r.Header.Set("Content-Type", "application/json")
	response, err := a.client.Do(r)
	if err != nil {
		return 0, errors.Unwrap(err) // without the address, which the caller names
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return 0, fmt.Errorf("read the answer: %w", err)
	}
	if response.StatusCode >= 300 {
		var said struct{ Errors []struct{ Message string } }
		refused := &refusal{status: response.StatusCode}
		if json.Unmarshal(answer, &said) == nil && len(said.Errors) > 0 {
			refused.message = plain(said.Errors[0].Message)
		}
		return 0, refused
	}
	if out != nil {
		if len(answer) > maxAnswer {
			return 0, fmt.Errorf("the answer is longer than %d bytes", maxAnswer)
		}
		if err := json.Unmarshal(answer, out); err != nil {
			return 0, fmt.Errorf("the answer is not valid: %w", err)
		}
	}
	location := response.Header.Get("Location")
	id, err := strconv.ParseInt(location[strings.LastIndexByte(location, '/')+1:], 10, 64)
	if err != nil {
		return 0, nil //nolint:nilerr // most answers have no Location
	}
	return id, nil
}

func (a *API) get(ctx context.Context, path string, out any) error {
	_, err := a.call(ctx, http.MethodGet, path, nil, nil, out)
	return err
}

func (a *API) put(ctx context.Context, path string, body any) error {
	_, err := a.call(ctx, http.MethodPut, path, nil, body, nil)
	return err
}

func (a *API) post(ctx context.Context, path string, body any) (id int64, err error) {
	return a.call(ctx, http.MethodPost, path, nil, body, nil)
}

func (a *API) delete(ctx context.Context, path string) error {
	_, err := a.call(ctx, http.MethodDelete, path, nil, nil, nil)
	return err
}

// every reads all pages of a listing.
func every[T any](ctx context.Context, a *API, path string, query url.Values) ([]T, error) {
	all := []T{}
	q := url.Values{"page_size": {strconv.Itoa(pageSize)}}
	for name, v := range query {
		q[name] = v
	}
	for page := 1; page <= maxPages; page++ {
		q.Set("page", strconv.Itoa(page))
		var rows []T
		if _, err := a.call(ctx, http.MethodGet, path, q, nil, &rows); err != nil {
			return nil, err
		}
		if all = append(all, rows...); len(rows) < pageSize {
			return all, nil
		}
	}
	return nil, fmt.Errorf("GET %s: more than %d rows", path, maxPages*pageSize)
}

// at is a path with a number at its end.
func at(path string, id int64) string { return path + "/" + strconv.FormatInt(id, 10) }
