package cosign

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"

	"github.com/havenregistry/haven/internal/trust/policy"
)

// anchor is a root of the policy, made ready: what certificates with identities are verified by.
type anchor struct {
	root.BaseTrustedMaterial
	name        string
	authorities []root.CertificateAuthority
	logs        map[string]*root.TransparencyLog // by hex id; with one, an entry is demanded
	ctLogs      map[string]*root.TransparencyLog // by hex id; with one, a certificate's timestamp is demanded
	stampers    []root.TimestampingAuthority
}

// RekorLogs implements root.TrustedMaterial.
func (a *anchor) RekorLogs() map[string]*root.TransparencyLog { return a.logs }

// CTLogs implements root.TrustedMaterial.
func (a *anchor) CTLogs() map[string]*root.TransparencyLog { return a.ctLogs }

// newAnchor reads a root of the policy. field is where it stands in the document.
func newAnchor(field, name string, r policy.Root) (*anchor, error) {
	a := &anchor{name: name}
	if len(r.TrustedRoot) > 0 {
		if r.CA != "" || r.Log != "" || r.CTLog != "" || r.TSA != "" {
			return nil, fmt.Errorf("%s: has trusted_root and parts; want one or the other", field)
		}
		if err := a.trustedRoot(r.TrustedRoot); err != nil {
			return nil, fmt.Errorf("%s.trusted_root: %w", field, err)
		}
		return a, nil
	}
	var err error
	if a.authorities, err = authorities(r.CA); err != nil {
		return nil, fmt.Errorf("%s.ca: %w", field, err)
	}
	if a.logs, err = logs(r.Log); err != nil {
		return nil, fmt.Errorf("%s.log: %w", field, err)
	}
	if a.ctLogs, err = logs(r.CTLog); err != nil {
		return nil, fmt.Errorf("%s.ct_log: %w", field, err)
	}
	if a.stampers, err = stampers(r.TSA); err != nil {
		return nil, fmt.Errorf("%s.tsa: %w", field, err)
	}
	return a, nil
}

// trustedRoot reads Sigstore's trusted_root.json.
func (a *anchor) trustedRoot(document []byte) error {
	const most = 1 << 20
	if len(document) > most {
		return fmt.Errorf("is larger than %d bytes", most)
	}
	trusted, err := root.NewTrustedRootFromJSON(document)
	if err != nil {
		return fmt.Errorf("isn't one that can be read: %w", err)
	}
	a.authorities = trusted.FulcioCertificateAuthorities()
	a.logs, a.ctLogs, a.stampers = trusted.RekorLogs(), trusted.CTLogs(), trusted.TimestampingAuthorities()
	if len(a.authorities) == 0 {
		return errors.New("names no certificate authority")
	}
	return nil
}

// authorities makes one of each root certificate in the bundle, each with all that aren't roots between it and the signers. In a bundle
// without self-signed certificates all of them are what trust begins with.
func authorities(bundle string) ([]root.CertificateAuthority, error) {
	certificates, err := parseCertificates(bundle, mostBlocks)
	if err != nil {
		return nil, err
	}
	for i, c := range certificates {
		if !c.IsCA {
			return nil, fmt.Errorf("certificate %d isn't an authority's", i+1)
		}
	}
	roots, between := split(certificates)
	found := make([]root.CertificateAuthority, len(roots))
	for i, r := range roots {
		found[i] = &root.FulcioCertificateAuthority{Root: r, Intermediates: between}
	}
	return found, nil
}

// split tells where trust begins from what leads there.
func split(certificates []*x509.Certificate) (roots, between []*x509.Certificate) {
	for _, c := range certificates {
		if bytes.Equal(c.RawSubject, c.RawIssuer) && c.CheckSignatureFrom(c) == nil {
			roots = append(roots, c)
		} else {
			between = append(between, c)
		}
	}
	if len(roots) == 0 {
		return certificates, nil
	}
	return roots, between
}

// logs reads the public keys of logs; none in an empty text. A log's id is the SHA-256 of its key.
func logs(bundle string) (map[string]*root.TransparencyLog, error) {
	if bundle == "" {
		return nil, nil
	}
	blocks, err := pemBlocks(bundle, "PUBLIC KEY", mostBlocks)
	if err != nil {
		return nil, err
	}
	found := make(map[string]*root.TransparencyLog, len(blocks))
	for i, block := range blocks {
		key, err := parsePKIX(block)
		if err != nil {
			return nil, fmt.Errorf("key %d %w", i+1, err)
		}
		id := sha256.Sum256(block)
		found[hex.EncodeToString(id[:])] = &root.TransparencyLog{
			ID: id[:], PublicKey: key, HashFunc: crypto.SHA256, SignatureHashFunc: signingHash(key),
			// A log without a beginning is refused; a key in a policy counts for all times.
			ValidityPeriodStart: time.Unix(0, 0),
		}
	}
	return found, nil
}

