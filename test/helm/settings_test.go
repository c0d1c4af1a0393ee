//go:build acceptance

package helm

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
	"go.yaml.in/yaml/v3"

	"github.com/havenregistry/haven/internal/blob/azure"
	"github.com/havenregistry/haven/internal/blob/gcs"
	"github.com/havenregistry/haven/internal/blob/s3"
	"github.com/havenregistry/haven/internal/config"
)

// program has the settings of `haven serve`.
type program struct {
	Serve struct {
		config.Config `embed:""`
	} `cmd:""`
}

// read has the program read the settings of a rendering, with files of certificates, which only a pod has, left out.
func read(t *testing.T, settings map[string]any) config.Config {
	t.Helper()
	delete(settings, "tls_cert_file")
	delete(settings, "tls_key_file")
	text, err := yaml.Marshal(settings)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "haven.yaml")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	resolver, err := config.File(path)
	if err != nil {
		t.Fatal(err)
	}
	var p program
	parser, err := kong.New(&p, kong.Resolvers(resolver))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse([]string{"serve"}); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if err := p.Serve.Complete(); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return p.Serve.Config
}

// checkAddresses has those read them who will.
func checkAddresses(t *testing.T, c config.Config) {
	t.Helper()
	var err error
	switch scheme, _, _ := strings.Cut(c.StorageURL, ":"); scheme {
	case s3.Scheme:
		err = s3.Parse(c.StorageURL)
	case gcs.Scheme:
		err = gcs.Parse(c.StorageURL)
	case azure.Scheme:
		t.Setenv("AZURE_STORAGE_KEY", "a2V5") // as in the pod
		err = azure.Parse(c.StorageURL)
	}
	if err != nil {
		t.Errorf("storage_url %s: %v", c.StorageURL, err)
	}
	if strings.HasPrefix(c.DatabaseURL, "postgres") {
		if _, err := pgx.ParseConfig(c.DatabaseURL); err != nil {
			t.Errorf("database_url: %v", err)
		}
	}
}

// Passwords come out of addresses as they went into the values.
func TestAddresses(t *testing.T) {
	r := render(t, "--values", "values/external.yaml")
	checkAddresses(t, read(t, r.settings(t, "harbor-haven")))
	secret := func(key string) string {
		text, err := base64.StdEncoding.DecodeString(r.one(t, "Secret", "harbor-haven").text("data", key))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	o, err := redis.ParseURL(secret("HAVEN_REDIS_URL"))
	if err != nil || o.Password != "s:e/c@r t" || o.Addr != "redis.company.com:6380" || o.DB != 3 || o.TLSConfig == nil {
		t.Errorf("Redis: %+v, %v", o, err)
	}
	if p := secret("PGPASSWORD"); p != "p@ss/w%rd" {
		t.Errorf("PostgreSQL: %q", p)
	}
	if k := secret("secretKey"); k != "Zm9yLXRoZS10ZXN0cy1vbmx5LTMyLWJ5dGVzLWxvbmc=" {
		t.Errorf("the key: %q", k)
	}

	sentinel := render(t, "--values", "values/azure-sentinel.yaml").one(t, "Secret", "harbor-haven").text("data", "HAVEN_REDIS_URL")
	text, err := base64.StdEncoding.DecodeString(sentinel)
	if err != nil {
		t.Fatal(err)
	}
	f, err := redis.ParseFailoverURL(string(text))
	if err != nil || f.MasterName != "main" || strings.Join(f.SentinelAddrs, " ") != "s1:26379 s2:26379 s3:26379" || f.Password != "p" {
		t.Errorf("sentinels: %+v, %v", f, err)
	}
}

// Traces go where Harbor's values say, and what the collector wants to hear is kept secret.
func TestTraces(t *testing.T) {
	r := render(t, "--values", "values/traces.yaml")
	settings := r.settings(t, "harbor-haven")
	c := read(t, settings)
	if c.TracingEndpoint != "https://collector.observability:4318/v1/traces" || c.TracingSample != 0.25 {
		t.Errorf("traces go to %s, %g of them", c.TracingEndpoint, c.TracingSample)
	}
	if said := strings.Join(c.TracingAttributes, " "); said != "service.namespace=registry deployment.environment.name=production" {
		t.Errorf("they say %q", said)
	}
	header, err := base64.StdEncoding.DecodeString(r.one(t, "Secret", "harbor-haven").text("data", "HAVEN_TRACING_HEADERS"))
	if err != nil || string(header) != "Authorization=Bearer token-of-the-collector" || settings["tracing_headers"] != nil {
		t.Errorf("the header is %q, %v", header, err)
	}
	if c := read(t, render(t).settings(t, "harbor-haven")); c.TracingEndpoint != "" {
		t.Errorf("nobody asked for traces, which go to %s", c.TracingEndpoint)
	}
}

// A key of Harbor's kind, a text, becomes one of the program's kind, the same each time.
func TestKeyOfATextIsOneOfBytes(t *testing.T) {
	key := render(t, "--values", "values/scaled.yaml").one(t, "Secret", "harbor-haven").text("data", "secretKey")
	text, err := base64.StdEncoding.DecodeString(key)
	if err != nil {
		t.Fatal(err)
	}
	bytes, err := base64.StdEncoding.DecodeString(string(text))
	if err != nil || len(bytes) != 32 {
		t.Errorf("%q is no base64 of 32 bytes", text)
	}
}
