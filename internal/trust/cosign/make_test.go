package cosign_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/url"
	"testing"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protodsse "github.com/sigstore/protobuf-specs/gen/pb-go/dsse"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/testing/ca"
	"github.com/sigstore/sigstore-go/pkg/tlog"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/trust/cosign"
	"github.com/havenregistry/haven/internal/trust/evidence"
	"github.com/havenregistry/haven/internal/trust/policy"
)

// The artifact that signatures are of, and another one.
var (
	artifact = oci.Descriptor{MediaType: oci.MediaTypeImageManifest, Digest: oci.SHA256Of([]byte("artifact")), Size: 8}
	another  = oci.Descriptor{MediaType: oci.MediaTypeImageManifest, Digest: oci.SHA256Of([]byte("another")), Size: 7}
)

const (
	simpleSigning = "application/vnd.dev.cosign.simplesigning.v1+json"
	envelope      = "application/vnd.dsse.envelope.v1+json"
	bundleV3      = "application/vnd.dev.sigstore.bundle.v0.3+json"
	statementType = "application/vnd.in-toto+json"
)

// repository is the blobs of one, and a manifest that is being made.
type repository struct {
	blobs    map[oci.Digest][]byte
	manifest oci.Manifest
}

func newRepository() *repository {
	return &repository{blobs: make(map[oci.Digest][]byte), manifest: oci.Manifest{MediaType: oci.MediaTypeImageManifest, Config: &oci.Descriptor{MediaType: oci.MediaTypeImageConfig}}}
}

func (r *repository) read(_ context.Context, d oci.Descriptor) ([]byte, error) {
	content, there := r.blobs[d.Digest]
	if !there {
		return nil, fmt.Errorf("no blob %s", d.Digest)
	}
	return content, nil
}

func (r *repository) add(mediaType string, content []byte, annotations map[string]string) *repository {
	d := oci.Descriptor{MediaType: mediaType, Digest: oci.SHA256Of(content), Size: int64(len(content)), Annotations: annotations}
	r.blobs[d.Digest] = content
	r.manifest.Layers = append(r.manifest.Layers, d)
	return r
}

func (r *repository) pieces(t testing.TB, p policy.Policy, now time.Time) []evidence.Piece {
	t.Helper()
	v, err := cosign.New(p)
	if err != nil {
		t.Fatal(err)
	}
	if !cosign.Reads(&r.manifest) {
		t.Error("the manifest isn't one of Cosign's")
	}
	pieces, err := v.Pieces(t.Context(), artifact, &r.manifest, r.read, now)
	if err != nil {
		t.Fatal(err)
	}
	return pieces
}

// piece is for manifests with one layer.
func (r *repository) piece(t testing.TB, p policy.Policy, now time.Time) evidence.Piece {
	t.Helper()
	pieces := r.pieces(t, p, now)
	if len(pieces) != 1 {
		t.Fatalf("%d pieces, want 1: %+v", len(pieces), pieces)
	}
	return pieces[0]
}

// Keys of each kind that Cosign signs with.

func newKey(t testing.TB) crypto.Signer { return newECDSA(t, elliptic.P256()) }

func newECDSA(t testing.TB, curve elliptic.Curve) crypto.Signer {
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	return must(t, key, err)
}

func newRSA(t testing.TB, bits int) crypto.Signer {
	key, err := rsa.GenerateKey(rand.Reader, bits)
	return must(t, key, err)
}

func newEd25519(t testing.TB) crypto.Signer {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	return must(t, key, err)
}

func must[T any](t testing.TB, value T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func publicPEM(t testing.TB, key crypto.PublicKey) string {
	der, err := x509.MarshalPKIXPublicKey(key)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: must(t, der, err)}))
}

