package registry

import (
	"context"
	"fmt"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/oci"
)

// StoredBlob is a blob as a scrub looks at it.
type StoredBlob struct {
	ID       int64
	Digest   oci.Digest
	Size     int64 // bytes
	Location string
	Damaged  bool
}

func scanStoredBlob(r db.Row) (b StoredBlob, err error) {
	err = r.Scan(&b.ID, &b.Digest, &b.Size, &b.Location, &b.Damaged)
	return b, err
}

const (
	storedBlobs = `SELECT id, digest, size, location, damaged FROM blob
		WHERE id > $1 AND created_at >= $2 AND NOT deleting ORDER BY id LIMIT $3`
	storedSum = `SELECT COUNT(*), CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM blob WHERE id > $1 AND created_at >= $2 AND NOT deleting`
	// What was found out is about these bytes: a push that healed the blob has set another location, or was
	// after a mark that this one doesn't know of.
	markDamaged = `UPDATE blob SET damaged = TRUE WHERE id = $1 AND location = $2 AND NOT damaged AND NOT deleting`
	markSound   = `UPDATE blob SET damaged = FALSE WHERE id = $1 AND location = $2 AND damaged AND NOT deleting`
	stuckBlobs  = `SELECT COUNT(*) FROM blob WHERE deleting AND condemned_at < $1`
)

// StoredBlobs returns up to n blobs after the id, of those stored since a time, in the order of their ids.
func (s *Service) StoredBlobs(ctx context.Context, after int64, since time.Time, n int) ([]StoredBlob, error) {
	all, err := db.Collect(ctx, s.db.Auto(), scanStoredBlob, storedBlobs, after, db.Micros(since), n)
	if err != nil {
		return nil, fmt.Errorf("list blobs: %w", err)
	}
	return all, nil
}

const storedBlob = `SELECT id, digest, size, location, damaged FROM blob WHERE digest = $1 AND NOT deleting`

// StoredBlob returns the blob as it is now, or db.ErrNotFound.
func (s *Service) StoredBlob(ctx context.Context, d oci.Digest) (StoredBlob, error) {
	b, err := db.Get(ctx, s.db.Auto(), scanStoredBlob, storedBlob, d)
	if err != nil {
		return b, fmt.Errorf("look up blob %s: %w", d, err)
	}
	return b, nil
}

// Location is where bytes lie that the database knows of.
type Location struct {
	ID   int64 // of the blob
	Path string
}

func scanLocation(r db.Row) (l Location, err error) {
	err = r.Scan(&l.ID, &l.Path)
	return l, err
}

const (
	locationsAfter = `SELECT id, location FROM blob WHERE id > $1 ORDER BY id LIMIT $2`
	discardedAfter = `SELECT location FROM discarded WHERE location > $1 ORDER BY location LIMIT $2`
)

// Locations returns up to n locations of blobs after the id, of those that are being deleted too.
func (s *Service) Locations(ctx context.Context, after int64, n int) ([]Location, error) {
	all, err := db.Collect(ctx, s.db.Auto(), scanLocation, locationsAfter, after, n)
	if err != nil {
		return nil, fmt.Errorf("list locations: %w", err)
	}
	return all, nil
}

// Discarded returns up to n locations whose bytes are on their way out, in their order.
func (s *Service) Discarded(ctx context.Context, after string, n int) ([]string, error) {
	all, err := db.Collect(ctx, s.db.Auto(), db.ScanString, discardedAfter, after, n)
	if err != nil {
		return nil, fmt.Errorf("list discarded locations: %w", err)
	}
	return all, nil
}

// blobSum is how many blobs there are, and their bytes.
type blobSum struct{ count, bytes int64 }

func scanBlobSum(r db.Row) (v blobSum, err error) {
	err = r.Scan(&v.count, &v.bytes)
	return v, err
}

// CountBlobs returns how many blobs StoredBlobs goes through, and their bytes.
func (s *Service) CountBlobs(ctx context.Context, after int64, since time.Time) (count, bytes int64, err error) {
	v, err := db.Get(ctx, s.db.Auto(), scanBlobSum, storedSum, after, db.Micros(since))
	if err != nil {
		return 0, 0, fmt.Errorf("count blobs: %w", err)
	}
	return v.count, v.bytes, nil
}

// MarkDamaged makes the blob absent for clients until one pushes it again. It reports false when the row has
// changed since the blob was read, and changes nothing then.
func (s *Service) MarkDamaged(ctx context.Context, b StoredBlob) (bool, error) {
	return s.mark(ctx, markDamaged, b)
}

// MarkSound takes the mark from a blob whose bytes are there after all.
func (s *Service) MarkSound(ctx context.Context, b StoredBlob) (bool, error) {
	return s.mark(ctx, markSound, b)
}

func (s *Service) mark(ctx context.Context, query string, b StoredBlob) (changed bool, err error) {
	err = s.db.Write(ctx, func(tx db.Tx) error {
		n, err := tx.Exec(ctx, query, b.ID, b.Location)
		changed = n > 0
		return err
	})
	if err != nil {
		return false, fmt.Errorf("mark blob %s: %w", b.Digest, err)
	}
	return changed, nil
}

