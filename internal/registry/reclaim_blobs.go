package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/oci"
)

const (
	// inProject counts the repositories of the project that the blob is counted in.
	idleMembers = `SELECT rb.repository_id, rb.blob_id, rb.project_id, b.size, CASE WHEN rb.counted THEN
			(SELECT COUNT(*) FROM repository_blob o WHERE o.project_id = rb.project_id AND o.blob_id = rb.blob_id AND o.counted) ELSE 0 END
		FROM repository_blob rb JOIN blob b ON b.id = rb.blob_id
		WHERE rb.idle_since > 0 AND rb.idle_since <= $1 ORDER BY rb.idle_since, rb.repository_id, rb.blob_id LIMIT $2`
	endMembers = `DELETE FROM repository_blob WHERE (repository_id, blob_id) IN (
		SELECT rb.repository_id, rb.blob_id FROM repository_blob rb
		WHERE rb.idle_since > 0 AND rb.idle_since <= $1 ORDER BY rb.idle_since, rb.repository_id, rb.blob_id LIMIT $2)`
)

// idleMember is a membership that ends.
type idleMember struct {
	repositoryID, blobID, projectID int64
	size                            int64
	inProject                       int64 // memberships of the project that count the blob, 0 when this one doesn't
}

func scanIdle(r db.Row) (m idleMember, err error) {
	err = r.Scan(&m.repositoryID, &m.blobID, &m.projectID, &m.size, &m.inProject)
	return m, err
}

// endMemberships ends those that are idle for the grace, and condemns the blobs that nobody holds any more.
func (s *Service) endMemberships(ctx context.Context) (did Reclaimed, more bool, err error) {
	cutoff := s.before(s.reclaimAfter)
	due, err := db.Collect(ctx, s.db.Auto(), scanIdle, idleMembers, cutoff, 1)
	if err != nil || len(due) == 0 {
		return did, false, wrap(err, "look for idle memberships")
	}
	err = s.db.WriteRelaxed(ctx, func(tx db.Tx) error {
		idle, err := db.Collect(ctx, tx, scanIdle, idleMembers, cutoff, s.rowsAtOnce())
		if err != nil || len(idle) == 0 {
			return err
		}
		if _, err := tx.Exec(ctx, endMembers, cutoff, s.rowsAtOnce()); err != nil {
			return err
		}
		blobs := make([]int64, len(idle))
		for i, m := range idle {
			blobs[i] = m.blobID
		}
		if err := condemn(ctx, tx, s.now(), distinct(blobs)...); err != nil {
			return err
		}
		for projectID, freed := range givenBack(idle) {
			if err := s.charge(ctx, tx, projectID, -freed); err != nil {
				return err
			}
		}
		did.Memberships = int64(len(idle))
		return nil
	})
	return did, did.Memberships == int64(s.rowsAtOnce()), wrap(err, "end idle memberships")
}

// givenBack returns the bytes by project that the end of memberships gives back: of blobs that were counted
// in no others of the project.
func givenBack(idle []idleMember) map[int64]int64 {
	type key struct{ projectID, blobID int64 }
	ended, freed := map[key]int64{}, map[int64]int64{}
	for _, m := range idle {
		if m.inProject == 0 {
			continue
		}
		k := key{m.projectID, m.blobID}
		if ended[k]++; ended[k] == m.inProject {
			freed[m.projectID] += m.size
		}
	}
	return freed
}

const (
	// A marked one whose lease is over comes again: its collector has died, or the store refused.
	doomedBlobs = `SELECT id, digest, size, location, durable, damaged, deleting, condemned_at FROM blob
			WHERE condemned_at > 0 AND NOT deleting AND condemned_at <= $1 ORDER BY condemned_at, id LIMIT $2`
	leftBlobs = `SELECT id, digest, size, location, durable, damaged, deleting, condemned_at FROM blob
			WHERE deleting AND condemned_at <= $1 ORDER BY condemned_at, id LIMIT $2`
)

