package harborapi

import (
	"context"
	"errors"

	"github.com/havenregistry/haven/internal/harborapi/gen"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
)

// ListTags answers GET …/artifacts/{reference}/tags.
func (s *Server) ListTags(ctx context.Context, r gen.ListTagsRequestObject) (gen.ListTagsResponseObject, error) {
	ref, a, err := s.artifact(ctx, r.ProjectName, r.RepositoryName, r.Reference, registry.With{})
	if err != nil {
		return nil, err
	}
	list, err := listing(ctx, registry.TagKey)
	if err != nil {
		return nil, err
	}
	rows, total, err := s.Registry.ListTags(ctx, ref, a.ID, list)
	if err != nil {
		return nil, err
	}
	paged(ctx, list, total)
	out := each(rows, tagJSON)
	if ifTrue(r.Params.WithImmutableStatus) {
		p, err := s.Immutable.Immutable(ctx, ref.ProjectID, ref.Name)
		if err != nil {
			return nil, err
		}
		for i := range out {
			out[i].Immutable = p.Any(out[i].Name)
		}
	}
	return gen.ListTags200JSONResponse{Body: out}, nil
}

// CreateTag answers POST …/artifacts/{reference}/tags. A tag that exists doesn't move: 409.
func (s *Server) CreateTag(ctx context.Context, r gen.CreateTagRequestObject) (gen.CreateTagResponseObject, error) {
	ref, a, err := s.artifact(ctx, r.ProjectName, r.RepositoryName, r.Reference, registry.With{})
	if err != nil {
		return nil, err
	}
	if err := s.notInCache(ctx, ref.ProjectID); err != nil {
		return nil, err
	}
	if _, err = s.Gate.MayTag(ctx, ref.ProjectID, ref, oci.DigestReference(a.Digest)); err != nil {
		return nil, err
	}
	err = s.Registry.CreateTag(ctx, callFrom(ctx).Principal, ref, a.ID, r.Body.Name)
	switch {
	case errors.Is(err, oci.ErrTagInvalid):
		return nil, badRequest("bad request: invalid tag name: %s", printable(r.Body.Name))
	case errors.Is(err, registry.ErrTagExists):
		return nil, saying(err, "tag %s already exists under the repository %d", r.Body.Name, a.RepositoryID)
	}
	return gen.CreateTag201Response{}, noArtifact(err, ref, r.Reference)
}

// DeleteTag answers DELETE …/tags/{tag_name}; the artifact stays, perhaps without a tag.
func (s *Server) DeleteTag(ctx context.Context, r gen.DeleteTagRequestObject) (gen.DeleteTagResponseObject, error) {
	ref, a, err := s.artifact(ctx, r.ProjectName, r.RepositoryName, r.Reference, registry.With{})
	if err != nil {
		return nil, err
	}
	err = s.Registry.DeleteArtifactTag(ctx, callFrom(ctx).Principal, ref, a.ID, r.TagName)
	if errors.Is(err, registry.ErrTagUnknown) || errors.Is(err, oci.ErrTagInvalid) {
		err = saying(registry.ErrTagUnknown, "tag %s attached to artifact %d not found", printable(r.TagName), a.ID)
	}
	return gen.DeleteTag200Response{}, err
}
