package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// client speaks to one server as one user.
type client struct {
	server   string // http://HOST:PORT
	user     string
	password string
	tokens   bool // the server wants tokens
	http     *http.Client
}

// newHTTP keeps a connection for each of so many clients.
func newHTTP(clients int) *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConns, t.MaxIdleConnsPerHost = 0, clients
	t.DisableCompression = true
	t.ReadBufferSize, t.WriteBufferSize = 64<<10, 64<<10
	return &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func newClient(s *server, clients int) *client {
	return &client{server: s.url, user: "admin", password: adminPassword, tokens: s.tokens, http: newHTTP(clients)}
}

// request is what one call sends.
type request struct {
	method, url string // url is absolute, or a path on the server
	token       string // Bearer; empty for none
	basic       bool   // the client's user and password
	body        io.Reader
	length      int64 // -1 for HTTP's chunks
	header      map[string]string
}

// send returns the answer, whose body the caller must close, when it has the status wanted.
func (c *client) send(ctx context.Context, r request, want int) (*http.Response, error) {
	if strings.HasPrefix(r.url, "/") {
		r.url = c.server + r.url
	}
	req, err := http.NewRequestWithContext(ctx, r.method, r.url, r.body)
	if err != nil {
		return nil, err
	}
	req.ContentLength = r.length
	for k, v := range r.header {
		req.Header.Set(k, v)
	}
	switch {
	case r.token != "":
		req.Header.Set("Authorization", "Bearer "+r.token)
	case r.basic:
		req.SetBasicAuth(c.user, c.password)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != want {
		defer resp.Body.Close()
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 500))
		return nil, fmt.Errorf("%s %s: status %d, want %d: %s", r.method, req.URL.Path, resp.StatusCode, want, text)
	}
	return resp, nil
}

// call sends and reads the answer's body, which is small.
func (c *client) call(ctx context.Context, r request, want int) (http.Header, []byte, error) {
	resp, err := c.send(ctx, r, want)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 8<<20))
	return resp.Header, text, err
}

// api posts JSON to Harbor's API.
func (c *client) api(ctx context.Context, path string, body any, want int) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	_, _, err = c.call(ctx, request{method: http.MethodPost, url: "/api/v2.0" + path, basic: true, body: bytes.NewReader(text),
		length: int64(len(text)), header: map[string]string{"Content-Type": "application/json"}}, want)
	return err
}

var challengeParam = regexp.MustCompile(`(realm|service)="([^"]*)"`)

// login does what docker does before each push and pull: it asks /v2/ who gives tokens, and fetches one
// for the repository. Of a server without tokens it asks only whether it is there.
func (c *client) login(ctx context.Context, repository, actions string) (string, error) {
	if !c.tokens {
		_, _, err := c.call(ctx, request{method: http.MethodGet, url: "/v2/"}, http.StatusOK)
		return "", err
	}
	header, _, err := c.call(ctx, request{method: http.MethodGet, url: "/v2/"}, http.StatusUnauthorized)
	if err != nil {
		return "", err
	}
	params := map[string]string{}
	for _, m := range challengeParam.FindAllStringSubmatch(header.Get("Www-Authenticate"), -1) {
		params[m[1]] = m[2]
	}
	query := url.Values{"service": {params["service"]}, "scope": {"repository:" + repository + ":" + actions}}
	return c.token(ctx, params["realm"]+"?"+query.Encode())
}

// loginTwice gets a token to push to one repository and to mount from another.
func (c *client) loginTwice(ctx context.Context, to, from string) (string, error) {
	if !c.tokens {
		return "", nil
	}
	return c.token(ctx, tokenPath+"&scope=repository:"+to+":pull,push&scope=repository:"+from+":pull")
}

var linkNext = regexp.MustCompile(`<([^>]*)>; *rel="?next"?`)

// token fetches a token from the address with the client's password.
func (c *client) token(ctx context.Context, address string) (string, error) {
	_, text, err := c.call(ctx, request{method: http.MethodGet, url: address, basic: true}, http.StatusOK)
	if err != nil {
		return "", err
	}
	var answer struct {
		Token string `json:"token"`
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return "", err
	}
	if answer.Token == "" {
		return "", errors.New("the token service gave no token")
	}
	return answer.Token, nil
}

// location is where an upload goes on.
func location(h http.Header) string { return h.Get("Location") }

// withDigest adds the digest that ends an upload.
func withDigest(location, digest string) string {
	separator := "?"
	if strings.Contains(location, "?") {
		separator = "&"
	}
	return location + separator + "digest=" + url.QueryEscape(digest)
}
