package cosign

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
)

// Bounds of what people and strangers write in PEM.
const (
	mostPEM          = 256 << 10 // bytes of one text
	mostBlocks       = 100       // in one text of a policy
	mostCertificates = 10        // in the chain of one signature
	leastRSA         = 2048      // bits
	mostRSA          = 8192      // bits; what is longer takes long to check
)

// publicKey is a key of the policy.
type publicKey struct {
	key     crypto.PublicKey
	by      string // as Piece.By names it
	signers []string
}

// keyName names a key by the SHA-256 of its DER form (PKIX).
func keyName(sum []byte) string { return "key SHA256:" + hex.EncodeToString(sum) }

// parseKey reads the one public key that text holds.
func parseKey(text string) (*publicKey, error) {
	blocks, err := pemBlocks(text, "PUBLIC KEY", 1)
	if err != nil {
		return nil, err
	}
	key, err := parsePKIX(blocks[0])
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil, fmt.Errorf("name the key: %w", err)
	}
	sum := sha256.Sum256(der)
	return &publicKey{key: key, by: keyName(sum[:])}, nil
}

func parsePKIX(der []byte) (crypto.PublicKey, error) {
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, fmt.Errorf("isn't a public key that can be read: %w", err)
	}
	return key, checkKey(key)
}

// checkKey refuses what is too weak to trust or too large to check.
func checkKey(key crypto.PublicKey) error {
	switch key := key.(type) {
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); bits < leastRSA || bits > mostRSA {
			return fmt.Errorf("is an RSA key of %d bits; %d to %d are taken", bits, leastRSA, mostRSA)
		}
	case *ecdsa.PublicKey:
		if key.Curve != elliptic.P256() && key.Curve != elliptic.P384() && key.Curve != elliptic.P521() {
			return fmt.Errorf("is an ECDSA key on the curve %s; P-256, P-384 and P-521 are taken", key.Curve.Params().Name)
		}
	case ed25519.PublicKey:
	default:
		return errors.New("is neither an ECDSA, an RSA nor an Ed25519 key")
	}
	return nil
}

// pemBlocks returns what the PEM blocks of text hold, one to most of them, all of one type. Words between them are ignored, but a block
// that is damaged is an error, and never skipped.
func pemBlocks(text, blockType string, most int) ([][]byte, error) {
	if len(text) > mostPEM {
		return nil, fmt.Errorf("is longer than %d bytes", mostPEM)
	}
	rest := []byte(text)
	begun := bytes.Count(rest, []byte("-----BEGIN"))
	switch {
	case begun == 0:
		return nil, fmt.Errorf("holds no %s in PEM", blockType)
	case begun > most:
		return nil, fmt.Errorf("holds %d blocks in PEM; at most %d are taken", begun, most)
	}
	blocks := make([][]byte, 0, begun)
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != blockType {
			return nil, fmt.Errorf("holds a %s in PEM where a %s is wanted", shown(block.Type), blockType)
		}
		blocks = append(blocks, block.Bytes)
	}
	if len(blocks) != begun {
		return nil, errors.New("holds a block that isn't right PEM")
	}
	return blocks, nil
}

// parseCertificates reads a bundle of certificates.
func parseCertificates(text string, most int) ([]*x509.Certificate, error) {
	blocks, err := pemBlocks(text, "CERTIFICATE", most)
	if err != nil {
		return nil, err
	}
	certificates := make([]*x509.Certificate, len(blocks))
	for i, block := range blocks {
		if certificates[i], err = parseCertificate(block); err != nil {
			return nil, fmt.Errorf("certificate %d %w", i+1, err)
		}
	}
	return certificates, nil
}

// parseCertificate refuses keys that would take long to check; whether one is strong enough is asked of those that sign.
func parseCertificate(der []byte) (*x509.Certificate, error) {
	if len(der) > mostPEM {
		return nil, fmt.Errorf("is larger than %d bytes", mostPEM)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("can't be read: %w", err)
	}
	if key, is := certificate.PublicKey.(*rsa.PublicKey); is && key.N.BitLen() > mostRSA {
		return nil, fmt.Errorf("has an RSA key of %d bits; %d are taken", key.N.BitLen(), mostRSA)
	}
	return certificate, nil
}
