package cosign

import (
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sigstore/sigstore-go/pkg/verify"
	"github.com/sigstore/sigstore/pkg/cryptoutils"

	"github.com/havenregistry/haven/internal/trust/evidence"
)

// standing is how far a certificate came before a root, from worst to best.
type standing int

const (
	stranger standing = iota // no authority of the root has issued it
	unnamed                  // the policy doesn't name its holder
	unproven                 // the holder is named, and something that the root demands is missing
	wrongly                  // the holder is named, and something doesn't fit
	proven
)

// verdict is what one credential makes of a claim.
type verdict struct {
	standing  standing
	signers   []string
	by        string
	at, until time.Time
	reason    string
}

// judge tries all keys and roots of the policy.
func (v *Verifier) judge(c *claim, now time.Time) evidence.Piece {
	p := evidence.Piece{Format: evidence.Cosign, PredicateType: c.predicateType, By: c.claimedBy()}
	best := v.byCertificate(c, now)
	verified := v.byKeys(c)
	if best.standing == proven {
		verified = append([]verdict{best}, verified...)
	}
	if len(verified) == 0 {
		p.State, p.Reason, p.Until = evidence.Unverified, best.reason, best.until
		if best.standing == wrongly {
			p.State = evidence.Invalid
		}
		return p
	}
	p.State, p.By, p.Predicate = evidence.Verified, verified[0].by, c.predicate
	names := make(map[string]bool)
	for _, one := range verified {
		p.At, p.Until = evidence.Earlier(p.At, one.at), evidence.Earlier(p.Until, one.until)
		for _, name := range one.signers {
			names[name] = true
		}
	}
	for _, name := range v.signers {
		if names[name] {
			p.Signers = append(p.Signers, name)
			delete(names, name)
		}
	}
	return p
}

// byKeys returns a verdict for each key of the policy that has made the claim. Logs aren't demanded of keys; one that a root knows tells the time.
func (v *Verifier) byKeys(c *claim) []verdict {
	var verdicts []verdict
	for _, key := range v.keys {
		signature, made := c.madeBy(key.key)
		if !made {
			continue
		}
		one := verdict{standing: proven, signers: key.signers, by: key.by}
		for _, a := range v.anchors {
			times, err := c.logged(a, maker{key: key.key}, signature)
			if err == nil && len(times) > 0 {
				one.at = evidence.Earlier(one.at, slices.MinFunc(times, time.Time.Compare))
			}
			for _, at := range c.stampedTimes(a, signature) {
				one.at = evidence.Earlier(one.at, at)
			}
		}
		verdicts = append(verdicts, one)
	}
	return verdicts
}

// byCertificate returns the best of what the policy's roots make of the claim's certificate.
func (v *Verifier) byCertificate(c *claim, now time.Time) verdict {
	leaf := c.leaf()
	if leaf == nil {
		return v.byNobody(c)
	}
	who, err := holderOf(leaf)
	if err != nil {
		return verdict{standing: wrongly, reason: fmt.Sprintf("its certificate %v", err)}
	}
	if err := checkKey(leaf.PublicKey); err != nil {
		return verdict{standing: wrongly, reason: fmt.Sprintf("its certificate's key %v", err)}
	}
	signature, made := c.madeBy(leaf.PublicKey)
	switch {
	case !made && !c.content.checkable(leaf.PublicKey):
		return verdict{reason: "its certificate's key signs by another digest than the artifact's, so that it can't be checked"}
	case !made:
		return verdict{standing: wrongly, reason: "its certificate's key hasn't made it: what was signed has changed, or the signature is another's"}
	}
	readable(leaf)
	between := path(leaf, c.chain[1:])
	best := verdict{reason: "no root of the policy has issued its certificate"}
	for _, a := range v.anchors {
		one := v.byAnchor(c, a, between, who, signature, now)
		switch {
		case one.standing == proven && best.standing == proven:
			best.signers = append(best.signers, one.signers...)
			best.at, best.until = evidence.Earlier(best.at, one.at), evidence.Earlier(best.until, one.until)
		case one.standing > best.standing:
			best = one
		}
	}
	best.by = who.by(leaf)
	return best
}

