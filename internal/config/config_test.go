package config

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/secret"
)

// What a bad value's error says: the key and what is expected, and nothing of a URL, which may hold a password.
func TestBadValues(t *testing.T) {
	const canary = "canary-in-a-url"
	cases := []struct {
		name string
		set  func(c *Config)
		want string // "" for a good one
	}{
		{"defaults", func(*Config) {}, ""},
		{"Redis", func(c *Config) { c.RedisURL = "redis://:" + canary + "@127.0.0.1:6379" }, ""},
		{"Redis with TLS", func(c *Config) { c.RedisURL = "rediss://r.example.com" }, ""},
		{"Redis of another scheme", func(c *Config) { c.RedisURL = "http://" + canary }, "redis_url: expected redis://HOST:PORT"},
		{"Redis without a scheme", func(c *Config) { c.RedisURL = canary + ":6379" }, "redis_url: expected redis://HOST:PORT"},
		{"files", func(c *Config) { c.StorageURL = "file:/srv/blobs" }, ""},
		{"files with slashes", func(c *Config) { c.StorageURL = "file:///srv/blobs" }, ""},
		{"S3", func(c *Config) { c.StorageURL = "s3://bucket?region=eu-1" }, ""},
		{"Google", func(c *Config) { c.StorageURL = "gs://bucket" }, ""},
		{"Azure", func(c *Config) { c.StorageURL = "azblob://container" }, ""},
		{"no folder", func(c *Config) { c.StorageURL = "file:" }, "storage_url: expected file:DIR"},
		{"no bucket", func(c *Config) { c.StorageURL = "s3://?secret=" + canary }, "storage_url: expected file:DIR, s3://BUCKET"},
		{"unreadable", func(c *Config) { c.StorageURL = "s3://" + canary + "%zz" }, "storage_url: expected"},
		{"unknown store", func(c *Config) { c.StorageURL = "ftp://" + canary + "@host/x" }, "storage_url: expected"},
		{"few requests", func(c *Config) { c.MaxRequests = 15 }, "max_requests: expected 16"},
		{"no uploads", func(c *Config) { c.MaxUploads = -1 }, "max_uploads: expected 1"},
		{"endless wait", func(c *Config) { c.RequestWait = time.Hour }, "request_wait: expected 1ms to 1m"},
		{"a rate below nothing", func(c *Config) { c.RateAccount = -1 }, "rate_account: expected a number"},
		{"a rate that is none", func(c *Config) { c.RateNetwork = math.NaN() }, "rate_network: expected a number"},
		{"a slow rate", func(c *Config) { c.RateSearch = 0.1 }, ""},
		{"unknown database", func(c *Config) { c.DatabaseURL = "mysql://u:" + canary + "@host/x" }, "database_url: expected"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			cfg := Config{DataDir: t.TempDir(), Listen: "127.0.0.1:0"}
			c.set(&cfg)
			err := cfg.Complete()
			if got := fmt.Sprint(err); (err != nil) != (c.want != "") || !strings.Contains(got, c.want) && err != nil || strings.Contains(got, canary) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	if printed := fmt.Sprintf("%+v", Config{RedisURL: secret.Text(canary)}); strings.Contains(printed, canary) {
		t.Error("a printed Config shows redis_url")
	}
}
