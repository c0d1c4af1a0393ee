package telemetry

import (
	"maps"
	"sync"
)

// Tally counts things of a fixed set of kinds. Its zero value is ready, and it is safe for concurrent use.
type Tally[K comparable] struct {
	mu sync.Mutex
	of map[K]int64
}

// Add counts n more of a kind.
func (t *Tally[K]) Add(kind K, n int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.of == nil {
		t.of = map[K]int64{}
	}
	t.of[kind] += n
}

// All is what was counted so far.
func (t *Tally[K]) All() map[K]int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.of)
}
