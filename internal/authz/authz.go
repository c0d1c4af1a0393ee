package authz

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// The two ways to be refused. Edges answer 401 for the first and 403 for the second.
var (
	ErrUnauthenticated = errors.New("unauthorized")
	ErrForbidden       = errors.New("forbidden")
)

// Roles tells the project roles of an account, its own and those of its groups. Package project
// implements it.
type Roles interface {
	Roles(ctx context.Context, accountID, projectID int64) ([]Role, error)
}

// ProjectObject is a loaded project, as far as a decision needs it (S1: the caller loads it, and never
// takes the id from a request alone).
type ProjectObject struct {
	ID     int64
	Public bool
}

// Authorizer is the one decision. It is safe for concurrent use.
type Authorizer struct{ roles Roles }

// New returns an Authorizer that asks roles.
func New(roles Roles) *Authorizer { return &Authorizer{roles: roles} }

// Project decides whether p may use perm in the project: nil, ErrUnauthenticated or ErrForbidden. A
// failure to find out is another error, and a refusal too.
func (a *Authorizer) Project(ctx context.Context, p Principal, project ProjectObject, perm Permission) error {
	ok, err := a.inProject(ctx, p, project, perm)
	if err != nil {
		return fmt.Errorf("decide %s:%s in project %d: %w", perm.Resource, perm.Action, project.ID, err)
	}
	return refuseUnless(ok, p)
}

// System decides whether p may use perm outside of any project.
func (a *Authorizer) System(p Principal, perm Permission) error {
	return refuseUnless(system(p, perm), p)
}

func system(p Principal, perm Permission) bool {
	switch p.Kind {
	case User:
		return p.Admin
	case Robot:
		return p.granted(perm, inSystem)
	case Personal:
		return p.Owner != nil && p.limitsAllow(perm, inSystem) && system(*p.Owner, perm)
	}
	return false
}

// Permissions lists what p may do in the project, in the order of the table.
func (a *Authorizer) Permissions(ctx context.Context, p Principal, project ProjectObject) ([]Permission, error) {
	if p.Kind == Personal {
		return a.personal(ctx, p, project)
	}
	var all []Permission
	roles, err := a.rolesOf(ctx, p, project)
	if err != nil {
		return nil, err
	}
	for _, r := range projectRules {
		if p.Admin || holds(r, roles, project.Public) || p.Kind == Robot && p.granted(r.Permission, inProject(project.ID)) {
			all = append(all, r.Permission)
		}
	}
	return all, nil
}

// personal lists what a personal token may do in the project: a part of what its owner may.
func (a *Authorizer) personal(ctx context.Context, p Principal, project ProjectObject) ([]Permission, error) {
	var all []Permission
	for _, r := range projectRules {
		ok, err := a.inProject(ctx, p, project, r.Permission)
		if err != nil {
			return nil, err
		}
		if ok {
			all = append(all, r.Permission)
		}
	}
	return all, nil
}

// Repository decides a pull, push or delete on /v2/: by the token's grant when p is a token, else as
// Project does. name is the repository's full name.
func (a *Authorizer) Repository(ctx context.Context, p Principal, project ProjectObject, name string, action Action) error {
	if p.Kind != Bearer {
		return a.Project(ctx, p, project, Permission{Repository, action})
	}
	if id, ok := p.Granted(name, action); ok && id == project.ID {
		return nil
	}
	return ErrUnauthenticated // the client is to fetch a token with this scope
}

// Granted reports whether p is a token that grants the action in the repository, by its full name, and
// returns the project, which exists: that is Repository's decision for those who haven't loaded it.
func (p Principal) Granted(repository string, action Action) (projectID int64, ok bool) {
	if p.Kind != Bearer {
		return 0, false
	}
	for _, g := range p.Token {
		if g.Repository == repository && slices.Contains(g.Actions, action) {
			return g.ProjectID, true
		}
	}
	return 0, false
}

func (a *Authorizer) inProject(ctx context.Context, p Principal, project ProjectObject, perm Permission) (bool, error) {
	switch p.Kind {
	case Bearer: // rights of a token end at /v2/
		return false, nil
	case Robot:
		if p.granted(perm, inProject(project.ID)) {
			return true, nil
		}
	case User:
		if p.Admin {
			return true, nil
		}
	case Personal:
		if p.Owner != nil && p.limitsAllow(perm, inProject(project.ID)) {
			return a.inProject(ctx, *p.Owner, project, perm)
		}
	}
	i := slices.IndexFunc(projectRules, func(r rule) bool { return r.Permission == perm })
	if i < 0 {
		return false, nil
	}
	if projectRules[i].public && project.Public {
		return true, nil
	}
	roles, err := a.rolesOf(ctx, p, project)
	return holds(projectRules[i], roles, false), err
}

func (a *Authorizer) rolesOf(ctx context.Context, p Principal, project ProjectObject) ([]Role, error) {
	if p.Kind != User || p.Admin {
		return nil, nil
	}
	return a.roles.Roles(ctx, p.ID, project.ID)
}

func holds(r rule, roles []Role, public bool) bool {
	return public && r.public || slices.ContainsFunc(roles, r.roles.has)
}

// granted reports whether the robot's grants that hold where allow perm and none denies it. For a robot
// that belongs to a project push implies pull, as docker can't push without it.
func (p Principal) granted(perm Permission, where func(Grant) bool) bool {
	allowed := false
	for _, g := range p.Grants {
		if !where(g) {
			continue
		}
		if g.Permission == perm && g.Deny {
			return false
		}
		implied := p.ProjectID != 0 && perm == Permission{Repository, Pull} && g.Permission == Permission{Repository, Push}
		if !g.Deny && (g.Permission == perm || implied) {
			allowed = true
		}
	}
	return allowed
}

func inSystem(g Grant) bool { return g.Scope == System }

func inProject(id int64) func(Grant) bool {
	return func(g Grant) bool { return g.Scope == EveryProject || g.Scope == OneProject && g.ProjectID == id }
}

func refuseUnless(ok bool, p Principal) error {
	switch {
	case ok:
		return nil
	case p.Authenticated():
		return ErrForbidden
	default:
		return ErrUnauthenticated
	}
}
