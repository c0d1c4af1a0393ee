package harborapi

import (
	"context"
	"errors"
	"strings"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/harborapi/gen"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
)

// CopyArtifact answers POST …/artifacts?from=. What is wrong with the source is 400, whoever asks, and is looked
// at first; 404 is only about the path, as Harbor's clients expect.
func (s *Server) CopyArtifact(ctx context.Context, r gen.CopyArtifactRequestObject) (gen.CopyArtifactResponseObject, error) {
	from, text, err := s.copySource(ctx, r.Params.From)
	if err != nil {
		return nil, noSource(err, r.Params.From)
	}
	to, err := s.repository(ctx, r.ProjectName, r.RepositoryName)
	if err != nil {
		return nil, err
	}
	if err := s.notInCache(ctx, to.ProjectID); err != nil {
		return nil, err
	}
	if _, _, err := oci.ParseRepository(to.FullName()); err != nil {
		return nil, badRequest("invalid repository name %s", printable(to.FullName()))
	}
	if err = s.copyFrom(ctx, to, from, text); err != nil {
		return nil, noSource(err, r.Params.From)
	}
	createdAt(ctx, text)
	return gen.CopyArtifact201Response{}, nil
}

func noSource(err error, from string) error {
	if errors.Is(err, fault.NotFound) || isUnknownArtifact(err) {
		return badRequest("artifact %s not found", printable(from))
	}
	return err
}

func (s *Server) copyFrom(ctx context.Context, to, from registry.Ref, text string) error {
	reference, err := oci.ParseReference(text)
	if err != nil {
		return badRequest("invalid reference %s", printable(text))
	}
	if reference, err = s.Gate.MayTag(ctx, to.ProjectID, from, reference); err != nil {
		return err
	}
	return s.Registry.Copy(ctx, callFrom(ctx).Principal, to, from, reference)
}

// copySource names the repository of a from parameter (project/repository:tag or @digest) and its tag or
// digest. The caller needs artifact:read there, too (S9); a source that it may not read isn't there.
func (s *Server) copySource(ctx context.Context, from string) (source registry.Ref, reference string, err error) {
	repository, reference, ok := strings.Cut(from, "@")
	if !ok {
		i := strings.LastIndexByte(from, ':')
		if i < 0 {
			return source, "", badRequest("invalid from %s: expected repository:tag or repository@digest", printable(from))
		}
		repository, reference = from[:i], from[i+1:]
	}
	name, rest, err := oci.ParseRepository(repository)
	if err != nil || rest == "" || reference == "" {
		return source, "", badRequest("invalid from %s: expected repository:tag or repository@digest", printable(from))
	}
	p, err := s.projectWith(ctx, name, authz.Permission{Resource: authz.Artifact, Action: authz.Read})
	if errors.Is(err, authz.ErrForbidden) || errors.Is(err, authz.ErrUnauthenticated) {
		err = fault.NotFound
	}
	return registry.Ref{ProjectID: p.ID, Project: p.Name, Name: rest}, reference, err
}
