package authz

import (
	"context"
	"errors"
	"slices"
)

// Because says why something is allowed or refused.
type Because string

// The reasons that allow.
const (
	Administrator Because = "system_administrator" // is one
	PublicProject Because = "public_project"       // everybody may in a public project
	RoleHolds     Because = "role"                 // a role holds the permission
	GrantHolds    Because = "grant"                // a robot was granted it
)

// The reasons that refuse.
const (
	GrantDenies Because = "denied"             // a robot's grant takes away what others give
	NoGrant     Because = "no_grant"           // none of the robot's grants is about it
	RoleLacks   Because = "role_lacks"         // a role doesn't hold the permission
	NoRole      Because = "no_role"            // there is no role in the project
	NotPublic   Because = "not_public"         // everybody may in public projects, but this one isn't
	AdminOnly   Because = "administrator_only" // no role holds it: only system administrators do, and robots that were granted it
	NotSignedIn Because = "not_signed_in"      // nobody is known to ask
	V2Only      Because = "registry_only"      // a docker token is good for /v2/ alone
	Narrowed    Because = "narrowed"           // a personal token is limited to less
)

// Held is a role in a project and where it comes from.
type Held struct {
	Role  Role
	Group string // the group that brings it, "" for the account's own membership
}

// Reason is one reason for or against.
type Reason struct {
	Because Because
	Held    Held // for RoleHolds and RoleLacks
	Number  int  // for GrantHolds and GrantDenies: which of the principal's grants, from 1
	Grant   Grant
}

// Allows reports whether r speaks for the permission.
func (r Reason) Allows() bool {
	return slices.Contains([]Because{Administrator, PublicProject, RoleHolds, GrantHolds}, r.Because)
}

// Verdict is a decision with its reasons: those for it when it is allowed, else those against.
type Verdict struct {
	Allowed bool
	Reasons []Reason
}

// ExplainProject is Project with the reasons. held are the roles that Roles tells of p, with their sources.
func (a *Authorizer) ExplainProject(ctx context.Context, p Principal, project ProjectObject, perm Permission, held []Held) (Verdict, error) {
	return verdict(a.Project(ctx, p, project, perm), reasonsInProject(p, project, perm, held))
}

// ExplainSystem is System with the reasons.
func (a *Authorizer) ExplainSystem(p Principal, perm Permission) (Verdict, error) {
	return verdict(a.System(p, perm), reasonsInSystem(p, perm))
}

// verdict takes the decision as it was made. The reasons never decide.
func verdict(decision error, reasons []Reason) (Verdict, error) {
	v := Verdict{Allowed: decision == nil}
	if decision != nil && !errors.Is(decision, ErrForbidden) && !errors.Is(decision, ErrUnauthenticated) {
		return v, decision
	}
	for _, r := range reasons {
		if r.Allows() == v.Allowed {
			v.Reasons = append(v.Reasons, r)
		}
	}
	return v, nil
}

func reasonsInSystem(p Principal, perm Permission) []Reason {
	switch {
	case p.Kind == User && p.Admin:
		return []Reason{{Because: Administrator}}
	case p.Kind == Robot:
		return grantReasons(p, perm, inSystem)
	case p.Kind == Personal && p.Owner != nil && !p.limitsAllow(perm, inSystem):
		return []Reason{{Because: Narrowed}}
	case p.Kind == Personal && p.Owner != nil:
		return reasonsInSystem(*p.Owner, perm)
	}
	return []Reason{{Because: AdminOnly}}
}

func reasonsInProject(p Principal, project ProjectObject, perm Permission, held []Held) []Reason {
	var all []Reason
	if p.Kind == Bearer {
		return []Reason{{Because: V2Only}}
	}
	if p.Kind == User && p.Admin {
		return []Reason{{Because: Administrator}}
	}
	if p.Kind == Personal && p.Owner != nil && p.limitsAllow(perm, inProject(project.ID)) {
		return reasonsInProject(*p.Owner, project, perm, held)
	}
	i := slices.IndexFunc(projectRules, func(r rule) bool { return r.Permission == perm })
	if i >= 0 && projectRules[i].public {
		open := Reason{Because: NotPublic}
		if holds(projectRules[i], nil, project.Public) {
			open.Because = PublicProject
		}
		all = append(all, open)
	}
	switch p.Kind {
	case Robot:
		return append(all, grantReasons(p, perm, inProject(project.ID))...)
	case User:
		if i < 0 {
			return append(all, Reason{Because: AdminOnly})
		}
		return append(all, roleReasons(projectRules[i], held)...)
	case Personal:
		return append(all, Reason{Because: Narrowed})
	}
	return append(all, Reason{Because: NotSignedIn})
}

func roleReasons(r rule, held []Held) []Reason {
	if len(held) == 0 {
		return []Reason{{Because: NoRole}}
	}
	all := make([]Reason, len(held))
	for i, h := range held {
		all[i] = Reason{Because: RoleLacks, Held: h}
		if holds(r, []Role{h.Role}, false) {
			all[i].Because = RoleHolds
		}
	}
	return all
}

// grantReasons asks granted about each grant by itself, and about all.
func grantReasons(p Principal, perm Permission, where func(Grant) bool) []Reason {
	want := GrantHolds
	if !p.granted(perm, where) {
		want = GrantDenies
	}
	var all []Reason
	for i, g := range p.Grants {
		alone := Principal{Kind: Robot, ProjectID: p.ProjectID, Grants: []Grant{g}}
		because := Because("")
		switch {
		case g.Deny && g.Permission == perm && where(g):
			because = GrantDenies
		case alone.granted(perm, where):
			because = GrantHolds
		}
		if because == want {
			all = append(all, Reason{Because: because, Number: i + 1, Grant: g})
		}
	}
	if len(all) == 0 {
		return []Reason{{Because: NoGrant}}
	}
	return all
}
