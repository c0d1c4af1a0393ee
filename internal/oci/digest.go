package oci

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strings"
)

// Algorithm names a hash function that a digest may use.
type Algorithm string

// The registered algorithms of the OCI image specification. No other is accepted.
const (
	SHA256 Algorithm = "sha256"
	SHA512 Algorithm = "sha512"
)

var (
	// ErrDigestInvalid is returned for a string that is not a digest at all.
	ErrDigestInvalid = errors.New("invalid digest")
	// ErrDigestUnsupported is returned for a well-formed digest of an algorithm
	// other than sha256 and sha512.
	ErrDigestUnsupported = errors.New("unsupported digest algorithm")
)

// hexLength is the number of hexadecimal characters of the algorithm's sums, or 0
// when the algorithm is not supported.
func (a Algorithm) hexLength() int {
	switch a {
	case SHA256:
		return sha256.Size * 2
	case SHA512:
		return sha512.Size * 2
	}
	return 0
}

// newHash returns the algorithm's hash function; a is supported.
func (a Algorithm) newHash() hash.Hash {
	if a == SHA512 {
		return sha512.New()
	}
	return sha256.New()
}

// Digest is a content address, "sha256:" or "sha512:" and lower-case hexadecimal.
// The zero value is no digest.
type Digest string

// ParseDigest checks s. It returns ErrDigestInvalid when s has not the form
// algorithm:encoded or has the wrong length or characters for its algorithm, and
// ErrDigestUnsupported when only the algorithm is unknown.
func ParseDigest(s string) (Digest, error) {
	name, encoded, found := strings.Cut(s, ":")
	if !found || !isAlgorithmName(name) || !isEncoded(encoded) {
		return "", fmt.Errorf("%w: want algorithm:hex", ErrDigestInvalid)
	}
	want := Algorithm(name).hexLength()
	if want == 0 {
		return "", fmt.Errorf("%w %q: want sha256 or sha512", ErrDigestUnsupported, shorten(name))
	}
	if len(encoded) != want || !isLowerHex(encoded) {
		return "", fmt.Errorf("%w: %s needs %d lower-case hexadecimal characters", ErrDigestInvalid, name, want)
	}
	return Digest(s), nil
}

// FromBytes returns the digest of content. An algorithm other than sha256 and sha512
// is ErrDigestUnsupported.
func FromBytes(algorithm Algorithm, content []byte) (Digest, error) {
	if algorithm.hexLength() == 0 {
		return "", fmt.Errorf("%w %q: want sha256 or sha512", ErrDigestUnsupported, shorten(string(algorithm)))
	}
	h := algorithm.newHash()
	h.Write(content)
	return fromSum(algorithm, h.Sum(nil)), nil
}

// SHA256Of returns the sha256 digest of content, the canonical address of a manifest.
func SHA256Of(content []byte) Digest {
	sum := sha256.Sum256(content)
	return fromSum(SHA256, sum[:])
}

// FromHash returns the digest that h, a hash made by NewHash of the same algorithm,
// has summed up so far. h can be written on.
func FromHash(algorithm Algorithm, h hash.Hash) Digest {
	return fromSum(algorithm, h.Sum(nil))
}

func fromSum(algorithm Algorithm, sum []byte) Digest {
	return Digest(string(algorithm) + ":" + hex.EncodeToString(sum))
}

// Algorithm is the part before the colon.
func (d Digest) Algorithm() Algorithm {
	name, _, _ := strings.Cut(string(d), ":")
	return Algorithm(name)
}

// Hex is the part after the colon.
func (d Digest) Hex() string {
	_, encoded, _ := strings.Cut(string(d), ":")
	return encoded
}

// NewHash returns an empty hash of the digest's algorithm. d is a parsed digest.
func (d Digest) NewHash() hash.Hash { return d.Algorithm().newHash() }

// Matches says whether content has this digest.
func (d Digest) Matches(content []byte) bool {
	h := d.NewHash()
	h.Write(content)
	return FromHash(d.Algorithm(), h) == d
}

// String returns the digest as it is written in URLs and documents.
func (d Digest) String() string { return string(d) }

// isAlgorithmName says whether s follows the image specification's grammar of
// algorithms: components of [a-z0-9]+ joined by one of "+._-".
func isAlgorithmName(s string) bool {
	joined := true // at the start, or right behind a separator
	for i := range len(s) {
		switch c := s[i]; {
		case isLowerAlphanumeric(c):
			joined = false
		case strings.IndexByte("+._-", c) >= 0 && !joined:
			joined = true
		default:
			return false
		}
	}
	return !joined
}

// isEncoded says whether s follows the grammar of the part behind the colon,
// [a-zA-Z0-9=_-]+.
func isEncoded(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !isLowerAlphanumeric(c) && (c < 'A' || c > 'Z') && c != '=' && c != '_' && c != '-' {
			return false
		}
	}
	return s != ""
}

func isLowerHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

func isLowerAlphanumeric(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
}

// shorten bounds what an error message repeats of a client's input.
func shorten(s string) string {
	const most = 64
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
