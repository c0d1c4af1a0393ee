package cosign_test

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"time"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	"github.com/sigstore/sigstore-go/pkg/root"

	"github.com/havenregistry/haven/internal/trust/evidence"
	"github.com/havenregistry/haven/internal/trust/policy"
)

// trustedRoot is trusted_root.json of a Sigstore.
func (s sigstore) trustedRoot(t testing.TB) []byte {
	logs := s.RekorLogs()
	for id, log := range logs {
		raw, err := hex.DecodeString(id)
		log.ID, log.ValidityPeriodStart = must(t, raw, err), time.Now().Add(-time.Hour)
	}
	trusted, err := root.NewTrustedRoot(root.TrustedRootMediaType01, s.FulcioCertificateAuthorities(), nil, s.TimestampingAuthorities(), logs)
	document, err2 := must(t, trusted, err).MarshalJSON()
	return must(t, document, err2)
}

// A whole Sigstore: short-lived certificates, logs of both generations, timestamps.
func TestTrustedRoot(t *testing.T) {
	s, strangers := newSigstore(t), newSigstore(t)
	certificate, private, err := s.GenerateLeafCert(alice, idp)
	key := must(t, private, err).(crypto.Signer)
	at := time.Now().Add(5 * time.Minute).Truncate(time.Second)
	signature := by(key).sign(t, payload(artifact))
	logged := map[string]string{
		"dev.sigstore.cosign/certificate": certificatePEM(certificate),
		"dev.sigstore.cosign/bundle":      s.promise(t, entry{"hashedrekord", payload(artifact), signature, certificatePEM(certificate), at}),
	}
	much := time.Now().AddDate(1, 0, 0)
	ours := knowing(policy.Root{TrustedRoot: s.trustedRoot(t)})
	r := newRepository().add(simpleSigning, payload(artifact), simple(signature, logged))
	if p := r.piece(t, ours, much); p.State != evidence.Verified || !p.At.Equal(at) || p.By != alice+" ("+idp+")" || !p.Until.IsZero() {
		t.Errorf("got %+v", p)
	}
	if p := r.piece(t, knowing(policy.Root{TrustedRoot: strangers.trustedRoot(t)}), much); p.State != evidence.Unverified || p.Reason != "no root of the policy has issued its certificate" {
		t.Errorf("by another root: %+v", p)
	}

	claim := statement(artifact, "https://example.com/test/v1", `{"n":1}`)
	attested, err := s.AttestHashedRekordV2(alice, idp, claim)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := attested.SignatureContent()
	holder, err2 := attested.VerificationContent()
	entries, err3 := attested.TlogEntries()
	stamps, err4 := attested.Timestamps()
	material := certified(must(t, holder, err2).Certificate())
	material.TlogEntries = []*protorekor.TransparencyLogEntry{must(t, entries, err3)[0].TransparencyLogEntry()}
	content := enveloped(claim, must(t, signed, err).Signature())
	sealing := func() *repository {
		return newRepository().add(bundleV3, bundled(t, &protobundle.Bundle{Content: content, VerificationMaterial: material}), nil)
	}
	if p := sealing().piece(t, ours, much); p.State != evidence.Invalid || !strings.Contains(p.Reason, "nothing proves that it was signed before") {
		t.Errorf("the second generation, which tells no time: %+v", p)
	}
	material.TimestampVerificationData = &protobundle.TimestampVerificationData{Rfc3161Timestamps: []*protocommon.RFC3161SignedTimestamp{{SignedTimestamp: must(t, stamps, err4)[0]}}}
	if p := sealing().piece(t, ours, much); p.State != evidence.Verified || string(p.Predicate) != `{"n":1}` || p.At.IsZero() {
		t.Errorf("the second generation: %+v", p)
	}
	other, err := s.AttestHashedRekordV2(alice, idp, claim)
	foreign, err2 := must(t, other, err).TlogEntries()
	material.TlogEntries[0] = must(t, foreign, err2)[0].TransparencyLogEntry()
	if p := sealing().piece(t, ours, much); p.State != evidence.Invalid || !strings.Contains(p.Reason, "the log's entry isn't one of this signature") {
		t.Errorf("the second generation, with the entry of another signature: %+v", p)
	}
}

