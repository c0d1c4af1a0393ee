package telemetry

import "github.com/prometheus/client_golang/prometheus"

// Report hands over a figure, with a value for each label.
type Report func(value float64, labels ...string)

// Family is figures of one name that labels tell apart, read when somebody asks. The labels' values must come from a
// fixed set.
type Family struct {
	Name, Help string
	Labels     []string
	Grows      bool // a counter; else a gauge
	Read       func(report Report)
}

// Family adds figures that labels tell apart.
func (m *Metrics) Family(f Family) {
	m.registry.MustRegister(family{f, prometheus.NewDesc(f.Name, f.Help, f.Labels, nil)})
}

// family implements prometheus.Collector.
type family struct {
	Family
	desc *prometheus.Desc
}

// Describe implements prometheus.Collector.
func (f family) Describe(to chan<- *prometheus.Desc) { to <- f.desc }

// Collect implements prometheus.Collector.
func (f family) Collect(to chan<- prometheus.Metric) {
	kind := prometheus.GaugeValue
	if f.Grows {
		kind = prometheus.CounterValue
	}
	f.Read(func(value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(f.desc, kind, value, labels...)
	})
}
