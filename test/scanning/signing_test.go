//go:build acceptance

package scanning

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/scan/scantest"
	"github.com/havenregistry/haven/test/haventest"
)

// What passed a project's checks is signed by Haven, in every form that clients know; what didn't isn't, and can't be
// pulled where Haven's signature is demanded.
func TestHavenSigns(t *testing.T) {
	haventest.OnEachSize(t, func(t *testing.T, size haventest.Size) {
		d := size.Start(t, haventest.Options{}).Door
		d.NewProject(t, "team", false)
		importDatabase(t, d, 1)
		name, secret := d.NewRobot(t, "team", "cluster", [][2]string{{"repository", "pull"}})

		var keys []struct {
			Format, Certificate string
			Public              string `json:"public_key"`
			Current             bool
		}
		decode(t, d.Admin(t, http.StatusOK, http.MethodGet, "/api/haven/v1/signing/keys", nil).Body, &keys)
		home := t.TempDir()
		for _, k := range keys {
			text := k.Public
			if k.Format == "notation" {
				text = k.Certificate
			}
			if err := os.WriteFile(filepath.Join(home, k.Format+".pem"), []byte(text), 0o600); err != nil || !k.Current {
				t.Fatal(k, err)
			}
			if k.Format == "cosign" {
				d.Admin(t, http.StatusOK, http.MethodPut, "/api/haven/v1/projects/team/signature-policy",
					map[string]any{"signers": []any{map[string]any{"name": "haven", "keys": []string{k.Public}}}})
			}
		}
		setProject(t, d, "team", map[string]string{"auto_scan": "true", "prevent_vul": "true", "severity": "high", "enable_content_trust_cosign": "true"})
		d.Admin(t, http.StatusOK, http.MethodPut, "/api/haven/v1/projects/team/signing", map[string]any{
			"enabled": true, "formats": []string{"cosign", "cosign-bundle", "notation"}, "attest": true, "require_trust": false})

		good := push(t, d, "team/clean", "v1", scantest.MakeImage(t, "clean"))
		push(t, d, "team/debian", "v1", scantest.MakeImage(t, "debian"))
		asked := func(repository string) (int, string) {
			token := d.Token(t, name, secret, "repository:"+repository+":pull")
			answer := send(t, token, http.MethodGet, d.URL+"/v2/"+repository+"/manifests/v1", "", nil)
			return answer.Status, string(answer.Body)
		}
		eventually(t, "what is clean can be pulled", func() (bool, string) {
			status, body := asked("team/clean")
			return status == http.StatusOK, fmt.Sprint(status, body)
		})
		awaitScan(t, d, "team/debian", "v1", "Success")
		if status, body := asked("team/debian"); status != http.StatusPreconditionFailed || !strings.Contains(body, "not signed by cosign") {
			t.Errorf("what is vulnerable: %d %s", status, body)
		}

		run := func(tool string, args ...string) (string, error) {
			cmd := exec.CommandContext(t.Context(), haventest.Tool(t, tool), args...)
			cmd.Dir = home
			cmd.Env = append(os.Environ(), "HOME="+home, "DOCKER_CONFIG="+home, "XDG_CONFIG_HOME="+home, "NOTATION_USERNAME="+name, "NOTATION_PASSWORD="+secret)
			out, err := cmd.CombinedOutput()
			return string(out), err
		}
		must := func(tool string, args ...string) {
			t.Helper()
			eventually(t, tool+" "+strings.Join(args, " "), func() (bool, string) {
				out, err := run(tool, args...)
				return err == nil, out
			})
		}
		must("cosign", "login", d.Host, "-u", name, "-p", secret)
		image := d.Host + "/team/clean@" + good
		byKey := []string{"--key", "cosign.pem", "--insecure-ignore-tlog=true", "--allow-http-registry"}
		must("cosign", append(append([]string{"verify"}, byKey...), image)...)
		must("cosign", append(append([]string{"verify", "--new-bundle-format=false"}, byKey...), image)...)
		must("cosign", append(append([]string{"verify-attestation", "--type", "vuln"}, byKey...), image)...)
		if err := os.WriteFile(filepath.Join(home, "policy.json"), []byte(`{"version":"1.0","trustPolicies":[{"name":"haven","registryScopes":["*"],
			"signatureVerification":{"level":"strict"},"trustStores":["ca:haven"],"trustedIdentities":["*"]}]}`), 0o600); err != nil {
			t.Fatal(err)
		}
		must("notation", "cert", "add", "--type", "ca", "--store", "haven", "notation.pem")
		must("notation", "policy", "import", "--force", "policy.json")
		must("notation", "verify", "--insecure-registry", image)
	}, haventest.Alone, haventest.Replicated)
}
