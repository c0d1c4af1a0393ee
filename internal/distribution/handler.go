package distribution

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/gate"
	"github.com/havenregistry/haven/internal/httpauth"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/load"
	"github.com/havenregistry/haven/internal/project"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/setting"
	"github.com/havenregistry/haven/internal/telemetry"
	"github.com/havenregistry/haven/internal/telemetry/trace"
)

// Deps is what the edge needs.
type Deps struct {
	Registry *registry.Service
	Gate     *gate.Gate
	Projects *project.Service
	Identity *identity.Service
	Settings *setting.Service
	Authz    *authz.Authorizer
	Auth     *httpauth.Reader
	Proxy    Proxy   // nil: no project is a cache
	Mirrors  Mirrors // nil: projects are named
	// ExternalScheme is the scheme of the external URL for a host, "" to go by the request.
	ExternalScheme func(host string) string
	Load           *load.Guard // nil: nobody asks too often
	MaxUploads     int         // of one principal that write bytes at a time; 0: usualUploads (S15)
	Log            *slog.Logger
}

// Handler answers /v2/ and /service/token.
type Handler struct {
	Deps
	endpoints map[kind]map[string]endpoint
	uploads   *limiter
}

// New returns the edge.
func New(d Deps) *Handler {
	return &Handler{Deps: d, endpoints: buildEndpoints(), uploads: newLimiter(cmp.Or(d.MaxUploads, usualUploads))}
}

// call is one request on its way: the parsed route and, once authorised, the repository.
type call struct {
	w         http.ResponseWriter
	r         *http.Request
	principal authz.Principal
	route     route
	repo      registry.Ref
	cached    bool // the project is a cache of a registry elsewhere
}

// ServeHTTP answers the paths /v2, /v2/… and nothing else.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	c := &call{w: w, r: r}
	if err := h.serve(c); err != nil {
		h.fail(c, err)
	}
}

func (h *Handler) serve(c *call) error {
	rt, err := parseRoute(c.r.URL.EscapedPath(), h.mirrored(c.r))
	if err != nil {
		return err
	}
	c.route = rt
	telemetry.SetRoute(c.r.Context(), kindNames[rt.kind])
	if span := trace.From(c.r.Context()); span.Kept() {
		rt.describe(span)
	}
	endpoint, ok := h.endpoints[rt.kind][c.r.Method]
	if !ok {
		return errMethod
	}
	if err := h.authenticate(c); err != nil {
		return err
	}
	if rt.repository != "" {
		if err := h.authorise(c, endpoint.action); err != nil {
			return err
		}
		if done, err := h.viaCache(c, endpoint.action); done || err != nil {
			return err
		}
	}
	if c.r.Method != http.MethodGet && c.r.Method != http.MethodHead {
		if err := h.refuseReadOnly(c.r.Context()); err != nil {
			return err
		}
	}
	return endpoint.serve(h, c)
}

// describe says of a request's span what it is about. The id of an upload is its client's.
func (r route) describe(span trace.Span) {
	project, _, _ := strings.Cut(r.repository, "/")
	span.Set("haven.project", project)
	span.Set("haven.repository", r.repository)
	if r.kind != upload {
		span.Set("haven.reference", r.reference)
	}
}

// authenticate finds the principal. Credentials that are wrong are refused even where none are needed.
func (h *Handler) authenticate(c *call) error {
	var err error
	if token, ok := httpauth.BearerToken(c.r); ok {
		c.principal, err = h.Identity.VerifyToken(c.r.Context(), token)
	} else {
		c.principal, err = h.principal(c.r)
	}
	if err != nil {
		return err
	}
	if err := h.Load.Account(c.r, c.principal); err != nil {
		return err
	}
	anonymous := c.principal.Kind == authz.Anonymous
	if anonymous || c.route.kind == base && !c.principal.Authenticated() {
		return authz.ErrUnauthenticated // also for public projects: clients then fetch an anonymous token
	}
	return nil
}

// principal is who asks otherwise than by Bearer. A scanner that wants a name and a password has a docker token as
// the latter, which is good here alone.
func (h *Handler) principal(r *http.Request) (authz.Principal, error) {
	if name, password, ok := r.BasicAuth(); ok && name == identity.ScanName {
		if p, err := h.Identity.VerifyScanPass(r.Context(), password); !errors.Is(err, identity.ErrToken) {
			return p, err
		}
	}
	return h.Auth.Principal(r)
}

// authorise loads the project and asks whether the caller may act on the repository. A project that
// doesn't exist is refused as a forbidden one is (S19).
func (h *Handler) authorise(c *call, action authz.Action) error {
	ref, err := h.mayUse(c.r.Context(), c.principal, c.route.repository, action)
	c.repo = ref
	return err
}

// mayUse is one look into the token where that grants the action: its grants name projects that exist.
func (h *Handler) mayUse(ctx context.Context, p authz.Principal, repository string, action authz.Action) (registry.Ref, error) {
	projectName, name, err := splitRepository(repository)
	if err != nil {
		return registry.Ref{}, err
	}
	if id, ok := p.Granted(repository, action); ok {
		return registry.Ref{ProjectID: id, Project: projectName, Name: name}, nil
	}
	pr, err := h.Projects.ByName(ctx, projectName)
	if errors.Is(err, fault.NotFound) {
		return registry.Ref{}, authz.ErrUnauthenticated
	}
	if err != nil {
		return registry.Ref{}, err
	}
	if err := h.Authz.Repository(ctx, p, pr.Object(), repository, action); err != nil {
		return registry.Ref{}, err
	}
	return registry.Ref{ProjectID: pr.ID, Project: pr.Name, Name: name}, nil
}

func (h *Handler) refuseReadOnly(ctx context.Context) error {
	values, err := h.Settings.Get(ctx)
	if err != nil {
		return err
	}
	if values.ReadOnly() {
		return errReadOnly
	}
	return nil
}