// signingHash is what logs with such a key sign their tree heads with.
func signingHash(key crypto.PublicKey) crypto.Hash {
	switch key := key.(type) {
	case *rsa.PublicKey:
		return crypto.SHA256
	case *ecdsa.PublicKey:
		return algorithms(key)[0]
	}
	return crypto.SHA512
}

// stampers reads certificates of time-stamping authorities; none in an empty text. Where the certificate that signs timestamps is in the
// bundle no other will do; else timestamps carry it.
func stampers(bundle string) ([]root.TimestampingAuthority, error) {
	if bundle == "" {
		return nil, nil
	}
	certificates, err := parseCertificates(bundle, mostBlocks)
	if err != nil {
		return nil, err
	}
	var issuing, signing []*x509.Certificate
	for _, c := range certificates {
		if c.IsCA {
			issuing = append(issuing, c)
		} else {
			signing = append(signing, c)
		}
	}
	roots, between := split(issuing)
	if len(roots) == 0 { // nothing but certificates that sign: each stands for itself
		roots = signing
	}
	if len(signing) == 0 {
		signing = []*x509.Certificate{nil}
	}
	var found []root.TimestampingAuthority
	for _, r := range roots {
		for _, s := range signing {
			found = append(found, &root.SigstoreTimestampingAuthority{Root: r, Intermediates: between, Leaf: s})
		}
	}
	return found, nil
}

// chains returns how an authority of this root has issued the certificate, as of a time, and when that ends; none if it hasn't, or not
// then. between is what the signature says stands between, and needn't be trusted.
func (a *anchor) chains(leaf *x509.Certificate, between []*x509.Certificate, at time.Time) (found [][]*x509.Certificate, until time.Time) {
	for _, authority := range a.authorities {
		if f, is := authority.(*root.FulcioCertificateAuthority); is && len(between) > 0 {
			with := *f
			with.Intermediates = slices.Concat(f.Intermediates, between)
			authority = &with
		}
		if found, err := authority.Verify(leaf, at); err == nil && len(found) > 0 {
			return found, end(authority, found[0])
		}
	}
	return nil, time.Time{}
}

// end is when the first thing that a chain rests on ends.
func end(authority root.CertificateAuthority, chain []*x509.Certificate) time.Time {
	first := chain[0].NotAfter
	for _, c := range chain[1:] {
		if c.NotAfter.Before(first) {
			first = c.NotAfter
		}
	}
	if f, is := authority.(*root.FulcioCertificateAuthority); is && !f.ValidityPeriodEnd.IsZero() && f.ValidityPeriodEnd.Before(first) {
		first = f.ValidityPeriodEnd
	}
	return first
}

// issued says whether an authority of this root has issued the certificate at all, whatever the time is.
func (a *anchor) issued(leaf *x509.Certificate, between []*x509.Certificate, now time.Time) bool {
	if !a.reached(append([]*x509.Certificate{leaf}, between...)) {
		return false
	}
	for _, at := range []time.Time{now, leaf.NotBefore, leaf.NotAfter} {
		if chains, _ := a.chains(leaf, between, at); chains != nil {
			return true
		}
	}
	return false
}

// reached says whether a certificate of this root has signed one of a chain: what crypto/x509 does with strangers' chains takes long.
func (a *anchor) reached(chain []*x509.Certificate) bool {
	for _, authority := range a.authorities {
		f, is := authority.(*root.FulcioCertificateAuthority)
		if !is {
			return true
		}
		for _, above := range append([]*x509.Certificate{f.Root}, f.Intermediates...) {
			if slices.ContainsFunc(chain, func(c *x509.Certificate) bool { return signs(above, c) }) {
				return true
			}
		}
	}
	return false
}

func signs(above, below *x509.Certificate) bool {
	return bytes.Equal(above.RawSubject, below.RawIssuer) && below.CheckSignatureFrom(above) == nil
}

// path follows a certificate to those above it, as far as signatures lead, and leaves out all others that a signature brings.
// Strangers can give all theirs one name, so that each would be tried with each: no more are than a chain without detours needs, twice over.
func path(leaf *x509.Certificate, others []*x509.Certificate) []*x509.Certificate {
	left, tries := slices.Clone(others), 2*mostCertificates
	var found []*x509.Certificate
	for at := leaf; ; {
		next := slices.IndexFunc(left, func(c *x509.Certificate) bool {
			if tries == 0 || !bytes.Equal(c.RawSubject, at.RawIssuer) {
				return false
			}
			tries--
			return signs(c, at)
		})
		if next < 0 {
			return found
		}
		at = left[next]
		found, left = append(found, at), slices.Delete(left, next, next+1)
	}
}
