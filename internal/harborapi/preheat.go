package harborapi

import (
	"context"
	"strconv"
	"time"

	"github.com/havenregistry/haven/internal/harborapi/gen"
	"github.com/havenregistry/haven/internal/preheat"
	"github.com/havenregistry/haven/internal/secret"
)

// ListProviders answers GET /p2p/preheat/providers.
func (s *Server) ListProviders(context.Context, gen.ListProvidersRequestObject) (gen.ListProvidersResponseObject, error) {
	out := gen.ListProviders200JSONResponse{}
	for _, v := range preheat.Vendors() {
		out = append(out, gen.PreheatProvider{ID: v.ID, Name: v.Name, Source: v.Source, Version: v.Version, Icon: v.Icon, Maintainers: v.Maintainers})
	}
	return out, nil
}

// PingInstances answers POST /p2p/preheat/instances/ping.
func (s *Server) PingInstances(ctx context.Context, r gen.PingInstancesRequestObject) (gen.PingInstancesResponseObject, error) {
	return gen.PingInstances200Response{}, s.Preheat.Ping(ctx, instanceFrom(*r.Body))
}

// ListInstances answers GET /p2p/preheat/instances.
func (s *Server) ListInstances(ctx context.Context, _ gen.ListInstancesRequestObject) (gen.ListInstancesResponseObject, error) {
	list, err := listing(ctx, preheat.HasInstanceKey)
	if err != nil {
		return nil, err
	}
	rows, total, err := s.Preheat.Instances(ctx, list)
	if err != nil {
		return nil, err
	}
	paged(ctx, list, total)
	return gen.ListInstances200JSONResponse{Body: each(rows, instanceJSON)}, nil
}

// CreateInstance answers POST /p2p/preheat/instances. Its id in paths is the name.
func (s *Server) CreateInstance(ctx context.Context, r gen.CreateInstanceRequestObject) (gen.CreateInstanceResponseObject, error) {
	if err := s.Preheat.CreateInstance(ctx, callFrom(ctx).Principal, instanceFrom(*r.Body)); err != nil {
		return nil, err
	}
	createdAt(ctx, r.Body.Name)
	return gen.CreateInstance201Response{}, nil
}

// GetInstance answers GET /p2p/preheat/instances/{preheat_instance_name}.
func (s *Server) GetInstance(ctx context.Context, r gen.GetInstanceRequestObject) (gen.GetInstanceResponseObject, error) {
	i, err := s.Preheat.Instance(ctx, r.PreheatInstanceName)
	return gen.GetInstance200JSONResponse(instanceJSON(i)), err
}

// UpdateInstance answers PUT /p2p/preheat/instances/{preheat_instance_name}.
func (s *Server) UpdateInstance(ctx context.Context, r gen.UpdateInstanceRequestObject) (gen.UpdateInstanceResponseObject, error) {
	return gen.UpdateInstance200Response{}, s.Preheat.UpdateInstance(ctx, callFrom(ctx).Principal, r.PreheatInstanceName, instanceFrom(*r.Body))
}

// DeleteInstance answers DELETE /p2p/preheat/instances/{preheat_instance_name}.
func (s *Server) DeleteInstance(ctx context.Context, r gen.DeleteInstanceRequestObject) (gen.DeleteInstanceResponseObject, error) {
	return gen.DeleteInstance200Response{}, s.Preheat.DeleteInstance(ctx, callFrom(ctx).Principal, r.PreheatInstanceName)
}

// ListProvidersUnderProject answers GET /projects/{project_name}/preheat/providers: the instances by name alone.
func (s *Server) ListProvidersUnderProject(ctx context.Context, r gen.ListProvidersUnderProjectRequestObject) (gen.ListProvidersUnderProjectResponseObject, error) {
	if _, err := s.projectNamed(ctx, r.ProjectName); err != nil {
		return nil, err
	}
	rows, err := s.Preheat.AllInstances(ctx)
	if err != nil {
		return nil, err
	}
	out := gen.ListProvidersUnderProject200JSONResponse{}
	for _, i := range rows {
		out = append(out, gen.ProviderUnderProject{ID: i.ID, Provider: i.Vendor + " " + i.Name + "-" + i.Endpoint, Enabled: i.Enabled, Default: i.Default})
	}
	return out, nil
}

func instanceFrom(sent gen.PreheatInstance) preheat.Instance {
	i := preheat.Instance{
		ID: sent.ID, Name: sent.Name, Description: sent.Description, Vendor: sent.Vendor, Endpoint: sent.Endpoint, AuthMode: sent.AuthMode,
		Enabled: sent.Enabled, Default: sent.Default, Insecure: sent.Insecure, AuthInfo: map[string]secret.Text{},
	}
	if i.AuthMode == "" {
		i.AuthMode = preheat.NoAuth
	}
	for name, value := range sent.AuthInfo {
		i.AuthInfo[name] = secret.Text(value)
	}
	return i
}

// instanceJSON never shows the credential. The status is asked for by a ping.
func instanceJSON(i preheat.Instance) gen.PreheatInstance {
	return gen.PreheatInstance{
		ID: i.ID, Name: i.Name, Description: i.Description, Vendor: i.Vendor, Endpoint: i.Endpoint, AuthMode: i.AuthMode, Status: "Unknown",
		Enabled: i.Enabled, Default: i.Default, Insecure: i.Insecure, SetupTimestamp: i.CreatedAt.Unix(),
	}
}

// moment is a time in the texts of preheating: Harbor leaves out the fraction.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func name64(id int64) string { return strconv.FormatInt(id, 10) }
