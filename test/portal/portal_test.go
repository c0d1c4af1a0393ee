//go:build acceptance

// Package portal_test meets the portal as people do: a browser, the real program, a real push. What the
// browser does is in *.test.mjs, one file for each area of the portal; then looks.mjs looks at every page, and speed.mjs measures the main ones.
// Screenshots are left in test/results/portal.
package portal_test

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/havenregistry/haven/test/haventest"
)

func TestPortalInABrowser(t *testing.T) {
	install(t)
	server := haventest.Start(t, haventest.Options{Env: []string{"HAVEN_WEBHOOK_NETWORKS=127.0.0.0/8"}}) // journeys listen here themselves
	server.NewProject(t, "open", true)
	server.NewMember(t, "open", "guest", "Guest-test-12345", haventest.Guest)

	shots, err := filepath.Abs("../results/portal")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(shots, 0o755); err != nil {
		t.Fatal(err)
	}
	env := append(os.Environ(),
		"PORTAL_URL="+server.URL,
		"PORTAL_PASSWORD="+haventest.AdminPassword,
		"PORTAL_IMAGE="+haventest.NewImage(t, "my-app:1.0"),
		"PORTAL_SHOTS="+shots,
		"CHROMIUM="+haventest.Tool(t, "chromium"),
		"COSIGN="+haventest.Tool(t, "cosign"),
		"CRANE="+haventest.Tool(t, "crane"),
		"DOCKER_CONFIG="+t.TempDir(),
	)
	// HAVEN_PORTAL_JOURNEYS limits the areas, HAVEN_PORTAL_LOOKS=all looks at every width in both colours.
	journeys, err := filepath.Glob(cmp.Or(os.Getenv("HAVEN_PORTAL_JOURNEYS"), "*") + ".test.mjs")
	if err != nil || len(journeys) == 0 {
		t.Fatalf("no journeys: %v", err)
	}
	browse(t, env, journeys...)
	if os.Getenv("HAVEN_PORTAL_JOURNEYS") != "" {
		return
	}
	browse(t, env, "looks.mjs")
	server.Stop()
	server.RestartPlain() // else it is the race detector that Lighthouse measures
	browse(t, env, "speed.mjs")
}

// browse runs scripts of the browser one after another.
func browse(t *testing.T, env []string, scripts ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "node", append([]string{"--test", "--test-concurrency=1", "--test-reporter=spec"}, scripts...)...)
	cmd.Env = env
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

// install brings what drives the browser, in the versions of package-lock.json.
func install(t *testing.T) {
	t.Helper()
	if newer("node_modules/.package-lock.json", "package-lock.json") {
		return
	}
	out, err := exec.CommandContext(t.Context(), "npm", "ci", "--no-fund", "--no-audit", "--loglevel=error").CombinedOutput()
	if err != nil {
		t.Fatalf("npm ci in test/portal: %v\n%s", err, out)
	}
}

func newer(made, source string) bool {
	m, err := os.Stat(made)
	if err != nil {
		return false
	}
	s, err := os.Stat(source)
	return err == nil && !m.ModTime().Before(s.ModTime())
}
