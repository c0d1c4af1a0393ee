package trace

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

const parentHeader = "traceparent"

// w3c is how a trace goes from program to program (https://www.w3.org/TR/trace-context/).
var w3c propagation.TraceContext

// ID is the id of the context's trace, as the log shows it; "" without one.
func ID(ctx context.Context) string {
	if c := trace.SpanContextFromContext(ctx); c.HasTraceID() {
		return c.TraceID().String()
	}
	return ""
}

// Cause is the context's span as a traceparent, for a row that outlives the context; "" where the trace isn't kept.
func Cause(ctx context.Context) string {
	if !trace.SpanContextFromContext(ctx).IsSampled() {
		return ""
	}
	carrier := propagation.MapCarrier{}
	w3c.Inject(ctx, carrier)
	return carrier[parentHeader]
}

// Caused returns a context whose Cause is the given one: what begins a job with it begins it as a part of that trace. An empty cause
// changes nothing.
func Caused(ctx context.Context, cause string) context.Context {
	if cause == "" {
		return ctx
	}
	return w3c.Extract(ctx, propagation.MapCarrier{parentHeader: cause})
}

// Below returns ctx with the span of another context, for what is done in one's own time and for whoever waits for it there.
func Below(ctx, of context.Context) context.Context {
	if span := trace.SpanFromContext(of); span.SpanContext().IsValid() {
		return trace.ContextWithSpan(ctx, span)
	}
	return ctx
}

// Inject writes the context's trace into the headers of a request to a server that has a part in it.
func Inject(ctx context.Context, h http.Header) { w3c.Inject(ctx, propagation.HeaderCarrier(h)) }
