package cosign_test

import (
	"crypto"
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"strings"
	"testing"
	"time"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	"github.com/sigstore/sigstore/pkg/cryptoutils"

	"github.com/havenregistry/haven/internal/trust/evidence"
	"github.com/havenregistry/haven/internal/trust/policy"
)

const (
	idp   = "https://idp.example"
	alice = "alice@example.com"
)

// knowing is a policy with one root and one signer.
func knowing(r policy.Root, identities ...policy.Identity) policy.Policy {
	if len(identities) == 0 {
		identities = []policy.Identity{{Root: "ours", Issuer: idp, Subject: alice}}
	}
	return policy.Policy{Roots: map[string]policy.Root{"ours": r}, Signers: []policy.Signer{{Name: "alice", Identities: identities}}}
}

// annotated is a signature of the artifact with a certificate.
func annotated(t testing.TB, s signer, certificate *x509.Certificate, more map[string]string) *repository {
	annotations := simple(s.sign(t, payload(artifact)), more)
	annotations["dev.sigstore.cosign/certificate"] = certificatePEM(certificate)
	return newRepository().add(simpleSigning, payload(artifact), annotations)
}

func chain(certificates ...*x509.Certificate) map[string]string {
	return map[string]string{"dev.sigstore.cosign/chain": certificatePEM(certificates...)}
}

// Whom a certificate names, and whom the policy does.
func TestIdentities(t *testing.T) {
	a, key := newAuthority(t, "ours", nil), newKey(t)
	with := func(change func(c *x509.Certificate)) *x509.Certificate {
		template := leaf(idp, alice)
		change(template)
		return a.issue(t, template, key.Public())
	}
	workflow := "https://github.com/acme/app/.github/workflows/build.yml@refs/heads/main"
	person := with(func(*x509.Certificate) {})
	for name, c := range map[string]struct {
		certificate *x509.Certificate
		identity    policy.Identity
		by          string
		want        bool
	}{
		"exactly":              {person, policy.Identity{Issuer: idp, Subject: alice}, alice + " (" + idp + ")", true},
		"another issuer":       {person, policy.Identity{Issuer: idp + "/", Subject: alice}, alice + " (" + idp + ")", false},
		"another subject":      {person, policy.Identity{Issuer: idp, Subject: "bob@example.com"}, alice + " (" + idp + ")", false},
		"no issuer wanted":     {person, policy.Identity{Subject: alice}, alice + " (" + idp + ")", false},
		"expressions":          {person, policy.Identity{IssuerRegexp: `https://idp\..*`, SubjectRegexp: `.*@example\.com`}, alice + " (" + idp + ")", true},
		"a part of the issuer": {person, policy.Identity{IssuerRegexp: `idp`, Subject: alice}, alice + " (" + idp + ")", false},
		"a part of the name":   {person, policy.Identity{Issuer: idp, SubjectRegexp: `alice`}, alice + " (" + idp + ")", false},
		"alternatives":         {person, policy.Identity{Issuer: idp, SubjectRegexp: `alice|bob@example\.com`}, alice + " (" + idp + ")", false},
		"lines": {with(func(c *x509.Certificate) { c.EmailAddresses = nil; c.URIs = uri(t, "https://x/%0A") }),
			policy.Identity{Issuer: idp, SubjectRegexp: `(?m)https://x/`}, "https://x/%0A (" + idp + ")", false},
		"a workflow": {with(func(c *x509.Certificate) { c.EmailAddresses, c.URIs = nil, uri(t, workflow) }),
			policy.Identity{Issuer: idp, SubjectRegexp: `https://github\.com/acme/.+@refs/heads/main`}, workflow + " (" + idp + ")", true},
		"a host": {with(func(c *x509.Certificate) {
			c.EmailAddresses, c.DNSNames, c.ExtraExtensions = nil, []string{"build.example.com"}, nil
		}),
			policy.Identity{Subject: "build.example.com"}, "build.example.com", true},
		"one of several names": {with(func(c *x509.Certificate) { c.DNSNames = []string{"build.example.com"} }),
			policy.Identity{Issuer: idp, Subject: alice}, "build.example.com (" + idp + ")", true},
		"issuer as Fulcio wrote it first": {with(func(c *x509.Certificate) {
			c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, 1}, Value: []byte(idp)}}
		}), policy.Identity{Issuer: idp, Subject: alice}, alice + " (" + idp + ")", true},
		"no name at all": {with(func(c *x509.Certificate) {
			c.EmailAddresses, c.ExtraExtensions, c.Subject = nil, nil, pkix.Name{CommonName: alice}
		}), policy.Identity{SubjectRegexp: `.*`}, "CN=" + alice, false},
		"another kind of name": {with(func(c *x509.Certificate) {
			name, err := cryptoutils.MarshalOtherNameSAN("ci-runner", true) // which crypto/x509 doesn't know
			c.EmailAddresses, c.ExtraExtensions = nil, append(c.ExtraExtensions, *must(t, name, err))
		}), policy.Identity{Issuer: idp, Subject: "ci-runner"}, "ci-runner (" + idp + ")", true},
	} {
		t.Run(name, func(t *testing.T) {
			c.identity.Root = "ours"
			p := annotated(t, by(key), c.certificate, nil).piece(t, knowing(policy.Root{CA: certificatePEM(a.certificate)}, c.identity), day.Add(time.Minute))
			if c.want != (p.State == evidence.Verified) || c.want != (len(p.Signers) == 1) || p.By != c.by {
				t.Errorf("got %+v", p)
			}
			if !c.want && (p.State != evidence.Unverified || p.Reason != "its certificate of the root ours is that of "+c.by+", whom no signer of the policy names") {
				t.Errorf("got %+v", p)
			}
		})
	}
}

