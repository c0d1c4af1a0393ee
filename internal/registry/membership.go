package registry

import (
	"context"
	"errors"

	"github.com/havenregistry/haven/internal/db"
)

// A row of repository_blob is what a client is told by: HEAD, mount and push answer that a blob is there
// when the row is, and a manifest may name it then. While a manifest of the repository names the blob,
// idle_since is 0. Else it says since when nobody does, or since when somebody was last told that the blob
// is there, and the row stays for the grace: a client that was told so may put its manifest.
//
// counted says that the blob counts in the project's quota here: it is named, or it was pushed or mounted and
// isn't named yet. What was named once and isn't any more is given back at once; only its bytes wait.

const (
	standingOf = `SELECT r.project_id, COALESCE(rb.idle_since, -1),
		CASE WHEN rb.counted THEN TRUE ELSE EXISTS (SELECT 1 FROM repository_blob o
			WHERE o.project_id = r.project_id AND o.blob_id = $2 AND o.counted) END
		FROM repository r LEFT JOIN repository_blob rb ON rb.repository_id = r.id AND rb.blob_id = $2
		WHERE r.id = $1 AND r.name NOT LIKE 'deleted:%'`
	insertMember = `INSERT INTO repository_blob (repository_id, blob_id, project_id, created_at, idle_since, counted)
		VALUES ($1, $2, $3, $4, $4, TRUE)
		ON CONFLICT (repository_id, blob_id) DO UPDATE SET idle_since = excluded.idle_since, counted = TRUE
			WHERE repository_blob.idle_since > 0`
	insertFirst = `INSERT INTO repository_blob (repository_id, blob_id, project_id, created_at, idle_since, counted)
		SELECT id, $2, project_id, $3, $3, TRUE FROM repository WHERE id = $1 AND name NOT LIKE 'deleted:%'`
	renewMember = `UPDATE repository_blob SET idle_since = $3
		WHERE repository_id = $1 AND blob_id = $2 AND idle_since > 0 AND idle_since < $3`
)

// standing is what a blob is to a repository and its project.
type standing struct {
	projectID int64
	idleSince int64 // -1: no member
	counted   bool  // in the project
}

func scanStanding(r db.Row) (v standing, err error) {
	err = r.Scan(&v.projectID, &v.idleSince, &v.counted)
	return v, err
}

// addMember makes the blob a member of the repository, or renews its membership. It refuses with a
// *QuotaError, and in a repository that was deleted meanwhile with ErrRepositoryUnknown, before it
// changes anything.
func (s *Service) addMember(ctx context.Context, tx db.Tx, repositoryID int64, b Blob, now int64) error {
	was, err := db.Get(ctx, tx, scanStanding, standingOf, repositoryID, b.ID)
	if errors.Is(err, db.ErrNotFound) {
		return ErrRepositoryUnknown
	}
	if err != nil || was.idleSince == 0 {
		return err
	}
	if !was.counted {
		if err := s.charge(ctx, tx, was.projectID, b.Size); err != nil {
			return err
		}
	}
	_, err = tx.Exec(ctx, insertMember, repositoryID, b.ID, was.projectID, now)
	return err
}

// addFirst is addMember for a blob whose row is new: nobody holds it or counts it yet.
func (s *Service) addFirst(ctx context.Context, tx db.Tx, projectID, repositoryID int64, b Blob, now int64) error {
	if err := s.charge(ctx, tx, projectID, b.Size); err != nil {
		return err
	}
	n, err := tx.Exec(ctx, insertFirst, repositoryID, b.ID, now)
	if err != nil || n > 0 {
		return err
	}
	if err := s.charge(ctx, tx, projectID, -b.Size); err != nil {
		return err
	}
	return ErrRepositoryUnknown
}

var pinMembers = inQuery{`UPDATE repository_blob SET idle_since = 0, counted = TRUE
	WHERE repository_id = $1 AND (idle_since > 0 OR NOT counted) AND blob_id IN `, ""}

// pin notes that a manifest of the repository names the members now, and returns by how many bytes the
// project has grown.
func pin(ctx context.Context, tx db.Tx, repositoryID int64, members []member) (grown int64, err error) {
	var ids []int64
	for _, m := range members {
		if m.idleSince > 0 || !m.counted {
			ids = append(ids, m.ID)
		}
		if !m.counted {
			grown += m.Size
		}
	}
	return grown, execIn(ctx, tx, pinMembers, []any{repositoryID}, ids)
}

var (
	namedBlobs     = inQuery{`SELECT DISTINCT blob_id FROM manifest_blob WHERE manifest_id IN `, ""}
	releaseMembers = inQuery{`UPDATE repository_blob SET idle_since = $1, counted = FALSE WHERE repository_id = $2 AND idle_since = 0
		AND NOT EXISTS (SELECT 1 FROM manifest_blob mb WHERE mb.blob_id = repository_blob.blob_id AND mb.repository_id = $2)
		AND blob_id IN `, " RETURNING blob_id"}
	uncountedSize = inQuery{`SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM blob
		WHERE NOT EXISTS (SELECT 1 FROM repository_blob rb WHERE rb.project_id = $1 AND rb.blob_id = blob.id AND rb.counted)
		AND id IN `, ""}
)

// release lets go of those of the blobs that no manifest of the repository names any more, and returns how
// many bytes the project has given back.
func release(ctx context.Context, tx db.Tx, projectID, repositoryID int64, blobs []int64, now int64) (freed int64, err error) {
	idle, err := collectIn(ctx, tx, db.ScanInt, releaseMembers, []any{now, repositoryID}, blobs)
	if err != nil {
		return 0, err
	}
	sizes, err := collectIn(ctx, tx, db.ScanInt, uncountedSize, []any{projectID}, idle)
	return sum(sizes...), err
}

const (
	// emptyMembers lets go of all blobs of a repository that is emptied; sizeOfRepository is what its project gives back.
	emptyMembers = `UPDATE repository_blob SET counted = FALSE, idle_since = CASE WHEN idle_since = 0 THEN $2 ELSE idle_since END
		WHERE repository_id = $1`
	sizeOfRepository = `SELECT CAST(
			COALESCE((SELECT SUM(b.size) FROM repository_blob rb JOIN blob b ON b.id = rb.blob_id
				WHERE rb.repository_id = $1 AND rb.counted AND NOT EXISTS (SELECT 1 FROM repository_blob o
					WHERE o.project_id = rb.project_id AND o.blob_id = rb.blob_id AND o.counted AND o.repository_id <> $1)), 0) +
			COALESCE((SELECT SUM(m.content_size) FROM manifest m WHERE m.repository_id = $1), 0) AS BIGINT)`
)

var condemnUnheld = inQuery{`UPDATE blob SET condemned_at = $1 WHERE condemned_at = 0
	AND NOT EXISTS (SELECT 1 FROM repository_blob rb WHERE rb.blob_id = blob.id) AND id IN `, ""}

// condemn starts the end of those of the blobs that no repository holds.
func condemn(ctx context.Context, tx db.Tx, now int64, ids ...int64) error {
	return execIn(ctx, tx, condemnUnheld, []any{now}, ids)
}
