package config

import (
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/secret"
)

func TestTracing(t *testing.T) {
	for _, c := range []struct {
		given Config
		want  string // the endpoint
		fails string // names the setting
	}{
		{given: Config{}},
		{given: Config{TracingEndpoint: "http://collector:4318"}, want: "http://collector:4318/v1/traces"},
		{given: Config{TracingEndpoint: "https://collector/otlp/traces", TracingSample: 1}, want: "https://collector/otlp/traces"},
		{given: Config{TracingEndpoint: "collector:4318"}, fails: "tracing_endpoint"},
		{given: Config{TracingEndpoint: "http://user:hunter2@collector"}, fails: "tracing_endpoint"},
		{given: Config{TracingEndpoint: "http://collector/?key=hunter2"}, fails: "tracing_endpoint"},
		{given: Config{TracingEndpoint: "http://collector", TracingSample: 1.5}, fails: "tracing_sample"},
		{given: Config{TracingEndpoint: "http://collector", TracingSample: -1}, fails: "tracing_sample"},
		{given: Config{TracingEndpoint: "http://collector", TracingHeaders: []secret.Text{"hunter2"}}, fails: "tracing_headers"},
		{given: Config{TracingEndpoint: "http://collector", TracingHeaders: []secret.Text{"A B=hunter2"}}, fails: "tracing_headers"},
		{given: Config{TracingHeaders: []secret.Text{"A=hunter2"}}, fails: "tracing_headers"},
		{given: Config{TracingEndpoint: "http://collector", TracingAttributes: []string{"production"}}, fails: "tracing_attributes"},
	} {
		err := c.given.checkTracing()
		switch {
		case c.fails == "" && (err != nil || c.given.TracingEndpoint != c.want):
			t.Errorf("%+v: %q, %v", c.given, c.given.TracingEndpoint, err)
		case c.fails != "" && (err == nil || !strings.HasPrefix(err.Error(), c.fails+":") || strings.Contains(err.Error(), "hunter2")):
			t.Errorf("%+v: %v", c.given, err)
		}
	}
	headers, err := (&Config{TracingHeaders: []secret.Text{"authorization=Basic YQ==", "X-Scope = a"}}).TraceHeaders()
	if err != nil || headers["Authorization"].Reveal() != "Basic YQ==" || headers["X-Scope"].Reveal() != "a" {
		t.Errorf("%v, %v", headers, err)
	}
}
