package cosign_test

import (
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/digitorus/pkcs7"
	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"

	"github.com/havenregistry/haven/internal/trust/evidence"
	"github.com/havenregistry/haven/internal/trust/policy"
)

// immense is an RSA key that takes long to check a signature by.
func immense(bits uint) *rsa.PublicKey {
	n := new(big.Int).Lsh(big.NewInt(1), bits-1)
	return &rsa.PublicKey{N: n.Add(n, big.NewInt(1)), E: 1<<31 - 1}
}

// A log's entry that a stranger has put beside a right signature proves nothing, whatever is in it; and its keys aren't tried.
func TestHostileEntries(t *testing.T) {
	s, a, key := newSigstore(t), newAuthority(t, "ours", nil), newKey(t)
	certificate := a.issue(t, leaf(idp, alice), key.Public())
	signature := by(key).sign(t, payload(artifact))
	right := entry{"hashedrekord", payload(artifact), signature, certificatePEM(certificate), day.Add(time.Minute)}
	body := string(right.body())
	sealedBody := string(entry{"dsse", payload(artifact), signature, certificatePEM(certificate), day}.body())
	older := string(entry{"intoto", payload(artifact), signature, certificatePEM(certificate), day}.body())
	huge := right
	huge.maker = publicPEM(t, immense(200_000))
	other := right
	other.signature = by(key).sign(t, payload(artifact))
	chained := right
	chained.maker += certificatePEM(a.certificate)
	ours := knowing(policy.Root{CA: certificatePEM(a.certificate), Log: s.log(t)})
	judge := func(body string) evidence.Piece {
		return newRepository().add(simpleSigning, payload(artifact), simple(signature, map[string]string{
			"dev.sigstore.cosign/certificate": certificatePEM(certificate), "dev.sigstore.cosign/bundle": s.promiseOf(t, []byte(body), day.Add(time.Minute)),
		})).piece(t, ours, day)
	}
	if p := judge(body); p.State != evidence.Verified {
		t.Fatalf("got %+v", p)
	}
	for name, body := range map[string]string{
		"another signature":    string(other.body()),
		"another kind":         strings.Replace(body, "hashedrekord", "rekord", 1),
		"another version":      strings.Replace(body, "0.0.1", "0.0.9", 1),
		"the next version":     strings.Replace(body, "0.0.1", "0.0.2", 1),
		"another field":        strings.Replace(body, `"kind"`, `"Kind":"dsse","kind"`, 1),
		"another field within": strings.Replace(sealedBody, `"envelopeHash"`, `"proposedContent":{},"envelopeHash"`, 1),
		"a payload":            strings.Replace(older, `"payloadType"`, `"Payload":"e30=","payloadType"`, 1),
		"two signatures":       strings.Replace(sealedBody, `"signatures":[`, `"signatures":[{},`, 1),
		"no list":              strings.Replace(sealedBody, `"signatures":[`, `"signatures":7,"x":[`, 1),
		"no base64":            strings.Replace(body, `"content":"`, `"content":"%`, 1),
		"a field twice":        strings.Replace(body, `"kind"`, `"kind":"dsse","kind"`, 1),
		"an immense key":       string(huge.body()),
		"a chain":              string(chained.body()),
		"much":                 strings.Replace(body, `"kind"`, `"x":"`+strings.Repeat("x", 70_000)+`","kind"`, 1),
		"nothing":              `{}`,
		"nulls":                `{"apiVersion":"0.0.1","kind":"hashedrekord","spec":{"data":null,"signature":null}}`,
	} {
		begun := time.Now()
		if p := judge(body); p.State != evidence.Invalid || !strings.Contains(p.Reason, "entry") {
			t.Errorf("%s: %+v", name, p)
		}
		if took := time.Since(begun); took > 30*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
	}
}

