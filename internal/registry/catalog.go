package registry

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
)

// maxScopeProjects bounds the list of a Scope.
const maxScopeProjects = 1000

// VisibleTo is what a principal may see in listings of repositories over all projects: everything for
// administrators; for others public projects, those they are members of, and those that a robot's
// grants name. A docker token speaks for single repositories only: it adds nothing.
func VisibleTo(p authz.Principal) Scope {
	if p.Kind == authz.User {
		return Scope{All: p.Admin, Public: true, AccountID: p.ID}
	}
	scope := Scope{Public: true}
	for _, g := range p.Grants {
		switch {
		case g.Deny:
		case g.Scope == authz.System && g.Permission == authz.Permission{Resource: authz.Catalog, Action: authz.Read}:
			scope.All = true
		case g.Resource != authz.Repository:
		case g.Scope == authz.EveryProject:
			scope.All = true
		case g.Scope == authz.OneProject && !slices.Contains(scope.ProjectIDs, g.ProjectID):
			scope.ProjectIDs = append(scope.ProjectIDs, g.ProjectID)
		}
	}
	return scope
}

// condition is the scope as SQL on the aliases p of project and r of repository; its placeholders follow n
// others.
func (s Scope) condition(n int) (string, []any) {
	if s.All {
		return "p.deleted_at = 0", nil
	}
	var parts []string
	var args []any
	if s.Public {
		parts = append(parts, "p.public")
	}
	if s.AccountID != 0 {
		args = append(args, s.AccountID)
		parts = append(parts, fmt.Sprintf("EXISTS (SELECT 1 FROM project_member pm WHERE pm.project_id = p.id AND (pm.account_id = $%[1]d OR pm.group_id IN (SELECT ag.group_id FROM account_group ag WHERE ag.account_id = $%[1]d)))", n+len(args)))
	}
	// The last, and alone where one project is listed: an index then has its repositories in order.
	if ids := s.ProjectIDs[:min(len(s.ProjectIDs), maxScopeProjects)]; len(ids) > 0 || len(parts) == 0 {
		marks, more := db.In(n+len(args), ids)
		parts, args = append(parts, "r.project_id IN ("+marks+")"), append(args, more...)
	}
	return "p.deleted_at = 0 AND (" + strings.Join(parts, " OR ") + ")", args
}

// catalogOf walks through projects in the order of an index, and in each through its repositories in the
// order of another: the join is written, and the name compared, so that SQLite does so too. A project's name
// with the slash behind it sorts as the full names of its repositories do: a-b/x comes before a/x.
func catalogOf(scope string) string {
	return `SELECT p.name || '/' || r.name FROM project p CROSS JOIN repository r
		WHERE p.name || '/' >= $1 AND (p.name || '/' > $1 OR r.name > $2) AND r.project_id = p.id AND r.name > '' AND NOT r.hidden AND ` + scope + `
			AND (r.artifact_count > 0 OR EXISTS (SELECT 1 FROM manifest m WHERE m.repository_id = r.id))
		ORDER BY p.name || '/', p.id, r.name LIMIT $3`
}

// Catalog returns up to n full names of repositories in the scope that hold an artifact, behind last in
// byte order, and whether more follow. A negative n means as many as there are, up to MaxNames.
func (s *Service) Catalog(ctx context.Context, scope Scope, last string, n int) (names []string, more bool, err error) {
	n = nameLimit(n)
	where, args := scope.condition(3)
	project, rest, _ := strings.Cut(last, "/")
	if last != "" {
		project += "/"
	}
	names, err = db.Collect(ctx, s.db.Auto(), db.ScanString, catalogOf(where), append([]any{project, rest, n + 1}, args...)...)
	if err != nil {
		return nil, false, fmt.Errorf("list the catalog: %w", err)
	}
	names, more = cut(names, n)
	return names, more, nil
}
