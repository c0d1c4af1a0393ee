package signing

import (
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"time"

	"github.com/notaryproject/notation-core-go/signature"
	"github.com/notaryproject/notation-core-go/signature/jws"

	"github.com/havenregistry/haven/internal/oci"
)

const (
	mediaTypeNotation        = "application/vnd.cncf.notary.signature"
	mediaTypeNotationPayload = "application/vnd.cncf.notary.payload.v1+json"
	annotationThumbprints    = "io.cncf.notary.x509chain.thumbprint#S256"
	signingAgent             = "Haven" // without a version: another one would make other bytes
)

// envelope is a signature as Notation writes it.
func envelope(w work) (accessory, error) {
	payload, err := json.Marshal(map[string]oci.Descriptor{
		"targetArtifact": {MediaType: w.manifest.MediaType, Digest: w.manifest.Digest, Size: w.manifest.Size},
	})
	if err != nil {
		return accessory{}, fmt.Errorf("write what Notation signs: %w", err)
	}
	e, err := signature.NewEnvelope(jws.MediaTypeEnvelope)
	if err != nil {
		return accessory{}, fmt.Errorf("make an envelope: %w", err)
	}
	at := w.row.at.UTC().Truncate(time.Second)
	content, err := e.Sign(&signature.SignRequest{
		Payload: signature.Payload{ContentType: mediaTypeNotationPayload, Content: payload}, Signer: jwsSigner{w.key},
		SigningTime: at, SigningScheme: signature.SigningSchemeX509, SigningAgent: signingAgent,
	})
	if err != nil {
		return accessory{}, fmt.Errorf("sign for Notation: %w", err)
	}
	thumbprints, err := json.Marshal(thumbprintsOf(w.key.chain))
	if err != nil {
		return accessory{}, err
	}
	return accessory{
		configType: mediaTypeNotation, layerType: jws.MediaTypeEnvelope, content: content,
		annotations: map[string]string{annotationCreated: at.Format(time.RFC3339), annotationThumbprints: string(thumbprints)},
	}, nil
}

func thumbprintsOf(chain []*x509.Certificate) []string {
	all := make([]string, len(chain))
	for i, certificate := range chain {
		sum := sha256.Sum256(certificate.Raw)
		all[i] = hex.EncodeToString(sum[:])
	}
	return all
}

// jwsSigner signs for notation-core-go, whose own local signer makes other bytes each time.
type jwsSigner struct{ *signer }

// KeySpec implements signature.Signer.
func (jwsSigner) KeySpec() (signature.KeySpec, error) {
	return signature.KeySpec{Type: signature.KeyTypeEC, Size: elliptic.P256().Params().BitSize}, nil
}

// Sign implements signature.Signer: both numbers of the signature, 32 bytes each, as RFC 7518 wants them.
func (s jwsSigner) Sign(text []byte) ([]byte, []*x509.Certificate, error) {
	der, err := s.sign(text)
	if err != nil {
		return nil, nil, err
	}
	var numbers struct{ R, S *big.Int }
	if rest, err := asn1.Unmarshal(der, &numbers); err != nil || len(rest) > 0 {
		return nil, nil, fmt.Errorf("read a signature of key %d: %w", s.id, err)
	}
	const half = 32
	raw := make([]byte, 2*half)
	numbers.R.FillBytes(raw[:half])
	numbers.S.FillBytes(raw[half:])
	return raw, s.chain, nil
}
