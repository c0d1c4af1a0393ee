package registry

import (
	"context"
	"errors"
	"fmt"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/db"
)

// endUploads drops uploads that nobody wrote for their lifetime, and those of repositories that were deleted.
func (s *Service) endUploads(ctx context.Context) (did Reclaimed, more bool, err error) {
	now := s.now()
	stale, err := db.Collect(ctx, s.db.Auto(), db.ScanString, staleUploads, s.before(s.uploadLifetime), now, reclaimBatch)
	if err != nil {
		return did, false, fmt.Errorf("look for stale uploads: %w", err)
	}
	lost, err := db.Collect(ctx, s.db.Auto(), db.ScanString, lostUploads, now, reclaimBatch)
	if err != nil {
		return did, false, fmt.Errorf("look for uploads of deleted repositories: %w", err)
	}
	var errs []error
	for _, id := range append(stale, lost...) {
		ended, err := s.endUpload(ctx, id)
		if err != nil {
			errs = append(errs, fmt.Errorf("end upload %s: %w", id, err))
		}
		if ended {
			did.Uploads++
		}
		if ctx.Err() != nil || len(errs) == 3 {
			break
		}
	}
	return did, did.Uploads >= reclaimBatch, errors.Join(errs...)
}

func (s *Service) endUpload(ctx context.Context, id string) (ended bool, err error) {
	h, err := s.holdAny(ctx, id)
	if err != nil || h == nil {
		return false, err
	}
	defer h.release()
	if err := s.drop(ctx, h); err != nil {
		return false, err
	}
	return true, nil
}

const (
	emptyRepositories = `SELECT r.id FROM repository r WHERE r.hidden AND r.updated_at <= $1
		AND NOT EXISTS (SELECT 1 FROM repository_blob rb WHERE rb.repository_id = r.id)
		AND r.id NOT IN (SELECT upload.repository_id FROM upload)
		AND NOT EXISTS (SELECT 1 FROM manifest m WHERE m.repository_id = r.id)
		ORDER BY r.updated_at, r.id LIMIT $2`
	endRepository = `DELETE FROM repository WHERE id = $1 AND hidden
		AND NOT EXISTS (SELECT 1 FROM repository_blob rb WHERE rb.repository_id = repository.id)
		AND NOT EXISTS (SELECT 1 FROM upload u WHERE u.repository_id = repository.id)
		AND NOT EXISTS (SELECT 1 FROM manifest m WHERE m.repository_id = repository.id)`
)

// endRepositories removes the rows of hidden repositories that hold nothing: deleted ones, and those that got
// no manifest within the grace.
func (s *Service) endRepositories(ctx context.Context) (did Reclaimed, more bool, err error) {
	ids, err := db.Collect(ctx, s.db.Auto(), db.ScanInt, emptyRepositories, s.before(s.reclaimAfter), reclaimBatch)
	if err != nil {
		return did, false, fmt.Errorf("look for empty repositories: %w", err)
	}
	for _, id := range ids {
		var n int64
		err := s.db.WriteRelaxed(ctx, func(tx db.Tx) (err error) {
			n, err = tx.Exec(ctx, endRepository, id)
			return err
		})
		// Somebody has just begun an upload into it: it stays.
		if err != nil && !errors.Is(err, db.ErrReferenced) {
			return did, false, fmt.Errorf("end repository %d: %w", id, err)
		}
		did.Repositories += n
	}
	return did, did.Repositories == reclaimBatch, nil
}

var (
	knownUploads  = inQuery{`SELECT id FROM upload WHERE id IN `, ""}
	uploadsOfBlob = inQuery{`SELECT substr(location, 1, 36) FROM blob WHERE length(location) < 64 AND substr(location, 1, 36) IN `, ""}
)

// cancelOrphans asks the store, once a day at least, for uploads that the database has no trace of: it lost a few of
// its last rows with the power, or they never had one (unwritten.go, and names that the store gave itself). Many of
// them mean that the database is the wrong one, or an old copy: then they stay, for a rebuild.
func (s *Service) cancelOrphans(ctx context.Context) (did Reclaimed, more bool, err error) {
	if !s.orphansDue() {
		return did, false, nil
	}
	var orphans, batch []string
	listed := 0
	sift := func() error {
		unknown, err := s.unknownUploads(ctx, batch)
		orphans, batch = append(orphans, unknown...), batch[:0]
		return err
	}
	err = s.blobs.Uploads(ctx, s.clock().Add(-s.uploadLifetime), func(id string) error {
		listed++
		if batch = append(batch, id); len(batch) < setSize {
			return nil
		}
		return sift()
	})
	if err := errors.Join(err, sift()); err != nil {
		return did, false, fmt.Errorf("look for uploads without a row: %w", err)
	}
	if _, apart := s.blobs.(blob.Finder); !apart && len(orphans) > max(20, listed/50) {
		s.log.WarnContext(ctx, "the store holds much that this database doesn't know; nothing of it is deleted", "unknown", len(orphans), "listed", listed)
		return did, false, nil
	}
	for _, id := range orphans {
		ended, err := s.endOrphan(ctx, id)
		if err != nil {
			return did, false, fmt.Errorf("end upload %s, which has no row: %w", id, err)
		}
		if ended {
			did.Uploads++
		}
	}
	return did, false, nil
}

func (s *Service) endOrphan(ctx context.Context, id string) (ended bool, err error) {
	if s.resumer != nil {
		return s.endUpload(ctx, id)
	}
	return true, s.blobs.Cancel(ctx, blob.Upload{ID: id})
}

func (s *Service) orphansDue() bool {
	now := s.clock()
	s.reclaim.mu.Lock()
	defer s.reclaim.mu.Unlock()
	every := orphansEvery
	if _, apart := s.blobs.(blob.Finder); apart { // they are few to list, and each process that is killed may leave one
		every = min(every, s.uploadLifetime)
	}
	if now.Sub(s.reclaim.orphansAt) < every {
		return false
	}
	s.reclaim.orphansAt = now
	return true
}

// unknownUploads returns those of the ids that neither an upload nor a blob is known by.
func (s *Service) unknownUploads(ctx context.Context, ids []string) (unknown []string, err error) {
	known := map[string]bool{}
	queries := []inQuery{knownUploads}
	if _, apart := s.blobs.(blob.Finder); !apart { // else no blob has the name of its upload
		queries = append(queries, uploadsOfBlob)
	}
	for _, query := range queries {
		found, err := collectIn(ctx, s.db.Auto(), db.ScanString, query, nil, ids)
		if err != nil {
			return nil, err
		}
		for _, id := range found {
			known[id] = true
		}
	}
	for _, id := range ids {
		if !known[id] {
			known[id] = true // the store may name it twice
			unknown = append(unknown, id)
		}
	}
	return unknown, nil
}
