package rest

import (
	"errors"
	"net/http"
	"strings"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/load"
)

// Failure is a row of the table from errors of the domain to answers.
type Failure struct {
	Match   func(error) (text string, ok bool) // text is what the package says, for a client to read
	Status  int
	Code    string
	Message string // "" to tell the client the text
}

// Is matches a sentinel. Its text is the words from the sentinel on, without the wrappings before it.
func Is(sentinel error) func(error) (string, bool) {
	return func(err error) (string, bool) {
		if !errors.Is(err, sentinel) {
			return "", false
		}
		text := err.Error()
		if i := strings.Index(text, sentinel.Error()); i >= 0 {
			text = text[i:]
		}
		return strings.TrimPrefix(text, sentinel.Error()+": "), true
	}
}

// refusal matches a fault of the kind, or the bare kind.
func refusal(kind fault.Kind) func(error) (string, bool) {
	return func(err error) (string, bool) {
		if e, ok := errors.AsType[*fault.Error](err); ok {
			return e.Message, e.Kind == kind
		}
		return kind.Error(), errors.Is(err, kind)
	}
}

// As matches a type, for a row with a message.
func As[E error]() func(error) (string, bool) {
	return func(err error) (string, bool) {
		_, ok := errors.AsType[E](err)
		return "", ok
	}
}

// common is the rows that hold for each API, before its own; the first row that matches answers. What no
// row matches is 500.
func common() []Failure {
	const (
		badRequest, notFound, conflict = http.StatusBadRequest, http.StatusNotFound, http.StatusConflict
		unauthorized, forbidden        = http.StatusUnauthorized, http.StatusForbidden
		fullDisk                       = "the registry's disk is full; ask its administrator to free space"
	)
	return []Failure{
		{refusal(fault.Invalid), badRequest, "BAD_REQUEST", ""},
		{refusal(fault.Forbidden), forbidden, "FORBIDDEN", ""},
		{refusal(fault.NotFound), notFound, "NOT_FOUND", ""},
		{refusal(fault.Conflict), conflict, "CONFLICT", ""},

		{Is(ErrQuery), badRequest, "BAD_REQUEST", ""},
		{Is(db.ErrFilter), badRequest, "BAD_REQUEST", ""},
		{Is(errReadOnly), forbidden, "DENIED", "The system is in read only mode. Any modification is prohibited."},

		{Is(authz.ErrUnauthenticated), unauthorized, "UNAUTHORIZED", "unauthorized"},
		{Is(authz.ErrForbidden), forbidden, "FORBIDDEN", "forbidden"},

		{As[*load.Limited](), http.StatusTooManyRequests, "TOO_MANY_REQUEST", "too many requests, try again later"},
		{As[identity.ErrTooManyAttempts](), http.StatusTooManyRequests, "TOO_MANY_REQUEST", "too many failed log-ins, try again later"},
		{Is(identity.ErrUnavailable), http.StatusServiceUnavailable, "UNKNOWN", "the directory or identity provider can't be asked, try again later"},
		{Is(identity.ErrCredentials), unauthorized, "UNAUTHORIZED", "unauthorized"},
		{Is(identity.ErrSession), unauthorized, "UNAUTHORIZED", "unauthorized"},
		{Is(identity.ErrToken), unauthorized, "UNAUTHORIZED", "unauthorized"},

		{Is(db.ErrFull), http.StatusInsufficientStorage, "UNKNOWN", fullDisk},
		{Is(blob.ErrNoSpace), http.StatusInsufficientStorage, "UNKNOWN", fullDisk},
	}
}
