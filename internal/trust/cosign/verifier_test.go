package cosign_test

import (
	"context"
	"crypto/elliptic"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/trust/cosign"
	"github.com/havenregistry/haven/internal/trust/evidence"
	"github.com/havenregistry/haven/internal/trust/policy"
)

// What a document can have wrong, and that the message leads to it.
func TestNewRefuses(t *testing.T) {
	authority := newAuthority(t, "ours", nil)
	ca, key := certificatePEM(authority.certificate), publicPEM(t, newKey(t).Public())
	person := certificatePEM(authority.issue(t, leaf(idp, alice), newKey(t).Public()))
	withKey := func(text string) policy.Policy {
		return policy.Policy{Signers: []policy.Signer{{Name: "a", Keys: []string{key}}, {Name: "b", Keys: []string{key, text}}}}
	}
	withRoot := func(r policy.Root) policy.Policy { return policy.Policy{Roots: map[string]policy.Root{"ours": r}} }
	for want, p := range map[string]policy.Policy{
		"signers[1].keys[1] holds no PUBLIC KEY in PEM":                                        withKey("ssh-ed25519 AAAA"),
		"signers[1].keys[1] holds 2 blocks in PEM; at most 1 are taken":                        withKey(key + key),
		"signers[1].keys[1] holds a CERTIFICATE in PEM where a PUBLIC KEY is wanted":           withKey(person),
		"signers[1].keys[1] holds a block that isn't right PEM":                                withKey(strings.Replace(key, "M", "%", 1)),
		"signers[1].keys[1] isn't a public key that can be read":                               withKey("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"),
		"signers[1].keys[1] is longer than 262144 bytes":                                       withKey(strings.Repeat("-----BEGIN PUBLIC KEY-----\n", 10_000)),
		"signers[1].keys[1] is an RSA key of 1024 bits; 2048 to 8192 are taken":                withKey(publicPEM(t, newRSA(t, 1024).Public())),
		"signers[1].keys[1] is an ECDSA key on the curve P-224; P-256, P-384 and P-521 are":    withKey(publicPEM(t, newECDSA(t, elliptic.P224()).Public())),
		"roots.ours.ca: holds no CERTIFICATE in PEM":                                           withRoot(policy.Root{}),
		"roots.ours.ca: certificate 2 isn't an authority's":                                    withRoot(policy.Root{CA: ca + person}),
		"roots.ours.ca: certificate 1 can't be read":                                           withRoot(policy.Root{CA: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}),
		"roots.ours.log: holds a CERTIFICATE in PEM where a PUBLIC KEY is wanted":              withRoot(policy.Root{CA: ca, Log: ca}),
		"roots.ours.ct_log: key 1 is an RSA key of 1024 bits":                                  withRoot(policy.Root{CA: ca, CTLog: publicPEM(t, newRSA(t, 1024).Public())}),
		"roots.ours.tsa: holds no CERTIFICATE in PEM":                                          withRoot(policy.Root{CA: ca, TSA: "x"}),
		"roots.ours: has trusted_root and parts; want one or the other":                        withRoot(policy.Root{CA: ca, TrustedRoot: json.RawMessage(`{}`)}),
		"roots.ours.trusted_root: isn't one that can be read":                                  withRoot(policy.Root{TrustedRoot: json.RawMessage(`[]`)}),
		"roots.ours.trusted_root: names no certificate authority":                              withRoot(policy.Root{TrustedRoot: json.RawMessage(`{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}`)}),
		"roots.ours.trusted_root: is larger than 1048576 bytes":                                withRoot(policy.Root{TrustedRoot: json.RawMessage(strings.Repeat(" ", 1<<20+1))}),
		`signers[0].identities[0].root is "theirs", and the document has no such root`:         knowing(policy.Root{CA: ca}, policy.Identity{Root: "theirs", Subject: alice}),
		"signers[0].identities[0].subject is missing":                                          knowing(policy.Root{CA: ca}, policy.Identity{Root: "ours", Issuer: idp}),
		"signers[0].identities[0].subject is given as text and as regular expression":          knowing(policy.Root{CA: ca}, policy.Identity{Root: "ours", Subject: "a", SubjectRegexp: "a"}),
		"signers[0].identities[0].issuer isn't a regular expression (RE2)":                     knowing(policy.Root{CA: ca}, policy.Identity{Root: "ours", IssuerRegexp: "a)|(b", Subject: alice}),
		"signers[0].identities[0].subject is longer than 1000 bytes":                           knowing(policy.Root{CA: ca}, policy.Identity{Root: "ours", SubjectRegexp: strings.Repeat("a", 1001)}),
		"signers[0].identities[0].subject isn't a regular expression (RE2): error parsing reg": knowing(policy.Root{CA: ca}, policy.Identity{Root: "ours", SubjectRegexp: "((a{100}){100}){100}"}),
	} {
		_, err := cosign.New(p)
		if f, is := errors.AsType[*fault.Error](err); !is || f.Kind != fault.Invalid || !strings.HasPrefix(f.Message, want) {
			t.Errorf("got %v\nwant %s", err, want)
		}
	}
}