// byNobody says why a claim without a certificate is nobody's, if no key has made it.
func (v *Verifier) byNobody(c *claim) verdict {
	for _, key := range v.keys {
		if !c.content.checkable(key.key) {
			return verdict{reason: "no key of the policy made it, as far as can be told: it signs the artifact's bytes by their digest, which keys of another algorithm can't be tried with"}
		}
	}
	if len(v.keys) == 0 {
		return verdict{reason: "it was made by a key, and the policy has none"}
	}
	return verdict{reason: "no key of the policy made it, or what was signed has changed"}
}

// readable takes the alternative name off a certificate's extensions that weren't understood: Fulcio writes kinds of names there that
// crypto/x509 doesn't know, and holderOf has read them.
func readable(c *x509.Certificate) {
	c.UnhandledCriticalExtensions = slices.DeleteFunc(c.UnhandledCriticalExtensions, cryptoutils.SANOID.Equal)
}

// byAnchor judges the claim's certificate by one root.
func (v *Verifier) byAnchor(c *claim, a *anchor, between []*x509.Certificate, who holder, signature []byte, now time.Time) verdict {
	leaf := c.leaf()
	if !a.issued(leaf, between, now) {
		return verdict{}
	}
	var one verdict
	for _, i := range v.identities {
		if i.root == a.name && who.is(i) {
			one.signers = append(one.signers, i.signer)
		}
	}
	if len(one.signers) == 0 {
		return verdict{standing: unnamed, reason: fmt.Sprintf("its certificate of the root %s is that of %s, whom no signer of the policy names", shown(a.name), who.by(leaf))}
	}
	times, failed := c.times(a, maker{leaf.PublicKey, leaf}, signature)
	if failed != nil {
		return *failed
	}
	chains, failed := a.valid(leaf, between, times, now, &one)
	if failed != nil {
		return *failed
	}
	if len(a.ctLogs) > 0 && verify.VerifySignedCertificateTimestamp(chains, 1, a) != nil {
		return verdict{standing: unproven, reason: "its certificate has no timestamp of a certificate log that the root " + shown(a.name) + " trusts"}
	}
	one.standing = proven
	return one
}

// times returns when the signature was made, by all that the root believes; none where nothing proves it.
func (c *claim) times(a *anchor, m maker, signature []byte) ([]time.Time, *verdict) {
	var times []time.Time
	if len(a.logs) > 0 {
		logged, err := c.logged(a, m, signature)
		switch {
		case errors.Is(err, errNoEntry):
			return nil, &verdict{standing: unproven, reason: fmt.Sprintf("it has no entry of a log that the root %s trusts", shown(a.name))}
		case err != nil:
			return nil, &verdict{standing: wrongly, reason: shown(err.Error())}
		}
		times = logged
	}
	return append(times, c.stampedTimes(a, signature)...), nil
}

// valid checks the chain as of each proven time, or else now, and notes in one when that was, and until when it counts.
func (a *anchor) valid(leaf *x509.Certificate, between []*x509.Certificate, times []time.Time, now time.Time, one *verdict) ([][]*x509.Certificate, *verdict) {
	const form = time.RFC3339
	var chains [][]*x509.Certificate
	for _, at := range times {
		if chains, _ = a.chains(leaf, between, at); chains == nil {
			return nil, &verdict{standing: wrongly, reason: fmt.Sprintf("it was made at %s, when its certificate, which counts from %s to %s, or one above it didn't count",
				at.Format(form), leaf.NotBefore.UTC().Format(form), leaf.NotAfter.UTC().Format(form))}
		}
		one.at = evidence.Earlier(one.at, at)
	}
	if len(times) > 0 {
		return chains, nil
	}
	chains, one.until = a.chains(leaf, between, now)
	switch {
	case chains != nil:
		return chains, nil
	case now.After(leaf.NotAfter):
		return nil, &verdict{standing: wrongly, reason: fmt.Sprintf("the certificate ended at %s; nothing proves that it was signed before", leaf.NotAfter.UTC().Format(form))}
	case now.Before(leaf.NotBefore):
		return nil, &verdict{standing: wrongly, until: leaf.NotBefore, reason: fmt.Sprintf("the certificate begins only at %s", leaf.NotBefore.UTC().Format(form))}
	}
	return nil, &verdict{standing: wrongly, reason: "a certificate above its own doesn't count now; nothing proves that it was signed before"}
}

// claimedBy is who says to have made it.
func (c *claim) claimedBy() string {
	leaf := c.leaf()
	if leaf == nil {
		return c.by
	}
	who, err := holderOf(leaf)
	if err != nil {
		return shown(leaf.Subject.String())
	}
	return who.by(leaf)
}
