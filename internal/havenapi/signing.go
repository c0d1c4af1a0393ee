package havenapi

import (
	"context"

	"github.com/havenregistry/haven/internal/harborapi/wire"
	"github.com/havenregistry/haven/internal/havenapi/gen"
	"github.com/havenregistry/haven/internal/rest"
	"github.com/havenregistry/haven/internal/trust/signing"
)

// ListSigningKeys answers GET /signing/keys.
func (s *Server) ListSigningKeys(ctx context.Context, _ gen.ListSigningKeysRequestObject) (gen.ListSigningKeysResponseObject, error) {
	keys, err := s.Signing.Keys(ctx)
	out := gen.ListSigningKeys200JSONResponse{}
	for _, k := range keys {
		out = append(out, signingKeyJSON(k))
	}
	return out, err
}

// RotateSigningKey answers POST /signing/keys.
func (s *Server) RotateSigningKey(ctx context.Context, r gen.RotateSigningKeyRequestObject) (gen.RotateSigningKeyResponseObject, error) {
	k, err := s.Signing.Rotate(ctx, rest.CallFrom(ctx).Principal, string(r.Body.Format))
	return gen.RotateSigningKey201JSONResponse(signingKeyJSON(k)), err
}

func signingKeyJSON(k signing.Key) gen.SigningKey {
	return gen.SigningKey{
		Format: gen.SigningKeyFormat(k.Format), PublicKey: k.Public, Certificate: k.Certificate, Fingerprint: k.Fingerprint,
		Current: k.Current, Elsewhere: k.Elsewhere, CreationTime: wire.Time(k.CreatedAt),
	}
}

// GetSigningPolicy answers GET /projects/{project_name}/signing.
func (s *Server) GetSigningPolicy(ctx context.Context, r gen.GetSigningPolicyRequestObject) (gen.GetSigningPolicyResponseObject, error) {
	project, err := s.inProject(ctx, r.ProjectName)
	if err != nil {
		return nil, err
	}
	p, err := s.Signing.Policy(ctx, project.ID)
	out := gen.SigningPolicy{Enabled: p.Enabled, Formats: []gen.SigningPolicyFormats{}, Attest: p.Attest, RequireTrust: p.RequireTrust}
	for _, f := range p.Formats {
		out.Formats = append(out.Formats, gen.SigningPolicyFormats(f))
	}
	return gen.GetSigningPolicy200JSONResponse(out), err
}

// UpdateSigningPolicy answers PUT /projects/{project_name}/signing.
func (s *Server) UpdateSigningPolicy(ctx context.Context, r gen.UpdateSigningPolicyRequestObject) (gen.UpdateSigningPolicyResponseObject, error) {
	project, err := s.inProject(ctx, r.ProjectName)
	if err != nil {
		return nil, err
	}
	p := signing.Policy{Enabled: r.Body.Enabled, Attest: r.Body.Attest, RequireTrust: r.Body.RequireTrust}
	for _, f := range r.Body.Formats {
		p.Formats = append(p.Formats, signing.Format(f))
	}
	return gen.UpdateSigningPolicy200Response{}, s.Signing.SetPolicy(ctx, rest.CallFrom(ctx).Principal, project.ID, project.Name, p)
}
