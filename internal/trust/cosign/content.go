package cosign

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
)

// content is what a signature was made over: a message, or one whose digest alone is known.
type content struct {
	message []byte // nil where only a sum is known
	sums    map[crypto.Hash][]byte
}

func message(bytes []byte) *content {
	return &content{message: bytes, sums: make(map[crypto.Hash][]byte)}
}

func digestOnly(algorithm crypto.Hash, sum []byte) *content {
	return &content{sums: map[crypto.Hash][]byte{algorithm: sum}}
}

// sum returns the digest, nil where it can't be known. It is computed once for all keys that are tried.
func (c *content) sum(algorithm crypto.Hash) []byte {
	if sum, known := c.sums[algorithm]; known || c.message == nil {
		return sum
	}
	h := algorithm.New()
	h.Write(c.message)
	sum := h.Sum(nil)
	c.sums[algorithm] = sum
	return sum
}

// algorithms are the hash functions that Cosign signs with: the one that fits the key, and SHA-256, which it used for all keys
// before. Keys in clouds' services use longer ones with RSA.
func algorithms(key crypto.PublicKey) []crypto.Hash {
	switch key := key.(type) {
	case *rsa.PublicKey:
		return []crypto.Hash{crypto.SHA256, crypto.SHA384, crypto.SHA512}
	case *ecdsa.PublicKey:
		switch key.Curve {
		case elliptic.P384():
			return []crypto.Hash{crypto.SHA384, crypto.SHA256}
		case elliptic.P521():
			return []crypto.Hash{crypto.SHA512, crypto.SHA256}
		}
		return []crypto.Hash{crypto.SHA256}
	case ed25519.PublicKey:
		return []crypto.Hash{crypto.SHA512}
	}
	return nil
}

// checkable says whether enough is known of the content to try a key.
func (c *content) checkable(key crypto.PublicKey) bool {
	for _, algorithm := range algorithms(key) {
		if c.sum(algorithm) != nil {
			return true
		}
	}
	return false
}

// signedBy says whether signature is one of the key over the content.
func (c *content) signedBy(key crypto.PublicKey, signature []byte) bool {
	if key, is := key.(ed25519.PublicKey); is && c.message != nil && ed25519.Verify(key, c.message, signature) {
		return true
	}
	for _, algorithm := range algorithms(key) {
		if sum := c.sum(algorithm); sum != nil && verifies(key, algorithm, sum, signature) {
			return true
		}
	}
	return false
}

func verifies(key crypto.PublicKey, algorithm crypto.Hash, sum, signature []byte) bool {
	switch key := key.(type) {
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(key, algorithm, sum, signature) == nil || rsa.VerifyPSS(key, algorithm, sum, signature, nil) == nil
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(key, sum, signature)
	case ed25519.PublicKey:
		return ed25519.VerifyWithOptions(key, sum, signature, &ed25519.Options{Hash: algorithm}) == nil
	}
	return false
}
