// Package config reads what an operator sets before the start: flags, environment variables and a
// YAML file, under one name each. What an administrator changes while Haven runs is package setting.
package config

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/secret"
)

// Config holds the settings of `haven serve`. The tags are the flag names; the environment variable
// of --data-dir is HAVEN_DATA_DIR, its key in the file data_dir.
type Config struct {
	DataDir         string      `name:"data-dir" default:"./data" placeholder:"DIR" help:"Folder of everything that Haven keeps on this machine."`
	Listen          string      `name:"listen" default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"Address that clients connect to."`
	ExternalURL     []string    `name:"external-url" placeholder:"URL" help:"Address or addresses that clients know this registry by, such as https://registry.example.com. Without one, any host name is answered."`
	DatabaseURL     string      `name:"database-url" placeholder:"URL" help:"sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME; several replicas share the latter. Default: sqlite:DATA_DIR/haven.db."`
	StorageURL      string      `name:"storage-url" placeholder:"URL" help:"Where blobs lie: file:DIR, s3://BUCKET, gs://BUCKET or azblob://CONTAINER. Default: file:DATA_DIR/storage."`
	RedisURL        secret.Text `name:"redis-url" placeholder:"URL" help:"redis://:PASSWORD@HOST:PORT, or rediss:// for TLS: several replicas tell each other by it at once what changed. With ?master_name=NAME it is a Sentinel's address, with ?addr=HOST:PORT&addr=… a cluster's."`
	AdminPassword   secret.Text `name:"admin-password" placeholder:"PASSWORD" help:"Password that the user admin gets on the first start. Default: a random one, printed once and kept in DATA_DIR/admin-password."`
	SecretKeyFile   string      `name:"secret-key-file" placeholder:"FILE" help:"Key that seals stored secrets; made on the first start. Replicas share it. Default: DATA_DIR/secret-key."`
	TLSCertFile     string      `name:"tls-cert-file" placeholder:"FILE" help:"Certificate chain (PEM). With it Haven speaks HTTPS. Both files are read anew when they change."`
	TLSKeyFile      string      `name:"tls-key-file" placeholder:"FILE" help:"Private key of the certificate (PEM)."`
	TLSClientCAFile string      `name:"tls-client-ca-file" placeholder:"FILE" help:"Authorities (PEM): only clients that show a certificate of theirs can connect. Read anew when it changes."`
	MetricsListen   string      `name:"metrics-listen" default:"127.0.0.1:9090" placeholder:"HOST:PORT" help:"Address of /metrics; off to have none."`
	LogLevel        slog.Level  `name:"log-level" default:"info" placeholder:"LEVEL" help:"debug, info, warn or error."`
	LogFormat       string      `name:"log-format" default:"text" enum:"text,json" help:"text or json."`

	TracingEndpoint   string        `name:"tracing-endpoint" placeholder:"URL" help:"Collector of OpenTelemetry that traces are sent to by OTLP over HTTP, such as http://collector:4318; without a path it is /v1/traces. Without one, nothing is traced."`
	TracingSample     float64       `name:"tracing-sample" default:"0.1" placeholder:"SHARE" help:"Share of the requests and jobs that are traced, 0 to 1. A request that is a part of its client's trace is traced as the client says."`
	TracingHeaders    []secret.Text `name:"tracing-headers" placeholder:"NAME=VALUE" help:"Headers that the collector wants, such as Authorization=Bearer TOKEN."`
	TracingAttributes []string      `name:"tracing-attributes" placeholder:"NAME=VALUE" help:"What traces say of this registry, such as deployment.environment.name=production."`

	TLSACME       bool        `name:"tls-acme" help:"Get the certificate from an authority by ACME (RFC 8555), for the names of external_url, and renew it. This accepts the authority's terms."`
	ACMEDirectory string      `name:"acme-directory" default:"https://acme-v02.api.letsencrypt.org/directory" placeholder:"URL" help:"Directory of the authority."`
	ACMEEmail     string      `name:"acme-email" placeholder:"ADDRESS" help:"Address that the authority may write to."`
	ACMECAFile    string      `name:"acme-ca-file" placeholder:"FILE" help:"Authorities (PEM), beside the system's, for the directory's own certificate: for an authority of your own."`
	ACMEKeyID     string      `name:"acme-key-id" placeholder:"ID" help:"Id of the account that the authority knows you by (external account binding), where it asks for one."`
	ACMEKey       secret.Text `name:"acme-key" placeholder:"KEY" help:"Key of acme_key_id, in base64url as the authority gives it."`
	ACMEListen    string      `name:"acme-listen" placeholder:"HOST:PORT" help:"Address that HTTP-01 challenges are answered at, such as :80; others are sent to HTTPS from there. Without it the authority must reach listen as port 443 (TLS-ALPN-01)."`

	ReclaimAfter   time.Duration `name:"reclaim-after" default:"2h" placeholder:"DURATION" help:"How long a blob that no manifest names is kept: a push that was told that the blob is there has this time to name it. Replicas share the value."`
	UploadLifetime time.Duration `name:"upload-lifetime" default:"168h" placeholder:"DURATION" help:"How long an upload that nobody goes on with can be resumed."`

	MaxRequests int           `name:"max-requests" default:"4096" placeholder:"N" help:"How many blobs may be sent at a time; of uploads, manifests, and calls of the APIs a part of that each, see docs/limits.md. Who finds no place waits for request_wait and is then told to come again."`
	RequestWait time.Duration `name:"request-wait" default:"2s" placeholder:"DURATION" help:"How long a request waits for a place."`
	MaxUploads  int           `name:"max-uploads" default:"512" placeholder:"N" help:"How many requests of one account may send bytes of blobs at a time."`
	RateNetwork float64       `name:"rate-network" default:"0" placeholder:"N" help:"How many requests a second may come from one address (of IPv6: from one /64), ten seconds' worth of them at once. 0: any number. A company behind one address is one."`
	RateAccount float64       `name:"rate-account" default:"0" placeholder:"N" help:"How many requests a second one account may send, a user, robot or trust policy, by whichever of its tokens; ten seconds' worth of them at once. 0: any number."`
	RateSearch  float64       `name:"rate-search" default:"5" placeholder:"N" help:"How many searches a second one account may send, and one address that isn't signed in; ten seconds' worth of them at once. 0: any number."`

	VulnDBSource []secret.Text `name:"vulndb-source" placeholder:"URL" help:"Where the vulnerability database comes from, tried in order: file:///DIR-OR-ARCHIVE or oci://HOST/REPO:TAG, such as oci://ghcr.io/aquasecurity/trivy-db:2; USER:PASSWORD@ before the host where the registry asks for it, and ?realm=URL behind the tag where the token service that may get them has another address. Without one, it is imported by hand (haven vulndb import)."`

	RegistryNetworks []netip.Prefix `name:"registry-networks" placeholder:"CIDR" help:"Private networks with the storage or the token services that registries elsewhere lead to. What an administrator enters himself, a registry's own address, may be private without it."`

	WebhookNetworks []netip.Prefix `name:"webhook-networks" placeholder:"CIDR" help:"Private networks that webhooks of projects may be sent to. Those of the whole registry, which an administrator enters, may be private without it."`
	WebhookKeep     time.Duration  `name:"webhook-keep" default:"168h" placeholder:"DURATION" help:"How long deliveries of webhooks can be looked at and sent again after their end."`

	ScannerNetworks []netip.Prefix `name:"scanner-networks" placeholder:"CIDR" help:"Private networks with the storage or the token services that sources of the vulnerability database lead to. What an administrator enters himself, such as a scanner's or a source's own address, may be private without it."`
	ScanConfinement string         `name:"scan-confinement" default:"best" enum:"best,full" help:"best: processes that read images are confined as far as the machine lets them. full: nothing is read unless they have no network and no files but their own, which takes user namespaces, or seccomp and Landlock (Linux 5.13)."`

	SigningProgram string `name:"signing-program" placeholder:"FILE" help:"A program that signs with keys of a KMS or of a module behind PKCS #11, in place of keys that Haven keeps; see docs/signing.md."`

	ConfigOverwriteJSON secret.Text `name:"config-overwrite-json" placeholder:"JSON" help:"What PUT /api/v2.0/configurations would set, as one JSON object, fixed from outside: nobody changes the configuration by the API or the portal then."`
}

