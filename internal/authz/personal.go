package authz

import "slices"

// AnyResource and AnyAction, together, are all rights of a place, in the limits of a personal token only.
const (
	AnyResource Resource = "*"
	AnyAction   Action   = "*"
)

// AccountID is the account that p acts for: a user's, or that of a personal token's owner; 0 for others.
func (p Principal) AccountID() int64 {
	if p.Kind == User || p.Kind == Personal {
		return p.ID
	}
	return 0
}

// MayEverywhere reports whether p may use perm in every project, there or not.
func (p Principal) MayEverywhere(perm Permission) bool {
	switch p.Kind {
	case User:
		return p.Admin
	case Personal:
		return p.Owner != nil && p.Owner.Admin && p.limitsAllow(perm, inAnyProject)
	}
	return false
}

// limitsAllow reports whether a personal token's limits that hold where let perm pass. Who may push may
// pull, as docker can't push without it.
func (p Principal) limitsAllow(perm Permission, where func(Grant) bool) bool {
	return slices.ContainsFunc(p.Limits, func(g Grant) bool { return where(g) && !g.Deny && g.passes(perm) })
}

func (g Grant) passes(perm Permission) bool {
	return g.Permission == perm || g.Permission == Permission{AnyResource, AnyAction} || g.Permission == pushPermission && perm == pullPermission
}

// Allows reports whether the token's limits let perm pass outside of projects.
func (p Principal) Allows(perm Permission) bool { return p.limitsAllow(perm, inSystem) }

// AllowsIn returns the projects where the token's limits let perm pass: all, or these. What its owner may
// there is another question.
func (p Principal) AllowsIn(perm Permission) (all bool, projectIDs []int64) {
	for _, g := range p.Limits {
		switch {
		case g.Deny || !g.passes(perm):
		case g.Scope == EveryProject:
			return true, nil
		case g.Scope == OneProject && !slices.Contains(projectIDs, g.ProjectID):
			projectIDs = append(projectIDs, g.ProjectID)
		}
	}
	return false, projectIDs
}

// AllowedProjects returns the projects that the token's limits let anything pass in: all, or these.
func (p Principal) AllowedProjects() (all bool, projectIDs []int64) {
	for _, g := range p.Limits {
		switch {
		case g.Deny:
		case g.Scope == EveryProject:
			return true, nil
		case g.Scope == OneProject && !slices.Contains(projectIDs, g.ProjectID):
			projectIDs = append(projectIDs, g.ProjectID)
		}
	}
	return false, projectIDs
}

// limitsCover reports whether the token may pass g on to a robot: its limits let g pass, there and wherever
// else g holds.
func (p Principal) limitsCover(g Grant) bool {
	return slices.ContainsFunc(p.Limits, func(own Grant) bool { return !own.Deny && own.contains(g) && own.passes(g.Permission) })
}

func inAnyProject(g Grant) bool { return g.Scope == EveryProject }

// PersonalMayHold reports whether a personal token's entry of the kind ("system" or "project") may hold
// perm: any right that there is, and all of them together.
func PersonalMayHold(kind string, perm Permission) bool {
	if perm == (Permission{AnyResource, AnyAction}) {
		return kind == "system" || kind == "project"
	}
	switch kind {
	case "project":
		return RobotMayHold(kind, perm) || slices.ContainsFunc(projectRules, func(r rule) bool { return r.Permission == perm })
	case "system":
		return RobotMayHold(kind, perm) || perm == Permission{SystemConfig, Read} || perm == Permission{SystemConfig, Update} ||
			perm == Permission{RobotAccount, Update}
	}
	return false
}
