package trace

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// complainEvery is how often the log hears of a collector that takes nothing.
const complainEvery = 5 * time.Minute

// queue is a batching processor that knows how many spans wait, those on their way included, and counts those for which there is no room:
// the library's own counts them where nobody can look.
type queue struct {
	sdk.SpanProcessor
	exporter sdk.SpanExporter
	log      *slog.Logger

	waiting, sent, full, failed atomic.Int64
	complained                  atomic.Int64 // when, in seconds since 1970
}

func newQueue(exporter sdk.SpanExporter, log *slog.Logger) *queue {
	q := &queue{exporter: exporter, log: log}
	q.SpanProcessor = sdk.NewBatchSpanProcessor(sender{q}, sdk.WithMaxQueueSize(maxWaiting), sdk.WithMaxExportBatchSize(together),
		sdk.WithBatchTimeout(gatherFor), sdk.WithExportTimeout(sendTime))
	return q
}

func (q *queue) figures() Figures {
	return Figures{Sent: q.sent.Load(), Full: q.full.Load(), Failed: q.failed.Load(), Waiting: q.waiting.Load()}
}

// OnEnd implements sdk.SpanProcessor. It never waits.
func (q *queue) OnEnd(s sdk.ReadOnlySpan) {
	if q.waiting.Add(1) > maxWaiting {
		q.waiting.Add(-1)
		q.full.Add(1)
		return
	}
	q.SpanProcessor.OnEnd(s)
}

// sender is the exporter as the processor has it. It reports no errors: the library would write them to stderr in its own form.
type sender struct{ *queue }

// ExportSpans implements sdk.SpanExporter.
func (s sender) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	err := s.exporter.ExportSpans(ctx, spans)
	n := int64(len(spans))
	s.waiting.Add(-n)
	if err == nil {
		s.sent.Add(n)
		return nil
	}
	s.failed.Add(n)
	now, last := time.Now().Unix(), s.complained.Load()
	if now-last >= int64(complainEvery/time.Second) && s.complained.CompareAndSwap(last, now) {
		s.log.WarnContext(ctx, "the collector takes no traces; look at tracing_endpoint and tracing_headers", "error", bounded(err.Error()), "dropped", s.failed.Load())
	}
	return nil
}

// Shutdown implements sdk.SpanExporter.
func (s sender) Shutdown(ctx context.Context) error { return s.exporter.Shutdown(ctx) }

// bounded cuts what a collector answered.
func bounded(text string) string {
	if len(text) > maxText {
		return strings.ToValidUTF8(text[:maxText], "") + "…"
	}
	return text
}
