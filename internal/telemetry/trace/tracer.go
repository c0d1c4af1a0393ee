package trace

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/havenregistry/haven/internal/secret"
)

const (
	// maxText bounds what a span says, in bytes a text.
	maxText = 1024
	// maxSaid bounds how many things it says.
	maxSaid = 32
	// maxWaiting is how many spans wait to be sent: half a kilobyte each.
	maxWaiting = 4096
	// together is how many spans go in one request, and gatherFor how long the first of them waits for others.
	together  = 512
	gatherFor = 2 * time.Second
	// maxAnswer bounds what the collector answers, in bytes.
	maxAnswer = 64 << 10
	// sendTime bounds the sending of them, tries included.
	sendTime = 10 * time.Second
)

// Options are where traces go, and which.
type Options struct {
	Endpoint   string                 // OTLP/HTTP, such as https://collector:4318/v1/traces
	Headers    map[string]secret.Text // sent with each request to it
	Sample     float64                // share of the traces begun here that are kept, 0 to 1
	Attributes map[string]string      // of this program, beside its name and version
	Version    string
	Instance   string // tells this process from the others of the registry
	HTTP       *http.Client
	Log        *slog.Logger
}

// Tracer begins traces. A nil one begins none. It is safe for concurrent use.
type Tracer struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
	queue    *queue
}

// Open returns a Tracer. It connects to nothing yet.
func Open(o Options) (*Tracer, error) {
	headers := map[string]string{}
	for name, value := range o.Headers {
		headers[name] = value.Reveal()
	}
	exporter, err := otlptrace.New(context.Background(), otlptracehttp.NewClient(
		otlptracehttp.WithEndpointURL(o.Endpoint), otlptracehttp.WithHeaders(headers), otlptracehttp.WithHTTPClient(o.HTTP),
		otlptracehttp.WithCompression(otlptracehttp.GzipCompression), otlptracehttp.WithTimeout(sendTime), otlptracehttp.WithMaxResponseSize(maxAnswer),
		otlptracehttp.WithRetry(otlptracehttp.RetryConfig{Enabled: true, InitialInterval: time.Second, MaxInterval: 5 * time.Second, MaxElapsedTime: sendTime}),
	))
	if err != nil {
		return nil, fmt.Errorf("prepare sending traces: %w", err)
	}
	q := newQueue(exporter, o.Log)
	limits := sdk.NewSpanLimits()
	limits.AttributeValueLengthLimit, limits.AttributeCountLimit = maxText, maxSaid
	provider := sdk.NewTracerProvider(
		sdk.WithSpanProcessor(q), sdk.WithRawSpanLimits(limits), sdk.WithResource(o.program()),
		sdk.WithSampler(sdk.ParentBased(sdk.TraceIDRatioBased(o.Sample))),
	)
	return &Tracer{provider: provider, tracer: provider.Tracer(scope), queue: q}, nil
}

// program is what sends the traces.
func (o Options) program() *resource.Resource {
	said := map[string]string{"service.name": "haven", "service.version": o.Version, "service.instance.id": o.Instance}
	maps.Copy(said, o.Attributes)
	var all []attribute.KeyValue
	for _, key := range slices.Sorted(maps.Keys(said)) {
		if said[key] != "" {
			all = append(all, attribute.String(key, said[key]))
		}
	}
	return resource.NewSchemaless(all...)
}

// Close sends what waits, until ctx ends.
func (t *Tracer) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	if err := t.provider.Shutdown(ctx); err != nil {
		return fmt.Errorf("send the last spans: %w", err)
	}
	return nil
}

// Figures are what became of spans since the start.
type Figures struct {
	Sent    int64
	Full    int64 // dropped as too many waited
	Failed  int64 // dropped as the collector took them not
	Waiting int64 // now
}

// Figures returns what became of spans. All are 0 for a nil Tracer.
func (t *Tracer) Figures() Figures {
	if t == nil {
		return Figures{}
	}
	return t.queue.figures()
}

// Request begins the span of a request that came in, a part of the caller's trace where its headers name one.
func (t *Tracer) Request(ctx context.Context, h http.Header, name string) (context.Context, Span) {
	if t == nil {
		return ctx, Span{}
	}
	return t.root(w3c.Extract(ctx, propagation.HeaderCarrier(h)), name, trace.SpanKindServer)
}

// Task begins the span of a run of a job, a part of the trace that caused it.
func (t *Tracer) Task(ctx context.Context, cause, name string) (context.Context, Span) {
	if t == nil {
		return ctx, Span{}
	}
	return t.root(Caused(ctx, cause), name, trace.SpanKindConsumer)
}

func (t *Tracer) root(ctx context.Context, name string, kind trace.SpanKind) (context.Context, Span) {
	ctx, span := t.tracer.Start(ctx, name, trace.WithSpanKind(kind))
	if !span.IsRecording() {
		return ctx, Span{} // ctx says that it isn't kept, to those whom we ask too
	}
	return ctx, Span{span}
}
