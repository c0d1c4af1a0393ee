package trace

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// scope names who made the spans.
const scope = "github.com/havenregistry/haven"

// Span is a piece of a trace. The zero value is one that nobody keeps: its methods do nothing.
type Span struct{ span trace.Span }

// Start begins a child of the context's span. Where that isn't kept it returns the context as it is and a zero Span, and allocates nothing.
// The name is one of a fixed set.
func Start(ctx context.Context, name string) (context.Context, Span) {
	return start(ctx, name, trace.SpanKindInternal)
}

// StartCall is Start for a request to another server.
func StartCall(ctx context.Context, name string) (context.Context, Span) {
	return start(ctx, name, trace.SpanKindClient)
}

func start(ctx context.Context, name string, kind trace.SpanKind) (context.Context, Span) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return ctx, Span{}
	}
	ctx, span := parent.TracerProvider().Tracer(scope).Start(ctx, name, trace.WithSpanKind(kind))
	return ctx, Span{span}
}

// From is the context's span, the zero Span where it isn't kept.
func From(ctx context.Context) Span {
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		return Span{span}
	}
	return Span{}
}

// Kept reports whether the span will be sent, so that what it says is worth finding out.
func (s Span) Kept() bool { return s.span != nil }

// Set says something of the span. Texts are cut to maxText bytes when they are sent.
func (s Span) Set(key, value string) {
	if s.span != nil && value != "" {
		s.span.SetAttributes(attribute.String(key, value))
	}
}

// Count says a number.
func (s Span) Count(key string, n int64) {
	if s.span != nil {
		s.span.SetAttributes(attribute.Int64(key, n))
	}
}

// Rename gives the span another name, of a fixed set.
func (s Span) Rename(name string) {
	if s.span != nil {
		s.span.SetName(name)
	}
}

// Failed marks the span as failed, for a reason of a fixed set.
func (s Span) Failed(reason string) {
	if s.span != nil {
		s.span.SetStatus(codes.Error, reason)
		s.span.SetAttributes(attribute.String("error.type", reason))
	}
}

// End ends the span, as failed where err is not nil. Of the error it says the type only: the text may hold what others wrote.
func (s Span) End(err error) {
	if s.span == nil {
		return
	}
	if err != nil {
		s.Failed(typeOf(err))
	}
	s.span.End()
}

// typeOf is the type of the error that began it: wrappings say little.
func typeOf(err error) string {
	for {
		switch e := err.(type) { //nolint:errorlint // what is wrapped is looked into by itself
		case interface{ Unwrap() error }:
			if inner := e.Unwrap(); inner != nil {
				err = inner
				continue
			}
		case interface{ Unwrap() []error }:
			if inner := e.Unwrap(); len(inner) > 0 && inner[len(inner)-1] != nil {
				err = inner[len(inner)-1]
				continue
			}
		}
		return fmt.Sprintf("%T", err)
	}
}
