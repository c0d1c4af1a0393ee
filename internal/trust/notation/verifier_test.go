package notation_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/notaryproject/notation-core-go/signature"
	"github.com/notaryproject/notation-core-go/signature/jws"

	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/trust/evidence"
	"github.com/havenregistry/haven/internal/trust/notation"
	"github.com/havenregistry/haven/internal/trust/policy"
)

type verdict struct {
	state   evidence.State
	reason  string // is in it
	signers []string
	until   time.Time
}

func (w verdict) check(t *testing.T, got evidence.Piece) {
	t.Helper()
	if got.State != w.state || !strings.Contains(got.Reason, w.reason) || (w.reason == "") != (got.Reason == "") || !slices.Equal(got.Signers, w.signers) {
		t.Errorf("got %s by %v (%s), want %s by %v (%s)", got.State, got.Signers, got.Reason, w.state, w.signers, w.reason)
	}
	if !got.Until.Equal(w.until) {
		t.Errorf("until %v, want %v", got.Until, w.until)
	}
}

// Each verdict, in both forms of envelope.
func TestPieces(t *testing.T) {
	root := issue(t, nil, "root", authority)
	between := issue(t, root, "between", authority)
	leaf := issue(t, between, "build", nil)
	short := issue(t, between, "short", func(c *x509.Certificate) { c.NotBefore, c.NotAfter = today.Add(-2*day), today.Add(-day) })
	early := issue(t, between, "early", func(c *x509.Certificate) { c.NotBefore, c.NotAfter = today.Add(day), today.Add(2*day) })
	alone := issue(t, nil, "alone", nil)
	stranger := issue(t, issue(t, nil, "root", authority), "build", nil)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	rsaLeaf := issueTo(t, root, rsaKey, rsaKey.Public(), "rsa", nil)

	target, other := artifact("image"), artifact("other")
	sized, typed := target, target
	sized.Size++
	typed.MediaType = "application/vnd.oci.image.index.v1+json"
	named := func(names ...string) policy.Signer {
		return trusting(root, func(n *policy.Notation) { n.Identities = names })
	}
	second := trusting(between, nil)
	second.Name = "ops"
	expiry := func(at time.Time) func(*signature.SignRequest) {
		return func(r *signature.SignRequest) { r.Expiry = at }
	}
	attribute := func(key string, critical bool) func(*signature.SignRequest) {
		return func(r *signature.SignRequest) {
			r.ExtendedSignedAttributes = []signature.Attribute{{Key: key, Critical: critical, Value: "x"}}
		}
	}
	ci, end := []string{"ci"}, leaf.cert.NotAfter
	for name, test := range map[string]struct {
		by      *holder
		about   oci.Descriptor
		change  func(*signature.SignRequest)
		signers []policy.Signer
		want    verdict
	}{
		"by the root":                     {leaf, target, nil, []policy.Signer{trusting(root, nil)}, verdict{evidence.Verified, "", ci, end}},
		"by the authority between":        {leaf, target, nil, []policy.Signer{trusting(between, nil)}, verdict{evidence.Verified, "", ci, end}},
		"by both":                         {leaf, target, nil, []policy.Signer{trusting(root, nil), second}, verdict{evidence.Verified, "", []string{"ci", "ops"}, end}},
		"by one of two":                   {leaf, target, nil, []policy.Signer{trusting(stranger.issuer, nil), second}, verdict{evidence.Verified, "", []string{"ops"}, end}},
		"self-signed":                     {alone, target, nil, []policy.Signer{trusting(alone, nil)}, verdict{evidence.Verified, "", ci, end}},
		"RSA":                             {rsaLeaf, target, nil, []policy.Signer{trusting(root, nil)}, verdict{evidence.Verified, "", ci, end}},
		"a name":                          {leaf, target, nil, []policy.Signer{named("C=US, ST=WA, O=acme, CN=build")}, verdict{evidence.Verified, "", ci, end}},
		"a part of a name":                {leaf, target, nil, []policy.Signer{named("C=DE,ST=BE,O=x", "x509.subject: C=US,S=WA,O=acme")}, verdict{evidence.Verified, "", ci, end}},
		"another name":                    {leaf, target, nil, []policy.Signer{named("C=US,ST=WA,O=acme,CN=ops")}, verdict{evidence.Unverified, "it is by CN=build,O=acme,ST=WA,C=US, which an authority of \"ci\" knows", nil, time.Time{}}},
		"a stranger":                      {stranger, target, nil, []policy.Signer{trusting(root, nil)}, verdict{evidence.Unverified, "by nobody whose certificate", nil, time.Time{}}},
		"nobody is trusted":               {leaf, target, nil, nil, verdict{evidence.Unverified, "by nobody whose certificate", nil, time.Time{}}},
		"another name, then a stranger":   {leaf, target, nil, []policy.Signer{named("C=US,ST=WA,O=b"), trusting(stranger.issuer, nil)}, verdict{evidence.Unverified, "which an authority of", nil, time.Time{}}},
		"replayed":                        {leaf, other, nil, []policy.Signer{trusting(root, nil)}, verdict{evidence.Invalid, "it is about " + other.Digest.String() + ", not about this artifact", nil, time.Time{}}},
		"replayed by a stranger":          {stranger, other, nil, []policy.Signer{trusting(root, nil)}, verdict{evidence.Invalid, "it is about", nil, time.Time{}}},
		"another size":                    {leaf, sized, nil, []policy.Signer{trusting(root, nil)}, verdict{evidence.Invalid, "it is about 6 bytes", nil, time.Time{}}},
		"another type":                    {leaf, typed, nil, []policy.Signer{trusting(root, nil)}, verdict{evidence.Invalid, "image.index.v1+json, and this artifact", nil, time.Time{}}},
		"it will expire":                  {leaf, target, expiry(today.Add(hour)), []policy.Signer{trusting(root, nil)}, verdict{evidence.Verified, "", ci, today.Add(hour)}},
		"it has expired":                  {leaf, target, expiry(today), []policy.Signer{trusting(root, nil)}, verdict{evidence.Invalid, "it expired at", nil, time.Time{}}},
		"its certificate has expired":     {short, target, nil, []policy.Signer{trusting(root, nil)}, verdict{evidence.Invalid, "its certificate CN=short,O=acme,ST=WA,C=US expired at", nil, time.Time{}}},
		"its certificate isn't valid yet": {early, target, nil, []policy.Signer{trusting(root, nil)}, verdict{evidence.Invalid, "is valid from", nil, early.cert.NotBefore}},
		"expired, and of another name":    {short, target, nil, []policy.Signer{named("C=US,ST=WA,O=b"), second}, verdict{evidence.Invalid, "expired at", nil, time.Time{}}},
		"a plugin":                        {leaf, target, attribute("io.cncf.notary.verificationPlugin", true), []policy.Signer{trusting(root, nil)}, verdict{evidence.Invalid, "needs a plugin, which Haven does not run", nil, time.Time{}}},
		"a plugin, not critical":          {leaf, target, attribute("io.cncf.notary.verificationPlugin", false), []policy.Signer{trusting(root, nil)}, verdict{evidence.Invalid, "needs a plugin", nil, time.Time{}}},
		"an unknown critical attribute":   {leaf, target, attribute("com.example.x", true), []policy.Signer{trusting(root, nil)}, verdict{evidence.Invalid, "aren't: com.example.x", nil, time.Time{}}},
		"an unknown attribute":            {leaf, target, attribute("com.example.x", false), []policy.Signer{trusting(root, nil)}, verdict{evidence.Verified, "", ci, end}},
		"a signing authority":             {leaf, target, func(r *signature.SignRequest) { r.SigningScheme = signature.SigningSchemeX509SigningAuthority }, []policy.Signer{trusting(root, nil)}, verdict{evidence.Unverified, "signingAuthority, of which a policy can't", nil, time.Time{}}},
		"something else is signed":        {leaf, target, func(r *signature.SignRequest) { r.Payload.ContentType = "text/plain" }, []policy.Signer{trusting(root, nil)}, verdict{evidence.Invalid, "signs something of type text/plain", nil, time.Time{}}},
		"nothing is signed":               {leaf, target, func(r *signature.SignRequest) { r.Payload.Content = []byte(`{"a":1}`) }, []policy.Signer{trusting(root, nil)}, verdict{evidence.Invalid, "what it signs can't be read", nil, time.Time{}}},
	} {
		for form, mediaType := range envelopes {
			t.Run(name+" "+form, func(t *testing.T) {
				raw := sign(t, mediaType, test.by, test.about, test.change)
				got := judge(t, verifier(t, test.signers...), mediaType, raw, target, today)
				test.want.check(t, got)
				if got.By != test.by.cert.Subject.String() || !got.At.IsZero() {
					t.Errorf("by %s at %v", got.By, got.At)
				}
			})
		}
	}
}

