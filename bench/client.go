package main

import (
	"context"
	"encoding/base64"
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
	*connections
}

// newConnections are to a server at http://HOST:PORT: as many as there are requests at a time.
func newConnections(server string) *connections {
	return &connections{address: strings.TrimPrefix(server, "http://")}
}

func newClient(s *server) *client {
	return &client{server: s.url, user: "admin", password: adminPassword, tokens: s.tokens, connections: newConnections(s.url)}
}

// request is what one call sends.
type request struct {
	method, url string // url is a path on the server, with or without the server before it
	token       string // Bearer; empty for none
	basic       bool   // the client's user and password
	content     []byte // the body; or
	body        io.Reader
	length      int64 // of body; -1 for HTTP's chunks
	header      map[string]string
}

// send returns the answer, whose body the caller must close, when it has the status wanted. It follows no redirect,
// which is another status.
func (c *client) send(ctx context.Context, r request, want int) (*answer, error) {
	path := strings.TrimPrefix(r.url, c.server)
	if !strings.HasPrefix(path, "/") {
		return nil, fmt.Errorf("%s %s is not on %s", r.method, r.url, c.server)
	}
	r.url = path
	authorization := ""
	switch {
	case r.token != "":
		authorization = "Bearer " + r.token
	case r.basic:
		authorization = "Basic " + base64.StdEncoding.EncodeToString([]byte(c.user+":"+c.password))
	}
	a, err := c.exchange(ctx, &r, authorization)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", r.method, path, err)
	}
	if a.status != want {
		defer a.Close()
		text, _ := io.ReadAll(io.LimitReader(a, 500))
		return nil, fmt.Errorf("%s %s: status %d, want %d: %s", r.method, path, a.status, want, text)
	}
	return a, nil
}

// maxAnswer bounds the answers that are read at once.
const maxAnswer = 8 << 20

// call sends and reads the answer's body, which is small.
func (c *client) call(ctx context.Context, r request, want int) (fields, []byte, error) {
	a, err := c.send(ctx, r, want)
	if err != nil {
		return "", nil, err
	}
	defer a.Close()
	if a.length >= 0 && r.method != http.MethodHead {
		text := make([]byte, min(a.length, maxAnswer))
		_, err := io.ReadFull(a, text)
		return a.header, text, err
	}
	text, err := io.ReadAll(io.LimitReader(a, maxAnswer))
	return a.header, text, err
}

// api posts JSON to Harbor's API.
func (c *client) api(ctx context.Context, path string, body any, want int) error {
	return c.tell(ctx, http.MethodPost, path, body, want)
}

// configure changes the registry's settings.
func (c *client) configure(ctx context.Context, settings map[string]any) error {
	return c.tell(ctx, http.MethodPut, "/configurations", settings, http.StatusOK)
}

func (c *client) tell(ctx context.Context, method, path string, body any, want int) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	_, _, err = c.call(ctx, request{method: method, url: "/api/v2.0" + path, basic: true, content: text,
		header: map[string]string{"Content-Type": "application/json"}}, want)
	return err
}

// challengeParam is what a Www-Authenticate field says of a name, "" when it says nothing.
func challengeParam(challenge, name string) string {
	_, rest, _ := strings.Cut(challenge, name+`="`)
	value, _, _ := strings.Cut(rest, `"`)
	return value
}

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
	challenge := header.Get("Www-Authenticate")
	return c.token(ctx, challengeParam(challenge, "realm")+"?service="+url.QueryEscape(challengeParam(challenge, "service"))+
		"&scope="+url.QueryEscape("repository:"+repository+":"+actions))
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
func location(h fields) string { return h.Get("Location") }

// withDigest adds the digest that ends an upload.
func withDigest(location, digest string) string {
	separator := "?"
	if strings.Contains(location, "?") {
		separator = "&"
	}
	return location + separator + "digest=" + url.QueryEscape(digest)
}
