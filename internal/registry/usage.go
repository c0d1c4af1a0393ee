package registry

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/oci"
)

// A project's usage is a sum: the sizes of the distinct blobs that are counted in it, of its manifests, and of what was
// deleted and still counts.
// project_usage keeps it, changed by each transaction that changes what it sums. Where several writers work at
// a time it is kept in several rows, of which a transaction picks one: two pushes into a project don't wait
// for one another, as long as the project has no limit.
const manyShards = 16

// ErrQuota is what a *QuotaError is.
var ErrQuota = errors.New("the project's storage quota is exceeded")

// QuotaError refuses what would bring a project above its limit.
type QuotaError struct {
	Adding, Used, Limit int64 // bytes
}

// Error is what Harbor says.
func (e *QuotaError) Error() string {
	return fmt.Sprintf("adding %s of storage resource, which when updated to current usage of %s will exceed the configured upper limit of %s.",
		binarySize(e.Adding), binarySize(e.Used), binarySize(e.Limit))
}

// Unwrap returns ErrQuota.
func (e *QuotaError) Unwrap() error { return ErrQuota }

// binarySize writes a number of bytes as Harbor does: 600 B, 2.0 KiB.
func binarySize(n int64) string {
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	value, unit := float64(n)/1024, 0
	for ; value >= 1024 && unit < len("KMGTPE")-1; unit++ {
		value /= 1024
	}
	return fmt.Sprintf("%.1f %ciB", value, "KMGTPE"[unit])
}

const (
	projectRoom = `SELECT p.storage_limit, CASE WHEN p.storage_limit < 0 THEN 0 ELSE CAST(COALESCE((SELECT SUM(u.bytes)
		FROM project_usage u WHERE u.project_id = p.id), 0) AS BIGINT) END FROM project p WHERE p.id = $1`
	addUsage = `INSERT INTO project_usage (project_id, shard, bytes) VALUES ($1, $2, $3)
		ON CONFLICT (project_id, shard) DO UPDATE SET bytes = project_usage.bytes + excluded.bytes`
	countedInProject = `SELECT EXISTS (SELECT 1 FROM blob b JOIN repository_blob rb ON rb.blob_id = b.id
		WHERE b.digest = $2 AND rb.project_id = $1 AND rb.counted)`
)

// room is what a project may hold and holds. Without a limit, -1, nobody asks what it holds.
type room struct{ limit, used int64 }

func scanRoom(r db.Row) (v room, err error) {
	err = r.Scan(&v.limit, &v.used)
	return v, err
}

// roomOf reads the room of a project. That there is no limit needn't be read again while no project changes.
func (s *Service) roomOf(ctx context.Context, tx db.Tx, projectID int64) (room, error) {
	version, exact := s.projects.Version()
	if exact && s.unlimited.has(projectID, version) {
		return room{limit: -1}, nil
	}
	if s.rules.current().NoQuotas {
		return room{limit: -1}, nil
	}
	free, err := db.Get(ctx, tx, scanRoom, projectRoom, projectID)
	if err == nil && exact && free.limit < 0 {
		s.unlimited.add(projectID, version)
	}
	return free, err
}

// take returns a *QuotaError when bytes are more than there is room for.
func (v room) take(bytes int64) error {
	if v.limit >= 0 && v.used+bytes > v.limit {
		return &QuotaError{Adding: bytes, Used: v.used, Limit: v.limit}
	}
	return nil
}

// charge adds bytes, negative for what is given back, to what the project holds. Above the limit it is a
// *QuotaError, and changes nothing; giving back always works.
func (s *Service) charge(ctx context.Context, tx db.Tx, projectID, bytes int64) error {
	if bytes == 0 {
		return nil
	}
	if bytes > 0 {
		free, err := s.roomOf(ctx, tx, projectID)
		if err != nil {
			return err
		}
		if err := free.take(bytes); err != nil {
			return err
		}
		if free.passes(bytes) {
			if err := s.warn(ctx, tx, projectID, free.used+bytes, free.limit); err != nil {
				return err
			}
		}
	}
	shard := 0
	if !s.db.Exclusive() {
		shard = rand.IntN(manyShards)
	}
	_, err := tx.Exec(ctx, addUsage, projectID, shard, bytes)
	return err
}

// CheckQuota returns a *QuotaError when a blob of this size will surely be refused, so that nobody sends it in
// vain. d may be "" as long as it is not known. The transactions that add to a project decide.
func (s *Service) CheckQuota(ctx context.Context, ref Ref, d oci.Digest, size int64) error {
	free, err := s.roomOf(ctx, s.db.Auto(), ref.ProjectID)
	if err != nil {
		return fmt.Errorf("check the quota of project %d: %w", ref.ProjectID, err)
	}
	refused := free.take(size)
	if refused == nil || size == 0 {
		return s.refused(ctx, "", ref, refused)
	}
	if d == "" { // it may be there already
		if size <= free.limit {
			return nil
		}
		return s.refused(ctx, "", ref, refused)
	}
	counted, err := db.Get(ctx, s.db.Auto(), db.ScanBool, countedInProject, ref.ProjectID, d)
	if err != nil {
		return fmt.Errorf("check the quota of project %d: %w", ref.ProjectID, err)
	}
	if counted {
		return nil
	}
	return s.refused(ctx, "", ref, refused)
}