var (
	markBlobs = inQuery{`UPDATE blob SET deleting = TRUE, condemned_at = $1
		WHERE (condemned_at > 0 AND NOT deleting AND condemned_at <= $2
				AND NOT EXISTS (SELECT 1 FROM blob_hold h WHERE h.since < blob.condemned_at AND h.lease_until > $1)
			OR deleting AND condemned_at <= $3)
			AND NOT EXISTS (SELECT 1 FROM repository_blob rb WHERE rb.blob_id = blob.id)
			AND NOT EXISTS (SELECT 1 FROM upload u WHERE u.digest = blob.digest AND u.digest <> '' AND u.writer <> '')
			AND id IN `, ` RETURNING id, location, size`}
	endBlobs = inQuery{`DELETE FROM blob WHERE deleting AND id IN `, ""}
)

// deleteCondemned deletes blobs that are condemned for the grace, and finishes what a crash cut off.
func (s *Service) deleteCondemned(ctx context.Context, at Speed) (did Reclaimed, more bool, err error) {
	candidates, err := s.doomed(ctx)
	if err != nil || len(candidates) == 0 {
		return did, false, err
	}
	all := make([]oci.Digest, len(candidates))
	for i, c := range candidates {
		all[i] = c.Digest
	}
	taken, done := s.digests.delete(all)
	defer done()
	var ids []int64
	for _, c := range candidates {
		if taken[c.Digest] {
			ids = append(ids, c.ID)
		}
	}
	marked, err := s.doom(ctx, ids)
	if err != nil {
		return did, false, err
	}
	gone, err := s.deleteBytes(ctx, marked, at)
	for some := range slices.Chunk(gone, s.rowsAtOnce()) {
		if err := s.db.WriteRelaxed(ctx, func(tx db.Tx) error { return execIn(ctx, tx, endBlobs, nil, some) }); err != nil {
			return did, false, fmt.Errorf("end deleted blobs: %w", err)
		}
	}
	for _, b := range marked {
		if slices.Contains(gone, b.ID) {
			did.Bytes += b.Size
		}
	}
	did.Blobs = int64(len(gone))
	return did, len(candidates) == deleteBatch && len(gone) > 0, err
}

func (s *Service) doomed(ctx context.Context) ([]stored, error) {
	cutoff, err := s.deletable(ctx)
	if err != nil {
		return nil, err
	}
	fresh, err := db.Collect(ctx, s.db.Auto(), scanStored, doomedBlobs, cutoff, deleteBatch)
	if err != nil {
		return nil, fmt.Errorf("look for condemned blobs: %w", err)
	}
	left, err := db.Collect(ctx, s.db.Auto(), scanStored, leftBlobs, s.before(deleteLease), deleteBatch)
	if err != nil {
		return nil, fmt.Errorf("look for blobs left by others: %w", err)
	}
	all := append(left, fresh...)
	return all[:min(len(all), deleteBatch)], nil
}

