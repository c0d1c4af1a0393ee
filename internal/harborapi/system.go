package harborapi

import (
	"context"
	"net/http"
	"strings"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/harborapi/gen"
	"github.com/havenregistry/haven/internal/harborapi/wire"
	"github.com/havenregistry/haven/internal/rest"
	"github.com/havenregistry/haven/internal/setting"
	"github.com/havenregistry/haven/internal/telemetry"
)

// harborVersion is the version of Harbor whose API this is. Clients cut it at the dash and compare; after
// it they expect eight hexadecimal digits.
const harborVersion = "v2.16.0-68617665"

// GetAPIVersion answers GET /api/version.
func (s *Server) GetAPIVersion(context.Context, gen.GetAPIVersionRequestObject) (gen.GetAPIVersionResponseObject, error) {
	return gen.GetAPIVersion200JSONResponse{Version: "v2.0"}, nil
}

// GetPing answers GET /ping.
func (s *Server) GetPing(context.Context, gen.GetPingRequestObject) (gen.GetPingResponseObject, error) {
	return gen.GetPing200TextResponse("Pong"), nil
}

// GetSystemInfo answers GET /systeminfo. What tells of the installation is for signed-in callers.
func (s *Server) GetSystemInfo(ctx context.Context, _ gen.GetSystemInfoRequestObject) (gen.GetSystemInfoResponseObject, error) {
	v, err := s.Settings.Get(ctx)
	if err != nil {
		return nil, err
	}
	info := gen.GeneralInfo{
		AuthMode: new(v.AuthMode()), PrimaryAuthMode: new(v.Bool(setting.PrimaryAuthMode)), SelfRegistration: new(v.SelfRegistration()),
		BannerMessage: new(v.Text(setting.BannerMessage)), OidcProviderName: new(v.Text(setting.OIDCName)),
	}
	c := callFrom(ctx)
	if c.Principal.Authenticated() {
		info.HasCaRoot = new(len(s.RootCertificate) > 0)
		info.ProjectCreationRestriction = new(v.ProjectCreationRestriction())
		info.HarborVersion, info.HavenVersion = new(harborVersion), new(telemetry.Version())
		info.ExternalURL = new(c.Scheme + "://" + c.Host)
		info.RegistryURL = new(c.Host)
		info.ReadOnly, info.NotificationEnable = new(v.Bool(setting.ReadOnly)), new(v.Bool(setting.NotificationEnable))
		info.RegistryStorageProviderName = new(s.Storage)
		info.CurrentTime = new(wire.Time(s.Clock()))
		info.StartedAt = new(wire.Time(telemetry.Started()))
	}
	return gen.GetSystemInfo200JSONResponse(info), nil
}

// GetVolumes answers GET /systeminfo/volumes.
func (s *Server) GetVolumes(ctx context.Context, _ gen.GetVolumesRequestObject) (gen.GetVolumesResponseObject, error) {
	total, free, err := s.Volume(ctx)
	return gen.GetVolumes200JSONResponse{Storage: []gen.StorageSpace{{Total: int64(total), Free: int64(free)}}}, err
}

// GetCert answers GET /systeminfo/getcert.
func (s *Server) GetCert(ctx context.Context, _ gen.GetCertRequestObject) (gen.GetCertResponseObject, error) {
	if len(s.RootCertificate) == 0 {
		return nil, rest.Problem{Status: http.StatusNotFound, Code: "NOT_FOUND", Message: "resource not found: no root certificate is configured"}
	}
	callFrom(ctx).Response.Set("Content-Disposition", "attachment; filename=ca.crt")
	return gen.GetCert200ApplicationOctetStreamResponse{
		Body: strings.NewReader(string(s.RootCertificate)), ContentLength: int64(len(s.RootCertificate)),
	}, nil
}

// GetPermissions answers GET /permissions: what robots may be given by who may give it.
func (s *Server) GetPermissions(ctx context.Context, _ gen.GetPermissionsRequestObject) (gen.GetPermissionsResponseObject, error) {
	c := callFrom(ctx)
	c.Decided = true
	if !c.Principal.Authenticated() {
		return nil, authz.ErrUnauthenticated
	}
	if c.Principal.Kind != authz.User {
		return nil, authz.ErrForbidden
	}
	answer := gen.GetPermissions200JSONResponse{Project: each(authz.RobotPermissions(levelProject), permissionJSON)}
	if c.Principal.Admin {
		answer.System = each(authz.RobotPermissions(levelSystem), permissionJSON)
		return answer, nil
	}
	_, ids, err := s.Projects.IDsWith(ctx, c.Principal, c.Access.Permission)
	if err == nil && len(ids) == 0 {
		err = authz.ErrForbidden
	}
	return answer, err
}

func permissionJSON(p authz.Permission) gen.Permission {
	return gen.Permission{Resource: string(p.Resource), Action: string(p.Action)}
}