// Discrepancy is a sum or a mark that isn't what the rows say.
type Discrepancy struct {
	What      string // which figure, of what
	ID        int64  // the project, repository or blob
	Kept, Due int64  // as it is written, and as it follows from the rows
}

func (d Discrepancy) String() string {
	return fmt.Sprintf("%s %d: %d, by the rows %d", d.What, d.ID, d.Kept, d.Due)
}

const maxDiscrepancies = 100

// Each gives what differs: an id, what is written, and what it should be.
var verifications = []struct{ what, query string }{
	{"usage of project", `SELECT id, kept, due FROM (SELECT p.id AS id,
		CAST(COALESCE((SELECT SUM(u.bytes) FROM project_usage u WHERE u.project_id = p.id), 0) AS BIGINT) AS kept, CAST(
		COALESCE((SELECT SUM(b.size) FROM blob b WHERE b.id IN (
			SELECT rb.blob_id FROM repository_blob rb WHERE rb.project_id = p.id AND rb.counted)), 0) +
		COALESCE((SELECT SUM(m.content_size) FROM manifest m WHERE m.project_id = p.id), 0) +
		COALESCE((SELECT SUM(t.charged) FROM trash t WHERE t.project_id = p.id), 0) AS BIGINT) AS due
		FROM project p) AS sums WHERE kept <> due LIMIT $1`},
	{"idle time of a named blob in repository", `SELECT rb.repository_id, rb.idle_since, 0 FROM repository_blob rb
		WHERE rb.idle_since > 0 AND EXISTS (SELECT 1 FROM manifest_blob mb
			WHERE mb.blob_id = rb.blob_id AND mb.repository_id = rb.repository_id) LIMIT $1`},
	{"idle time of an unnamed blob in repository", `SELECT rb.repository_id, 0, rb.created_at FROM repository_blob rb
		WHERE rb.idle_since = 0 AND NOT EXISTS (SELECT 1 FROM manifest_blob mb
			WHERE mb.blob_id = rb.blob_id AND mb.repository_id = rb.repository_id) LIMIT $1`},
	{"named blob that doesn't count in repository", `SELECT rb.repository_id, 0, 1 FROM repository_blob rb
		JOIN repository r ON r.id = rb.repository_id WHERE rb.idle_since = 0 AND NOT rb.counted AND r.name NOT LIKE 'deleted:%' LIMIT $1`},
	{"blob of deleted things that counts in repository", `SELECT rb.repository_id, 1, 0 FROM repository_blob rb
		JOIN repository r ON r.id = rb.repository_id WHERE rb.counted AND r.name LIKE 'deleted:%' LIMIT $1`},
	{"named blob that is no member of repository", `SELECT mb.repository_id, 0, 1 FROM manifest_blob mb
		WHERE NOT EXISTS (SELECT 1 FROM repository_blob rb WHERE rb.blob_id = mb.blob_id AND rb.repository_id = mb.repository_id) LIMIT $1`},
	{"condemned time of held blob", `SELECT b.id, b.condemned_at, 0 FROM blob b WHERE b.condemned_at > 0
		AND EXISTS (SELECT 1 FROM repository_blob rb WHERE rb.blob_id = b.id) LIMIT $1`},
	{"condemned time of unheld blob", `SELECT b.id, 0, b.created_at FROM blob b WHERE b.condemned_at = 0
		AND NOT EXISTS (SELECT 1 FROM repository_blob rb WHERE rb.blob_id = b.id) LIMIT $1`},
}

// VerifyUsage computes anew, from the rows, what each project holds and which blobs are in use, and returns what
// differs from what is kept: up to 100 of each kind, nothing in a sound registry. It reads whole tables.
func (s *Service) VerifyUsage(ctx context.Context) (found []Discrepancy, err error) {
	err = s.db.Read(ctx, func(tx db.Tx) error {
		found = nil
		for _, v := range verifications {
			rows, err := db.Collect(ctx, tx, func(r db.Row) (d Discrepancy, err error) {
				d.What = v.what
				err = r.Scan(&d.ID, &d.Kept, &d.Due)
				return d, err
			}, v.query, maxDiscrepancies)
			if err != nil {
				return fmt.Errorf("verify %s: %w", v.what, err)
			}
			found = append(found, rows...)
		}
		return nil
	})
	return found, err
}
