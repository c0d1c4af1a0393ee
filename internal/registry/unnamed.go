package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/oci"
)

// A packed blob is written before its row. When the process is killed between the two, or the database fails, bytes are
// left that no row names. The next process looks through what the last one may not have finished, once.

// maxUnnamed is how many of them an interrupted process may have left, or a 50th of what is looked through. More mean
// that the database is the wrong one, or an old copy: then they stay, for a rebuild.
const maxUnnamed = 200

var (
	locationsOf = inQuery{`SELECT location FROM blob WHERE digest IN `, ""}
	// Few ask, and rarely: it reads the table.
	namedAmong = inQuery{`SELECT location FROM blob WHERE location IN `, ""}
)

// unnamed are bytes that were packed and got no row. The zero value is ready.
type unnamed struct {
	mu     sync.Mutex
	begun  bool // the segments of former processes were looked through
	failed []string
}

// add notes bytes whose row could not be written. That may have been an answer that got lost.
func (u *unnamed) add(location string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.failed = append(u.failed, location)
}

func (u *unnamed) take() (failed []string, first bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	failed, first = u.failed, !u.begun
	u.failed, u.begun = nil, true
	return failed, first
}

func (u *unnamed) putBack(failed []string, first bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.failed = append(u.failed, failed...)
	u.begun = u.begun && !first
}

// deleteUnnamed deletes packed bytes that no row names.
func (s *Service) deleteUnnamed(ctx context.Context) (did Reclaimed, more bool, err error) {
	if s.packer == nil {
		return did, false, nil
	}
	failed, first := s.unnamed.take()
	err = s.deleteNameless(ctx, failed)
	if err == nil && first {
		err = s.sweepUnended(ctx)
	}
	if err != nil {
		s.unnamed.putBack(failed, first)
	}
	return did, false, wrap(err, "look for packed bytes that no row names")
}

// sweepUnended looks through what former processes packed and may not have finished.
func (s *Service) sweepUnended(ctx context.Context) error {
	var suspects []string
	batch, listed := map[oci.Digest]string{}, 0
	sift := func() error {
		found, err := s.suspects(ctx, batch)
		suspects = append(suspects, found...)
		clear(batch)
		return err
	}
	err := s.packer.Unended(ctx, func(location string, _ int64) error {
		listed++
		d, err := s.digestAt(ctx, location)
		if errors.Is(err, blob.ErrNotFound) {
			return nil // just deleted
		}
		if err != nil {
			return err
		}
		if twin, twice := batch[d]; twice {
			suspects = append(suspects, twin) // one of them has the row, or none
		}
		if batch[d] = location; len(batch) < setSize {
			return nil
		}
		return sift()
	})
	if err := errors.Join(err, sift()); err != nil || listed == 0 {
		return err
	}
	if len(suspects) > max(maxUnnamed, listed/50) {
		s.log.WarnContext(ctx, "the store holds many small blobs that this database doesn't know; none of them is deleted", "unknown", len(suspects), "listed", listed)
		return nil
	}
	if err := s.deleteNameless(ctx, suspects); err != nil {
		return err
	}
	return s.packer.End(ctx)
}

// digestAt reads a packed blob and returns its digest.
func (s *Service) digestAt(ctx context.Context, location string) (oci.Digest, error) {
	content, err := s.blobs.Open(ctx, location)
	if err != nil {
		return "", err
	}
	defer content.Close()
	sum := blob.NewHasher()
	if _, err := io.Copy(sum, content); err != nil {
		return "", fmt.Errorf("read %s: %w", location, err)
	}
	return sum.Digest(), nil
}

// suspects returns those of the locations that the rows of their digests don't name.
func (s *Service) suspects(ctx context.Context, batch map[oci.Digest]string) (found []string, err error) {
	all := make([]oci.Digest, 0, len(batch))
	for d := range batch {
		all = append(all, d)
	}
	known, err := collectIn(ctx, s.db.Auto(), db.ScanString, locationsOf, nil, all)
	if err != nil {
		return nil, err
	}
	named := setOf(known)
	for _, location := range batch {
		if !named[location] {
			found = append(found, location)
		}
	}
	return found, nil
}

// deleteNameless deletes those of the locations that no row at all names.
func (s *Service) deleteNameless(ctx context.Context, locations []string) error {
	if len(locations) == 0 {
		return nil
	}
	known, err := collectIn(ctx, s.db.Auto(), db.ScanString, namedAmong, nil, locations)
	if err != nil {
		return err
	}
	named := setOf(known)
	for _, location := range locations {
		if named[location] {
			continue
		}
		if err := s.blobs.Delete(ctx, location); err != nil {
			return err
		}
	}
	return nil
}

func setOf(all []string) map[string]bool {
	set := make(map[string]bool, len(all))
	for _, v := range all {
		set[v] = true
	}
	return set
}