// The verdict is that of the time that is asked about, not of the machine's clock, and Until says when it changes.
func TestVerdictChangesAtUntil(t *testing.T) {
	root := issue(t, nil, "root", authority)
	leaf := issue(t, root, "build", nil)
	for form, mediaType := range envelopes {
		t.Run(form, func(t *testing.T) {
			v := verifier(t, trusting(root, nil))
			raw := sign(t, mediaType, leaf, artifact("image"), func(r *signature.SignRequest) { r.Expiry = today.Add(10 * day) })
			got := judge(t, v, mediaType, raw, artifact("image"), today)
			if got.State != evidence.Verified || !got.Until.Equal(today.Add(10*day)) {
				t.Fatalf("got %+v", got)
			}
			if last := judge(t, v, mediaType, raw, artifact("image"), got.Until.Add(-1)); last.State != evidence.Verified {
				t.Errorf("just before: %s", last.Reason)
			}
			if after := judge(t, v, mediaType, raw, artifact("image"), got.Until); after.State != evidence.Invalid {
				t.Errorf("at the end: %+v", after)
			}
			raw = sign(t, mediaType, leaf, artifact("image"), nil)
			if after := judge(t, v, mediaType, raw, artifact("image"), leaf.cert.NotAfter); after.State != evidence.Invalid {
				t.Errorf("at the certificate's end: %+v", after)
			}
			if before := judge(t, v, mediaType, raw, artifact("image"), leaf.cert.NotBefore.Add(-1)); before.State != evidence.Invalid || !before.Until.Equal(leaf.cert.NotBefore) {
				t.Errorf("before the certificate: %+v", before)
			}
		})
	}
}

