package registry

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/oci"
)

// The row of an upload says how many bytes were acknowledged and what their hash is. If two requests
// could write the same upload between reading that row and updating it, the hash of one could end up
// with the bytes of the other, and a blob under a digest that is not its own. So a request holds the
// upload from reading the row to updating it: by a lock in memory, and where several processes share
// the database by a claim in the row as well.

const (
	// A claim not renewed for claimLease is free: its process has died. It is shorter than
	// writerPatience, so that the client of a killed server waits and goes on, and is not refused.
	claimLease = 6 * time.Second
	claimRenew = 2 * time.Second
	claimRetry = 100 * time.Millisecond
)

// held is an upload that the caller alone may write.
type held struct {
	uploadRow
	hasher *blob.Hasher
	writer string // the claim's name, "" where the lock is enough
	// dying is set when the digest that the claim announces is being deleted by some process.
	dying bool
	// release ends the hold; calling it twice is wrong.
	release func()
}

// uploadRow is an upload as the database has it.
type uploadRow struct {
	blob.Upload
	repositoryID int64
	limited      bool       // the project has a storage limit
	hash         []byte     // its state after Size bytes
	intended     oci.Digest // what it is to be committed as, where hash does not tell or others have to know
	unwritten    bool       // it has no row
	kept         *kept      // it is in memory; nil: in the store
}

func scanUpload(r db.Row) (u uploadRow, err error) {
	err = r.Scan(&u.ID, &u.repositoryID, &u.Size, &u.hash, &u.State, &u.intended, &u.limited)
	return u, err
}

const (
	uploadFields = `u.id, u.repository_id, u.size, u.sha256_state, u.store_state, u.digest`
	uploadByID   = `SELECT ` + uploadFields + `, p.storage_limit >= 0
		FROM upload u JOIN repository r ON r.id = u.repository_id JOIN project p ON p.id = r.project_id
		WHERE u.id = $1 AND r.project_id = $2 AND r.name = $3`
	claimUpload = `UPDATE upload SET writer = $4, writer_until = $5, digest = CASE WHEN $7 = '' THEN digest ELSE $7 END
		WHERE id = $1 AND repository_id = (SELECT id FROM repository WHERE project_id = $2 AND name = $3)
			AND (writer = '' OR writer_until < $6)
		RETURNING id, repository_id, size, sha256_state, store_state, digest, (SELECT storage_limit >= 0 FROM project WHERE id = $2)`
	dyingBlob   = `SELECT EXISTS (SELECT 1 FROM blob WHERE digest = $1 AND deleting AND condemned_at > $2)`
	renewClaim  = `UPDATE upload SET writer_until = $3 WHERE id = $1 AND writer = $2`
	unclaim     = `UPDATE upload SET writer = '' WHERE id = $1 AND writer = $2`
	acknowledge = `UPDATE upload SET size = $3, sha256_state = $4, store_state = $5, updated_at = $6 WHERE id = $1 AND writer = $2`
	endUpload   = `DELETE FROM upload WHERE id = $1 AND writer = $2`
)

const (
	// Uploads that nobody writes; and those of repositories that were deleted at once.
	staleUploads = `SELECT id FROM upload WHERE updated_at <= $1 AND writer_until < $2 LIMIT $3`
	lostUploads  = `SELECT u.id FROM repository r JOIN upload u ON u.repository_id = r.id
		WHERE r.hidden AND r.name LIKE 'deleted:%' AND u.writer_until < $1 ORDER BY u.id LIMIT $2`
	anyUpload = `SELECT ` + uploadFields + `, FALSE FROM upload u WHERE u.id = $1`
	claimAny  = `UPDATE upload SET writer = $2, writer_until = $3 WHERE id = $1 AND (writer = '' OR writer_until < $4)
		RETURNING id, repository_id, size, sha256_state, store_state, digest, FALSE`
)

// holdAny is hold for a collector, which knows no repositories and doesn't wait: nil when somebody else
// holds the upload, or it is gone.
func (s *Service) holdAny(ctx context.Context, id string) (*held, error) {
	if _, free := s.writers.try(id); !free {
		return nil, nil
	}
	h := &held{hasher: blob.NewHasher(), release: func() { s.writers.release(id) }}
	var err error
	if found, ok := s.recents.takeKept(id); ok {
		h.uploadRow, h.release = found.row, s.keeping(found.ref, h, h.release)
	} else if s.db.Exclusive() {
		h.uploadRow, err = db.Get(ctx, s.db.Auto(), scanUpload, anyUpload, id)
		if errors.Is(err, db.ErrNotFound) && s.resumer != nil {
			if h.uploadRow, err = s.resumeInto(ctx, id, home{}); errors.Is(err, ErrUploadUnknown) {
				h.uploadRow, err = s.emptyUpload(id, home{}) // what was never begun whole is to go all the same
			}
		}
	} else {
		h.writer = rand.Text()
		err = s.db.WriteRelaxed(ctx, func(tx db.Tx) (err error) {
			now := s.clock()
			h.uploadRow, err = db.Get(ctx, tx, scanUpload, claimAny, id, h.writer, db.Micros(now.Add(claimLease)), db.Micros(now))
			return err
		})
	}
	if err != nil {
		h.release()
		if errors.Is(err, db.ErrNotFound) || errors.Is(err, ErrUploadUnknown) {
			return nil, nil
		}
		return nil, err
	}
	if !s.db.Exclusive() {
		s.keepClaim(ctx, h)
	}
	// A state that can't be read has no digest to look for; it is to go all the same.
	if err := h.hasher.UnmarshalBinary(h.hash); err != nil {
		h.hasher = blob.NewHasher()
	}
	return h, nil
}

