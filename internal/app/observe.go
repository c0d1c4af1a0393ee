package app

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/httpauth"
	"github.com/havenregistry/haven/internal/telemetry"
	"github.com/havenregistry/haven/internal/telemetry/trace"
)

// observe gives each request its id, counts, traces and logs it, bounds how long its body may stall, and turns
// a panic into a 500.
func observe(next http.Handler, edgeOf func(path string) string, metrics *telemetry.Metrics, tracer *trace.Tracer, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start, edge := time.Now(), edgeOf(r.URL.Path)
		id := telemetry.AcceptRequestID(r.Header.Get(telemetry.RequestIDHeader))
		w.Header().Set(telemetry.RequestIDHeader, id)
		ctx, span := telemetry.WithRequest(r.Context(), id, httpauth.Remote(r)), trace.Span{}
		if edge != healthEdge {
			ctx, span = tracer.Request(ctx, r.Header, edge)
		}
		r = r.WithContext(ctx)
		if r.ContentLength != 0 && r.Body != nil {
			r.Body = &stallGuard{ReadCloser: r.Body, control: http.NewResponseController(w)}
		}
		rec := &recorder{ResponseWriter: w}
		metrics.Begin()
		defer func() {
			if v := recover(); v != nil && v != http.ErrAbortHandler {
				log.ErrorContext(r.Context(), "panic", "value", v, "stack", string(debug.Stack()))
				if rec.status == 0 {
					http.Error(rec, "internal server error", http.StatusInternalServerError)
				}
			}
			took := time.Since(start)
			metrics.Done(edge, r.Method, telemetry.Route(ctx), rec.code(), took)
			if span.Kept() {
				endRequest(ctx, span, edge, r.Method, rec.code())
			}
			if log.Enabled(r.Context(), slog.LevelDebug) { // else the values would be allocated in vain
				log.DebugContext(r.Context(), "request", "method", r.Method, "path", r.URL.Path, "status", rec.code(), "took", took, "remote", r.RemoteAddr)
			}
		}()
		next.ServeHTTP(rec, r)
	})
}

// endRequest says of a request's span what was asked for and what was answered. The path isn't said: it holds what the client wrote, ids of
// uploads among it.
func endRequest(ctx context.Context, span trace.Span, edge, method string, status int) {
	route := telemetry.Route(ctx)
	span.Rename(strings.TrimSpace(telemetry.KnownMethod(method) + " " + cmp.Or(route, edge)))
	span.Set("http.request.method", telemetry.KnownMethod(method))
	span.Set("http.route", route)
	span.Set("haven.edge", edge)
	span.Set("haven.request_id", telemetry.RequestID(ctx))
	span.Count("http.response.status_code", int64(status))
	if status >= http.StatusInternalServerError {
		span.Failed(strconv.Itoa(status))
	}
	span.End(nil)
}

// recorder remembers the status. It hands ReadFrom through, which is how a file reaches sendfile.
type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) code() int {
	if r.status == 0 {
		return http.StatusOK
	}
	return r.status
}

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= 200 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

// ReadFrom implements io.ReaderFrom.
func (r *recorder) ReadFrom(src io.Reader) (int64, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return io.Copy(r.ResponseWriter, src)
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// Hijack implements http.Hijacker for those that don't know Unwrap.
func (r *recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return http.NewResponseController(r.ResponseWriter).Hijack()
}

// maxStall is how long a client may send nothing of a body that it began. A body may take any time as
// long as bytes arrive.
const maxStall = 2 * time.Minute

// stallGuard moves the connection's read deadline as bytes arrive, at most once a second.
type stallGuard struct {
	io.ReadCloser
	control *http.ResponseController
	set     time.Time
}

// Read implements io.Reader.
func (g *stallGuard) Read(p []byte) (int, error) {
	if now := time.Now(); now.Sub(g.set) > time.Second {
		g.set = now
		if err := g.control.SetReadDeadline(now.Add(maxStall)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return 0, err
		}
	}
	n, err := g.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		// The handler may now work for longer than maxStall; the deadline would end the request.
		if clearErr := g.control.SetReadDeadline(time.Time{}); clearErr != nil && !errors.Is(clearErr, http.ErrNotSupported) && err == io.EOF {
			return n, clearErr
		}
	}
	return n, err
}
