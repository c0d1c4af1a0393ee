package load

import (
	"context"
	"sync/atomic"
	"time"
)

// places bound how many requests are under way. Who finds none free waits for a while, in the order of coming, and no more wait than there are places.
type places struct {
	taken   chan struct{} // holds one for each request under way
	waiting atomic.Int64
}

func newPlaces(most int) *places { return &places{taken: make(chan struct{}, most)} }

// enter takes a place, which leave gives back, and reports whether there was one within the time.
func (p *places) enter(ctx context.Context, most time.Duration) bool {
	select {
	case p.taken <- struct{}{}:
		return true
	default:
	}
	if most <= 0 {
		return false
	}
	defer p.waiting.Add(-1)
	if p.waiting.Add(1) > int64(cap(p.taken)) {
		return false
	}
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case p.taken <- struct{}{}:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}

func (p *places) leave() { <-p.taken }
