package harborapi

import (
	"context"
	"errors"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/harborapi/gen"
	"github.com/havenregistry/haven/internal/harborapi/wire"
	"github.com/havenregistry/haven/internal/scan/adapter"
	"github.com/havenregistry/haven/internal/scan/scanner"
	"github.com/havenregistry/haven/internal/secret"
)

// ListScanners answers GET /scanners.
func (s *Server) ListScanners(ctx context.Context, _ gen.ListScannersRequestObject) (gen.ListScannersResponseObject, error) {
	rows, err := s.scannerPage(ctx)
	return gen.ListScanners200JSONResponse{Body: rows}, err
}

func (s *Server) scannerPage(ctx context.Context) ([]gen.ScannerRegistration, error) {
	list, err := listing(ctx, scanner.HasKey)
	if err != nil {
		return nil, err
	}
	rows, total, err := s.Scanners.List(ctx, list)
	if err != nil {
		return nil, err
	}
	paged(ctx, list, total)
	return each(s.Scanners.Views(ctx, rows), scannerJSON), nil
}

// CreateScanner answers POST /scanners.
func (s *Server) CreateScanner(ctx context.Context, r gen.CreateScannerRequestObject) (gen.CreateScannerResponseObject, error) {
	made, err := s.Scanners.Create(ctx, callFrom(ctx).Principal, draftOf(*r.Body))
	if err != nil {
		return nil, err
	}
	createdAt(ctx, made.UUID)
	return gen.CreateScanner201Response{}, nil
}

func draftOf(body gen.ScannerRegistrationReq) scanner.Draft {
	return scanner.Draft{
		Name: body.Name, URL: body.URL, Description: body.Description, Auth: adapter.Auth(body.Auth), Credential: secret.Text(body.AccessCredential),
		SkipVerify: body.SkipCertVerify, UseInternalAddr: body.UseInternalAddr, Disabled: body.Disabled,
	}
}

// PingScanner answers POST /scanners/ping.
func (s *Server) PingScanner(ctx context.Context, r gen.PingScannerRequestObject) (gen.PingScannerResponseObject, error) {
	err := s.Scanners.Ping(ctx, scanner.Draft{
		Name: r.Body.Name, URL: r.Body.URL, Auth: adapter.Auth(r.Body.Auth), Credential: secret.Text(r.Body.AccessCredential), SkipVerify: r.Body.SkipCertVerify,
	})
	return gen.PingScanner200Response{}, err
}

// GetScanner answers GET /scanners/{registration_id}.
func (s *Server) GetScanner(ctx context.Context, r gen.GetScannerRequestObject) (gen.GetScannerResponseObject, error) {
	found, err := s.Scanners.Get(ctx, r.RegistrationID)
	if err != nil {
		return nil, err
	}
	return gen.GetScanner200JSONResponse(scannerJSON(s.Scanners.View(ctx, found))), nil
}

// UpdateScanner answers PUT /scanners/{registration_id}.
func (s *Server) UpdateScanner(ctx context.Context, r gen.UpdateScannerRequestObject) (gen.UpdateScannerResponseObject, error) {
	err := s.Scanners.Update(ctx, callFrom(ctx).Principal, r.RegistrationID, draftOf(*r.Body))
	return gen.UpdateScanner200Response{}, err
}

// DeleteScanner answers DELETE /scanners/{registration_id}, as Harbor does with what was there.
func (s *Server) DeleteScanner(ctx context.Context, r gen.DeleteScannerRequestObject) (gen.DeleteScannerResponseObject, error) {
	gone, err := s.Scanners.Delete(ctx, callFrom(ctx).Principal, r.RegistrationID)
	return gen.DeleteScanner200JSONResponse(scannerJSON(scanner.View{Scanner: gone})), err
}

// SetScannerAsDefault answers PATCH /scanners/{registration_id}. There is always a default, so false says nothing.
func (s *Server) SetScannerAsDefault(ctx context.Context, r gen.SetScannerAsDefaultRequestObject) (gen.SetScannerAsDefaultResponseObject, error) {
	if !r.Body.IsDefault {
		_, err := s.Scanners.Get(ctx, r.RegistrationID)
		return gen.SetScannerAsDefault200Response{}, err
	}
	err := s.Scanners.SetDefault(ctx, callFrom(ctx).Principal, r.RegistrationID)
	return gen.SetScannerAsDefault200Response{}, err
}

