package harborapi

import (
	"errors"
	"net/http"
	"strings"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/project"
	"github.com/havenregistry/haven/internal/registry"
)

// failure is a row of the one table from errors of the domain to answers.
type failure struct {
	match   func(error) (text string, ok bool) // text is what the package says, for a client to read
	status  int
	code    string
	message string // "" to tell the client the text
}

// is matches a sentinel. Its text is the words from the sentinel on, without the wrappings before it.
func is(sentinel error) func(error) (string, bool) {
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

// as matches a type, for a row with a message.
func as[E error]() func(error) (string, bool) {
	return func(err error) (string, bool) {
		_, ok := errors.AsType[E](err)
		return "", ok
	}
}

// quota matches a refusal by a project's limit, whose words are Harbor's.
func quota(err error) (string, bool) {
	e, ok := errors.AsType[*registry.QuotaError](err)
	if !ok {
		return "", false
	}
	return e.Error(), true
}

// failures is the table; the first row that matches answers. What no row matches is 500.
func failures() []failure {
	const (
		badRequest, notFound, conflict = http.StatusBadRequest, http.StatusNotFound, http.StatusConflict
		unauthorized, forbidden        = http.StatusUnauthorized, http.StatusForbidden
		precondition                   = http.StatusPreconditionFailed
		fullDisk                       = "the registry's disk is full; ask its administrator to free space"
	)
	return []failure{
		{refusal(fault.Invalid), badRequest, "BAD_REQUEST", ""},
		{refusal(fault.Forbidden), forbidden, "FORBIDDEN", ""},
		{refusal(fault.NotFound), notFound, "NOT_FOUND", ""},
		{refusal(fault.Conflict), conflict, "CONFLICT", ""},

		{is(errQuery), badRequest, "BAD_REQUEST", ""},
		{is(db.ErrFilter), badRequest, "BAD_REQUEST", ""},
		{is(errReadOnly), forbidden, "DENIED", "The system is in read only mode. Any modification is prohibited."},

		{is(authz.ErrUnauthenticated), unauthorized, "UNAUTHORIZED", "unauthorized"},
		{is(authz.ErrForbidden), forbidden, "FORBIDDEN", "forbidden"},

		{as[identity.ErrTooManyAttempts](), http.StatusTooManyRequests, "TOO_MANY_REQUEST", "too many failed log-ins, try again later"},
		{is(identity.ErrCredentials), unauthorized, "UNAUTHORIZED", "unauthorized"},
		{is(identity.ErrSession), unauthorized, "UNAUTHORIZED", "unauthorized"},
		{is(identity.ErrToken), unauthorized, "UNAUTHORIZED", "unauthorized"},
		{is(project.ErrNotEmpty), precondition, "PRECONDITION", "precondition failed: the project contains repositories, can not be deleted"},

		{is(registry.ErrRepositoryUnknown), notFound, "NOT_FOUND", ""},
		{is(registry.ErrManifestUnknown), notFound, "NOT_FOUND", ""},
		{is(registry.ErrTagUnknown), notFound, "NOT_FOUND", ""},
		{is(registry.ErrBlobUnknown), notFound, "NOT_FOUND", ""},
		{is(registry.ErrTagExists), conflict, "CONFLICT", ""},
		{is(registry.ErrReferenced), precondition, "VIOLATE_FOREIGN_KEY_CONSTRAINT", "the deleting artifact is referenced by others"},
		{quota, forbidden, "DENIED", ""},
		{is(registry.ErrIsAccessory), forbidden, "DENIED", "the operation isn't supported for an artifact accessory"},
		{is(oci.ErrNameInvalid), badRequest, "BAD_REQUEST", ""},
		{is(oci.ErrTagInvalid), badRequest, "BAD_REQUEST", ""},

		{is(db.ErrFull), http.StatusInsufficientStorage, "UNKNOWN", fullDisk},
		{is(blob.ErrNoSpace), http.StatusInsufficientStorage, "UNKNOWN", fullDisk},
	}
}
