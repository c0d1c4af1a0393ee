package config

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/havenregistry/haven/internal/secret"
)

// tracesPath is where a collector takes traces, by the specification of OTLP.
const tracesPath = "/v1/traces"

func (c *Config) checkTracing() error {
	if c.TracingSample < 0 || c.TracingSample > 1 {
		return fmt.Errorf("tracing_sample: %g, expected 0 to 1", c.TracingSample)
	}
	if _, err := c.TraceHeaders(); err != nil {
		return err
	}
	if _, err := c.TraceAttributes(); err != nil {
		return err
	}
	if c.TracingEndpoint == "" {
		if len(c.TracingHeaders) > 0 {
			return errors.New("tracing_headers: expected tracing_endpoint beside it")
		}
		return nil
	}
	u, err := url.Parse(c.TracingEndpoint)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("tracing_endpoint: expected http://HOST:PORT or https://HOST:PORT, with a path where it isn't " + tracesPath + "; credentials go into tracing_headers")
	}
	if strings.Trim(u.Path, "/") == "" {
		u.Path = tracesPath
		c.TracingEndpoint = u.String()
	}
	return nil
}

// TraceHeaders are tracing_headers, by name. The errors show no value.
func (c *Config) TraceHeaders() (map[string]secret.Text, error) {
	headers := map[string]secret.Text{}
	for _, h := range c.TracingHeaders {
		name, value, ok := strings.Cut(h.Reveal(), "=")
		name, value = http.CanonicalHeaderKey(strings.TrimSpace(name)), strings.TrimSpace(value)
		if !ok || !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
			return nil, errors.New("tracing_headers: expected NAME=VALUE, or several of them")
		}
		headers[name] = secret.Text(value)
	}
	return headers, nil
}

// TraceAttributes are tracing_attributes, by name.
func (c *Config) TraceAttributes() (map[string]string, error) {
	attributes := map[string]string{}
	for _, a := range c.TracingAttributes {
		name, value, ok := strings.Cut(a, "=")
		if name = strings.TrimSpace(name); !ok || name == "" {
			return nil, fmt.Errorf("tracing_attributes: %q, expected NAME=VALUE, or several of them", a)
		}
		attributes[name] = strings.TrimSpace(value)
	}
	return attributes, nil
}
