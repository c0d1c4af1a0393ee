package harborapi

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/harborapi/gen"
)

// GetCurrentUserPermissions answers GET /users/current/permissions for a scope /system or /project/{id}. A
// scope that isn't there holds no permissions.
func (s *Server) GetCurrentUserPermissions(ctx context.Context, r gen.GetCurrentUserPermissionsRequestObject) (gen.GetCurrentUserPermissionsResponseObject, error) {
	scope := strings.TrimRight(r.Params.Scope, "/")
	perms, err := s.permissionsIn(ctx, scope)
	if err != nil {
		return nil, err
	}
	relative := ifTrue(r.Params.Relative)
	return gen.GetCurrentUserPermissions200JSONResponse(each(perms, func(p authz.Permission) gen.Permission {
		return gen.Permission{Resource: scoped(scope, p.Resource, relative), Action: string(p.Action)}
	})), nil
}

func (s *Server) permissionsIn(ctx context.Context, scope string) ([]authz.Permission, error) {
	p := callFrom(ctx).Principal
	if scope == "/system" {
		var held []authz.Permission
		for _, perm := range authz.RobotPermissions(levelSystem) {
			if s.Authorizer.System(p, perm) == nil {
				held = append(held, perm)
			}
		}
		return held, nil
	}
	id, ok := projectScope(scope)
	if !ok {
		return nil, nil
	}
	found, err := s.Projects.Get(ctx, id)
	if errors.Is(err, fault.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return s.Authorizer.Permissions(ctx, p, found.Object())
}

// projectScope reads the id of /project/{id}.
func projectScope(scope string) (id int64, ok bool) {
	text, ok := strings.CutPrefix(scope, "/project/")
	id, err := strconv.ParseInt(text, 10, 64)
	return id, ok && err == nil
}

// scoped spells a resource as a path below its scope, or relative to it; a project itself is a dot there.
func scoped(scope string, r authz.Resource, relative bool) string {
	switch {
	case relative && r == authz.Project && scope != "/system":
		return "."
	case relative:
		return string(r)
	case r == authz.Project && scope != "/system":
		return scope
	default:
		return scope + "/" + string(r)
	}
}
