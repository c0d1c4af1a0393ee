package harborapi

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/harborapi/gen"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/rest"
)

// ListArtifacts answers GET …/repositories/{repository_name}/artifacts. A repository that isn't there
// has no artifacts.
func (s *Server) ListArtifacts(ctx context.Context, r gen.ListArtifactsRequestObject) (gen.ListArtifactsResponseObject, error) {
	ref, err := s.repository(ctx, r.ProjectName, r.RepositoryName)
	if err != nil {
		return nil, err
	}
	with := registry.With{Tags: unlessFalse(r.Params.WithTag), Accessories: ifTrue(r.Params.WithAccessory)}
	rows, err := s.artifactPage(ctx, ref, registry.ArtifactFilter{}, with, shown{ifTrue(r.Params.WithLabel), ifTrue(r.Params.WithScanOverview), ifTrue(r.Params.WithSbomOverview), ifTrue(r.Params.WithImmutableStatus)})
	return gen.ListArtifacts200JSONResponse{Body: rows}, err
}

// ListArtifactsOfProject answers GET /projects/{project_name_or_id}/artifacts, for signed-in callers only.
func (s *Server) ListArtifactsOfProject(ctx context.Context, r gen.ListArtifactsOfProjectRequestObject) (gen.ListArtifactsOfProjectResponseObject, error) {
	p, err := s.project(ctx, r.ProjectNameOrID)
	if err != nil {
		return nil, err
	}
	if !callFrom(ctx).Principal.Authenticated() {
		return nil, authz.ErrUnauthenticated
	}
	filter := registry.ArtifactFilter{LatestInRepository: ifTrue(r.Params.LatestInRepository)}
	with := registry.With{Tags: unlessFalse(r.Params.WithTag), Accessories: ifTrue(r.Params.WithAccessory)}
	rows, err := s.artifactPage(ctx, registry.Ref{ProjectID: p.ID, Project: p.Name}, filter, with, shown{ifTrue(r.Params.WithLabel), ifTrue(r.Params.WithScanOverview), ifTrue(r.Params.WithSbomOverview), ifTrue(r.Params.WithImmutableStatus)})
	return gen.ListArtifactsOfProject200JSONResponse{Body: rows}, err
}

func (s *Server) artifactPage(ctx context.Context, in registry.Ref, filter registry.ArtifactFilter, with registry.With, more shown) ([]gen.Artifact, error) {
	list, err := rest.ListingBy(ctx, registry.ArtifactKey, isArtifactColumn)
	if err != nil {
		return nil, err
	}
	if kinds := countKeys(list, "media_type") + countKeys(list, "artifact_type"); filter.LatestInRepository && kinds != 1 {
		return nil, badRequest("either 'media_type' or 'artifact_type' must be specified in the query for the latest artifact in each repository")
	}
	rows, total, err := s.Registry.ListArtifacts(ctx, in, filter, with, list)
	if err != nil {
		return nil, err
	}
	paged(ctx, list, total)
	return s.artifactsJSON(ctx, rows, more)
}

// isArtifactColumn reports whether artifacts can be sorted by the key: several labels have no order. Of several tags
// the first counts.
func isArtifactColumn(key string) bool {
	return registry.ArtifactKey(key) && key != "labels" && key != "signed" && key != "base"
}

// GetArtifact answers GET …/artifacts/{reference}.
func (s *Server) GetArtifact(ctx context.Context, r gen.GetArtifactRequestObject) (gen.GetArtifactResponseObject, error) {
	with := registry.With{Tags: unlessFalse(r.Params.WithTag), Accessories: ifTrue(r.Params.WithAccessory)}
	_, a, err := s.artifact(ctx, r.ProjectName, r.RepositoryName, r.Reference, with)
	if err != nil {
		return nil, err
	}
	found, err := s.artifactsJSON(ctx, []registry.Artifact{a}, shown{ifTrue(r.Params.WithLabel), ifTrue(r.Params.WithScanOverview), ifTrue(r.Params.WithSbomOverview), ifTrue(r.Params.WithImmutableStatus)})
	if err != nil {
		return nil, err
	}
	return gen.GetArtifact200JSONResponse(found[0]), nil
}

