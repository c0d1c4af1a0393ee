package harborapi

import (
	"context"
	"net/http"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/harborapi/gen"
	"github.com/havenregistry/haven/internal/harborapi/wire"
	"github.com/havenregistry/haven/internal/project"
	"github.com/havenregistry/haven/internal/rest"
)

// ListProjects answers GET /projects: the public ones to everybody, and those that the caller may see.
func (s *Server) ListProjects(ctx context.Context, r gen.ListProjectsRequestObject) (gen.ListProjectsResponseObject, error) {
	list, err := listing(ctx, project.HasKey)
	if err != nil {
		return nil, err
	}
	filter := project.ListFilter{Name: r.Params.Name, Owner: r.Params.Owner, Public: r.Params.Public, Mine: r.Params.Mine}
	rows, total, err := s.Projects.List(ctx, callFrom(ctx).Principal, filter, list)
	if err != nil {
		return nil, err
	}
	paged(ctx, list, total)
	detailed := unlessFalse(r.Params.WithDetail)
	return gen.ListProjects200JSONResponse{Body: each(rows, func(p project.Project) gen.Project {
		out := projectJSON(p)
		if !detailed {
			out.Metadata, out.CveAllowlist = nil, nil
		}
		return out
	})}, nil
}

// HeadProject answers HEAD /projects?project_name=. Any signed-in caller may ask for any name, which is
// how clients see whether one is free.
func (s *Server) HeadProject(ctx context.Context, r gen.HeadProjectRequestObject) (gen.HeadProjectResponseObject, error) {
	_, err := s.Projects.ByName(ctx, r.Params.ProjectName)
	return gen.HeadProject200Response{}, err
}

// CreateProject answers POST /projects.
func (s *Server) CreateProject(ctx context.Context, r gen.CreateProjectRequestObject) (gen.CreateProjectResponseObject, error) {
	c := callFrom(ctx)
	c.Decided = true
	if err := s.Projects.MayCreate(ctx, c.Principal); err != nil {
		return nil, err
	}
	n := project.NewProject{
		Name: r.Body.ProjectName, Public: ifTrue(r.Body.Public), Metadata: given(r.Body.Metadata),
		StorageLimit: r.Body.StorageLimit, Allowlist: allowlistOf(r.Body.CveAllowlist),
		RegistryID: r.Body.RegistryID,
	}
	id, err := s.Projects.Create(ctx, c.Principal, n)
	if err != nil {
		return nil, err
	}
	if r.Params.XResourceNameInLocation {
		createdAt(ctx, n.Name)
	} else {
		created(ctx, id)
	}
	return gen.CreateProject201Response{}, nil
}

// GetProject answers GET /projects/{project_name_or_id}.
func (s *Server) GetProject(ctx context.Context, r gen.GetProjectRequestObject) (gen.GetProjectResponseObject, error) {
	p, err := s.project(ctx, r.ProjectNameOrID)
	if err != nil {
		return nil, err
	}
	if id := callFrom(ctx).Principal.AccountID(); id != 0 {
		if p.RoleIDs, err = s.Projects.Roles(ctx, id, p.ID); err != nil {
			return nil, err
		}
	}
	return gen.GetProject200JSONResponse(projectJSON(p)), nil
}

// UpdateProject answers PUT /projects/{project_name_or_id}: metadata and allowlist; other fields are
// ignored, as clients send back what they read.
func (s *Server) UpdateProject(ctx context.Context, r gen.UpdateProjectRequestObject) (gen.UpdateProjectResponseObject, error) {
	p, err := s.project(ctx, r.ProjectNameOrID)
	if err != nil {
		return nil, err
	}
	u := project.Update{Metadata: given(r.Body.Metadata), Allowlist: allowlistOf(r.Body.CveAllowlist)}
	err = s.Projects.Update(ctx, callFrom(ctx).Principal, p.ID, u)
	return gen.UpdateProject200Response{}, err
}

// DeleteProject answers DELETE /projects/{project_name_or_id}.
func (s *Server) DeleteProject(ctx context.Context, r gen.DeleteProjectRequestObject) (gen.DeleteProjectResponseObject, error) {
	p, err := s.project(ctx, r.ProjectNameOrID)
	if err != nil {
		return nil, err
	}
	err = s.Projects.Delete(ctx, callFrom(ctx).Principal, p.ID)
	return gen.DeleteProject200Response{}, err
}

// GetProjectDeletable answers GET …/_deletable.
func (s *Server) GetProjectDeletable(ctx context.Context, r gen.GetProjectDeletableRequestObject) (gen.GetProjectDeletableResponseObject, error) {
	p, err := s.project(ctx, r.ProjectNameOrID)
	if err != nil {
		return nil, err
	}
	ok, message, err := s.Projects.Deletable(ctx, p.ID)
	return gen.GetProjectDeletable200JSONResponse{Deletable: ok, Message: message}, err
}