func TestChangedEnvelopes(t *testing.T) {
	root := issue(t, nil, "root", authority)
	leaf, impostor := issue(t, root, "build", nil), issue(t, issue(t, nil, "root", authority), "build", nil)
	v := verifier(t, trusting(root, nil))
	target, other := artifact("image"), artifact("other")
	field := func(raw []byte, change func(map[string]any)) []byte {
		var e map[string]any
		if err := json.Unmarshal(raw, &e); err != nil {
			t.Fatal(err)
		}
		change(e)
		changed, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		return changed
	}
	good := sign(t, jws.MediaTypeEnvelope, leaf, target, nil)
	foreign := sign(t, jws.MediaTypeEnvelope, leaf, other, nil)
	byImpostor := sign(t, jws.MediaTypeEnvelope, impostor, target, nil)
	var parts map[string]any
	if err := json.Unmarshal(foreign, &parts); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		raw  []byte
		want string
	}{
		"another payload":   {field(foreign, func(e map[string]any) { e["payload"] = mustJSON(t, good)["payload"] }), "it was changed after it was signed"},
		"another signature": {field(good, func(e map[string]any) { e["signature"] = parts["signature"] }), "it was changed after it was signed"},
		"another header":    {field(good, func(e map[string]any) { e["protected"] = parts["payload"] }), "it"},
		"the chain of the one who is trusted": {field(byImpostor, func(e map[string]any) {
			e["header"].(map[string]any)["x5c"] = mustJSON(t, good)["header"].(map[string]any)["x5c"]
		}), "it was changed after it was signed"},
		"the root of the one who is trusted": {field(byImpostor, func(e map[string]any) {
			chain := e["header"].(map[string]any)["x5c"].([]any)
			chain[1] = mustJSON(t, good)["header"].(map[string]any)["x5c"].([]any)[1]
		}), "isn't a signature as Notation makes it"},
		"no chain":     {field(good, func(e map[string]any) { delete(e["header"].(map[string]any), "x5c") }), "it has no certificates"},
		"a leaf alone": {field(good, func(e map[string]any) { h := e["header"].(map[string]any); h["x5c"] = h["x5c"].([]any)[:1] }), "isn't a signature as Notation makes it"},
		"no signature": {field(good, func(e map[string]any) { e["signature"] = "" }), "it was changed"},
		"none algorithm": {field(good, func(e map[string]any) {
			e["protected"] = base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`))
			e["signature"] = ""
		}), "it was changed"},
		"HMAC": {field(good, func(e map[string]any) {
			e["protected"] = base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256"}`))
		}), "it was changed"},
		"not JSON":        {[]byte("{"), "it can't be read"},
		"JSON of nothing": {[]byte("{}"), "it has no certificates"},
		"null":            {[]byte("null"), "it has no certificates"},
		"empty":           {nil, "it can't be read"},
		"COSE as JWS":     {sign(t, envelopes["COSE"], leaf, target, nil), "it can't be read"},
	} {
		t.Run(name, func(t *testing.T) {
			got := judge(t, v, jws.MediaTypeEnvelope, test.raw, target, today)
			if got.State != evidence.Invalid || !strings.Contains(got.Reason, test.want) {
				t.Errorf("got %s (%s), want %s", got.State, got.Reason, test.want)
			}
		})
	}
	raw := sign(t, envelopes["COSE"], leaf, other, nil)
	changed := bytes.ReplaceAll(raw, []byte(other.Digest), []byte(target.Digest))
	if got := judge(t, v, envelopes["COSE"], changed, target, today); bytes.Equal(raw, changed) || got.State != evidence.Invalid || !strings.Contains(got.Reason, "it was changed") {
		t.Errorf("changed COSE: %s (%s)", got.State, got.Reason)
	}
	if got := judge(t, v, envelopes["COSE"], good, target, today); got.State != evidence.Invalid {
		t.Errorf("JWS as COSE: %s", got.State)
	}
}

