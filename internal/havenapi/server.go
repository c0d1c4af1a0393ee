package havenapi

import (
	"log/slog"
	"net/http"

	"github.com/havenregistry/haven/internal/audit"
	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/explain"
	"github.com/havenregistry/haven/internal/gate"
	"github.com/havenregistry/haven/internal/havenapi/gen"
	"github.com/havenregistry/haven/internal/httpauth"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/identity/workload"
	"github.com/havenregistry/haven/internal/immutable"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/load"
	"github.com/havenregistry/haven/internal/profile"
	"github.com/havenregistry/haven/internal/project"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/replication"
	"github.com/havenregistry/haven/internal/replication/proxycache"
	"github.com/havenregistry/haven/internal/rest"
	"github.com/havenregistry/haven/internal/retention"
	"github.com/havenregistry/haven/internal/scan"
	"github.com/havenregistry/haven/internal/scan/vulndb"
	"github.com/havenregistry/haven/internal/search"
	"github.com/havenregistry/haven/internal/setting"
	"github.com/havenregistry/haven/internal/trend"
	"github.com/havenregistry/haven/internal/trust"
	"github.com/havenregistry/haven/internal/trust/signing"
	"github.com/havenregistry/haven/internal/webhook"
)

// Prefix is where the paths of this API begin.
const Prefix = "/api/haven/"

// Deps is what the API stands on.
type Deps struct {
	Auth        *httpauth.Reader
	Authorizer  *authz.Authorizer
	Projects    *project.Service
	Identity    *identity.Service
	Workloads   *workload.Service
	Settings    *setting.Service
	Audit       *audit.Service
	Jobs        *job.Service
	Registry    *registry.Service
	Immutable   *immutable.Service
	Retention   *retention.Service
	Scans       *scan.Service
	Gate        *gate.Gate
	Trust       *trust.Service
	Signing     *signing.Service
	VulnDB      *vulndb.Service
	Replication *replication.Service
	Webhooks    *webhook.Service
	Proxy       *proxycache.Service
	Search      *search.Service
	Trends      *trend.Service
	Profiles    *profile.Service
	// Confinement says how far scanners are confined on this machine.
	Confinement func() string
	Log         *slog.Logger
	Load        *load.Guard // nil: nobody asks too often

	// ExternalScheme is the scheme of the external URL with this host, "" when there is none.
	ExternalScheme func(host string) string
}

// Server answers /api/haven/v1. It implements the generated interface; the methods stand in one file per
// concept.
type Server struct {
	Deps
	frame   *rest.Frame
	explain *explain.Service
	// followers has a place for each log that somebody follows, watchers for each execution that somebody watches.
	followers, watchers chan struct{}
}

// New returns the handler of /api/haven/. It finds out who asks; protection against forged requests of
// browsers stands before it.
func New(d Deps) http.Handler {
	s := &Server{Deps: d, followers: make(chan struct{}, maxFollowers), watchers: make(chan struct{}, maxWatchers), explain: explain.New(d.Authorizer, d.Projects), frame: &rest.Frame{
		Auth: d.Auth, Authorizer: d.Authorizer, Settings: d.Settings, Log: d.Log, ExternalScheme: d.ExternalScheme,
		Load: d.Load, Accesses: accesses(), Failures: failures(), Writable: writable(),
		Streams: map[string]int64{Prefix + "v1/vulndb/import": vulndb.MaxUpload},
	}}
	guard := func(next gen.StrictHandlerFunc, operation string) gen.StrictHandlerFunc {
		return rest.Guard(s.frame, next, operation)
	}
	strict := gen.NewStrictHandlerWithOptions(s, []gen.StrictMiddlewareFunc{guard}, gen.StrictHTTPServerOptions{
		RequestErrorHandlerFunc: s.frame.Unreadable, ResponseErrorHandlerFunc: s.frame.Fail,
	})
	return s.frame.Handler(gen.GetSpec, func(mux *http.ServeMux, around func(http.Handler) http.Handler) {
		gen.HandlerWithOptions(strict, gen.StdHTTPServerOptions{
			BaseRouter: mux, ErrorHandlerFunc: s.frame.Unreadable, Middlewares: []gen.MiddlewareFunc{around},
		})
	})
}
