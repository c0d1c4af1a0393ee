package registry

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/pause"
)

// Each transaction that has a tag name something else, or nothing, writes so into tag_history. Rows outlive the tag, not
// the repository. A sweep each night keeps the last of each tag, and of those what is needed to say what a tag named
// at any time within the days that are kept.

// Naming is what a tag named from a time on.
type Naming struct {
	ID     int64
	Digest oci.Digest // "": nothing, it was deleted
	At     time.Time
	By     string // "" where it isn't known: from before histories were kept, or after a rebuild
	There  bool   // the artifact is still there
}

const (
	// maxNamings is how many rows of a tag are kept.
	maxNamings = 1000
	// maxHistoryPage bounds a page of a history.
	maxHistoryPage = 100
	// historyBatch is how many rows the sweep looks at for a transaction, and historyPause lets requests write between two.
	historyBatch = 500
	historyPause = 10 * time.Millisecond
)

const (
	insertNaming = `INSERT INTO tag_history (repository_id, name, digest, named_at, named_by) VALUES ($1, $2, $3, $4, $5)`
	forgetNames  = `DELETE FROM tag_history WHERE repository_id = $1`

	namingFields = `h.id, h.digest, h.named_at, h.named_by,
		EXISTS (SELECT 1 FROM manifest m WHERE m.repository_id = h.repository_id AND m.digest = h.digest) FROM tag_history h`
	namings  = `SELECT ` + namingFields + ` WHERE h.repository_id = $1 AND h.name = $2 AND h.id < $3 ORDER BY h.id DESC LIMIT $4`
	namingAt = `SELECT ` + namingFields + ` WHERE h.repository_id = $1 AND h.name = $2 AND h.named_at <= $3 ORDER BY h.id DESC LIMIT 1`
)

var (
	// Tags of manifests that are deleted.
	insertEnds = inQuery{`INSERT INTO tag_history (repository_id, name, digest, named_at, named_by)
		SELECT t.repository_id, t.name, '', CAST($1 AS BIGINT), CAST($2 AS TEXT) FROM tag t WHERE t.manifest_id IN `, ""}
	// Tags that a copy brings and that name something else there, or nothing.
	insertCopied = inQuery{`INSERT INTO tag_history (repository_id, name, digest, named_at, named_by)
		SELECT CAST($1 AS BIGINT), t.name, o.digest, CAST($2 AS BIGINT), CAST($3 AS TEXT) FROM tag t JOIN manifest o ON o.id = t.manifest_id
		WHERE NOT EXISTS (SELECT 1 FROM tag d JOIN manifest n ON n.id = d.manifest_id WHERE d.repository_id = $1 AND d.name = t.name AND n.digest = o.digest)
			AND t.manifest_id IN `, " ORDER BY t.id"}
)

func scanNaming(r db.Row) (n Naming, err error) {
	err = r.Scan(&n.ID, &n.Digest, db.ScanTime(&n.At), &n.By, &n.There)
	return n, err
}

// TagHistory returns up to size rows of what a tag named, the newest first, from those whose id is less than before (0:
// the newest). A tag that nothing is known of has none. An unknown repository is ErrRepositoryUnknown.
func (s *Service) TagHistory(ctx context.Context, ref Ref, tag string, before int64, size int) ([]Naming, error) {
	const newest = 1<<63 - 1
	if before <= 0 {
		before = newest
	}
	id, err := findVisible(ctx, s.db.Auto(), ref)
	if err != nil {
		return nil, fmt.Errorf("history of %s: %w", ref.FullName(), err)
	}
	rows, err := db.Collect(ctx, s.db.Auto(), scanNaming, namings, id, tag, before, min(max(size, 1), maxHistoryPage))
	return rows, wrap(err, "read the history of a tag")
}

// TagAt returns what a tag named at a time. Where it named nothing, or nothing is known that far back, it is ErrTagUnknown; an
// unknown repository is ErrRepositoryUnknown.
func (s *Service) TagAt(ctx context.Context, ref Ref, tag string, at time.Time) (Naming, error) {
	id, err := findVisible(ctx, s.db.Auto(), ref)
	if err != nil {
		return Naming{}, fmt.Errorf("history of %s: %w", ref.FullName(), err)
	}
	n, err := db.Get(ctx, s.db.Auto(), scanNaming, namingAt, id, tag, db.Micros(at))
	if errors.Is(err, db.ErrNotFound) || err == nil && n.Digest == "" {
		return Naming{}, ErrTagUnknown
	}
	return n, wrap(err, "read what a tag named")
}

