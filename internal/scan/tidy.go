package scan

import (
	"context"
	"fmt"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/pause"
	"github.com/havenregistry/haven/internal/scan/inventory"
)

const (
	tidyPage = 1000
	tidyRest = 20 * time.Millisecond // between batches, so that others write in between
	// keepEvaluations is of how many editions it is kept what they changed.
	keepEvaluations = 20
)

// A sweep walks along a key, and deletes the rows of a page that nothing needs any more.
type sweep struct {
	name   string
	page   string // keys after $1, at most $2
	delete inQuery
}

// sweeps are done in this order: what goes leaves others without need.
var sweeps = []sweep{
	{"reports", `SELECT id FROM scan_report WHERE id > $1 ORDER BY id LIMIT $2`,
		inQuery{`DELETE FROM scan_report WHERE NOT EXISTS (SELECT 1 FROM manifest m WHERE m.digest = scan_report.digest) AND id IN `, ""}},
	{"packages", `SELECT id FROM scan_package WHERE id > $1 ORDER BY id LIMIT $2`,
		inQuery{`DELETE FROM scan_package WHERE NOT EXISTS (SELECT 1 FROM scan_content c WHERE c.package_id = scan_package.id) AND id IN `, ""}},
	{"statements", `SELECT id FROM scan_vex WHERE id > $1 ORDER BY id LIMIT $2`,
		inQuery{`DELETE FROM scan_vex WHERE document <> '' AND NOT EXISTS (SELECT 1 FROM manifest m WHERE m.digest = scan_vex.document) AND id IN `, ""}},
	{"vulnerabilities", `SELECT id FROM scan_vulnerability WHERE id > $1 ORDER BY id LIMIT $2`,
		inQuery{`DELETE FROM scan_vulnerability WHERE NOT EXISTS (SELECT 1 FROM scan_finding f WHERE f.vulnerability_id = scan_vulnerability.id) AND id IN `, ""}},
}

const (
	layersAfter   = `SELECT digest FROM scan_layer WHERE digest > $1 ORDER BY digest LIMIT $2`
	oldEvaluation = `SELECT id FROM scan_evaluation ORDER BY id DESC LIMIT 1 OFFSET $1`
	dropOld       = `DELETE FROM scan_evaluation WHERE id <= $1`

	// These are run until nothing is left: what they delete at once is bounded. A file may have 2 GiB.
	oldChanges   = `DELETE FROM scan_change WHERE (evaluation_id, package_id) IN (SELECT evaluation_id, package_id FROM scan_change WHERE evaluation_id <= $1 ORDER BY evaluation_id, package_id LIMIT 1000)`
	expiredVEX   = `DELETE FROM scan_vex WHERE id IN (SELECT id FROM scan_vex WHERE expires_at > 0 AND expires_at < $1 ORDER BY expires_at LIMIT 1000)`
	expiredFiles = `DELETE FROM scan_export WHERE execution_id IN (SELECT execution_id FROM scan_export WHERE expires_at < $1 ORDER BY expires_at LIMIT 1)`
)

// dropLayers removes layers whose blobs are no more, and those that an older reader read and nobody asked for since.
var dropLayers = inQuery{`DELETE FROM scan_layer WHERE reader_until < $1 AND (revision <> $2 OR NOT EXISTS (SELECT 1 FROM blob b WHERE b.digest = scan_layer.digest)) AND digest IN `, ""}

// tidy removes rows of what is no more: of deleted manifests and blobs, of packages that no image holds. It runs each
// night, along the keys and in small transactions.
func (s *Service) tidy(ctx context.Context, r *job.Run) error {
	for _, w := range sweeps {
		n, err := sweepBy(ctx, s, db.ScanInt, int64(0), w.page, func(tx db.Tx, ids []int64) (int64, error) {
			return execIn(ctx, tx, w.delete, nil, ids)
		})
		if err != nil {
			return fmt.Errorf("remove %s of what is no more: %w", w.name, err)
		}
		r.Logf("%d %s removed that nothing needs any more", n, w.name)
	}
	n, err := sweepBy(ctx, s, db.ScanString, "", layersAfter, func(tx db.Tx, digests []string) (int64, error) {
		return execIn(ctx, tx, dropLayers, []any{db.Micros(s.clock()), inventory.Revision}, digests)
	})
	if err != nil {
		return fmt.Errorf("remove layers that are no more: %w", err)
	}
	r.Logf("%d layers removed", n)
	now := db.Micros(s.clock())
	if err := s.drain(ctx, expiredVEX, now); err != nil {
		return fmt.Errorf("remove statements that have expired: %w", err)
	}
	if err := s.drain(ctx, expiredFiles, now); err != nil {
		return fmt.Errorf("remove exports that nobody fetched: %w", err)
	}
	old, err := db.Collect(ctx, s.db.Auto(), db.ScanInt, oldEvaluation, keepEvaluations)
	if err != nil || len(old) == 0 {
		return err
	}
	if err = s.drain(ctx, oldChanges, old[0]); err == nil {
		err = s.drain(ctx, dropOld, old[0])
	}
	if err != nil {
		return fmt.Errorf("remove what old editions changed: %w", err)
	}
	return nil
}

// drain runs a statement that deletes a bounded number of rows until it finds none.
func (s *Service) drain(ctx context.Context, query string, args ...any) error {
	for n := int64(1); n > 0; {
		err := s.db.WriteRelaxed(ctx, func(tx db.Tx) (err error) {
			n, err = tx.Exec(ctx, query, args...)
			return err
		})
		if err != nil {
			return err
		}
		if !pause.For(ctx, tidyRest) {
			return ctx.Err()
		}
	}
	return nil
}

// sweepBy walks along a key in pages, and returns how many rows went.
func sweepBy[K any](ctx context.Context, s *Service, scan func(db.Row) (K, error), after K, page string, drop func(db.Tx, []K) (int64, error)) (total int64, err error) {
	for {
		keys, err := db.Collect(ctx, s.db.Auto(), scan, page, after, tidyPage)
		if err != nil || len(keys) == 0 {
			return total, err
		}
		var n int64
		err = s.db.WriteRelaxed(ctx, func(tx db.Tx) (err error) {
			n, err = drop(tx, keys)
			return err
		})
		if err != nil {
			return total, err
		}
		total += n
		after = keys[len(keys)-1]
		if !pause.For(ctx, tidyRest) {
			return total, ctx.Err()
		}
	}
}
