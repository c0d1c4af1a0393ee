package telemetry

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/havenregistry/haven/internal/telemetry/trace"
)

// Operations measures what something that the registry stands on is asked for, by kinds of a fixed set: how long it took, how often it
// failed, and as spans of traces. It is safe for concurrent use.
type Operations struct {
	*Spread
	names, spans []string
	timers       []Timer
	failed       []atomic.Int64
}

// NewOperations returns one with a histogram of this name, whose label "operation" has the names of the kinds. Spans are called by what is
// asked and that name.
func NewOperations(metric, help, asked string, names []string, bounds ...time.Duration) *Operations {
	o := &Operations{Spread: NewSpread(metric, help, "operation", names, bounds...), names: names, failed: make([]atomic.Int64, len(names))}
	for _, name := range names {
		o.timers = append(o.timers, o.Timer(name))
		o.spans = append(o.spans, asked+" "+name)
	}
	return o
}

// Failures calls yield with each kind of operation and how many of it have failed.
func (o *Operations) Failures(yield func(operation string, n int64)) {
	for i, name := range o.names {
		yield(name, o.failed[i].Load())
	}
}

// Operation is one that runs. The zero Operation is none.
type Operation struct {
	trace.Span
	of    *Operations
	kind  int
	began time.Time
}

// Begin begins an operation of a kind, which is the place of its name.
func (o *Operations) Begin(ctx context.Context, kind int) Operation {
	_, span := trace.Start(ctx, o.spans[kind])
	return Operation{span, o, kind, time.Now()}
}

// End counts the operation, as failed with an error.
func (r Operation) End(err error) {
	if r.of == nil {
		return
	}
	if err != nil {
		r.of.failed[r.kind].Add(1)
	}
	r.of.timers[r.kind].Since(r.began)
	r.Span.End(err)
}
