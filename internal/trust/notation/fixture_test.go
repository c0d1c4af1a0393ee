package notation_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"github.com/digitorus/timestamp"
	"github.com/notaryproject/notation-core-go/signature"
	"github.com/notaryproject/notation-core-go/signature/cose"
	"github.com/notaryproject/notation-core-go/signature/jws"
	"github.com/notaryproject/tspclient-go"

	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/trust/evidence"
	"github.com/havenregistry/haven/internal/trust/notation"
	"github.com/havenregistry/haven/internal/trust/policy"
)

const (
	hour = time.Hour
	day  = 24 * hour
)

// today is the time that verdicts are asked for. It is the machine's, because the library that signs looks at its clock.
var today = time.Now().UTC().Truncate(time.Second)

var envelopes = map[string]string{"JWS": jws.MediaTypeEnvelope, "COSE": cose.MediaTypeEnvelope}

// holder is a certificate with its key and those that issued it.
type holder struct {
	cert   *x509.Certificate
	key    crypto.Signer
	issuer *holder
}

func (h *holder) chain() []*x509.Certificate {
	chain := []*x509.Certificate{h.cert}
	for i := h.issuer; i != nil; i = i.issuer {
		chain = append(chain, i.cert)
	}
	return chain
}

func (h *holder) pem() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: h.cert.Raw}))
}

var serial int64

// issue makes a certificate; issuer nil signs itself. change may change what it says.
func issue(t testing.TB, issuer *holder, name string, change func(*x509.Certificate)) *holder {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return issueTo(t, issuer, key, key.Public(), name, change)
}

func issueTo(t testing.TB, issuer *holder, key crypto.Signer, public crypto.PublicKey, name string, change func(*x509.Certificate)) *holder {
	t.Helper()
	serial++
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial),
		Subject:      pkix.Name{Country: []string{"US"}, Province: []string{"WA"}, Organization: []string{"acme"}, CommonName: name},
		NotBefore:    today.Add(-100 * day), NotAfter: today.Add(100 * day),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
	}
	if change != nil {
		change(template)
	}
	parent, by := template, key
	if issuer != nil {
		parent, by = issuer.cert, issuer.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, by)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &holder{cert: cert, key: key, issuer: issuer}
}

func authority(c *x509.Certificate) {
	c.IsCA, c.BasicConstraintsValid, c.MaxPathLen = true, true, -1
	c.KeyUsage, c.ExtKeyUsage = x509.KeyUsageCertSign|x509.KeyUsageCRLSign, nil
}

func stamping(c *x509.Certificate) {
	usage, _ := asn1.Marshal([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 8}})
	c.ExtKeyUsage = nil
	c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true, Value: usage}}
}

// list is a revocation list of the issuer's.
func list(t testing.TB, issuer *holder, this, next time.Time, change func(*x509.RevocationList), revoked ...*holder) string {
	t.Helper()
	serial++
	template := &x509.RevocationList{Number: big.NewInt(serial), ThisUpdate: this, NextUpdate: next}
	for _, h := range revoked {
		template.RevokedCertificateEntries = append(template.RevokedCertificateEntries,
			x509.RevocationListEntry{SerialNumber: h.cert.SerialNumber, RevocationTime: this})
	}
	if change != nil {
		change(template)
	}
	der, err := x509.CreateRevocationList(rand.Reader, template, issuer.cert, issuer.key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der}))
}

// stamper is a time-stamping authority that says what time it likes.
type stamper struct {
	*holder
	at time.Time
}

func (s stamper) Timestamp(_ context.Context, r *tspclient.Request) (*tspclient.Response, error) {
	stamp := timestamp.Timestamp{HashAlgorithm: crypto.SHA256, HashedMessage: r.MessageImprint.HashedMessage, Time: s.at,
		Policy: asn1.ObjectIdentifier{1, 2, 3, 4}, Certificates: []*x509.Certificate{s.issuer.cert}, AddTSACertificate: true}
	der, err := stamp.CreateResponseWithOpts(s.cert, s.key, crypto.SHA256)
	if err != nil {
		return nil, err
	}
	var response tspclient.Response
	return &response, response.UnmarshalBinary(der)
}

// artifact is what is signed.
func artifact(content string) oci.Descriptor {
	return oci.Descriptor{MediaType: "application/vnd.oci.image.manifest.v1+json", Digest: oci.SHA256Of([]byte(content)), Size: int64(len(content))}
}

// sign makes an envelope about the target.
func sign(t testing.TB, mediaType string, by *holder, target oci.Descriptor, change func(*signature.SignRequest)) []byte {
	t.Helper()
	payload, err := json.Marshal(map[string]any{"targetArtifact": target})
	if err != nil {
		t.Fatal(err)
	}
	signer, err := signature.NewLocalSigner(by.chain(), by.key)
	if err != nil {
		t.Fatal(err)
	}
	request := &signature.SignRequest{
		Payload: signature.Payload{ContentType: "application/vnd.cncf.notary.payload.v1+json", Content: payload},
		Signer:  signer, SigningTime: by.cert.NotBefore.Add(hour), SigningScheme: signature.SigningSchemeX509, SigningAgent: "test",
	}
	if change != nil {
		change(request)
	}
	envelope, err := signature.NewEnvelope(mediaType)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := envelope.Sign(request)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func stamped(by stamper) func(*signature.SignRequest) {
	return func(r *signature.SignRequest) {
		roots := x509.NewCertPool()
		roots.AddCert(by.issuer.cert)
		r.Timestamper, r.TSARootCAs = by, roots
	}
}

func verifier(t testing.TB, signers ...policy.Signer) *notation.Verifier {
	t.Helper()
	v, err := notation.New(policy.Policy{Signers: signers})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// trusting is a signer "ci" by an authority, for any of its names.
func trusting(h *holder, change func(*policy.Notation)) policy.Signer {
	n := &policy.Notation{Certificates: h.pem(), Identities: []string{"*"}}
	if change != nil {
		change(n)
	}
	return policy.Signer{Name: "ci", Notation: n}
}

func manifestOf(mediaType string, raw []byte) *oci.Manifest {
	return &oci.Manifest{Config: &oci.Descriptor{MediaType: notation.ArtifactType},
		Layers: []oci.Descriptor{{MediaType: mediaType, Digest: oci.SHA256Of(raw), Size: int64(len(raw))}}}
}

// judge returns the one piece.
func judge(t testing.TB, v *notation.Verifier, mediaType string, raw []byte, target oci.Descriptor, now time.Time) evidence.Piece {
	t.Helper()
	read := func(context.Context, oci.Descriptor) ([]byte, error) { return bytes.Clone(raw), nil }
	pieces, err := v.Pieces(t.Context(), target, manifestOf(mediaType, raw), read, now)
	if err != nil || len(pieces) != 1 {
		t.Fatalf("%d pieces, %v", len(pieces), err)
	}
	p := pieces[0]
	if p.Format != evidence.Notation || (p.State == evidence.Verified) != (len(p.Signers) > 0) || (p.State == evidence.Verified) != (p.Reason == "") {
		t.Fatalf("a piece that contradicts itself: %+v", p)
	}
	return p
}
