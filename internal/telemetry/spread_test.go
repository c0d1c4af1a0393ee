package telemetry_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/telemetry"
)

func TestSpread(t *testing.T) {
	m := telemetry.NewMetrics(func() int64 { return 0 })
	s := telemetry.NewSpread("x_seconds", "Words.", "by", []string{"a", "b"}, time.Second, time.Minute)
	for _, d := range []time.Duration{0, time.Second, 2 * time.Second, time.Hour} {
		s.Observe("a", d)
	}
	m.Spread(s)
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for _, line := range []string{`x_seconds_bucket{by="a",le="1"} 2`, `x_seconds_bucket{by="a",le="60"} 3`, `x_seconds_bucket{by="a",le="+Inf"} 4`, `x_seconds_sum{by="a"} 3603`, `x_seconds_count{by="a"} 4`, `x_seconds_count{by="b"} 0`} {
		if !strings.Contains(w.Body.String(), line+"\n") {
			t.Errorf("missing: %s", line)
		}
	}
}
