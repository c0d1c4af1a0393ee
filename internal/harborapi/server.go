package harborapi

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/havenregistry/haven/internal/audit"
	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/gate"
	"github.com/havenregistry/haven/internal/harborapi/gen"
	"github.com/havenregistry/haven/internal/httpauth"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/identity/ldap"
	"github.com/havenregistry/haven/internal/identity/oidc"
	"github.com/havenregistry/haven/internal/immutable"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/label"
	"github.com/havenregistry/haven/internal/load"
	"github.com/havenregistry/haven/internal/preheat"
	"github.com/havenregistry/haven/internal/project"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/registry/garbage"
	"github.com/havenregistry/haven/internal/replication"
	"github.com/havenregistry/haven/internal/replication/endpoint"
	"github.com/havenregistry/haven/internal/replication/proxycache"
	"github.com/havenregistry/haven/internal/rest"
	"github.com/havenregistry/haven/internal/retention"
	"github.com/havenregistry/haven/internal/scan"
	"github.com/havenregistry/haven/internal/scan/scanner"
	"github.com/havenregistry/haven/internal/setting"
	"github.com/havenregistry/haven/internal/webhook"
)

// Deps is what the API stands on.
type Deps struct {
	Auth        *httpauth.Reader
	Authorizer  *authz.Authorizer
	Projects    *project.Service
	Identity    *identity.Service
	Directory   *ldap.Provider
	OIDC        *oidc.Service
	Registry    *registry.Service
	Immutable   *immutable.Service
	Retention   *retention.Service
	Labels      *label.Service
	Endpoints   *endpoint.Service
	Replication *replication.Service
	Webhooks    *webhook.Service
	Scanners    *scanner.Service
	Scans       *scan.Service
	Gate        *gate.Gate
	Audit       *audit.Service
	Purger      *audit.Purger
	Garbage     *garbage.Collector
	Preheat     *preheat.Service
	Jobs        *job.Service
	Settings    *setting.Service
	Log         *slog.Logger
	Load        *load.Guard // nil: nobody asks too often
	Clock       func() time.Time
	Proxy       *proxycache.Service

	// ExternalScheme is the scheme of the external URL with this host, "" when there is none.
	ExternalScheme func(host string) string
	// Health is the parts that GET /health names, in its order.
	Health []Part
	// Storage is Harbor's name of where blobs lie: filesystem, s3, gcs or azure.
	Storage string
	// Volume is the space of the blob store in bytes.
	Volume func(ctx context.Context) (total, free uint64, err error)
	// RootCertificate is what GET /systeminfo/getcert hands out (PEM), empty without one.
	RootCertificate []byte
}

// Server answers /api/v2.0. It implements the generated interface; the methods stand in one file per
// concept.
type Server struct {
	Deps
	frame    *rest.Frame
	icons    icons
	health   lastHealth
	contract func() (*openapi3.T, error) // as it is written
}

// New returns the handler of /api/version and /api/v2.0/. It finds out who asks; protection against
// forged requests of browsers stands before it.
func New(d Deps) (http.Handler, error) {
	s := &Server{Deps: d, contract: sync.OnceValues(gen.GetSpec), frame: &rest.Frame{
		Auth: d.Auth, Authorizer: d.Authorizer, Settings: d.Settings, Log: d.Log, ExternalScheme: d.ExternalScheme,
		Load: d.Load, Accesses: accesses(), Failures: failures(), Writable: writable(),
	}}
	var err error
	if s.icons, err = newIcons(); err != nil {
		return nil, err
	}
	guard := func(next gen.StrictHandlerFunc, operation string) gen.StrictHandlerFunc {
		return rest.Guard(s.frame, next, operation)
	}
	strict := gen.NewStrictHandlerWithOptions(s, []gen.StrictMiddlewareFunc{guard}, gen.StrictHTTPServerOptions{
		RequestErrorHandlerFunc: s.frame.Unreadable, ResponseErrorHandlerFunc: s.frame.Fail,
	})
	return s.frame.Handler(s.contract, func(mux *http.ServeMux, around func(http.Handler) http.Handler) {
		gen.HandlerWithOptions(strict, gen.StdHTTPServerOptions{
			BaseRouter: mux, ErrorHandlerFunc: s.frame.Unreadable, Middlewares: []gen.MiddlewareFunc{around},
		})
	}), nil
}
