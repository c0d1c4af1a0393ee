package app

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/havenregistry/haven/internal/havenapi"
	"github.com/havenregistry/haven/internal/replication/proxycache"
)

// edges are the handlers of the paths that design of the API gives to each.
type edges struct {
	registry http.Handler     // /v2/
	token    http.HandlerFunc // /service/token
	api      http.Handler     // /api/
	haven    http.Handler     // /api/haven/
	portal   http.Handler     // /c/ and everything else
}

// healthEdge is the edge of probes.
const healthEdge = "health"

// edgeOf names the edge that answers a path.
func edgeOf(path string) string {
	switch {
	case path == "/v2" || strings.HasPrefix(path, "/v2/"):
		return "registry"
	case path == "/service/token":
		return "token"
	case strings.HasPrefix(path, havenapi.Prefix):
		return "haven"
	case strings.HasPrefix(path, "/api/"):
		return "api"
	case path == "/healthz" || path == "/readyz":
		return healthEdge
	default:
		return "portal"
	}
}

// router sends a request to its edge. It is no http.ServeMux, which would redirect a path that isn't
// clean; the edges refuse those.
func router(e edges, h *health, hosts *hostCheck, mirrors *proxycache.Mirrors) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		edge := edgeOf(r.URL.Path)
		if edge == healthEdge {
			h.ServeHTTP(w, r)
			return
		}
		// By a mirror's host images are pulled, and nothing else.
		images := edge == "registry" || edge == "token"
		if !hosts.allow(r.Host) && !(images && mirrors.OfHost(r.Host) != "") {
			http.Error(w, "this registry is not known by the host name "+strconv.Quote(r.Host)+"; its external_url setting lists the names it answers to", http.StatusMisdirectedRequest)
			return
		}
		switch edge {
		case "registry":
			e.registry.ServeHTTP(w, r)
		case "token":
			e.token(w, r)
		case "api":
			e.api.ServeHTTP(w, r)
		case "haven":
			e.haven.ServeHTTP(w, r)
		default:
			e.portal.ServeHTTP(w, r)
		}
	})
}

// hostCheck knows the external URLs. Without one every host is allowed.
type hostCheck struct {
	schemes map[string]string // by host, in lower case
}

func newHostCheck(external []string) *hostCheck {
	h := &hostCheck{schemes: map[string]string{}}
	for _, raw := range external {
		if u, err := url.Parse(raw); err == nil {
			h.schemes[strings.ToLower(u.Host)] = u.Scheme
		}
	}
	return h
}

func (h *hostCheck) allow(host string) bool {
	_, ok := h.schemes[strings.ToLower(host)]
	return ok || len(h.schemes) == 0
}

// scheme is the scheme of the external URL with this host, "" when there is none.
func (h *hostCheck) scheme(host string) string { return h.schemes[strings.ToLower(host)] }

// health answers /healthz (the process lives), /readyz (it can do its work, or pulls at least) and /readyz?for=writes (pushes too).
type health struct {
	check    func(ctx context.Context) (blocked, err error)
	draining atomic.Bool
}

const readyTimeout = 5 * time.Second

// ServeHTTP implements http.Handler. The answer tells no internals; the log has the cause.
func (h *health) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if r.URL.Path == "/readyz" {
		ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
		defer cancel()
		if h.draining.Load() {
			http.Error(w, "draining", http.StatusServiceUnavailable)
			return
		}
		blocked, err := h.check(ctx)
		if err != nil {
			http.Error(w, "not ready", http.StatusServiceUnavailable)
			return
		}
		if blocked != nil && r.URL.Query().Get("for") == "writes" {
			http.Error(w, "not ready for writes", http.StatusServiceUnavailable)
			return
		}
	}
	w.Write([]byte("ok\n")) // a prober that has gone needs no answer
}
