package object

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/havenregistry/haven/internal/blob"
)

// stalled is how long a read may wait for a byte before another request is made.
const stalled = 30 * time.Second

// Open implements blob.Store. The request that finds the blob also brings its bytes, so that
// reading it from the beginning to the end is one request.
func (s *Store) Open(ctx context.Context, location string) (blob.Content, error) {
	if err := checkLocation(location); err != nil {
		return nil, err
	}
	c, err := s.open(ctx, blobsDir+location)
	if err != nil {
		return nil, fmt.Errorf("open blob %s: %w", location, err)
	}
	return c, nil
}

func (s *Store) open(ctx context.Context, key string) (*content, error) {
	c := &content{ctx: ctx, bucket: s.bucket, key: key}
	err := try(ctx, slow, func(context.Context) error { return c.connect() })
	if err != nil {
		return nil, err
	}
	return c, nil
}

// content is an object that is being read. Reading goes on where it was after the connection broke, as
// long as the object is the same.
type content struct {
	ctx    context.Context // of Open: the requests for the bytes are part of it
	bucket Bucket
	key    string
	etag   string
	size   int64
	at     int64 // where the next Read begins

	body   io.ReadCloser // nil when there is none
	bodyAt int64
	cancel context.CancelFunc
	watch  *time.Timer // cancels body
	broken int         // how often in a row
}

// Size implements blob.Content.
func (c *content) Size() int64 { return c.size }

// Seek implements io.Seeker. It costs nothing; the next Read does.
func (c *content) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += c.at
	case io.SeekEnd:
		offset += c.size
	}
	if offset < 0 {
		return 0, errors.New("seek before the beginning of a blob")
	}
	c.at = offset
	return offset, nil
}

// Read implements io.Reader.
func (c *content) Read(p []byte) (int, error) {
	if c.at >= c.size {
		return 0, io.EOF
	}
	if len(p) == 0 {
		return 0, nil
	}
	for {
		n, err := c.readOnce(p)
		if n > 0 {
			c.broken = 0
			return n, nil
		}
		c.disconnect()
		if c.broken++; c.broken > tries || c.ctx.Err() != nil {
			return 0, errors.Join(err, c.ctx.Err())
		}
		if err := try(c.ctx, slow, func(context.Context) error { return c.connect() }); err != nil {
			return 0, err
		}
	}
}

// readOnce reads from the body that is open at the right place.
func (c *content) readOnce(p []byte) (int, error) {
	if c.body == nil || c.bodyAt != c.at {
		return 0, io.ErrUnexpectedEOF
	}
	c.watch.Reset(stalled)
	n, err := c.body.Read(p[:min(int64(len(p)), c.size-c.at)])
	c.watch.Stop()
	c.at += int64(n)
	c.bodyAt += int64(n)
	if n == 0 && (err == nil || err == io.EOF) { //nolint:errorlint // the plain end, before its time
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// connect asks for the bytes from the current place on.
func (c *content) connect() error {
	c.disconnect()
	ctx, cancel := context.WithCancel(c.ctx)
	watch := time.AfterFunc(quick, cancel)
	body, o, err := c.bucket.Get(ctx, c.key, c.at, c.etag)
	if err == nil && c.etag != "" && o.Size != c.size {
		body.Close()
		err = sizeError(c.key, o.Size, c.size)
	}
	if err != nil {
		cancel()
		if !watch.Stop() {
			return Retry(err)
		}
		return err
	}
	watch.Stop()
	c.body, c.bodyAt, c.cancel, c.watch = body, c.at, cancel, watch
	c.etag, c.size = o.ETag, o.Size
	return nil
}

func (c *content) disconnect() {
	if c.body == nil {
		return
	}
	c.watch.Stop()
	c.cancel()
	c.body.Close()
	c.body = nil
}

// Close implements io.Closer.
func (c *content) Close() error {
	c.disconnect()
	return nil
}
