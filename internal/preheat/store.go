package preheat

import (
	"context"
	"errors"
	"fmt"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
)

const (
	instanceFields = `i.id, i.name, i.description, i.vendor, i.endpoint, i.auth_mode, i.auth_info, i.enabled, i.is_default, i.insecure, i.created_at`
	instanceByName = `SELECT ` + instanceFields + ` FROM preheat_instance i WHERE i.name = $1`
	instanceByID   = `SELECT ` + instanceFields + ` FROM preheat_instance i WHERE i.id = $1`
	instanceCount  = `SELECT COUNT(*) FROM preheat_instance`
	allInstances   = `SELECT ` + instanceFields + ` FROM preheat_instance i ORDER BY i.id LIMIT $1`
	insertInstance = `INSERT INTO preheat_instance (name, description, vendor, endpoint, auth_mode, auth_info, enabled, is_default, insecure, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING RETURNING id`
	updateInstance = `UPDATE preheat_instance SET description = $1, vendor = $2, endpoint = $3, auth_mode = $4, auth_info = $5, enabled = $6, is_default = $7,
		insecure = $8 WHERE id = $9`
	noOtherDefault = `UPDATE preheat_instance SET is_default = FALSE WHERE is_default AND id <> $1`
	instanceUsed   = `SELECT EXISTS (SELECT 1 FROM preheat_policy WHERE instance_id = $1)`
	deleteInstance = `DELETE FROM preheat_instance WHERE id = $1`

	policyFields = `p.id, p.project_id, p.name, p.description, p.instance_id, i.name, p.filters, p.trigger_type, p.cron, p.extra_attrs, p.enabled, p.created_at, p.updated_at`
	policyFrom   = ` FROM preheat_policy p JOIN preheat_instance i ON i.id = p.instance_id`
	policyByName = `SELECT ` + policyFields + policyFrom + ` WHERE p.project_id = $1 AND p.name = $2`
	policyByID   = `SELECT ` + policyFields + policyFrom + ` WHERE p.id = $1`
	policyCount  = `SELECT COUNT(*) FROM preheat_policy WHERE project_id = $1`
	policyIDs    = `SELECT id FROM preheat_policy WHERE project_id = $1`
	insertPolicy = `INSERT INTO preheat_policy (project_id, name, description, instance_id, filters, trigger_type, cron, extra_attrs, enabled, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10) ON CONFLICT DO NOTHING RETURNING id`
	updatePolicy = `UPDATE preheat_policy SET name = $1, description = $2, instance_id = $3, filters = $4, trigger_type = $5, cron = $6, extra_attrs = $7, enabled = $8,
		updated_at = $9 WHERE id = $10`
	policyNamed   = `SELECT EXISTS (SELECT 1 FROM preheat_policy WHERE project_id = $1 AND name = $2 AND id <> $3)`
	deletePolicy  = `DELETE FROM preheat_policy WHERE id = $1`
	eventPolicies = `SELECT ` + policyFields + policyFrom + ` WHERE p.project_id = $1 AND p.enabled AND p.trigger_type = 'event_based' ORDER BY p.id LIMIT $2`
)

func instances() db.Listing {
	return db.Listing{
		Fields: instanceFields,
		From:   "preheat_instance i",
		Columns: map[string]db.Column{
			"id":              {Expr: "i.id", Kind: db.Int},
			"name":            {Expr: "i.name"},
			"description":     {Expr: "i.description"},
			"vendor":          {Expr: "i.vendor"},
			"endpoint":        {Expr: "i.endpoint"},
			"enabled":         {Expr: "i.enabled", Kind: db.Bool},
			"default":         {Expr: "i.is_default", Kind: db.Bool},
			"setup_timestamp": {Expr: "i.created_at", Kind: db.Timestamp},
		},
		Default: "i.id",
		Tie:     "i.id",
	}
}

// HasInstanceKey reports whether Instances filters and sorts by key.
func HasInstanceKey(key string) bool { return instances().Has(key) }

func policies() db.Listing {
	return db.Listing{
		Fields: policyFields,
		From:   "preheat_policy p JOIN preheat_instance i ON i.id = p.instance_id",
		Columns: map[string]db.Column{
			"id":            {Expr: "p.id", Kind: db.Int},
			"name":          {Expr: "p.name"},
			"description":   {Expr: "p.description"},
			"enabled":       {Expr: "p.enabled", Kind: db.Bool},
			"provider_id":   {Expr: "p.instance_id", Kind: db.Int},
			"creation_time": {Expr: "p.created_at", Kind: db.Timestamp},
			"update_time":   {Expr: "p.updated_at", Kind: db.Timestamp},
		},
		Default: "p.id",
		Tie:     "p.id",
	}
}

// HasPolicyKey reports whether Policies filters and sorts by key.
func HasPolicyKey(key string) bool { return policies().Has(key) }

func scanInstance(r db.Row) (i Instance, err error) {
	err = r.Scan(&i.ID, &i.Name, &i.Description, &i.Vendor, &i.Endpoint, &i.AuthMode, &i.sealed, &i.Enabled, &i.Default, &i.Insecure, db.ScanTime(&i.CreatedAt))
	return i, err
}

func scanPolicy(r db.Row) (p Policy, err error) {
	err = r.Scan(&p.ID, &p.ProjectID, &p.Name, &p.Description, &p.Instance, &p.InstanceName, &p.Filters, &p.Trigger, &p.Cron, &p.Extra, &p.Enabled,
		db.ScanTime(&p.CreatedAt), db.ScanTime(&p.UpdatedAt))
	return p, err
}

// one reads a row; one that isn't there is fault.NotFound.
func one[T any](ctx context.Context, tx db.Tx, scan func(db.Row) (T, error), what string, query string, args ...any) (T, error) {
	v, err := db.Get(ctx, tx, scan, query, args...)
	if errors.Is(err, db.ErrNotFound) {
		return v, fault.NotFoundf("%s not found", what)
	}
	if err != nil {
		return v, fmt.Errorf("look up %s: %w", what, err)
	}
	return v, nil
}

// insert writes an instance, with its ID if it has one, and its sealed credential.
func (i Instance) insert(ctx context.Context, tx db.Tx, sealed any) (int64, error) {
	id, err := db.Insert(ctx, tx, i.ID, insertInstance, i.Name, i.Description, i.Vendor, i.Endpoint, i.AuthMode, sealed, i.Enabled, i.Default, i.Insecure, db.Micros(i.CreatedAt))
	if errors.Is(err, db.ErrNotFound) {
		err = fault.Conflictf("preheat instance %s already exists", i.Name)
	}
	return id, err
}

// insert writes a policy, with its ID if it has one.
func (p Policy) insert(ctx context.Context, tx db.Tx) (int64, error) {
	id, err := db.Insert(ctx, tx, p.ID, insertPolicy, p.ProjectID, p.Name, p.Description, p.Instance, p.Filters, p.Trigger, p.Cron, p.Extra, p.Enabled, db.Micros(p.CreatedAt))
	if errors.Is(err, db.ErrNotFound) {
		err = fault.Conflictf("preheat policy %s already exists", p.Name)
	}
	return id, err
}
