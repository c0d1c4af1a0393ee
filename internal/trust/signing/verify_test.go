package signing

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/notaryproject/notation-core-go/signature"
	"github.com/notaryproject/notation-core-go/signature/jws"
	read "github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"
	verifier "github.com/sigstore/sigstore/pkg/signature"

	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/trust/sigstore"
)

// tagged are the layers under Cosign's tag, none where there is no tag.
func (w world) tagged(in registry.Ref, of oci.Digest) []oci.Descriptor {
	w.Helper()
	m, err := w.registry.Manifest(ctx, in, oci.TagReference("sha256-"+of.Hex()+".sig"))
	if isGone(err) {
		return nil
	}
	w.ok(err)
	parsed, err := oci.ParseManifest(m.MediaType, m.Content)
	w.ok(err)
	return parsed.Layers
}

// cosignSigned is how many signatures under Cosign's tag verify with a key, in the way that Cosign does.
func (w world) cosignSigned(in registry.Ref, of oci.Digest, key Key) (n int) {
	w.Helper()
	for _, layer := range w.tagged(in, of) {
		payload, err := w.registry.ReadBlob(ctx, in, layer.Digest, 1<<20)
		w.ok(err)
		sum := sha256.Sum256(payload)
		made, err := base64.StdEncoding.DecodeString(layer.Annotations["dev.cosignproject.cosign/signature"])
		if err != nil || layer.MediaType != "application/vnd.dev.cosign.simplesigning.v1+json" || !ecdsa.VerifyASN1(publicKey(w, key.Public), sum[:], made) {
			continue
		}
		var c claim
		w.ok(json.Unmarshal(payload, &c))
		if c.Critical.Image.DockerManifestDigest != of || c.Critical.Type != "cosign container image signature" {
			w.Errorf("the claim is %s", payload)
		}
		n++
	}
	return n
}

// bundles are the statements about a manifest of a predicate's type that verify with a key, by Sigstore's own code.
func (w world) bundles(in registry.Ref, of oci.Digest, key Key, predicateType string) (found []map[string]any) {
	w.Helper()
	v, err := verifier.LoadECDSAVerifier(publicKey(w, key.Public), crypto.SHA256)
	w.ok(err)
	trusted := root.NewTrustedPublicKeyMaterial(func(string) (root.TimeConstrainedVerifier, error) {
		return root.NewExpiringKey(v, time.Time{}, time.Time{}), nil
	})
	checker, err := verify.NewVerifier(trusted, verify.WithNoObserverTimestamps())
	w.ok(err)
	digest, err := hex.DecodeString(of.Hex())
	w.ok(err)
	for _, m := range w.referrers(in, of, "application/vnd.dev.sigstore.bundle.v0.3+json") {
		_, content := w.layer(in, m)
		var b read.Bundle
		w.ok(b.UnmarshalJSON(content))
		result, err := checker.Verify(&b, verify.NewPolicy(verify.WithArtifactDigest(string(of.Algorithm()), digest), verify.WithKey()))
		if err != nil {
			continue
		}
		if result.Statement.PredicateType == predicateType {
			found = append(found, result.Statement.Predicate.AsMap())
		}
	}
	return found
}

// notationSigned is how many envelopes verify with a trust store of the key's authority, by Notation's own code.
func (w world) notationSigned(in registry.Ref, of oci.Digest, key Key) (n int) {
	w.Helper()
	authority := certificates(w, key.Certificate)
	for _, m := range w.referrers(in, of, "application/vnd.cncf.notary.signature") {
		layer, content := w.layer(in, m)
		e, err := signature.ParseEnvelope(layer.MediaType, content)
		w.ok(err)
		said, err := e.Verify()
		w.ok(err)
		if _, err := signature.VerifyAuthenticity(&said.SignerInfo, []*x509.Certificate{authority[0]}); err != nil {
			continue
		}
		about := w.manifest(in, oci.DigestReference(of))
		var payload struct {
			TargetArtifact oci.Descriptor `json:"targetArtifact"`
		}
		w.ok(json.Unmarshal(said.Payload.Content, &payload))
		if d := payload.TargetArtifact; d.Digest != of || d.Size != about.Size || d.MediaType != about.MediaType || layer.MediaType != jws.MediaTypeEnvelope {
			w.Errorf("the envelope of %s is about %+v", layer.MediaType, d)
		}
		if at := said.SignerInfo.SignedAttributes.SigningTime; at.Before(noon) || at.After(w.now.Now()) {
			w.Errorf("signed at %s", at)
		}
		if !bytes.Contains(m.Content, []byte("thumbprint#S256")) {
			w.Errorf("the manifest has no thumbprints: %s", m.Content)
		}
		n++
	}
	return n
}

// signed fails the test unless a manifest is signed once in each format, by the keys that sign now, or not at all.
func (w world) signed(in registry.Ref, of oci.Digest, want bool) {
	w.Helper()
	n := 0
	if want {
		n = 1
	}
	if got := w.cosignSigned(in, of, w.key(Cosign)); got != n {
		w.Errorf("%s has %d signatures under Cosign's tag, want %d", of, got, n)
	}
	if got := w.bundles(in, of, w.key(Cosign), sigstore.PredicateSigned); len(got) != n {
		w.Errorf("%s has the bundles %v, want %d", of, got, n)
	}
	if got := w.notationSigned(in, of, w.key(Notation)); got != n {
		w.Errorf("%s has %d envelopes, want %d", of, got, n)
	}
}
