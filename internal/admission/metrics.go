package admission

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/havenregistry/haven/internal/telemetry"
)

// figures are the server's own counters, in a registry of its own. Label values come from fixed sets.
type figures struct {
	registry *prometheus.Registry
	reviews  *prometheus.CounterVec
	duration *prometheus.HistogramVec
	images   *prometheus.CounterVec
}

func newFigures(a *askers, t *teller, certificate Certificate) *figures {
	f := &figures{
		registry: prometheus.NewRegistry(),
		reviews: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "haven_admission_reviews_total", Help: "Reviews answered, by endpoint, the namespace's mode and how they ended."},
			[]string{"endpoint", "mode", "result"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "haven_admission_review_duration_seconds", Help: "Time from a review's arrival to its answer, by endpoint.",
			Buckets: []float64{.001, .003, .01, .03, .1, .3, 1, 2, 4, 8, 16}},
			[]string{"endpoint"}),
		images: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "haven_admission_images_total", Help: "Images ruled on by /validate, by what became of them."},
			[]string{"outcome"}),
	}
	for _, e := range []endpoint{validating, mutating} {
		f.duration.WithLabelValues(string(e))
	}
	for _, o := range []outcome{passed, exempted, refused, unchecked} {
		f.images.WithLabelValues(string(o))
	}
	info := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "haven_build_info", Help: "1, labelled with the version.", ConstLabels: prometheus.Labels{"version": telemetry.Version()}},
		func() float64 { return 1 })
	f.registry.MustRegister(f.reviews, f.duration, f.images, info, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, s := range sources() {
		f.counter("haven_admission_verdicts_total", "Verdicts used, by where they came from: the cache, a question that another review had asked, Haven, the signatures in another registry.",
			prometheus.Labels{"source": string(s)}, func() float64 { return float64(a.counted.All()[s]) })
	}
	for _, kind := range troubles() {
		f.counter("haven_admission_haven_errors_total", "Questions that Haven didn't answer, by why.",
			prometheus.Labels{"reason": string(kind)}, func() float64 { return float64(a.failedHaven.All()[kind]) })
		f.counter("haven_admission_registry_errors_total", "Images whose registry, another than Haven, could not be asked, by why.",
			prometheus.Labels{"reason": string(kind)}, func() float64 { return float64(a.failedSigned.All()[kind]) })
	}
	f.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "haven_admission_certificate_end_seconds", Help: "When the certificate ends, in seconds since 1970; 0 while there is none."},
		func() float64 {
			if end := certificate.End(); !end.IsZero() {
				return float64(end.Unix())
			}
			return 0
		}))
	if t != nil {
		f.counter("haven_admission_events_total", "Events for the cluster, by whether they were written.",
			prometheus.Labels{"written": "true"}, func() float64 { return float64(t.written.Load()) })
		f.counter("haven_admission_events_total", "Events for the cluster, by whether they were written.",
			prometheus.Labels{"written": "false"}, func() float64 { return float64(t.dropped.Load()) })
	}
	return f
}

func (f *figures) counter(name, help string, labels prometheus.Labels, value func() float64) {
	f.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help, ConstLabels: labels}, value))
}

func (f *figures) handler() http.Handler {
	return promhttp.HandlerFor(f.registry, promhttp.HandlerOpts{})
}

// done counts a review as answered. mode is "" where it wasn't looked up.
func (f *figures) done(e endpoint, mode Mode, ended result, took time.Duration) {
	f.reviews.WithLabelValues(string(e), string(mode), string(ended)).Inc()
	f.duration.WithLabelValues(string(e)).Observe(took.Seconds())
}

func (f *figures) ruled(uses []use, rulings map[string]ruling) {
	for _, u := range uses {
		f.images.WithLabelValues(string(rulings[u.image].outcome)).Inc()
	}
}
