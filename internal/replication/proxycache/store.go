package proxycache

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
)

// waiting is a manifest that may be served though what it names isn't all here. One without an id isn't stored.
type waiting struct {
	id        int64
	ref       registry.Ref
	digest    oci.Digest
	mediaType string
	content   []byte
	pulledAt  int64
	dueAt     int64
}

const (
	waitingFields   = `SELECT m.id, m.project_id, p.name, m.repository, m.digest, m.media_type, m.content, m.pulled_at, m.due_at FROM proxy_manifest m JOIN project p ON p.id = m.project_id `
	waitingByDigest = waitingFields + `WHERE m.project_id = $1 AND m.repository = $2 AND m.digest = $3`
	waitingByID     = waitingFields + `WHERE m.id = $1`
	waitingDue      = waitingFields + `WHERE m.due_at > 0 AND m.due_at <= $1 ORDER BY m.due_at LIMIT $2`

	insertWaiting = `INSERT INTO proxy_manifest (project_id, repository, digest, media_type, content, fetched_at, pulled_at, due_at)
		SELECT id, $2, $3, $4, $5, $6, $6, 0 FROM project WHERE id = $1 AND deleted_at = 0
		ON CONFLICT (project_id, repository, digest) DO NOTHING RETURNING id`
	insertMissing = `INSERT INTO proxy_missing (manifest_id, digest, size, media_type) VALUES ($1, $2, $3, $4) ON CONFLICT (manifest_id, digest) DO NOTHING`
	missingOf     = `SELECT digest, size, media_type FROM proxy_missing WHERE manifest_id = $1 ORDER BY digest`
	missingNamed  = `SELECT x.digest, x.size, x.media_type FROM proxy_missing x JOIN proxy_manifest m ON m.id = x.manifest_id
		WHERE x.digest = $1 AND m.project_id = $2 AND m.repository = $3 ORDER BY x.manifest_id LIMIT 1`
	arriveMissing = `DELETE FROM proxy_missing WHERE digest = $1 AND manifest_id IN (
			SELECT x.manifest_id FROM proxy_missing x JOIN proxy_manifest m ON m.id = x.manifest_id
			WHERE x.digest = $1 AND m.project_id = $2 AND m.repository = $3)
		RETURNING manifest_id`
	// notSettled: it isn't there any more, or lacks something.
	notSettled  = `SELECT NOT EXISTS (SELECT 1 FROM proxy_manifest WHERE id = $1) OR EXISTS (SELECT 1 FROM proxy_missing WHERE manifest_id = $1)`
	anyMissing  = `SELECT EXISTS (SELECT 1 FROM proxy_missing WHERE manifest_id = $1)`
	endWait     = `DELETE FROM proxy_manifest WHERE id = $1`
	stampPulled = `UPDATE proxy_manifest SET pulled_at = $2, due_at = CASE WHEN due_at = 0 THEN CAST($3 AS BIGINT) ELSE due_at END WHERE id = $1`
	postpone    = `UPDATE proxy_manifest SET tries = tries + 1, due_at = CASE WHEN tries >= 5 THEN 0 ELSE $2 + $3 * (tries + 1) END WHERE id = $1 AND due_at = $4`
)

func scanWaiting(r db.Row) (w waiting, err error) {
	err = r.Scan(&w.id, &w.ref.ProjectID, &w.ref.Project, &w.ref.Name, &w.digest, &w.mediaType, &w.content, &w.pulledAt, &w.dueAt)
	return w, err
}

func scanDescriptor(r db.Row) (d oci.Descriptor, err error) {
	err = r.Scan(&d.Digest, &d.Size, &d.MediaType)
	return d, err
}

// findWaiting returns a manifest that waits, or registry.ErrManifestUnknown.
func (s *Service) findWaiting(ctx context.Context, ref registry.Ref, d oci.Digest) (waiting, error) {
	w, err := db.Get(ctx, s.db.Auto(), scanWaiting, waitingByDigest, ref.ProjectID, ref.Name, d)
	if errors.Is(err, db.ErrNotFound) {
		return w, registry.ErrManifestUnknown
	}
	return w, err
}

// tagRow is what a tag meant upstream.
type tagRow struct {
	oci.Descriptor            // without a digest: upstream had none
	was            oci.Digest // what it meant before
	checkedAt      time.Time  // zero: it was never asked for
	firstAt        time.Time
}

const (
	tagByName = `SELECT digest, media_type, size, was, checked_at, first_at FROM proxy_tag WHERE project_id = $1 AND repository = $2 AND name = $3`
	putTagRow = `INSERT INTO proxy_tag (project_id, repository, name, digest, media_type, size, was, checked_at, first_at)
		SELECT id, $2, $3, $4, $5, CAST($6 AS BIGINT), '', CAST($7 AS BIGINT), CAST($7 AS BIGINT) FROM project WHERE id = $1 AND deleted_at = 0
		ON CONFLICT (project_id, repository, name) DO UPDATE SET
			was = CASE WHEN proxy_tag.digest = excluded.digest OR proxy_tag.digest = '' THEN proxy_tag.was ELSE proxy_tag.digest END,
			first_at = CASE WHEN proxy_tag.digest = excluded.digest THEN proxy_tag.first_at ELSE excluded.first_at END,
			digest = excluded.digest, media_type = excluded.media_type, size = excluded.size, checked_at = excluded.checked_at`
	tagsMeaning = `SELECT name FROM proxy_tag WHERE project_id = $1 AND repository = $2 AND digest = $3 AND first_at <= $4 ORDER BY name LIMIT 100`
)

func scanTagRow(r db.Row) (t tagRow, err error) {
	err = r.Scan(&t.Digest, &t.MediaType, &t.Size, &t.was, db.ScanTime(&t.checkedAt), db.ScanTime(&t.firstAt))
	return t, err
}

// tagRow returns what is known of a tag; nothing where it was never asked for.
func (s *Service) tagRow(ctx context.Context, ref registry.Ref, name string) (tagRow, error) {
	t, err := db.Get(ctx, s.db.Auto(), scanTagRow, tagByName, ref.ProjectID, ref.Name, name)
	if errors.Is(err, db.ErrNotFound) {
		return tagRow{}, nil
	}
	return t, err
}

// putTag writes down what a tag means upstream, now.
func (s *Service) putTag(ctx context.Context, tx db.Tx, ref registry.Ref, name string, d oci.Descriptor) error {
	_, err := tx.Exec(ctx, putTagRow, ref.ProjectID, ref.Name, name, d.Digest, d.MediaType, d.Size, s.now())
	return err
}

// negatives remembers for a while what upstream doesn't have. The zero value is ready.
type negatives struct {
	mu sync.Mutex
	by map[string]time.Time
}

const (
	// notFoundFor is how long it is believed that upstream doesn't have something.
	notFoundFor  = 10 * time.Second
	maxNegatives = 10_000
)

func (n *negatives) has(key string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return time.Now().Before(n.by[key])
}

func (n *negatives) add(key string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.by == nil || len(n.by) >= maxNegatives {
		n.by = map[string]time.Time{}
	}
	n.by[key] = time.Now().Add(notFoundFor)
}
