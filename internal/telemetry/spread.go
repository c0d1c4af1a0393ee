package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Spread counts durations by how long they were, apart for each value of a label. It is safe for concurrent use.
type Spread struct{ vec *prometheus.HistogramVec }

// NewSpread returns a Spread with these bounds, which must ascend. The values of the label are a fixed set; all of them
// are shown from the beginning.
func NewSpread(name, help, label string, values []string, bounds ...time.Duration) *Spread {
	seconds := make([]float64, len(bounds))
	for i, b := range bounds {
		seconds[i] = b.Seconds()
	}
	s := &Spread{prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: seconds}, []string{label})}
	for _, v := range values {
		s.vec.WithLabelValues(v)
	}
	return s
}

// Observe counts one duration.
func (s *Spread) Observe(value string, took time.Duration) {
	s.vec.WithLabelValues(value).Observe(took.Seconds())
}

// Timer counts durations of one value. The zero Timer counts nothing.
type Timer struct{ of prometheus.Observer }

// Timer is Observe for one value of the label, without looking for it each time.
func (s *Spread) Timer(value string) Timer { return Timer{s.vec.WithLabelValues(value)} }

// Since counts what began then and ends now.
func (t Timer) Since(began time.Time) {
	if t.of != nil {
		t.of.Observe(time.Since(began).Seconds())
	}
}

// Spread adds a histogram, with further labels that are the same for all of it.
func (m *Metrics) Spread(s *Spread, labels ...map[string]string) {
	r := prometheus.Registerer(m.registry)
	for _, l := range labels {
		r = prometheus.WrapRegistererWith(l, r)
	}
	r.MustRegister(s.vec)
}