// GetScannerMetadata answers GET /scanners/{registration_id}/metadata.
func (s *Server) GetScannerMetadata(ctx context.Context, r gen.GetScannerMetadataRequestObject) (gen.GetScannerMetadataResponseObject, error) {
	found, err := s.Scanners.Get(ctx, r.RegistrationID)
	if err != nil {
		return nil, err
	}
	m, err := s.Scanners.Explain(ctx, found)
	if err != nil {
		return nil, err
	}
	return gen.GetScannerMetadata200JSONResponse{
		Scanner:    gen.Scanner{Name: m.Scanner.Name, Vendor: m.Scanner.Vendor, Version: m.Scanner.Version},
		Properties: m.Properties,
		Capabilities: each(m.Capabilities, func(o adapter.Offer) gen.ScannerCapability {
			return gen.ScannerCapability{Type: string(o.Type), ConsumesMimeTypes: o.Consumes, ProducesMimeTypes: o.Produces}
		}),
	}, nil
}

// GetScannerOfProject answers GET /projects/{project_name_or_id}/scanner, for signed-in callers only.
func (s *Server) GetScannerOfProject(ctx context.Context, r gen.GetScannerOfProjectRequestObject) (gen.GetScannerOfProjectResponseObject, error) {
	p, err := s.project(ctx, r.ProjectNameOrID)
	if err != nil {
		return nil, err
	}
	if !callFrom(ctx).Principal.Authenticated() {
		return nil, authz.ErrUnauthenticated
	}
	found, err := s.Scanners.Effective(ctx, p.ID)
	if err != nil {
		return nil, err
	}
	v := s.Scanners.View(ctx, found)
	answer := scannerJSON(v)
	answer.Adapter, answer.Vendor, answer.Version, answer.Health = v.Metadata.Scanner.Name, v.Metadata.Scanner.Vendor, v.Metadata.Scanner.Version, "unhealthy"
	if v.Healthy {
		answer.Health = "healthy"
	}
	return gen.GetScannerOfProject200JSONResponse(answer), nil
}

// SetScannerOfProject answers PUT /projects/{project_name_or_id}/scanner. Harbor takes any uuid.
func (s *Server) SetScannerOfProject(ctx context.Context, r gen.SetScannerOfProjectRequestObject) (gen.SetScannerOfProjectResponseObject, error) {
	p, err := s.project(ctx, r.ProjectNameOrID)
	if err != nil {
		return nil, err
	}
	chosen, err := s.Scanners.Get(ctx, r.Body.UUID)
	if errors.Is(err, fault.NotFound) {
		return nil, badRequest("there is no scanner %s", printable(r.Body.UUID))
	}
	if err != nil {
		return nil, err
	}
	return gen.SetScannerOfProject200Response{}, s.Projects.SetScanner(ctx, callFrom(ctx).Principal, p.ID, chosen.UUID)
}

// ListScannerCandidatesOfProject answers GET …/scanner/candidates: all scanners, for who may choose one.
func (s *Server) ListScannerCandidatesOfProject(ctx context.Context, r gen.ListScannerCandidatesOfProjectRequestObject) (gen.ListScannerCandidatesOfProjectResponseObject, error) {
	if _, err := s.project(ctx, r.ProjectNameOrID); err != nil {
		return nil, err
	}
	rows, err := s.scannerPage(ctx)
	return gen.ListScannerCandidatesOfProject200JSONResponse{Body: rows}, err
}

func scannerJSON(v scanner.View) gen.ScannerRegistration {
	answer := gen.ScannerRegistration{
		UUID: v.UUID, Name: v.Name, Description: v.Description, URL: v.URL, Disabled: v.Disabled, IsDefault: v.Default, Auth: string(v.Auth),
		SkipCertVerify: v.SkipVerify, UseInternalAddr: v.UseInternalAddr, CreateTime: wire.Time(v.CreatedAt), UpdateTime: wire.Time(v.UpdatedAt),
	}
	if v.Healthy {
		answer.Capabilities = map[string]any{
			"support_vulnerability": v.Metadata.Supports(adapter.Vulnerability), "support_sbom": v.Metadata.Supports(adapter.SBOM),
		}
	}
	return answer
}
