package retention

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
)

const (
	policyFields   = `SELECT r.id, r.project_id, r.algorithm, r.trigger_kind, r.cron, r.rules, r.created_at, r.updated_at FROM retention_policy r JOIN project p ON p.id = r.project_id AND p.deleted_at = 0`
	policyByID     = policyFields + ` WHERE r.id = $1`
	policyOf       = policyFields + ` WHERE r.project_id = $1`
	insertPolicy   = `INSERT INTO retention_policy (project_id, algorithm, trigger_kind, cron, rules, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $6) RETURNING id`
	updatePolicy   = `UPDATE retention_policy SET algorithm = $2, trigger_kind = $3, cron = $4, rules = $5, updated_at = $6 WHERE id = $1`
	deletePolicy   = `DELETE FROM retention_policy WHERE id = $1`
	projectName    = `SELECT name FROM project WHERE id = $1 AND deleted_at = 0`
	repositoriesOf = `SELECT name FROM repository WHERE project_id = $1 AND NOT hidden AND name > $2 ORDER BY name LIMIT $3`
)

// repositoryPage is how many names of repositories are read at once.
const repositoryPage = 1000

func scanPolicy(r db.Row) (p Policy, err error) {
	var rules string
	if err := r.Scan(&p.ID, &p.ProjectID, &p.Algorithm, &p.TriggerKind, &p.Cron, &rules, db.ScanTime(&p.CreatedAt), db.ScanTime(&p.UpdatedAt)); err != nil {
		return p, err
	}
	if err := json.Unmarshal([]byte(rules), &p.Rules); err != nil {
		return p, fmt.Errorf("read the rules of retention policy %d: %w", p.ID, err)
	}
	return p, nil
}

func load(ctx context.Context, tx db.Tx, id int64) (Policy, error) {
	p, err := db.Get(ctx, tx, scanPolicy, policyByID, id)
	if errors.Is(err, db.ErrNotFound) {
		err = fault.NotFoundf("retention policy %d not found", id)
	}
	return p, err
}

func nameOf(ctx context.Context, tx db.Tx, projectID int64) (string, error) {
	name, err := db.Get(ctx, tx, db.ScanString, projectName, projectID)
	if errors.Is(err, db.ErrNotFound) {
		err = fault.Invalidf("project %d not found", projectID)
	}
	return name, err
}

// eachRepository hands out the names of a project's repositories, in order.
func eachRepository(ctx context.Context, tx db.Tx, projectID int64, yield func(name string) error) error {
	for last := ""; ; {
		names, err := db.Collect(ctx, tx, db.ScanString, repositoriesOf, projectID, last, repositoryPage)
		if err != nil {
			return fmt.Errorf("read the repositories of project %d: %w", projectID, err)
		}
		for _, name := range names {
			if err := yield(name); err != nil {
				return err
			}
		}
		if len(names) < repositoryPage {
			return nil
		}
		last = names[len(names)-1]
	}
}
