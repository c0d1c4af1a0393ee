package cosign_test

import (
	"crypto"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"strings"
	"testing"
	"time"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"

	"github.com/havenregistry/haven/internal/trust/evidence"
	"github.com/havenregistry/haven/internal/trust/policy"
)

func trusting(t testing.TB, keys ...crypto.PublicKey) policy.Policy {
	s := policy.Signer{Name: "ci"}
	for _, k := range keys {
		s.Keys = append(s.Keys, publicPEM(t, k))
	}
	return policy.Policy{Signers: []policy.Signer{s}}
}

// Every kind of key, with every way of Cosign's to sign with it, in every format.
func TestKeys(t *testing.T) {
	ecdsa384, ecdsa521, long := newECDSA(t, elliptic.P384()), newECDSA(t, elliptic.P521()), newRSA(t, 3072)
	edwards := newEd25519(t)
	pss := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
	for name, s := range map[string]signer{
		"ECDSA P-256": by(newKey(t)), "ECDSA P-384": {ecdsa384, crypto.SHA384}, "ECDSA P-384 with SHA-256": by(ecdsa384),
		"ECDSA P-521": {ecdsa521, crypto.SHA512}, "ECDSA P-521 with SHA-256": by(ecdsa521),
		"RSA": by(long), "RSA with SHA-512": {long, crypto.SHA512}, "RSA PSS": {long, pss},
		"Ed25519": {edwards, crypto.Hash(0)}, "Ed25519ph": {edwards, &ed25519.Options{Hash: crypto.SHA512}},
	} {
		t.Run(name, func(t *testing.T) {
			claim := statement(artifact, "https://slsa.dev/provenance/v1", `{"a": 1}`)
			for format, r := range map[string]*repository{
				"simple signing": newRepository().add(simpleSigning, payload(artifact), simple(s.sign(t, payload(artifact)), nil)),
				"envelope":       newRepository().add(envelope, sealed(claim, s.sign(t, pae(claim))), nil),
				"bundle": newRepository().add(bundleV3, bundled(t, &protobundle.Bundle{
					Content: enveloped(claim, s.sign(t, pae(claim))), VerificationMaterial: hinted(t, s.key.Public()),
				}), nil),
			} {
				p := r.piece(t, trusting(t, newKey(t).Public(), s.key.Public()), day)
				if p.State != evidence.Verified || len(p.Signers) != 1 || p.Signers[0] != "ci" || p.By != keyName(t, s.key.Public()) || p.Reason != "" {
					t.Errorf("%s: %+v", format, p)
				}
				if p.Format != evidence.Cosign || !p.At.IsZero() || !p.Until.IsZero() {
					t.Errorf("%s: %+v", format, p)
				}
				if attested := format != "simple signing"; attested != (p.PredicateType == "https://slsa.dev/provenance/v1") || attested != (string(p.Predicate) == `{"a": 1}`) {
					t.Errorf("%s: predicate %s of type %q", format, p.Predicate, p.PredicateType)
				}
				if p = r.piece(t, trusting(t, newKey(t).Public(), newEd25519(t).Public()), day); p.State != evidence.Unverified || p.Reason != "no key of the policy made it, or what was signed has changed" {
					t.Errorf("%s with other keys: %+v", format, p)
				}
				if want := format == "bundle"; want != (p.By == keyName(t, s.key.Public())) || p.Signers != nil || p.Predicate != nil {
					t.Errorf("%s with other keys: %+v", format, p)
				}
				if p = r.piece(t, policy.Policy{}, day); p.State != evidence.Unverified || p.Reason != "it was made by a key, and the policy has none" {
					t.Errorf("%s without a policy: %+v", format, p)
				}
			}
		})
	}
}

