package telemetry

import (
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Spread counts durations by how long they were. It is safe for concurrent use.
type Spread struct {
	bounds []float64 // in seconds, ascending

	mu    sync.Mutex
	upTo  []uint64 // by bound, those up to it
	count uint64
	sum   float64
}

// NewSpread returns a Spread with these bounds, which must ascend.
func NewSpread(bounds ...time.Duration) *Spread {
	s := &Spread{upTo: make([]uint64, len(bounds))}
	for _, b := range bounds {
		s.bounds = append(s.bounds, b.Seconds())
	}
	return s
}

// Observe counts one duration.
func (s *Spread) Observe(took time.Duration) {
	seconds := took.Seconds()
	first, _ := slices.BinarySearch(s.bounds, seconds)
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := first; i < len(s.upTo); i++ {
		s.upTo[i]++
	}
	s.count++
	s.sum += seconds
}

// Spreads adds a histogram for each value of a label, which must come from a fixed set.
func (m *Metrics) Spreads(name, help, label string, byValue map[string]*Spread) {
	m.registry.MustRegister(spreads{prometheus.NewDesc(name, help, []string{label}, nil), byValue})
}

// spreads implements prometheus.Collector.
type spreads struct {
	desc    *prometheus.Desc
	byValue map[string]*Spread
}

// Describe implements prometheus.Collector.
func (s spreads) Describe(to chan<- *prometheus.Desc) { to <- s.desc }

// Collect implements prometheus.Collector.
func (s spreads) Collect(to chan<- prometheus.Metric) {
	for value, spread := range s.byValue {
		to <- spread.metric(s.desc, value)
	}
}

func (s *Spread) metric(desc *prometheus.Desc, value string) prometheus.Metric {
	s.mu.Lock()
	defer s.mu.Unlock()
	buckets := make(map[float64]uint64, len(s.bounds))
	for i, b := range s.bounds {
		buckets[b] = s.upTo[i]
	}
	return prometheus.MustNewConstHistogram(desc, s.count, s.sum, buckets, value)
}