// GetProjectSummary answers GET …/summary. How many members of which role there are is for who may list
// members, the quota for who may read it.
func (s *Server) GetProjectSummary(ctx context.Context, r gen.GetProjectSummaryRequestObject) (gen.GetProjectSummaryResponseObject, error) {
	p, err := s.project(ctx, r.ProjectNameOrID)
	if err != nil {
		return nil, err
	}
	v, err := s.Projects.Summary(ctx, p.ID)
	if err != nil {
		return nil, err
	}
	out := gen.GetProjectSummary200JSONResponse{RepoCount: v.RepoCount}
	may := func(r authz.Resource, a authz.Action) bool {
		return s.Authorizer.Project(ctx, callFrom(ctx).Principal, p.Object(), authz.Permission{Resource: r, Action: a}) == nil
	}
	if may(authz.Member, authz.ListAll) {
		out.ProjectAdminCount, out.MaintainerCount, out.DeveloperCount = v.Admins, v.Maintainers, v.Developers
		out.GuestCount, out.LimitedGuestCount = v.Guests, v.LimitedGuests
	}
	if may(authz.Quota, authz.Read) {
		out.Quota = &gen.ProjectSummaryQuota{Hard: gen.ResourceList{"storage": v.Hard}, Used: gen.ResourceList{"storage": v.Used}}
	}
	if p.RegistryID != 0 {
		u, err := s.Proxy.Endpoints.Upstream(ctx, p.RegistryID)
		if err != nil {
			return nil, err
		}
		status := "unhealthy"
		if u.Healthy {
			status = "healthy"
		}
		out.Registry = &gen.ProjectSummaryRegistry{ID: p.RegistryID, Name: u.Name, Type: string(u.Kind), URL: u.URL, Status: status}
	}
	return out, nil
}

// notInCache refuses what would put something into a cache that isn't upstream.
func (s *Server) notInCache(ctx context.Context, projectID int64) error {
	registryID, err := s.Projects.Upstream(ctx, projectID)
	if err == nil && registryID != 0 {
		err = rest.Refuse(http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED", "the operation isn't supported for a proxy project")
	}
	return err
}

func projectJSON(p project.Project) gen.Project {
	return gen.Project{
		ProjectID: p.ID, Name: p.Name, OwnerID: p.OwnerID, OwnerName: p.OwnerName, RepoCount: p.RepoCount, RegistryID: p.RegistryID,
		CurrentUserRoleID: int64(authz.Highest(p.RoleIDs)), CurrentUserRoleIds: orNull(p.RoleIDs, func(r authz.Role) int64 { return int64(r) }),
		Metadata: p.Metadata, CveAllowlist: allowlistJSON(p.Allowlist),
		CreationTime: wire.Time(p.CreatedAt), UpdateTime: wire.Time(p.UpdatedAt),
	}
}

func allowlistJSON(a project.CVEAllowlist) *gen.CVEAllowlist {
	out := &gen.CVEAllowlist{
		ID: a.ProjectID, ProjectID: a.ProjectID, CreationTime: wire.Time(a.CreatedAt), UpdateTime: wire.Time(a.UpdatedAt),
		Items: each(a.Items, func(id string) gen.CVEAllowlistItem { return gen.CVEAllowlistItem{CveID: id} }),
	}
	if !a.ExpiresAt.IsZero() {
		out.ExpiresAt = new(a.ExpiresAt.Unix())
	}
	return out
}

func allowlistOf(sent *gen.CVEAllowlist) *project.CVEAllowlist {
	if sent == nil {
		return nil
	}
	a := &project.CVEAllowlist{
		ProjectID: sent.ProjectID,
		Items:     each(sent.Items, func(i gen.CVEAllowlistItem) string { return i.CveID }),
	}
	if sent.ExpiresAt != nil {
		a.ExpiresAt = time.Unix(*sent.ExpiresAt, 0).UTC()
	}
	return a
}

// given drops the keys that a client sent as null.
func given(metadata map[string]*string) map[string]string {
	out := map[string]string{}
	for key, value := range metadata {
		if value != nil {
			out[key] = *value
		}
	}
	return out
}

// GetStatistic answers GET /statistics.
func (s *Server) GetStatistic(ctx context.Context, _ gen.GetStatisticRequestObject) (gen.GetStatisticResponseObject, error) {
	v, err := s.Projects.Statistics(ctx, callFrom(ctx).Principal)
	return gen.GetStatistic200JSONResponse{
		PublicProjectCount: v.PublicProjects, PrivateProjectCount: v.PrivateProjects, PublicRepoCount: v.PublicRepos, PrivateRepoCount: v.PrivateRepos,
		TotalProjectCount: v.TotalProjects, TotalRepoCount: v.TotalRepos, TotalStorageConsumption: v.TotalStorage,
	}, err
}

// Search answers GET /search.
func (s *Server) Search(ctx context.Context, r gen.SearchRequestObject) (gen.SearchResponseObject, error) {
	projects, repositories, err := s.Projects.Search(ctx, callFrom(ctx).Principal, r.Params.Q)
	return gen.Search200JSONResponse{
		Project: each(projects, projectJSON),
		Repository: each(repositories, func(f project.FoundRepository) gen.SearchRepository {
			return gen.SearchRepository{
				ProjectID: f.ProjectID, ProjectName: f.ProjectName, ProjectPublic: f.ProjectPublic, RepositoryName: f.Name,
				PullCount: f.PullCount, ArtifactCount: f.ArtifactCount,
			}
		}),
	}, err
}