// DeleteArtifact answers DELETE …/artifacts/{reference}: the artifact goes with all its tags, whichever of
// them was named, as Harbor's clients expect. DeleteTag takes one tag off.
func (s *Server) DeleteArtifact(ctx context.Context, r gen.DeleteArtifactRequestObject) (gen.DeleteArtifactResponseObject, error) {
	ref, err := s.repository(ctx, r.ProjectName, r.RepositoryName)
	if err != nil {
		return nil, err
	}
	reference, err := oci.ParseReference(r.Reference)
	if err == nil {
		err = s.Registry.DeleteArtifact(ctx, callFrom(ctx).Principal, ref, reference)
	}
	return gen.DeleteArtifact200Response{}, noArtifact(err, ref, r.Reference)
}

// ListAccessories answers GET …/artifacts/{reference}/accessories.
func (s *Server) ListAccessories(ctx context.Context, r gen.ListAccessoriesRequestObject) (gen.ListAccessoriesResponseObject, error) {
	ref, a, err := s.artifact(ctx, r.ProjectName, r.RepositoryName, r.Reference, registry.With{})
	if err != nil {
		return nil, err
	}
	list, err := listing(ctx, registry.AccessoryKey)
	if err != nil {
		return nil, err
	}
	rows, total, err := s.Registry.ListAccessories(ctx, ref, a.ID, list)
	if err != nil {
		return nil, err
	}
	paged(ctx, list, total)
	return gen.ListAccessories200JSONResponse{Body: each(rows, s.accessoryJSON)}, nil
}

// GetAddition answers GET …/additions/{addition} with the file as it is. It is the artifact's author who
// wrote it, so no browser is to interpret it (S20).
func (s *Server) GetAddition(ctx context.Context, r gen.GetAdditionRequestObject) (gen.GetAdditionResponseObject, error) {
	_, a, err := s.artifact(ctx, r.ProjectName, r.RepositoryName, r.Reference, registry.With{})
	if err != nil {
		return nil, err
	}
	contentType, body, err := s.Registry.Addition(ctx, a, strings.ToLower(r.Addition))
	if err != nil {
		return nil, err
	}
	c := callFrom(ctx)
	c.Response.Set("Content-Disposition", "attachment")
	c.Response.Set("Content-Security-Policy", "sandbox")
	return gen.GetAddition200AsteriskResponse{Body: strings.NewReader(string(body)), ContentType: contentType, ContentLength: int64(len(body))}, nil
}

// artifact loads an artifact for an operation: project, permission, repository, artifact.
func (s *Server) artifact(ctx context.Context, projectName, segment, reference string, with registry.With) (registry.Ref, registry.Artifact, error) {
	ref, err := s.repository(ctx, projectName, segment)
	if err != nil {
		return ref, registry.Artifact{}, err
	}
	parsed, err := oci.ParseReference(reference)
	if err != nil {
		return ref, registry.Artifact{}, noArtifact(err, ref, reference)
	}
	a, err := s.Registry.GetArtifact(ctx, ref, parsed, with)
	return ref, a, noArtifact(err, ref, reference)
}

// noArtifact gives Harbor's words to an artifact that isn't there. What is neither a tag nor a digest
// names no artifact either.
func noArtifact(err error, ref registry.Ref, reference string) error {
	malformed := errors.Is(err, oci.ErrTagInvalid) || errors.Is(err, oci.ErrDigestInvalid) || errors.Is(err, oci.ErrDigestUnsupported)
	if !malformed && !isUnknownArtifact(err) {
		return err
	}
	separator := ":"
	if strings.Contains(reference, ":") {
		separator = "@"
	}
	if malformed {
		err = registry.ErrManifestUnknown
	}
	return saying(err, "artifact %s%s%s not found", printable(ref.FullName()), separator, printable(reference))
}

func isUnknownArtifact(err error) bool {
	return errors.Is(err, registry.ErrManifestUnknown) || errors.Is(err, registry.ErrRepositoryUnknown) || errors.Is(err, registry.ErrTagUnknown)
}

// additionHref is where an addition of a can be read.
func additionHref(a registry.Artifact, addition string) string {
	project, name, _ := strings.Cut(a.Repository, "/")
	return "/api/v2.0/projects/" + url.PathEscape(project) + "/repositories/" + hrefName(name) + "/artifacts/" + string(a.Digest) + "/additions/" + addition
}