// doom marks those of the blobs that are still to be deleted. It is durable before bytes go, and with it all
// that led to it: after the loss of power no row may name what is gone.
func (s *Service) doom(ctx context.Context, ids []int64) (marked []Blob, err error) {
	most := len(ids)
	if s.db.Exclusive() { // then a durable transaction makes those before it durable even when it changes nothing
		most = aloneBatch
	}
	for len(ids) > 0 {
		some := ids[:min(most, len(ids))]
		ids = ids[len(some):]
		write := s.db.WriteRelaxed
		if len(ids) == 0 {
			write = s.db.Write
		}
		var found []Blob
		err := write(ctx, func(tx db.Tx) (err error) {
			found, err = collectIn(ctx, tx, scanMarked, markBlobs, []any{s.now(), s.before(s.reclaimAfter), s.before(deleteLease)}, some)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("mark condemned blobs: %w", err)
		}
		marked = append(marked, found...)
	}
	return marked, nil
}

func scanMarked(r db.Row) (b Blob, err error) {
	err = r.Scan(&b.ID, &b.Location, &b.Size)
	return b, err
}

// deleteBytes deletes from the store and returns the ids of the blobs whose bytes are gone. Those that the
// store refuses to delete stay marked, and come again.
func (s *Service) deleteBytes(ctx context.Context, blobs []Blob, at Speed) (gone []int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, deleteTime)
	defer cancel()
	var mu sync.Mutex
	var errs []error
	var g errgroup.Group
	g.SetLimit(s.deletesAtOnce(at))
	start := time.Now()
	for i, b := range blobs {
		if at.Rate > 0 {
			due := time.Duration(i) * time.Second / time.Duration(at.Rate)
			if early := due - time.Since(start); early > time.Millisecond {
				time.Sleep(early)
			}
		}
		g.Go(func() error {
			var err error
			if b.Location != "" { // a blob that was lost with a store lies nowhere
				err = s.blobs.Delete(ctx, b.Location)
			}
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				gone = append(gone, b.ID)
			} else if len(errs) < 3 {
				errs = append(errs, fmt.Errorf("delete blob %s: %w", b.Location, err))
			}
			return nil
		})
	}
	_ = g.Wait() // the errors are in errs
	return gone, errors.Join(errs...)
}

func (s *Service) deletesAtOnce(at Speed) int {
	if at.Deletes > 0 {
		return at.Deletes
	}
	if _, local := s.blobs.(blob.Finder); local {
		return localDeletesAtOnce
	}
	return deletesAtOnce
}

const someDiscarded = `SELECT location FROM discarded ORDER BY discarded_at, location LIMIT $1`

var endDiscarded = inQuery{`DELETE FROM discarded WHERE location IN `, ""}

// deleteDiscarded deletes bytes that no row names.
func (s *Service) deleteDiscarded(ctx context.Context) (did Reclaimed, more bool, err error) {
	locations, err := db.Collect(ctx, s.db.Auto(), db.ScanString, someDiscarded, reclaimBatch)
	if err != nil || len(locations) == 0 {
		return did, false, wrap(err, "look for discarded bytes")
	}
	needless, done, err := s.needless(ctx, locations)
	if err != nil {
		return did, false, wrap(err, "look whether discarded bytes are needed")
	}
	defer done()
	gone, failed := s.deleteBytes(ctx, needless, Speed{})
	ended := make([]string, len(gone))
	for i, id := range gone {
		ended[i] = locations[id]
	}
	err = s.db.WriteRelaxed(ctx, func(tx db.Tx) error { return execIn(ctx, tx, endDiscarded, nil, ended) })
	return did, len(gone) == reclaimBatch, errors.Join(failed, wrap(err, "end discarded bytes"))
}

// needless returns what of the discarded bytes may go, by their place in the list, and keeps commits from putting
// others there until done is called. Where the digest says so others may have come since: these stay, with no bytes to
// delete. What is being committed right now comes again.
func (s *Service) needless(ctx context.Context, locations []string) (blobs []Blob, done func(), err error) {
	finder, _ := s.blobs.(blob.Finder)
	var digests []oci.Digest
	byDigest := map[int]oci.Digest{}
	for i, location := range locations {
		if finder == nil {
			break
		}
		if d, ok := finder.Digest(location); ok {
			byDigest[i] = d
			digests = append(digests, d)
		}
	}
	taken, done := s.digests.delete(digests)
	known, err := collectIn(ctx, s.db.Auto(), db.ScanString, locationsOf, nil, digests)
	if err != nil {
		done()
		return nil, nil, err
	}
	named := setOf(known)
	for i, location := range locations {
		d, ok := byDigest[i]
		if ok && !taken[d] {
			continue
		}
		if named[location] {
			location = ""
		}
		blobs = append(blobs, Blob{ID: int64(i), Location: location})
	}
	return blobs, done, nil
}

// wrap says what was tried, of an error.
func wrap(err error, what string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
