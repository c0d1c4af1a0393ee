package cosign_test

import (
	"context"
	"encoding/base64"
	"testing"
	"time"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"

	"github.com/havenregistry/haven/internal/trust/cosign"
	"github.com/havenregistry/haven/internal/trust/evidence"
	"github.com/havenregistry/haven/internal/trust/policy"
)

// Whatever bytes come, nothing falls over or takes long, and nothing is verified that nobody has signed. The seeds are right in all but
// their makers, whom the policy doesn't know.
func FuzzPieces(f *testing.F) {
	s, a, key := newSigstore(f), newAuthority(f, "strangers", nil), newKey(f)
	certificate := a.issue(f, leaf(idp, alice), key.Public())
	good, claim := payload(artifact), statement(artifact, "https://example.com/test/v1", `{"a":[1]}`)
	signature, sealing := by(key).sign(f, good), by(key).sign(f, pae(claim))
	e := entry{"hashedrekord", good, signature, certificatePEM(certificate), day}
	d := entry{"dsse", claim, sealing, certificatePEM(certificate), day}
	material := certified(certificate)
	material.TlogEntries = s.included(f, d)
	bundle := bundled(f, &protobundle.Bundle{Content: enveloped(claim, sealing), VerificationMaterial: material})
	f.Add(byte(0), good, base64.StdEncoding.EncodeToString(signature), certificatePEM(certificate), certificatePEM(a.certificate), s.promise(f, e), s.stamp(f, signature))
	f.Add(byte(1), sealed(claim, sealing), "", certificatePEM(certificate), "", s.promise(f, d), s.stamp(f, sealing))
	f.Add(byte(2), bundle, "", "", "", "", "")
	f.Add(byte(2), []byte(`{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"tlogEntries":[{}]}}`), "", "", "", "", "")
	f.Add(byte(0), good, "AAAA", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----", "-----BEGIN", `{"Payload":{"body":"e30=","logID":"00"}}`, `{"SignedRFC3161Timestamp":"MAA="}`)

	trusted := newAuthority(f, "ours", nil)
	p := knowing(policy.Root{CA: certificatePEM(trusted.certificate), Log: s.log(f), TSA: s.tsa()}, policy.Identity{Root: "ours", IssuerRegexp: ".*", SubjectRegexp: ".*"})
	p.Signers = append(p.Signers, trusting(f, newKey(f).Public(), newEd25519(f).Public()).Signers...)
	// The authority of the seeds, without anybody of its: so that what comes after the chain is reached too.
	p.Roots["theirs"] = policy.Root{CA: certificatePEM(a.certificate), Log: s.log(f), TSA: s.tsa(), CTLog: publicPEM(f, newKey(f).Public())}
	p.Signers = append(p.Signers, policy.Signer{Name: "unlogged", Identities: []policy.Identity{{Root: "theirs", IssuerRegexp: ".*", SubjectRegexp: ".*"}}})
	v, err := cosign.New(p)
	if err != nil {
		f.Fatal(err)
	}
	types := []string{simpleSigning, envelope, bundleV3}
	f.Fuzz(func(t *testing.T, kind byte, content []byte, signature, certificate, chain, entry, stamp string) {
		r := newRepository().add(types[int(kind)%len(types)], content, map[string]string{
			"dev.cosignproject.cosign/signature": signature, "dev.sigstore.cosign/certificate": certificate, "dev.sigstore.cosign/chain": chain,
			"dev.sigstore.cosign/bundle": entry, "dev.sigstore.cosign/rfc3161timestamp": stamp,
		})
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		pieces, err := v.Pieces(ctx, artifact, &r.manifest, r.read, day.Add(time.Minute))
		if err != nil || len(pieces) != 1 {
			t.Fatalf("%d pieces, %v", len(pieces), err)
		}
		if p := pieces[0]; p.State == evidence.Verified || p.Reason == "" || p.Signers != nil || p.Predicate != nil {
			t.Errorf("got %+v", p)
		}
	})
}

// Documents of policies come from people: they are refused or taken, whatever they are.
func FuzzNew(f *testing.F) {
	s, key := newSigstore(f), newKey(f)
	f.Add(publicPEM(f, key.Public()), certificatePEM(newAuthority(f, "ours", nil).certificate), s.log(f), s.tsa(), []byte(nil), `.*@example\.com`)
	f.Add(publicPEM(f, newEd25519(f).Public()), "", "", "", s.trustedRoot(f), `(a|b)+`)
	f.Add("-----BEGIN PUBLIC KEY-----", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", "x", "x", []byte(`{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1","certificateAuthorities":[{}]}`), "(")
	f.Fuzz(func(t *testing.T, key, ca, log, tsa string, trusted []byte, expression string) {
		p := knowing(policy.Root{CA: ca, Log: log, TSA: tsa, CTLog: log, TrustedRoot: trusted}, policy.Identity{Root: "ours", SubjectRegexp: expression})
		p.Signers[0].Keys = []string{key}
		if v, err := cosign.New(p); (v == nil) != (err != nil) {
			t.Errorf("got %v, %v", v, err)
		}
		_, _ = cosign.New(policy.Policy{Roots: map[string]policy.Root{"ours": {TrustedRoot: trusted}}, Signers: []policy.Signer{{Keys: []string{key}}}})
	})
}