// Complete fills the defaults that depend on other settings and checks each value. The error names
// the setting and what it expects.
func (c *Config) Complete() error {
	if c.DataDir == "" {
		return errors.New("data_dir: expected a folder")
	}
	if c.DatabaseURL == "" {
		c.DatabaseURL = "sqlite:" + filepath.Join(c.DataDir, "haven.db")
	}
	if c.StorageURL == "" {
		c.StorageURL = "file:" + filepath.Join(c.DataDir, "storage")
	}
	if c.SecretKeyFile == "" {
		c.SecretKeyFile = filepath.Join(c.DataDir, "secret-key")
	}
	if c.MetricsListen == "off" {
		c.MetricsListen = ""
	}
	return errors.Join(c.checkAddresses(), c.checkURLs(), c.checkTLS(), c.checkSpace(), c.checkLoad(), c.checkVulnDB(), c.checkSigning(), c.checkTracing())
}

// checkSigning finds the signing program, so that a wrong path is known at the start and not when something has passed.
func (c *Config) checkSigning() error {
	if c.SigningProgram == "" {
		return nil
	}
	path, err := exec.LookPath(c.SigningProgram)
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		return fmt.Errorf("signing_program: %q can't be run: %w", c.SigningProgram, err)
	}
	c.SigningProgram = path
	return nil
}

