package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/secret"
)

const (
	policyFields = `id, project_id, name, description, enabled, event_types, creator, created_at, updated_at`
	policyByID   = `SELECT ` + policyFields + ` FROM webhook_policy WHERE id = $1 AND project_id = $2`
	policyCount  = `SELECT COUNT(*) FROM webhook_policy WHERE project_id = $1`
	policyInsert = `INSERT INTO webhook_policy (project_id, name, description, enabled, event_types, creator, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $7) ON CONFLICT (project_id, name) DO NOTHING RETURNING id`
	policyNamed  = `SELECT EXISTS (SELECT 1 FROM webhook_policy WHERE project_id = $1 AND name = $2 AND id <> $3)`
	policyUpdate = `UPDATE webhook_policy SET name = $1, description = $2, enabled = $3, event_types = $4, updated_at = $5 WHERE id = $6`
	policyDelete = `DELETE FROM webhook_policy WHERE id = $1`

	targetFields = `id, policy_id, type, address, auth_header, signing_secret, skip_verify, format, failures, complaint, lost`
	targetInsert = `INSERT INTO webhook_target (policy_id, position, type, address, auth_header, signing_secret, skip_verify, format)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
	// A target that is changed is tried at once.
	targetUpdate = `UPDATE webhook_target SET position = $1, type = $2, address = $3, auth_header = $4, signing_secret = $5, skip_verify = $6, format = $7,
		due_at = CASE WHEN due_at > $8 THEN $8 ELSE due_at END, failures = 0, complaint = '', holder = '', lease_until = 0 WHERE id = $9`
	// One that is taken away is due, so that its deliveries are taken away, too.
	targetRemove  = `UPDATE webhook_target SET position = -1, due_at = $1, holder = '', lease_until = 0 WHERE id = $2`
	targetsRemove = `UPDATE webhook_target SET position = -1, due_at = $1, holder = '', lease_until = 0 WHERE policy_id = $2`
	policyChanged = `UPDATE webhook_change SET version = version + 1 WHERE id = 1`
	version       = `SELECT version FROM webhook_change WHERE id = 1`

	triggersOf = `SELECT t.policy_id, t.event_type, t.at FROM webhook_trigger t JOIN webhook_policy p ON p.id = t.policy_id WHERE p.project_id = $1`
	triggerPut = `INSERT INTO webhook_trigger (policy_id, event_type, at) VALUES ($1, $2, $3)
		ON CONFLICT (policy_id, event_type) DO UPDATE SET at = excluded.at`
	triggersDrop = `DELETE FROM webhook_trigger WHERE policy_id = $1`
)

func policies() db.Listing {
	return db.Listing{
		Fields: policyFields,
		From:   "webhook_policy",
		Columns: map[string]db.Column{
			"id":            {Expr: "id", Kind: db.Int},
			"name":          {Expr: "name"},
			"description":   {Expr: "description"},
			"enabled":       {Expr: "enabled", Kind: db.Bool},
			"creation_time": {Expr: "created_at", Kind: db.Timestamp},
			"update_time":   {Expr: "updated_at", Kind: db.Timestamp},
		},
		Default: "created_at DESC",
		Tie:     "id DESC",
	}
}

// HasPolicyKey reports whether List filters and sorts by key.
func HasPolicyKey(key string) bool { return policies().Has(key) }

func scanPolicy(r db.Row) (p Policy, err error) {
	var types string
	err = r.Scan(&p.ID, &p.ProjectID, &p.Name, &p.Description, &p.Enabled, &types, &p.Creator, db.ScanTime(&p.CreatedAt), db.ScanTime(&p.UpdatedAt))
	if err == nil {
		err = json.Unmarshal([]byte(types), &p.EventTypes)
	}
	return p, err
}

// storedTarget is a row of webhook_target.
type storedTarget struct {
	Target
	policyID           int64
	authHeader, secret []byte
}

func scanTarget(r db.Row) (t storedTarget, err error) {
	err = r.Scan(&t.ID, &t.policyID, &t.Type, &t.Address, &t.authHeader, &t.secret, &t.SkipVerify, &t.Format, &t.Failures, &t.Complaint, &t.Lost)
	return t, err
}

// open is the target with its secrets.
func (t storedTarget) open(box *secret.Box) (v Target, err error) {
	v = t.Target
	for _, each := range []struct {
		sealed []byte
		into   *secret.Text
	}{{t.authHeader, &v.AuthHeader}, {t.secret, &v.Signing}} {
		if len(each.sealed) == 0 {
			continue
		}
		plain, err := box.Open(each.sealed)
		if err != nil {
			return v, fmt.Errorf("open the secrets of webhook target %d: %w", t.ID, err)
		}
		*each.into = secret.Text(plain)
	}
	v.Signed = v.Signing != ""
	return v, nil
}

// sealed is a secret as it is stored, nil for none.
func sealed(box *secret.Box, text secret.Text) []byte {
	if text == "" {
		return nil
	}
	return box.Seal([]byte(text.Reveal()))
}

// getPolicy reads a policy of a project with its targets, or fault.NotFound.
func (s *Service) getPolicy(ctx context.Context, tx db.Tx, projectID, id int64) (Policy, error) {
	p, err := db.Get(ctx, tx, scanPolicy, policyByID, id, projectID)
	if errors.Is(err, db.ErrNotFound) {
		return p, fault.NotFoundf("webhook policy %d not found", id)
	}
	if err != nil {
		return p, fmt.Errorf("get webhook policy %d: %w", id, err)
	}
	all := []Policy{p}
	err = s.addTargets(ctx, tx, all)
	return all[0], err
}

// addTargets adds their targets to policies.
func (s *Service) addTargets(ctx context.Context, tx db.Tx, rows []Policy) error {
	at := make(map[int64]int, len(rows))
	ids := make([]int64, len(rows))
	for i, p := range rows {
		at[p.ID], ids[i] = i, p.ID
	}
	for len(ids) > 0 {
		n := min(len(ids), 64)
		marks, args := db.In(0, padded(ids[:n]))
		ids = ids[n:]
		found, err := db.Collect(ctx, tx, scanTarget, `SELECT `+targetFields+` FROM webhook_target WHERE policy_id IN (`+marks+`) AND position >= 0 ORDER BY policy_id, position`, args...)
		if err != nil {
			return fmt.Errorf("read the targets of webhook policies: %w", err)
		}
		for _, t := range found {
			v, err := t.open(s.Box)
			if err != nil {
				return err
			}
			p := &rows[at[t.policyID]]
			p.Targets = append(p.Targets, v)
		}
	}
	return nil
}