// Times, chains and keys of a private authority, without a log.
func TestPrivateAuthority(t *testing.T) {
	top, stranger, key := newAuthority(t, "top", nil), newAuthority(t, "top", nil), newKey(t)
	middle := newAuthority(t, "middle", top)
	ended := made(t, &x509.Certificate{
		SerialNumber: big.NewInt(5), Subject: pkix.Name{CommonName: "ended"}, NotBefore: day.AddDate(0, -1, 0), NotAfter: day.Add(10 * time.Minute),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, top)
	noAuthority := &authority{top.issue(t, leaf(idp, "mallory@example.com"), key.Public()), key}
	direct, below := top.issue(t, leaf(idp, alice), key.Public()), middle.issue(t, leaf(idp, alice), key.Public())
	server := leaf(idp, alice)
	server.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	p384, long, edwards := newECDSA(t, elliptic.P384()), newRSA(t, 2048), newEd25519(t)
	of := func(k crypto.Signer) *x509.Certificate { return top.issue(t, leaf(idp, alice), k.Public()) }
	during, after := day.Add(30*time.Minute), day.Add(2*time.Hour)
	ours := policy.Root{CA: certificatePEM(top.certificate)}
	for name, c := range map[string]struct {
		r      *repository
		root   policy.Root
		now    time.Time
		state  evidence.State
		reason string
		until  time.Time
	}{
		"in time":  {annotated(t, by(key), direct, nil), ours, during, evidence.Verified, "", day.Add(time.Hour)},
		"ended":    {annotated(t, by(key), direct, nil), ours, after, evidence.Invalid, "the certificate ended at 2026-03-01T13:00:00Z; nothing proves that it was signed before", time.Time{}},
		"to begin": {annotated(t, by(key), direct, nil), ours, day.Add(-time.Hour), evidence.Invalid, "the certificate begins only at 2026-03-01T12:00:00Z", day},
		"by way of an annotation": {annotated(t, by(key), below, chain(middle.certificate, top.certificate)), ours, during, evidence.Verified, "",
			day.Add(time.Hour)},
		"by way of the policy": {annotated(t, by(key), below, nil), policy.Root{CA: certificatePEM(middle.certificate, top.certificate)}, during, evidence.Verified, "",
			day.Add(time.Hour)},
		"what is between alone":      {annotated(t, by(key), below, nil), policy.Root{CA: certificatePEM(middle.certificate)}, during, evidence.Verified, "", day.Add(time.Hour)},
		"no way":                     {annotated(t, by(key), below, nil), ours, during, evidence.Unverified, "no root of the policy has issued its certificate", time.Time{}},
		"a root that it brings":      {annotated(t, by(key), direct, chain(top.certificate)), policy.Root{CA: certificatePEM(stranger.certificate)}, during, evidence.Unverified, "no root of the policy", time.Time{}},
		"what is between ends first": {annotated(t, by(key), ended.issue(t, leaf(idp, alice), key.Public()), chain(ended.certificate)), ours, day.Add(5 * time.Minute), evidence.Verified, "", day.Add(10 * time.Minute)},
		"what is between has ended": {annotated(t, by(key), ended.issue(t, leaf(idp, alice), key.Public()), chain(ended.certificate)), ours, during, evidence.Invalid,
			"a certificate above its own doesn't count now", time.Time{}},
		"issued by no authority": {annotated(t, by(key), noAuthority.issue(t, leaf(idp, alice), key.Public()), chain(noAuthority.certificate)), ours, during, evidence.Unverified,
			"no root of the policy", time.Time{}},
		"for another use": {annotated(t, by(key), top.issue(t, server, key.Public()), nil), ours, during, evidence.Unverified, "no root of the policy", time.Time{}},
		"another key":     {annotated(t, by(newKey(t)), direct, nil), ours, during, evidence.Invalid, "its certificate's key hasn't made it", time.Time{}},
		"P-384":           {annotated(t, signer{p384, crypto.SHA384}, of(p384), nil), ours, during, evidence.Verified, "", day.Add(time.Hour)},
		"RSA":             {annotated(t, by(long), of(long), nil), ours, during, evidence.Verified, "", day.Add(time.Hour)},
		"Ed25519":         {annotated(t, signer{edwards, crypto.Hash(0)}, of(edwards), nil), ours, during, evidence.Verified, "", day.Add(time.Hour)},
		"P-224":           {annotated(t, by(newECDSA(t, elliptic.P224())), of(newECDSA(t, elliptic.P224())), nil), ours, during, evidence.Invalid, "curve P-224", time.Time{}},
		"short RSA":       {annotated(t, by(newRSA(t, 1024)), of(newRSA(t, 1024)), nil), ours, during, evidence.Invalid, "RSA key of 1024 bits", time.Time{}},
		"a long chain": {annotated(t, by(key), direct, chain(top.certificate, top.certificate, top.certificate, top.certificate, top.certificate,
			top.certificate, top.certificate, top.certificate, top.certificate, top.certificate)), ours, during, evidence.Invalid, "at most 9", time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			p := c.r.piece(t, knowing(c.root), c.now)
			if p.State != c.state || !strings.Contains(p.Reason, c.reason) || (p.Reason == "") != (c.state == evidence.Verified) {
				t.Errorf("got %+v", p)
			}
			if !p.Until.Equal(c.until) || !p.At.IsZero() || (p.State == evidence.Verified) != (len(p.Signers) == 1) {
				t.Errorf("until %v, want %v; got %+v", p.Until, c.until, p)
			}
			if !strings.HasPrefix(p.By, alice) && name != "a long chain" {
				t.Errorf("by %q", p.By)
			}
		})
	}
}

