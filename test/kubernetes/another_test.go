//go:build acceptance

package kubernetes

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/await"
	"github.com/havenregistry/haven/internal/scan/scantest"
	"github.com/havenregistry/haven/test/cluster"
	"github.com/havenregistry/haven/test/haventest"
)

// another is a registry that isn't Haven: CNCF Distribution, with images signed by Cosign.
type another struct {
	host    string
	rule    string            // of the admission policy
	digests map[string]string // by repository
}

// startAnother fills the registry: bundle and tag are signed by the key that the rule trusts, in both of Cosign's forms, stranger by
// another key, and nobody has signed bare.
func startAnother(t *testing.T) another {
	t.Helper()
	home := t.TempDir()
	a := another{host: "127.0.0.1:" + cluster.FreePort(t), digests: map[string]string{}}
	config := filepath.Join(home, "config.yml")
	if err := os.WriteFile(config, fmt.Appendf(nil, "version: 0.1\nstorage: {filesystem: {rootdirectory: %q}}\nhttp: {addr: %q}\n", filepath.Join(home, "store"), a.host), 0o600); err != nil {
		t.Fatal(err)
	}
	cluster.Run(t, filepath.Join(home, "distribution.log"), haventest.Tool(t, "distribution"), "serve", config)
	await.Until(t, "the other registry answers", func() bool {
		answer, err := http.Get("http://" + a.host + "/v2/")
		return err == nil && errors.Join(answer.Body.Close()) == nil && answer.StatusCode == http.StatusOK
	})
	do := func(program string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Dir, cmd.Env = home, append(os.Environ(), "HOME="+home, "DOCKER_CONFIG="+home, "COSIGN_PASSWORD=")
		out, err := cmd.Output()
		if err != nil {
			failed, _ := errors.AsType[*exec.ExitError](err)
			t.Fatalf("%s %s: %v\n%s\n%s", filepath.Base(program), strings.Join(args, " "), err, out, failed.Stderr)
		}
		return strings.TrimSpace(string(out))
	}
	crane, cosign := haventest.Tool(t, "crane"), haventest.Tool(t, "cosign")
	do(cosign, "generate-key-pair", "--output-key-prefix", "ours")
	do(cosign, "generate-key-pair", "--output-key-prefix", "theirs")
	layout := filepath.Join(home, "layout")
	if err := scantest.MakeImage(t, "clean").WriteLayout(layout); err != nil {
		t.Fatal(err)
	}
	for repository, sign := range map[string][]string{"bundle": {"ours"}, "tag": {"ours", "--new-bundle-format=false"}, "stranger": {"theirs"}, "bare": nil} {
		image := a.host + "/team/" + repository
		do(crane, "push", "--insecure", layout, image+":v1")
		a.digests[repository] = do(crane, "digest", "--insecure", image+":v1")
		if sign != nil {
			args := []string{"sign", "--yes", "--key", sign[0] + ".key", "--use-signing-config=false", "--tlog-upload=false", "--allow-http-registry"}
			do(cosign, append(append(args, sign[1:]...), image+"@"+a.digests[repository])...)
		}
	}
	key, err := os.ReadFile(filepath.Join(home, "ours.pub"))
	if err != nil {
		t.Fatal(err)
	}
	a.rule = fmt.Sprintf("- prefix: %s/team/\n  by: signatures\n  plain_http: true\n  trust: {signers: [{name: ci, keys: [%q]}]}\n", a.host, key)
	return a
}

// What isn't of Haven is verified by the webhook itself, with the key of its own policy.
func (c *site) verifiesElsewhere(t *testing.T, a another) {
	pods := cluster.Collection("v1", "Pod", "default")
	for _, repository := range []string{"bundle", "tag"} {
		image := a.host + "/team/" + repository + ":v1"
		c.Must(http.MethodPost, pods, pod("from-"+repository, image), nil)
		var stored map[string]any
		c.Must(http.MethodGet, pods+"/from-"+repository, nil, &stored)
		if images := find(stored["spec"], "image"); len(images) != 1 || images[0] != image+"@"+a.digests[repository] {
			t.Errorf("%s: stored with %v", repository, images)
		}
	}
	for image, words := range map[string]string{
		"team/stranger:v1": "found is a signature", "team/stranger@" + a.digests["stranger"]: "found is a signature",
		"team/bare:v1": "no signature was found", "team/nothing:v1": "no such image", "other/bundle:v1": "is no registry that images may come from",
	} {
		status, text := c.Try(http.MethodPost, pods, pod("bad", a.host+"/"+image))
		if status != http.StatusForbidden || !strings.Contains(text, words) || !strings.Contains(text, "validate.admission.haven.io") {
			t.Errorf("%s: %d %s", image, status, text)
		}
	}
}
