// Package sigstore writes Sigstore bundles (version 0.3) that a public key verifies, as Cosign 3 does. It has no tables and reads nothing:
// package cosign judges bundles.
package sigstore

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"github.com/havenregistry/haven/internal/oci"
)

const (
	// MediaType is that of a bundle.
	MediaType = "application/vnd.dev.sigstore.bundle.v0.3+json"
	// PredicateSigned is the predicate of a statement that signs an image, and says nothing of it.
	PredicateSigned = "https://sigstore.dev/cosign/sign/v1"

	mediaTypeInToto = "application/vnd.in-toto+json"
	typeStatement   = "https://in-toto.io/Statement/v1"
)

// Key signs.
type Key struct {
	Hint string                            // by which bundles name it, see HintOf
	Sign func(text []byte) ([]byte, error) // an ECDSA signature (ASN.1) of the SHA-256 of text
}

// HintOf is how bundles name a public key: base64 of the SHA-256 of its PKIX form.
func HintOf(public any) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return "", fmt.Errorf("name a public key: %w", err)
	}
	sum := sha256.Sum256(der)
	return base64.StdEncoding.EncodeToString(sum[:]), nil
}

// statement is an in-toto statement about one manifest.
type statement struct {
	Type          string    `json:"_type"`
	Subject       []subject `json:"subject"`
	PredicateType string    `json:"predicateType"`
	Predicate     any       `json:"predicate"`
}

type subject struct {
	Digest map[string]string `json:"digest"`
}

// bundle holds one of the two: a signed statement, or the signature of a text that is elsewhere. Byte strings are base64.
type bundle struct {
	MediaType            string `json:"mediaType"`
	VerificationMaterial struct {
		PublicKey struct {
			Hint string `json:"hint"`
		} `json:"publicKey"`
	} `json:"verificationMaterial"`
	Envelope *envelope `json:"dsseEnvelope,omitempty"`
	Message  *message  `json:"messageSignature,omitempty"`
}

type envelope struct {
	Payload     []byte      `json:"payload"`
	PayloadType string      `json:"payloadType"`
	Signatures  []signature `json:"signatures"`
}

type signature struct {
	Sig []byte `json:"sig"`
}

type message struct {
	Digest struct {
		Algorithm string `json:"algorithm"`
		Digest    []byte `json:"digest"`
	} `json:"messageDigest"`
	Signature []byte `json:"signature"`
}

// Statement is a bundle of a signed statement about the manifest of this digest.
func Statement(of oci.Digest, predicateType string, predicate any, key Key) ([]byte, error) {
	payload, err := json.Marshal(statement{
		Type: typeStatement, Subject: []subject{{map[string]string{string(of.Algorithm()): of.Hex()}}}, PredicateType: predicateType, Predicate: predicate,
	})
	if err != nil {
		return nil, fmt.Errorf("write a statement of %s: %w", predicateType, err)
	}
	signed, err := key.Sign(preAuthenticated(mediaTypeInToto, payload))
	if err != nil {
		return nil, err
	}
	return write(bundle{Envelope: &envelope{Payload: payload, PayloadType: mediaTypeInToto, Signatures: []signature{{signed}}}}, key)
}

// Signature is a bundle that signs an image: what Statement makes of PredicateSigned.
func Signature(of oci.Digest, key Key) ([]byte, error) {
	return Statement(of, PredicateSigned, struct{}{}, key)
}

// Text is a bundle of the signature of a text, which `cosign verify-blob` takes beside it.
func Text(text []byte, key Key) ([]byte, error) {
	signed, err := key.Sign(text)
	if err != nil {
		return nil, err
	}
	m := &message{Signature: signed}
	sum := sha256.Sum256(text)
	m.Digest.Algorithm, m.Digest.Digest = "SHA2_256", sum[:]
	return write(bundle{Message: m}, key)
}

func write(b bundle, key Key) ([]byte, error) {
	b.MediaType = MediaType
	b.VerificationMaterial.PublicKey.Hint = key.Hint
	content, err := json.Marshal(b)
	if err != nil {
		return nil, fmt.Errorf("write a bundle: %w", err)
	}
	return content, nil
}

// Annotations are those of the manifest that refers to an image and holds a statement about it, by which Cosign tells bundles apart.
func Annotations(predicateType string, at time.Time) map[string]string {
	return map[string]string{
		"org.opencontainers.image.created": at.UTC().Format(time.RFC3339), "dev.sigstore.bundle.content": "dsse-envelope", "dev.sigstore.bundle.predicateType": predicateType,
	}
}

// preAuthenticated is what is signed of a text in a DSSE envelope.
func preAuthenticated(payloadType string, payload []byte) []byte {
	return fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(payloadType), payloadType, len(payload), payload)
}
