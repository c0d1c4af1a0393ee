package proxycache

import (
	"context"
	"sync"
	"time"
)

// flights are things that several want at once and that are done once. What is begun goes on when whoever began it leaves, until
// the service closes.
type flights[T any] struct {
	mu    sync.Mutex
	byKey map[string]*flight[T]
}

// flight is one of them. value and err may be read when done is closed.
type flight[T any] struct {
	done  chan struct{}
	value T
	err   error
}

// join returns the flight of the key, which do begins where none is under way.
func (f *flights[T]) join(s *Service, key string, do func(ctx context.Context) (T, error)) *flight[T] {
	f.mu.Lock()
	defer f.mu.Unlock()
	if under := f.byKey[key]; under != nil {
		return under
	}
	if f.byKey == nil {
		f.byKey = map[string]*flight[T]{}
	}
	begun := &flight[T]{done: make(chan struct{})}
	f.byKey[key] = begun
	started := s.spawn(func(ctx context.Context) {
		begun.value, begun.err = do(ctx)
		f.mu.Lock()
		delete(f.byKey, key)
		f.mu.Unlock()
		close(begun.done)
	})
	if !started {
		begun.err = errClosed
		delete(f.byKey, key)
		close(begun.done)
	}
	return begun
}

// wait waits for the flight's end, for a time, 0 for as long as ctx lasts. Without an end it is errSlow or ctx's error.
func (f *flight[T]) wait(ctx context.Context, most time.Duration) (v T, err error) {
	var timeout <-chan time.Time
	if most > 0 {
		timer := time.NewTimer(most)
		defer timer.Stop()
		timeout = timer.C
	}
	select {
	case <-f.done:
		return f.value, f.err
	default:
	}
	select {
	case <-f.done:
		return f.value, f.err
	case <-timeout:
		return v, errSlow
	case <-ctx.Done():
		return v, ctx.Err()
	}
}
