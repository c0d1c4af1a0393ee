package workload

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/identity"
)

const (
	policyFields = `w.id, COALESCE(w.project_id, 0), COALESCE(p.name, ''), w.name, w.description, w.issuer, w.audience, w.condition,
	w.key_set, w.life_minutes, w.enabled, w.epoch, w.created_at, w.updated_at`
	policyFrom = `workload_policy w LEFT JOIN project p ON p.id = w.project_id`
	// policyAlive leaves out those of deleted projects.
	policyAlive = `(w.project_id IS NULL OR p.deleted_at = 0)`
)

func policies() db.Listing {
	return db.Listing{
		Fields: policyFields,
		From:   policyFrom,
		Columns: map[string]db.Column{
			"id":            {Expr: "w.id", Kind: db.Int},
			"name":          {Expr: "w.name"},
			"description":   {Expr: "w.description"},
			"issuer":        {Expr: "w.issuer"},
			"audience":      {Expr: "w.audience"},
			"enabled":       {Expr: "w.enabled", Kind: db.Bool},
			"creation_time": {Expr: "w.created_at", Kind: db.Timestamp},
			"update_time":   {Expr: "w.updated_at", Kind: db.Timestamp},
		},
		Default: "w.name",
		Tie:     "w.id",
	}
}

// HasKey reports whether List filters and sorts by key.
func HasKey(key string) bool { return policies().Has(key) }

const (
	policySelect = `SELECT ` + policyFields + ` FROM ` + policyFrom + ` WHERE ` + policyAlive
	policyByID   = policySelect + ` AND w.id = $1`
	ofSystem     = policySelect + ` AND w.name = $1 AND w.project_id IS NULL`
	ofProject    = policySelect + ` AND p.name = $1 AND w.name = $2`
	// Those of the system first, and the oldest, so that nobody's new policy comes before another's.
	ofIssuer = policySelect + ` AND w.issuer = $1 AND w.enabled = TRUE
		ORDER BY CASE WHEN w.project_id IS NULL THEN 0 ELSE 1 END, w.id LIMIT 200`
	ofPlace      = policySelect + ` AND COALESCE(w.project_id, 0) = $1 ORDER BY w.name, w.id LIMIT 200`
	systemIssuer = `SELECT COUNT(*) FROM workload_policy WHERE issuer = $1 AND project_id IS NULL`
	policyCount  = `SELECT COUNT(*) FROM workload_policy WHERE COALESCE(project_id, 0) = $1`

	policyInsert = `INSERT INTO workload_policy (project_id, name, description, issuer, audience, condition, key_set, life_minutes, enabled, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING RETURNING id`
	policyUpdate = `UPDATE workload_policy SET description = $1, issuer = $2, audience = $3, condition = $4, key_set = $5, life_minutes = $6,
		enabled = $7, epoch = epoch + 1, updated_at = $8 WHERE id = $9`
	policyDelete = `DELETE FROM workload_policy WHERE id = $1`

	grantInsert = `INSERT INTO workload_permission (policy_id, kind, project_id, resource, action, effect) VALUES ($1, $2, $3, $4, $5, $6)`
	grantClear  = `DELETE FROM workload_permission WHERE policy_id = $1`
	// A deleted project's entries vanish.
	grantsOf = `SELECT g.policy_id, g.kind, COALESCE(g.project_id, 0), COALESCE(p.name, ''), g.resource, g.action, g.effect
		FROM workload_permission g LEFT JOIN project p ON p.id = g.project_id
		WHERE (g.project_id IS NULL OR p.deleted_at = 0) AND g.policy_id IN (`
)

func scanPolicy(r db.Row) (p Policy, err error) {
	err = r.Scan(&p.ID, &p.ProjectID, &p.ProjectName, &p.Name, &p.Description, &p.Issuer, &p.Audience, &p.Condition,
		&p.KeySet, &p.LifeMinutes, &p.Enabled, &p.Epoch, db.ScanTime(&p.CreatedAt), db.ScanTime(&p.UpdatedAt))
	return p, err
}

func getPolicy(ctx context.Context, tx db.Tx, id int64) (Policy, error) {
	p, err := db.Get(ctx, tx, scanPolicy, policyByID, id)
	if errors.Is(err, db.ErrNotFound) {
		return Policy{}, fault.NotFoundf("policy %d not found", id)
	}
	if err != nil {
		return Policy{}, fmt.Errorf("look up policy %d: %w", id, err)
	}
	return p, nil
}

// candidates are the enabled policies that could let a token of the issuer in: the one of that full name,
// or with "" all.
func candidates(ctx context.Context, tx db.Tx, name, issuer string) ([]Policy, error) {
	query, args := ofIssuer, []any{issuer}
	if project, short, ok := strings.Cut(name, "+"); ok {
		query, args = ofProject, []any{project, short}
	} else if name != "" {
		query, args = ofSystem, []any{name}
	}
	found, err := db.Collect(ctx, tx, scanPolicy, query, args...)
	if err != nil {
		return nil, fmt.Errorf("look up the policies for %s: %w", issuer, err)
	}
	return found, nil
}

type grantRow struct {
	policyID int64
	identity.GrantRow
}

func scanGrant(r db.Row) (g grantRow, err error) {
	a := &g.Access
	err = r.Scan(&g.policyID, &g.Kind, &g.ProjectID, &g.Project, &a.Resource, &a.Action, &a.Effect)
	return g, err
}

// grantRows returns the rows of the policies in one statement, in the order they were given.
func grantRows(ctx context.Context, tx db.Tx, ids ...int64) ([]grantRow, error) {
	marks, args := db.In(0, ids)
	rows, err := db.Collect(ctx, tx, scanGrant, grantsOf+marks+") ORDER BY g.policy_id, g.id", args...)
	if err != nil {
		return nil, fmt.Errorf("look up what policies grant: %w", err)
	}
	return rows, nil
}

// withPermissions fills in the permissions of all policies.
func withPermissions(ctx context.Context, tx db.Tx, list []Policy) error {
	if len(list) == 0 {
		return nil
	}
	ids := make([]int64, len(list))
	for i := range list {
		ids[i] = list[i].ID
	}
	rows, err := grantRows(ctx, tx, ids...)
	if err != nil {
		return err
	}
	of := map[int64][]identity.GrantRow{}
	for _, r := range rows {
		of[r.policyID] = append(of[r.policyID], r.GrantRow)
	}
	for i := range list {
		list[i].Permissions = identity.PermissionsOf(of[list[i].ID])
	}
	return nil
}

func insertGrants(ctx context.Context, tx db.Tx, policyID int64, all []authz.Grant) error {
	for _, g := range all {
		kind, projectID, effect := identity.GrantColumns(g)
		if _, err := tx.Exec(ctx, grantInsert, policyID, kind, projectID, string(g.Resource), string(g.Action), effect); err != nil {
			return fmt.Errorf("insert what the policy grants: %w", err)
		}
	}
	return nil
}
