package app

import (
	"fmt"
	"os"
	"time"

	"github.com/havenregistry/haven/internal/outbound"
	"github.com/havenregistry/haven/internal/telemetry"
	"github.com/havenregistry/haven/internal/telemetry/trace"
)

// lastSpansTime bounds sending what is left of traces when the process ends.
const lastSpansTime = 2 * time.Second

// trace makes the tracer, where there is a collector.
func (a *App) trace() error {
	if a.cfg.TracingEndpoint == "" {
		return nil
	}
	headers, err := a.cfg.TraceHeaders()
	if err != nil {
		return err
	}
	attributes, err := a.cfg.TraceAttributes()
	if err != nil {
		return err
	}
	collector := outbound.New(outbound.Purpose{Peer: outbound.Collector, Calls: a.calls, Reach: outbound.Administered(), Elsewhere: outbound.Nowhere(), Proxied: true})
	instance, _ := os.Hostname() // "": spans don't say which process they are of
	a.tracer, err = trace.Open(trace.Options{
		Endpoint: a.cfg.TracingEndpoint, Headers: headers, Sample: a.cfg.TracingSample, Attributes: attributes,
		Version: telemetry.Version(), Instance: instance, HTTP: collector.Checking(true), Log: a.log,
	})
	if err != nil {
		return fmt.Errorf("tracing_endpoint: %w", err)
	}
	return nil
}

// watchTraces exports what became of spans.
func (a *App) watchTraces() {
	tracer := a.tracer
	a.metrics.Counter("haven_trace_spans_sent_total", "Spans that the collector has taken from this process.", func() float64 { return float64(tracer.Figures().Sent) })
	a.metrics.Family(telemetry.Family{Name: "haven_trace_spans_dropped_total", Help: "Spans of this process that were dropped: too many waited, or the collector took them not.",
		Labels: []string{"reason"}, Grows: true, Read: func(report telemetry.Report) {
			f := tracer.Figures()
			report(float64(f.Full), "full")
			report(float64(f.Failed), "failed")
		}})
	a.metrics.Gauge("haven_trace_spans_waiting", "Spans of this process that wait to be sent.", func() float64 { return float64(tracer.Figures().Waiting) })
}
