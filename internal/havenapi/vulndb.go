package havenapi

import (
	"context"
	"time"

	"github.com/havenregistry/haven/internal/harborapi/wire"
	"github.com/havenregistry/haven/internal/havenapi/gen"
	"github.com/havenregistry/haven/internal/rest"
	"github.com/havenregistry/haven/internal/scan/vulndb"
)

// GetVulnerabilityDatabase answers GET /vulndb.
func (s *Server) GetVulnerabilityDatabase(ctx context.Context, _ gen.GetVulnerabilityDatabaseRequestObject) (gen.GetVulnerabilityDatabaseResponseObject, error) {
	state, err := s.VulnDB.State(ctx)
	if err != nil {
		return nil, err
	}
	answer := gen.GetVulnerabilityDatabase200JSONResponse{Sources: append([]string{}, state.Sources...), Confinement: s.Confinement()}
	if state.Current != nil {
		answer.Current = asEdition(*state.Current)
	}
	if state.Previous != nil {
		answer.Previous = asEdition(*state.Previous)
	}
	return answer, nil
}

// ImportVulnerabilityDatabase answers POST /vulndb/import.
func (s *Server) ImportVulnerabilityDatabase(ctx context.Context, r gen.ImportVulnerabilityDatabaseRequestObject) (gen.ImportVulnerabilityDatabaseResponseObject, error) {
	e, changed, err := s.VulnDB.Import(ctx, rest.CallFrom(ctx).Principal.Name, r.Body, "upload")
	if err != nil {
		return nil, err
	}
	return gen.ImportVulnerabilityDatabase200JSONResponse{Changed: changed, Current: *asEdition(e)}, nil
}

// ExportVulnerabilityDatabase answers GET /vulndb/archive.
func (s *Server) ExportVulnerabilityDatabase(ctx context.Context, _ gen.ExportVulnerabilityDatabaseRequestObject) (gen.ExportVulnerabilityDatabaseResponseObject, error) {
	e, archive, err := s.VulnDB.Export(ctx)
	if err != nil {
		return nil, err
	}
	return gen.ExportVulnerabilityDatabase200ApplicationOctetStreamResponse{
		Body: archive, ContentLength: e.Size, Headers: gen.ExportVulnerabilityDatabase200ResponseHeaders{DockerContentDigest: e.Digest},
	}, nil
}

// RefreshVulnerabilityDatabase answers POST /vulndb/refresh.
func (s *Server) RefreshVulnerabilityDatabase(ctx context.Context, _ gen.RefreshVulnerabilityDatabaseRequestObject) (gen.RefreshVulnerabilityDatabaseResponseObject, error) {
	e, changed, err := s.VulnDB.Refresh(ctx, rest.CallFrom(ctx).Principal.Name, func(string, ...any) {})
	if err != nil {
		return nil, err
	}
	return gen.RefreshVulnerabilityDatabase200JSONResponse{Changed: changed, Current: *asEdition(e)}, nil
}

func asEdition(e vulndb.Edition) *gen.VulnerabilityEdition {
	return &gen.VulnerabilityEdition{
		Version: e.Version, UpdatedAt: wire.Time(e.UpdatedAt), NextUpdate: wire.TimeIfAny(e.NextUpdate), ImportedAt: wire.Time(e.ImportedAt),
		AgeSeconds: int64(time.Since(e.UpdatedAt).Seconds()), Digest: e.Digest, Size: e.Size, Source: e.Source,
	}
}
