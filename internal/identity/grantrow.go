package identity

import (
	"context"
	"fmt"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
)

// GrantColumns is a grant as tables keep it: kind "system", "project" or "all", the project or NULL, and
// "allow" or "deny".
func GrantColumns(g authz.Grant) (kind string, projectID any, effect string) {
	kind, effect = levelSystem, "allow"
	switch g.Scope {
	case authz.EveryProject:
		kind = kindAll
	case authz.OneProject:
		kind, projectID = levelProject, g.ProjectID
	}
	if g.Deny {
		effect = effectDeny
	}
	return kind, projectID, effect
}

// GrantRow is a grant read back, with the name of its project, "" for the other kinds.
type GrantRow struct {
	Kind      string
	ProjectID int64
	Project   string
	Access    Access
}

// Grant is the row as authz decides by.
func (r GrantRow) Grant() authz.Grant {
	return permissionRow{kind: r.Kind, projectID: r.ProjectID, access: r.Access}.grant()
}

// PermissionsOf gathers rows by their place, as Harbor shows the permissions of a robot.
func PermissionsOf(rows []GrantRow) []RobotPermission {
	var all []RobotPermission
	at := map[string]int{}
	for _, r := range rows {
		p := permissionRow{kind: r.Kind, project: r.Project}
		i, ok := at[p.namespace()]
		if !ok {
			i = len(all)
			at[p.namespace()] = i
			all = append(all, RobotPermission{Kind: p.harborKind(), Namespace: p.namespace()})
		}
		if r.Access.Effect != effectDeny {
			r.Access.Effect = ""
		}
		all[i].Access = append(all[i].Access, r.Access)
	}
	return all
}

// ResolveGrants checks permissions by the rules of robots of the level, "system" or "project", and returns
// them as authz decides by. by must hold what it passes on, else ErrGrantTooBroad.
func ResolveGrants(ctx context.Context, tx db.Tx, by authz.Principal, level string, permissions []RobotPermission) ([]authz.Grant, error) {
	if err := checkPermissions(level, permissions); err != nil {
		return nil, err
	}
	projects, err := projectsOf(ctx, tx, permissions)
	if err != nil {
		return nil, err
	}
	all, err := grants(permissions, projects)
	if err != nil {
		return nil, fmt.Errorf("resolve permissions: %w", err)
	}
	return all, mayPassOn(by, all, level)
}
