package havenapi

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/harborapi/wire"
	"github.com/havenregistry/haven/internal/havenapi/gen"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/project"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/rest"
	"github.com/havenregistry/haven/internal/scan"
	"github.com/havenregistry/haven/internal/scan/confined"
)

// inProject loads a project by its name, and asks the operation's right in it.
func (s *Server) inProject(ctx context.Context, name string) (project.Ref, error) {
	p, err := s.Projects.ByName(ctx, name)
	return p, s.frame.Project(ctx, p.Object(), err, rest.CallFrom(ctx).Access.Permission)
}

func (s *Server) artifact(ctx context.Context, projectName, segment, reference string) (registry.Ref, registry.Artifact, error) {
	p, err := s.inProject(ctx, projectName)
	if err != nil {
		return registry.Ref{}, registry.Artifact{}, err
	}
	ref := registry.Ref{ProjectID: p.ID, Project: p.Name, Name: rest.RepositoryName(segment)}
	parsed, err := oci.ParseReference(reference)
	if err == nil {
		var a registry.Artifact
		if a, err = s.Registry.GetArtifact(ctx, ref, parsed, registry.With{}); err == nil {
			return ref, a, nil
		}
	}
	return ref, registry.Artifact{}, noArtifact(err, ref, reference)
}

// GetArtifactSBOM answers GET …/artifacts/{reference}/sbom.
func (s *Server) GetArtifactSBOM(ctx context.Context, r gen.GetArtifactSBOMRequestObject) (gen.GetArtifactSBOMResponseObject, error) {
	ref, a, err := s.artifact(ctx, r.ProjectName, r.RepositoryName, r.Reference)
	if err != nil {
		return nil, err
	}
	format := confined.SPDX
	if string(r.Params.Format) == "cyclonedx" {
		format = confined.CycloneDX
	}
	text, err := s.Scans.Document(ctx, ref, a.Digest, format)
	if err != nil {
		return nil, err
	}
	return document{text, format.MediaType()}, nil
}

// document is a file that a browser is not to interpret (S20).
type document struct {
	text      []byte
	mediaType string
}

// VisitGetArtifactSBOMResponse implements gen.GetArtifactSBOMResponseObject.
func (d document) VisitGetArtifactSBOMResponse(w http.ResponseWriter) error { return d.write(w) }

func (d document) write(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", d.mediaType)
	w.Header().Set("Content-Disposition", "attachment")
	w.Header().Set("Content-Security-Policy", "sandbox")
	w.WriteHeader(http.StatusOK)
	_, err := io.Copy(w, bytes.NewReader(d.text))
	return err
}

// ListArtifactChanges answers GET …/artifacts/{reference}/changes; of an index those of all its images.
func (s *Server) ListArtifactChanges(ctx context.Context, r gen.ListArtifactChangesRequestObject) (gen.ListArtifactChangesResponseObject, error) {
	ref, a, err := s.artifact(ctx, r.ProjectName, r.RepositoryName, r.Reference)
	if err != nil {
		return nil, err
	}
	overviews, err := s.Scans.Overviews(ctx, ref.ProjectID, []registry.Artifact{a})
	if err != nil {
		return nil, err
	}
	out := gen.ListArtifactChanges200JSONResponse{}
	for _, report := range overviews[a.ID].Reports {
		all, err := s.Scans.Changes(ctx, report.ID)
		if err != nil {
			return nil, err
		}
		for _, c := range all[:min(len(all), scan.MaxChanges-len(out))] {
			out = append(out, gen.FindingChange{
				Kind: gen.FindingChangeKind(c.Kind), CveID: c.Vulnerability, Package: c.Package, Version: c.Version, FixedVersion: c.Fixed, Severity: c.Severity.String(),
				DatabaseDigest: c.Edition, DatabaseUpdatedAt: wire.Time(c.EditionAt),
			})
		}
	}
	return out, nil
}

// ListStatements answers GET /projects/{project_name}/vex.
func (s *Server) ListStatements(ctx context.Context, r gen.ListStatementsRequestObject) (gen.ListStatementsResponseObject, error) {
	p, err := s.inProject(ctx, r.ProjectName)
	if err != nil {
		return nil, err
	}
	out, err := rest.List(ctx, scan.StatementKey, func(list db.List) ([]scan.Statement, int64, error) {
		return s.Scans.ListStatements(ctx, p.ID, list)
	}, statementJSON)
	return gen.ListStatements200JSONResponse{Body: out}, err
}

