// Package kube speaks to a cluster's API as a pod does: by HTTP, with the token and the authority of its service account. It
// knows the few objects that an admission webhook needs, and of those the few fields. The official client is thirty times
// the size of the rest of the webhook.
package kube

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/havenregistry/haven/internal/outbound"
)

const (
	// account is the folder that a pod finds its service account in.
	account = "/var/run/secrets/kubernetes.io/serviceaccount"

	// maxAnswer bounds an answer: a webhook configuration with many webhooks and bundles is some 100 kB.
	maxAnswer = 4 << 20
	// maxFile bounds a token and a bundle of authorities.
	maxFile = 1 << 20
)

// Access says where the API is and how to be let in. Files are read at each request, because they are renewed.
type Access struct {
	URL       string // https://HOST:PORT
	TokenFile string // "" for none
	CAFile    string // PEM; "" for the system's
}

// InCluster is the access that a pod has. ok is false outside of a cluster.
func InCluster() (a Access, ok bool) {
	host, port := os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT")
	if host == "" || port == "" {
		return Access{}, false
	}
	return Access{URL: "https://" + net.JoinHostPort(host, port), TokenFile: account + "/token", CAFile: account + "/ca.crt"}, true
}

// Namespace is the namespace of this pod, "" outside of a cluster.
func Namespace() string {
	name, err := read(account + "/namespace")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(name))
}

// Client asks the API. It is safe for concurrent use.
type Client struct {
	base   *url.URL
	access Access
	http   *outbound.Client
}

// New returns a client for this access. It asks nothing yet.
func New(a Access) (*Client, error) {
	base, err := url.Parse(a.URL)
	if err != nil || outbound.CheckURL(base) != nil {
		return nil, fmt.Errorf("the address of the Kubernetes API: %q, expected https://HOST:PORT", a.URL)
	}
	return &Client{base: base, access: a, http: outbound.New(outbound.Purpose{
		Reach: outbound.Administered(), Elsewhere: outbound.Nowhere(), Timeout: -1, MaxBody: maxAnswer,
	})}, nil
}

// Error is an answer of the API other than success.
type Error struct {
	Code    int
	Message string
}

func (e *Error) Error() string {
	return fmt.Sprintf("the Kubernetes API answers %d: %s", e.Code, e.Message)
}

// IsStatus reports whether err is an answer of the API with this HTTP status.
func IsStatus(err error, code int) bool {
	answer, ok := errors.AsType[*Error](err)
	return ok && answer.Code == code
}

// Types of bodies that are sent.
const (
	typeJSON  = "application/json"
	typePatch = "application/json-patch+json"
)

// do sends body, if it isn't nil, and decodes the answer into answer, if it isn't nil.
func (c *Client) do(ctx context.Context, method, path, contentType string, body, answer any) error {
	r, err := c.request(ctx, method, path, contentType, body)
	if err != nil {
		return err
	}
	client, err := c.client()
	if err != nil {
		return err
	}
	response, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("ask the Kubernetes API: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body) // bounded by the client
	if err != nil {
		return fmt.Errorf("read the answer of the Kubernetes API: %w", err)
	}
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return refusal(response.StatusCode, text)
	}
	if answer == nil {
		return nil
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return fmt.Errorf("read the answer of the Kubernetes API: %w", err)
	}
	return nil
}

func (c *Client) request(ctx context.Context, method, path, contentType string, body any) (*http.Request, error) {
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(ctx, method, c.base.JoinPath(path).String(), content)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", typeJSON)
	if body != nil {
		r.Header.Set("Content-Type", contentType)
	}
	if c.access.TokenFile != "" {
		token, err := read(c.access.TokenFile)
		if err != nil {
			return nil, fmt.Errorf("the token for the Kubernetes API: %w", err)
		}
		r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	}
	return r, nil
}

// client is the one that trusts what the file of authorities says now.
func (c *Client) client() (*http.Client, error) {
	if c.access.CAFile == "" {
		return c.http.Checking(true), nil
	}
	roots, err := read(c.access.CAFile)
	if err != nil {
		return nil, fmt.Errorf("the authorities of the Kubernetes API: %w", err)
	}
	return c.http.HTTP(outbound.Trust{Roots: roots})
}

// refusal has the words of the API's Status, where the answer is one.
func refusal(code int, text []byte) error {
	var status struct {
		Message string `json:"message"`
	}
	if err := json.Unmarshal(text, &status); err != nil || status.Message == "" {
		status.Message = http.StatusText(code)
	}
	return &Error{Code: code, Message: status.Message}
}

func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("%s is larger than %d bytes", path, maxFile)
	}
	return text, err
}
