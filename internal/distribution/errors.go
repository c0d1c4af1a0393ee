package distribution

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/gate"
	"github.com/havenregistry/haven/internal/httpauth"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/immutable"
	"github.com/havenregistry/haven/internal/load"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/replication/proxycache"
)

var (
	errPath      = errors.New("no such path below /v2/")
	errMethod    = errors.New("this path has no such method")
	errNoProject = errors.New("a repository is named PROJECT/NAME; this name has no project")
	errReadOnly  = errors.New("The system is in read only mode. Any modification is prohibited.") //nolint:staticcheck // Harbor's text
	errRange     = errors.New("invalid range")
	errNumber    = errors.New("expected a number that is not negative")
	errBusy      = errors.New("too many uploads at once by this account")
	errReference = errors.New("invalid reference format")
	errPushCache = errors.New("can not push artifact to a proxy project")
)

// answer is how an error is told: status, and code and message of the specification's error body.
type answer struct {
	status  int
	code    string
	message string // "" for the error's own text
}

// known maps errors that a client may see. The first that matches counts; an error that is not here is
// a fault of ours and tells nothing but the request id.
var known = []struct {
	err error
	answer
}{
	{authz.ErrUnauthenticated, answer{http.StatusUnauthorized, "UNAUTHORIZED", "unauthorized"}},
	{authz.ErrForbidden, answer{http.StatusUnauthorized, "UNAUTHORIZED", "unauthorized"}},
	{identity.ErrUnavailable, answer{http.StatusServiceUnavailable, "UNAVAILABLE", "the directory or identity provider can't be asked, try again later"}},
	{identity.ErrCredentials, answer{http.StatusUnauthorized, "UNAUTHORIZED", "unauthorized"}},
	{identity.ErrToken, answer{http.StatusUnauthorized, "UNAUTHORIZED", "unauthorized"}},
	{errMethod, answer{http.StatusMethodNotAllowed, "UNSUPPORTED", ""}},
	{errPath, answer{http.StatusNotFound, "NAME_INVALID", ""}},
	{errNoProject, answer{http.StatusBadRequest, "NAME_INVALID", ""}},
	{oci.ErrNameInvalid, answer{http.StatusBadRequest, "NAME_INVALID", ""}},
	{oci.ErrTagInvalid, answer{http.StatusNotFound, "MANIFEST_UNKNOWN", "invalid reference format"}},
	{errReference, answer{http.StatusNotFound, "MANIFEST_UNKNOWN", ""}},
	{oci.ErrDigestInvalid, answer{http.StatusBadRequest, "DIGEST_INVALID", ""}},
	{oci.ErrDigestUnsupported, answer{http.StatusBadRequest, "DIGEST_INVALID", ""}},
	{oci.ErrManifestTooLarge, answer{http.StatusRequestEntityTooLarge, "MANIFEST_INVALID", ""}},
	{oci.ErrMediaTypeUnsupported, answer{http.StatusBadRequest, "MANIFEST_INVALID", ""}},
	{oci.ErrManifestInvalid, answer{http.StatusBadRequest, "MANIFEST_INVALID", ""}},
	{registry.ErrDigestMismatch, answer{http.StatusBadRequest, "DIGEST_INVALID", ""}},
	{registry.ErrRepositoryUnknown, answer{http.StatusNotFound, "NAME_UNKNOWN", ""}},
	{registry.ErrManifestUnknown, answer{http.StatusNotFound, "MANIFEST_UNKNOWN", ""}},
	{registry.ErrTagUnknown, answer{http.StatusNotFound, "MANIFEST_UNKNOWN", ""}},
	{registry.ErrBlobUnknown, answer{http.StatusNotFound, "BLOB_UNKNOWN", ""}},
	{registry.ErrUploadUnknown, answer{http.StatusNotFound, "BLOB_UPLOAD_UNKNOWN", ""}},
	{registry.ErrUploadBusy, answer{http.StatusConflict, "BLOB_UPLOAD_INVALID", "another request is writing this upload; ask for its status and go on from there"}},
	{registry.ErrRange, answer{http.StatusRequestedRangeNotSatisfiable, "BLOB_UPLOAD_INVALID", ""}},
	{errRange, answer{http.StatusRequestedRangeNotSatisfiable, "BLOB_UPLOAD_INVALID", ""}},
	{registry.ErrReferenced, answer{http.StatusPreconditionFailed, "DENIED", ""}},
	{errNumber, answer{http.StatusBadRequest, "PAGINATION_NUMBER_INVALID", ""}},
	{errReadOnly, answer{http.StatusForbidden, "DENIED", ""}},
	{errBusy, answer{http.StatusTooManyRequests, "TOOMANYREQUESTS", ""}},
	{proxycache.ErrBusy, answer{http.StatusTooManyRequests, "TOO_MANY_REQUEST", "too many requests to upstream registry"}},
	{proxycache.ErrFiltered, answer{http.StatusNotFound, "NAME_UNKNOWN", ""}},
	{blob.ErrNoSpace, answer{http.StatusInsufficientStorage, "UNKNOWN", "the registry's storage is full; ask its administrator to free space"}},
	{db.ErrFull, answer{http.StatusInsufficientStorage, "UNKNOWN", "the registry's disk is full; ask its administrator to free space"}},
	{errBody, answer{http.StatusBadRequest, "BLOB_UPLOAD_INVALID", "the body ended early; ask for the upload's status and go on from there"}},
}