func (s *Service) findUpload(ctx context.Context, ref Ref, id string) (uploadRow, error) {
	row, err := db.Get(ctx, s.db.Auto(), scanUpload, uploadByID, id, ref.ProjectID, ref.Name)
	if errors.Is(err, db.ErrNotFound) {
		return row, ErrUploadUnknown
	}
	return row, err
}

// recentUpload is findUpload, without asking the database for what this process has just written there.
func (s *Service) recentUpload(ctx context.Context, ref Ref, id string) (uploadRow, error) {
	if row, ok := s.recents.take(ref, id); ok {
		return row, nil
	}
	row, err := s.findUpload(ctx, ref, id)
	if errors.Is(err, ErrUploadUnknown) {
		return s.resume(ctx, ref, id)
	}
	return row, err
}

// hold waits for its turn and reads the upload. It returns ErrUploadUnknown or ErrUploadBusy. The
// caller must call release. d is what it is going to be committed as, "" when it isn't yet.
func (s *Service) hold(ctx context.Context, ref Ref, id string, d oci.Digest) (*held, error) {
	release, err := s.writers.acquire(ctx, id)
	if err != nil {
		return nil, err
	}
	h := &held{hasher: blob.NewHasher(), release: release}
	if s.db.Exclusive() {
		h.uploadRow, err = s.recentUpload(ctx, ref, id)
	} else {
		err = s.claim(ctx, ref, id, d, h)
	}
	if err != nil {
		release()
		return nil, err
	}
	if h.kept != nil {
		h.release = s.keeping(ref, h, release)
	}
	if err := h.hasher.UnmarshalBinary(h.hash); err != nil {
		h.release()
		return nil, fmt.Errorf("read state of upload %s: %w", id, err)
	}
	return h, nil
}

// keeping is a release of an upload that is remembered if it is kept still.
func (s *Service) keeping(ref Ref, h *held, release func()) func() {
	return func() {
		if h.kept != nil {
			s.recents.put(ref, h.uploadRow)
		}
		release()
	}
}

// claim takes the upload from all processes, and keeps it until h.release.
func (s *Service) claim(ctx context.Context, ref Ref, id string, d oci.Digest, h *held) error {
	h.writer = rand.Text()
	for deadline := time.Now().Add(writerPatience); ; {
		err := s.tryClaim(ctx, ref, id, d, h)
		if !errors.Is(err, db.ErrNotFound) {
			if err == nil {
				s.keepClaim(ctx, h)
			}
			return err
		}
		if _, err := s.findUpload(ctx, ref, id); err != nil {
			return err
		}
		if time.Now().After(deadline) {
			return ErrUploadBusy
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(claimRetry):
		}
	}
}

// tryClaim announces d with the claim. A collector that marks the blob looks for such announcements, and this
// looks for the mark: of two transactions that miss each other the database undoes one.
func (s *Service) tryClaim(ctx context.Context, ref Ref, id string, d oci.Digest, h *held) error {
	return s.db.WriteRelaxed(ctx, func(tx db.Tx) (err error) {
		now := s.clock()
		h.uploadRow, err = db.Get(ctx, tx, scanUpload, claimUpload, id, ref.ProjectID, ref.Name,
			h.writer, db.Micros(now.Add(claimLease)), db.Micros(now), d)
		if err != nil || d == "" {
			return err
		}
		h.dying, err = db.Get(ctx, tx, db.ScanBool, dyingBlob, d, db.Micros(now.Add(-deleteLease)))
		return err
	})
}

// awaitDeath waits until the blob that was being deleted when the upload announced it is gone, or its
// deleter must be dead. Nobody begins to delete it again.
func (s *Service) awaitDeath(ctx context.Context, h *held, d oci.Digest) (err error) {
	timeout := time.NewTimer(deleteLease + writerPatience)
	defer timeout.Stop()
	for h.dying {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timeout.C:
			return ErrUploadBusy
		case <-time.After(claimRetry):
		}
		if h.dying, err = db.Get(ctx, s.db.Auto(), db.ScanBool, dyingBlob, d, db.Micros(s.clock().Add(-deleteLease))); err != nil {
			return err
		}
	}
	return nil
}

// keepClaim renews the claim in the background. One that is lost nevertheless does no harm: every
// update of the row asks for it, and the store lets one writer at a time touch the bytes.
func (s *Service) keepClaim(ctx context.Context, h *held) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	id, writer := h.ID, h.writer // whoever holds the upload writes it anew meanwhile
	unlock := h.release
	h.release = func() {
		cancel()
		<-done
		s.endClaim(ctx, h)
		unlock()
	}
	go func() {
		defer close(done)
		ticker := time.NewTicker(claimRenew)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			err := s.db.WriteRelaxed(ctx, func(tx db.Tx) error {
				_, err := tx.Exec(ctx, renewClaim, id, writer, db.Micros(s.clock().Add(claimLease)))
				return err
			})
			if err != nil && ctx.Err() == nil {
				s.log.WarnContext(ctx, "renewing the claim on an upload", "upload", id, "error", err)
			}
		}
	}()
}

func (s *Service) endClaim(ctx context.Context, h *held) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer cancel()
	err := s.db.WriteRelaxed(ctx, func(tx db.Tx) error {
		_, err := tx.Exec(ctx, unclaim, h.ID, h.writer)
		return err
	})
	if err != nil { // it ends by itself
		s.log.WarnContext(ctx, "releasing the claim on an upload", "upload", h.ID, "error", err)
	}
}