func mustJSON(t *testing.T, raw []byte) map[string]any {
	t.Helper()
	var e map[string]any
	if err := json.Unmarshal(raw, &e); err != nil {
		t.Fatal(err)
	}
	return e
}

// However many bytes of an envelope are changed: it is never taken for more than it was.
func TestEachChangedByteIsJudged(t *testing.T) {
	root := issue(t, nil, "root", authority)
	leaf := issue(t, root, "build", nil)
	v := verifier(t, trusting(root, nil))
	target, other := artifact("image"), artifact("other")
	for form, mediaType := range envelopes {
		t.Run(form, func(t *testing.T) {
			raw := sign(t, mediaType, leaf, other, nil)
			for i := 0; i < len(raw); i += 3 {
				changed := bytes.Clone(raw)
				changed[i] ^= 1 << (i % 8)
				if got := judge(t, v, mediaType, changed, target, today); got.State == evidence.Verified {
					t.Fatalf("byte %d changed: verified", i)
				}
			}
		})
	}
}

func TestManifests(t *testing.T) {
	root := issue(t, nil, "root", authority)
	v := verifier(t, trusting(root, nil))
	layer := oci.Descriptor{MediaType: jws.MediaTypeEnvelope, Digest: oci.SHA256Of(nil), Size: 4 << 20}
	large, foreign := layer, layer
	large.Size++
	foreign.MediaType = "application/x\x1b[31m"
	read := func(context.Context, oci.Descriptor) ([]byte, error) {
		return make([]byte, 4<<20+1), nil
	}
	for name, test := range map[string]struct {
		layers []oci.Descriptor
		want   string
	}{
		"none":                     {nil, "exactly one layer, this has 0"},
		"two":                      {[]oci.Descriptor{layer, layer}, "exactly one layer, this has 2"},
		"ten thousand":             {slices.Repeat([]oci.Descriptor{layer}, 10_000), "exactly one layer, this has 10000"},
		"too large":                {[]oci.Descriptor{large}, "is larger than 4194304"},
		"of another type":          {[]oci.Descriptor{foreign}, "of type application/x\ufffd[31m"},
		"larger than it was named": {[]oci.Descriptor{layer}, "of 4194305 bytes is larger"},
	} {
		t.Run(name, func(t *testing.T) {
			pieces, err := v.Pieces(t.Context(), artifact("image"), &oci.Manifest{Layers: test.layers}, read, today)
			if err != nil || len(pieces) != 1 || pieces[0].State != evidence.Invalid || !strings.Contains(pieces[0].Reason, test.want) {
				t.Errorf("got %+v, %v; want %s", pieces, err, test.want)
			}
		})
	}
	failing := func(context.Context, oci.Descriptor) ([]byte, error) { return nil, io.ErrUnexpectedEOF }
	if pieces, err := v.Pieces(t.Context(), artifact("image"), &oci.Manifest{Layers: []oci.Descriptor{layer}}, failing, today); !errors.Is(err, io.ErrUnexpectedEOF) || pieces != nil {
		t.Errorf("a store that fails: %v, %v", pieces, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	raw := sign(t, jws.MediaTypeEnvelope, issue(t, root, "build", nil), artifact("image"), nil)
	leaving := func(context.Context, oci.Descriptor) ([]byte, error) { cancel(); return raw, nil }
	if pieces, err := v.Pieces(ctx, artifact("image"), manifestOf(jws.MediaTypeEnvelope, raw), leaving, today); !errors.Is(err, context.Canceled) || pieces != nil {
		t.Errorf("nobody waits any more: %v, %v", pieces, err)
	}
}

func TestReads(t *testing.T) {
	for name, test := range map[string]struct {
		m    oci.Manifest
		want bool
	}{
		"config":        {oci.Manifest{Config: &oci.Descriptor{MediaType: notation.ArtifactType}}, true},
		"artifact type": {oci.Manifest{ArtifactType: notation.ArtifactType, Config: &oci.Descriptor{MediaType: "application/vnd.oci.empty.v1+json"}}, true},
		"an image":      {oci.Manifest{Config: &oci.Descriptor{MediaType: "application/vnd.oci.image.config.v1+json"}}, false},
		"an index":      {oci.Manifest{}, false},
	} {
		if got := notation.Reads(&test.m); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	root := issue(t, nil, "root", authority)
	leaf := issue(t, root, "build", nil)
	crl := list(t, root, today, today.Add(day), nil)
	for name, test := range map[string]struct {
		change func(*policy.Notation)
		want   string
	}{
		"no certificate": {func(n *policy.Notation) { n.Certificates = "" }, "signers[1].notation.certificates: want at least one"},
		"no PEM":         {func(n *policy.Notation) { n.Certificates = "x" }, "notation.certificates: isn't PEM"},
		"damaged PEM":    {func(n *policy.Notation) { n.Certificates += strings.Replace(root.pem(), "MII", "M!I", 1) }, "notation.certificates: isn't PEM, or a block of it is damaged"},
		"a list":         {func(n *policy.Notation) { n.Certificates = crl }, "notation.certificates: block 1 is a X509 CRL"},
		"no certificate's DER": {func(n *policy.Notation) {
			n.Certificates = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
		}, "notation.certificates: certificate 1 can't be read"},
		"a leaf":                {func(n *policy.Notation) { n.Certificates += leaf.pem() }, "notation.certificates: number 2 is neither"},
		"a huge key":            {func(n *policy.Notation) { n.Certificates = hugeKey(t, root).pem() }, "has 16384 bits"},
		"a leaf for stamps":     {func(n *policy.Notation) { n.TSA = leaf.pem() }, "notation.tsa: certificate 1 isn't a root"},
		"no PEM for stamps":     {func(n *policy.Notation) { n.TSA = "x" }, "notation.tsa: isn't PEM"},
		"no list":               {func(n *policy.Notation) { n.CRLs = root.pem() }, "notation.crls: block 1 is a CERTIFICATE"},
		"no list's DER":         {func(n *policy.Notation) { n.CRLs = "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n" }, "notation.crls: list 1 can't be read"},
		"revocation":            {func(n *policy.Notation) { n.Revocation = "sometimes" }, "notation.revocation: want"},
		"no name":               {func(n *policy.Notation) { n.Identities = nil }, "notation.identities:"},
		"an empty name":         {func(n *policy.Notation) { n.Identities = []string{""} }, "notation.identities[0]: want a distinguished name"},
		"half a name":           {func(n *policy.Notation) { n.Identities = []string{"C=US,ST=WA,O=a", "C=US,O=b"} }, "notation.identities[1]: want a distinguished name"},
		"no distinguished name": {func(n *policy.Notation) { n.Identities = []string{"dev@example.com"} }, "notation.identities[0]: want a distinguished name"},
		"one within another":    {func(n *policy.Notation) { n.Identities = []string{"C=US,ST=WA,O=a", "C=US,ST=WA,O=a,CN=b"} }, "notation.identities:"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := notation.New(policy.Policy{Signers: []policy.Signer{{Name: "ops", Keys: []string{"k"}}, trusting(root, test.change)}})
			if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}
