package load

import (
	"sync"
	"time"
)

const (
	// maxKeys bounds the holders that are remembered, at some hundred bytes each.
	maxKeys = 50_000
	// sweepSize is how many of them are looked at when there is no room for another one.
	sweepSize = 64
	// burstSeconds is how many seconds' worth may come at once.
	burstSeconds = 10
)

// rates let each holder do something so many times a second, and for a moment more. A holder who did nothing for burstSeconds is forgotten when
// somebody else needs the room: it has all of its allowance again anyway. Where none can be forgotten so, one that can't wait for longest is.
type rates[K comparable] struct {
	perSecond, burst float64
	max              int
	clock            func() time.Time

	mu sync.Mutex
	of map[K]allowance
}

// allowance is how much a holder had left, at a time.
type allowance struct {
	left float64
	at   time.Time
}

// newRates returns nil, which allows everything, for a rate of 0.
func newRates[K comparable](perSecond float64, clock func() time.Time) *rates[K] {
	if perSecond <= 0 {
		return nil
	}
	return &rates[K]{perSecond: perSecond, burst: max(perSecond*burstSeconds, 1), max: maxKeys, clock: clock, of: map[K]allowance{}}
}

// take uses one of what the holder may do, or says how long to wait for it.
func (r *rates[K]) take(holder K) (wait time.Duration) {
	if r == nil {
		return 0
	}
	now := r.clock()
	r.mu.Lock()
	defer r.mu.Unlock()
	a, known := r.of[holder]
	switch {
	case known:
		a.left = r.now(a, now)
	default:
		if len(r.of) >= r.max {
			r.makeRoom(now)
		}
		a.left = r.burst
	}
	a.at = now
	if a.left < 1 {
		r.of[holder] = a
		return time.Duration((1 - a.left) / r.perSecond * float64(time.Second))
	}
	a.left--
	r.of[holder] = a
	return 0
}

// now is how much of an allowance is left.
func (r *rates[K]) now(a allowance, now time.Time) float64 {
	return min(a.left+now.Sub(a.at).Seconds()*r.perSecond, r.burst)
}

// makeRoom forgets those of a few whose allowance is whole, or else the one that has most of it left. The order of a map is another one each time.
func (r *rates[K]) makeRoom(now time.Time) {
	var fullest K
	most, looked, dropped := -1.0, 0, false
	for k, a := range r.of {
		left := r.now(a, now)
		if left >= r.burst {
			delete(r.of, k)
			dropped = true
		} else if left > most {
			fullest, most = k, left
		}
		if looked++; looked >= sweepSize {
			break
		}
	}
	if !dropped {
		delete(r.of, fullest)
	}
}
