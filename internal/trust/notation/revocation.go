package notation

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"slices"
	"time"

	"github.com/notaryproject/notation-core-go/revocation"
	"github.com/notaryproject/notation-core-go/revocation/result"

	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/trust/evidence"
)

// removedFromList is the reason of an entry that takes an earlier one back (RFC 5280, 5.3.1).
const removedFromList = 8

// deltaIndicator is the extension of a list that only says what has changed (RFC 5280, 5.2.4).
var deltaIndicator = asn1.ObjectIdentifier{2, 5, 29, 27}

// revocationLists reads a bundle of revocation lists; none from "".
func revocationLists(path, bundle string) ([]*x509.RevocationList, error) {
	var lists []*x509.RevocationList
	for i, block := range blocks(bundle) {
		if block.Type != "X509 CRL" {
			return nil, fault.Invalidf("%s: block %d is a %s, not an X509 CRL", path, i+1, clean(block.Type))
		}
		list, err := x509.ParseRevocationList(block.Bytes)
		if err != nil {
			return nil, fault.Invalidf("%s: list %d can't be read: %s", path, i+1, clean(err.Error()))
		}
		lists = append(lists, list)
	}
	if err := whole(path, bundle, len(lists)); err != nil {
		return nil, err
	}
	return lists, nil
}

// revocations says by lists whether certificates are revoked, at one time. It is for one verification: what it found stays in it.
// It implements revocation.Validator of notation-core-go, which the library asks.
type revocations struct {
	lists   []*x509.RevocationList
	enforce bool // a certificate must be said to be good; else it only mustn't be said to be revoked
	now     time.Time

	reason string    // why one isn't good
	until  time.Time // when the first of the lists ends that say that one is good, where one must
}

// ValidateContext judges each certificate of a chain but the last, the root, which nobody else could revoke.
func (r *revocations) ValidateContext(_ context.Context, o revocation.ValidateContextOptions) ([]*result.CertRevocationResult, error) {
	verdicts := make([]*result.CertRevocationResult, len(o.CertChain))
	for i, c := range o.CertChain {
		verdict := result.ResultNonRevokable
		if i+1 < len(o.CertChain) {
			verdict = r.judge(c, o.CertChain[i+1])
		}
		verdicts[i] = &result.CertRevocationResult{Result: verdict, RevocationMethod: result.RevocationMethodCRL,
			ServerResults: []*result.ServerResult{{Result: verdict, RevocationMethod: result.RevocationMethodCRL}}}
	}
	return verdicts, nil
}

func (r *revocations) judge(c, issuer *x509.Certificate) result.Result {
	var newest *x509.RevocationList
	for _, list := range r.lists {
		if !bytes.Equal(list.RawIssuer, issuer.RawSubject) || list.CheckSignatureFrom(issuer) != nil {
			continue
		}
		if !complete(list) {
			if entry := find(list, c); entry != nil {
				return r.revoked(c, entry)
			}
			continue
		}
		if newest == nil || list.ThisUpdate.After(newest.ThisUpdate) {
			newest = list
		}
	}
	if newest != nil {
		if entry := find(newest, c); entry != nil {
			return r.revoked(c, entry)
		}
	}
	if !r.enforce {
		return result.ResultOK
	}
	if why := r.unfit(newest); why != "" {
		if r.reason == "" { // that another one is revoked says more
			r.reason = fmt.Sprintf("no revocation list says that its certificate %s is good: %s", clean(c.Subject.String()), why)
		}
		return result.ResultUnknown
	}
	r.until = evidence.Earlier(r.until, newest.NextUpdate)
	return result.ResultOK
}

func (r *revocations) revoked(c *x509.Certificate, entry *x509.RevocationListEntry) result.Result {
	r.reason = fmt.Sprintf("its certificate %s was revoked at %s", clean(c.Subject.String()), written(entry.RevocationTime))
	return result.ResultRevoked
}

// unfit says why a list can't say that something is good.
func (r *revocations) unfit(list *x509.RevocationList) string {
	switch {
	case list == nil:
		return "the policy has none by its issuer"
	case r.now.Before(list.ThisUpdate):
		return "its issuer's is in force from " + written(list.ThisUpdate)
	case list.NextUpdate.IsZero():
		return "its issuer's doesn't say until when it holds"
	case !r.now.Before(list.NextUpdate):
		return "its issuer's ended at " + written(list.NextUpdate) + "; give the policy a newer one"
	}
	return ""
}

// complete says whether a list speaks of all that its issuer has issued. One with an extension that must be understood has a scope.
func complete(list *x509.RevocationList) bool {
	for _, extension := range list.Extensions {
		if extension.Critical || extension.Id.Equal(deltaIndicator) {
			return false
		}
	}
	return true
}

// find returns the entry that revokes a certificate, or nil.
func find(list *x509.RevocationList, c *x509.Certificate) *x509.RevocationListEntry {
	i := slices.IndexFunc(list.RevokedCertificateEntries, func(e x509.RevocationListEntry) bool {
		return e.SerialNumber.Cmp(c.SerialNumber) == 0 && e.ReasonCode != removedFromList
	})
	if i < 0 {
		return nil
	}
	return &list.RevokedCertificateEntries[i]
}
