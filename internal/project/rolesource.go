package project

import (
	"context"
	"fmt"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
)

// The rows that Roles reads, with the names of groups. An account has few groups that are members of one project.
const roleSources = `SELECT m.role_id, '' AS group_name FROM project_member m JOIN project p ON p.id = m.project_id AND p.deleted_at = 0 WHERE m.account_id = $1 AND m.project_id = $2
	UNION ALL SELECT m.role_id, g.name FROM account_group ag
		JOIN project_member m ON m.group_id = ag.group_id JOIN user_group g ON g.id = ag.group_id JOIN project p ON p.id = m.project_id AND p.deleted_at = 0
		WHERE ag.account_id = $1 AND m.project_id = $2 ORDER BY 2, 1`

func scanHeld(r db.Row) (h authz.Held, err error) { err = r.Scan(&h.Role, &h.Group); return h, err }

// HeldRoles returns the roles that Roles does, each with the group that it comes from.
func (s *Service) HeldRoles(ctx context.Context, accountID, projectID int64) ([]authz.Held, error) {
	held, err := db.Collect(ctx, s.db.Auto(), scanHeld, roleSources, accountID, projectID)
	if err != nil {
		return nil, fmt.Errorf("read where the roles of account %d in project %d come from: %w", accountID, projectID, err)
	}
	return held, nil
}