// StuckBlobs returns how many blobs have been on their way out since before then.
func (s *Service) StuckBlobs(ctx context.Context, before time.Time) (int64, error) {
	n, err := db.Get(ctx, s.db.Auto(), db.ScanInt, stuckBlobs, db.Micros(before))
	if err != nil {
		return 0, fmt.Errorf("count blobs that are being deleted: %w", err)
	}
	return n, nil
}

// Affected is a manifest that needs something damaged.
type Affected struct {
	Repository string     `json:"repository"` // full name
	Digest     oci.Digest `json:"digest"`
	Tags       []string   `json:"tags"` // its own, and those of the indexes that it is part of
	id         int64
}

func scanAffected(r db.Row) (a Affected, err error) {
	a.Tags = []string{}
	err = r.Scan(&a.Repository, &a.Digest, &a.id)
	return a, err
}

// Bounds of what is told of one damaged blob.
const (
	maxAffected     = 100
	maxAffectedTags = 20
	maxIndexDepth   = 8
)

const (
	affectedFields = `SELECT p.name || '/' || r.name, m.digest, m.id FROM manifest m
		JOIN repository r ON r.id = m.repository_id AND NOT r.hidden JOIN project p ON p.id = r.project_id `
	affectedByBlob    = affectedFields + `WHERE m.id IN (SELECT mb.manifest_id FROM manifest_blob mb WHERE mb.blob_id = $1) ORDER BY m.id LIMIT $2`
	affectedByContent = affectedFields + `WHERE m.digest = $1 ORDER BY m.id LIMIT $2`
)

var tagsOf = inQuery{`SELECT DISTINCT name FROM tag WHERE manifest_id IN `, ` ORDER BY name LIMIT 20`}

// AffectedByBlob returns up to a hundred manifests that name the blob, with up to twenty tags of each.
func (s *Service) AffectedByBlob(ctx context.Context, blobID int64) ([]Affected, error) {
	return s.affected(ctx, affectedByBlob, blobID)
}

// AffectedByContent is AffectedByBlob for the bytes of a manifest.
func (s *Service) AffectedByContent(ctx context.Context, d oci.Digest) ([]Affected, error) {
	return s.affected(ctx, affectedByContent, d)
}

func (s *Service) affected(ctx context.Context, query string, key any) (all []Affected, err error) {
	err = s.db.Read(ctx, func(tx db.Tx) error {
		if all, err = db.Collect(ctx, tx, scanAffected, query, key, maxAffected); err != nil {
			return err
		}
		for i := range all {
			if all[i].Tags, err = tagsAbove(ctx, tx, all[i].id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("find what needs %v: %w", key, err)
	}
	return all, nil
}

// tagsAbove returns tags of the manifest and of the indexes above it.
func tagsAbove(ctx context.Context, tx db.Tx, id int64) ([]string, error) {
	tags := []string{}
	seen := map[int64]bool{id: true}
	for level, depth := []int64{id}, 0; len(level) > 0 && depth < maxIndexDepth && len(tags) < maxAffectedTags; depth++ {
		found, err := collectIn(ctx, tx, db.ScanString, tagsOf, nil, level)
		if err != nil {
			return nil, err
		}
		tags = append(tags, found...)
		above, err := collectIn(ctx, tx, scanKeeper, parentsOf, nil, level)
		if err != nil {
			return nil, err
		}
		level = nil
		for _, k := range above {
			if !seen[k.keeper] && len(seen) < maxAffected {
				seen[k.keeper] = true
				level = append(level, k.keeper)
			}
		}
	}
	return tags[:min(len(tags), maxAffectedTags)], nil
}

// Content is the bytes of a manifest as the database has them.
type Content struct {
	Digest oci.Digest
	Bytes  []byte
}

func scanContent(r db.Row) (c Content, err error) {
	err = r.Scan(&c.Digest, &c.Bytes)
	return c, err
}

const (
	contentsAfter = `SELECT digest, content FROM manifest_content WHERE digest > $1 ORDER BY digest LIMIT $2`
	mendContent   = `UPDATE manifest_content SET content = $2 WHERE digest = $1`
	countContents = `SELECT COUNT(*) FROM manifest_content`
)

// Contents returns up to n contents of manifests, in the order of their digests.
func (s *Service) Contents(ctx context.Context, after oci.Digest, n int) ([]Content, error) {
	all, err := db.Collect(ctx, s.db.Auto(), scanContent, contentsAfter, after, n)
	if err != nil {
		return nil, fmt.Errorf("read manifests: %w", err)
	}
	return all, nil
}

// CountContents returns how many different manifests there are.
func (s *Service) CountContents(ctx context.Context) (int64, error) {
	return db.Get(ctx, s.db.Auto(), db.ScanInt, countContents)
}

// MendContent replaces bytes in the database that have decayed. Others than the digest's are ErrDigestMismatch.
func (s *Service) MendContent(ctx context.Context, c Content) error {
	if !c.Digest.Matches(c.Bytes) {
		return fmt.Errorf("mend manifest %s: %w", c.Digest, ErrDigestMismatch)
	}
	err := s.db.Write(ctx, func(tx db.Tx) error {
		_, err := tx.Exec(ctx, mendContent, c.Digest, c.Bytes)
		return err
	})
	if err != nil {
		return fmt.Errorf("mend manifest %s: %w", c.Digest, err)
	}
	return nil
}
