package proxycache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"

	"github.com/havenregistry/haven/internal/blob"
)

// inMemory is up to which size in bytes a blob is kept in memory while it comes.
const inMemory = 256 << 10

// spool holds a blob while it comes, for all who read it. What is written may be read when it is published.
type spool struct {
	file *os.File // nil: in memory
	mem  []byte

	mu       sync.Mutex
	written  int64
	readable int64
	ended    bool
	err      error
	changed  chan struct{}
}

// newSpool makes a spool for a blob of the size, -1 where that isn't known. Its file has no name: nothing is left of it when the
// process dies.
func newSpool(dir string, size int64) (*spool, error) {
	sp := &spool{changed: make(chan struct{})}
	if size >= 0 && size <= inMemory {
		sp.mem = make([]byte, 0, size)
		return sp, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of blobs that come: %w", noSpace(err))
	}
	f, err := os.CreateTemp(dir, "blob-")
	if err != nil {
		return nil, fmt.Errorf("make a file for a blob that comes: %w", noSpace(err))
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(fmt.Errorf("unlink the file of a blob that comes: %w", err), f.Close())
	}
	sp.file = f
	return sp, nil
}

func noSpace(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", blob.ErrNoSpace, err)
	}
	return err
}

// write appends, without letting it be read. One goroutine writes.
func (sp *spool) write(p []byte) error {
	if sp.file == nil {
		sp.mu.Lock()
		sp.mem = append(sp.mem, p...)
		sp.mu.Unlock()
	} else if _, err := sp.file.WriteAt(p, sp.written); err != nil {
		return fmt.Errorf("write a blob that comes: %w", noSpace(err))
	}
	sp.written += int64(len(p))
	return nil
}

// publish lets all that is written be read, but for the last keep bytes.
func (sp *spool) publish(keep int64) {
	sp.mu.Lock()
	defer sp.mu.Unlock()
	if n := sp.written - keep; n > sp.readable {
		sp.readable = n
		sp.tell()
	}
}

// finish ends it: err is why it isn't whole, nil where it is.
func (sp *spool) finish(err error) {
	sp.mu.Lock()
	defer sp.mu.Unlock()
	if err == nil {
		sp.readable = sp.written
	}
	sp.ended, sp.err = true, err
	sp.tell()
}

func (sp *spool) tell() {
	close(sp.changed)
	sp.changed = make(chan struct{})
}

// readAt reads what there is at an offset, and waits where nothing is yet.
func (sp *spool) readAt(ctx context.Context, p []byte, offset int64) (int, error) {
	for {
		sp.mu.Lock()
		there, ended, err, changed := sp.readable-offset, sp.ended, sp.err, sp.changed
		var mem []byte
		if sp.file == nil && there > 0 {
			mem = sp.mem[offset:sp.readable]
		}
		sp.mu.Unlock()
		switch {
		case there > 0 && mem != nil:
			return copy(p, mem), nil
		case there > 0:
			return sp.file.ReadAt(p[:min(int64(len(p)), there)], offset)
		case ended && err != nil:
			return 0, err
		case ended:
			return 0, io.EOF
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// drop gives its space back, when nobody reads it any more.
func (sp *spool) drop() {
	if sp.file != nil {
		sp.file.Close() // it has no name, and nobody wants its bytes
	}
}

// content is a blob.Content of a blob that comes, for one reader. Reading waits for what isn't there yet.
type content struct {
	ctx    context.Context //nolint:containedctx // of the request that reads it, as an io.Reader has none
	fetch  *blobFetch
	size   int64
	offset int64
	once   sync.Once
}

// Size implements blob.Content.
func (c *content) Size() int64 { return c.size }

// Read implements io.Reader.
func (c *content) Read(p []byte) (int, error) {
	if c.size >= 0 && c.offset >= c.size {
		return 0, io.EOF
	}
	n, err := c.fetch.spool.readAt(c.ctx, p, c.offset)
	c.offset += int64(n)
	return n, err
}

// Seek implements io.Seeker.
func (c *content) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += c.offset
	case io.SeekEnd:
		offset += c.size
	}
	if offset < 0 {
		return c.offset, errors.New("seek before the beginning of a blob")
	}
	c.offset = offset
	return offset, nil
}

// Close implements io.Closer.
func (c *content) Close() error {
	c.once.Do(func() { c.fetch.leave() })
	return nil
}
