package notation

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/notaryproject/notation-core-go/signature"
	"github.com/notaryproject/notation-core-go/signature/cose"
	"github.com/notaryproject/notation-core-go/signature/jws"
	"github.com/notaryproject/notation-go/verifier"
	gocose "github.com/veraison/go-cose"

	"github.com/havenregistry/haven/internal/oci"
)

const (
	mostCertificates   = 10
	longestCertificate = 64 << 10
	largestRSA         = 8192 // bits; larger keys take longer than a signature is worth
	longestStamp       = 128 << 10

	payloadType = "application/vnd.cncf.notary.payload.v1+json"
	stampHeader = "io.cncf.notary.timestampSignature"
)

// envelope is one that says what was signed and by whom, and wasn't changed since. Whether it is to be trusted isn't said.
type envelope struct {
	mediaType string
	raw       []byte
	info      signature.SignerInfo // its chain goes from the signing certificate to a self-signed root
	payload   signature.Payload
}

func (e *envelope) leaf() *x509.Certificate { return e.info.CertificateChain[0] }

func isEnvelope(mediaType string) bool {
	return mediaType == jws.MediaTypeEnvelope || mediaType == cose.MediaTypeEnvelope
}

// open checks an envelope by itself. Its errors are words for people.
func open(mediaType string, raw []byte) (*envelope, error) {
	if err := checkBounds(mediaType, raw); err != nil {
		return nil, fmt.Errorf("it can't be read: %w", err)
	}
	parsed, err := signature.ParseEnvelope(mediaType, raw)
	if err != nil {
		return nil, fmt.Errorf("it can't be read: %s", clean(err.Error()))
	}
	content, err := parsed.Verify()
	if err != nil {
		if _, changed := errors.AsType[*signature.SignatureIntegrityError](err); changed {
			return nil, fmt.Errorf("it was changed after it was signed: %s", clean(err.Error()))
		}
		return nil, fmt.Errorf("it isn't a signature as Notation makes it: %s", clean(err.Error()))
	}
	return &envelope{mediaType: mediaType, raw: raw, info: content.SignerInfo, payload: content.Payload}, nil
}

// checkBounds looks at what the library would do work for: it verifies chains of any length, with keys of any size.
func checkBounds(mediaType string, raw []byte) error {
	chain, stamp, err := outline(mediaType, raw)
	if err != nil {
		return err
	}
	if len(chain) == 0 {
		return errors.New("it has no certificates")
	}
	if len(chain) > mostCertificates {
		return fmt.Errorf("it has %d certificates, more than %d", len(chain), mostCertificates)
	}
	if len(stamp) > longestStamp {
		return fmt.Errorf("its time stamp of %d bytes is larger than %d", len(stamp), longestStamp)
	}
	for _, der := range chain {
		if len(der) > longestCertificate {
			return fmt.Errorf("a certificate of %d bytes is larger than %d", len(der), longestCertificate)
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return fmt.Errorf("a certificate can't be read: %s", clean(err.Error()))
		}
		if err := checkKey(c); err != nil {
			return err
		}
	}
	return nil
}

func checkKey(c *x509.Certificate) error {
	if key, ok := c.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() > largestRSA {
		return fmt.Errorf("the key of the certificate %s has %d bits, more than %d", clean(c.Subject.String()), key.N.BitLen(), largestRSA)
	}
	return nil
}

// outline finds the chain and the time stamp where the library will look for them.
func outline(mediaType string, raw []byte) (chain [][]byte, stamp []byte, err error) {
	if mediaType == jws.MediaTypeEnvelope {
		var e struct {
			Header struct {
				Chain [][]byte `json:"x5c"`
				Stamp []byte   `json:"io.cncf.notary.timestampSignature"`
			} `json:"header"`
		}
		if err := json.Unmarshal(raw, &e); err != nil {
			return nil, nil, errors.New(clean(err.Error()))
		}
		return e.Header.Chain, e.Header.Stamp, nil
	}
	var e gocose.Sign1Message
	if err := e.UnmarshalCBOR(raw); err != nil {
		return nil, nil, errors.New(clean(err.Error()))
	}
	certificates, _ := e.Headers.Unprotected[gocose.HeaderLabelX5Chain].([]any)
	for _, c := range certificates {
		der, ok := c.([]byte)
		if !ok {
			return nil, nil, errors.New("a certificate isn't bytes")
		}
		chain = append(chain, der)
	}
	stamp, _ = e.Headers.Unprotected[stampHeader].([]byte)
	return chain, stamp, nil
}

// refusal says what is wrong with an envelope whoever made it; "" for nothing.
func (e *envelope) refusal(subject oci.Descriptor, now time.Time) string {
	if e.payload.ContentType != payloadType {
		return "it signs something of type " + clean(e.payload.ContentType) + ", not an artifact"
	}
	if reason := e.unknownAttribute(); reason != "" {
		return reason
	}
	var signed struct {
		Target *oci.Descriptor `json:"targetArtifact"`
	}
	if err := json.Unmarshal(e.payload.Content, &signed); err != nil || signed.Target == nil {
		return "what it signs can't be read"
	}
	target := *signed.Target
	switch {
	case target.Digest != subject.Digest:
		return "it is about " + clean(string(target.Digest)) + ", not about this artifact"
	case target.Size != subject.Size || target.MediaType != subject.MediaType:
		return fmt.Sprintf("it is about %d bytes of type %s, and this artifact has %d of type %s",
			target.Size, clean(target.MediaType), subject.Size, subject.MediaType)
	}
	if expiry := e.info.SignedAttributes.Expiry; !expiry.IsZero() && !now.Before(expiry) {
		return "it expired at " + written(expiry)
	}
	return ""
}

// unknownAttribute says what has to be understood for the signature to be worth something, and isn't.
func (e *envelope) unknownAttribute() string {
	var critical []string
	for _, attribute := range e.info.SignedAttributes.ExtendedAttributes {
		name, _ := attribute.Key.(string)
		if slices.Contains(verifier.VerificationPluginHeaders, name) {
			return "it needs a plugin, which Haven does not run"
		}
		if attribute.Critical {
			critical = append(critical, clean(fmt.Sprint(attribute.Key)))
		}
	}
	if len(critical) == 0 {
		return ""
	}
	slices.Sort(critical)
	return clean("its attributes must be understood and aren't: " + strings.Join(critical, ", "))
}

func written(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// clean makes words of strangers fit for a page and a terminal: one line of at most 300 characters.
func clean(s string) string {
	const most = 300
	n := 0
	cleaned := strings.Map(func(r rune) rune {
		if n++; n > most {
			return -1
		}
		if unicode.IsSpace(r) {
			return ' '
		}
		if !unicode.IsPrint(r) {
			return '\ufffd'
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
	if n > most {
		cleaned += "…"
	}
	return cleaned
}
