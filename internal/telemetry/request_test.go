package telemetry_test

import (
	"log/slog"
	"net/netip"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/telemetry"
	"github.com/havenregistry/haven/internal/telemetry/trace"
)

// Lines say which request, and which trace, they belong to, where there are such.
func TestLogLinesKnowTheirTrace(t *testing.T) {
	var text strings.Builder
	log := telemetry.WithRequestIDs(slog.New(slog.NewTextHandler(&text, nil))).With("part", "a")
	ctx := telemetry.WithRequest(t.Context(), "one", netip.Addr{})
	log.InfoContext(ctx, "in a request")
	log.InfoContext(trace.Caused(ctx, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"), "in a trace")
	log.InfoContext(t.Context(), "in neither")
	lines := strings.Split(strings.TrimSpace(text.String()), "\n")
	for i, want := range []string{`msg="in a request" part=a request_id=one`, `msg="in a trace" part=a request_id=one trace_id=4bf92f3577b34da6a3ce929d0e0e4736`, `msg="in neither" part=a`} {
		if !strings.HasSuffix(lines[i], want) {
			t.Errorf("%s, not %s", lines[i], want)
		}
	}
}

// A route is what was said last, and nothing outside of a request.
func TestRoute(t *testing.T) {
	telemetry.SetRoute(t.Context(), "/nowhere")
	ctx := telemetry.WithRequest(t.Context(), "one", netip.Addr{})
	telemetry.SetRoute(trace.Caused(ctx, "nonsense"), "/v2/")
	if telemetry.Route(ctx) != "/v2/" || telemetry.Route(t.Context()) != "" {
		t.Errorf("%q, %q", telemetry.Route(ctx), telemetry.Route(t.Context()))
	}
}
