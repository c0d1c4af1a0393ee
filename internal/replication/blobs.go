package replication

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash"
	"io"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/replication/remote"
)

// blobs brings blobs to the destination's repository, some at a time. Where they were brought to before is read for all of them at once.
func (t *transfer) blobs(ctx context.Context, all []oci.Descriptor) error {
	before, err := t.where.brought(ctx, t.pair, t.pool.unknown(all))
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, d := range all {
		g.Go(func() error {
			select {
			case t.streams <- struct{}{}:
				defer func() { <-t.streams }()
			case <-ctx.Done():
				return context.Cause(ctx)
			}
			if err := t.blob(ctx, d, before[d.Digest]); err != nil {
				return fmt.Errorf("blob %s: %w", d.Digest, err)
			}
			return nil
		})
	}
	return g.Wait()
}

// blob brings one: by nothing where the repository has it, by a mount where another one has it, else by its bytes. before is the
// repository that got it according to the database, "" for none.
func (t *transfer) blob(ctx context.Context, d oci.Descriptor, before string) error {
	for {
		if t.holds(d.Digest) {
			return nil
		}
		from, leave, err := t.pool.enter(ctx, d.Digest)
		if err != nil {
			return err
		}
		if leave != nil {
			return t.fetch(ctx, d, before, leave)
		}
		switch there, err := t.reuse(ctx, d, from); {
		case err != nil:
			return err
		case there:
			return nil
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

// fetch is for the one who has the right to bring the blob, and ends it. What is news to the database is written down.
func (t *transfer) fetch(ctx context.Context, d oci.Descriptor, before string, leave func(at string)) error {
	if err := t.obtain(ctx, d, before); err != nil {
		leave("")
		return err
	}
	leave(t.name)
	if before == t.name {
		return nil
	}
	ctx = context.WithoutCancel(ctx) // others leave theirs to be written along
	return t.pool.note(arrival{d.Digest, t.name}, func(all []arrival) error { return t.where.bring(ctx, t.pair, all) })
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
	check := &check{want: d}
	err := done(ctx, t.note, func() error {
		return t.dst.PutBlob(ctx, t.name, d, func(ctx context.Context, offset int64) (io.ReadCloser, error) { return t.read(ctx, d, offset, check) }, o)
	})
	if err != nil {
		return err
	}
	t.count(func(s *sums) { s.blobs++; s.bytes += d.Size })
	t.hold(d.Digest)
	return nil
}

// read opens a blob of the source from an offset on, not faster than the policy wants it, and verified as far as it is read in one go.
func (t *transfer) read(ctx context.Context, d oci.Descriptor, offset int64, c *check) (io.ReadCloser, error) {
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
	c.begin(offset)
	var r io.Reader = &checked{r: content, c: c}
	if t.limit != nil {
		r = &limited{ctx: ctx, r: r, limit: t.limit}
	}
	return struct {
		io.Reader
		io.Closer
	}{r, content}, nil
}

// check verifies a blob while it is sent, so that what has another digest isn't even sent wholly.
type check struct {
	want oci.Descriptor
	sum  hash.Hash // nil: it was begun somewhere else than where it ended, and the destination alone verifies it
	read int64
}

func (c *check) begin(offset int64) {
	switch {
	case offset == 0:
		c.sum, c.read = c.want.Digest.NewHash(), 0
	case offset != c.read:
		c.sum, c.read = nil, offset
	}
}

var errOther = errors.New("the source sent other bytes than those that the digest stands for")

// checked reads a blob, and fails at its end, or before, when it isn't the one.
type checked struct {
	r io.Reader
	c *check
}

func (r *checked) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	c := r.c
	c.read += int64(n)
	if c.sum != nil {
		c.sum.Write(p[:n])
	}
	switch {
	case c.read > c.want.Size:
		return 0, errOther
	case c.read == c.want.Size && c.sum != nil && n > 0 && oci.FromHash(c.want.Digest.Algorithm(), c.sum) != c.want.Digest:
		return 0, errOther
	case err == io.EOF && c.read < c.want.Size:
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