func (c *Config) checkAddresses() error {
	for key, value := range map[string]string{"listen": c.Listen, "metrics_listen": c.MetricsListen, "acme_listen": c.ACMEListen} {
		if value == "" && key != "listen" {
			continue
		}
		if _, _, err := net.SplitHostPort(value); err != nil {
			return fmt.Errorf("%s: %q is no address, expected HOST:PORT", key, value)
		}
	}
	return nil
}

func (c *Config) checkURLs() error {
	for _, raw := range c.ExternalURL {
		u, err := url.Parse(raw)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" {
			return fmt.Errorf("external_url: %q, expected http://HOST or https://HOST without a path", raw)
		}
	}
	if !strings.HasPrefix(c.DatabaseURL, "sqlite:") && !strings.HasPrefix(c.DatabaseURL, "postgres://") && !strings.HasPrefix(c.DatabaseURL, "postgresql://") {
		return errors.New("database_url: expected sqlite:PATH or postgres://…")
	}
	if r := c.RedisURL.Reveal(); r != "" && !strings.HasPrefix(r, "redis://") && !strings.HasPrefix(r, "rediss://") {
		return errors.New("redis_url: expected redis://HOST:PORT or rediss://HOST:PORT (TLS)")
	}
	return c.checkStorage()
}

// checkStorage leaves the rest of a URL to its driver. The error doesn't show the value: it may hold a key.
func (c *Config) checkStorage() error {
	scheme, rest, _ := strings.Cut(c.StorageURL, ":")
	switch scheme {
	case "file":
		if strings.TrimPrefix(rest, "//") != "" {
			return nil
		}
	case "s3", "gs", "azblob":
		if u, err := url.Parse(c.StorageURL); err == nil && u.Host != "" {
			return nil
		}
	}
	return errors.New("storage_url: expected file:DIR, s3://BUCKET, gs://BUCKET or azblob://CONTAINER")
}

// checkSpace also fills the durations in, for a Config that no command line made.
func (c *Config) checkSpace() error {
	for key, d := range map[string]struct {
		value *time.Duration
		usual time.Duration
	}{"reclaim_after": {&c.ReclaimAfter, 2 * time.Hour}, "upload_lifetime": {&c.UploadLifetime, 7 * 24 * time.Hour}, "webhook_keep": {&c.WebhookKeep, 7 * 24 * time.Hour}} {
		if *d.value == 0 {
			*d.value = d.usual
		}
		if *d.value < time.Second {
			return fmt.Errorf("%s: %s, expected a second or more, such as %s", key, *d.value, d.usual)
		}
	}
	return nil
}

// checkLoad also fills in what must not be 0, for a Config that no command line made.
func (c *Config) checkLoad() error {
	c.MaxRequests, c.MaxUploads, c.RequestWait = cmp.Or(c.MaxRequests, 4096), cmp.Or(c.MaxUploads, 512), cmp.Or(c.RequestWait, 2*time.Second)
	switch {
	case c.MaxRequests < 16 || c.MaxRequests >= 1_000_000:
		return errors.New("max_requests: expected 16 to 999999")
	case c.MaxUploads < 1 || c.MaxUploads >= 1_000_000:
		return errors.New("max_uploads: expected 1 to 999999")
	case c.RequestWait < time.Millisecond || c.RequestWait > time.Minute:
		return errors.New("request_wait: expected 1ms to 1m")
	}
	for key, rate := range map[string]float64{"rate_network": c.RateNetwork, "rate_account": c.RateAccount, "rate_search": c.RateSearch} {
		if !(rate >= 0 && rate < 1e6) {
			return fmt.Errorf("%s: expected a number of requests a second, or 0 for any number", key)
		}
	}
	return nil
}

// checkVulnDB leaves the rest of a URL to who reads it. The error doesn't show the value: it may hold a password.
func (c *Config) checkVulnDB() error {
	for _, source := range c.VulnDBSource {
		u, err := url.Parse(source.Reveal())
		if err != nil || u.Scheme != "oci" && u.Scheme != "file" || (u.Scheme == "oci") != (u.Host != "") || u.Path == "" {
			return errors.New("vulndb_source: expected file:///DIR-OR-ARCHIVE or oci://HOST/REPO:TAG, or several of them")
		}
	}
	return nil
}

// Logger writes to stderr as log_level and log_format say.
func (c *Config) Logger() *slog.Logger {
	opts := &slog.HandlerOptions{Level: c.LogLevel}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(os.Stderr, opts))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, opts))
}
