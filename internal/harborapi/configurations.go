package harborapi

import (
	"context"
	"net/http"

	"github.com/havenregistry/haven/internal/harborapi/gen"
	"github.com/havenregistry/haven/internal/rest"
)

// GetConfigurations answers GET /configurations.
func (s *Server) GetConfigurations(ctx context.Context, _ gen.GetConfigurationsRequestObject) (gen.GetConfigurationsResponseObject, error) {
	all, err := s.Settings.All(ctx)
	if err != nil {
		return nil, err
	}
	out := gen.GetConfigurations200JSONResponse{}
	for key, v := range all {
		out[key] = map[string]any{"value": v.Value, "editable": v.Editable}
	}
	return out, nil
}

// UpdateConfigurations answers PUT /configurations. Terraform always sends keys that are not settings, so
// what the contract doesn't name is ignored.
func (s *Server) UpdateConfigurations(ctx context.Context, r gen.UpdateConfigurationsRequestObject) (gen.UpdateConfigurationsResponseObject, error) {
	doc, err := s.contract()
	if err != nil {
		return nil, err
	}
	changes, settable := map[string]any{}, doc.Components.Schemas["Configurations"].Value.Properties
	for key, v := range *r.Body {
		if settable[key] != nil && v != nil {
			changes[key] = v
		}
	}
	if len(changes) == 0 {
		return gen.UpdateConfigurations200Response{}, nil
	}
	err = s.Settings.Set(ctx, callFrom(ctx).Principal.Name, changes)
	return gen.UpdateConfigurations200Response{}, err
}

// GetInternalconfig refuses: the parts of this registry are one program and exchange no settings by HTTP.
func (s *Server) GetInternalconfig(context.Context, gen.GetInternalconfigRequestObject) (gen.GetInternalconfigResponseObject, error) {
	return nil, rest.Problem{Status: http.StatusUnauthorized, Code: "UNAUTHORIZED", Message: "only internal service is allowed to call this API"}
}
