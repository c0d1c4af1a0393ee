package repair

import (
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"

	"golang.org/x/time/rate"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/oci"
)

// chunk is how many bytes are read at a time, and the least that a rate limit lets through at once.
const chunk = 256 << 10

// Reader reads blobs from a store, no faster than it may.
type Reader struct {
	blobs blob.Store
	limit *rate.Limiter // nil: as fast as it goes
	add   func(int64)   // told of bytes read, once for each blob's size
}

// NewReader returns one that reads so many bytes a second at most, 0 for no limit, and tells add of bytes that it has read.
func NewReader(blobs blob.Store, bytesPerSecond int64, add func(int64)) *Reader {
	r := &Reader{blobs: blobs, add: add}
	if bytesPerSecond > 0 {
		r.limit = rate.NewLimiter(rate.Limit(bytesPerSecond), chunk)
	}
	return r
}

// What is wrong with a blob, in the report's words.
const (
	problemMissing    = "missing"
	problemSize       = "wrong size"
	problemBytes      = "other bytes"
	problemUnreadable = "unreadable"
)

// Examine reads the blob and says what is wrong with it, "" for nothing. It reads a second time before it says
// so: a bad cable is not a bad blob. The error is the store's, which says nothing about the blob.
func (r *Reader) Examine(ctx context.Context, location string, d oci.Digest, size int64) (problem string, err error) {
	for range 2 {
		if problem, err = r.read(ctx, location, d, size); problem == "" {
			return "", err
		}
	}
	return problem, err
}

func (r *Reader) read(ctx context.Context, location string, d oci.Digest, size int64) (problem string, err error) {
	if location == "" { // a rebuild found none
		return problemMissing, nil
	}
	content, err := r.blobs.Open(ctx, location)
	if errors.Is(err, blob.ErrNotFound) || errors.Is(err, blob.ErrNameInvalid) {
		return problemMissing, nil
	}
	if errors.Is(err, syscall.EIO) {
		return problemUnreadable, nil
	}
	if err != nil {
		return "", err
	}
	defer content.Close()
	if content.Size() != size {
		return fmt.Sprintf("%s: %d bytes, not %d", problemSize, content.Size(), size), nil
	}
	sum := d.NewHash()
	switch err := r.copy(ctx, sum, content); {
	case errors.Is(err, syscall.EIO):
		return problemUnreadable, nil
	case errors.Is(err, blob.ErrNotFound):
		return problemMissing, nil
	case err != nil:
		return "", err
	}
	if oci.FromHash(d.Algorithm(), sum) != d {
		return problemBytes, nil
	}
	return "", nil
}

// copy hashes content at the rate that is allowed.
func (r *Reader) copy(ctx context.Context, to io.Writer, content io.Reader) error {
	buffer := make([]byte, chunk)
	for {
		if err := r.wait(ctx, len(buffer)); err != nil {
			return err
		}
		n, err := io.ReadFull(content, buffer)
		if _, err := to.Write(buffer[:n]); err != nil {
			return err
		}
		r.add(int64(n))
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (r *Reader) wait(ctx context.Context, n int) error {
	if r.limit == nil {
		return ctx.Err()
	}
	return r.limit.WaitN(ctx, n)
}
