package harborapi

import (
	"context"
	"errors"
	"html"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/harborapi/gen"
	"github.com/havenregistry/haven/internal/harborapi/wire"
	"github.com/havenregistry/haven/internal/registry"
)

// ListAllRepositories answers GET /repositories: those of the projects that the caller may see.
func (s *Server) ListAllRepositories(ctx context.Context, _ gen.ListAllRepositoriesRequestObject) (gen.ListAllRepositoriesResponseObject, error) {
	scope, err := s.scopeOf(ctx, callFrom(ctx).Principal)
	if err != nil {
		return nil, err
	}
	rows, err := s.repositoryPage(ctx, scope)
	return gen.ListAllRepositories200JSONResponse{Body: rows}, err
}

// ListRepositories answers GET /projects/{project_name}/repositories.
func (s *Server) ListRepositories(ctx context.Context, r gen.ListRepositoriesRequestObject) (gen.ListRepositoriesResponseObject, error) {
	p, err := s.projectNamed(ctx, r.ProjectName)
	if err != nil {
		return nil, err
	}
	rows, err := s.repositoryPage(ctx, registry.Scope{ProjectIDs: []int64{p.ID}})
	return gen.ListRepositories200JSONResponse{Body: rows}, err
}

func (s *Server) repositoryPage(ctx context.Context, scope registry.Scope) ([]gen.Repository, error) {
	list, err := listing(ctx, registry.RepositoryKey)
	if err != nil {
		return nil, err
	}
	rows, total, err := s.Registry.ListRepositories(ctx, scope, list)
	if err != nil {
		return nil, err
	}
	paged(ctx, list, total)
	return each(rows, repositoryJSON), nil
}

// GetRepository answers GET …/repositories/{repository_name}.
func (s *Server) GetRepository(ctx context.Context, r gen.GetRepositoryRequestObject) (gen.GetRepositoryResponseObject, error) {
	ref, err := s.repository(ctx, r.ProjectName, r.RepositoryName)
	if err != nil {
		return nil, err
	}
	repo, err := s.Registry.GetRepository(ctx, ref)
	if err != nil {
		return nil, noRepository(err, ref)
	}
	return gen.GetRepository200JSONResponse(repositoryJSON(repo)), nil
}

// UpdateRepository answers PUT …/repositories/{repository_name}: only the description changes.
func (s *Server) UpdateRepository(ctx context.Context, r gen.UpdateRepositoryRequestObject) (gen.UpdateRepositoryResponseObject, error) {
	ref, err := s.repository(ctx, r.ProjectName, r.RepositoryName)
	if err != nil {
		return nil, err
	}
	err = s.Registry.UpdateRepository(ctx, callFrom(ctx).Principal, ref, r.Body.Description)
	return gen.UpdateRepository200Response{}, noRepository(err, ref)
}

// DeleteRepository answers DELETE …/repositories/{repository_name}.
func (s *Server) DeleteRepository(ctx context.Context, r gen.DeleteRepositoryRequestObject) (gen.DeleteRepositoryResponseObject, error) {
	ref, err := s.repository(ctx, r.ProjectName, r.RepositoryName)
	if err != nil {
		return nil, err
	}
	err = s.Registry.DeleteRepository(ctx, callFrom(ctx).Principal, ref)
	return gen.DeleteRepository200Response{}, noRepository(err, ref)
}

// repository loads the project of the path, asks the operation's permission in it and names the
// repository, which need not exist.
func (s *Server) repository(ctx context.Context, projectName, segment string) (registry.Ref, error) {
	p, err := s.projectNamed(ctx, projectName)
	if err != nil {
		return registry.Ref{}, err
	}
	return registry.Ref{ProjectID: p.ID, Project: p.Name, Name: repositoryName(segment)}, nil
}

func noRepository(err error, ref registry.Ref) error {
	if errors.Is(err, registry.ErrRepositoryUnknown) {
		return saying(err, "repository %s not found", printable(ref.FullName()))
	}
	return err
}

// repositoryJSON is r as clients see it. The description is kept as it was sent and escaped here, since
// Harbor's clients show it as HTML.
func repositoryJSON(r registry.Repository) gen.Repository {
	return gen.Repository{
		ID: r.ID, ProjectID: r.ProjectID, Name: r.FullName(), Description: html.EscapeString(r.Description),
		ArtifactCount: r.ArtifactCount, PullCount: r.PullCount,
		CreationTime: wire.Time(r.CreatedAt), UpdateTime: wire.Time(r.UpdatedAt),
	}
}

// scopeOf is whose repositories a caller may see in listings over all projects: those of public projects,
// of the caller's own, and of the projects that a robot was given repository:list for, or that a personal
// token may list.
func (s *Server) scopeOf(ctx context.Context, p authz.Principal) (registry.Scope, error) {
	scope := registry.Scope{Public: true, All: p.Kind == authz.User && p.Admin}
	switch p.Kind {
	case authz.User:
		scope.AccountID = p.ID
	case authz.Personal:
		var err error
		if scope.All, scope.ProjectIDs, err = s.Projects.IDsWith(ctx, p, authz.Permission{Resource: authz.Repository, Action: authz.ListAll}); err != nil {
			return registry.Scope{}, err
		}
	case authz.Robot:
		for _, g := range p.Grants {
			if g.Deny || g.Resource != authz.Repository || g.Action != authz.ListAll && g.Action != authz.Pull {
				continue
			}
			switch g.Scope {
			case authz.EveryProject:
				scope.All = true
			case authz.OneProject:
				scope.ProjectIDs = append(scope.ProjectIDs, g.ProjectID)
			case authz.System:
			}
		}
	}
	return scope, nil
}
