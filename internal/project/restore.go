package project

import (
	"context"
	"errors"
	"fmt"

	"github.com/havenregistry/haven/internal/db"
)

const restoreProject = `UPDATE project SET public = $2, storage_limit = $3, created_at = $4, updated_at = $4, registry_id = $5 WHERE id = $1`

// Restore makes a project as it was, in a database that is being rebuilt, and returns its id; a project of
// this name becomes as p says. It belongs to the first administrator: whose it was is not known any more.
// Name, Public, StorageLimit, CreatedAt, RegistryID, Metadata and Allowlist of p count.
func (s *Service) Restore(ctx context.Context, p Project) (id int64, err error) {
	err = s.db.Write(ctx, func(tx db.Tx) (err error) {
		id, err = db.Get(ctx, tx, db.ScanInt, `SELECT id FROM project WHERE name = $1 AND deleted_at = 0`, p.Name)
		if errors.Is(err, db.ErrNotFound) {
			if p.OwnerID, err = firstAdmin(ctx, tx); err == nil {
				id, err = s.insert(ctx, tx, p, nil)
			}
		}
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, restoreProject, id, p.Public, p.StorageLimit, db.Micros(p.CreatedAt), p.RegistryID); err != nil {
			return err
		}
		if err := putMetadata(ctx, tx, id, p.Metadata); err != nil {
			return err
		}
		return putAllowlist(ctx, tx, id, p.Allowlist, p.CreatedAt)
	})
	if err != nil {
		return 0, fmt.Errorf("restore project %s: %w", p.Name, err)
	}
	return id, nil
}
