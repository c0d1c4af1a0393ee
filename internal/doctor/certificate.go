package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/url"
	"os"
	"time"

	"github.com/havenregistry/haven/internal/servertls"
)

// soonOver is how long before its end a certificate should have been renewed.
const soonOver = 14 * 24 * time.Hour

// certificate looks at the files of HTTPS.
func (g *Given) certificate(_ context.Context, n *Notes) {
	if g.TLSClientCAFile != "" {
		clientAuthorities(n, g.TLSClientCAFile)
	}
	if g.TLSCertFile == "" {
		return // by ACME: what is shown at the external address counts
	}
	cert, err := os.ReadFile(g.TLSCertFile)
	if err != nil {
		n.Wrong("Let the user that Haven runs as read the file.", "tls_cert_file: %v", err)
		return
	}
	key, err := os.ReadFile(g.TLSKeyFile)
	if err != nil {
		n.Wrong("Let the user that Haven runs as read the file.", "tls_key_file: %v", err)
		return
	}
	pair, err := servertls.ParsePair(cert, key)
	if err != nil {
		n.Wrong("Name a chain of certificates, the server's own first, and the private key that belongs to it, both in PEM.", "tls_cert_file and tls_key_file: %v", err)
		return
	}
	if validity(n, "the certificate in "+g.TLSCertFile, pair.Leaf, time.Now()) {
		chain(n, pair)
	}
	for _, raw := range g.ExternalURL {
		u, err := url.Parse(raw)
		if err != nil || u.Scheme != "https" {
			continue
		}
		if err := pair.Leaf.VerifyHostname(u.Hostname()); err != nil {
			n.Wrong("Get a certificate for "+u.Hostname()+".", "the certificate isn't for external_url %s: %v", u, err)
		}
	}
}

// validity notes when a certificate begins and ends. It reports whether it counts now.
func validity(n *Notes, which string, c *x509.Certificate, now time.Time) bool {
	switch left := c.NotAfter.Sub(now); {
	case left <= 0:
		n.Wrong("Renew it; Haven reads the files anew by itself.", "%s has expired on %s", which, c.NotAfter.UTC().Format(time.DateTime))
		return false
	case now.Before(c.NotBefore):
		n.Wrong("See whether this machine's clock is right.", "%s is good from %s on only", which, c.NotBefore.UTC().Format(time.DateTime))
		return false
	case left < soonOver && left < c.NotAfter.Sub(c.NotBefore)/3:
		n.Doubt("Renew it, and see why that wasn't done by itself.", "%s expires on %s", which, c.NotAfter.UTC().Format(time.DateTime))
	default:
		n.Good("%s is good until %s", which, c.NotAfter.UTC().Format(time.DateOnly))
	}
	return true
}

// chain looks whether clients find the way from the certificate to an authority that they know.
func chain(n *Notes, pair *tls.Certificate) {
	between := x509.NewCertPool()
	for _, der := range pair.Certificate[1:] {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			n.Wrong("Write the chain anew.", "tls_cert_file: a certificate of the chain can't be read: %v", err)
			return
		}
		between.AddCert(c)
	}
	_, err := pair.Leaf.Verify(x509.VerifyOptions{Intermediates: between})
	if _, unknown := errors.AsType[x509.UnknownAuthorityError](err); unknown {
		advice := "Put that authority's certificate on the clients (docker: /etc/docker/certs.d/HOST/ca.crt)."
		if len(pair.Certificate) == 1 && pair.Leaf.Issuer.String() != pair.Leaf.Subject.String() {
			advice = "Append the certificates between it and the authority to tls_cert_file; where the authority is your own, put its certificate on the clients (docker: /etc/docker/certs.d/HOST/ca.crt)."
		}
		n.Doubt(advice, "this machine knows no authority that signed the certificate (%s)", pair.Leaf.Issuer)
		return
	}
	if err != nil {
		n.Wrong("Get a certificate for servers.", "the certificate's chain: %v", err)
	}
}

func clientAuthorities(n *Notes, file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		n.Wrong("Let the user that Haven runs as read the file.", "tls_client_ca_file: %v", err)
		return
	}
	found := 0
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			continue
		}
		found++
		if time.Now().After(c.NotAfter) {
			n.Wrong("Replace it, and the certificates of clients that it signed.", "the authority %s in tls_client_ca_file has expired on %s", c.Subject, c.NotAfter.UTC().Format(time.DateOnly))
		}
	}
	if found == 0 {
		n.Wrong("Name a file with the certificates of the authorities in PEM.", "tls_client_ca_file has no certificate in it")
	}
}
