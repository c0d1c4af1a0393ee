package adapter

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/outbound"
	"github.com/havenregistry/haven/internal/secret"
)

const (
	// callTime bounds a call, and how long a report that is being sent may pause.
	callTime = 5 * time.Second
	// reportTime bounds the sending of a report.
	reportTime = 2 * time.Minute
	maxAnswer  = 1 << 20
	// MaxReport bounds a report, in bytes.
	MaxReport = 64 << 20
	// maxError bounds what is read of an answer that refuses.
	maxError = 16 << 10
	// maxID bounds the id of a scan.
	maxID = 256
)

// Auth says how a scanner knows us.
type Auth string

// The ways, in Harbor's words.
const (
	NoAuth Auth = ""
	Basic  Auth = "Basic"                    // credential "name:password"
	Bearer Auth = "Bearer"                   // credential is the token
	APIKey Auth = "X-ScannerAdapter-API-Key" //nolint:gosec // the name of a header
)

// Known reports whether there is such a way.
func (a Auth) Known() bool { return a == NoAuth || a == Basic || a == Bearer || a == APIKey }

// Endpoint is where a scanner is, and how it knows us.
type Endpoint struct {
	URL        string // before /api/v1
	Auth       Auth
	Credential secret.Text
	Trust      outbound.Trust
}

// authorize puts the credential into a request. It goes nowhere else: no redirect is followed.
func (e Endpoint) authorize(h http.Header) {
	switch c := e.Credential.Reveal(); {
	case c == "":
	case e.Auth == Basic:
		h.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(c)))
	case e.Auth == Bearer:
		h.Set("Authorization", "Bearer "+c)
	case e.Auth == APIKey:
		h.Set(string(APIKey), c)
	}
}

// Client asks scanners. It is safe for concurrent use.
type Client struct{ calls, reports guarded }

// guarded is an *outbound.Client; tests without a network have their own.
type guarded interface {
	HTTP(t outbound.Trust) (*http.Client, error)
	Close()
}

// NewClient returns a Client. Scanners are entered by system administrators and may be private addresses; what
// they redirect to is never asked (S6).
func NewClient() *Client {
	purpose := outbound.Purpose{Peer: outbound.Scanner, Reach: outbound.Administered(), Proxied: true, Timeout: callTime, Stall: callTime, MaxBody: maxAnswer}
	reports := purpose
	reports.Timeout, reports.MaxBody = reportTime, MaxReport
	return &Client{outbound.New(purpose), outbound.New(reports)}
}

// Watch has requests counted from now on, before the first of them.
func (c *Client) Watch(calls *outbound.Calls) {
	for _, guarded := range []guarded{c.calls, c.reports} {
		if client, ok := guarded.(*outbound.Client); ok {
			client.Watch(calls)
		}
	}
}

// Close drops idle connections.
func (c *Client) Close() {
	c.calls.Close()
	c.reports.Close()
}

// Metadata asks a scanner what it is, and checks the answer. Errors are *Failure.
func (c *Client) Metadata(ctx context.Context, e Endpoint) (Metadata, error) {
	answer, err := c.call(ctx, c.calls, e, http.MethodGet, "/metadata", MetadataType, nil)
	if err != nil {
		return Metadata{}, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return Metadata{}, refusal(answer, e.Credential)
	}
	var m Metadata
	if err := decode(answer.Body, &m); err != nil {
		return Metadata{}, err
	}
	if err := m.Check(); err != nil {
		return Metadata{}, badAnswer("%s", shown(err.Error()))
	}
	return m, nil
}

// submit asks for a scan, and returns its id.
func (c *Client) submit(ctx context.Context, e Endpoint, r ScanRequest) (string, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return "", fmt.Errorf("encode a scan request: %w", err)
	}
	answer, err := c.call(ctx, c.calls, e, http.MethodPost, "/scan", ResponseType, body)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusAccepted {
		return "", refusal(answer, e.Credential, secret.Text(r.Registry.Authorization))
	}
	var accepted ScanResponse
	if err := decode(answer.Body, &accepted); err != nil {
		return "", err
	}
	if accepted.ID == "" || len(accepted.ID) > maxID {
		return "", badAnswer("the scan's id has %d bytes, expected 1 to %d", len(accepted.ID), maxID)
	}
	return accepted.ID, nil
}

// call makes one request. The answer's body is bounded; the caller closes it.
func (c *Client) call(ctx context.Context, by guarded, e Endpoint, method, path, accept string, body []byte) (*http.Response, error) {
	client, err := by.HTTP(e.Trust)
	if err != nil {
		return nil, unreachable(err)
	}
	address, err := e.at(path)
	if err != nil {
		return nil, unreachable(err)
	}
	r, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return nil, unreachable(err)
	}
	r.Header.Set("Accept", accept)
	if body != nil {
		r.Header.Set("Content-Type", RequestType)
	}
	e.authorize(r.Header)
	answer, err := client.Do(r)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, unreachable(err)
	}
	return answer, nil
}

// at is the address of a part of the API. path may have a query.
func (e Endpoint) at(path string) (string, error) {
	u, err := url.Parse(e.URL)
	if err != nil {
		return "", outbound.ErrURL
	}
	if err := outbound.CheckURL(u); err != nil {
		return "", err
	}
	return strings.TrimRight(u.Scheme+"://"+u.Host+u.EscapedPath(), "/") + "/api/v1" + path, nil
}

// refusal is the failure that an answer's status means.
func refusal(answer *http.Response, secrets ...secret.Text) error {
	f := &Failure{Kind: ErrStatus, Status: answer.StatusCode}
	switch answer.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		f.Kind = ErrRefused
	}
	f.Reason = fmt.Sprintf("status %d", answer.StatusCode)
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxError))
	if err != nil {
		return f
	}
	var body ErrorBody
	if json.Unmarshal(text, &body) == nil && body.Error.Message != "" {
		f.Reason += ": " + shown(body.Error.Message, secrets...)
	}
	return f
}

// decode reads one JSON value that is a whole answer.
func decode(r io.Reader, into any) error {
	d := json.NewDecoder(r)
	if err := d.Decode(into); err != nil {
		return unreadable(err)
	}
	return ended(d)
}

// ended fails where something comes after the value.
func ended(d *json.Decoder) error {
	switch _, err := d.Token(); {
	case errors.Is(err, io.EOF):
		return nil
	case err == nil:
		return badAnswer("something comes after the end of its JSON")
	default:
		return unreadable(err)
	}
}

// unreadable tells JSON that is wrong from a connection that broke.
func unreadable(err error) error {
	_, syntax := errors.AsType[*json.SyntaxError](err)
	wrong, typed := errors.AsType[*json.UnmarshalTypeError](err)
	switch {
	case typed && wrong.Field != "":
		return badAnswer("%s is a JSON %s", shown(wrong.Field), shown(wrong.Value))
	case typed:
		return badAnswer("it is a JSON %s", shown(wrong.Value))
	case syntax:
		return badAnswer("it is no JSON")
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return badAnswer("it is no whole JSON")
	}
	return unreachable(err)
}
