package cosign

import (
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/havenregistry/haven/internal/oci"
)

// bundleType is what the media types of bundles begin with, of all versions.
const bundleType = "application/vnd.dev.sigstore.bundle"

// errLater is for bundles of versions that came after this code: nothing says that they are wrong.
var errLater = errors.New("is of a version that can't be read")

// readBundle reads a Sigstore bundle.
func readBundle(document []byte, subject oci.Digest) (*claim, error) {
	found, err := fields(document)
	if err != nil {
		return nil, fmt.Errorf("the bundle %w", err)
	}
	version := text(found["mediaType"])
	switch version {
	case bundleType + "+json;version=0.1", bundleType + "+json;version=0.2", bundleType + "+json;version=0.3", bundleType + ".v0.3+json":
	default:
		return nil, fmt.Errorf("the bundle %w: %q", errLater, shown(version))
	}
	written := new(protobundle.Bundle)
	if err := protojson.Unmarshal(document, written); err != nil {
		return nil, fmt.Errorf("the bundle can't be read: %w", err)
	}
	c := new(claim)
	if err := c.signed(written, subject); err != nil {
		return c, err
	}
	if err := c.material(written.GetVerificationMaterial()); err != nil {
		return c, err
	}
	return c, c.logEntries(written.GetVerificationMaterial().GetTlogEntries(), version == bundleType+"+json;version=0.1")
}

// signed reads what was signed, and the signature.
func (c *claim) signed(written *protobundle.Bundle, subject oci.Digest) error {
	switch signed := written.GetContent().(type) {
	case *protobundle.Bundle_DsseEnvelope:
		e := signed.DsseEnvelope
		if len(e.GetSignatures()) != 1 {
			return fmt.Errorf("the bundle's envelope has %d signatures; a bundle's has one", len(e.GetSignatures()))
		}
		c.envelope = &envelope{payloadType: e.GetPayloadType(), payload: e.GetPayload()}
		c.content = c.envelope.content()
		c.signatures = [][]byte{e.GetSignatures()[0].GetSig()}
		return c.statement(subject)
	case *protobundle.Bundle_MessageSignature:
		m := signed.MessageSignature
		c.signatures = [][]byte{m.GetSignature()}
		return c.artifact(m.GetMessageDigest(), subject)
	}
	return errors.New("the bundle holds neither an envelope nor a signature")
}

// artifact reads a signature over the artifact's own bytes, of which only the digest is at hand.
func (c *claim) artifact(written *protocommon.HashOutput, subject oci.Digest) error {
	algorithm, own := crypto.SHA256, protocommon.HashAlgorithm_SHA2_256
	if subject.Algorithm() == oci.SHA512 {
		algorithm, own = crypto.SHA512, protocommon.HashAlgorithm_SHA2_512
	}
	if written.GetAlgorithm() != own {
		return fmt.Errorf("the bundle signs bytes by their %s digest, and the artifact goes by %s", written.GetAlgorithm(), subject.Algorithm())
	}
	if !sameBytes(subject, written.GetDigest()) {
		return elsewhere(string(subject.Algorithm()) + ":" + hex.EncodeToString(written.GetDigest()))
	}
	c.content = digestOnly(algorithm, written.GetDigest())
	return nil
}

// material reads who has signed, and the timestamps.
func (c *claim) material(written *protobundle.VerificationMaterial) error {
	var certificates []*protocommon.X509Certificate
	switch who := written.GetContent().(type) {
	case *protobundle.VerificationMaterial_X509CertificateChain:
		certificates = who.X509CertificateChain.GetCertificates()
	case *protobundle.VerificationMaterial_Certificate:
		certificates = []*protocommon.X509Certificate{who.Certificate}
	case *protobundle.VerificationMaterial_PublicKey:
		if sum, err := base64.StdEncoding.DecodeString(who.PublicKey.GetHint()); err == nil && len(sum) == crypto.SHA256.Size() {
			c.by = keyName(sum)
		}
	default:
		return errors.New("the bundle doesn't say how it was signed")
	}
	if len(certificates) > mostCertificates {
		return fmt.Errorf("its chain has %d certificates; at most %d are read", len(certificates), mostCertificates)
	}
	chain := make([]*x509.Certificate, len(certificates))
	for i, one := range certificates {
		var err error
		if chain[i], err = parseCertificate(one.GetRawBytes()); err != nil {
			return fmt.Errorf("its certificate %d %w", i+1, err)
		}
	}
	c.chain = chain
	for _, stamp := range written.GetTimestampVerificationData().GetRfc3161Timestamps() {
		c.stamps = append(c.stamps, stamp.GetSignedTimestamp())
	}
	return nil
}

// logEntries takes over what logs have said. The first version of bundles has the log's promise with each, and later ones the proof that it is
// in the log.
func (c *claim) logEntries(entries []*protorekor.TransparencyLogEntry, promised bool) error {
	if len(entries) > mostEntries {
		return fmt.Errorf("the bundle has %d entries of logs; at most %d are read", len(entries), mostEntries)
	}
	for _, e := range entries {
		if promised && e.GetInclusionPromise() == nil || !promised && e.GetInclusionProof() == nil {
			return errors.New("the bundle has an entry of a log that nothing shows to be in it")
		}
	}
	c.entries = entries
	return nil
}
