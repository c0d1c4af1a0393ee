package project

import (
	"context"
	"fmt"
	"slices"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
)

// allRoles is the projects and roles of the account $1: its own, and those of the groups that it is in by its
// providers' last word. A role that it holds twice is there twice.
const allRoles = `(SELECT m.project_id, m.role_id FROM project_member m WHERE m.account_id = $1
	UNION ALL SELECT m.project_id, m.role_id FROM account_group ag JOIN project_member m ON m.group_id = ag.group_id WHERE ag.account_id = $1)`

// A deleted project keeps its members, who are nobody there.
const rolesOf = `SELECT m.role_id FROM project_member m JOIN project p ON p.id = m.project_id AND p.deleted_at = 0 WHERE m.account_id = $1 AND m.project_id = $2
	UNION ALL SELECT m.role_id FROM project_member m JOIN project p ON p.id = m.project_id AND p.deleted_at = 0
		JOIN account_group ag ON ag.group_id = m.group_id AND ag.account_id = $1 WHERE m.project_id = $2`

// Roles returns the roles that the account holds in the project, its own and those of its groups. It
// implements authz.Roles.
func (s *Service) Roles(ctx context.Context, accountID, projectID int64) ([]authz.Role, error) {
	held, err := db.Collect(ctx, s.db.Auto(), scanRole, rolesOf, accountID, projectID)
	if err != nil {
		return nil, fmt.Errorf("read roles of account %d in project %d: %w", accountID, projectID, err)
	}
	slices.Sort(held)
	return slices.Compact(held), nil
}

func scanRole(r db.Row) (v authz.Role, err error) { err = r.Scan(&v); return v, err }
