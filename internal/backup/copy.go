package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"syscall"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/oci"
)

// Pace is how fast blobs are read.
type Pace struct {
	Parallel int   // blobs at a time, at least 1
	MaxRate  int64 // bytes a second, 0 for no limit
}

// copier copies blobs from one store to another, and compares them with their digests.
type copier struct {
	limit    *rate.Limiter // nil: as fast as it goes
	progress Progress
	packer   blob.Packer // where small blobs are packed, else nil
}

// chunk is how many bytes are read at a time, and the least that a limit lets through at once.
const chunk = 256 << 10

func newCopier(p Pace, progress Progress) *copier {
	c := &copier{progress: progress}
	if p.MaxRate > 0 {
		c.limit = rate.NewLimiter(rate.Limit(p.MaxRate), chunk)
	}
	return c
}

// packing has small blobs packed where the store does that. Nobody else may write to it.
func (c *copier) packing(to blob.Store) *copier {
	if packer, ok := to.(blob.Packer); ok && packer.Packs() {
		c.packer = packer
	}
	return c
}

// damageError says what is wrong with the bytes of a blob.
type damageError struct{ problem string }

func (e *damageError) Error() string { return e.problem }

func damaged(err error) bool {
	_, ok := errors.AsType[*damageError](err)
	return ok
}

// opener opens a blob where it is now.
type opener func(ctx context.Context) (blob.Content, error)

// copy writes a blob to a store and returns its location there. Bytes that are not the digest's are a *damageError, and leave nothing
// behind. They are read a second time before that is said.
func (c *copier) copy(ctx context.Context, from opener, to blob.Store, d oci.Digest, size int64) (location string, err error) {
	for range 2 {
		if location, err = c.copyOnce(ctx, from, to, d, size); !damaged(err) {
			break
		}
	}
	if err != nil {
		return "", fmt.Errorf("copy blob %s: %w", d, err)
	}
	return location, nil
}

func (c *copier) copyOnce(ctx context.Context, from opener, to blob.Store, d oci.Digest, size int64) (string, error) {
	r, err := c.open(ctx, from, d, size)
	if err != nil {
		return "", err
	}
	defer r.content.Close()
	if size <= blob.MaxPacked {
		return c.copySmall(ctx, r, to)
	}
	u := blob.Upload{ID: uuid.NewString()}
	u, err = to.Append(ctx, u, r)
	if err == nil {
		err = r.verify()
	}
	if err != nil {
		return "", errors.Join(r.cause(err), to.Cancel(context.WithoutCancel(ctx), u))
	}
	return to.Commit(ctx, u, d)
}

// copySmall reads a small blob whole before it writes.
func (c *copier) copySmall(ctx context.Context, r *reader, to blob.Store) (string, error) {
	content, err := io.ReadAll(r)
	if err == nil {
		err = r.verify()
	}
	if err != nil {
		return "", r.cause(err)
	}
	if c.packer != nil {
		return c.packer.Pack(ctx, content)
	}
	u, err := to.Append(ctx, blob.Upload{ID: uuid.NewString()}, bytes.NewReader(content))
	if err != nil {
		return "", errors.Join(err, to.Cancel(context.WithoutCancel(ctx), u))
	}
	return to.Commit(ctx, u, r.want)
}

func (c *copier) open(ctx context.Context, from opener, d oci.Digest, size int64) (*reader, error) {
	content, err := from(ctx)
	switch {
	case errors.Is(err, blob.ErrNotFound) || errors.Is(err, blob.ErrNameInvalid):
		return nil, &damageError{"missing"}
	case errors.Is(err, syscall.EIO):
		return nil, &damageError{"unreadable"}
	case err != nil:
		return nil, err
	case content.Size() != size:
		return nil, errors.Join(&damageError{fmt.Sprintf("%d bytes, not %d", content.Size(), size)}, content.Close())
	}
	return &reader{ctx: ctx, copier: c, content: content, want: d, sum: d.NewHash()}, nil
}

// reader hashes what is read of a blob, no faster than it may.
type reader struct {
	ctx     context.Context // of the copy
	copier  *copier
	content blob.Content
	want    oci.Digest
	sum     hash.Hash
	failed  error // of the content
}

// Read implements io.Reader.
func (r *reader) Read(b []byte) (int, error) {
	b = b[:min(len(b), chunk)]
	if r.copier.limit != nil {
		if err := r.copier.limit.WaitN(r.ctx, len(b)); err != nil {
			return 0, err
		}
	}
	n, err := r.content.Read(b)
	if n > 0 {
		r.sum.Write(b[:n])
		r.copier.progress.Add(int64(n))
	}
	if err != nil && err != io.EOF { //nolint:errorlint // a wrapped one is a failure
		r.failed = err
	}
	return n, err
}

// cause is why a copy failed: a store that has lost the bytes meanwhile, or can't read them, is damage.
func (r *reader) cause(err error) error {
	switch {
	case errors.Is(r.failed, syscall.EIO):
		return &damageError{"unreadable"}
	case errors.Is(r.failed, blob.ErrNotFound):
		return &damageError{"missing"}
	}
	return err
}

// verify compares what was read with the digest.
func (r *reader) verify() error {
	if oci.FromHash(r.want.Algorithm(), r.sum) != r.want {
		return &damageError{"other bytes"}
	}
	return nil
}

// queued is how many items inOrder works on or keeps until those before them are done.
const queued = 1024

// inOrder calls do for each item that feed yields, some at a time, and take with what it returns, in the order of the items. The first
// error ends it.
func inOrder[T, R any](ctx context.Context, parallel int, feed func(ctx context.Context, yield func(T) error) error,
	do func(ctx context.Context, item T) (R, error), take func(ctx context.Context, item T, result R) error) error {
	type step struct {
		item   T
		result R
		err    error
		done   chan struct{}
	}
	g, ctx := errgroup.WithContext(ctx)
	queue, slots := make(chan *step, queued), make(chan struct{}, parallel)
	g.Go(func() error {
		defer close(queue)
		return feed(ctx, func(item T) error {
			s := &step{item: item, done: make(chan struct{})}
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
				return ctx.Err()
			}
			g.Go(func() error {
				defer func() { <-slots }()
				defer close(s.done)
				s.result, s.err = do(ctx, s.item)
				return s.err
			})
			select {
			case queue <- s:
			case <-ctx.Done():
				return ctx.Err()
			}
			return nil
		})
	})
	g.Go(func() error {
		for s := range queue {
			select {
			case <-s.done: // what is done is taken, though something later has failed
			default:
				select {
				case <-s.done:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			if s.err != nil {
				return s.err
			}
			if err := take(ctx, s.item, s.result); err != nil {
				return err
			}
		}
		return nil
	})
	return g.Wait()
}