// Nor are the keys of timestamps and certificates that would take long.
func TestImmenseKeys(t *testing.T) {
	s, a, key := newSigstore(t), newAuthority(t, "ours", nil), newKey(t)
	certificate := a.issue(t, leaf(idp, alice), immense(100_000))
	if p := annotated(t, by(key), certificate, nil).piece(t, policy.Policy{}, day); p.State != evidence.Invalid || !strings.Contains(p.Reason, "RSA key of 100000 bits") {
		t.Errorf("got %+v", p)
	}
	token, err := pkcs7.NewSignedData([]byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	token.AddCertificate(certificate)
	der, err := token.Finish()
	response, err2 := asn1.Marshal(struct {
		Status struct{ Status int }
		Token  asn1.RawValue
	}{Token: asn1.RawValue{FullBytes: must(t, der, err)}})
	stamp := `{"SignedRFC3161Timestamp":"` + base64Of(must(t, response, err2)) + `"}`
	p := trusting(t, key.Public())
	p.Roots = map[string]policy.Root{"ours": {CA: certificatePEM(a.certificate), TSA: s.tsa()}}
	r := newRepository().add(simpleSigning, payload(artifact), simple(by(key).sign(t, payload(artifact)), map[string]string{"dev.sigstore.cosign/rfc3161timestamp": stamp}))
	if p := r.piece(t, p, day); p.State != evidence.Verified || !p.At.IsZero() {
		t.Errorf("got %+v", p)
	}
}

// Strangers can make chains that lead round and round: a few dozen signatures are checked, and not each by each. The right one is found all the same.
func TestTangledChains(t *testing.T) {
	same := func(above *authority) *authority {
		template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "same"}, NotBefore: day.AddDate(-1, 0, 0), NotAfter: day.AddDate(9, 0, 0),
			IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, SubjectKeyId: []byte{1}}
		return made(t, template, above)
	}
	ours, last, key := same(nil), same(nil), newKey(t)
	var between []*x509.Certificate
	for range 8 {
		last = same(last)
		between = append(between, last.certificate)
	}
	trusted := knowing(policy.Root{CA: certificatePEM(ours.certificate)})
	p := annotated(t, by(key), last.issue(t, leaf(idp, alice), key.Public()), chain(between...)).piece(t, trusted, day)
	if p.State != evidence.Unverified || p.Reason != "no root of the policy has issued its certificate" {
		t.Errorf("got %+v", p)
	}
	below := same(ours)
	r := annotated(t, by(key), below.issue(t, leaf(idp, alice), key.Public()), chain(append(between, below.certificate)...))
	if p := r.piece(t, trusted, day); p.State != evidence.Verified {
		t.Errorf("got %+v", p)
	}
}

// What a bundle says of logs has a form and a bound.
func TestBundleEntries(t *testing.T) {
	key := newKey(t)
	claim := statement(artifact, "https://example.com/test/v1", `{}`)
	judge := func(mediaType string, entries ...*protorekor.TransparencyLogEntry) evidence.Piece {
		material := hinted(t, key.Public())
		material.TlogEntries = entries
		return newRepository().add(bundleV3, bundled(t, &protobundle.Bundle{MediaType: mediaType, Content: enveloped(claim, by(key).sign(t, pae(claim))), VerificationMaterial: material}), nil).
			piece(t, trusting(t, key.Public()), day)
	}
	promised := &protorekor.TransparencyLogEntry{InclusionPromise: &protorekor.InclusionPromise{}}
	if p := judge(bundleV3, promised); p.State != evidence.Invalid || !strings.Contains(p.Reason, "that nothing shows to be in it") {
		t.Errorf("got %+v", p)
	}
	if p := judge("application/vnd.dev.sigstore.bundle+json;version=0.1", promised); p.State != evidence.Verified {
		t.Errorf("got %+v", p)
	}
	if p := judge(bundleV3, make([]*protorekor.TransparencyLogEntry, 9)...); p.State != evidence.Invalid || !strings.Contains(p.Reason, "at most 8 are read") {
		t.Errorf("got %+v", p)
	}
}
