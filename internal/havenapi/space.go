package havenapi

import (
	"context"
	"errors"

	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/havenapi/gen"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/rest"
)

// GetProjectSpace answers GET /projects/{project_name}/space.
func (s *Server) GetProjectSpace(ctx context.Context, r gen.GetProjectSpaceRequestObject) (gen.GetProjectSpaceResponseObject, error) {
	p, err := s.inProject(ctx, r.ProjectName)
	if err != nil {
		return nil, err
	}
	v, err := s.Registry.ProjectSpace(ctx, p.ID, r.Params.After, pageSize(r.Params.PageSize))
	if err != nil {
		return nil, err
	}
	_, deleted, err := s.Registry.TrashSpace(ctx, p.ID)
	if err != nil {
		return nil, err
	}
	out := gen.GetProjectSpace200JSONResponse{Used: v.Used, Limit: v.Limit, Deleted: deleted, More: v.More, Repositories: []gen.SpaceOfRepository{}}
	for _, of := range v.Repositories {
		out.Repositories = append(out.Repositories, gen.SpaceOfRepository{
			Name: of.Name, Artifacts: of.Artifacts, Total: of.Total, Shared: of.Shared(), OnlyHere: of.Only, Waiting: of.Waiting,
			UntaggedArtifacts: of.Untagged.Artifacts, Untagged: of.Untagged.Bytes, UntaggedPartial: of.Untagged.Partial,
		})
	}
	return out, nil
}

// GetRepositorySpace answers GET /projects/{project_name}/repositories/{repository_name}/space.
func (s *Server) GetRepositorySpace(ctx context.Context, r gen.GetRepositorySpaceRequestObject) (gen.GetRepositorySpaceResponseObject, error) {
	ref, err := s.repository(ctx, r.ProjectName, r.RepositoryName)
	if err != nil {
		return nil, err
	}
	page, more, err := s.Registry.RepositorySpace(ctx, ref, r.Params.After, pageSize(r.Params.PageSize))
	if err != nil {
		return nil, noRepository(err, ref)
	}
	out := gen.GetRepositorySpace200JSONResponse{More: more, Tags: []gen.SpaceOfTag{}}
	for _, of := range page {
		out.Tags = append(out.Tags, gen.SpaceOfTag{Name: of.Name, Digest: string(of.Digest), Tags: of.Tags, Total: of.Total, Shared: of.Shared(), OnlyHere: of.Only})
	}
	return out, nil
}

// pageSize is how many rows a page by names has, 10 where nobody says.
func pageSize(sent int) int {
	if sent == 0 {
		return 10
	}
	return sent
}

func noRepository(err error, ref registry.Ref) error {
	if errors.Is(err, registry.ErrRepositoryUnknown) {
		return fault.NotFoundf("repository %s not found", rest.Printable(ref.FullName()))
	}
	return err
}