func TestReads(t *testing.T) {
	layers := func(mediaTypes ...string) *oci.Manifest {
		m := &oci.Manifest{MediaType: oci.MediaTypeImageManifest, Config: &oci.Descriptor{MediaType: oci.MediaTypeImageConfig}}
		for _, mediaType := range mediaTypes {
			m.Layers = append(m.Layers, oci.Descriptor{MediaType: mediaType})
		}
		return m
	}
	for name, c := range map[string]struct {
		m    *oci.Manifest
		want bool
	}{
		"simple signing":  {layers(simpleSigning), true},
		"envelopes":       {layers(envelope, envelope), true},
		"bundle":          {layers(bundleV3), true},
		"old bundle":      {layers("application/vnd.dev.sigstore.bundle+json;version=0.2"), true},
		"by artifact":     {&oci.Manifest{MediaType: oci.MediaTypeImageManifest, ArtifactType: bundleV3}, true},
		"by config":       {&oci.Manifest{MediaType: oci.MediaTypeImageManifest, Config: &oci.Descriptor{MediaType: "application/vnd.dev.cosign.artifact.sig.v1+json"}}, true},
		"image":           {layers("application/vnd.oci.image.layer.v1.tar+gzip"), false},
		"nothing":         {layers(), false},
		"in-toto, plain":  {layers("application/vnd.in-toto+json"), false},
		"index":           {&oci.Manifest{MediaType: oci.MediaTypeImageIndex, ArtifactType: bundleV3}, false},
		"Notation's":      {layers("application/jose+json"), false},
		"among others":    {layers("application/octet-stream", simpleSigning), true},
		"something alike": {layers(simpleSigning + "x"), false},
	} {
		if cosign.Reads(c.m) != c.want {
			t.Errorf("%s: %v", name, !c.want)
		}
	}
}

