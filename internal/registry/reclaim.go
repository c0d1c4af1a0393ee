package registry

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/havenregistry/haven/internal/db"
)

// Space comes back bit by bit, while everything else goes on, and the store is never listed for it:
//
//   - A membership that no manifest has named for the grace ends (repository_blob.idle_since). A blob that was
//     left by its last repository is condemned (blob.condemned_at).
//   - A blob that is condemned for the grace, and still held by nobody, is marked (blob.deleting); then its
//     bytes go, then its row. A crash leaves a marked row, which the next collector takes up. Whoever copies the store
//     holds it up (hold_blobs.go).
//   - Bytes that lost to others of the same digest go (discarded).
//   - An upload that nobody wrote for its lifetime goes, its bytes first.
//   - A hidden repository that holds nothing any more goes.
//
// Any process may do it at any time. Each finds its work by an index and does a bounded batch of it in short
// transactions; of two that meet, the database lets one go on.

const (
	// reclaimBatch is how many rows one transaction takes, and aloneBatch on SQLite, where pushes wait for it, a
	// millisecond. deleteBatch is how many blobs share one wait for the disk.
	reclaimBatch = 128
	aloneBatch   = 32
	deleteBatch  = 256
	// At most these many in a second are taken of what is due, evenly, so that pushes hardly notice: deleting a file
	// takes a tenth of a millisecond of a core, ending a membership a tenth of that.
	blobsPerSecond       = 1650
	membershipsPerSecond = 9000
	// deleteLease is how long a marked blob belongs to the collector that marked it. deleteTime, how long
	// that one tries to delete it, is shorter.
	deleteLease = 15 * time.Second
	deleteTime  = 10 * time.Second
	// deletesAtOnce is how many calls of a store wait at a time where each is a request to a server. Local files
	// would only keep the cores from pushes.
	deletesAtOnce      = 32
	localDeletesAtOnce = 1

	// Where nothing is due, a look every idlePause finds what is.
	idlePause = 5 * time.Second
	// orphansEvery is how often the store is asked for uploads that the database doesn't know.
	orphansEvery = 24 * time.Hour
)

// Reclaimed counts what was taken back.
type Reclaimed struct {
	Memberships  int64
	Blobs        int64 // whose bytes are gone
	Bytes        int64 // of these
	Uploads      int64
	Repositories int64 // rows of deleted ones, and of such that never got a manifest
}

func (r *Reclaimed) add(o Reclaimed) {
	r.Memberships += o.Memberships
	r.Blobs += o.Blobs
	r.Bytes += o.Bytes
	r.Uploads += o.Uploads
	r.Repositories += o.Repositories
}

// reclaim is what this process has taken back so far. The zero value is ready.
type reclaim struct {
	mu        sync.Mutex
	total     Reclaimed
	lastRun   time.Time // when something was taken back last
	failures  int64
	orphansAt time.Time // when the store was asked for orphans last
	expected  []expected
}

// ReclaimStatus is how far reclaiming is.
type ReclaimStatus struct {
	Total    Reclaimed // by this process since its start
	LastRun  time.Time // when it took something back last; zero: never
	Failures int64     // runs of this process that failed
	// Backlog is what waits for its time, in the whole registry: blobs that nobody holds, and their bytes.
	BacklogBlobs, BacklogBytes int64
}

const backlog = `SELECT COUNT(*), CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM blob WHERE condemned_at > 0`

// ReclaimStatus returns what was taken back and what waits.
func (s *Service) ReclaimStatus(ctx context.Context) (status ReclaimStatus, err error) {
	found, err := db.Get(ctx, s.db.Auto(), scanPair, backlog)
	if err != nil {
		return status, fmt.Errorf("count what waits to be reclaimed: %w", err)
	}
	s.reclaim.mu.Lock()
	defer s.reclaim.mu.Unlock()
	return ReclaimStatus{s.reclaim.total, s.reclaim.lastRun, s.reclaim.failures, found[0], found[1]}, nil
}

