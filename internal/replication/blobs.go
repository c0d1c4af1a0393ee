package replication

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"golang.org/x/time/rate"

	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/replication/remote"
)

// largeBlob is from how many bytes on it is written down at once that a blob was brought. Smaller ones are written down with all of their
// manifest's, which saves most of the work that this is; of these a process that is killed brings a few again.
const largeBlob = 1 << 20

// blobs brings blobs to the destination's repository, some at a time. Where they were brought to before is read for all of them at once,
// and what is news to the database is written down.
func (t *transfer) blobs(ctx context.Context, all []oci.Descriptor) error {
	before, err := t.where.brought(ctx, t.pair, t.pool.unknown(all))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var under sync.WaitGroup
	var mu sync.Mutex
	var news []arrival
	for _, d := range all {
		under.Add(1)
		bring := func() {
			defer under.Done()
			brought, err := t.blob(ctx, d, before[d.Digest])
			if brought && d.Size >= largeBlob {
				err = t.bring(ctx, arrival{d.Digest, t.name})
			} else if brought {
				mu.Lock()
				news = append(news, arrival{d.Digest, t.name})
				mu.Unlock()
			}
			if err != nil {
				cancel(fmt.Errorf("blob %s: %w", d.Digest, err))
			}
		}
		select {
		case t.hands <- bring:
		case <-ctx.Done():
			under.Done()
		}
	}
	under.Wait()
	if err := t.bring(ctx, news...); err != nil {
		cancel(err)
	}
	return context.Cause(ctx)
}

// bring writes down what was brought, whoever has gone meanwhile: others leave theirs to be written along.
func (t *transfer) bring(ctx context.Context, all ...arrival) error {
	ctx = context.WithoutCancel(ctx)
	return t.pool.note(all, func(all []arrival) error { return t.where.bring(ctx, t.pair, all) })
}

// blob brings one: by nothing where the repository has it, by a mount where another one has it, else by its bytes. before is the
// repository that got it according to the database, "" for none. Where that isn't this one, brought is that it should say so.
func (t *transfer) blob(ctx context.Context, d oci.Descriptor, before string) (brought bool, err error) {
	for {
		if t.holds(d.Digest) {
			return false, nil
		}
		from, leave, err := t.pool.enter(ctx, d.Digest)
		if err != nil {
			return false, err
		}
		if leave != nil { // who has the right to bring it ends that
			if err := t.obtain(ctx, d, before); err != nil {
				leave("")
				return false, err
			}
			leave(t.name)
			return before != t.name, nil
		}
		if there, err := t.reuse(ctx, d, from); there || err != nil {
			return false, err
		}
		t.pool.forget(d.Digest, from)
	}
}

// reuse mounts a blob that another repository is known to have, and reports whether this one has it then.
func (t *transfer) reuse(ctx context.Context, d oci.Descriptor, from string) (bool, error) {
	if from != t.name {
		mounted, err := calmly(ctx, t.note, func() (bool, error) { return t.dst.MountBlob(ctx, t.name, d, from) })
		if err != nil && !errors.Is(err, remote.ErrUnsupported) && !errors.Is(err, remote.ErrDenied) {
			return false, err
		}
		if err == nil && mounted {
			t.count(func(s *sums) { s.mounted++ })
			t.hold(d.Digest)
			return true, nil
		}
	}
	has, err := calmly(ctx, t.note, func() (bool, error) { return t.dst.HasBlob(ctx, t.name, d.Digest) })
	if err == nil && has {
		t.hold(d.Digest)
	}
	return err == nil && has, err
}

// obtain brings the blob by a mount from where it was brought before, or by its bytes.
func (t *transfer) obtain(ctx context.Context, d oci.Descriptor, before string) error {
	// A repository that isn't there has nothing, unless a run that was cut off has begun it.
	if before != "" || !t.changes.fresh || t.again {
		if there, err := t.reuse(ctx, d, cmp.Or(before, t.name)); err != nil || there {
			return err
		}
	}
	o := remote.PutOptions{}
	if t.policy.CopyByChunk {
		o.Chunk = chunkSize
	}
	err := done(ctx, t.note, func() error {
		return t.dst.PutBlob(ctx, t.name, d, func(ctx context.Context, offset int64) (io.ReadCloser, error) { return t.read(ctx, d, offset) }, o)
	})
	if err != nil {
		return err
	}
	t.count(func(s *sums) { s.blobs++; s.bytes += d.Size })
	t.hold(d.Digest)
	return nil
}

// read opens a blob of the source from an offset on, not faster than the policy wants it.
func (t *transfer) read(ctx context.Context, d oci.Descriptor, offset int64) (io.ReadCloser, error) {
	open := func(offset int64) (io.ReadCloser, error) {
		return calmly(ctx, t.note, func() (io.ReadCloser, error) { return t.src.OpenBlob(ctx, t.repository, d, offset) })
	}
	content, err := open(offset)
	if offset > 0 && errors.Is(err, remote.ErrUnsupported) {
		if content, err = open(0); err != nil {
			return nil, err
		}
		if _, err := io.CopyN(io.Discard, content, offset); err != nil {
			return nil, errors.Join(fmt.Errorf("read up to where it broke off: %w", err), content.Close())
		}
	}
	if err != nil {
		return nil, err
	}
	var r io.Reader = &sized{r: content, left: d.Size - offset}
	if t.limit != nil {
		r = &limited{ctx: ctx, r: r, limit: t.limit}
	}
	return struct {
		io.Reader
		io.Closer
	}{r, content}, nil
}

var errOther = errors.New("the source sent other bytes than those that the digest stands for")

// sized reads a blob, and fails where the source has another number of bytes. Whether they are the ones, the destination says.
type sized struct {
	r    io.Reader
	left int64
}

func (r *sized) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	r.left -= int64(n)
	switch {
	case r.left < 0:
		return 0, errOther
	case err == io.EOF && r.left > 0:
		return n, io.ErrUnexpectedEOF
	}
	return n, err
}

// limited reads at most as fast as a limit allows.
type limited struct {
	ctx   context.Context
	r     io.Reader
	limit *rate.Limiter
}

// limitStep is how many bytes are read at once, at most, under a limit.
const limitStep = 64 << 10

func (r *limited) Read(p []byte) (int, error) {
	n, err := r.r.Read(p[:min(len(p), limitStep, r.limit.Burst())])
	if n > 0 {
		if waited := r.limit.WaitN(r.ctx, n); waited != nil && err == nil {
			err = waited
		}
	}
	return n, err
}

// newLimit is a limit of so many KB/s; nil for none.
func newLimit(speed int64) *rate.Limiter {
	if speed <= 0 {
		return nil
	}
	perSecond := speed << 10
	return rate.NewLimiter(rate.Limit(perSecond), int(min(perSecond, limitStep)))
}
