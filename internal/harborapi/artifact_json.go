package harborapi

import (
	"context"

	"github.com/havenregistry/haven/internal/harborapi/gen"
	"github.com/havenregistry/haven/internal/harborapi/wire"
	"github.com/havenregistry/haven/internal/registry"
)

// shown is what else a page of artifacts shows.
type shown struct{ labels, scans, bills, fixed bool }

// artifactsJSON is a page of artifacts of one project as clients see it, with what else is wanted: a few more
// statements for all of them.
func (s *Server) artifactsJSON(ctx context.Context, rows []registry.Artifact, with shown) ([]gen.Artifact, error) {
	out := each(rows, s.artifactJSON)
	if len(rows) == 0 {
		return out, nil
	}
	if with.scans {
		if err := s.addScans(ctx, rows, out); err != nil {
			return nil, err
		}
	}
	if with.bills {
		if err := s.addBills(ctx, rows, out); err != nil {
			return nil, err
		}
	}
	if with.fixed {
		if err := s.addFixed(ctx, rows, out); err != nil {
			return nil, err
		}
	}
	if !with.labels {
		return out, nil
	}
	labels, err := s.Labels.OfArtifacts(ctx, each(rows, func(a registry.Artifact) int64 { return a.ID }))
	if err != nil {
		return nil, err
	}
	for i := range out {
		out[i].Labels = orNull(labels[out[i].ID], labelJSON)
	}
	return out, nil
}

// artifactJSON is a as clients see it. Harbor sends null for tags, references and accessories that aren't
// there, and leaves other empty fields out.
func (s *Server) artifactJSON(a registry.Artifact) gen.Artifact {
	out := gen.Artifact{
		ID: a.ID, ProjectID: a.ProjectID, RepositoryID: a.RepositoryID, RepositoryName: a.Repository,
		Digest: string(a.Digest), Type: a.Type, MediaType: a.ConfigMediaType, ManifestMediaType: a.MediaType,
		ArtifactType: a.ArtifactType, Size: a.Size, Icon: s.icons.of(a.Type), Annotations: a.Annotations,
		PushTime: wire.Time(a.PushedAt), PullTime: wire.Time(a.PulledAt),
		Tags: orNull(a.Tags, tagJSON), References: orNull(a.References, referenceJSON), Accessories: orNull(a.Accessories, s.accessoryJSON),
	}
	if len(a.ExtraAttrs) > len("{}") {
		out.ExtraAttrs = a.ExtraAttrs
	}
	for _, name := range registry.AdditionNames(a) {
		if out.AdditionLinks == nil {
			out.AdditionLinks = map[string]gen.AdditionLink{}
		}
		out.AdditionLinks[name] = gen.AdditionLink{Href: additionHref(a, name)}
	}
	if a.Type == registry.TypeImage && a.SubjectDigest == "" {
		if out.AdditionLinks == nil {
			out.AdditionLinks = map[string]gen.AdditionLink{}
		}
		bill := a
		bill.Digest = "" // Harbor's link leads nowhere while there is none
		for _, v := range a.Accessories {
			if v.Type == registry.AccessorySBOM {
				bill.Digest = v.Digest
			}
		}
		out.AdditionLinks["sboms"] = gen.AdditionLink{Href: additionHref(bill, "sbom")}
		out.AdditionLinks["vulnerabilities"] = gen.AdditionLink{Href: additionHref(a, "vulnerabilities")}
	}
	return out
}

func tagJSON(t registry.Tag) gen.Tag {
	return gen.Tag{
		ID: t.ID, RepositoryID: t.RepositoryID, ArtifactID: t.ArtifactID, Name: t.Name,
		PushTime: wire.Time(t.PushedAt), PullTime: wire.Time(t.PulledAt),
	}
}

func referenceJSON(r registry.Reference) gen.ArtifactReference {
	out := gen.ArtifactReference{
		ParentID: r.ParentID, ChildID: r.ChildID, ChildDigest: string(r.ChildDigest), Annotations: r.Annotations, Urls: r.URLs,
	}
	if p := r.Platform; p != nil {
		out.Platform = &gen.Platform{Architecture: p.Architecture, Os: p.OS, OsVersion: p.OSVersion, OsFeatures: p.OSFeatures, Variant: p.Variant}
	}
	return out
}

func (s *Server) accessoryJSON(a registry.Accessory) gen.Accessory {
	return gen.Accessory{
		ID: a.ID, ArtifactID: a.ArtifactID, SubjectArtifactID: a.SubjectID, SubjectArtifactDigest: string(a.SubjectDigest),
		SubjectArtifactRepo: a.SubjectRepository, Digest: string(a.Digest), Type: a.Type, Size: a.Size,
		Icon: s.icons.of(a.Type), CreationTime: wire.Time(a.CreatedAt),
	}
}

// each converts rows; without rows the answer is [], not null.
func each[A, B any](rows []A, f func(A) B) []B {
	out := make([]B, len(rows))
	for i := range rows {
		out[i] = f(rows[i])
	}
	return out
}

// orNull converts rows; without rows the answer is null.
func orNull[A, B any](rows []A, f func(A) B) []B {
	if len(rows) == 0 {
		return nil
	}
	return each(rows, f)
}

func unlessFalse(b *bool) bool { return b == nil || *b }
func ifTrue(b *bool) bool      { return b != nil && *b }
