package app_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/app"
	"github.com/havenregistry/haven/internal/await"
	"github.com/havenregistry/haven/internal/config"
	"github.com/havenregistry/haven/internal/scan/adapter"
	"github.com/havenregistry/haven/internal/scan/scantest"
	"github.com/havenregistry/haven/internal/secret"
)

// A scanner in a process of its own: it makes its credential once, takes the database from its source, and is ready
// then.
func TestScanner(t *testing.T) {
	dir, source := t.TempDir(), t.TempDir()
	if err := scantest.WriteDatabase(source, 1); err != nil {
		t.Fatal(err)
	}
	cfg := config.Scanner{DataDir: dir, Listen: "127.0.0.1:0", Auth: "bearer", VulnDBSource: []secret.Text{secret.Text("file://" + source)},
		Workers: 1, Queue: 1}
	if err := cfg.Complete(); err != nil {
		t.Fatal(err)
	}
	credentials := map[string]bool{}
	for range 2 {
		s, err := app.NewScanner(t.Context(), cfg, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		kept, err := os.ReadFile(filepath.Join(dir, "scanner-credential"))
		if err != nil {
			t.Fatal(err)
		}
		credentials[strings.TrimSpace(string(kept))] = true
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Background(ctx) }()
		h := httptest.NewServer(s.Handler())
		await.Until(t, "the scanner is ready", func() bool {
			answer, err := http.Get(h.URL + "/probe/ready")
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			return answer.StatusCode == http.StatusOK
		})
		m, err := adapter.NewClient().Metadata(t.Context(), adapter.Endpoint{URL: h.URL, Auth: adapter.Bearer, Credential: secret.Text(strings.TrimSpace(string(kept)))})
		if err != nil || m.Properties[adapter.DatabaseUpdated] != scantest.UpdatedAt(1).UTC().Format(time.RFC3339) {
			t.Errorf("got %+v, %v", m, err)
		}
		h.Close()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if info, err := os.Stat(filepath.Join(dir, "scanner-credential")); err != nil || info.Mode().Perm() != 0o600 || len(credentials) != 1 {
		t.Errorf("got %v, %v, %d credentials", info, err, len(credentials))
	}
}

func TestScannerSettings(t *testing.T) {
	for name, c := range map[string]struct {
		change func(c *config.Scanner)
		want   string // "" for good ones
	}{
		"defaults":         {func(*config.Scanner) {}, ""},
		"open here":        {func(c *config.Scanner) { c.Auth = "none" }, ""},
		"open to all":      {func(c *config.Scanner) { c.Auth, c.Listen = "none", "0.0.0.0:1" }, "scanner_auth: none is for addresses of this machine"},
		"basic":            {func(c *config.Scanner) { c.Auth, c.Credential = "basic", "u:canary" }, ""},
		"basic, no colon":  {func(c *config.Scanner) { c.Auth, c.Credential = "basic", "canary" }, "scanner_credential: expected NAME:PASSWORD"},
		"basic, none":      {func(c *config.Scanner) { c.Auth = "basic" }, "scanner_credential: expected NAME:PASSWORD"},
		"no port":          {func(c *config.Scanner) { c.Listen = "127.0.0.1" }, "listen:"},
		"no folder":        {func(c *config.Scanner) { c.DataDir = "" }, "data_dir:"},
		"no workers":       {func(c *config.Scanner) { c.Workers = 0 }, "scanner_workers:"},
		"a certificate":    {func(c *config.Scanner) { c.TLSCertFile = "x" }, "tls_cert_file"},
		"a boundless line": {func(c *config.Scanner) { c.Queue = 1 << 30 }, "scanner_queue:"},
	} {
		cfg := config.Scanner{DataDir: t.TempDir(), Listen: "127.0.0.1:0", Auth: "api-key", Workers: 2, Queue: 100}
		c.change(&cfg)
		err := cfg.Complete()
		if (err == nil) != (c.want == "") || err != nil && (!strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "canary")) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
