package telemetry

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics are the program's own counters, in a registry of its own. Label values come from fixed
// sets, so their number is bounded.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	inFlight prometheus.Gauge
}

// NewMetrics returns metrics of the HTTP edges, the Go runtime and the process; statements tells how
// many SQL statements were sent so far.
func NewMetrics(statements func() int64) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "haven_http_requests_total", Help: "Requests answered, by edge, method, route and status."},
			[]string{"edge", "method", "route", "code"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "haven_http_request_duration_seconds", Help: "Time from a request's arrival to the end of its answer, by edge, method and route.",
			Buckets: []float64{.001, .003, .01, .03, .1, .3, 1, 3, 10, 60}},
			[]string{"edge", "method", "route"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "haven_http_requests_in_flight", Help: "Requests being answered."}),
	}
	sql := prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "haven_sql_statements_total", Help: "SQL statements sent to the database."},
		func() float64 { return float64(statements()) })
	info := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "haven_build_info", Help: "1, labelled with the version.", ConstLabels: prometheus.Labels{"version": Version()}},
		func() float64 { return 1 })
	m.registry.MustRegister(m.requests, m.duration, m.inFlight, sql, info, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Counter adds a figure that only grows, read when somebody asks.
func (m *Metrics) Counter(name, help string, value func() float64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, value))
}

// Gauge adds a figure that goes up and down, read when somebody asks.
func (m *Metrics) Gauge(name, help string, value func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
}

// Handler serves /metrics in the Prometheus text format.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// Begin counts a request as in flight; Done ends it.
func (m *Metrics) Begin() { m.inFlight.Inc() }

// Done counts a request as answered. edge is the name of the edge that answered it, route which of its routes, "" for none.
func (m *Metrics) Done(edge, method, route string, code int, took time.Duration) {
	m.inFlight.Dec()
	method = KnownMethod(method)
	m.requests.WithLabelValues(edge, method, route, strconv.Itoa(code)).Inc()
	m.duration.WithLabelValues(edge, method, route).Observe(took.Seconds())
}

// KnownMethod is a method of HTTP that Haven answers, "other" for others: clients make no values of labels.
func KnownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "other"
}