const (
	// Who needs a row: the time from which on histories are kept, while the tag had not been moved by then.
	outlived = `SELECT id, EXISTS (SELECT 1 FROM tag_history l WHERE l.repository_id = h.repository_id AND l.name = h.name AND l.id > h.id AND l.named_at <= $1)
			OR digest = '' AND NOT EXISTS (SELECT 1 FROM tag_history l WHERE l.repository_id = h.repository_id AND l.name = h.name AND l.id > h.id)
		FROM (SELECT id, repository_id, name, digest, named_at FROM tag_history WHERE id > $2 ORDER BY id LIMIT $3) AS h WHERE named_at <= $1 ORDER BY id`
	historyEnd = `SELECT COALESCE(MAX(id), 0) FROM (SELECT id FROM tag_history WHERE id > $1 ORDER BY id LIMIT $2) AS h`

	tooLong    = `SELECT repository_id, name FROM tag_history GROUP BY repository_id, name HAVING COUNT(*) > $1 LIMIT 100`
	lastToKeep = `SELECT id FROM tag_history WHERE repository_id = $1 AND name = $2 ORDER BY id DESC LIMIT 1 OFFSET $3`
	shorten    = `DELETE FROM tag_history WHERE id IN (SELECT id FROM tag_history WHERE repository_id = $1 AND name = $2 AND id < $3 ORDER BY id LIMIT $4)`
)

var dropNamings = inQuery{`DELETE FROM tag_history WHERE id IN `, ""}

// SweepHistory drops what is too old or too much of the histories of tags. kept says for how long they are kept.
func (s *Service) SweepHistory(kept func(context.Context) (time.Duration, error)) func(context.Context, *job.Run) error {
	return func(ctx context.Context, run *job.Run) error {
		span, err := kept(ctx)
		if err != nil {
			return err
		}
		old, err := s.dropOldNamings(ctx, s.before(span))
		if err != nil {
			return err
		}
		many, err := s.shortenHistories(ctx)
		if err != nil {
			return err
		}
		run.Logf("%d entries of tags' histories were too old, %d too many", old, many)
		return nil
	}
}

func (s *Service) dropOldNamings(ctx context.Context, cutoff int64) (dropped int64, err error) {
	for after := int64(0); ; {
		end, err := db.Get(ctx, s.db.Auto(), db.ScanInt, historyEnd, after, historyBatch)
		if err != nil || end == 0 {
			return dropped, wrap(err, "look for old entries of histories")
		}
		var ids []int64
		_, err = db.Collect(ctx, s.db.Auto(), func(r db.Row) (v struct{}, err error) {
			var id int64
			var needless bool
			if err = r.Scan(&id, &needless); needless {
				ids = append(ids, id)
			}
			return v, err
		}, outlived, cutoff, after, historyBatch)
		if err != nil {
			return dropped, wrap(err, "look at old entries of histories")
		}
		if len(ids) > 0 {
			if err := s.db.WriteRelaxed(ctx, func(tx db.Tx) error { return execIn(ctx, tx, dropNamings, nil, ids) }); err != nil {
				return dropped, wrap(err, "drop old entries of histories")
			}
			dropped += int64(len(ids))
		}
		after = end
		if !pause.For(ctx, historyPause) {
			return dropped, context.Cause(ctx)
		}
	}
}

// shortenHistories keeps the last rows of each tag.
func (s *Service) shortenHistories(ctx context.Context) (dropped int64, err error) {
	type tag struct {
		repositoryID int64
		name         string
	}
	for {
		long, err := db.Collect(ctx, s.db.Auto(), func(r db.Row) (t tag, err error) {
			err = r.Scan(&t.repositoryID, &t.name)
			return t, err
		}, tooLong, maxNamings)
		if err != nil || len(long) == 0 {
			return dropped, wrap(err, "look for long histories")
		}
		for _, t := range long {
			for more := true; more; {
				var n int64
				err := s.db.WriteRelaxed(ctx, func(tx db.Tx) error {
					first, err := db.Get(ctx, tx, db.ScanInt, lastToKeep, t.repositoryID, t.name, maxNamings-1)
					if errors.Is(err, db.ErrNotFound) { // the repository went
						n = 0
						return nil
					}
					if err != nil {
						return err
					}
					n, err = tx.Exec(ctx, shorten, t.repositoryID, t.name, first, historyBatch)
					return err
				})
				if err != nil {
					return dropped, wrap(err, "shorten a history")
				}
				dropped += n
				more = n == historyBatch
				if !pause.For(ctx, historyPause) {
					return dropped, context.Cause(ctx)
				}
			}
		}
	}
}
