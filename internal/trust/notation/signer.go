package notation

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/notaryproject/notation-core-go/signature"
	"github.com/notaryproject/notation-go"
	"github.com/notaryproject/notation-go/verifier"
	"github.com/notaryproject/notation-go/verifier/trustpolicy"
	"github.com/notaryproject/notation-go/verifier/truststore"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/trust/evidence"
	"github.com/havenregistry/haven/internal/trust/policy"
)

// signer is one of the policy's, with the trust store and the trust policy that the library takes.
type signer struct {
	name     string
	store    store
	document *trustpolicy.Document
	tsa      *x509.CertPool // nil without a time-stamping authority
	lists    []*x509.RevocationList
	mode     string // of revocation: enforce, log, skip
}

// store is a trust store in memory. What it holds are authorities, and never signing authorities or time-stamping ones.
type store []*x509.Certificate

// GetCertificates implements truststore.X509TrustStore.
func (s store) GetCertificates(_ context.Context, kind truststore.Type, _ string) ([]*x509.Certificate, error) {
	if kind != truststore.TypeCA {
		return nil, fmt.Errorf("there is no trust store of type %s", kind)
	}
	return s, nil
}

func newSigner(path, name string, n policy.Notation) (signer, error) {
	s := signer{name: name, mode: n.Revocation}
	if s.mode == "" {
		s.mode = "log"
	}
	if !slices.Contains([]string{"enforce", "log", "skip"}, s.mode) {
		return signer{}, fault.Invalidf("%s.revocation: want enforce, log or skip", path)
	}
	var err error
	if s.store, err = certificates(path+".certificates", n.Certificates); err != nil {
		return signer{}, err
	}
	if len(s.store) == 0 {
		return signer{}, fault.Invalidf("%s.certificates: want at least one certificate in PEM", path)
	}
	for i := range s.store {
		if err := truststore.ValidateCertificates(s.store[i : i+1]); err != nil {
			return signer{}, fault.Invalidf("%s.certificates: number %d is neither an authority's nor self-signed; give the one that issued it", path, i+1)
		}
	}
	if s.tsa, err = stampAuthorities(path+".tsa", n.TSA); err != nil {
		return signer{}, err
	}
	if s.lists, err = revocationLists(path+".crls", n.CRLs); err != nil {
		return signer{}, err
	}
	s.document, err = document(path+".identities", n.Identities, s.mode)
	return s, err
}

// document writes the trust policy. Times are only logged, because the library asks its own clock for them.
func document(path string, identities []string, mode string) (*trustpolicy.Document, error) {
	revocation := trustpolicy.ActionEnforce // the validator knows what "log" means here
	if mode == "skip" {
		revocation = trustpolicy.ActionSkip
	}
	write := func(names ...string) *trustpolicy.Document {
		return &trustpolicy.Document{Version: "1.0", TrustPolicies: []trustpolicy.TrustPolicy{{
			Name: "haven", RegistryScopes: []string{"*"}, TrustStores: []string{"ca:haven"}, TrustedIdentities: names,
			SignatureVerification: trustpolicy.SignatureVerification{
				VerificationLevel: trustpolicy.LevelStrict.Name,
				Override: map[trustpolicy.ValidationType]trustpolicy.ValidationAction{
					trustpolicy.TypeAuthenticTimestamp: trustpolicy.ActionLog,
					trustpolicy.TypeExpiry:             trustpolicy.ActionLog,
					trustpolicy.TypeRevocation:         revocation,
				}},
		}}}
	}
	names := make([]string, len(identities))
	for i, id := range identities {
		if names[i] = id; id != "*" && !strings.HasPrefix(id, "x509.subject:") {
			names[i] = "x509.subject:" + id
		}
		if err := write(names[i]).Validate(); err != nil {
			return nil, fault.Invalidf("%s[%d]: want a distinguished name as Notation takes it, C=US, ST=WA, O=acme: %s", path, i, clean(innermost(err).Error()))
		}
	}
	whole := write(names...)
	if err := whole.Validate(); err != nil {
		return nil, fault.Invalidf("%s: %s", path, clean(innermost(err).Error()))
	}
	return whole, nil
}

func innermost(err error) error {
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return err
}

