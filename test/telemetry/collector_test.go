//go:build acceptance

package telemetry

import (
	"compress/gzip"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	v1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/havenregistry/haven/internal/await"
)

// span is a span that came.
type span struct {
	name, trace, id, parent string
	instance                string // whose it is, by tracing_attributes
	said                    map[string]string
	failed                  bool
}

// receiver is a collector: it takes OTLP by HTTP.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	spans  []span
	tokens []string // credentials that came with them
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.URL.Path != "/v1/traces" {
			http.NotFound(w, q)
			return
		}
		var m collector.ExportTraceServiceRequest
		packed, err := gzip.NewReader(q.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if body, err := io.ReadAll(packed); err != nil || proto.Unmarshal(body, &m) != nil {
			http.Error(w, "no traces", http.StatusBadRequest)
			return
		}
		r.take(&m, q.Header.Get("Authorization"))
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) take(m *collector.ExportTraceServiceRequest, token string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tokens = append(r.tokens, token)
	for _, resource := range m.ResourceSpans {
		program := map[string]string{}
		for _, a := range resource.Resource.Attributes {
			program[a.Key] = a.Value.GetStringValue()
		}
		for _, scope := range resource.ScopeSpans {
			for _, s := range scope.Spans {
				one := span{
					name: s.Name, trace: hex.EncodeToString(s.TraceId), id: hex.EncodeToString(s.SpanId), parent: hex.EncodeToString(s.ParentSpanId),
					instance: program["test.server"], said: map[string]string{}, failed: s.Status.GetCode() == v1.Status_STATUS_CODE_ERROR,
				}
				for _, a := range s.Attributes {
					one.said[a.Key] = a.Value.GetStringValue()
				}
				r.spans = append(r.spans, one)
			}
		}
	}
}

// of are the spans of a trace that came so far.
func (r *receiver) of(trace string) []span {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []span
	for _, s := range r.spans {
		if s.trace == trace {
			all = append(all, s)
		}
	}
	return all
}

func (r *receiver) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.spans)
}

// await waits until a trace has spans of these names, and returns it.
func (r *receiver) await(t *testing.T, trace string, names ...string) []span {
	t.Helper()
	var all []span
	defer func() {
		if t.Failed() {
			for _, s := range all {
				t.Logf("%s %s below %s: %v", s.name, s.id, s.parent, s.said)
			}
		}
	}()
	for _, name := range names {
		await.Until(t, "the trace has the span "+name, func() bool {
			all = r.of(trace)
			return slices.ContainsFunc(all, func(s span) bool { return s.name == name })
		})
	}
	return all
}
