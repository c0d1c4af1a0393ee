package identity

import (
	"context"
	"fmt"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
)

const (
	personalFields = `t.id, t.account_id, t.name, t.hint, t.expires_at, t.created_at, COALESCE(u.used_at, 0)`
	personalFrom   = `personal_token t LEFT JOIN personal_token_use u ON u.token_id = t.id`
)

// personalTokens is the listing of tokens; their hashes are not in its reach.
var personalTokens = db.Listing{
	Fields: personalFields,
	From:   personalFrom,
	Columns: map[string]db.Column{
		"id":            {Expr: "t.id", Kind: db.Int},
		"name":          {Expr: "t.name"},
		"hint":          {Expr: "t.hint"},
		"expires_at":    {Expr: "t.expires_at", Kind: db.Timestamp},
		"creation_time": {Expr: "t.created_at", Kind: db.Timestamp},
		"last_used_at":  {Expr: "COALESCE(u.used_at, 0)", Kind: db.Timestamp},
	},
	Default: "t.created_at DESC",
	Tie:     "t.id DESC",
}

// HasPersonalTokenKey reports whether ListPersonalTokens filters and sorts by key.
func HasPersonalTokenKey(key string) bool { return personalTokens.Has(key) }

const (
	personalByID   = `SELECT ` + personalFields + ` FROM ` + personalFrom + ` WHERE t.id = $1`
	personalByHash = `SELECT ` + personalFields + ` FROM ` + personalFrom + ` WHERE t.hash = $1`
	personalCount  = `SELECT COUNT(*) FROM personal_token WHERE account_id = $1`
	// Nothing is inserted when the account changed after the principal was read.
	personalInsert = `INSERT INTO personal_token (account_id, name, hash, hint, expires_at, created_at)
		SELECT a.id, $1, $2, $3, $4, $5 FROM account a WHERE a.id = $6 AND a.epoch = $7 AND ` + inUse + `
		ON CONFLICT (account_id, name) DO NOTHING RETURNING id`
	personalTaken     = `SELECT COUNT(*) FROM personal_token WHERE account_id = $1 AND name = $2`
	personalDelete    = `DELETE FROM personal_token WHERE id = $1`
	personalDeleteAll = `DELETE FROM personal_token WHERE account_id = $1`
	personalSweep     = `DELETE FROM personal_token WHERE id IN
		(SELECT id FROM personal_token WHERE expires_at > 0 AND expires_at < $1 ORDER BY expires_at LIMIT 100)`
	// The epoch that a docker token made with a personal one is bound to: none when that one is over.
	personalEpoch = `SELECT 0, a.epoch FROM personal_token t JOIN account a ON a.id = t.account_id
		WHERE t.id = $1 AND (t.expires_at = 0 OR t.expires_at > $2) AND ` + inUse

	limitInsert = `INSERT INTO personal_token_permission (token_id, kind, project_id, resource, action) VALUES ($1, $2, $3, $4, $5)`
	// A deleted project's entries vanish.
	limitsOf = `SELECT l.token_id, l.kind, COALESCE(l.project_id, 0), COALESCE(p.name, ''), l.resource, l.action
		FROM personal_token_permission l LEFT JOIN project p ON p.id = l.project_id
		WHERE (l.project_id IS NULL OR p.deleted_at = 0) AND l.token_id IN (`
)

func scanPersonal(r db.Row) (t PersonalToken, err error) {
	err = r.Scan(&t.ID, &t.AccountID, &t.Name, &t.Hint, db.ScanTime(&t.ExpiresAt), db.ScanTime(&t.CreatedAt), db.ScanTime(&t.UsedAt))
	return t, err
}

type limitRow struct {
	tokenID int64
	kind    string
	limit   Limit
}

func scanLimit(r db.Row) (v limitRow, err error) {
	var resource, action string
	err = r.Scan(&v.tokenID, &v.kind, &v.limit.ProjectID, &v.limit.Project, &resource, &action)
	v.limit.Permission = authz.Permission{Resource: authz.Resource(resource), Action: authz.Action(action)}
	switch v.kind {
	case levelSystem:
		v.limit.Scope = authz.System
	case kindAll:
		v.limit.Scope = authz.EveryProject
	default:
		v.limit.Scope = authz.OneProject
	}
	return v, err
}

// withLimits fills in the limits of all tokens, in one statement.
func withLimits(ctx context.Context, tx db.Tx, list []PersonalToken) error {
	if len(list) == 0 {
		return nil
	}
	at, ids := map[int64]*PersonalToken{}, make([]int64, len(list))
	for i := range list {
		ids[i], at[list[i].ID] = list[i].ID, &list[i]
	}
	marks, args := db.In(0, ids)
	rows, err := db.Collect(ctx, tx, scanLimit, limitsOf+marks+") ORDER BY l.token_id, l.id", args...)
	if err != nil {
		return fmt.Errorf("look up what tokens are limited to: %w", err)
	}
	for _, v := range rows {
		at[v.tokenID].Limits = append(at[v.tokenID].Limits, v.limit)
	}
	return nil
}

func insertLimits(ctx context.Context, tx db.Tx, tokenID int64, limits []authz.Grant) error {
	for _, g := range limits {
		var projectID any
		kind := levelSystem
		switch g.Scope {
		case authz.EveryProject:
			kind = kindAll
		case authz.OneProject:
			kind, projectID = levelProject, g.ProjectID
		}
		if _, err := tx.Exec(ctx, limitInsert, tokenID, kind, projectID, string(g.Resource), string(g.Action)); err != nil {
			return fmt.Errorf("insert what a token is limited to: %w", err)
		}
	}
	return nil
}

// sweepTokens removes tokens that expired long ago.
func (s *Service) sweepTokens(ctx context.Context) error {
	err := s.db.Write(ctx, func(tx db.Tx) error {
		_, err := tx.Exec(ctx, personalSweep, db.Micros(s.clock().Add(-deadTokensFor)))
		return err
	})
	if err != nil {
		return fmt.Errorf("remove expired tokens: %w", err)
	}
	return nil
}

func (t PersonalToken) usable(now time.Time) bool { return !expired(t.ExpiresAt, now) }
