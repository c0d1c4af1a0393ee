package signing

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/havenregistry/haven/internal/oci"
)

const (
	mediaTypeBundle   = "application/vnd.dev.sigstore.bundle.v0.3+json"
	mediaTypeInToto   = "application/vnd.in-toto+json"
	typeStatement     = "https://in-toto.io/Statement/v1"
	predicateSigned   = "https://sigstore.dev/cosign/sign/v1" // the image is signed, and nothing is said of it
	annotationCreated = "org.opencontainers.image.created"
)

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

// bundle is a Sigstore bundle of a signed statement, by a public key that who verifies has. Byte strings are base64.
type bundle struct {
	MediaType            string `json:"mediaType"`
	VerificationMaterial struct {
		PublicKey struct {
			Hint string `json:"hint"`
		} `json:"publicKey"`
	} `json:"verificationMaterial"`
	Envelope struct {
		Payload     []byte            `json:"payload"`
		PayloadType string            `json:"payloadType"`
		Signatures  []bundleSignature `json:"signatures"`
	} `json:"dsseEnvelope"`
}

type bundleSignature struct {
	Sig []byte `json:"sig"`
}

// signatureBundle is a signature as Cosign 3 writes it.
func signatureBundle(w work) (accessory, error) {
	return stated(w, predicateSigned, struct{}{}, w.row.at)
}

// stated is a statement, signed, as a referrer.
func stated(w work, predicateType string, predicate any, at time.Time) (accessory, error) {
	payload, err := json.Marshal(statement{
		Type: typeStatement, Subject: []subject{{map[string]string{string(w.digest.Algorithm()): w.digest.Hex()}}},
		PredicateType: predicateType, Predicate: predicate,
	})
	if err != nil {
		return accessory{}, fmt.Errorf("write a statement of %s: %w", predicateType, err)
	}
	signature, err := w.key.sign(preAuthenticated(mediaTypeInToto, payload))
	if err != nil {
		return accessory{}, err
	}
	b := bundle{MediaType: mediaTypeBundle}
	b.VerificationMaterial.PublicKey.Hint = w.key.hint
	b.Envelope.Payload, b.Envelope.PayloadType, b.Envelope.Signatures = payload, mediaTypeInToto, []bundleSignature{{signature}}
	content, err := json.Marshal(b)
	if err != nil {
		return accessory{}, fmt.Errorf("write a bundle: %w", err)
	}
	return accessory{
		artifactType: mediaTypeBundle, configType: oci.MediaTypeEmpty, layerType: mediaTypeBundle, content: content,
		annotations: map[string]string{
			annotationCreated: at.UTC().Format(time.RFC3339), "dev.sigstore.bundle.content": "dsse-envelope", "dev.sigstore.bundle.predicateType": predicateType,
		},
	}, nil
}

// preAuthenticated is what is signed of a text in a DSSE envelope.
func preAuthenticated(payloadType string, payload []byte) []byte {
	return fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(payloadType), payloadType, len(payload), payload)
}
