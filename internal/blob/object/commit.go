package object

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/oci"
)

// Commit implements blob.Store. A small upload lies where it belongs: there is nothing to do. Else
// the parts become one object, at a place of the upload's own.
func (s *Store) Commit(ctx context.Context, u blob.Upload, d oci.Digest) (string, error) {
	if err := checkID(u.ID); err != nil {
		return "", err
	}
	_, err := oci.ParseDigest(string(d))
	if err != nil {
		return "", fmt.Errorf("commit upload %s: %w", u.ID, err)
	}
	st, err := parse(u)
	if err != nil {
		return "", fmt.Errorf("commit upload %s: %w", u.ID, err)
	}
	key, err := s.finish(ctx, u.ID, st)
	if err == errBefore { //nolint:errorlint // never wrapped
		err = s.hasDigest(ctx, key, d)
	}
	if err != nil {
		return "", fmt.Errorf("commit upload %s as %s: %w", u.ID, d, err)
	}
	if st.Parts > 0 || st.Again {
		// What other appends of this upload left behind.
		if err := s.sweep(ctx, u.ID, key); err != nil {
			return "", fmt.Errorf("commit upload %s: clean up: %w", u.ID, err)
		}
	}
	return strings.TrimPrefix(key, blobsDir), nil
}

// ReadUpload implements blob.Store. Parts can only be read as one object, after which there are no
// parts to append to.
func (s *Store) ReadUpload(ctx context.Context, u blob.Upload) (io.ReadCloser, error) {
	if err := checkID(u.ID); err != nil {
		return nil, err
	}
	content, err := s.readUpload(ctx, u)
	if errors.Is(err, blob.ErrNotFound) {
		err = fmt.Errorf("%w: %w", blob.ErrUploadUnknown, err)
	}
	if err != nil {
		return nil, fmt.Errorf("read upload %s: %w", u.ID, err)
	}
	return content, nil
}

func (s *Store) readUpload(ctx context.Context, u blob.Upload) (io.ReadCloser, error) {
	st, err := parse(u)
	if err != nil {
		return nil, err
	}
	key, err := s.finish(ctx, u.ID, st)
	if err != nil && err != errBefore { //nolint:errorlint // never wrapped
		return nil, err
	}
	c, err := s.open(ctx, key)
	if err != nil {
		return nil, err
	}
	if c.size != u.Size {
		c.disconnect()
		return nil, &blob.OffsetError{Offset: u.Size, Held: c.size}
	}
	return c, nil
}

// finish makes one object of the upload and returns its key. It can be repeated.
func (s *Store) finish(ctx context.Context, id string, st state) (key string, err error) {
	switch {
	case !st.exists():
		return "", blob.ErrUploadUnknown
	case st.Parts == 0:
		return st.Rest, nil
	}
	key = blobsDir + id
	err = s.complete(ctx, key, st)
	if err != nil && !errors.Is(err, blob.ErrUploadUnknown) && !errors.Is(err, blob.ErrNotFound) && !errors.Is(err, errChanged) {
		return "", err
	}
	completed := err == nil
	o, statErr := s.stat(ctx, key)
	switch {
	case errors.Is(statErr, blob.ErrNotFound):
		return "", errors.Join(blob.ErrUploadUnknown, err)
	case statErr != nil:
		return "", statErr
	case o.Size != st.size():
		return "", &blob.OffsetError{Offset: st.size(), Held: o.Size}
	case !completed:
		return key, errBefore
	}
	return key, nil
}

// errBefore comes with the key of an object that was there already: the parts became it before, by a request
// whose answer was lost, by ReadUpload, or by a process that didn't know that the upload had been taken over.
var errBefore = errors.New("the object was made before")

// hasDigest reads an object that this process did not make, so as not to take another one's bytes for the
// upload's.
func (s *Store) hasDigest(ctx context.Context, key string, d oci.Digest) error {
	c, err := s.open(ctx, key)
	if err != nil {
		return err
	}
	defer c.disconnect()
	sum := d.NewHash()
	if _, err := io.Copy(sum, c); err != nil {
		return err
	}
	if got := oci.FromHash(d.Algorithm(), sum); got != d {
		return fmt.Errorf("%w: the object has the digest %s", blob.ErrUploadUnknown, got)
	}
	return nil
}

// complete turns the parts, and the bytes behind them as the last one, into the object.
func (s *Store) complete(ctx context.Context, key string, st state) error {
	listed, err := s.parts(ctx, key, st.Multipart)
	if err != nil {
		return err
	}
	parts, err := st.choose(listed)
	if err != nil {
		return err
	}
	if st.RestSize > 0 {
		last, err := s.restAsPart(ctx, key, st)
		if err != nil {
			return err
		}
		parts = append(parts, last)
	}
	return try(ctx, slow, func(ctx context.Context) error {
		return s.bucket.Complete(ctx, key, st.Multipart, parts)
	})
}

func (s *Store) restAsPart(ctx context.Context, key string, st state) (Part, error) {
	p := &part{memory: s.memory}
	defer p.release()
	last := Part{Number: st.Parts + 1, Size: st.RestSize, Tag: NewNonce(), Previous: st.Last}
	if err := s.load(ctx, st.Rest, st.RestSize, p); err != nil {
		return last, err
	}
	var err error
	last.ETag, err = s.putPart(ctx, key, st.Multipart, last, p)
	return last, err
}
