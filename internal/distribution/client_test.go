package distribution_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/app/apptest"
	"github.com/havenregistry/haven/internal/db/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// client speaks to the server as one person.
type client struct {
	t        *testing.T
	base     string
	username string // "" for nobody
	password string
	bearer   string // a token to send instead
}

type answer struct {
	status int
	header http.Header
	body   string
}

// code is the first code of an error body.
func (a answer) code() string {
	var e struct{ Errors []struct{ Code string } }
	if json.Unmarshal([]byte(a.body), &e) != nil || len(e.Errors) == 0 {
		return ""
	}
	return e.Errors[0].Code
}

func admin(t *testing.T, s *apptest.Server) *client {
	return &client{t: t, base: s.URL, username: "admin", password: apptest.AdminPassword}
}

func (c *client) as(username, password string) *client {
	return &client{t: c.t, base: c.base, username: username, password: password}
}

func (c *client) do(method, path string, body any, headers ...string) answer {
	c.t.Helper()
	var r io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		r = strings.NewReader(b)
	case []byte:
		r = bytes.NewReader(b)
	case io.Reader:
		r = b
	default:
		text, err := json.Marshal(b)
		if err != nil {
			c.t.Fatal(err)
		}
		r = bytes.NewReader(text)
		headers = append(headers, "Content-Type", "application/json")
	}
	req, err := http.NewRequest(method, c.base+path, r)
	if err != nil {
		c.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	switch {
	case c.bearer != "":
		req.Header.Set("Authorization", "Bearer "+c.bearer)
	case c.username != "":
		req.SetBasicAuth(c.username, c.password)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(text)}
}

// must fails the test unless the answer has the status.
func (c *client) must(status int, method, path string, body any, headers ...string) answer {
	c.t.Helper()
	a := c.do(method, path, body, headers...)
	if a.status != status {
		c.t.Fatalf("%s %s: got %d %s, want %d", method, path, a.status, a.body, status)
	}
	return a
}

// token fetches a docker token for scopes.
func (c *client) token(scopes ...string) *client {
	c.t.Helper()
	q := url.Values{"service": {"harbor-registry"}, "scope": scopes}
	a := c.must(200, "GET", "/service/token?"+q.Encode(), nil)
	var t struct{ Token string }
	if err := json.Unmarshal([]byte(a.body), &t); err != nil || t.Token == "" {
		c.t.Fatalf("token: %s", a.body)
	}
	return &client{t: c.t, base: c.base, bearer: t.Token}
}

func (c *client) project(name string, public bool) {
	c.t.Helper()
	c.must(201, "POST", "/api/v2.0/projects", map[string]any{"project_name": name, "metadata": map[string]string{"public": fmt.Sprint(public)}})
}

func (c *client) user(name string) *client {
	c.t.Helper()
	password := "Pass-12345-" + name
	c.must(201, "POST", "/api/v2.0/users", map[string]any{"username": name, "email": name + "@example.com", "realname": name, "password": password})
	return c.as(name, password)
}

func (c *client) member(project, user string, role int) {
	c.t.Helper()
	c.must(201, "POST", "/api/v2.0/projects/"+project+"/members", map[string]any{"role_id": role, "member_user": map[string]string{"username": user}})
}

func digestOf(content string) string { return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(content))) }

// blob pushes content by POST and PUT and returns its digest.
func (c *client) blob(repo, content string) string {
	c.t.Helper()
	d := digestOf(content)
	start := c.must(202, "POST", "/v2/"+repo+"/blobs/uploads/", nil)
	c.must(201, "PUT", start.header.Get("Location")+"?digest="+d, content)
	return d
}

const (
	imageManifest = "application/vnd.oci.image.manifest.v1+json"
	imageIndex    = "application/vnd.oci.image.index.v1+json"
)

// manifestOf is an image of one layer.
func manifestOf(config, layer string) string {
	return fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":%q,"size":%d},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":%q,"size":%d}]}`,
		imageManifest, digestOf(config), len(config), digestOf(layer), len(layer))
}

const config = `{"architecture":"amd64","os":"linux"}`

// image pushes an image of one layer and returns its manifest.
func (c *client) image(repo, ref, layer string) string {
	c.t.Helper()
	c.blob(repo, config)
	c.blob(repo, layer)
	m := manifestOf(config, layer)
	c.must(201, "PUT", "/v2/"+repo+"/manifests/"+ref, m, "Content-Type", imageManifest)
	return m
}

// raw sends bytes as they are and returns the first line of the answer.
func (c *client) raw(request string) string {
	c.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(c.base, "http://"))
	if err != nil {
		c.t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, request); err != nil {
		c.t.Fatal(err)
	}
	text, err := io.ReadAll(conn)
	if err != nil {
		c.t.Fatal(err)
	}
	line, _, _ := strings.Cut(string(text), "\r\n")
	return line
}
