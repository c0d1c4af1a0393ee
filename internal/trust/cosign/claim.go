package cosign

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"

	"github.com/havenregistry/haven/internal/oci"
)

// Annotations of layers in the formats before bundles.
const (
	signatureAnnotation   = "dev.cosignproject.cosign/signature"
	certificateAnnotation = "dev.sigstore.cosign/certificate"
	chainAnnotation       = "dev.sigstore.cosign/chain"
	entryAnnotation       = "dev.sigstore.cosign/bundle"
	stampAnnotation       = "dev.sigstore.cosign/rfc3161timestamp"
)

// Bounds of one claim.
const (
	mostSignatures = 16       // in one envelope
	mostEntries    = 8        // of logs
	mostBody       = 64 << 10 // bytes of an entry
	mostStamps     = 8        // timestamps
	mostStamp      = 32 << 10 // bytes of a timestamp
)

// claim is what a layer says about the subject, read and not believed yet.
type claim struct {
	content    *content
	signatures [][]byte
	envelope   *envelope // what was signed, where it was one
	by         string    // who says to have made it, where there is no certificate
	chain      []*x509.Certificate
	entries    []*protorekor.TransparencyLogEntry
	stamps     [][]byte
	// stamped is what else than the signature a timestamp may be of.
	stamped []byte

	predicateType string
	predicate     json.RawMessage
}

// envelope is a DSSE envelope without its signatures.
type envelope struct {
	payloadType string
	payload     []byte
}

func (e *envelope) content() *content { return message(dsse.PAE(e.payloadType, e.payload)) }

// leaf is the certificate of who signed, nil for a signature by a key alone.
func (c *claim) leaf() *x509.Certificate {
	if len(c.chain) == 0 {
		return nil
	}
	return c.chain[0]
}

// madeBy returns the signature that the key has made.
func (c *claim) madeBy(key crypto.PublicKey) ([]byte, bool) {
	for _, signature := range c.signatures {
		if c.content.signedBy(key, signature) {
			return signature, true
		}
	}
	return nil, false
}

// annotated reads what the annotations of a layer hold beside the signature.
func (c *claim) annotated(annotations map[string]string) error {
	if pem := annotations[certificateAnnotation]; pem != "" {
		leaf, err := parseCertificates(pem, 1)
		if err != nil {
			return fmt.Errorf("its certificate %w", err)
		}
		c.chain = leaf
	}
	if pem := annotations[chainAnnotation]; pem != "" && c.chain != nil {
		chain, err := parseCertificates(pem, mostCertificates-1)
		if err != nil {
			return fmt.Errorf("its chain of certificates %w", err)
		}
		c.chain = append(c.chain, chain...)
	}
	if document := annotations[entryAnnotation]; document != "" {
		entry, err := parseEntry([]byte(document))
		if err != nil {
			return fmt.Errorf("its entry of a log %w", err)
		}
		c.entries = append(c.entries, entry)
	}
	if document := annotations[stampAnnotation]; document != "" {
		stamp, err := parseStamp([]byte(document))
		if err != nil {
			return fmt.Errorf("its timestamp %w", err)
		}
		c.stamps = append(c.stamps, stamp)
	}
	return nil
}

func parseStamp(document []byte) ([]byte, error) {
	found, err := fields(document)
	if err != nil {
		return nil, err
	}
	stamp, err := base64.StdEncoding.DecodeString(text(found["SignedRFC3161Timestamp"]))
	if err != nil || len(stamp) == 0 {
		return nil, errors.New("isn't one")
	}
	return stamp, nil
}

// simpleSigning reads a layer of Cosign's first format: it is what was signed, and its annotations hold the signature.
func simpleSigning(layer oci.Descriptor, payload []byte, subject oci.Digest) (*claim, error) {
	critical, err := within(payload, "critical")
	if err != nil {
		return nil, fmt.Errorf("what was signed %w", err)
	}
	if kind := text(critical["type"]); kind != "cosign container image signature" {
		return nil, fmt.Errorf("what was signed is a %q, and no signature of an image", shown(kind))
	}
	image, err := fields(critical["image"])
	if err != nil {
		return nil, fmt.Errorf("what was signed has an image that %w", err)
	}
	if about := text(image["docker-manifest-digest"]); about != subject.String() {
		return nil, elsewhere(about)
	}
	signature, err := base64.StdEncoding.DecodeString(layer.Annotations[signatureAnnotation])
	if err != nil || len(signature) == 0 {
		return nil, fmt.Errorf("the annotation %s holds no signature in base64", signatureAnnotation)
	}
	c := &claim{content: message(payload), signatures: [][]byte{signature}}
	return c, c.annotated(layer.Annotations)
}

