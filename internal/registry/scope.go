package registry

import (
	"slices"

	"github.com/havenregistry/haven/internal/authz"
)

// ScopeOf is the set of projects whose repositories p may see in listings that span projects. A docker
// token names repositories, not projects: it sees the public ones.
func ScopeOf(p authz.Principal) Scope {
	switch p.Kind {
	case authz.User:
		return Scope{All: p.Admin, Public: true, AccountID: p.ID}
	case authz.Robot:
		return robotScope(p)
	default:
		return Scope{Public: true}
	}
}

func robotScope(p authz.Principal) Scope {
	scope := Scope{Public: true}
	for _, g := range p.Grants {
		listing := g.Permission == authz.Permission{Resource: authz.Repository, Action: authz.ListAll} ||
			g.Permission == authz.Permission{Resource: authz.Repository, Action: authz.Pull}
		switch {
		case g.Scope == authz.System && !g.Deny && g.Permission == authz.Permission{Resource: authz.Catalog, Action: authz.Read}:
			scope.All = true
		case g.Deny || !listing:
		case g.Scope == authz.EveryProject:
			scope.All = true
		case g.Scope == authz.OneProject && !slices.Contains(scope.ProjectIDs, g.ProjectID):
			scope.ProjectIDs = append(scope.ProjectIDs, g.ProjectID)
		}
	}
	return scope
}
