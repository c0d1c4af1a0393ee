//go:build acceptance

package proxycache

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/await"
	"github.com/havenregistry/haven/test/haventest"
)

// A cache that demands signatures gives out what was signed upstream, by Cosign in both of its forms, whether that happened before the
// image came or after; and the signatures are verified through it.
func TestSignedUpstream(t *testing.T) {
	t.Setenv("COSIGN_PASSWORD", "secret")
	w := newWorld(t, haventest.Alone, map[string]string{"enable_content_trust_cosign": "true", "proxy_referrer_api": "true"})
	ours, theirs := w.key("ours"), w.key("theirs")
	public, err := os.ReadFile(ours + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	w.site.Admin(t, http.StatusOK, http.MethodPut, "/api/haven/v1/projects/hub/signature-policy", map[string]any{
		"signers": []any{map[string]any{"name": "ci", "keys": []string{string(public)}}},
		"require": map[string]any{"signed_by": "ci"},
	})
	for form, flags := range map[string][]string{"bundle": nil, "tag": {"--new-bundle-format=false"}} {
		t.Run(form, func(t *testing.T) {
			before, after := "team/before-"+form, "team/after-"+form
			w.push(before + ":1")
			w.push(after + ":1")
			w.sign(ours, before, flags)
			if status, said := w.manifest(before); status != http.StatusOK {
				t.Errorf("the first pull of what is signed: %d %s", status, said)
			}
			w.refused(after)
			w.sign(theirs, after, flags)
			w.refused(after)
			w.sign(ours, after, flags)
			await.Until(t, "it is served, as it is signed now", func() bool { status, _ := w.manifest(after); return status == http.StatusOK })
			for _, name := range []string{before, after} {
				w.ok("cosign", "verify", "--key", ours+".pub", "--insecure-ignore-tlog=true", "--allow-http-registry", w.site.Host+"/hub/"+name+"@"+w.digest(name))
			}
		})
	}
}

// key makes a key pair, and returns the path of its files without their ends.
func (w *world) key(name string) string {
	w.Helper()
	path := filepath.Join(w.home, name)
	w.ok("cosign", "generate-key-pair", "--output-key-prefix", path)
	return path
}

func (w *world) digest(name string) string {
	w.Helper()
	return strings.TrimSpace(w.ok("crane", "digest", w.upstream+"/"+name+":1", "--insecure"))
}

// sign has cosign sign upstream's image.
func (w *world) sign(key, name string, flags []string) {
	w.Helper()
	args := []string{"sign", "--yes", "--key", key + ".key", "--use-signing-config=false", "--tlog-upload=false", "--allow-http-registry"}
	w.ok("cosign", slices.Concat(args, flags, []string{w.upstream + "/" + name + "@" + w.digest(name)})...)
}

// manifest pulls one as a cluster does.
func (w *world) manifest(name string) (status int, said string) {
	w.Helper()
	token := w.site.Token(w.T, "", "", "repository:hub/"+name+":pull")
	status, body, _ := get(w.T, w.site.Door, token, "/v2/hub/"+name+"/manifests/1")
	return status, string(body)
}

func (w *world) refused(name string) {
	w.Helper()
	if status, said := w.manifest(name); status != http.StatusPreconditionFailed || !strings.Contains(said, "not signed by cosign") {
		w.Errorf("a pull of what isn't signed: %d %s", status, said)
	}
}