// The same certificate in the other formats.
func TestCertificateInEachFormat(t *testing.T) {
	top, key := newAuthority(t, "top", nil), newKey(t)
	middle := newAuthority(t, "middle", top)
	direct, below := top.issue(t, leaf(idp, alice), key.Public()), middle.issue(t, leaf(idp, alice), key.Public())
	claim := statement(artifact, "https://example.com/test/v1", `{"passed":true}`)
	sealing := by(key).sign(t, pae(claim))
	for name, r := range map[string]*repository{
		"envelope": newRepository().add(envelope, sealed(claim, sealing), map[string]string{"dev.sigstore.cosign/certificate": certificatePEM(direct)}),
		"envelope with a chain": newRepository().add(envelope, sealed(claim, sealing), map[string]string{
			"dev.sigstore.cosign/certificate": certificatePEM(below), "dev.sigstore.cosign/chain": certificatePEM(middle.certificate)}),
		"bundle": newRepository().add(bundleV3, bundled(t, &protobundle.Bundle{Content: enveloped(claim, sealing), VerificationMaterial: certified(direct)}), nil),
		"bundle with a chain": newRepository().add(bundleV3, bundled(t, &protobundle.Bundle{Content: enveloped(claim, sealing),
			VerificationMaterial: certified(below, middle.certificate)}), nil),
	} {
		ours := knowing(policy.Root{CA: certificatePEM(top.certificate)})
		p := r.piece(t, ours, day.Add(time.Minute))
		if p.State != evidence.Verified || string(p.Predicate) != `{"passed":true}` || !strings.HasPrefix(p.By, alice) || !p.Until.Equal(day.Add(time.Hour)) {
			t.Errorf("%s: %+v", name, p)
		}
		if p := r.piece(t, ours, day.Add(2*time.Hour)); p.State != evidence.Invalid || p.Predicate != nil || p.PredicateType == "" {
			t.Errorf("%s, ended: %+v", name, p)
		}
		both := ours
		both.Signers = append(both.Signers, policy.Signer{Name: "key", Keys: []string{publicPEM(t, key.Public())}})
		if p := r.piece(t, both, day.Add(time.Minute)); strings.Join(p.Signers, " ") != "alice key" || p.Until.IsZero() {
			t.Errorf("%s, by key too: %+v", name, p)
		}
		if p := r.piece(t, both, day.Add(2*time.Hour)); p.State != evidence.Verified || strings.Join(p.Signers, " ") != "key" || !p.Until.IsZero() {
			t.Errorf("%s, by key alone: %+v", name, p)
		}
	}
}

