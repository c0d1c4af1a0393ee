package registry

import (
	"context"
	"errors"

	"github.com/havenregistry/haven/internal/db"
)

const (
	tagTarget = `SELECT manifest_id FROM tag WHERE repository_id = $1 AND name = $2`
	upsertTag = `INSERT INTO tag (repository_id, name, manifest_id, pushed_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (repository_id, name) DO UPDATE SET manifest_id = excluded.manifest_id, pushed_at = excluded.pushed_at`
)

// moveTag points the tag to the manifest and returns what it pointed to before, 0 when it is new. A tag
// that points there already keeps its push time, as in Harbor.
func moveTag(ctx context.Context, tx db.Tx, repositoryID int64, name string, manifestID, now int64) (before int64, err error) {
	before, err = db.Get(ctx, tx, db.ScanInt, tagTarget, repositoryID, name)
	if err != nil && !errors.Is(err, db.ErrNotFound) {
		return 0, err
	}
	if before == manifestID {
		return before, nil
	}
	_, err = tx.Exec(ctx, upsertTag, repositoryID, name, manifestID, now)
	return before, err
}

// relisting computes what listings show from the truth: no accessories, and of the rest what is tagged
// or no child of an index. It is the only place where listed is written.
var relisting = inQuery{`UPDATE manifest SET listed = (accessory_of = ''
		AND (EXISTS (SELECT 1 FROM tag t WHERE t.manifest_id = manifest.id)
			OR NOT EXISTS (SELECT 1 FROM manifest_child c WHERE c.child_id = manifest.id)))
	WHERE id IN `, ""}

// relist brings listed up to date for manifests whose tags, parents or accessory_of have changed.
func relist(ctx context.Context, tx db.Tx, ids []int64) error {
	return execIn(ctx, tx, relisting, nil, ids)
}
