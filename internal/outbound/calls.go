package outbound

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/havenregistry/haven/internal/telemetry"
	"github.com/havenregistry/haven/internal/telemetry/trace"
)

// Peer is what sort of server is asked, for metrics and traces.
type Peer string

// The peers.
const (
	Registry  Peer = "registry"
	Scanner   Peer = "scanner"
	Webhook   Peer = "webhook"
	Provider  Peer = "oidc"     // of identities
	Issuer    Peer = "workload" // of workloads' tokens
	Preheater Peer = "preheat"
	VulnDB    Peer = "vulndb"
	ACME      Peer = "acme"
	Collector Peer = "collector" // of traces
	other     Peer = "other"
)

// Peers are all of them.
func Peers() []Peer {
	return []Peer{Registry, Scanner, Webhook, Provider, Issuer, Preheater, VulnDB, ACME, Collector, other}
}

// traced reports whether the other side has a part in a trace, and may be told of it: the others are no business of ours, or keep secrets
// in the paths of their addresses.
func (p Peer) traced() bool { return p == Registry || p == Scanner }

// Calls counts requests, by peers. A nil one counts nothing.
type Calls struct {
	spread  *telemetry.Spread
	answers telemetry.Tally[Answer]
}

// Answer is how requests ended: the peer, and the class of the status (2xx), or why there was none.
type Answer struct {
	Peer Peer
	Code string // 1xx to 5xx, refused (by us), timeout, canceled, failed
}

// NewCalls returns Calls of nobody.
func NewCalls() *Calls {
	var peers []string
	for _, p := range Peers() {
		peers = append(peers, string(p))
	}
	return &Calls{spread: telemetry.NewSpread("haven_outbound_request_duration_seconds",
		"How long requests of this process to other servers took, to the head of the answer, by what sort of server.", "peer", peers,
		3*time.Millisecond, 10*time.Millisecond, 30*time.Millisecond, 100*time.Millisecond, 300*time.Millisecond, time.Second, 3*time.Second, 10*time.Second, time.Minute)}
}

// Spread is how long requests took, for metrics.
func (c *Calls) Spread() *telemetry.Spread { return c.spread }

// Answers are how many requests ended how. The map is the caller's.
func (c *Calls) Answers() map[Answer]int64 {
	all := c.answers.All()
	if all == nil {
		all = map[Answer]int64{}
	}
	return all
}

func (c *Calls) done(p Peer, began time.Time, code string) {
	if c == nil {
		return
	}
	c.spread.Observe(string(p), time.Since(began))
	c.answers.Add(Answer{p, code}, 1)
}

// counting is a RoundTripper that counts and traces what another does.
type counting struct {
	by     http.RoundTripper
	peer   Peer
	calls  *Calls
	closer interface{ CloseIdleConnections() }
}

// RoundTrip implements http.RoundTripper.
func (c *counting) RoundTrip(r *http.Request) (*http.Response, error) {
	began := time.Now()
	ctx, span := trace.StartCall(r.Context(), "call "+string(c.peer))
	told := c.peer.traced() && !foreign(r) && trace.ID(ctx) != ""
	if told || r.Header.Get("User-Agent") == "" || span.Kept() {
		r = r.Clone(ctx)
	}
	if r.Header.Get("User-Agent") == "" {
		r.Header.Set("User-Agent", "haven/"+telemetry.Version())
	}
	if told {
		trace.Inject(ctx, r.Header)
	}
	answer, err := c.by.RoundTrip(r)
	code := codeOf(ctx, answer, err)
	c.calls.done(c.peer, began, code)
	if span.Kept() {
		c.describe(span, r, answer, code)
	}
	return answer, err
}

func (c *counting) describe(span trace.Span, r *http.Request, answer *http.Response, code string) {
	span.Set("http.request.method", r.Method)
	span.Set("server.address", r.URL.Hostname())
	span.Set("haven.peer", string(c.peer))
	if c.peer.traced() {
		span.Set("url.path", r.URL.EscapedPath()) // never the query: addresses of storage are signed there
	}
	if answer != nil {
		span.Count("http.response.status_code", int64(answer.StatusCode))
	}
	if answer == nil || answer.StatusCode >= http.StatusInternalServerError {
		span.Failed(code)
	}
	span.End(nil)
}

// CloseIdleConnections is what http.Client's calls.
func (c *counting) CloseIdleConnections() { c.closer.CloseIdleConnections() }

// codeOf is how a request ended, out of few words.
func codeOf(ctx context.Context, answer *http.Response, err error) string {
	switch {
	case err == nil && answer.StatusCode >= 100 && answer.StatusCode < 600:
		return strconv.Itoa(answer.StatusCode/100) + "xx"
	case errors.Is(err, ErrAddress), errors.Is(err, ErrURL), errors.Is(err, ErrTooLarge):
		return "refused"
	case TimedOut(err), err != nil && overdue(ctx):
		return "timeout"
	case errors.Is(err, context.Canceled):
		return "canceled"
	}
	return "failed"
}

// overdue reports whether a context's time is over. An http.Client whose own time is over cancels the request, and says nothing of time.
func overdue(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ok && !time.Now().Before(deadline)
}

// Watch has requests counted from now on, before the first of them, and returns the client.
func (c *Client) Watch(calls *Calls) *Client {
	c.purpose.Calls = calls
	return c
}

func (p Purpose) counted(g *guard) http.RoundTripper {
	return &counting{by: g, peer: cmp.Or(p.Peer, other), calls: p.Calls, closer: g}
}
