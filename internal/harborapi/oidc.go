package harborapi

import (
	"context"
	"errors"
	"net/http"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/harborapi/gen"
	"github.com/havenregistry/haven/internal/harborapi/wire"
	"github.com/havenregistry/haven/internal/rest"
	"github.com/havenregistry/haven/internal/secret"
)

// PingOIDC answers POST /system/oidc/ping.
func (s *Server) PingOIDC(ctx context.Context, r gen.PingOIDCRequestObject) (gen.PingOIDCResponseObject, error) {
	return gen.PingOIDC200Response{}, s.OIDC.Ping(ctx, r.Body.URL, r.Body.VerifyCert)
}

// SetCliSecret answers PUT /users/{user_id}/cli_secret. The new secret isn't in the answer; its owner reads it
// from GET /users/current.
func (s *Server) SetCliSecret(ctx context.Context, r gen.SetCliSecretRequestObject) (gen.SetCliSecretResponseObject, error) {
	if err := s.aboutUser(ctx, r.UserID); err != nil {
		return nil, err
	}
	on, err := s.OIDC.Active(ctx)
	if err != nil {
		return nil, err
	}
	if !on {
		return nil, rest.Problem{Status: http.StatusPreconditionFailed, Code: "PRECONDITION", Message: "sign-in by OpenID Connect is not switched on"}
	}
	err = s.OIDC.SetSecret(ctx, callFrom(ctx).Principal, r.UserID, secret.Text(r.Body.Secret))
	return gen.SetCliSecret200Response{}, err
}

// oidcMeta is what people see of themselves, and nobody else does: nil for who didn't come by the provider.
func (s *Server) oidcMeta(ctx context.Context) (*gen.OIDCUserInfo, error) {
	p := callFrom(ctx).Principal
	on, err := s.OIDC.Active(ctx)
	if err != nil || !on || p.Kind != authz.User {
		return nil, err
	}
	found, err := s.OIDC.GetSecret(ctx, p.ID)
	if errors.Is(err, fault.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &gen.OIDCUserInfo{
		ID: found.AccountID, UserID: found.AccountID, Subiss: found.SubIss, Secret: found.Secret.Reveal(),
		CreationTime: wire.Time(found.CreatedAt), UpdateTime: wire.Time(found.UpdatedAt),
	}, nil
}
