package app

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/replication/endpoint"
	"github.com/havenregistry/haven/internal/replication/proxycache"
	"github.com/havenregistry/haven/internal/telemetry"
)

// upstreams are the registries elsewhere, as caches see them.
type upstreams struct{ endpoints *endpoint.Service }

// Upstream implements proxycache.Endpoints.
func (u upstreams) Upstream(ctx context.Context, id int64) (proxycache.Upstream, error) {
	r, e, err := u.endpoints.Open(ctx, id)
	return proxycache.Upstream{Registry: r, Name: e.Name, URL: e.URL, Kind: e.Kind, Healthy: e.Healthy()}, err
}

// MayCache implements project.Upstreams.
func (u upstreams) MayCache(ctx context.Context, id int64) error {
	e, err := u.endpoints.Get(ctx, id)
	switch {
	case errors.Is(err, fault.NotFound):
		return fault.Invalidf("registry %d not found", id)
	case err != nil:
		return err
	case !proxycache.Caches(e.Kind):
		return fault.Invalidf("unsupported registry type %s", e.Kind)
	}
	return nil
}

// caching makes what answers for projects that are a cache.
func (a *App) caching(d domain) *proxycache.Service {
	d.endpoints.Uses(func(ctx context.Context, tx db.Tx, id int64) (string, error) {
		name, err := d.projects.CacheOf(ctx, tx, id)
		if name != "" {
			name = "proxy cache project " + name
		}
		return name, err
	})
	return proxycache.New(proxycache.Deps{
		DB: a.db, Registry: d.registry, Endpoints: upstreams{d.endpoints}, Scans: d.scans, Jobs: a.jobs,
		ReadOnly: d.settings.ReadOnly,
		Wake:     a.events.Wake, Dir: filepath.Join(a.cfg.DataDir, "proxy-cache"), Clock: time.Now, Log: a.log,
	})
}

// watchCaches exports what this process has asked of registries elsewhere.
func (a *App) watchCaches() {
	caches := a.caches
	for _, c := range []struct {
		name, help string
		value      func(proxycache.Counts) int64
	}{
		{"haven_proxy_manifest_requests_total", "How often this process asked a registry elsewhere for a manifest or the meaning of a tag.", func(v proxycache.Counts) int64 { return v.Manifests }},
		{"haven_proxy_blob_requests_total", "How often this process asked a registry elsewhere for a blob.", func(v proxycache.Counts) int64 { return v.Blobs }},
		{"haven_proxy_bytes_total", "Bytes of the blobs that this process got from registries elsewhere.", func(v proxycache.Counts) int64 { return v.Bytes }},
		{"haven_proxy_stale_total", "Pulls that were answered with what is cached, as the registry elsewhere gave no answer.", func(v proxycache.Counts) int64 { return v.Stale }},
	} {
		a.metrics.Counter(c.name, c.help, func() float64 { return float64(c.value(caches.Counts())) })
	}
	a.metrics.Family(telemetry.Family{Name: "haven_proxy_fetching", Help: "Blobs that come to this process from registries elsewhere now.", Read: func(report telemetry.Report) {
		report(float64(caches.Counts().Fetching))
	}})
}