func certificatePEM(certificates ...*x509.Certificate) string {
	var text []byte
	for _, c := range certificates {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return string(text)
}

func keyName(t testing.TB, key crypto.PublicKey) string {
	der, err := x509.MarshalPKIXPublicKey(key)
	sum := sha256.Sum256(must(t, der, err))
	return "key SHA256:" + hex.EncodeToString(sum[:])
}

// signer signs with a key and a hash; 0 means the message itself.
type signer struct {
	key     crypto.Signer
	options crypto.SignerOpts
}

func by(key crypto.Signer) signer { return signer{key, crypto.SHA256} }

func (s signer) sign(t testing.TB, message []byte) []byte {
	t.Helper()
	if hash := s.options.HashFunc(); hash != 0 {
		h := hash.New()
		h.Write(message)
		message = h.Sum(nil)
	}
	signature, err := s.key.Sign(rand.Reader, message, s.options)
	return must(t, signature, err)
}

// Documents.

func payload(about oci.Descriptor) []byte {
	return fmt.Appendf(nil, `{"critical":{"identity":{"docker-reference":"registry.example/library/app"},"image":{"docker-manifest-digest":"%s"},"type":"cosign container image signature"},"optional":null}`, about.Digest)
}

func statement(about oci.Descriptor, predicateType, predicate string) []byte {
	return fmt.Appendf(nil, `{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"other","digest":{"sha256":"%064d"}},{"name":"app","digest":{"sha256":"%s"}}],"predicateType":"%s","predicate":%s}`,
		7, about.Digest.Hex(), predicateType, predicate)
}

func base64Of(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

func simple(signature []byte, more map[string]string) map[string]string {
	annotations := map[string]string{"dev.cosignproject.cosign/signature": base64Of(signature)}
	for name, value := range more {
		annotations[name] = value
	}
	return annotations
}

func sealed(payload []byte, signatures ...[]byte) []byte {
	e := dsse.Envelope{PayloadType: statementType, Payload: base64Of(payload)}
	for _, s := range signatures {
		e.Signatures = append(e.Signatures, dsse.Signature{Sig: base64Of(s)})
	}
	document, err := json.Marshal(e)
	if err != nil {
		panic(err)
	}
	return document
}

func pae(payload []byte) []byte { return dsse.PAE(statementType, payload) }

func bundled(t testing.TB, b *protobundle.Bundle) []byte {
	if b.MediaType == "" {
		b.MediaType = bundleV3
	}
	document, err := protojson.Marshal(b)
	return must(t, document, err)
}

func enveloped(payload, signature []byte) *protobundle.Bundle_DsseEnvelope {
	return &protobundle.Bundle_DsseEnvelope{DsseEnvelope: &protodsse.Envelope{
		Payload: payload, PayloadType: statementType, Signatures: []*protodsse.Signature{{Sig: signature}},
	}}
}

func hinted(t testing.TB, key crypto.PublicKey) *protobundle.VerificationMaterial {
	der, err := x509.MarshalPKIXPublicKey(key)
	sum := sha256.Sum256(must(t, der, err))
	return &protobundle.VerificationMaterial{Content: &protobundle.VerificationMaterial_PublicKey{PublicKey: &protocommon.PublicKeyIdentifier{Hint: base64Of(sum[:])}}}
}

func certified(chain ...*x509.Certificate) *protobundle.VerificationMaterial {
	if len(chain) == 1 {
		return &protobundle.VerificationMaterial{Content: &protobundle.VerificationMaterial_Certificate{Certificate: &protocommon.X509Certificate{RawBytes: chain[0].Raw}}}
	}
	written := new(protocommon.X509CertificateChain)
	for _, c := range chain {
		written.Certificates = append(written.Certificates, &protocommon.X509Certificate{RawBytes: c.Raw})
	}
	return &protobundle.VerificationMaterial{Content: &protobundle.VerificationMaterial_X509CertificateChain{X509CertificateChain: written}}
}

// authority issues certificates to those who sign.
type authority struct {
	certificate *x509.Certificate
	key         crypto.Signer
}

// day is when certificates of these tests begin, unless they say otherwise.
var day = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func newAuthority(t testing.TB, name string, above *authority) *authority {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: day.AddDate(-1, 0, 0), NotAfter: day.AddDate(9, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	return made(t, template, above)
}

func made(t testing.TB, template *x509.Certificate, above *authority) *authority {
	a := &authority{key: newKey(t)}
	if above == nil {
		above = &authority{certificate: template, key: a.key}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, above.certificate, a.key.Public(), above.key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	a.certificate = must(t, certificate, err)
	return a
}

var issuerExtension = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, 8}

// leaf is a certificate for a person, from day on, for an hour.
func leaf(issuer, email string) *x509.Certificate {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: day, NotAfter: day.Add(time.Hour), EmailAddresses: []string{email},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
	}
	if issuer != "" {
		value, _ := asn1.MarshalWithParams(issuer, "utf8")
		template.ExtraExtensions = []pkix.Extension{{Id: issuerExtension, Value: value}}
	}
	return template
}

func (a *authority) issue(t testing.TB, template *x509.Certificate, key crypto.PublicKey) *x509.Certificate {
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key, a.key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	return must(t, certificate, err)
}

func uri(t testing.TB, s string) []*url.URL {
	u, err := url.Parse(s)
	return []*url.URL{must(t, u, err)}
}

// sigstore is a log, a certificate log and a time-stamping authority.
type sigstore struct{ *ca.VirtualSigstore }

func newSigstore(t testing.TB) sigstore {
	v, err := ca.NewVirtualSigstore()
	return sigstore{must(t, v, err)}
}

func (s sigstore) log(t testing.TB) string {
	text := ""
	for _, l := range s.RekorLogs() {
		text += publicPEM(t, l.PublicKey)
	}
	return text
}

func (s sigstore) tsa() string {
	a := s.TimestampingAuthorities()[0].(*root.SigstoreTimestampingAuthority)
	return certificatePEM(append(append([]*x509.Certificate{a.Leaf}, a.Intermediates...), a.Root)...)
}

// entry is what a log says to have seen. maker is a certificate or key in PEM.
type entry struct {
	kind      string // hashedrekord, dsse or intoto
	content   []byte // what was signed; the payload of an envelope
	signature []byte
	maker     string
	at        time.Time
}

func (e entry) body() []byte {
	sum := sha256.Sum256(e.content)
	hash := map[string]any{"algorithm": "sha256", "value": hex.EncodeToString(sum[:])}
	signature, maker := base64Of(e.signature), base64Of([]byte(e.maker))
	spec := map[string]any{
		"data":      map[string]any{"hash": hash},
		"signature": map[string]any{"content": signature, "publicKey": map[string]any{"content": maker}},
	}
	version := "0.0.1"
	if e.kind == "intoto" {
		version = "0.0.2"
		spec = map[string]any{"content": map[string]any{"hash": hash, "payloadHash": hash, "envelope": map[string]any{
			"payloadType": statementType, "signatures": []any{map[string]any{"sig": base64Of([]byte(signature)), "publicKey": maker}},
		}}}
	}
	if e.kind == "dsse" {
		spec = map[string]any{"envelopeHash": hash, "payloadHash": hash, "signatures": []any{map[string]any{"signature": signature, "verifier": maker}}}
	}
	body, err := json.Marshal(map[string]any{"apiVersion": version, "kind": e.kind, "spec": spec})
	if err != nil {
		panic(err)
	}
	return body
}

// promise is the annotation with an entry.
func (s sigstore) promise(t testing.TB, e entry) string { return s.promiseOf(t, e.body(), e.at) }

func (s sigstore) promiseOf(t testing.TB, body []byte, at time.Time) string {
	p, set := s.promised(t, body, at)
	document, err := json.Marshal(map[string]any{"SignedEntryTimestamp": base64Of(set), "Payload": p})
	return string(must(t, document, err))
}

func (s sigstore) promised(t testing.TB, body []byte, at time.Time) (tlog.RekorPayload, []byte) {
	id, err := s.RekorLogID()
	p := tlog.RekorPayload{Body: base64Of(body), IntegratedTime: at.Unix(), LogIndex: 7, LogID: must(t, id, err)}
	set, err := s.RekorSignPayload(p)
	return p, must(t, set, err)
}

// included is an entry as bundles hold it.
func (s sigstore) included(t testing.TB, e entry) []*protorekor.TransparencyLogEntry {
	p, set := s.promised(t, e.body(), e.at)
	id, err := hex.DecodeString(p.LogID)
	if err != nil {
		t.Fatal(err)
	}
	written, err := s.GetInclusionProof(e.body())
	if err != nil {
		t.Fatal(err)
	}
	rootHash, err := hex.DecodeString(*written.RootHash)
	return []*protorekor.TransparencyLogEntry{{
		LogIndex: p.LogIndex, LogId: &protocommon.LogId{KeyId: id}, IntegratedTime: p.IntegratedTime, CanonicalizedBody: e.body(),
		KindVersion:      &protorekor.KindVersion{Kind: e.kind, Version: "0.0.1"},
		InclusionPromise: &protorekor.InclusionPromise{SignedEntryTimestamp: set},
		InclusionProof: &protorekor.InclusionProof{
			LogIndex: *written.LogIndex, TreeSize: *written.TreeSize, RootHash: must(t, rootHash, err),
			Checkpoint: &protorekor.Checkpoint{Envelope: *written.Checkpoint},
		},
	}}
}

// stamp is the annotation with a timestamp, which is of now.
func (s sigstore) stamp(t testing.TB, of []byte) string {
	token, err := s.TimestampResponse(of)
	return fmt.Sprintf(`{"SignedRFC3161Timestamp":"%s"}`, base64Of(must(t, token, err)))
}
