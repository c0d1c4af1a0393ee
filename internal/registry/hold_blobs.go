package registry

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/pause"
)

// Somebody who reads the database at one moment and copies what it names needs the bytes for as long as that takes, which may
// be days. A hold is a row that says so: no blob is deleted that was condemned since it began. It has a lease, so that it ends
// with its holder.

const (
	holdLease = 5 * time.Minute
	holdEvery = time.Minute
	// holdSkew is how far the clocks of two processes may be apart: condemned_at is by the one's, since by the other's.
	holdSkew = 10 * time.Minute
)

// ErrHoldLost: a hold could not be renewed before its lease ended, so blobs may be gone.
var ErrHoldLost = errors.New("the database could not be told for some minutes that its blobs are still needed; they may have been deleted")

const (
	insertHold   = `INSERT INTO blob_hold (id, since, lease_until) VALUES ($1, $2, $3)`
	renewHold    = `UPDATE blob_hold SET lease_until = $2 WHERE id = $1 AND lease_until > $3`
	endHold      = `DELETE FROM blob_hold WHERE id = $1`
	expireHolds  = `DELETE FROM blob_hold WHERE lease_until <= $1`
	earliestHold = `SELECT COALESCE(MIN(since), 0) FROM blob_hold WHERE lease_until > $1`
)

// Holding runs f while no blob loses its bytes that some repository has when f begins. The context of f ends with ErrHoldLost
// as its cause when that can't be promised any more.
func (s *Service) Holding(ctx context.Context, f func(ctx context.Context) error) error {
	id := uuid.NewString()
	until := s.clock().Add(holdLease)
	err := s.db.Write(ctx, func(tx db.Tx) error {
		if _, err := tx.Exec(ctx, expireHolds, s.now()); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, insertHold, id, s.before(holdSkew), db.Micros(until))
		return err
	})
	if err != nil {
		return fmt.Errorf("keep blobs from being deleted: %w", err)
	}
	held, lose := context.WithCancelCause(ctx)
	renewed := make(chan struct{})
	go func() {
		defer close(renewed)
		s.renewHold(held, id, until, lose)
	}()
	err = f(held)
	if lost := context.Cause(held); err != nil && ctx.Err() == nil && lost != nil {
		err = errors.Join(lost, err)
	}
	lose(nil)
	<-renewed
	ended := s.db.WriteRelaxed(context.WithoutCancel(ctx), func(tx db.Tx) error {
		_, err := tx.Exec(context.WithoutCancel(ctx), endHold, id)
		return err
	})
	if ended != nil { // its lease ends by itself
		s.log.WarnContext(ctx, "blobs are kept from being deleted for some minutes more", "error", ended)
	}
	return err
}

// renewHold keeps the hold until ctx ends. A database that gives no answer has until the end of the lease.
func (s *Service) renewHold(ctx context.Context, id string, until time.Time, lose context.CancelCauseFunc) {
	for pause.For(ctx, holdEvery) {
		now := s.clock()
		next := now.Add(holdLease)
		var held int64
		err := s.db.Write(ctx, func(tx db.Tx) (err error) {
			held, err = tx.Exec(ctx, renewHold, id, db.Micros(next), db.Micros(now))
			return err
		})
		switch {
		case err == nil && held > 0:
			until = next
		case ctx.Err() != nil:
			return
		case err == nil || s.clock().After(until):
			lose(errors.Join(ErrHoldLost, err))
			return
		}
	}
}

// deletable is when a blob must have been condemned at the latest to be deleted now: the grace ago, and before every hold. The
// statement that marks blobs looks once more, in its transaction.
func (s *Service) deletable(ctx context.Context) (int64, error) {
	since, err := db.Get(ctx, s.db.Auto(), db.ScanInt, earliestHold, s.now())
	if err != nil {
		return 0, fmt.Errorf("look who needs blobs: %w", err)
	}
	cutoff := s.before(s.reclaimAfter)
	if since > 0 {
		cutoff = min(cutoff, since)
	}
	return cutoff, nil
}