// What logs and timestamps prove, and what happens where they are demanded.
func TestProvenTime(t *testing.T) {
	s, strangers, a, key := newSigstore(t), newSigstore(t), newAuthority(t, "ours", nil), newKey(t)
	recent := leaf(idp, alice)
	recent.NotBefore, recent.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	certificate := a.issue(t, recent, key.Public())
	again := a.issue(t, recent, key.Public()) // the same holder and key, another certificate
	old := a.issue(t, leaf(idp, alice), key.Public())
	good := payload(artifact)
	signature := by(key).sign(t, good)
	now := time.Now().Truncate(time.Second).UTC()
	first := entry{"hashedrekord", good, signature, certificatePEM(certificate), now}
	change := func(f func(e *entry)) entry {
		e := first
		f(&e)
		return e
	}
	repeated := change(func(e *entry) { e.signature = by(key).sign(t, good) })
	otherContent := change(func(e *entry) { e.content = []byte("x"); e.signature = by(key).sign(t, e.content) })
	signed := func(c *x509.Certificate, more map[string]string) *repository {
		annotations := simple(signature, more)
		annotations["dev.sigstore.cosign/certificate"] = certificatePEM(c)
		return newRepository().add(simpleSigning, good, annotations)
	}
	logs := func(s sigstore, e entry) map[string]string {
		return map[string]string{"dev.sigstore.cosign/bundle": s.promise(t, e)}
	}
	stamps := func(s sigstore, of []byte) map[string]string {
		return map[string]string{"dev.sigstore.cosign/rfc3161timestamp": s.stamp(t, of)}
	}
	promised := s.promise(t, first)
	forged := map[string]string{"dev.sigstore.cosign/bundle": strings.Replace(promised, `"integratedTime":`, `"integratedTime":1`, 1)}
	withLog := policy.Root{CA: certificatePEM(a.certificate), Log: s.log(t)}
	withTSA := policy.Root{CA: certificatePEM(a.certificate), TSA: s.tsa()}
	withBoth := policy.Root{CA: certificatePEM(a.certificate), TSA: s.tsa(), Log: s.log(t)}
	much := now.AddDate(1, 0, 0)
	for name, c := range map[string]struct {
		r      *repository
		root   policy.Root
		state  evidence.State
		reason string
	}{
		"logged":                  {signed(certificate, logs(s, first)), withLog, evidence.Verified, ""},
		"not logged":              {signed(certificate, nil), withLog, evidence.Unverified, "it has no entry of a log that the root ours trusts"},
		"logged elsewhere":        {signed(certificate, logs(strangers, first)), withLog, evidence.Unverified, "it has no entry of a log that the root ours trusts"},
		"forged":                  {signed(certificate, forged), withLog, evidence.Invalid, "the log's entry isn't one of this signature"},
		"another signature's":     {signed(certificate, logs(s, repeated)), withLog, evidence.Invalid, "the log's entry isn't one of this signature"},
		"another content's":       {signed(certificate, logs(s, otherContent)), withLog, evidence.Invalid, "the log's entry isn't one of this signature"},
		"another certificate's":   {signed(certificate, logs(s, change(func(e *entry) { e.maker = certificatePEM(again) }))), withLog, evidence.Invalid, "the log's entry isn't one of this signature"},
		"a key's":                 {signed(certificate, logs(s, change(func(e *entry) { e.maker = publicPEM(t, key.Public()) }))), withLog, evidence.Invalid, "the log's entry isn't one of this signature"},
		"logged later":            {signed(certificate, logs(s, change(func(e *entry) { e.at = now.Add(2 * time.Hour) }))), withLog, evidence.Invalid, "it was made at "},
		"logged before":           {signed(certificate, logs(s, change(func(e *entry) { e.at = now.Add(-2 * time.Hour) }))), withLog, evidence.Invalid, "it was made at "},
		"stamped":                 {signed(certificate, stamps(s, signature)), withTSA, evidence.Verified, ""},
		"not stamped":             {signed(certificate, nil), withTSA, evidence.Invalid, "nothing proves that it was signed before"},
		"stamp of something else": {signed(certificate, stamps(s, good)), withTSA, evidence.Invalid, "nothing proves that it was signed before"},
		"a stranger's stamp":      {signed(certificate, stamps(strangers, signature)), withTSA, evidence.Invalid, "nothing proves that it was signed before"},
		"stamped later":           {signed(old, stamps(s, signature)), withTSA, evidence.Invalid, "it was made at "},
		"stamped, log demanded":   {signed(certificate, stamps(s, signature)), withBoth, evidence.Unverified, "it has no entry of a log"},
		"entry of another kind":   {signed(certificate, logs(s, change(func(e *entry) { e.kind = "dsse" }))), withLog, evidence.Invalid, "the log's entry isn't one of this signature"},
	} {
		t.Run(name, func(t *testing.T) {
			p := c.r.piece(t, knowing(c.root), much)
			if p.State != c.state || !strings.Contains(p.Reason, c.reason) || (p.Reason == "") != (c.state == evidence.Verified) {
				t.Errorf("got %+v", p)
			}
			if p.State == evidence.Verified && (!p.Until.IsZero() || p.At.Sub(now).Abs() > time.Minute) {
				t.Errorf("got %+v", p)
			}
		})
	}

	claim := statement(artifact, "https://example.com/test/v1", `{}`)
	sealing := by(key).sign(t, pae(claim))
	seen := entry{"dsse", claim, sealing, certificatePEM(certificate), now}
	bundle := func(entries entry) *repository {
		material := certified(certificate)
		material.TlogEntries = s.included(t, entries)
		return newRepository().add(bundleV3, bundled(t, &protobundle.Bundle{Content: enveloped(claim, sealing), VerificationMaterial: material}), nil)
	}
	if p := bundle(seen).piece(t, knowing(withLog), much); p.State != evidence.Verified || !p.At.Equal(now) {
		t.Errorf("a bundle: %+v", p)
	}
	seen.signature = by(key).sign(t, pae(claim))
	if p := bundle(seen).piece(t, knowing(withLog), much); p.State != evidence.Invalid {
		t.Errorf("a bundle with the entry of another signature: %+v", p)
	}
	stamped := certified(certificate)
	token, err := s.TimestampResponse(sealing)
	stamped.TimestampVerificationData = &protobundle.TimestampVerificationData{Rfc3161Timestamps: []*protocommon.RFC3161SignedTimestamp{{SignedTimestamp: must(t, token, err)}}}
	r := newRepository().add(bundleV3, bundled(t, &protobundle.Bundle{Content: enveloped(claim, sealing), VerificationMaterial: stamped}), nil)
	if p := r.piece(t, knowing(withTSA), much); p.State != evidence.Verified || p.At.Sub(now).Abs() > time.Minute {
		t.Errorf("a stamped bundle: %+v", p)
	}
}
