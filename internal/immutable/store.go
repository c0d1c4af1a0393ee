package immutable

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
)

const ruleFields = `id, project_id, priority, disabled, action, template, params, tags, scope, no_move, no_delete, hold_until, reason,
	created_by, created_at, updated_at, release_by, release_account, release_reason, release_at`

// Harbor's clients see the rules that are Harbor's.
const harbors = `no_move AND no_delete AND hold_until = 0`

const (
	oneRule    = `SELECT ` + ruleFields + ` FROM immutable_rule WHERE project_id = $1 AND id = $2`
	rulesOf    = `SELECT ` + ruleFields + ` FROM immutable_rule WHERE project_id = $1 AND NOT disabled ORDER BY id`
	countRules = `SELECT COUNT(*) FROM immutable_rule WHERE project_id = $1`
	sameRule   = `SELECT id FROM immutable_rule WHERE project_id = $1 AND says = $2 AND id <> $3`
	insertRule = `INSERT INTO immutable_rule (project_id, priority, disabled, action, template, params, tags, scope, says, no_move, no_delete, hold_until,
			reason, created_by, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15) RETURNING id`
	updateRule = `UPDATE immutable_rule SET priority = $2, disabled = $3, action = $4, template = $5, params = $6, tags = $7, scope = $8, says = $9,
		no_move = $10, no_delete = $11, release_at = CASE WHEN hold_until = $12 THEN release_at ELSE 0 END, hold_until = $12, reason = $13, updated_at = $14
		WHERE id = $1`
	deleteRule  = `DELETE FROM immutable_rule WHERE id = $1`
	askRelease  = `UPDATE immutable_rule SET release_by = $2, release_account = $3, release_reason = $4, release_at = $5 WHERE id = $1`
	endHold     = `UPDATE immutable_rule SET hold_until = $2, updated_at = $2 WHERE id = $1`
	lastHold    = `SELECT COALESCE(MAX(hold_until), 0) FROM immutable_rule WHERE project_id = $1 AND NOT disabled`
	versionOf   = `SELECT version FROM immutable_version WHERE project_id = $1`
	setVersion  = `INSERT INTO immutable_version (project_id, version) VALUES ($1, $2) ON CONFLICT (project_id) DO UPDATE SET version = excluded.version`
	dropVersion = `DELETE FROM immutable_version WHERE project_id = $1`
	isCache     = `SELECT registry_id <> 0 FROM project WHERE id = $1`
)

func ruleListing() db.Listing {
	return db.Listing{
		Fields: ruleFields,
		From:   "immutable_rule",
		Columns: map[string]db.Column{
			"id":            {Expr: "id", Kind: db.Int},
			"priority":      {Expr: "priority", Kind: db.Int},
			"disabled":      {Expr: "disabled", Kind: db.Bool},
			"creation_time": {Expr: "created_at", Kind: db.Timestamp},
			"update_time":   {Expr: "updated_at", Kind: db.Timestamp},
		},
		Default: "id",
		Tie:     "id",
	}
}

// HasKey reports whether List filters and sorts by key.
func HasKey(key string) bool { return ruleListing().Has(key) }

func scanRule(r db.Row) (v Rule, err error) {
	var params, tags, scope string
	if err = r.Scan(&v.ID, &v.ProjectID, &v.Priority, &v.Disabled, &v.Action, &v.Template, &params, &tags, &scope, &v.NoMove, &v.NoDelete, db.ScanTime(&v.HoldUntil),
		&v.Reason, &v.CreatedBy, db.ScanTime(&v.CreatedAt), db.ScanTime(&v.UpdatedAt), &v.Release.By, &v.Release.account, &v.Release.Reason, db.ScanTime(&v.Release.At)); err != nil {
		return v, err
	}
	for text, into := range map[string]any{params: &v.Params, tags: &v.Tags, scope: &v.Scope} {
		if err := json.Unmarshal([]byte(text), into); err != nil {
			return v, fmt.Errorf("read rule %d: %w", v.ID, err)
		}
	}
	return v, nil
}

func load(ctx context.Context, tx db.Tx, projectID, id int64) (Rule, error) {
	r, err := db.Get(ctx, tx, scanRule, oneRule, projectID, id)
	if errors.Is(err, db.ErrNotFound) {
		err = fault.NotFoundf("immutable rule %d not found", id)
	}
	return r, err
}

// add writes a rule, with its ID if it has one, where the project can have it and no other one says the same.
func (r Rule) add(ctx context.Context, tx db.Tx) (int64, error) {
	cache, err := db.Get(ctx, tx, db.ScanBool, isCache, r.ProjectID)
	if err != nil {
		return 0, err
	}
	if cache {
		return 0, fault.Invalidf("the project is a cache: its tags follow the registry elsewhere")
	}
	n, err := db.Get(ctx, tx, db.ScanInt, countRules, r.ProjectID)
	if err != nil {
		return 0, err
	}
	if n >= maxRules {
		return 0, fault.Invalidf("a project has at most %d immutable rules", maxRules)
	}
	if err := r.alone(ctx, tx); err != nil {
		return 0, err
	}
	return db.Insert(ctx, tx, r.ID, insertRule, r.ProjectID, r.Priority, r.Disabled, r.Action, r.Template, encode(r.Params), encode(r.Tags), encode(r.Scope), r.says(),
		r.NoMove, r.NoDelete, db.Micros(r.HoldUntil), r.Reason, r.CreatedBy, db.Micros(r.CreatedAt))
}

func (r Rule) update(ctx context.Context, tx db.Tx, now int64) error {
	if err := r.alone(ctx, tx); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, updateRule, r.ID, r.Priority, r.Disabled, r.Action, r.Template, encode(r.Params), encode(r.Tags), encode(r.Scope), r.says(),
		r.NoMove, r.NoDelete, db.Micros(r.HoldUntil), r.Reason, now)
	return err
}

func (r Rule) alone(ctx context.Context, tx db.Tx) error {
	same, err := db.Collect(ctx, tx, db.ScanInt, sameRule, r.ProjectID, r.says(), r.ID)
	if err == nil && len(same) > 0 {
		return fault.Conflictf("immutable rule already exists")
	}
	return err
}

// changed makes what any process remembers of the project's rules old. Numbers don't come again but by a chance of one
// in 2^63.
func changed(ctx context.Context, tx db.Tx, projectID int64) error {
	n, err := db.Get(ctx, tx, db.ScanInt, countRules, projectID)
	if err != nil {
		return err
	}
	if n == 0 {
		_, err = tx.Exec(ctx, dropVersion, projectID)
		return err
	}
	_, err = tx.Exec(ctx, setVersion, projectID, 1+rand.Int64N(math.MaxInt64-1))
	return err
}
