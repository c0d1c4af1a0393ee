package harborapi

import (
	"context"
	"strconv"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/harborapi/gen"
	"github.com/havenregistry/haven/internal/harborapi/wire"
	"github.com/havenregistry/haven/internal/label"
	"github.com/havenregistry/haven/internal/replication/endpoint"
	"github.com/havenregistry/haven/internal/replication/remote"
	"github.com/havenregistry/haven/internal/secret"
)

// ListRegistries answers GET /registries.
func (s *Server) ListRegistries(ctx context.Context, r gen.ListRegistriesRequestObject) (gen.ListRegistriesResponseObject, error) {
	list, err := listing(ctx, endpoint.HasKey)
	if err != nil {
		return nil, err
	}
	list.Filters = append(list.Filters, containing("name", r.Params.Name)...)
	rows, total, err := s.Endpoints.List(ctx, list)
	if err != nil {
		return nil, err
	}
	paged(ctx, list, total)
	return gen.ListRegistries200JSONResponse{Body: each(rows, registryJSON)}, nil
}

// CreateRegistry answers POST /registries.
func (s *Server) CreateRegistry(ctx context.Context, r gen.CreateRegistryRequestObject) (gen.CreateRegistryResponseObject, error) {
	d := endpoint.Draft{Name: r.Body.Name, Description: r.Body.Description, Endpoint: remote.Endpoint{
		Kind: remote.Kind(r.Body.Type), URL: r.Body.URL, Insecure: r.Body.Insecure, CACertificate: r.Body.CaCertificate,
	}}
	if c := r.Body.Credential; c != nil {
		d.Credential = remote.Credential{Type: c.Type, AccessKey: c.AccessKey, Secret: secret.Text(c.AccessSecret)}
	}
	id, err := s.Endpoints.Create(ctx, callFrom(ctx).Principal, d)
	if err != nil {
		return nil, err
	}
	createdAt(ctx, strconv.FormatInt(id, 10))
	return gen.CreateRegistry201Response{}, nil
}

// PingRegistry answers POST /registries/ping.
func (s *Server) PingRegistry(ctx context.Context, r gen.PingRegistryRequestObject) (gen.PingRegistryResponseObject, error) {
	err := s.Endpoints.Ping(ctx, endpoint.Probe{ID: r.Body.ID, Kind: r.Body.Type, Change: endpoint.Change{
		URL: r.Body.URL, CredentialType: r.Body.CredentialType, AccessKey: r.Body.AccessKey, Secret: (*secret.Text)(r.Body.AccessSecret),
		Insecure: r.Body.Insecure, CACertificate: r.Body.CaCertificate,
	}})
	return gen.PingRegistry200Response{}, err
}

