package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"

	"github.com/secure-systems-lab/go-securesystemslib/encrypted"

	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/trust/sigstore"
)

// bundleSuffix is that of the file with the signature of another.
const bundleSuffix = ".sigstore.json"

// key signs as `cosign sign --key` does.
type key struct{ sigstore.Key }

// openKey reads a private key that `cosign generate-key-pair` made. Without a path there is none.
func openKey(path, password string) (*key, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path) //nolint:gosec // who makes the release says which
	if err != nil {
		return nil, fmt.Errorf("HAVEN_RELEASE_KEY: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "ENCRYPTED SIGSTORE PRIVATE KEY" && block.Type != "ENCRYPTED COSIGN PRIVATE KEY" {
		return nil, errors.New("HAVEN_RELEASE_KEY: expected a private key that cosign generate-key-pair made")
	}
	der, err := encrypted.Decrypt(block.Bytes, []byte(password))
	if err != nil {
		return nil, errors.New("HAVEN_RELEASE_KEY: COSIGN_PASSWORD doesn't open it")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("HAVEN_RELEASE_KEY: %w", err)
	}
	private, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || private.Curve != elliptic.P256() {
		return nil, errors.New("HAVEN_RELEASE_KEY: expected an ECDSA key of the curve P-256, as cosign makes them")
	}
	hint, err := sigstore.HintOf(&private.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("HAVEN_RELEASE_KEY: %w", err)
	}
	return &key{sigstore.Key{Hint: hint, Sign: func(text []byte) ([]byte, error) {
		sum := sha256.Sum256(text)
		return private.Sign(nil, sum[:], crypto.SHA256) // without randomness: the same each time (RFC 6979)
	}}}, nil
}

// signText is a bundle of the signature of a file.
func (k *key) signText(text []byte) ([]byte, error) { return sigstore.Text(text, k.Key) }

// signImage is a bundle that signs a manifest.
func (k *key) signImage(of oci.Digest) ([]byte, error) { return sigstore.Signature(of, k.Key) }
