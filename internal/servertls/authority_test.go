package servertls

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"testing"
	"time"
)

// authority signs certificates for tests.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// issued is a certificate with its key, in PEM, and what it says.
type issued struct {
	cert, key []byte
	leaf      *x509.Certificate
}

func (i issued) pair(t *testing.T) tls.Certificate {
	t.Helper()
	pair, err := tls.X509KeyPair(i.cert, i.key)
	ok(t, err)
	return pair
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{key: newKey(t)}
	a.cert = a.sign(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "An authority"}, NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, a.key)
	return a
}

func (a *authority) pem() []byte { return encoded("CERTIFICATE", a.cert.Raw) }

// issue makes a certificate that servers and clients of that name can show, for so long.
func (a *authority) issue(t *testing.T, name string, life time.Duration) issued {
	t.Helper()
	key := newKey(t)
	leaf := a.sign(t, &x509.Certificate{
		DNSNames: []string{name}, NotAfter: time.Now().Add(life), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, key)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	ok(t, err)
	return issued{encoded("CERTIFICATE", leaf.Raw), encoded("PRIVATE KEY", der), leaf}
}

func (a *authority) sign(t *testing.T, template *x509.Certificate, key *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	by := a.cert
	if by == nil {
		by = template
	}
	template.NotBefore = time.Now().Add(-time.Hour)
	var err error
	template.SerialNumber, err = rand.Int(rand.Reader, big.NewInt(1<<62))
	ok(t, err)
	der, err := x509.CreateCertificate(rand.Reader, template, by, key.Public(), a.key)
	ok(t, err)
	cert, err := x509.ParseCertificate(der)
	ok(t, err)
	return cert
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ok(t, err)
	return key
}

func encoded(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