func TestManySignatures(t *testing.T) {
	key := newKey(t)
	signature := simple(by(key).sign(t, payload(artifact)), nil)
	r := newRepository()
	for range 1000 {
		r.add(simpleSigning, payload(artifact), signature)
	}
	if pieces := r.pieces(t, trusting(t, key.Public()), day); len(pieces) != 1000 || pieces[999].State != evidence.Verified {
		t.Fatalf("%d pieces", len(pieces))
	}
	for range 9000 {
		r.add(simpleSigning, payload(artifact), signature)
	}
	begun := time.Now()
	pieces := r.pieces(t, trusting(t, key.Public()), day)
	if len(pieces) != 1001 || pieces[1000].State != evidence.Invalid || pieces[1000].Reason != "the manifest has more than 1000 signatures; the rest isn't looked at" {
		t.Fatalf("%d pieces, the last is %+v", len(pieces), pieces[len(pieces)-1])
	}
	if took := time.Since(begun); took > 30*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestBounds(t *testing.T) {
	key := newKey(t)
	v, err := cosign.New(trusting(t, key.Public()))
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	reads := func(_ context.Context, d oci.Descriptor) ([]byte, error) {
		read++
		return make([]byte, d.Size), nil
	}
	zeros := func(size int64) oci.Descriptor {
		return oci.Descriptor{MediaType: envelope, Size: size, Digest: oci.SHA256Of(make([]byte, size))}
	}
	m := &oci.Manifest{MediaType: oci.MediaTypeImageManifest, Layers: []oci.Descriptor{
		{MediaType: "application/octet-stream", Size: 1 << 40}, {MediaType: envelope, Size: 4<<20 + 1},
	}}
	for range 40 {
		m.Layers = append(m.Layers, zeros(4<<20))
	}
	pieces, err := v.Pieces(t.Context(), artifact, m, reads, day)
	if err != nil || read != 32 || len(pieces) != 34 {
		t.Fatalf("%d read, %d pieces, %v", read, len(pieces), err)
	}
	for i, want := range map[int]string{0: "it is larger than 4194304 bytes, and isn't read", 1: "the envelope isn't a JSON object", 33: "the manifest's signatures are larger than 134217728 bytes; the rest isn't looked at"} {
		if pieces[i].State != evidence.Invalid || pieces[i].Reason != want {
			t.Errorf("piece %d is %+v", i, pieces[i])
		}
	}
}

// Bytes that aren't those of the descriptor are nobody's, and what can't be read is an error.
func TestBlobs(t *testing.T) {
	key := newKey(t)
	signature := simple(by(key).sign(t, payload(artifact)), nil)
	r := newRepository().add(simpleSigning, payload(artifact), signature)
	d := r.manifest.Layers[0].Digest
	r.blobs[d] = append(payload(artifact), ' ')
	if p := r.piece(t, trusting(t, key.Public()), day); p.State != evidence.Invalid || p.Reason != "what is stored hasn't the digest "+d.String() {
		t.Errorf("got %+v", p)
	}
	r.blobs[d] = []byte(strings.Replace(string(payload(artifact)), "app", "apq", 1))
	if p := r.piece(t, trusting(t, key.Public()), day); p.State != evidence.Invalid {
		t.Errorf("got %+v", p)
	}
	delete(r.blobs, d)
	v, err := cosign.New(trusting(t, key.Public()))
	if err != nil {
		t.Fatal(err)
	}
	if pieces, err := v.Pieces(t.Context(), artifact, &r.manifest, r.read, day); pieces != nil || err == nil || !strings.Contains(err.Error(), d.String()) {
		t.Errorf("got %+v, %v", pieces, err)
	}
	r.blobs[d] = payload(artifact)
	cut, cancel := context.WithCancel(t.Context())
	cancel()
	if pieces, err := v.Pieces(cut, artifact, &r.manifest, r.read, day); pieces != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("got %+v, %v", pieces, err)
	}
}

// A subject may go by SHA-512.
func TestLongDigests(t *testing.T) {
	key := newKey(t)
	long, err := oci.FromBytes(oci.SHA512, []byte("artifact"))
	if err != nil {
		t.Fatal(err)
	}
	claim := fmt.Appendf(nil, `{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"%s","sha512":"%s"}}],"predicateType":"https://sigstore.dev/cosign/sign/v1","predicate":{}}`,
		another.Digest.Hex(), long.Hex())
	r := newRepository().add(envelope, sealed(claim, by(key).sign(t, pae(claim))), nil)
	v, err := cosign.New(trusting(t, key.Public()))
	if err != nil {
		t.Fatal(err)
	}
	pieces, err := v.Pieces(t.Context(), oci.Descriptor{Digest: long}, &r.manifest, r.read, day)
	if err != nil || len(pieces) != 1 || pieces[0].State != evidence.Verified || pieces[0].PredicateType != "" {
		t.Errorf("got %+v, %v", pieces, err)
	}
}

// A stranger's words reach people's terminals and pages without doing anything there, and shortened.
func TestWordsOfStrangers(t *testing.T) {
	odd := []byte(strings.Replace(string(payload(artifact)), artifact.Digest.String(), `\u001b[31m`+strings.Repeat("x", 5000), 1))
	p := newRepository().add(simpleSigning, odd, simple([]byte("x"), nil)).piece(t, policy.Policy{}, day)
	if p.State != evidence.Invalid || !strings.Contains(p.Reason, "?[31mxxx") || len(p.Reason) > 300 {
		t.Errorf("got %+v", p)
	}
}
