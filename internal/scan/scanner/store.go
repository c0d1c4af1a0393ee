package scanner

import (
	"context"
	"errors"
	"fmt"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
)

const (
	fields = `s.id, s.uuid, s.name, s.url, s.description, s.builtin, s.disabled, s.is_default, s.auth, s.credential,
		s.skip_verify, s.use_internal_addr, s.created_at, s.updated_at`
	selected  = `SELECT ` + fields + ` FROM scanner s WHERE `
	byID      = selected + `s.id = $1`
	byUUID    = selected + `s.uuid = $1`
	byDefault = selected + `s.is_default = TRUE`
	// The one chosen, else the default.
	effective = selected + `s.uuid = $1 OR s.is_default = TRUE ORDER BY CASE WHEN s.uuid = $1 THEN 0 ELSE 1 END LIMIT 1`

	taken  = `SELECT COUNT(*) FROM scanner WHERE (name = $1 OR url = $2) AND id <> $3`
	count  = `SELECT COUNT(*) FROM scanner`
	insert = `INSERT INTO scanner (uuid, name, url, description, disabled, auth, credential, skip_verify, use_internal_addr, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING RETURNING id`
	update = `UPDATE scanner SET name = $1, url = $2, description = $3, disabled = $4, auth = $5, credential = $6, skip_verify = $7,
		use_internal_addr = $8, updated_at = $9 WHERE id = $10`
	remove       = `DELETE FROM scanner WHERE id = $1`
	clearDefault = `UPDATE scanner SET is_default = FALSE WHERE is_default = TRUE`
	setDefault   = `UPDATE scanner SET is_default = TRUE WHERE id = $1`
	ownDefault   = `UPDATE scanner SET is_default = TRUE WHERE builtin = TRUE`
)

func listing() db.Listing {
	return db.Listing{
		Fields: fields,
		From:   "scanner s",
		Columns: map[string]db.Column{
			"uuid":        {Expr: "s.uuid"},
			"name":        {Expr: "s.name"},
			"description": {Expr: "s.description"},
			"url":         {Expr: "s.url"},
			"disabled":    {Expr: "s.disabled", Kind: db.Bool},
			"is_default":  {Expr: "s.is_default", Kind: db.Bool},
			"auth":        {Expr: "s.auth"},
			"create_time": {Expr: "s.created_at", Kind: db.Timestamp},
			"update_time": {Expr: "s.updated_at", Kind: db.Timestamp},
			// As clients of Harbor 1 name them: ex_ is exact.
			"ex_name": {Expr: "s.name"},
			"ex_url":  {Expr: "s.url"},
		},
		Default: "s.id",
		Tie:     "s.id",
	}
}

// HasKey reports whether List filters and sorts by key.
func HasKey(key string) bool { return listing().Has(key) }

func scanScanner(r db.Row) (s Scanner, err error) {
	err = r.Scan(&s.ID, &s.UUID, &s.Name, &s.URL, &s.Description, &s.builtin, &s.Disabled, &s.Default, &s.Auth, &s.sealed,
		&s.SkipVerify, &s.UseInternalAddr, db.ScanTime(&s.CreatedAt), db.ScanTime(&s.UpdatedAt))
	return s, err
}

func get(ctx context.Context, tx db.Tx, query string, key any) (Scanner, error) {
	s, err := db.Get(ctx, tx, scanScanner, query, key)
	if errors.Is(err, db.ErrNotFound) {
		return Scanner{}, fault.NotFoundf("scanner %v not found", key)
	}
	if err != nil {
		return Scanner{}, fmt.Errorf("look up scanner %v: %w", key, err)
	}
	return s, nil
}

// refuseTaken keeps names and addresses apart: reports are told apart by their scanner.
func refuseTaken(ctx context.Context, tx db.Tx, d Draft, id int64) error {
	n, err := db.Get(ctx, tx, db.ScanInt, taken, d.Name, d.URL, id)
	if err != nil {
		return fmt.Errorf("look for scanners like %s: %w", d.Name, err)
	}
	if n > 0 {
		return fault.Conflictf("a scanner with this name or url exists already")
	}
	return nil
}