// What signatures by a key can be, and what they are worth.
func TestSignatures(t *testing.T) {
	key, other := newKey(t), newKey(t)
	s := by(key)
	good := payload(artifact)
	signs := statement(artifact, "https://sigstore.dev/cosign/sign/v1", `{}`)
	attests := statement(artifact, "https://example.com/test/v1", `{"passed":true}`)
	elsewhere := statement(another, "https://example.com/test/v1", `{}`)
	material := hinted(t, key.Public())
	oldStatement := []byte(strings.Replace(string(attests), "Statement/v1", "Statement/v0.1", 1))
	odd := []byte(strings.Replace(string(attests), "Statement/v1", "Statement/v9", 1))
	twice := []byte(strings.Replace(string(attests), `"subject":`, `"subject":[],"subject":`, 1))
	direct := func(about, content string) []byte {
		sum := sha256.Sum256([]byte(about))
		return bundled(t, &protobundle.Bundle{VerificationMaterial: material, Content: &protobundle.Bundle_MessageSignature{
			MessageSignature: &protocommon.MessageSignature{
				MessageDigest: &protocommon.HashOutput{Algorithm: protocommon.HashAlgorithm_SHA2_256, Digest: sum[:]}, Signature: s.sign(t, []byte(content)),
			},
		}})
	}
	sigstoreBundle := func(b *protobundle.Bundle) []byte {
		b.VerificationMaterial = material
		return bundled(t, b)
	}
	for name, c := range map[string]struct {
		mediaType   string
		content     []byte
		annotations map[string]string
		state       evidence.State
		reason      string // a part of it
		kind        string // of predicate
	}{
		"signature":         {simpleSigning, good, simple(s.sign(t, good), nil), evidence.Verified, "", ""},
		"of another digest": {simpleSigning, payload(another), simple(s.sign(t, payload(another)), nil), evidence.Invalid, "it is about " + another.Digest.String() + ", and not about this artifact", ""},
		"of what was changed": {simpleSigning, good, simple(s.sign(t, payload(another)), nil), evidence.Unverified,
			"no key of the policy made it, or what was signed has changed", ""},
		"by another key":      {simpleSigning, good, simple(by(other).sign(t, good), nil), evidence.Unverified, "no key of the policy made it", ""},
		"of another type":     {simpleSigning, []byte(strings.Replace(string(good), "cosign container", "atomic container", 1)), nil, evidence.Invalid, "no signature of an image", ""},
		"without signature":   {simpleSigning, good, nil, evidence.Invalid, "holds no signature", ""},
		"signature no base64": {simpleSigning, good, map[string]string{"dev.cosignproject.cosign/signature": "%"}, evidence.Invalid, "holds no signature", ""},
		"no JSON":             {simpleSigning, []byte("{"), simple(s.sign(t, []byte("{")), nil), evidence.Invalid, "what was signed", ""},
		"two digests": {simpleSigning, []byte(strings.Replace(string(good), `"image":{`, `"image":{"docker-manifest-digest":"sha256:0",`, 1)), simple(s.sign(t, good), nil), evidence.Invalid,
			`has the field "docker-manifest-digest" twice`, ""},
		"digest in other case": {simpleSigning, []byte(strings.Replace(string(good), "docker-manifest", "Docker-Manifest", 1)), nil, evidence.Invalid, "it names no artifact", ""},
		"broken certificate":   {simpleSigning, good, simple(s.sign(t, good), map[string]string{"dev.sigstore.cosign/certificate": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}), evidence.Invalid, "its certificate", ""},
		"broken log entry":     {simpleSigning, good, simple(s.sign(t, good), map[string]string{"dev.sigstore.cosign/bundle": `{"Payload":7}`}), evidence.Invalid, "its entry of a log", ""},
		"broken timestamp":     {simpleSigning, good, simple(s.sign(t, good), map[string]string{"dev.sigstore.cosign/rfc3161timestamp": `{}`}), evidence.Invalid, "its timestamp", ""},

		"attestation":                   {envelope, sealed(attests, s.sign(t, pae(attests))), nil, evidence.Verified, "", "https://example.com/test/v1"},
		"attestation, old statement":    {envelope, sealed(oldStatement, s.sign(t, pae(oldStatement))), nil, evidence.Verified, "", "https://example.com/test/v1"},
		"attestation, second signature": {envelope, sealed(attests, by(other).sign(t, pae(attests)), s.sign(t, pae(attests))), nil, evidence.Verified, "", "https://example.com/test/v1"},
		"attestation, other version":    {envelope, sealed(odd, s.sign(t, pae(odd))), nil, evidence.Invalid, "no in-toto statement of version", ""},
		"attestation of another":        {envelope, sealed(elsewhere, s.sign(t, pae(elsewhere))), nil, evidence.Invalid, "it is about sha256:00", "https://example.com/test/v1"},
		"attestation, two subjects":     {envelope, sealed(twice, s.sign(t, pae(twice))), nil, evidence.Invalid, `has the field "subject" twice`, ""},
		"attestation, payload signed as plain bytes": {envelope, sealed(attests, s.sign(t, attests)), nil, evidence.Unverified,
			"no key of the policy made it", "https://example.com/test/v1"},
		"attestation without signatures": {envelope, sealed(attests), nil, evidence.Invalid, "signatures", ""},
		"envelope of something else": {envelope, []byte(strings.Replace(string(sealed(attests, s.sign(t, pae(attests)))), statementType, "text/plain", 1)), nil, evidence.Invalid,
			`of type "text/plain"`, ""},
		"envelope, no JSON": {envelope, []byte("null"), nil, evidence.Invalid, "isn't a JSON object", ""},

		"bundle":            {bundleV3, sigstoreBundle(&protobundle.Bundle{Content: enveloped(signs, s.sign(t, pae(signs)))}), nil, evidence.Verified, "", ""},
		"bundle, attesting": {bundleV3, sigstoreBundle(&protobundle.Bundle{Content: enveloped(attests, s.sign(t, pae(attests)))}), nil, evidence.Verified, "", "https://example.com/test/v1"},
		"bundle, of another": {bundleV3, sigstoreBundle(&protobundle.Bundle{Content: enveloped(elsewhere, s.sign(t, pae(elsewhere)))}), nil, evidence.Invalid,
			"it is about sha256:00", "https://example.com/test/v1"},
		"bundle, by another key":    {bundleV3, sigstoreBundle(&protobundle.Bundle{Content: enveloped(signs, by(other).sign(t, pae(signs)))}), nil, evidence.Unverified, "no key of the policy made it", ""},
		"bundle of the bytes":       {bundleV3, direct("artifact", "artifact"), nil, evidence.Verified, "", ""},
		"bundle of other bytes":     {bundleV3, direct("another", "another"), nil, evidence.Invalid, "it is about " + another.Digest.String(), ""},
		"bundle that lies of bytes": {bundleV3, direct("artifact", "another"), nil, evidence.Unverified, "no key of the policy made it", ""},
		"bundle, old": {bundleV3, sigstoreBundle(&protobundle.Bundle{MediaType: "application/vnd.dev.sigstore.bundle+json;version=0.2", Content: enveloped(signs, s.sign(t, pae(signs)))}), nil,
			evidence.Verified, "", ""},
		"bundle, later": {bundleV3, sigstoreBundle(&protobundle.Bundle{MediaType: "application/vnd.dev.sigstore.bundle.v0.4+json", Content: enveloped(signs, s.sign(t, pae(signs)))}), nil,
			evidence.Unverified, "is of a version that can't be read", ""},
		"bundle of nothing":   {bundleV3, sigstoreBundle(&protobundle.Bundle{}), nil, evidence.Invalid, "neither an envelope nor a signature", ""},
		"bundle without keys": {bundleV3, bundled(t, &protobundle.Bundle{Content: enveloped(signs, s.sign(t, pae(signs)))}), nil, evidence.Invalid, "the bundle doesn't say how it was signed", ""},
		"bundle, no JSON":     {bundleV3, []byte("[]"), nil, evidence.Invalid, "isn't a JSON object", ""},
		"bundle, odd field":   {bundleV3, []byte(`{"mediaType":"` + bundleV3 + `","x":1}`), nil, evidence.Invalid, "the bundle can't be read", ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := newRepository().add(c.mediaType, c.content, c.annotations).piece(t, trusting(t, key.Public()), day)
			if p.State != c.state || !strings.Contains(p.Reason, c.reason) || (p.Reason == "") != (c.state == evidence.Verified) || p.PredicateType != c.kind {
				t.Errorf("got %+v", p)
			}
			if (p.State == evidence.Verified) != (len(p.Signers) == 1) || p.State != evidence.Verified && p.Predicate != nil {
				t.Errorf("got %+v", p)
			}
		})
	}
}

