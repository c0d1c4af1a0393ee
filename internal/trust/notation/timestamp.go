package notation

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/notaryproject/notation-core-go/revocation"
	"github.com/notaryproject/notation-core-go/revocation/result"
	"github.com/notaryproject/notation-core-go/signature"
	nx509 "github.com/notaryproject/notation-core-go/x509"
	"github.com/notaryproject/tspclient-go"

	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/trust/evidence"
)

// clocksApart is how far a time-stamping authority's clock may be ahead of ours.
const clocksApart = 5 * time.Minute

// stampAuthorities reads the roots of time-stamping authorities; nil from "".
func stampAuthorities(path, bundle string) (*x509.CertPool, error) {
	list, err := certificates(path, bundle)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	pool := x509.NewCertPool()
	for i, c := range list {
		if c.CheckSignatureFrom(c) != nil || !bytes.Equal(c.RawSubject, c.RawIssuer) {
			return nil, fault.Invalidf("%s: certificate %d isn't a root; give the self-signed certificate of the authority", path, i+1)
		}
		pool.AddCert(c)
	}
	return pool, nil
}

// timed judges the certificates' times: by the stamp of an authority of the policy, else by now. until is when it ends for
// other reasons.
func (s signer) timed(ctx context.Context, e *envelope, now, until time.Time) finding {
	chain := e.info.CertificateChain
	at, stampUntil, stampErr := s.stamped(ctx, e.info, now)
	if stampErr == nil {
		return finding{state: evidence.Verified, at: at, until: evidence.Earlier(until, stampUntil)}
	}
	for _, c := range chain {
		switch name := clean(c.Subject.String()); {
		case now.Before(c.NotBefore):
			return finding{state: evidence.Invalid, closer: true, until: c.NotBefore, reason: fmt.Sprintf("its certificate %s is valid from %s", name, written(c.NotBefore))}
		case !now.Before(c.NotAfter):
			return finding{state: evidence.Invalid, closer: true,
				reason: fmt.Sprintf("its certificate %s expired at %s, and no time stamp proves that it was made before: %s", name, written(c.NotAfter), clean(stampErr.Error()))}
		}
		until = evidence.Earlier(until, c.NotAfter)
	}
	return finding{state: evidence.Verified, until: until}
}

// stamped returns when an authority of the policy has seen the signature, within the life of all its certificates.
func (s signer) stamped(ctx context.Context, info signature.SignerInfo, now time.Time) (at, until time.Time, err error) {
	stamp, until, err := s.stamp(ctx, info, now)
	if err != nil {
		return time.Time{}, time.Time{}, err
	}
	for _, c := range info.CertificateChain {
		if !stamp.BoundedAfter(c.NotBefore) || !stamp.BoundedBefore(c.NotAfter) {
			return time.Time{}, time.Time{}, fmt.Errorf("the stamp's time %s isn't within the life of %s", written(stamp.Value), clean(c.Subject.String()))
		}
	}
	return stamp.Value.UTC(), until, nil
}

// stamp verifies the time stamp of a signature. until is when its authority's revocation lists end, where they must be good.
func (s signer) stamp(ctx context.Context, info signature.SignerInfo, now time.Time) (stamp *tspclient.Timestamp, until time.Time, err error) {
	if s.tsa == nil {
		return nil, until, errors.New("the policy names no time-stamping authority")
	}
	if len(info.UnsignedAttributes.TimestampSignature) == 0 {
		return nil, until, errors.New("it has none")
	}
	token, err := tspclient.ParseSignedToken(info.UnsignedAttributes.TimestampSignature)
	if err != nil {
		return nil, until, fmt.Errorf("read the stamp: %w", err)
	}
	if len(token.SignerInfos) != 1 || len(token.Certificates) > mostCertificates {
		return nil, until, fmt.Errorf("the stamp has %d signers and %d certificates; want 1 and at most %d", len(token.SignerInfos), len(token.Certificates), mostCertificates)
	}
	for _, c := range token.Certificates {
		if err := checkKey(c); err != nil {
			return nil, until, err
		}
	}
	content, err := token.Info()
	if err != nil {
		return nil, until, fmt.Errorf("read the stamp: %w", err)
	}
	if stamp, err = content.Validate(info.Signature); err != nil {
		return nil, until, fmt.Errorf("the stamp isn't of this signature: %w", err)
	}
	if stamp.Value.After(now.Add(clocksApart)) {
		return nil, until, fmt.Errorf("the stamp's time %s is yet to come", written(stamp.Value))
	}
	chain, err := token.Verify(ctx, x509.VerifyOptions{CurrentTime: stamp.Value, Roots: s.tsa})
	if err != nil {
		return nil, until, fmt.Errorf("the stamp isn't by an authority of the policy: %w", err)
	}
	if err := nx509.ValidateTimestampingCertChain(chain); err != nil {
		return nil, until, fmt.Errorf("the stamp's certificates aren't for stamping: %w", err)
	}
	until, err = s.stampGood(ctx, chain, now)
	return stamp, until, err
}

// stampGood asks the policy's revocation lists for the certificates of a stamp.
func (s signer) stampGood(ctx context.Context, chain []*x509.Certificate, now time.Time) (until time.Time, err error) {
	if s.mode == "skip" {
		return time.Time{}, nil
	}
	r := &revocations{lists: s.lists, enforce: s.mode == "enforce", now: now}
	verdicts, err := r.ValidateContext(ctx, revocation.ValidateContextOptions{CertChain: chain})
	if err != nil {
		return time.Time{}, err
	}
	for _, v := range verdicts {
		if v.Result == result.ResultRevoked || v.Result == result.ResultUnknown {
			return time.Time{}, errors.New("of the stamp, " + r.reason)
		}
	}
	return r.until, nil
}