// CreateStatement answers POST /projects/{project_name}/vex. The answer is what was written down.
func (s *Server) CreateStatement(ctx context.Context, r gen.CreateStatementRequestObject) (gen.CreateStatementResponseObject, error) {
	p, err := s.inProject(ctx, r.ProjectName)
	if err != nil {
		return nil, err
	}
	by, b := rest.CallFrom(ctx).Principal, r.Body
	v := scan.Statement{
		ProjectID: p.ID, Repository: b.Repository, Package: b.Package, Version: b.Version, Vulnerability: b.Vulnerability,
		Status: scan.VEXStatus(b.Status), Justification: b.Justification, Reason: b.Reason,
	}
	if b.Digest != "" {
		if v.Digest, err = oci.ParseDigest(b.Digest); err != nil {
			return nil, rest.BadRequest("digest: %s is none", rest.Printable(b.Digest))
		}
	}
	if b.ExpiresAt != nil {
		v.ExpiresAt = time.Time(*b.ExpiresAt)
	}
	all := []scan.Statement{v}
	if len(b.Openvex) > 0 {
		all, err = s.Scans.Upload(ctx, by, p.Name, v, b.Openvex)
	} else {
		err = s.Scans.State(ctx, by, p.Name, all...)
	}
	return gen.CreateStatement201JSONResponse(statementsJSON(all)), err
}

// DeleteStatement answers DELETE /projects/{project_name}/vex/{statement_id}.
func (s *Server) DeleteStatement(ctx context.Context, r gen.DeleteStatementRequestObject) (gen.DeleteStatementResponseObject, error) {
	p, err := s.inProject(ctx, r.ProjectName)
	if err != nil {
		return nil, err
	}
	return gen.DeleteStatement200Response{}, s.Scans.Withdraw(ctx, rest.CallFrom(ctx).Principal, p.ID, p.Name, r.StatementID)
}

func statementsJSON(rows []scan.Statement) []gen.Statement {
	out := make([]gen.Statement, len(rows))
	for i, v := range rows {
		out[i] = statementJSON(v)
	}
	return out
}

func statementJSON(v scan.Statement) gen.Statement {
	return gen.Statement{
		ID: v.ID, Vulnerability: v.Vulnerability, Status: gen.StatementStatus(v.Status), Justification: v.Justification, Reason: v.Reason, Author: v.Author,
		Repository: v.Repository, Digest: string(v.Digest), Package: v.Package, Version: v.Version, Document: string(v.Document),
		MadeAt: wire.Time(v.MadeAt), CreationTime: wire.Time(v.CreatedAt), ExpiresAt: wire.TimeIfAny(v.ExpiresAt),
	}
}

// noArtifact gives words to an artifact that isn't there; what is neither a tag nor a digest names none either.
func noArtifact(err error, ref registry.Ref, reference string) error {
	for _, unknown := range []error{registry.ErrManifestUnknown, registry.ErrRepositoryUnknown, registry.ErrTagUnknown, oci.ErrTagInvalid, oci.ErrDigestInvalid, oci.ErrDigestUnsupported} {
		if errors.Is(err, unknown) {
			return fault.NotFoundf("artifact %s %s not found", rest.Printable(ref.FullName()), rest.Printable(reference))
		}
	}
	return err
}

// ListArtifactLayers answers GET …/artifacts/{reference}/layers.
func (s *Server) ListArtifactLayers(ctx context.Context, r gen.ListArtifactLayersRequestObject) (gen.ListArtifactLayersResponseObject, error) {
	_, a, err := s.artifact(ctx, r.ProjectName, r.RepositoryName, r.Reference)
	if err != nil {
		return nil, err
	}
	layers, err := s.Registry.Layers(ctx, a)
	out := gen.ListArtifactLayers200JSONResponse{}
	for _, l := range layers {
		out = append(out, gen.ArtifactLayer{Digest: l.Digest.String(), MediaType: l.MediaType, Size: l.Size, Title: l.Annotations[oci.AnnotationTitle]})
	}
	return out, err
}
