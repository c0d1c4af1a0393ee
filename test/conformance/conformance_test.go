//go:build acceptance

// Package conformance runs the OCI's own conformance program for distribution-spec 1.1
// against the real server, with everything in it switched on.
package conformance

import (
	"encoding/xml"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/havenregistry/haven/test/haventest"
)

// Manifests whose content nobody pushed are refused here by design: a manifest may only
// name what its repository holds. It is the one thing the program may not try.
const allowedOff = "sparse"

type testCase struct {
	Name    string `xml:"name,attr"`
	Status  string `xml:"status,attr"`
	Message string `xml:"system-out"`
	Log     string `xml:"system-err"`
}

func TestConformance(t *testing.T) {
	haventest.OnEachSize(t, func(t *testing.T, size haventest.Size) {
		server := size.Start(t, haventest.Options{})
		// Public, because a mount that names no source takes the blob from where anybody may read it.
		server.NewProject(t, "conformance", true)
		results := t.TempDir()

		cmd := exec.Command(haventest.Tool(t, "conformance"))
		cmd.Dir = results
		cmd.Env = append(os.Environ(),
			"OCI_REGISTRY="+server.Host, "OCI_TLS=disabled", "OCI_VERSION=1.1", "OCI_RESULTS_DIR="+results,
			"OCI_REPO1=conformance/one", "OCI_REPO2=conformance/deep/two",
			"OCI_USERNAME=admin", "OCI_PASSWORD="+haventest.AdminPassword,
			"OCI_API_BLOBS_UPLOAD_CANCEL=true", "OCI_API_BLOBS_DIGEST_HEADER=true",
			"OCI_API_MANIFESTS_DIGEST_HEADER=true", "OCI_API_MANIFESTS_TAG_PARAM=true",
		)
		output, runError := cmd.CombinedOutput()
		cases := read(t, filepath.Join(results, "junit.xml"), output)
		passed := 0
		for _, c := range cases {
			switch {
			case c.Status == "passed":
				passed++
			case c.Status == "skipped" && strings.Contains(strings.ToLower(c.Name), allowedOff):
			default:
				t.Errorf("%s: %s: %s\n%s", c.Name, c.Status, c.Message, c.Log[:min(len(c.Log), 3000)])
			}
		}
		if runError != nil {
			t.Errorf("the conformance program: %v", runError)
		}
		if passed < 500 {
			t.Errorf("only %d tests ran", passed)
		}
		t.Logf("%d of %d tests passed", passed, len(cases))
	})
}

func read(t *testing.T, path string, output []byte) []testCase {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("no results: %v\n%s", err, output)
	}
	var report struct {
		Suites []struct {
			Cases []testCase `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(text, &report); err != nil {
		t.Fatal(err)
	}
	var all []testCase
	for _, s := range report.Suites {
		all = append(all, s.Cases...)
	}
	return all
}
