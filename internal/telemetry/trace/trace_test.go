package trace_test

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	v1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/havenregistry/haven/internal/await"
	"github.com/havenregistry/haven/internal/secret"
	"github.com/havenregistry/haven/internal/telemetry/trace"
)

// receiver is a collector.
type receiver struct {
	mu      sync.Mutex
	spans   map[string]*v1.Span
	program map[string]string
	headers http.Header
}

// ServeHTTP implements http.Handler.
func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	var m collector.ExportTraceServiceRequest
	packed, err := gzip.NewReader(q.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	body, err := io.ReadAll(packed)
	if err != nil || proto.Unmarshal(body, &m) != nil {
		http.Error(w, "no traces", http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.headers = q.Header
	for _, resource := range m.ResourceSpans {
		for _, a := range resource.Resource.Attributes {
			r.program[a.Key] = a.Value.GetStringValue()
		}
		for _, scope := range resource.ScopeSpans {
			for _, s := range scope.Spans {
				r.spans[s.Name] = s
			}
		}
	}
}

func open(t *testing.T, h http.Handler, o trace.Options) *trace.Tracer {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	o.Endpoint, o.HTTP = s.URL+"/v1/traces", s.Client()
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	tracer, err := trace.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return tracer
}

func finish(t *testing.T, tracer *trace.Tracer) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := tracer.Close(ctx); err != nil {
		t.Fatal(err)
	}
}

func said(s *v1.Span) string {
	var all []string
	for _, a := range s.Attributes {
		all = append(all, a.Key+"="+a.Value.GetStringValue())
	}
	return strings.Join(all, " ")
}

// A request, what it did, and the job that it caused are one trace, of which errors say no words.
func TestOneTrace(t *testing.T) {
	r := &receiver{spans: map[string]*v1.Span{}, program: map[string]string{}}
	tracer := open(t, r, trace.Options{
		Sample: 0, Version: "1", Instance: "host", Attributes: map[string]string{"deployment.environment.name": "test"},
		Headers: map[string]secret.Text{"Authorization": "Bearer x"},
	})
	h := http.Header{"Traceparent": {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}, "Tracestate": {"vendor=1"}}
	ctx, request := tracer.Request(t.Context(), h, "request")
	if !request.Kept() || trace.ID(ctx) != "4bf92f3577b34da6a3ce929d0e0e4736" {
		t.Fatalf("the trace is %q", trace.ID(ctx))
	}
	inner, step := trace.Start(ctx, "step")
	out := http.Header{}
	trace.Inject(inner, out)
	step.Set("long", strings.Repeat("x", 5000))
	step.End(fmt.Errorf("the password is hunter2: %w", errors.New("and the token s3cr3t")))
	cause := trace.Cause(ctx)
	request.End(nil)

	later := trace.Caused(t.Context(), cause)
	if _, child := trace.Start(later, "nothing"); child.Kept() {
		t.Error("what only knows its cause has a span of its own")
	}
	if trace.Cause(later) != cause {
		t.Errorf("%q became %q", cause, trace.Cause(later))
	}
	_, job := tracer.Task(t.Context(), cause, "job")
	job.End(nil)
	finish(t, tracer)

	if len(r.spans) != 3 || r.headers.Get("Authorization") != "Bearer x" || r.program["deployment.environment.name"] != "test" || r.program["service.name"] != "haven" {
		t.Fatalf("%d spans of %v with %v", len(r.spans), r.program, r.headers)
	}
	sent := r.spans["request"]
	if fmt.Sprintf("%x", sent.ParentSpanId) != "00f067aa0ba902b7" || string(r.spans["step"].ParentSpanId) != string(sent.SpanId) || string(r.spans["job"].ParentSpanId) != string(sent.SpanId) {
		t.Error("the spans aren't below each other")
	}
	if want := fmt.Sprintf("00-4bf92f3577b34da6a3ce929d0e0e4736-%x-01", r.spans["step"].SpanId); out.Get("traceparent") != want || out.Get("tracestate") != "vendor=1" {
		t.Errorf("others are told %v, not %s", out, want)
	}
	failed := r.spans["step"]
	if text := said(failed) + failed.Status.Message; strings.Contains(text, "hunter2") || strings.Contains(text, "s3cr3t") || len(text) > 2000 || failed.Status.Code != v1.Status_STATUS_CODE_ERROR {
		t.Errorf("the step says %s, %s", said(failed), failed.Status)
	}
	if f := tracer.Figures(); f != (trace.Figures{Sent: 3}) {
		t.Errorf("%+v", f)
	}
}

// What the share leaves out is not kept, here and at those whom we ask, and a caller's word counts more than the share.
func TestShare(t *testing.T) {
	r := &receiver{spans: map[string]*v1.Span{}, program: map[string]string{}}
	tracer := open(t, r, trace.Options{Sample: 0})
	ctx, span := tracer.Request(t.Context(), http.Header{}, "request")
	if span.Kept() || trace.Cause(ctx) != "" || trace.ID(ctx) == "" {
		t.Error("a request outside of the share is kept")
	}
	out := http.Header{}
	if trace.Inject(ctx, out); !strings.HasSuffix(out.Get("traceparent"), "-00") {
		t.Errorf("others are told %q", out.Get("traceparent"))
	}
	finish(t, tracer)
	all := open(t, r, trace.Options{Sample: 1})
	if _, span := all.Request(t.Context(), http.Header{"Traceparent": {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"}}, "request"); span.Kept() {
		t.Error("a request that its caller doesn't trace is kept")
	}
	if _, span := all.Request(t.Context(), http.Header{"Traceparent": {"nonsense"}}, "other"); !span.Kept() {
		t.Error("nonsense of a caller keeps a request out")
	} else {
		span.End(nil)
	}
	finish(t, all)
	if len(r.spans) != 1 {
		t.Errorf("%d spans were sent", len(r.spans))
	}
}

// A collector that refuses, or doesn't answer, holds nobody up; what finds no room is counted, and the log hears of it once.
func TestDeadCollector(t *testing.T) {
	var log strings.Builder
	wait := make(chan struct{})
	asked := make(chan struct{}, 100)
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked <- struct{}{}
		<-wait
		http.Error(w, "no", http.StatusForbidden)
	})
	tracer := open(t, h, trace.Options{Sample: 1, Log: slog.New(slog.NewTextHandler(&log, nil))})
	for range 10_000 {
		_, span := tracer.Request(t.Context(), http.Header{}, "request")
		span.End(nil)
	}
	f := tracer.Figures()
	if f.Full < 10_000-4096-512 || f.Waiting > 4096 || f.Waiting+f.Full != 10_000 {
		t.Errorf("%+v", f)
	}
	<-asked
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	if err := tracer.Close(gone); !errors.Is(err, context.Canceled) {
		t.Errorf("a collector holds up the end: %v", err)
	}
	close(wait)
	await.Until(t, "all is dropped", func() bool { return tracer.Figures().Waiting == 0 })
	if f := tracer.Figures(); f.Failed+f.Full != 10_000 || f.Sent != 0 {
		t.Errorf("%+v", f)
	}
	if n := strings.Count(log.String(), "the collector takes no traces"); n != 1 {
		t.Errorf("the log says so %d times:\n%s", n, log.String())
	}
}

// Without a tracer, nothing is done and nothing is allocated.
func TestOff(t *testing.T) {
	var none *trace.Tracer
	ctx, header := t.Context(), http.Header{}
	if n := testing.AllocsPerRun(100, func() {
		in, span := none.Request(ctx, header, "request")
		in, step := trace.Start(in, "step")
		step.Set("a", "b")
		step.End(nil)
		_ = trace.Cause(in)
		span.End(nil)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if none.Figures() != (trace.Figures{}) || none.Close(ctx) != nil {
		t.Error("a tracer that isn't there has figures, or doesn't end")
	}
}

func BenchmarkOff(b *testing.B) {
	ctx := b.Context()
	for b.Loop() {
		_, span := trace.Start(ctx, "step")
		span.End(nil)
	}
}

// What is done in a time of its own, for whoever waits for it, is a part of his trace, and doesn't end with him.
func TestBelow(t *testing.T) {
	const cause = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	of, leave := context.WithCancel(trace.Caused(t.Context(), cause))
	ctx := trace.Below(t.Context(), of)
	leave()
	if trace.Cause(ctx) != cause || ctx.Err() != nil {
		t.Errorf("%q, %v", trace.Cause(ctx), ctx.Err())
	}
	if trace.Below(t.Context(), t.Context()) != t.Context() {
		t.Error("a context without a trace becomes another one")
	}
}