// What a bundle of time-stamping authorities may consist of. Timestamps of this one don't bring its certificate.
func TestStampers(t *testing.T) {
	s, key, other := newSigstore(t), newKey(t), newAuthority(t, "other", nil)
	a := s.TimestampingAuthorities()[0].(*root.SigstoreTimestampingAuthority)
	signature := by(key).sign(t, payload(artifact))
	r := newRepository().add(simpleSigning, payload(artifact), simple(signature, map[string]string{"dev.sigstore.cosign/rfc3161timestamp": s.stamp(t, signature)}))
	for name, c := range map[string]struct {
		bundle string
		want   bool
	}{
		"all":                     {certificatePEM(a.Leaf, a.Intermediates[0], a.Root), true},
		"in another order":        {certificatePEM(a.Root, a.Leaf, a.Intermediates[0]), true},
		"the signer's alone":      {certificatePEM(a.Leaf), true},
		"without the root":        {certificatePEM(a.Leaf, a.Intermediates[0]), true},
		"without the signer's":    {certificatePEM(a.Intermediates[0], a.Root), false},
		"another authority":       {certificatePEM(other.certificate), false},
		"the signer's of another": {certificatePEM(a.Leaf, other.certificate), false},
	} {
		p := trusting(t, key.Public())
		p.Roots = map[string]policy.Root{"ours": {CA: certificatePEM(other.certificate), TSA: c.bundle}}
		if p := r.piece(t, p, time.Now()); p.State != evidence.Verified || p.At.IsZero() == c.want {
			t.Errorf("%s: %+v", name, p)
		}
	}
}

// Each of several roots may name somebody.
func TestSeveralRoots(t *testing.T) {
	a, b, key := newAuthority(t, "a", nil), newAuthority(t, "b", nil), newKey(t)
	r := annotated(t, by(key), b.issue(t, leaf(idp, alice), key.Public()), nil)
	p := policy.Policy{
		Roots: map[string]policy.Root{"a": {CA: certificatePEM(a.certificate)}, "b": {CA: certificatePEM(b.certificate)}, "both": {CA: certificatePEM(a.certificate, b.certificate)}},
		Signers: []policy.Signer{
			{Name: "by a", Identities: []policy.Identity{{Root: "a", Issuer: idp, Subject: alice}}},
			{Name: "by both", Identities: []policy.Identity{{Root: "both", Issuer: idp, Subject: alice}}},
			{Name: "by b", Identities: []policy.Identity{{Root: "b", Issuer: idp, Subject: alice}}},
		},
	}
	if got := r.piece(t, p, day.Add(time.Minute)); strings.Join(got.Signers, ", ") != "by both, by b" {
		t.Errorf("got %+v", got)
	}
	p.Signers = p.Signers[:1]
	if got := r.piece(t, p, day.Add(time.Minute)); got.State != evidence.Unverified || !strings.Contains(got.Reason, "whom no signer of the policy names") {
		t.Errorf("got %+v", got)
	}
}

// A certificate log's timestamp is demanded where the root names such logs.
func TestCertificateLogs(t *testing.T) {
	a, key, log, foreign := newAuthority(t, "ours", nil), newKey(t), newKey(t), newKey(t)
	plain := a.issue(t, leaf(idp, alice), key.Public())
	ours := policy.Root{CA: certificatePEM(a.certificate), CTLog: publicPEM(t, log.Public())}
	elsewhere := leaf(idp, "bob@example.com")
	for name, c := range map[string]struct {
		certificate *x509.Certificate
		want        evidence.State
	}{
		"logged":                {a.issue(t, logged(t, log, a, plain, leaf(idp, alice)), key.Public()), evidence.Verified},
		"not logged":            {plain, evidence.Unverified},
		"logged elsewhere":      {a.issue(t, logged(t, foreign, a, plain, leaf(idp, alice)), key.Public()), evidence.Unverified},
		"another's certificate": {a.issue(t, logged(t, log, a, a.issue(t, elsewhere, key.Public()), leaf(idp, alice)), key.Public()), evidence.Unverified},
	} {
		p := annotated(t, by(key), c.certificate, nil).piece(t, knowing(ours), day.Add(time.Minute))
		if p.State != c.want || c.want == evidence.Unverified && !strings.Contains(p.Reason, "its certificate has no timestamp of a certificate log") {
			t.Errorf("%s: %+v", name, p)
		}
	}
}

// logged gives a template the timestamp of a certificate log for a certificate without one (RFC 6962, 3.2 and 3.3).
func logged(t testing.TB, log crypto.Signer, a *authority, of, template *x509.Certificate) *x509.Certificate {
	der, err := x509.MarshalPKIXPublicKey(log.Public())
	id := sha256.Sum256(must(t, der, err))
	issuer := sha256.Sum256(a.certificate.RawSubjectPublicKeyInfo)
	at := binary.BigEndian.AppendUint64(nil, uint64(day.UnixMilli()))
	tbs := of.RawTBSCertificate
	signed := slices.Concat([]byte{0, 0}, at, []byte{0, 1}, issuer[:], []byte{byte(len(tbs) >> 16), byte(len(tbs) >> 8), byte(len(tbs))}, tbs, []byte{0, 0})
	signature := by(log).sign(t, signed)
	stamp := slices.Concat([]byte{0}, id[:], at, []byte{0, 0, 4, 3}, binary.BigEndian.AppendUint16(nil, uint16(len(signature))), signature)
	list := slices.Concat(binary.BigEndian.AppendUint16(nil, uint16(len(stamp)+2)), binary.BigEndian.AppendUint16(nil, uint16(len(stamp))), stamp)
	value, err := asn1.Marshal(list)
	template.ExtraExtensions = append(template.ExtraExtensions, pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 2}, Value: must(t, value, err)})
	return template
}
