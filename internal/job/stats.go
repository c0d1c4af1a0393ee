package job

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/havenregistry/haven/internal/telemetry"
)

// stats are figures of this process, by kind.
type stats struct {
	spread *telemetry.Spread
	mu     sync.Mutex
	byKind map[Kind]*KindStats
}

func newStats() stats {
	return stats{spread: telemetry.NewSpread("haven_job_duration_seconds", "How long this process worked on tasks, by their kind.", "type", nil,
		10*time.Millisecond, 100*time.Millisecond, time.Second, 10*time.Second, time.Minute, 10*time.Minute, time.Hour, 6*time.Hour)}
}

// Spread is how long tasks of this process took, for metrics. All kinds are in it.
func (s *Service) Spread() *telemetry.Spread { return s.stats.spread }

// KindStats are figures of this process about a kind.
type KindStats struct {
	Began   int64            // runs
	Running int64            // now
	Ended   map[Status]int64 // runs: Success, Error, and Scheduled for those that are tried again
	Waited  time.Duration    // from being queued to the beginning, of all runs together
	Took    time.Duration    // of all runs together
}

func (s *stats) of(kind Kind) *KindStats {
	if s.byKind == nil {
		s.byKind = map[Kind]*KindStats{}
	}
	k := s.byKind[kind]
	if k == nil {
		k = &KindStats{Ended: map[Status]int64{}}
		s.byKind[kind] = k
	}
	return k
}

func (s *stats) began(t Task, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.of(t.Kind)
	k.Began++
	k.Running++
	k.Waited += max(now.Sub(t.queuedAt), 0)
}

func (s *stats) left(kind Kind, took time.Duration) {
	s.spread.Observe(string(kind), took)
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.of(kind)
	k.Running--
	k.Took += took
}

func (s *stats) ended(kind Kind, how Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.of(kind).Ended[how]++
}

// Stats are the figures of this process about a kind since it began.
func (s *Service) Stats(kind Kind) KindStats {
	s.stats.mu.Lock()
	defer s.stats.mu.Unlock()
	k := *s.stats.of(kind)
	k.Ended = maps.Clone(k.Ended)
	return k
}

// Kinds are those that this process knows, by name.
func (s *Service) Kinds() []Kind { return slices.Sorted(maps.Keys(s.works)) }
