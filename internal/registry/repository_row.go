package registry

import (
	"context"
	"errors"

	"github.com/havenregistry/haven/internal/db"
)

const (
	repositoryID = `SELECT r.id FROM repository r JOIN project p ON p.id = r.project_id
		WHERE r.project_id = $1 AND r.name = $2 AND p.deleted_at = 0`

	// Reading the project's row makes a push that races with the project's end lose, or win and keep it.
	insertRepository = `INSERT INTO repository (project_id, name, created_at, updated_at)
		SELECT id, $2, $3, $3 FROM project WHERE id = $1 AND deleted_at = 0
		ON CONFLICT (project_id, name) DO NOTHING RETURNING id`

	touchRepository = `UPDATE repository SET hidden = FALSE, updated_at = $2, artifact_count = artifact_count + $3 WHERE id = $1`
)

// findRepository returns the id of a repository, hidden or not, or ErrRepositoryUnknown; in a project that
// has ended since the caller was authorised there is none.
func findRepository(ctx context.Context, tx db.Tx, ref Ref) (int64, error) {
	id, err := db.Get(ctx, tx, db.ScanInt, repositoryID, ref.ProjectID, ref.Name)
	if errors.Is(err, db.ErrNotFound) {
		return 0, ErrRepositoryUnknown
	}
	return id, err
}

// ensureRepository returns the id of the repository, making a hidden one when there is none.
func ensureRepository(ctx context.Context, tx db.Tx, ref Ref, now int64) (int64, error) {
	id, err := findRepository(ctx, tx, ref)
	if !errors.Is(err, ErrRepositoryUnknown) {
		return id, err
	}
	id, err = db.Get(ctx, tx, db.ScanInt, insertRepository, ref.ProjectID, ref.Name, now)
	if errors.Is(err, db.ErrNotFound) {
		return findRepository(ctx, tx, ref)
	}
	return id, err
}

// showRepository notes that its artifacts or tags have changed.
func showRepository(ctx context.Context, tx db.Tx, id, now int64) error {
	return growRepository(ctx, tx, id, now, 0)
}

// growRepository is showRepository, and adds to the count of artifacts.
func growRepository(ctx context.Context, tx db.Tx, id, now, more int64) error {
	_, err := tx.Exec(ctx, touchRepository, id, now, more)
	return err
}
