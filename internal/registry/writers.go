package registry

import (
	"context"
	"sync"
	"time"
)

// writerPatience is how long a request waits for another one that writes the same upload. A client
// that reconnects comes while its old request is still noticing that the connection is gone, or after
// a crash that left the upload claimed for claimLease.
const writerPatience = 10 * time.Second

// writers lets one request of this process at a time write an upload. The zero value is ready.
type writers struct {
	mu   sync.Mutex
	held map[string]chan struct{} // closed on release
}

// acquire waits for its turn, at most until ctx is done or writerPatience is over: ErrUploadBusy.
func (w *writers) acquire(ctx context.Context, id string) (release func(), err error) {
	timeout := time.NewTimer(writerPatience)
	defer timeout.Stop()
	for {
		free, ok := w.try(id)
		if ok {
			return func() { w.release(id) }, nil
		}
		select {
		case <-free:
		case <-timeout.C:
			return nil, ErrUploadBusy
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// try returns true when the caller now holds id, else a channel that is closed when it is free.
func (w *writers) try(id string) (free <-chan struct{}, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if free, busy := w.held[id]; busy {
		return free, false
	}
	if w.held == nil {
		w.held = map[string]chan struct{}{}
	}
	w.held[id] = make(chan struct{})
	return nil, true
}

func (w *writers) release(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.held[id])
	delete(w.held, id)
}
