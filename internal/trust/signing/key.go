package signing

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"time"

	"github.com/havenregistry/haven/internal/trust/sigstore"
)

// Key is the public part of a key that Haven signs, or signed, with.
type Key struct {
	ID     int64
	Format Format // Cosign or Notation
	Public string // PEM (PKIX)
	// Certificate is the authority's, in PEM, of a key of Notation's: what goes into a trust store.
	Certificate string
	// Fingerprint is SHA256: and hex, of the public key (PKIX), or of the authority's certificate.
	Fingerprint string
	CreatedAt   time.Time
	Current     bool // it signs
	Elsewhere   bool // the private part is the signing program's
}

// newKey is a key that was just made.
type newKey struct {
	Key
	certificates string // PEM: the signing certificate, and the authority's
	private      []byte // PKCS #8; nothing of one that is elsewhere
}

const (
	// keyLife is how long certificates are good for. Without a time stamp a signature dies with its certificate.
	keyLife = 10 // years
	// skew is how far clocks of those who verify may lag behind.
	skew = time.Hour
)

// makeKey makes a key (ECDSA P-256), or asks the signing program for its own where there is one, and makes the certificates that
// Notation wants with one.
func (s *Service) makeKey(ctx context.Context, format Format) (k newKey, err error) {
	public, private, err := s.newPair(ctx, format)
	if err != nil {
		return k, err
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return k, fmt.Errorf("make a key: %w", err)
	}
	now := s.clock()
	k.Key = Key{Format: format, Public: encodePEM("PUBLIC KEY", der), Fingerprint: fingerprint(der), CreatedAt: now, Current: true, Elsewhere: s.program != nil}
	k.private = private
	if format != Notation {
		return k, nil
	}
	leaf, authority, err := certify(public, now)
	if err != nil {
		return k, fmt.Errorf("make the certificates of a key: %w", err)
	}
	k.Certificate, k.Fingerprint = encodePEM("CERTIFICATE", authority), fingerprint(authority)
	k.certificates = encodePEM("CERTIFICATE", leaf) + k.Certificate
	return k, nil
}

func (s *Service) newPair(ctx context.Context, format Format) (public *ecdsa.PublicKey, private []byte, err error) {
	if s.program != nil {
		public, err = s.program.publicKey(ctx, format)
		return public, nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("make a key: %w", err)
	}
	if private, err = x509.MarshalPKCS8PrivateKey(key); err != nil {
		return nil, nil, fmt.Errorf("make a key: %w", err)
	}
	return &key.PublicKey, private, nil
}

// certify makes an authority that signs one certificate, and is forgotten. The rules are Notation's: a chain of two, critical key usages,
// nothing but signing code. Its trust policies compare subjects by C, ST and O, so they are there.
func certify(key crypto.PublicKey, now time.Time) (leaf, authority []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	serials := make([]byte, 32)
	rand.Read(serials) // never fails
	from, until := now.Add(-skew).UTC(), now.AddDate(keyLife, 0, 0).UTC()
	name := func(what string) pkix.Name {
		return pkix.Name{Country: []string{"ZZ"}, Province: []string{"Haven"}, Organization: []string{"Haven"},
			CommonName: what + " " + hex.EncodeToString(serials[1:5])}
	}
	ca := &x509.Certificate{
		SerialNumber: serial(serials[:16]), Subject: name("Haven signing authority"), NotBefore: from, NotAfter: until,
		KeyUsage: x509.KeyUsageCertSign, BasicConstraintsValid: true, IsCA: true, MaxPathLenZero: true,
	}
	if authority, err = x509.CreateCertificate(rand.Reader, ca, ca, private.Public(), private); err != nil {
		return nil, nil, err
	}
	if ca, err = x509.ParseCertificate(authority); err != nil {
		return nil, nil, err
	}
	signing := &x509.Certificate{
		SerialNumber: serial(serials[16:]), Subject: name("Haven signing"), NotBefore: from, NotAfter: until,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}, BasicConstraintsValid: true,
	}
	leaf, err = x509.CreateCertificate(rand.Reader, signing, ca, key, private)
	return leaf, authority, err
}

// serial is a positive number of at most 20 bytes, as RFC 5280 wants it.
func serial(random []byte) *big.Int {
	n := new(big.Int).SetBytes(random)
	return n.SetBit(n, 0, 1)
}

func encodePEM(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	return "SHA256:" + hex.EncodeToString(sum[:])
}

// signer is a key that signs.
type signer struct {
	id     int64
	public *ecdsa.PublicKey
	sum    func(sum []byte) ([]byte, error) // signs a SHA-256 (ASN.1)
	hint   string                           // by which bundles name the key
	chain  []*x509.Certificate              // of Notation: the signing certificate, and the authority's
}

// newSigner reads what makeKey made.
func newSigner(id int64, public *ecdsa.PublicKey, certificates string) (*signer, error) {
	hint, err := sigstore.HintOf(public)
	if err != nil {
		return nil, fmt.Errorf("read signing key %d: %w", id, err)
	}
	s := &signer{id: id, public: public, hint: hint}
	for rest := []byte(certificates); len(bytes.TrimSpace(rest)) > 0; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return nil, fmt.Errorf("read the certificates of signing key %d: no PEM", id)
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("read the certificates of signing key %d: %w", id, err)
		}
		s.chain = append(s.chain, certificate)
	}
	return s, nil
}

// openSigner is the signer of a key that Haven has. Without a source of randomness a signature is the same each time, by RFC 6979.
func openSigner(id int64, private []byte, certificates string) (*signer, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(private)
	if err != nil {
		return nil, fmt.Errorf("read signing key %d: %w", id, err)
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("read signing key %d: it is a %T", id, parsed)
	}
	s, err := newSigner(id, &key.PublicKey, certificates)
	if err == nil {
		s.sum = func(sum []byte) ([]byte, error) { return key.Sign(nil, sum, crypto.SHA256) }
	}
	return s, err
}

// elsewhere is the signer of a key that the signing program has. What that signs with another key is refused, and so is
// what is no signature. It signs anew each time, with other bytes.
func (s *Service) elsewhere(ctx context.Context, id int64, format Format, public, certificates string) (*signer, error) {
	if s.program == nil {
		return nil, refuse("signing key %d is with a signing program, and there is none: set signing_program, or have another key made", id)
	}
	block, _ := pem.Decode([]byte(public))
	if block == nil {
		return nil, fmt.Errorf("read signing key %d: no PEM", id)
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read signing key %d: %w", id, err)
	}
	key, ok := parsed.(*ecdsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("read signing key %d: it is a %T", id, parsed)
	}
	made, err := newSigner(id, key, certificates)
	if err != nil {
		return nil, err
	}
	made.sum = func(sum []byte) ([]byte, error) {
		signature, err := s.program.sign(ctx, format, sum)
		if err == nil && !ecdsa.VerifyASN1(key, sum, signature) {
			err = s.program.fails("signs with another key than key %d: have its key made the one that signs", id)
		}
		return signature, err
	}
	return made, nil
}

// sign signs text (ECDSA on its SHA-256, ASN.1).
func (s *signer) sign(text []byte) ([]byte, error) {
	sum := sha256.Sum256(text)
	signature, err := s.sum(sum[:])
	if err != nil {
		return nil, fmt.Errorf("sign with key %d: %w", s.id, err)
	}
	return signature, nil
}
