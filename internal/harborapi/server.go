package harborapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/audit"
	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/harborapi/gen"
	"github.com/havenregistry/haven/internal/httpauth"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/label"
	"github.com/havenregistry/haven/internal/project"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/setting"
)

// maxBody bounds a request body in bytes. The longest that clients send is a settings document with
// certificates in it.
const maxBody = 1 << 20

// Deps is what the API stands on.
type Deps struct {
	Auth       *httpauth.Reader
	Authorizer *authz.Authorizer
	Projects   *project.Service
	Identity   *identity.Service
	Registry   *registry.Service
	Labels     *label.Service
	Audit      *audit.Service
	Settings   *setting.Service
	Log        *slog.Logger
	Clock      func() time.Time

	// ExternalScheme is the scheme of the external URL with this host, "" when there is none.
	ExternalScheme func(host string) string
	// Health is the parts that GET /health names, in its order.
	Health []Part
	// Volume is the space of the blob store in bytes.
	Volume func(ctx context.Context) (total, free uint64, err error)
	// RootCertificate is what GET /systeminfo/getcert hands out (PEM), empty without one.
	RootCertificate []byte
}

// Server answers /api/v2.0. It implements the generated interface; the methods stand in one file per
// concept.
type Server struct {
	Deps
	accesses map[string]access
	failures []failure
	icons    icons
	health   lastHealth
	settable map[string]bool // keys of settings that the contract names
}

// New returns the handler of /api/version and /api/v2.0/. It finds out who asks; protection against
// forged requests of browsers stands before it.
func New(d Deps) (http.Handler, error) {
	s := &Server{Deps: d, accesses: accesses(), failures: failures(), settable: map[string]bool{}}
	doc, err := gen.GetSpec()
	if err != nil {
		return nil, fmt.Errorf("read the API's contract: %w", err)
	}
	if s.icons, err = newIcons(); err != nil {
		return nil, err
	}
	for key := range doc.Components.Schemas["Configurations"].Value.Properties {
		s.settable[key] = true
	}
	contract := newContract(doc)
	strict := gen.NewStrictHandlerWithOptions(s, []gen.StrictMiddlewareFunc{s.guard}, gen.StrictHTTPServerOptions{
		RequestErrorHandlerFunc:  func(w http.ResponseWriter, r *http.Request, err error) { s.fail(w, r, invalid(err)) },
		ResponseErrorHandlerFunc: s.fail,
	})
	mux := http.NewServeMux()
	gen.HandlerWithOptions(strict, gen.StdHTTPServerOptions{
		BaseRouter:       mux,
		ErrorHandlerFunc: func(w http.ResponseWriter, r *http.Request, err error) { s.fail(w, r, invalid(err)) },
		Middlewares: []gen.MiddlewareFunc{func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if err := contract.check(r); err != nil {
					s.fail(w, r, err)
					return
				}
				next.ServeHTTP(w, r)
			})
		}},
	})
	return s.outermost(canonical(s.authenticate(s.unlessReadOnly(route(mux))))), nil
}

// outermost bounds the body and turns a panic into a 500.
func (s *Server) outermost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		defer func() {
			v := recover()
			if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(v)
			}
			if v != nil {
				s.fail(w, r, fmt.Errorf("panic: %v\n%s", v, debug.Stack()))
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// authenticate finds the principal. Credentials that were sent and are wrong are refused on every path,
// open ones too.
func (s *Server) authenticate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, err := s.Auth.Principal(r)
		if err != nil {
			s.fail(w, r, err)
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
		spellings := [...]*http.Request{withPath(r, r.URL.EscapedPath()+"/"), r}
		for _, candidate := range spellings {
			if _, pattern := mux.Handler(candidate); pattern != "" {
				mux.ServeHTTP(w, candidate)
				return
			}
		}
		var allowed []string
		for _, method := range methods {
			if slices.ContainsFunc(spellings[:], func(c *http.Request) bool { return serves(mux, c, method) }) {
				allowed = append(allowed, method)
			}
		}
		if len(allowed) == 0 {
			writeProblem(w, problem{http.StatusNotFound, "NOT_FOUND", "path " + printable(r.URL.Path) + " was not found", nil})
			return
		}
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		writeProblem(w, problem{http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED",
			fmt.Sprintf("method %s is not allowed, but [%s] are", printable(r.Method), strings.Join(allowed, ",")), nil})
	})
}

func serves(mux *http.ServeMux, r *http.Request, method string) bool {
	try := *r
	try.Method = method
	_, pattern := mux.Handler(&try)
	return pattern != ""
}

var errReadOnly = errors.New("read only")

func (s *Server) readOnly(ctx context.Context) (bool, error) {
	v, err := s.Settings.Get(ctx)
	return v.Bool(setting.ReadOnly), err
}

// unlessReadOnly refuses writes while the registry is read-only, except to the settings that end that.
func (s *Server) unlessReadOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		safe := r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions
		if safe || r.URL.Path == "/api/v2.0/configurations" {
			next.ServeHTTP(w, r)
			return
		}
		refused, err := s.readOnly(r.Context())
		if err == nil && refused {
			err = errReadOnly
		}
		if err != nil {
			s.fail(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}