// A key that signs another digest of the artifact's bytes than the one it goes by can't be tried.
func TestBytesByAnotherDigest(t *testing.T) {
	key := newEd25519(t)
	sum := sha256.Sum256([]byte("artifact"))
	r := newRepository().add(bundleV3, bundled(t, &protobundle.Bundle{VerificationMaterial: hinted(t, key.Public()), Content: &protobundle.Bundle_MessageSignature{
		MessageSignature: &protocommon.MessageSignature{
			MessageDigest: &protocommon.HashOutput{Algorithm: protocommon.HashAlgorithm_SHA2_256, Digest: sum[:]},
			Signature:     signer{key, crypto.Hash(0)}.sign(t, []byte("artifact")),
		},
	}}), nil)
	if p := r.piece(t, trusting(t, key.Public()), day); p.State != evidence.Unverified || !strings.Contains(p.Reason, "as far as can be told") {
		t.Errorf("got %+v", p)
	}
}

// One key may be several signers', and one signature several keys'.
func TestSeveralSigners(t *testing.T) {
	first, second := newKey(t), newKey(t)
	claim := statement(artifact, "https://example.com/test/v1", `{}`)
	r := newRepository().add(envelope, sealed(claim, by(first).sign(t, pae(claim)), by(second).sign(t, pae(claim))), nil)
	p := r.piece(t, policy.Policy{Signers: []policy.Signer{
		{Name: "z", Keys: []string{publicPEM(t, second.Public())}},
		{Name: "nobody", Keys: []string{publicPEM(t, newKey(t).Public())}},
		{Name: "a", Keys: []string{publicPEM(t, first.Public()), publicPEM(t, second.Public())}},
		{Name: "b", Keys: []string{publicPEM(t, first.Public())}},
	}}, day)
	if strings.Join(p.Signers, " ") != "z a b" {
		t.Errorf("got %+v", p)
	}
}

