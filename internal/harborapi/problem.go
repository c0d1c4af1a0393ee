package harborapi

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"strconv"

	"github.com/havenregistry/haven/internal/harborapi/gen"
	"github.com/havenregistry/haven/internal/identity"
)

// problem is an answer that isn't a success: what the client is told, and the cause that it isn't told.
type problem struct {
	status  int
	code    string
	message string
	cause   error
}

func (p problem) Error() string {
	if p.cause != nil {
		return p.message + ": " + p.cause.Error()
	}
	return p.message
}

func (p problem) Unwrap() error { return p.cause }

// badRequest is an answer of the edge itself about what the client sent.
func badRequest(format string, args ...any) error {
	return problem{http.StatusBadRequest, "BAD_REQUEST", fmt.Sprintf(format, args...), nil}
}

// forbidden is a refusal with words of its own.
func forbidden(format string, args ...any) error {
	return problem{http.StatusForbidden, "FORBIDDEN", fmt.Sprintf(format, args...), nil}
}

// saying gives err another message for the client; the status and code stay those of the table.
func saying(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return worded{fmt.Sprintf(format, args...), err}
}

type worded struct {
	message string
	err     error
}

func (w worded) Error() string { return w.message + ": " + w.err.Error() }
func (w worded) Unwrap() error { return w.err }

// translate finds what a client may be told of err, by the one table. What isn't in the table is 500.
func (s *Server) translate(err error) problem {
	if p, ok := errors.AsType[problem](err); ok {
		return p
	}
	p := problem{http.StatusInternalServerError, "UNKNOWN", "internal server error", err}
	for _, row := range s.failures {
		if text, ok := row.match(err); ok {
			p.status, p.code, p.message = row.status, row.code, cmp.Or(row.message, text)
			break
		}
	}
	if w, ok := errors.AsType[worded](err); ok && p.status < http.StatusInternalServerError {
		p.message = w.message
	}
	return p
}

// fail answers err. The cause of a 5xx is logged here, once, with the request id that the client has too.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := s.translate(err)
	if p.status >= http.StatusInternalServerError && r.Context().Err() == nil {
		s.Log.ErrorContext(r.Context(), "request failed", slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.Any("error", err))
	}
	if e, ok := errors.AsType[identity.ErrTooManyAttempts](err); ok {
		w.Header().Set("Retry-After", strconv.FormatInt(int64(math.Ceil(e.RetryAfter.Seconds())), 10))
	}
	writeProblem(w, p)
}

// writeProblem writes Harbor's error body.
func writeProblem(w http.ResponseWriter, p problem) {
	body, _ := json.Marshal(gen.Errors{Errors: []gen.Error{{Code: p.code, Message: p.message}}})
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(p.status)
	_, _ = w.Write(append(body, '\n'))
}
