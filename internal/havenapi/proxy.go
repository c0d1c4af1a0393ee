package havenapi

import (
	"context"
	"time"

	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/harborapi/wire"
	"github.com/havenregistry/haven/internal/havenapi/gen"
	"github.com/havenregistry/haven/internal/project"
	"github.com/havenregistry/haven/internal/replication/proxycache"
	"github.com/havenregistry/haven/internal/rest"
)

// cache is the project in the path, and the registry that it is a cache of.
func (s *Server) cache(ctx context.Context, name string) (p project.Ref, registryID int64, err error) {
	if p, err = s.inProject(ctx, name); err != nil {
		return p, 0, err
	}
	registryID, err = s.Projects.Upstream(ctx, p.ID)
	if err == nil && registryID == 0 {
		err = fault.NotFoundf("project %s is no cache of another registry", p.Name)
	}
	return p, registryID, err
}

// GetProxyPolicy answers GET /projects/{project_name}/proxy.
func (s *Server) GetProxyPolicy(ctx context.Context, r gen.GetProxyPolicyRequestObject) (gen.GetProxyPolicyResponseObject, error) {
	p, _, err := s.cache(ctx, r.ProjectName)
	if err != nil {
		return nil, err
	}
	o, err := s.Proxy.GetOwn(ctx, p.ID)
	return gen.GetProxyPolicy200JSONResponse{
		Freshness: gen.ProxyPolicyFreshness(o.Freshness), MaxAgeSeconds: int64(o.MaxAge.Seconds()), MinimumAgeSeconds: int64(o.MinimumAge.Seconds()),
		ScanBeforeServe: o.ScanBeforeServe, KeepDays: o.KeepDays,
	}, err
}

// UpdateProxyPolicy answers PUT /projects/{project_name}/proxy.
func (s *Server) UpdateProxyPolicy(ctx context.Context, r gen.UpdateProxyPolicyRequestObject) (gen.UpdateProxyPolicyResponseObject, error) {
	p, _, err := s.cache(ctx, r.ProjectName)
	if err != nil {
		return nil, err
	}
	o := proxycache.Own{
		Freshness: proxycache.Freshness(r.Body.Freshness), MaxAge: time.Duration(r.Body.MaxAgeSeconds) * time.Second,
		MinimumAge: time.Duration(r.Body.MinimumAgeSeconds) * time.Second, ScanBeforeServe: r.Body.ScanBeforeServe, KeepDays: r.Body.KeepDays,
	}
	return gen.UpdateProxyPolicy200Response{}, s.Proxy.SetOwn(ctx, rest.CallFrom(ctx).Principal, p.ID, p.Name, o)
}

// GetProxyStatus answers GET /projects/{project_name}/proxy/status.
func (s *Server) GetProxyStatus(ctx context.Context, r gen.GetProxyStatusRequestObject) (gen.GetProxyStatusResponseObject, error) {
	p, id, err := s.cache(ctx, r.ProjectName)
	if err != nil {
		return nil, err
	}
	u, err := s.Proxy.Endpoints.Upstream(ctx, id)
	if err != nil {
		return nil, err
	}
	budget, err := s.Proxy.Budget(ctx, u, id)
	if err != nil {
		return nil, err
	}
	figures, err := s.Proxy.Figures(ctx, p.ID)
	counts := s.Proxy.Counts()
	return gen.GetProxyStatus200JSONResponse{
		RegistryID: id, RegistryName: u.Name, URL: u.URL, Healthy: u.Healthy, Remaining: int64(budget.Remaining),
		BlockedUntil: wire.Time(budget.BlockedUntil), DownUntil: wire.Time(budget.DownUntil),
		WaitingManifests: figures.Waiting, WaitingBytes: figures.Bytes,
		Process: gen.ProxyCounts{Manifests: counts.Manifests, Blobs: counts.Blobs, Bytes: counts.Bytes, Stale: counts.Stale, Fetching: counts.Fetching},
	}, err
}

// GetMirrorConfiguration answers GET /projects/{project_name}/mirror.
func (s *Server) GetMirrorConfiguration(ctx context.Context, r gen.GetMirrorConfigurationRequestObject) (gen.GetMirrorConfigurationResponseObject, error) {
	p, id, err := s.cache(ctx, r.ProjectName)
	if err != nil {
		return nil, err
	}
	u, err := s.Proxy.Endpoints.Upstream(ctx, id)
	if err != nil {
		return nil, err
	}
	mirrors, err := s.Proxy.MirrorsOf(ctx, p.ID)
	if err != nil {
		return nil, err
	}
	c := rest.CallFrom(ctx)
	site := proxycache.MirrorSite{Scheme: c.Scheme, Host: c.Host, Project: p.Name, Upstream: u.MirroredName()}
	out := gen.GetMirrorConfiguration200JSONResponse{Project: p.Name, Upstream: site.Upstream, Mirrors: []gen.Mirror{}, Files: []gen.MirrorFile{}}
	for _, m := range mirrors {
		out.Mirrors = append(out.Mirrors, mirrorJSON(m))
		if m.Kind == proxycache.ByHost {
			site.Hosts = append(site.Hosts, m.Name)
		}
	}
	for _, f := range site.Files() {
		out.Files = append(out.Files, gen.MirrorFile{Client: gen.MirrorFileClient(f.Client), Path: f.Path, Content: f.Content, Note: f.Note})
	}
	return out, nil
}

// ListMirrors answers GET /mirrors.
func (s *Server) ListMirrors(ctx context.Context, _ gen.ListMirrorsRequestObject) (gen.ListMirrorsResponseObject, error) {
	all, err := s.Proxy.ListMirrors(ctx)
	out := gen.ListMirrors200JSONResponse{}
	for _, m := range all {
		out = append(out, mirrorJSON(m))
	}
	return out, err
}

// CreateMirror answers POST /mirrors. Only who administers the system has names stand for projects.
func (s *Server) CreateMirror(ctx context.Context, r gen.CreateMirrorRequestObject) (gen.CreateMirrorResponseObject, error) {
	p, err := s.Projects.ByName(ctx, r.Body.Project)
	if err != nil {
		return nil, err
	}
	m, err := s.Proxy.AddMirror(ctx, rest.CallFrom(ctx).Principal, proxycache.Mirror{
		Kind: proxycache.MirrorKind(r.Body.Kind), Name: r.Body.Name, ProjectID: p.ID, Project: p.Name,
	})
	if err != nil {
		return nil, err
	}
	rest.Created(ctx, m.ID)
	return gen.CreateMirror201JSONResponse(mirrorJSON(m)), nil
}

// DeleteMirror answers DELETE /mirrors/{mirror_id}.
func (s *Server) DeleteMirror(ctx context.Context, r gen.DeleteMirrorRequestObject) (gen.DeleteMirrorResponseObject, error) {
	return gen.DeleteMirror200Response{}, s.Proxy.RemoveMirror(ctx, rest.CallFrom(ctx).Principal, r.MirrorID)
}

func mirrorJSON(m proxycache.Mirror) gen.Mirror {
	return gen.Mirror{ID: m.ID, Kind: gen.MirrorKind(m.Kind), Name: m.Name, Project: m.Project, CreationTime: wire.Time(m.CreatedAt)}
}
