//go:build acceptance

package identity

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/havenregistry/haven/test/haventest"
)

func TestProviderInABrowser(t *testing.T) {
	portal, err := filepath.Abs("../portal")
	must(t, err)
	if _, err := os.Stat(filepath.Join(portal, "node_modules", "playwright-core")); err != nil {
		install := exec.CommandContext(t.Context(), "npm", "ci", "--no-fund", "--no-audit", "--loglevel=error")
		install.Dir = portal
		if out, err := install.CombinedOutput(); err != nil {
			t.Fatalf("npm ci in test/portal: %v\n%s", err, out)
		}
	}
	shots, err := filepath.Abs("../results/portal")
	must(t, err)
	must(t, os.MkdirAll(shots, 0o755))

	server := haventest.Start(t, haventest.Options{})
	p := newOpenID(t, server.Door, "token")
	server.Admin(t, http.StatusOK, http.MethodPut, "/api/v2.0/configurations", map[string]any{"oidc_logout": true})
	p.people(map[string][]string{"alice": {"team-a"}})

	cmd := exec.CommandContext(t.Context(), haventest.Tool(t, "node"), "oidc_browser.mjs")
	cmd.Env = append(os.Environ(), "PORTAL_URL="+server.URL, "PORTAL_SHOTS="+shots, "ISSUER="+p.issuer,
		"CHROMIUM="+haventest.Tool(t, "chromium"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
