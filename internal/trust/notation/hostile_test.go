package notation_test

import (
	"bytes"
	"context"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/notaryproject/notation-core-go/signature/jws"
	gocose "github.com/veraison/go-cose"

	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/trust/evidence"
	"github.com/havenregistry/haven/internal/trust/notation"
	"github.com/havenregistry/haven/internal/trust/policy"
)

// hugeKey is an authority whose key would take long to verify anything with.
func hugeKey(t testing.TB, issuer *holder) *holder {
	t.Helper()
	n := new(big.Int).Lsh(big.NewInt(1), 16383)
	n.SetBit(n, 0, 1)
	return issueTo(t, issuer, issuer.key, &rsa.PublicKey{N: n, E: 65537}, "huge", authority)
}

// What would take the library long, or much memory, is refused before it begins.
func TestHostileEnvelopes(t *testing.T) {
	root := issue(t, nil, "root", authority)
	leaf := issue(t, root, "build", nil)
	long := root
	for i := range 10 {
		long = issue(t, long, fmt.Sprintf("between %d", i), authority)
	}
	longLeaf := issue(t, long, "build", nil)
	huge := hugeKey(t, root)
	loud := issue(t, root, strings.Repeat("\x1b[31m\u202e", 200), nil)
	v := verifier(t, trusting(root, nil))
	target := artifact("image")

	asJWS := func(chain any, stamp string) []byte {
		raw, err := json.Marshal(map[string]any{"payload": "e30", "protected": "e30", "signature": "AAAA",
			"header": map[string]any{"x5c": chain, "io.cncf.notary.timestampSignature": stamp}})
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	asCOSE := func(chain any, stamp []byte) []byte {
		m := gocose.NewSign1Message()
		m.Headers.Protected.SetAlgorithm(gocose.AlgorithmES256)
		m.Headers.Unprotected[gocose.HeaderLabelX5Chain] = chain
		m.Headers.Unprotected["io.cncf.notary.timestampSignature"] = stamp
		m.Payload, m.Signature = []byte("{}"), []byte("AAAA")
		raw, err := m.MarshalCBOR()
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	der := func(h *holder) []byte { return h.cert.Raw }
	stamp := make([]byte, 129<<10)
	for name, test := range map[string]struct {
		mediaType string
		raw       []byte
		want      string
	}{
		"a long chain, JWS":         {jws.MediaTypeEnvelope, sign(t, jws.MediaTypeEnvelope, longLeaf, target, nil), "it has 12 certificates, more than 10"},
		"a long chain, COSE":        {envelopes["COSE"], sign(t, envelopes["COSE"], longLeaf, target, nil), "it has 12 certificates, more than 10"},
		"a million certificates":    {jws.MediaTypeEnvelope, asJWS(make([]string, 1_000_000), ""), "it has 1000000 certificates"},
		"many certificates, COSE":   {envelopes["COSE"], asCOSE(manyBytes(100_000), nil), "it has 100000 certificates"},
		"a huge key, JWS":           {jws.MediaTypeEnvelope, asJWS([][]byte{der(huge), der(root)}, ""), "has 16384 bits, more than 8192"},
		"a huge key, COSE":          {envelopes["COSE"], asCOSE([]any{der(huge), der(root)}, nil), "has 16384 bits, more than 8192"},
		"a large certificate":       {jws.MediaTypeEnvelope, asJWS([][]byte{make([]byte, 65<<10)}, ""), "a certificate of 66560 bytes"},
		"no certificate":            {jws.MediaTypeEnvelope, asJWS([][]byte{[]byte("x")}, ""), "a certificate can't be read"},
		"chain of texts, COSE":      {envelopes["COSE"], asCOSE([]any{"x"}, nil), "can't be read"},
		"a large stamp, JWS":        {jws.MediaTypeEnvelope, asJWS([][]byte{der(leaf)}, base64.StdEncoding.EncodeToString(stamp)), "its time stamp of 132096 bytes"},
		"a large stamp, COSE":       {envelopes["COSE"], asCOSE([]any{der(leaf)}, stamp), "its time stamp of 132096 bytes"},
		"deep JSON":                 {jws.MediaTypeEnvelope, []byte(strings.Repeat(`{"header":`, 400_000)), "it can't be read"},
		"deep CBOR":                 {envelopes["COSE"], bytes.Repeat([]byte{0x81}, 4<<20), "it can't be read"},
		"a length that isn't there": {envelopes["COSE"], []byte{0xd2, 0x84, 0x5b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, "it can't be read"},
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			got := judge(t, v, test.mediaType, test.raw, target, today)
			if got.State != evidence.Invalid || !strings.Contains(got.Reason, test.want) {
				t.Errorf("got %s (%s), want %s", got.State, got.Reason, test.want)
			}
			if took := time.Since(start); took > 30*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
	got := judge(t, v, jws.MediaTypeEnvelope, sign(t, jws.MediaTypeEnvelope, loud, target, nil), target, today)
	if got.State != evidence.Verified || strings.ContainsAny(got.By, "\x1b\u202e") || utf8.RuneCountInString(got.By) > 301 {
		t.Errorf("got %s by %q", got.State, got.By)
	}
}

func manyBytes(n int) []any {
	list := make([]any, n)
	for i := range list {
		list[i] = []byte{}
	}
	return list
}

// Whatever a stranger writes: no panic, one piece, and never Verified for an artifact that nobody signed.
func FuzzPieces(f *testing.F) {
	root := issue(f, nil, "root", authority)
	leaf := issue(f, root, "build", nil)
	tsaRoot := issue(f, nil, "TSA root", authority)
	tsa := stamper{issue(f, tsaRoot, "TSA", stamping), today}
	for form, mediaType := range envelopes {
		f.Add(form == "COSE", sign(f, mediaType, leaf, artifact("image"), nil))
		f.Add(form == "COSE", sign(f, mediaType, leaf, artifact("image"), stamped(tsa)))
	}
	f.Add(false, []byte(`{"payload":"e30","protected":"e30","header":{"x5c":["AAAA"]},"signature":""}`))
	f.Add(true, []byte{0xd2, 0x84, 0x40, 0xa0, 0x40, 0x40})
	v := verifier(f, trusting(root, func(n *policy.Notation) { n.TSA = tsaRoot.pem() }))
	f.Fuzz(func(t *testing.T, binary bool, raw []byte) {
		mediaType := jws.MediaTypeEnvelope
		if binary {
			mediaType = envelopes["COSE"]
		}
		for _, target := range []oci.Descriptor{artifact("nobody signed this"), artifact("image")} {
			start := time.Now()
			got := judge(t, v, mediaType, raw, target, today)
			if got.State == evidence.Verified && target.Digest != artifact("image").Digest {
				t.Fatalf("verified: %+v", got)
			}
			if !utf8.ValidString(got.Reason) || !utf8.ValidString(got.By) || len(got.Reason) > 4096 {
				t.Fatalf("not for people: %q by %q", got.Reason, got.By)
			}
			if took := time.Since(start); took > 5*time.Second {
				t.Fatalf("took %v", took)
			}
		}
	})
}

// What is in a policy is somebody's text too.
func FuzzNew(f *testing.F) {
	root := issue(f, nil, "root", authority)
	crl := list(f, root, today, today.Add(day), nil, root)
	f.Add(root.pem(), root.pem(), crl, "C=US, ST=WA, O=acme")
	f.Add("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----", "", "-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----", "*")
	f.Add("", "x", "y", "x509.subject:#")
	raw := sign(f, jws.MediaTypeEnvelope, issue(f, root, "build", nil), artifact("image"), nil)
	f.Fuzz(func(t *testing.T, certificates, tsa, crls, identity string) {
		v, err := notation.New(policy.Policy{Signers: []policy.Signer{{Name: "a", Notation: &policy.Notation{
			Certificates: certificates, TSA: tsa, CRLs: crls, Identities: []string{identity}}}}})
		if err != nil {
			if !errors.Is(err, fault.Invalid) {
				t.Fatal(err)
			}
			return
		}
		read := func(context.Context, oci.Descriptor) ([]byte, error) { return raw, nil }
		if _, err := v.Pieces(t.Context(), artifact("image"), manifestOf(jws.MediaTypeEnvelope, raw), read, today); err != nil {
			t.Fatal(err)
		}
	})
}
