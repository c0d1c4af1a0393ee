package object

import (
	"context"
	"errors"
	"io"
	"sync"
)

// lent is the content of one request. An HTTP transport may read on for a moment after the request has ended,
// when the server answered early; by then the memory belongs to somebody else.
type lent struct {
	mu    sync.Mutex
	from  io.ReaderAt
	ended bool
}

var errEnded = errors.New("the request has ended")

// ReadAt implements io.ReaderAt.
func (l *lent) ReadAt(b []byte, offset int64) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return 0, errEnded
	}
	return l.from.ReadAt(b, offset)
}

func (l *lent) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
}

// trySending is try for a request with a body.
func trySending(ctx context.Context, content io.ReaderAt, size int64, f func(ctx context.Context, body *io.SectionReader) error) error {
	return try(ctx, forBody(size), func(ctx context.Context) error {
		l := &lent{from: content}
		defer l.end()
		return f(ctx, io.NewSectionReader(l, 0, size))
	})
}