// certificates reads a bundle of certificates; none from "".
func certificates(path, bundle string) ([]*x509.Certificate, error) {
	var list []*x509.Certificate
	for i, der := range blocks(bundle) {
		if der.Type != "CERTIFICATE" {
			return nil, fault.Invalidf("%s: block %d is a %s, not a CERTIFICATE", path, i+1, clean(der.Type))
		}
		c, err := x509.ParseCertificate(der.Bytes)
		if err != nil {
			return nil, fault.Invalidf("%s: certificate %d can't be read: %s", path, i+1, clean(err.Error()))
		}
		if err := checkKey(c); err != nil {
			return nil, fault.Invalidf("%s: %v", path, err)
		}
		list = append(list, c)
	}
	if err := whole(path, bundle, len(list)); err != nil {
		return nil, err
	}
	return list, nil
}

func blocks(bundle string) []*pem.Block {
	var list []*pem.Block
	for block, rest := pem.Decode([]byte(bundle)); block != nil; block, rest = pem.Decode(rest) {
		list = append(list, block)
	}
	return list
}

// whole refuses a bundle of which a part would be passed over: words between blocks may be, a damaged block not.
func whole(path, bundle string, found int) error {
	if strings.Count(bundle, "-----BEGIN ") != found || found == 0 && strings.TrimSpace(bundle) != "" {
		return fault.Invalidf("%s: isn't PEM, or a block of it is damaged", path)
	}
	return nil
}

// finding is what an envelope is worth for one signer.
type finding struct {
	state  evidence.State
	reason string
	closer bool // it comes from the signer's authority, so that the reason says more than that nobody is known
	at     time.Time
	until  time.Time
}

// judge says what an envelope that has no refusal is worth for the signer.
func (s signer) judge(ctx context.Context, e *envelope, subject oci.Descriptor, now time.Time) finding {
	if _, err := signature.VerifyAuthenticity(&e.info, s.store); err != nil {
		return finding{state: evidence.Unverified}
	}
	revoked := &revocations{lists: s.lists, enforce: s.mode == "enforce", now: now}
	if f, ok := s.library(ctx, e, subject, revoked); !ok {
		return f
	}
	return s.timed(ctx, e, now, revoked.until)
}

// library has the Notary Project's verifier judge the authority, the subject and, by ours, the revocation; ok is false with a
// finding against it.
func (s signer) library(ctx context.Context, e *envelope, subject oci.Descriptor, revoked *revocations) (f finding, ok bool) {
	library, err := verifier.NewWithOptions(s.document, s.store, nil, verifier.VerifierOptions{
		RevocationCodeSigningValidator: revoked, RevocationTimestampingValidator: revoked})
	if err != nil {
		return finding{state: evidence.Invalid, reason: "it can't be judged: " + clean(err.Error())}, false
	}
	outcome, err := library.Verify(ctx, ocispec.Descriptor{MediaType: subject.MediaType, Digest: digest.Digest(subject.Digest), Size: subject.Size}, e.raw,
		// The policy's scope is everything; the library only wants the reference to be one.
		notation.VerifierVerifyOptions{ArtifactReference: "registry.invalid/artifact@" + string(subject.Digest), SignatureMediaType: e.mediaType})
	if err == nil {
		return finding{}, true
	}
	switch {
	case failed(outcome, trustpolicy.TypeAuthenticity):
		return finding{state: evidence.Unverified, closer: true,
			reason: fmt.Sprintf("it is by %s, which an authority of %q knows, but which isn't one of its names", clean(e.leaf().Subject.String()), s.name)}, false
	case failed(outcome, trustpolicy.TypeRevocation) && revoked.reason != "":
		return finding{state: evidence.Invalid, closer: true, reason: revoked.reason}, false
	}
	return finding{state: evidence.Invalid, closer: true, reason: "it doesn't verify: " + clean(err.Error())}, false
}

// failed says whether it was a check of this type that the library refused for.
func failed(outcome *notation.VerificationOutcome, kind trustpolicy.ValidationType) bool {
	return outcome != nil && slices.ContainsFunc(outcome.VerificationResults, func(r *notation.ValidationResult) bool {
		return r.Type == kind && r.Error != nil && r.Action == trustpolicy.ActionEnforce
	})
}