// elsewhere is why a signature of another artifact says nothing about this one.
func elsewhere(about string) error {
	if about == "" {
		return errors.New("it names no artifact")
	}
	return fmt.Errorf("it is about %s, and not about this artifact", shown(about))
}

// attestation reads a layer that is a DSSE envelope.
func attestation(layer oci.Descriptor, document []byte, subject oci.Digest) (*claim, error) {
	e, signatures, err := parseEnvelope(document)
	if err != nil {
		return nil, fmt.Errorf("the envelope %w", err)
	}
	c := &claim{content: e.content(), envelope: e, signatures: signatures, stamped: document}
	if err := c.statement(subject); err != nil {
		return c, err
	}
	return c, c.annotated(layer.Annotations)
}

func parseEnvelope(document []byte) (*envelope, [][]byte, error) {
	found, err := fields(document)
	if err != nil {
		return nil, nil, err
	}
	payload, err := unbase64(text(found["payload"]))
	if err != nil {
		return nil, nil, fmt.Errorf("has a payload that %w", err)
	}
	var list []json.RawMessage
	if err := json.Unmarshal(found["signatures"], &list); err != nil || len(list) == 0 || len(list) > mostSignatures {
		return nil, nil, fmt.Errorf("doesn't have 1 to %d signatures", mostSignatures)
	}
	signatures := make([][]byte, len(list))
	for i, document := range list {
		one, err := fields(document)
		if err != nil {
			return nil, nil, fmt.Errorf("has a signature that %w", err)
		}
		if signatures[i], err = unbase64(text(one["sig"])); err != nil {
			return nil, nil, fmt.Errorf("has a signature that %w", err)
		}
	}
	return &envelope{payloadType: text(found["payloadType"]), payload: payload}, signatures, nil
}

// signsArtifact is the predicate type by which Cosign 3 signs an artifact itself.
const signsArtifact = "https://sigstore.dev/cosign/sign/v1"

// statement reads the in-toto statement in the claim's envelope; one of its subjects must be the artifact.
func (c *claim) statement(subject oci.Digest) error {
	if c.envelope.payloadType != "application/vnd.in-toto+json" {
		return fmt.Errorf("what was signed is of type %q, and no in-toto statement", shown(c.envelope.payloadType))
	}
	found, err := fields(c.envelope.payload)
	if err != nil {
		return fmt.Errorf("the statement %w", err)
	}
	switch version := text(found["_type"]); version {
	case "https://in-toto.io/Statement/v0.1", "https://in-toto.io/Statement/v1":
	default:
		return fmt.Errorf("what was signed is a %q, and no in-toto statement of version 0.1 or 1", shown(version))
	}
	kind := text(found["predicateType"])
	if kind == "" {
		return errors.New("the statement has no type of predicate")
	}
	if kind != signsArtifact {
		c.predicateType, c.predicate = kind, found["predicate"]
	}
	return about(found["subject"], subject)
}

// about looks for the artifact among a statement's subjects.
func about(subjects json.RawMessage, artifact oci.Digest) error {
	const most = 1024
	var list []json.RawMessage
	if err := json.Unmarshal(subjects, &list); err != nil || len(list) > most {
		return fmt.Errorf("the statement has no list of subjects, or one of more than %d", most)
	}
	other := ""
	for _, document := range list {
		digests, err := within(document, "digest")
		if err != nil {
			return fmt.Errorf("the statement has a subject that %w", err)
		}
		algorithm := string(artifact.Algorithm())
		sum := text(digests[algorithm])
		if sum == artifact.Hex() {
			return nil
		}
		if other == "" && sum != "" {
			other = algorithm + ":" + sum
		}
	}
	return elsewhere(other)
}

// sameBytes says whether a digest is the artifact's.
func sameBytes(artifact oci.Digest, sum []byte) bool {
	want, err := hex.DecodeString(artifact.Hex())
	return err == nil && bytes.Equal(want, sum)
}
