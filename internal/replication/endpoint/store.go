package endpoint

import (
	"context"
	"errors"
	"fmt"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
)

const (
	fields = `r.id, r.name, r.kind, r.url, r.description, r.insecure, r.ca_certificate, r.credential_type, r.access_key, r.access_secret,
		r.realm, r.complaint, r.created_at, r.updated_at`
	byID  = `SELECT ` + fields + ` FROM remote_registry r WHERE r.id = $1`
	named = `SELECT COUNT(*) FROM remote_registry WHERE name = $1 AND id <> $2`
	// idByName finds one by its name.
	idByName = `SELECT id FROM remote_registry WHERE name = $1`

	count  = `SELECT COUNT(*) FROM remote_registry`
	insert = `INSERT INTO remote_registry (name, kind, url, description, insecure, ca_certificate, credential_type, access_key, access_secret,
		realm, check_at, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12) ON CONFLICT DO NOTHING RETURNING id`
	update = `UPDATE remote_registry SET name = $1, url = $2, description = $3, insecure = $4, ca_certificate = $5, credential_type = $6,
		access_key = $7, access_secret = $8, realm = $9, complaint = '', check_at = $10, updated_at = $11 WHERE id = $12 AND updated_at = $13`
	remove = `DELETE FROM remote_registry WHERE id = $1`

	due    = `SELECT ` + fields + ` FROM remote_registry r WHERE r.check_at <= $1 ORDER BY r.check_at, r.id LIMIT $2`
	claim  = `UPDATE remote_registry SET check_at = $1 WHERE id = $2 AND check_at <= $3`
	report = `UPDATE remote_registry SET complaint = $1 WHERE id = $2 AND updated_at = $3 AND complaint <> $1`
)

func listing() db.Listing {
	return db.Listing{
		Fields: fields,
		From:   "remote_registry r",
		Columns: map[string]db.Column{
			"id":            {Expr: "r.id", Kind: db.Int},
			"name":          {Expr: "r.name"},
			"type":          {Expr: "r.kind"},
			"url":           {Expr: "r.url"},
			"description":   {Expr: "r.description"},
			"insecure":      {Expr: "r.insecure", Kind: db.Bool},
			"status":        {Expr: "CASE WHEN r.complaint = '' THEN 'healthy' ELSE 'unhealthy' END"},
			"creation_time": {Expr: "r.created_at", Kind: db.Timestamp},
			"update_time":   {Expr: "r.updated_at", Kind: db.Timestamp},
		},
		Default: "r.id",
		Tie:     "r.id",
	}
}

// HasKey reports whether List filters and sorts by key.
func HasKey(key string) bool { return listing().Has(key) }

func scanEndpoint(r db.Row) (e Endpoint, err error) {
	err = r.Scan(&e.ID, &e.Name, &e.Kind, &e.URL, &e.Description, &e.Insecure, &e.CACertificate, &e.Credential.Type, &e.Credential.AccessKey, &e.sealed,
		&e.Realm, &e.Complaint, db.ScanTime(&e.CreatedAt), db.ScanTime(&e.UpdatedAt))
	return e, err
}

func get(ctx context.Context, tx db.Tx, id int64) (Endpoint, error) {
	e, err := db.Get(ctx, tx, scanEndpoint, byID, id)
	if errors.Is(err, db.ErrNotFound) {
		return Endpoint{}, fault.NotFoundf("registry %d not found", id)
	}
	if err != nil {
		return Endpoint{}, fmt.Errorf("look up registry %d: %w", id, err)
	}
	return e, nil
}

func refuseNamed(ctx context.Context, tx db.Tx, name string, id int64) error {
	n, err := db.Get(ctx, tx, db.ScanInt, named, name, id)
	if err != nil {
		return fmt.Errorf("look for registries named %s: %w", name, err)
	}
	if n > 0 {
		return fault.Conflictf("registry %s already exists", name)
	}
	return nil
}
