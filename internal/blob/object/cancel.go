package object

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/havenregistry/haven/internal/blob"
)

// Cancel implements blob.Store.
func (s *Store) Cancel(ctx context.Context, u blob.Upload) error {
	if err := checkID(u.ID); err != nil {
		return err
	}
	if err := s.sweep(ctx, u.ID, ""); err != nil {
		return fmt.Errorf("cancel upload %s: %w", u.ID, err)
	}
	return nil
}

// sweep removes all that belongs to an upload, but for the object keep.
func (s *Store) sweep(ctx context.Context, id, keep string) error {
	var errs []error
	for _, dir := range []string{blobsDir, uploadsDir} {
		errs = append(errs, s.each(ctx, dir+id, func(o Object) error {
			if owner, ours := idOf(dir, o.Key); !ours || owner != id || o.Key == keep {
				return nil
			}
			return s.delete(ctx, o.Key)
		}))
	}
	errs = append(errs, s.eachMultipart(ctx, blobsDir+id, func(m Multipart) error {
		if owner, ours := idOf(blobsDir, m.Key); !ours || owner != id {
			return nil
		}
		return s.abort(ctx, m.Key, m.ID)
	}))
	return errors.Join(errs...)
}

func (s *Store) abort(ctx context.Context, key, id string) error {
	return try(ctx, slow, func(ctx context.Context) error { return s.bucket.Abort(ctx, key, id) })
}

// Uploads implements blob.Store. A small upload lies at the same place before and after its commit,
// and a large one's object bears its id: those of blobs are among them.
func (s *Store) Uploads(ctx context.Context, before time.Time, yield func(id string) error) error {
	err := s.eachMultipart(ctx, blobsDir, func(m Multipart) error {
		id, ours := idOf(blobsDir, m.Key)
		if !ours || !m.Begun.Before(before) {
			return nil
		}
		if idle, err := s.idleSince(ctx, m, before); !idle || err != nil {
			return err
		}
		return yield(id)
	})
	for _, dir := range []string{uploadsDir, blobsDir} {
		if err != nil {
			break
		}
		err = s.each(ctx, dir, func(o Object) error {
			if id, ours := idOf(dir, o.Key); ours && o.Modified.Before(before) {
				return yield(id)
			}
			return nil
		})
	}
	if err != nil {
		return fmt.Errorf("list uploads: %w", err)
	}
	return nil
}

// idleSince is true when no part was written since then.
func (s *Store) idleSince(ctx context.Context, m Multipart, then time.Time) (bool, error) {
	parts, err := s.parts(ctx, m.Key, m.ID)
	if errors.Is(err, blob.ErrUploadUnknown) {
		return false, nil // it has ended
	}
	for _, p := range parts {
		if !p.Modified.Before(then) {
			return false, err
		}
	}
	return true, err
}