// GetRegistry answers GET /registries/{id}.
func (s *Server) GetRegistry(ctx context.Context, r gen.GetRegistryRequestObject) (gen.GetRegistryResponseObject, error) {
	e, err := s.Endpoints.Get(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	return gen.GetRegistry200JSONResponse(registryJSON(e)), nil
}

// UpdateRegistry answers PUT /registries/{id}. Its fields lie flat, unlike those of POST.
func (s *Server) UpdateRegistry(ctx context.Context, r gen.UpdateRegistryRequestObject) (gen.UpdateRegistryResponseObject, error) {
	err := s.Endpoints.Update(ctx, callFrom(ctx).Principal, r.ID, endpoint.Change{
		Name: r.Body.Name, Description: r.Body.Description, URL: r.Body.URL, CredentialType: r.Body.CredentialType, AccessKey: r.Body.AccessKey,
		Secret: (*secret.Text)(r.Body.AccessSecret), Insecure: r.Body.Insecure, CACertificate: r.Body.CaCertificate,
	})
	return gen.UpdateRegistry200Response{}, err
}

// DeleteRegistry answers DELETE /registries/{id}.
func (s *Server) DeleteRegistry(ctx context.Context, r gen.DeleteRegistryRequestObject) (gen.DeleteRegistryResponseObject, error) {
	return gen.DeleteRegistry200Response{}, s.Endpoints.Delete(ctx, callFrom(ctx).Principal, r.ID)
}

// GetRegistryInfo answers GET /registries/{id}/info: what policies can ask of a registry.
func (s *Server) GetRegistryInfo(ctx context.Context, r gen.GetRegistryInfoRequestObject) (gen.GetRegistryInfoResponseObject, error) {
	e, err := s.Endpoints.Get(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	filters := []gen.FilterStyle{{Type: "name", Style: "input"}, {Type: "tag", Style: "input"}}
	resources := []string{"image"}
	if e.Kind.Labels() {
		labels, err := s.globalLabels(ctx)
		if err != nil {
			return nil, err
		}
		filters = append(filters, gen.FilterStyle{Type: "label", Style: "list", Values: labels})
		resources = append(resources, "artifact")
	}
	answer := gen.RegistryInfo{
		Type: string(e.Kind), Description: e.Kind.Unlisted(), SupportedResourceFilters: append(filters, gen.FilterStyle{Type: "resource", Style: "radio", Values: resources}),
		SupportedTriggers: []string{"manual", "scheduled"}, SupportedCopyByChunk: e.Kind.Chunks(),
	}
	if e.Local() {
		answer.SupportedTriggers = append(answer.SupportedTriggers, "event_based")
	}
	return gen.GetRegistryInfo200JSONResponse(answer), nil
}

// maxOffered bounds the labels that are offered for a filter.
const maxOffered = 1000

// globalLabels are their names; nil without any, as Harbor says it.
func (s *Server) globalLabels(ctx context.Context) ([]string, error) {
	rows, _, err := s.Labels.List(ctx, 0, "", db.List{Size: maxOffered})
	if err != nil {
		return nil, err
	}
	return orNull(rows, func(l label.Label) string { return l.Name }), nil
}

// ListRegistryProviderTypes answers GET /replication/adapters.
func (s *Server) ListRegistryProviderTypes(context.Context, gen.ListRegistryProviderTypesRequestObject) (gen.ListRegistryProviderTypesResponseObject, error) {
	return gen.ListRegistryProviderTypes200JSONResponse(each(remote.Kinds(), func(k remote.Kind) string { return string(k) })), nil
}

// ListRegistryProviderInfos answers GET /replication/adapterinfos.
func (s *Server) ListRegistryProviderInfos(context.Context, gen.ListRegistryProviderInfosRequestObject) (gen.ListRegistryProviderInfosResponseObject, error) {
	answer := gen.ListRegistryProviderInfos200JSONResponse{}
	for kind, p := range remote.Patterns() {
		info := gen.RegistryProviderInfo{}
		if p.EndpointType != "" {
			info.EndpointPattern = &gen.RegistryProviderEndpointPattern{
				EndpointType: p.EndpointType, Endpoints: each(p.Endpoints, func(a remote.Address) gen.RegistryEndpoint { return gen.RegistryEndpoint{Key: a.Key, Value: a.URL} }),
			}
		}
		if c := p.Credential; c != nil {
			info.CredentialPattern = &gen.RegistryProviderCredentialPattern{AccessKeyType: c.KeyType, AccessKeyData: c.Key, AccessSecretType: c.SecretType, AccessSecretData: c.Secret}
		}
		answer[string(kind)] = info
	}
	return answer, nil
}

// registryJSON is an endpoint as the API shows it: never with its secret.
func registryJSON(e endpoint.Endpoint) gen.Registry {
	answer := gen.Registry{
		ID: e.ID, Name: e.Name, Type: string(e.Kind), URL: e.URL, Description: e.Description, Insecure: e.Insecure, CaCertificate: e.CACertificate,
		Status: "healthy", Complaint: e.Complaint, CreationTime: wire.TimeIfAny(e.CreatedAt), UpdateTime: wire.TimeIfAny(e.UpdatedAt),
	}
	if !e.Healthy() {
		answer.Status = "unhealthy"
	}
	if c := e.Credential; c.Type != "" || c.AccessKey != "" || e.HasSecret() {
		answer.Credential = &gen.RegistryCredential{Type: c.Type, AccessKey: c.AccessKey}
		if e.HasSecret() {
			answer.Credential.AccessSecret = endpoint.Hidden
		}
	}
	return answer
}