func find(err error) (answer, bool) {
	for _, k := range known {
		if errors.Is(err, k.err) {
			a := k.answer
			if a.message == "" {
				a.message = k.err.Error()
				if k.status < 500 {
					a.message = err.Error()
				}
			}
			return a, true
		}
	}
	return answer{}, false
}

// fail answers with err. Nothing of the answer may have been written yet.
func (h *Handler) fail(c *call, err error) {
	if limited, ok := errors.AsType[identity.ErrTooManyAttempts](err); ok {
		load.RetryAfter(c.w, limited.RetryAfter)
		writeErrors(c, answer{http.StatusTooManyRequests, "TOOMANYREQUESTS", "too many failed log-ins; try again later"}, nil)
		return
	}
	if limited, ok := errors.AsType[*load.Limited](err); ok {
		load.RetryAfter(c.w, limited.RetryAfter)
		writeErrors(c, answer{http.StatusTooManyRequests, "TOOMANYREQUESTS", limited.Error()}, nil)
		return
	}
	if quota, ok := errors.AsType[*registry.QuotaError](err); ok { // in Harbor's words, without ours before them
		writeErrors(c, answer{http.StatusForbidden, "DENIED", quota.Error()}, nil)
		return
	}
	if fixed, ok := errors.AsType[*immutable.Refusal](err); ok {
		writeErrors(c, answer{http.StatusPreconditionFailed, "PRECONDITION", fixed.Error()}, nil)
		return
	}
	if words, ok := gate.Refused(err); ok {
		writeErrors(c, answer{http.StatusPreconditionFailed, "PROJECTPOLICYVIOLATION", words}, nil)
		return
	}
	if missing, ok := errors.AsType[*registry.MissingError](err); ok {
		writeMissing(c, missing)
		return
	}
	if a, ok := h.cacheAnswer(c, err); ok {
		writeErrors(c, a, nil)
		return
	}
	a, ok := find(err)
	if invalid, is := errors.AsType[*fault.Error](err); !ok && is && invalid.Kind == fault.Invalid {
		a, ok = answer{http.StatusBadRequest, "MANIFEST_INVALID", invalid.Message}, true
	}
	if !ok {
		if errors.Is(err, context.Canceled) || c.r.Context().Err() != nil {
			return // nobody is there to be told
		}
		h.Log.ErrorContext(c.r.Context(), "request failed", "method", c.r.Method, "path", c.r.URL.Path, "error", err)
		a = answer{http.StatusInternalServerError, "UNKNOWN", "internal server error"}
	}
	switch a.status {
	case http.StatusUnauthorized:
		c.w.Header().Set("WWW-Authenticate", h.challenge(c))
	case http.StatusTooManyRequests:
		c.w.Header().Set("Retry-After", "1")
	}
	var detail any
	if a.code == "BLOB_UNKNOWN" {
		detail = c.route.reference
	}
	writeErrors(c, a, detail)
}

// service is the name that tokens are asked for and made out to.
const service = "harbor-registry"

// challenge tells the client how to get in. With credentials that don't suffice it asks for better ones,
// without any for a token, as Harbor does; it is the same for what is forbidden and what isn't there.
func (h *Handler) challenge(c *call) string {
	_, bearer := httpauth.BearerToken(c.r)
	if c.route.kind == catalog || c.r.Header.Get("Authorization") != "" && !bearer {
		return `Basic realm="harbor"`
	}
	s := fmt.Sprintf(`Bearer realm="%s://%s/service/token",service="%s"`, h.scheme(c.r), c.r.Host, service)
	if c.route.repository == "" {
		return s
	}
	scope := "repository:" + c.route.repository + ":" + actionsAt(c.route.kind, c.r.Method)
	if from := c.r.URL.Query().Get("from"); c.route.kind == uploadStart && from != "" {
		if _, _, err := splitRepository(from); err == nil {
			scope += " repository:" + from + ":pull"
		}
	}
	return s + `,scope="` + scope + `"`
}

func (h *Handler) scheme(r *http.Request) string {
	if s := h.ExternalScheme(r.Host); s != "" {
		return s
	}
	return httpauth.Scheme(r)
}

type errorBody struct {
	Errors []errorEntry `json:"errors"`
}

type errorEntry struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Detail  any    `json:"detail,omitempty"`
}

func writeErrors(c *call, a answer, detail any) {
	writeBody(c, a.status, errorBody{[]errorEntry{{a.code, a.message, detail}}})
}

// writeMissing names each blob or manifest that a pushed manifest needs and the repository lacks.
func writeMissing(c *call, missing *registry.MissingError) {
	body := errorBody{}
	for _, d := range missing.Digests {
		body.Errors = append(body.Errors, errorEntry{"MANIFEST_BLOB_UNKNOWN", "unknown to this repository: push it first", map[string]any{"digest": d}})
	}
	writeBody(c, http.StatusNotFound, body)
}

func writeBody(c *call, status int, body errorBody) {
	c.w.Header().Set("Content-Type", "application/json; charset=utf-8")
	text, err := json.Marshal(body)
	if err != nil {
		text = []byte(`{"errors":[{"code":"UNKNOWN","message":"internal server error"}]}`)
	}
	c.w.Header().Set("Content-Length", strconv.Itoa(len(text)+1))
	c.w.WriteHeader(status)
	if c.r.Method != http.MethodHead {
		c.w.Write(append(text, '\n')) // a client that has gone needs no answer
	}
}
