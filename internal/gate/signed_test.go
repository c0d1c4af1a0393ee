package gate_test

import (
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/gate"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/trust"
)

const (
	cosignType   = "application/vnd.dev.sigstore.bundle.v0.3+json"
	notationType = "application/vnd.cncf.notary.signature"
)

// attach puts something about a manifest.
func (w world) attach(to oci.Digest, artifactType, layerType string) oci.Digest {
	w.Helper()
	m := w.manifest(string(to))
	layer := w.blob(layerType, []byte(`{"about":"`+string(to)+`"}`))
	return w.put("about-"+m.Digest.Hex()[:8]+"-"+artifactType[len(artifactType)-4:], oci.MediaTypeImageManifest, map[string]any{
		"artifactType": artifactType, "config": describe(w.blob(oci.MediaTypeEmpty, []byte(`{}`))), "layers": describeAll([]oci.Descriptor{layer}),
		"subject": describe(oci.Descriptor{MediaType: m.MediaType, Digest: to, Size: m.Size}),
	})
}

// Without a trust policy a signature has to be there, of the format that the project demands.
func TestSignatureIsPresent(t *testing.T) {
	each(t, func(w world) {
		d := w.pushImage("v1")
		child := w.pushImage("child")
		w.pushIndex("all", child)
		w.set("enable_content_trust_cosign", "true")
		said := func(reference, want string) {
			t.Helper()
			got := w.pull(reference)
			if got == nil && want != "" || got != nil && got.Error() != want {
				t.Errorf("%s: %v, want %q", reference, got, want)
			}
		}
		said("v1", "The image is not signed by cosign.")
		signature := w.attach(d, cosignType, cosignType)
		said("v1", "")
		said(string(signature), "")
		said("child", "The image is not signed by cosign.")
		w.set("enable_content_trust", "true")
		said("v1", "The image is not signed by notation.")
		w.attach(d, notationType, "application/jose+json")
		said("v1", "")
		if n := w.Refusals()[gate.Unsigned]; n != 6 {
			t.Errorf("%d refusals are counted, want 6", n)
		}
		w.set("enable_content_trust_cosign", "false", "enable_content_trust", "false")
		said("child", "")
	})
}

// With a trust policy it has to be somebody's whom that names.
func TestSignatureIsTrusted(t *testing.T) {
	each(t, func(w world) {
		d := w.pushImage("v1")
		w.attach(d, cosignType, cosignType)
		w.set("enable_content_trust", "true")
		w.must(w.trust.Set(t.Context(), ann, trust.Owner{ID: 1, Name: "library"}, []byte(`{"signers":[{"name":"ci","keys":["-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----"]}]}`)))
		got := w.pull("v1")
		if got == nil || !strings.HasPrefix(got.Error(), "The image is not signed by notation.") || !strings.Contains(got.Error(), "trust policy demands") {
			t.Errorf("signed by nobody: %v", got)
		}

		// An image is none the less one for what is said beside it.
		claims := w.put("claims", oci.MediaTypeImageManifest, map[string]any{
			"artifactType": cosignType, "config": describe(w.blob(oci.MediaTypeImageConfig, []byte(`{}`))),
			"layers":  describeAll([]oci.Descriptor{w.blob(layerType, []byte("an archive"))}),
			"subject": describe(oci.Descriptor{MediaType: oci.MediaTypeImageManifest, Digest: d, Size: w.manifest("v1").Size}),
		})
		if w.pull(string(claims)) == nil {
			t.Error("an image that calls itself a signature can be pulled")
		}
		chart := w.push("chart", "application/vnd.cncf.helm.config.v1+json", w.blob("application/vnd.cncf.helm.chart.content.v1.tar+gzip", []byte("a chart")))
		if w.pull(string(chart)) == nil {
			t.Error("a chart that nobody signed can be pulled")
		}

		m := w.manifest("v1")
		token := func(actions ...authz.Action) authz.Principal {
			return authz.Principal{Kind: authz.Bearer, Token: []authz.TokenGrant{{ProjectID: 1, Repository: "library/app", Actions: actions}}}
		}
		if got := w.admit(token(authz.Pull), m); got == nil {
			t.Error("who pulls is let by")
		}
		if got := w.admit(token(authz.Pull, authz.ScannerPull), m); got != nil {
			t.Errorf("a scanner: %v", got)
		}
		w.signs = true
		if got := w.admit(token(authz.Pull), m); got != nil {
			t.Errorf("who signs: %v", got)
		}
		// Nor is who signs let by with vulnerabilities.
		w.set("prevent_vul", "true")
		if got := w.admit(token(authz.Pull), m); got == nil || strings.Contains(got.Error(), "signed") {
			t.Errorf("never scanned, by who signs: %v", got)
		}
	})
}
