package cosign

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/digitorus/pkcs7"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/tlog"
	"github.com/sigstore/sigstore-go/pkg/verify"
)

// maker is who made a signature, for comparison with what a log's entry says: a certificate, or a key without one.
type maker struct {
	key         crypto.PublicKey
	certificate *x509.Certificate // nil without
}

var _ verify.VerificationContent = maker{}

// CompareKey implements verify.VerificationContent: an entry must name the very certificate that signed. For a key, one of the key will do.
func (m maker) CompareKey(other any, _ root.TrustedMaterial) bool {
	if certificate, is := other.(*x509.Certificate); is {
		if m.certificate != nil {
			return m.certificate.Equal(certificate)
		}
		other = certificate.PublicKey
	}
	key, is := m.key.(interface {
		Equal(other crypto.PublicKey) bool
	})
	return is && m.certificate == nil && key.Equal(other)
}

// ValidAtTime implements verify.VerificationContent. The whole chain is checked by the times that are proven, and not by others.
func (m maker) ValidAtTime(time.Time, root.TrustedMaterial) bool { return true }

// Certificate implements verify.VerificationContent.
func (m maker) Certificate() *x509.Certificate { return m.certificate }

// Intermediates implements verify.VerificationContent.
func (m maker) Intermediates() []*x509.Certificate { return nil }

// PublicKey implements verify.VerificationContent.
func (m maker) PublicKey() verify.PublicKeyProvider {
	if m.certificate != nil {
		return nil
	}
	return m
}

// Hint implements verify.PublicKeyProvider. Nobody asks for the key of it: logs of the second generation, whose entries would have to be made anew
// from the key, tell no time, and of keys nothing else is wanted.
func (m maker) Hint() string { return "" }

// entity is one signature of a claim, as those see it who compare it with logs' entries.
type entity struct {
	verify.BaseSignedEntity
	signed  verify.SignatureContent
	maker   maker
	entries []*tlog.Entry
}

// SignatureContent implements verify.SignedEntity.
func (e *entity) SignatureContent() (verify.SignatureContent, error) { return e.signed, nil }

// VerificationContent implements verify.SignedEntity.
func (e *entity) VerificationContent() (verify.VerificationContent, error) { return e.maker, nil }

// TlogEntries implements verify.SignedEntity.
func (e *entity) TlogEntries() ([]*tlog.Entry, error) { return e.entries, nil }

// entity makes one of the claim and its signature, with the entries of logs that a knows; others prove nothing and aren't looked at.
func (c *claim) entity(a *anchor, m maker, signature []byte) (*entity, error) {
	e := &entity{maker: m}
	algorithm := "sha256"
	for _, written := range c.entries {
		if _, known := a.logs[hex.EncodeToString(written.GetLogId().GetKeyId())]; !known {
			continue
		}
		if err := isOf(written.GetCanonicalizedBody(), m, signature); err != nil {
			return nil, err
		}
		entry, err := tlog.ParseTransparencyLogEntry(written)
		if err != nil {
			return nil, fmt.Errorf("it can't be read: %w", err)
		}
		if err := tlog.ValidateEntry(entry); err != nil { // before anything else reads it
			return nil, fmt.Errorf("it isn't right: %w", err)
		}
		if _, name, is := entry.GetHashedRekordDigest(); is {
			algorithm = name
		}
		e.entries = append(e.entries, entry)
	}
	e.signed = c.signatureContent(algorithm, signature)
	return e, nil
}

// signatureContent is a signature and what it is of. A log's entry about plain bytes names them by a digest of an algorithm of its choice.
func (c *claim) signatureContent(algorithm string, signature []byte) verify.SignatureContent {
	if c.envelope != nil {
		return &bundle.Envelope{Envelope: &dsse.Envelope{
			PayloadType: c.envelope.payloadType, Payload: base64.StdEncoding.EncodeToString(c.envelope.payload),
			Signatures: []dsse.Signature{{Sig: base64.StdEncoding.EncodeToString(signature)}},
		}}
	}
	hash := crypto.SHA256
	switch algorithm {
	case "sha384", "SHA2_384":
		hash = crypto.SHA384
	case "sha512", "SHA2_512":
		hash = crypto.SHA512
	}
	return bundle.NewMessageSignature(c.content.sum(hash), algorithm, signature)
}

// errNoEntry is for signatures without an entry of a log that the root knows.
var errNoEntry = errors.New("no entry of a known log")

// logged checks that a log of the root has an entry of this signature, by this maker, of this content, and returns when it was made,
// as far as the log has signed that. An entry that is about something else is an error, as is a forged one.
func (c *claim) logged(a *anchor, m maker, signature []byte) ([]time.Time, error) {
	e, err := c.entity(a, m, signature)
	if err != nil {
		return nil, fmt.Errorf("the log's entry isn't one of this signature: %w", err)
	}
	if len(e.entries) == 0 {
		return nil, errNoEntry
	}
	proven, err := verify.VerifyTlogEntry(e, a, 1, true)
	if err != nil {
		return nil, fmt.Errorf("the log's entry isn't one of this signature: %w", err)
	}
	times := make([]time.Time, len(proven))
	for i, p := range proven {
		times[i] = p.Time.UTC()
	}
	return times, nil
}

// stampedTimes returns when the signature was there, by the root's time-stamping authorities. A timestamp of others, or of something else, proves
// nothing.
func (c *claim) stampedTimes(a *anchor, signature []byte) []time.Time {
	var times []time.Time
	for i, stamp := range c.stamps {
		if i == mostStamps {
			break
		}
		if !bounded(stamp) {
			continue
		}
		for _, stamper := range a.stampers {
			proven, err := stamper.Verify(stamp, signature)
			if err != nil && c.stamped != nil { // before Cosign 3 it was of the whole envelope
				proven, err = stamper.Verify(stamp, c.stamped)
			}
			if err == nil {
				times = append(times, proven.Time.UTC())
				break
			}
		}
	}
	return times
}

// bounded says whether a timestamp can be checked in little time: who reads one verifies it by the certificate that it brings, before anybody
// has asked whose that is.
func bounded(stamp []byte) bool {
	if len(stamp) > mostStamp {
		return false
	}
	var response struct {
		Status asn1.RawValue
		Token  asn1.RawValue `asn1:"optional"`
	}
	if _, err := asn1.Unmarshal(stamp, &response); err != nil {
		return false
	}
	signed, err := pkcs7.Parse(response.Token.FullBytes)
	if err != nil {
		return false
	}
	return !slices.ContainsFunc(signed.Certificates, func(c *x509.Certificate) bool {
		key, is := c.PublicKey.(*rsa.PublicKey)
		return is && key.N.BitLen() > mostRSA
	})
}