// Reclaimed returns what this process has taken back since its start, and how many of its runs failed.
func (s *Service) Reclaimed() (total Reclaimed, failures int64) {
	s.reclaim.mu.Lock()
	defer s.reclaim.mu.Unlock()
	return s.reclaim.total, s.reclaim.failures
}

const due = `SELECT COUNT(*), CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM blob WHERE condemned_at > 0 AND NOT deleting AND condemned_at <= $1`

// Due returns what Reclaim would delete now: blobs whose grace is over, and their bytes.
func (s *Service) Due(ctx context.Context) (blobs, bytes int64, err error) {
	cutoff, err := s.deletable(ctx)
	if err != nil {
		return 0, 0, err
	}
	found, err := db.Get(ctx, s.db.Auto(), scanPair, due, cutoff)
	return found[0], found[1], wrap(err, "count what is due to be reclaimed")
}

// Grace is how long blobs are kept that no manifest names, and then again when no repository holds them.
func (s *Service) Grace() time.Duration { return s.reclaimAfter }

func scanPair(r db.Row) (v [2]int64, err error) {
	err = r.Scan(&v[0], &v[1])
	return v, err
}

// RunReclaim reclaims until ctx is cancelled, then returns nil.
func (s *Service) RunReclaim(ctx context.Context) error {
	var run Reclaimed
	began := time.Now()
	for {
		start := time.Now()
		did, more, err := s.Reclaim(ctx, Speed{Rate: blobsPerSecond})
		run.add(did)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			s.log.ErrorContext(ctx, "reclaiming space", "error", err)
		}
		pause := s.idlePause()
		if more && err == nil {
			pause = did.pace(time.Since(start))
		} else if run != (Reclaimed{}) {
			s.log.InfoContext(ctx, "reclaimed space", "blobs", run.Blobs, "bytes", run.Bytes, "memberships", run.Memberships,
				"uploads", run.Uploads, "repositories", run.Repositories, "took", time.Since(began).Round(time.Millisecond))
			run = Reclaimed{}
		}
		if run == (Reclaimed{}) {
			began = time.Now()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

// pace is how long to pause after a batch that took so long.
func (r Reclaimed) pace(took time.Duration) time.Duration {
	due := time.Duration(r.Memberships)*time.Second/membershipsPerSecond + time.Duration(r.Blobs)*time.Second/blobsPerSecond
	return max(due-took, took/8)
}

// idlePause is shorter where the grace is short, and not the same on all replicas.
func (s *Service) idlePause() time.Duration {
	pause := min(idlePause, s.reclaimAfter/4)
	return pause/2 + rand.N(pause)
}

// Speed is how fast blobs are deleted; the zero value is as fast as they go.
type Speed struct {
	Rate    int // blobs a second, 0 for as many as go
	Deletes int // calls of the store at a time, 0 for what suits it
}

// Reclaim takes back a bounded batch of all that is due, and reports whether more may be.
func (s *Service) Reclaim(ctx context.Context, at Speed) (did Reclaimed, more bool, err error) {
	var errs []error
	for _, step := range []func(context.Context) (Reclaimed, bool, error){
		s.endTrash, s.endMemberships,
		func(ctx context.Context) (Reclaimed, bool, error) { return s.deleteCondemned(ctx, at) },
		s.deleteDiscarded, s.deleteUnnamed, s.storeIdle, s.endUploads, s.endRepositories, s.cancelOrphans,
	} {
		d, m, err := step(ctx)
		did.add(d)
		more = more || m
		errs = append(errs, err)
	}
	err = errors.Join(errs...)
	s.reclaim.mu.Lock()
	defer s.reclaim.mu.Unlock()
	s.reclaim.total.add(did)
	if did != (Reclaimed{}) {
		s.reclaim.lastRun = s.clock()
	}
	if err != nil {
		s.reclaim.failures++
	}
	return did, more, err
}

// rowsAtOnce is how many rows one transaction takes.
func (s *Service) rowsAtOnce() int {
	if s.db.Exclusive() {
		return aloneBatch
	}
	return reclaimBatch
}

// before is the time that was this long ago, as the database stores it.
func (s *Service) before(ago time.Duration) int64 { return db.Micros(s.clock().Add(-ago)) }
