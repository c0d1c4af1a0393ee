package telemetry

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"net/netip"

	"github.com/havenregistry/haven/internal/telemetry/trace"
)

// RequestIDHeader carries the id of a request, both ways.
const RequestIDHeader = "X-Request-Id"

const maxRequestID = 128

type requestKey struct{}

type request struct {
	id     string
	client netip.Addr
	route  string
}

// WithRequest returns a context whose log lines carry the request's id, and whose events also say which
// address it came from.
func WithRequest(ctx context.Context, id string, client netip.Addr) context.Context {
	return context.WithValue(ctx, requestKey{}, &request{id: id, client: client})
}

// SetRoute says which of its edge's routes the request took: a path with {names} in place of what differs, of a fixed set. It is for the
// goroutine that answers the request.
func SetRoute(ctx context.Context, route string) {
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		r.route = route
	}
}

// Route returns what SetRoute said, "" where nothing did: no route fits the request.
func Route(ctx context.Context) string { return requestFrom(ctx).route }

func requestFrom(ctx context.Context) request {
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		return *r
	}
	return request{}
}

// RequestID returns the request's id, "" outside of a request.
func RequestID(ctx context.Context) string { return requestFrom(ctx).id }

// Client returns the address that the request came from, "" outside of a request.
func Client(ctx context.Context) string {
	if addr := requestFrom(ctx).client; addr.IsValid() {
		return addr.Unmap().String()
	}
	return ""
}

// AcceptRequestID returns the client's id when it is short and of plain characters, else a new one.
func AcceptRequestID(sent string) string {
	if sent == "" || len(sent) > maxRequestID {
		return newRequestID()
	}
	for _, c := range []byte(sent) {
		if c <= ' ' || c > '~' {
			return newRequestID()
		}
	}
	return sent
}

// newRequestID is a random UUID (RFC 9562, version 4).
func newRequestID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	var text [36]byte
	hex.Encode(text[:], b[:4])
	hex.Encode(text[9:], b[4:6])
	hex.Encode(text[14:], b[6:8])
	hex.Encode(text[19:], b[8:10])
	hex.Encode(text[24:], b[10:])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return string(text[:])
}

// WithRequestIDs returns a logger that adds the request's id, and its trace's where there is one, to each line that has a context.
func WithRequestIDs(log *slog.Logger) *slog.Logger {
	return slog.New(requestIDs{log.Handler()})
}

type requestIDs struct{ slog.Handler }

// Handle implements slog.Handler.
func (h requestIDs) Handle(ctx context.Context, r slog.Record) error {
	if id := RequestID(ctx); id != "" {
		r.AddAttrs(slog.String("request_id", id))
	}
	if id := trace.ID(ctx); id != "" {
		r.AddAttrs(slog.String("trace_id", id))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h requestIDs) WithAttrs(attrs []slog.Attr) slog.Handler {
	return requestIDs{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h requestIDs) WithGroup(name string) slog.Handler { return requestIDs{h.Handler.WithGroup(name)} }
