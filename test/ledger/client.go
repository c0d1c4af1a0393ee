//go:build acceptance

package ledger

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// ErrCut says that a request was not answered in full: nobody knows what came of it.
var ErrCut = errors.New("the connection was cut")

// ErrRefused says that the registry can't do it now and said so: 429, 503 or 507, and
// nothing has changed.
var ErrRefused = errors.New("the registry refused for now")

// patience is how long one request may take.
const patience = 60 * time.Second

// Client sends requests to one registry. It is safe for concurrent use.
type Client struct {
	URL      string
	Token    string // bearer token of /service/token
	Password string // of user admin, for /api/v2.0
	// Faulty says that something the registry needs is broken on purpose. An answer of
	// 5xx leaves open what came of the request then, as a cut connection does; it must
	// be a proper error all the same.
	Faulty atomic.Bool
	Faults atomic.Int64 // such answers
	// Observe, where there is one, hears of each request: the status, 0 where it was cut off, and how long it took.
	Observe func(status int, took time.Duration)

	http     *http.Client
	name     string
	requests atomic.Int64
}

// NewClient returns a client whose requests carry ids that begin with name.
func NewClient(url, token, password, name string) *Client {
	transport := &http.Transport{MaxIdleConnsPerHost: 16, DisableCompression: true}
	return &Client{
		URL: url, Token: token, Password: password, name: name,
		http: &http.Client{Transport: transport, Timeout: patience},
	}
}

// Answer is what came back, body included.
type Answer struct {
	ID     string // of the request
	Status int
	Header http.Header
	Body   []byte
}

// Unexpected is an answer that a registry which keeps its promises does not give.
type Unexpected struct {
	Method, Path string
	Want         string
	Answer       Answer
}

// Error implements error.
func (e *Unexpected) Error() string {
	return fmt.Sprintf("%s %s: status %d, want %s: %.300s (request %s)", e.Method, e.Path, e.Answer.Status, e.Want, e.Answer.Body, e.Answer.ID)
}

// request is what is sent. Path may be a whole address, as Location gives it.
type request struct {
	method, path string
	body         []byte
	header       map[string]string
	basic        bool // as admin by password, and not by token
}

// send returns the answer if its status is one of want.
func (c *Client) send(ctx context.Context, r request, want ...int) (Answer, error) {
	a, err := c.do(ctx, r)
	if err != nil {
		return a, err
	}
	for _, status := range want {
		if a.Status == status {
			return a, nil
		}
	}
	unexpected := &Unexpected{r.method, r.path, fmt.Sprint(want), a}
	if c.Faulty.Load() && a.Status >= http.StatusInternalServerError {
		// 502 is a balancer's word for a replica that went away.
		if a.Status != http.StatusBadGateway && !proper(a) && r.method != http.MethodHead {
			return a, unexpected
		}
		c.Faults.Add(1)
		return a, fmt.Errorf("%w: %w", ErrCut, unexpected)
	}
	switch a.Status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusInsufficientStorage:
		return a, fmt.Errorf("%w: %w", ErrRefused, unexpected)
	}
	return a, unexpected
}

// proper tells whether the body is the specification's, with a code and words for people.
func proper(a Answer) bool {
	var body struct {
		Errors []struct{ Code, Message string }
	}
	return json.Unmarshal(a.Body, &body) == nil && len(body.Errors) == 1 && body.Errors[0].Code != "" && body.Errors[0].Message != ""
}

func (c *Client) do(ctx context.Context, r request) (Answer, error) {
	address := r.path
	if strings.HasPrefix(address, "/") {
		address = c.URL + address
	}
	req, err := http.NewRequestWithContext(ctx, r.method, address, bytes.NewReader(r.body))
	if err != nil {
		return Answer{}, err
	}
	id := fmt.Sprintf("%s-%d", c.name, c.requests.Add(1))
	req.Header.Set("X-Request-Id", id)
	if r.basic {
		req.SetBasicAuth("admin", c.Password)
	} else {
		req.Header.Set("Authorization", "Bearer "+c.Token)
	}
	for k, v := range r.header {
		req.Header.Set(k, v)
	}
	// A request on a connection that the server had closed would be sent twice.
	req.GetBody = nil
	began := time.Now()
	a, err := c.answer(req)
	if c.Observe != nil {
		c.Observe(a.Status, time.Since(began))
	}
	if err != nil {
		return Answer{ID: id}, fmt.Errorf("%w: %s %s: %w", ErrCut, r.method, r.path, err)
	}
	a.ID = id
	return a, nil
}

// answer sends the request and reads all of the answer, which is none when it fails.
func (c *Client) answer(req *http.Request) (Answer, error) {
	resp, err := c.http.Do(req)
	if err != nil {
		return Answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return Answer{}, err
	}
	return Answer{Status: resp.StatusCode, Header: resp.Header, Body: body}, nil
}

// Disconnect closes idle connections, which lead to a server that is gone.
func (c *Client) Disconnect() { c.http.CloseIdleConnections() }
