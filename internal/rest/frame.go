package rest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/httpauth"
	"github.com/havenregistry/haven/internal/load"
	"github.com/havenregistry/haven/internal/setting"
	"github.com/havenregistry/haven/internal/telemetry"
	"github.com/havenregistry/haven/internal/telemetry/trace"
)

// maxBody bounds a request body in bytes. The longest that clients send is a settings document with
// certificates in it.
const maxBody = 1 << 20

// Frame is what stands around the handlers of an API.
type Frame struct {
	Auth       *httpauth.Reader
	Authorizer *authz.Authorizer
	Settings   *setting.Service
	Log        *slog.Logger
	// ExternalScheme is the scheme of the external URL with this host, "" when there is none.
	ExternalScheme func(host string) string
	// Accesses is the table of all operations.
	Accesses map[string]Access
	// Failures are the rows of the API's own errors.
	Failures []Failure
	// Load refuses who asks too often; nil for nobody.
	Load *load.Guard
	// Streams are the paths whose bodies may be longer than others, in bytes: those that the contract describes as
	// application/octet-stream.
	Streams map[string]int64
	// Writable are the operations that are done while the registry is read-only, as methods and paths of the contract:
	// what ends that, and what has work stop or go on.
	Writable []string
}

// Mount puts the generated routes into a mux, with a middleware around each.
type Mount func(mux *http.ServeMux, around func(http.Handler) http.Handler)

// Handler returns the handler of the API whose description read gives. It finds out who asks; protection
// against forged requests of browsers stands before it.
func (f *Frame) Handler(read func() (*openapi3.T, error), mount Mount) http.Handler {
	contract, mux := NewContract(read), http.NewServeMux()
	mount(mux, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			describe(r)
			if err := contract.Check(r); err != nil {
				f.Fail(w, r, err)
				return
			}
			next.ServeHTTP(w, r)
		})
	})
	return f.outermost(canonical(f.authenticate(f.unlessReadOnly(mux, route(mux)))))
}

// describe tells metrics and traces which route of the contract the router found.
func describe(r *http.Request) {
	_, path, _ := strings.Cut(r.Pattern, " ")
	telemetry.SetRoute(r.Context(), strings.TrimSuffix(path, "{$}"))
	if span := trace.From(r.Context()); span.Kept() {
		span.Set("haven.project", cmp.Or(r.PathValue("project_name"), r.PathValue("project_name_or_id")))
		span.Set("haven.repository", r.PathValue("repository_name"))
		span.Set("haven.reference", r.PathValue("reference"))
	}
}

// outermost bounds the body and turns a panic into a 500.
func (f *Frame) outermost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		r.Body = http.MaxBytesReader(w, r.Body, f.bodyLimit(r.URL.Path))
		defer func() {
			v := recover()
			if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(v)
			}
			if v != nil {
				f.Fail(w, r, fmt.Errorf("panic: %v\n%s", v, debug.Stack()))
			}
		}()
		next.ServeHTTP(w, r)
	})
}

func (f *Frame) bodyLimit(path string) int64 {
	if limit, streams := f.Streams[strings.TrimSuffix(path, "/")]; streams {
		return limit
	}
	return maxBody
}

// authenticate finds the principal. Credentials that were sent and are wrong are refused on every path,
// open ones too.
func (f *Frame) authenticate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, err := f.Auth.Principal(r)
		if err != nil {
			f.Fail(w, r, err)
			return
		}
		if err := f.Load.Account(r, p); err != nil {
			f.Fail(w, r, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(authz.WithPrincipal(r.Context(), p)))
	})
}

var methods = [...]string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}

// route answers 404 and 405 in Harbor's form. A path is served with and without a slash at its end; the
// spelling with one is tried first, because the router would redirect to it.
func route(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		spelt := spellings(r)
		for _, candidate := range spelt {
			if _, pattern := mux.Handler(candidate); pattern != "" {
				mux.ServeHTTP(w, candidate)
				return
			}
		}
		var allowed []string
		for _, method := range methods {
			if slices.ContainsFunc(spelt[:], func(c *http.Request) bool { return serves(mux, c, method) }) {
				allowed = append(allowed, method)
			}
		}
		if len(allowed) == 0 {
			writeProblem(w, Problem{http.StatusNotFound, "NOT_FOUND", "path " + Printable(r.URL.Path) + " was not found", nil})
			return
		}
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		writeProblem(w, Problem{http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED",
			fmt.Sprintf("method %s is not allowed, but [%s] are", Printable(r.Method), strings.Join(allowed, ",")), nil})
	})
}

// operation is the method and path of the contract that a request is for, "" when there is none.
func operation(mux *http.ServeMux, r *http.Request) string {
	for _, candidate := range spellings(r) {
		if _, pattern := mux.Handler(candidate); pattern != "" {
			return pattern
		}
	}
	return ""
}

func spellings(r *http.Request) [2]*http.Request {
	return [2]*http.Request{withPath(r, r.URL.EscapedPath()+"/"), r}
}

func serves(mux *http.ServeMux, r *http.Request, method string) bool {
	try := *r
	try.Method = method
	_, pattern := mux.Handler(&try)
	return pattern != ""
}

var errReadOnly = errors.New("read only")

func (f *Frame) readOnly(ctx context.Context) (bool, error) {
	v, err := f.Settings.Get(ctx)
	return v.Bool(setting.ReadOnly), err
}

// unlessReadOnly refuses writes while the registry is read-only, except those that are Writable.
func (f *Frame) unlessReadOnly(mux *http.ServeMux, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		safe := r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions
		if safe || slices.Contains(f.Writable, operation(mux, r)) {
			next.ServeHTTP(w, r)
			return
		}
		refused, err := f.readOnly(r.Context())
		if err == nil && refused {
			err = errReadOnly
		}
		if err != nil {
			f.Fail(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}
