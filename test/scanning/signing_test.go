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
	haventest.OnEachSize(t, func(t *testing.T, size haventest.Size) { havenSigns(t, size.Start(t, haventest.Options{}).Door) }, haventest.Alone, haventest.Replicated)
}

// The same with a key that lies in a module behind PKCS #11, and never leaves it.
func TestHavenSignsByPKCS11(t *testing.T) {
	program, environment := newToken(t)
	d := haventest.Start(t, haventest.Options{Env: append(environment, "HAVEN_SIGNING_PROGRAM="+program)}).Door
	havenSigns(t, d)
	answer := d.Admin(t, http.StatusConflict, http.MethodPost, "/api/haven/v1/signing/keys", map[string]any{"format": "cosign"})
	if !strings.Contains(string(answer.Body), "has the key that signs already") {
		t.Errorf("the same key again: %s", answer.Body)
	}
}

// newToken makes a token of SoftHSM with a key in it, and a program that signs with it, which needs the environment.
func newToken(t *testing.T) (program string, environment []string) {
	t.Helper()
	home := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		path := filepath.Join(home, name)
		if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
		return path
	}
	modules, _ := filepath.Glob("/usr/lib/softhsm/libsofthsm2.so")
	more, _ := filepath.Glob("/usr/lib*/*/softhsm/libsofthsm2.so")
	if modules = append(modules, more...); len(modules) == 0 {
		t.Fatal("SoftHSM's module isn't where Debian and Ubuntu have it")
	}
	environment = []string{"SOFTHSM2_CONF=" + write("softhsm2.conf", "directories.tokendir = "+home+"\n"), "TOKEN_PIN=1234"}
	run := func(tool string, args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), haventest.Tool(t, tool), args...)
		cmd.Env = append(os.Environ(), environment...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s %v: %v\n%s", tool, args, err, out)
		}
	}
	run("softhsm2-util", "--init-token", "--free", "--label", "haven", "--pin", "1234", "--so-pin", "5678")
	run("pkcs11-tool", "--module", modules[0], "--token-label", "haven", "--login", "--pin", "1234", "--keypairgen", "--key-type", "EC:prime256v1", "--label", "signing")
	return write("sign", `#!/bin/sh
set -e
token() { "`+haventest.Tool(t, "pkcs11-tool")+`" --module `+modules[0]+` --token-label haven --login --pin env:TOKEN_PIN --label signing "$@"; }
case "$1" in
public-key)
  echo '-----BEGIN PUBLIC KEY-----'
  token --read-object --type pubkey | base64
  echo '-----END PUBLIC KEY-----' ;;
sign) token --sign --mechanism ECDSA --signature-format openssl ;;
esac
`), environment
}

// havenSigns has one image pass and another not, and verifies with the clients' own programs.
func havenSigns(t *testing.T, d haventest.Door) {
	t.Helper()
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
}