// A log isn't demanded of a key, but tells when it was, if it has seen this very signature.
func TestTimeOfKey(t *testing.T) {
	s, strangers := newSigstore(t), newSigstore(t)
	key := newKey(t)
	good, claim := payload(artifact), statement(artifact, "https://example.com/test/v1", `{}`)
	signature, sealing := by(key).sign(t, good), by(key).sign(t, pae(claim))
	at := time.Now().Add(-time.Hour).Truncate(time.Second).UTC()
	e := entry{"hashedrekord", good, signature, publicPEM(t, key.Public()), at}
	promise := func(s sigstore, e entry) map[string]string {
		return map[string]string{"dev.sigstore.cosign/bundle": s.promise(t, e)}
	}
	later := e
	later.content = []byte("another")
	later.signature = by(key).sign(t, later.content)
	d := entry{"dsse", claim, sealing, publicPEM(t, key.Public()), at}
	before := entry{"intoto", claim, sealing, publicPEM(t, key.Public()), at}
	ofCertificate := entry{"dsse", claim, sealing, certificatePEM(newAuthority(t, "any", nil).issue(t, leaf(idp, alice), key.Public())), at}
	p := trusting(t, key.Public())
	p.Roots = map[string]policy.Root{"ours": {CA: certificatePEM(newAuthority(t, "unused", nil).certificate), Log: s.log(t), TSA: s.tsa()}}
	included := hinted(t, key.Public())
	included.TlogEntries = s.included(t, d)
	for name, c := range map[string]struct {
		r    *repository
		want time.Time
	}{
		"its entry":                   {newRepository().add(simpleSigning, good, simple(signature, promise(s, e))), at},
		"another signature's":         {newRepository().add(simpleSigning, good, simple(signature, promise(s, later))), time.Time{}},
		"another log's":               {newRepository().add(simpleSigning, good, simple(signature, promise(strangers, e))), time.Time{}},
		"of an envelope":              {newRepository().add(envelope, sealed(claim, sealing), promise(s, d)), at},
		"of an envelope, before":      {newRepository().add(envelope, sealed(claim, sealing), promise(s, before)), at},
		"of the key's certificate":    {newRepository().add(envelope, sealed(claim, sealing), promise(s, ofCertificate)), at},
		"in a bundle":                 {newRepository().add(bundleV3, bundled(t, &protobundle.Bundle{Content: enveloped(claim, sealing), VerificationMaterial: included}), nil), at},
		"a timestamp of another":      {newRepository().add(simpleSigning, good, simple(signature, map[string]string{"dev.sigstore.cosign/rfc3161timestamp": s.stamp(t, good)})), time.Time{}},
		"a timestamp of a stranger's": {newRepository().add(simpleSigning, good, simple(signature, map[string]string{"dev.sigstore.cosign/rfc3161timestamp": strangers.stamp(t, signature)})), time.Time{}},
	} {
		if p := c.r.piece(t, p, time.Now()); p.State != evidence.Verified || !p.At.Equal(c.want) {
			t.Errorf("%s: at %v, want %v; %+v", name, p.At, c.want, p)
		}
	}
	stamped := newRepository().add(simpleSigning, good, simple(signature, map[string]string{"dev.sigstore.cosign/rfc3161timestamp": s.stamp(t, signature)}))
	if p := stamped.piece(t, p, time.Now()); p.State != evidence.Verified || time.Since(p.At).Abs() > time.Minute {
		t.Errorf("a timestamp: %+v", p)
	}
	old := newRepository().add(envelope, sealed(claim, sealing), map[string]string{"dev.sigstore.cosign/rfc3161timestamp": s.stamp(t, sealed(claim, sealing))})
	if p := old.piece(t, p, time.Now()); p.State != evidence.Verified || time.Since(p.At).Abs() > time.Minute {
		t.Errorf("a timestamp of a whole envelope: %+v", p)
	}
}
