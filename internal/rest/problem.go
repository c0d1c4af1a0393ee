package rest

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/load"
)

// Problem is an answer that isn't a success: what the client is told, and the cause that it isn't told.
type Problem struct {
	Status  int
	Code    string
	Message string
	Cause   error
}

// Error holds the cause, for the log.
func (p Problem) Error() string {
	if p.Cause != nil {
		return p.Message + ": " + p.Cause.Error()
	}
	return p.Message
}

// Unwrap returns the cause.
func (p Problem) Unwrap() error { return p.Cause }

// Refuse is an answer of the edge itself, with a status and words of its own.
func Refuse(status int, code, format string, args ...any) error {
	return Problem{Status: status, Code: code, Message: fmt.Sprintf(format, args...)}
}

// BadRequest is an answer of the edge itself about what the client sent.
func BadRequest(format string, args ...any) error {
	return Refuse(http.StatusBadRequest, "BAD_REQUEST", format, args...)
}

// Forbidden is a refusal with words of its own.
func Forbidden(format string, args ...any) error {
	return Refuse(http.StatusForbidden, "FORBIDDEN", format, args...)
}

// Saying gives err another message for the client; the status and code stay those of the table.
func Saying(err error, format string, args ...any) error {
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
func (f *Frame) translate(err error) Problem {
	if p, ok := errors.AsType[Problem](err); ok {
		return p
	}
	p := Problem{http.StatusInternalServerError, "UNKNOWN", "internal server error", err}
	for _, row := range append(common(), f.Failures...) {
		if text, ok := row.Match(err); ok {
			p.Status, p.Code, p.Message = row.Status, row.Code, cmp.Or(row.Message, text)
			break
		}
	}
	if w, ok := errors.AsType[worded](err); ok && p.Status < http.StatusInternalServerError {
		p.Message = w.message
	}
	return p
}

// Fail answers err. The cause of a 5xx is logged here, once, with the request id that the client has too.
func (f *Frame) Fail(w http.ResponseWriter, r *http.Request, err error) {
	p := f.translate(err)
	if p.Status >= http.StatusInternalServerError && r.Context().Err() == nil {
		f.Log.ErrorContext(r.Context(), "request failed", slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.Any("error", err))
	}
	if e, ok := errors.AsType[identity.ErrTooManyAttempts](err); ok {
		load.RetryAfter(w, e.RetryAfter)
	}
	if e, ok := errors.AsType[*load.Limited](err); ok {
		load.RetryAfter(w, e.RetryAfter)
	}
	writeProblem(w, p)
}

// Unreadable answers a request that can't be decoded.
func (f *Frame) Unreadable(w http.ResponseWriter, r *http.Request, err error) {
	f.Fail(w, r, invalid(err))
}

// failures is Harbor's error body.
type failures struct {
	Errors []failed `json:"errors"`
}

type failed struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func writeProblem(w http.ResponseWriter, p Problem) {
	body, _ := json.Marshal(failures{[]failed{{p.Code, p.Message}}})
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(p.Status)
	_, _ = w.Write(append(body, '\n'))
}
