package notation_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/trust/evidence"
	"github.com/havenregistry/haven/internal/trust/policy"
)

func TestRevocation(t *testing.T) {
	root := issue(t, nil, "root", authority)
	between := issue(t, root, "between", authority)
	leaf := issue(t, between, "build", nil)
	twin := issue(t, root, "between", authority) // of the same name, another key
	alone := issue(t, nil, "alone", nil)

	first, last := today.Add(-10*day), today.Add(10*day)
	ofRoot := list(t, root, first, last.Add(day), nil)
	good := list(t, between, first, last, nil)
	revoked := list(t, between, first, last, nil, leaf)
	scoped := func(l *x509.RevocationList) {
		l.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 28}, Critical: true, Value: []byte{0x30, 0}}}
	}
	delta := func(l *x509.RevocationList) {
		l.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 27}, Value: []byte{2, 1, 1}}}
	}
	removed := func(l *x509.RevocationList) { l.RevokedCertificateEntries[0].ReasonCode = 8 }
	hold := func(l *x509.RevocationList) { l.RevokedCertificateEntries[0].ReasonCode = 6 }

	verified := func(until time.Time) verdict { return verdict{evidence.Verified, "", []string{"ci"}, until} }
	invalid := func(reason string) verdict { return verdict{evidence.Invalid, reason, nil, time.Time{}} }
	end := leaf.cert.NotAfter
	isRevoked := "its certificate CN=build,O=acme,ST=WA,C=US was revoked at " + first.Format(time.RFC3339)
	for name, test := range map[string]struct {
		by    *holder
		mode  string
		lists []string
		want  verdict
	}{
		"enforced and good":                {leaf, "enforce", []string{ofRoot, good}, verified(last)},
		"enforced and revoked":             {leaf, "enforce", []string{ofRoot, revoked}, invalid(isRevoked)},
		"enforced, the authority revoked":  {leaf, "enforce", []string{list(t, root, first, last, nil, between), good}, invalid("its certificate CN=between,O=acme,ST=WA,C=US was revoked")},
		"enforced, no list":                {leaf, "enforce", nil, invalid("none by its issuer")},
		"enforced, no list of the root":    {leaf, "enforce", []string{good}, invalid("its certificate CN=between,O=acme,ST=WA,C=US is good: the policy has none")},
		"enforced, ended":                  {leaf, "enforce", []string{ofRoot, list(t, between, first, today, nil)}, invalid("ended at " + today.Format(time.RFC3339))},
		"enforced, ended and revoked":      {leaf, "enforce", []string{ofRoot, list(t, between, first, today, nil, leaf)}, invalid(isRevoked)},
		"enforced, not in force yet":       {leaf, "enforce", []string{ofRoot, list(t, between, today.Add(1*hour), last, nil)}, invalid("is in force from")},
		"enforced, by the twin":            {leaf, "enforce", []string{ofRoot, list(t, twin, first, last, nil)}, invalid("the policy has none by its issuer")},
		"enforced, revoked by the twin":    {leaf, "enforce", []string{ofRoot, good, list(t, twin, first, last, nil, leaf)}, verified(last)},
		"enforced, scoped":                 {leaf, "enforce", []string{ofRoot, list(t, between, first, last, scoped)}, invalid("none by its issuer")},
		"enforced, scoped and revoked":     {leaf, "enforce", []string{ofRoot, good, list(t, between, first, last, scoped, leaf)}, invalid(isRevoked)},
		"enforced, only a delta":           {leaf, "enforce", []string{ofRoot, list(t, between, first, last, delta)}, invalid("none by its issuer")},
		"enforced, on hold":                {leaf, "enforce", []string{ofRoot, list(t, between, first, last, hold, leaf)}, invalid(isRevoked)},
		"enforced, taken back":             {leaf, "enforce", []string{ofRoot, list(t, between, first, last, removed, leaf)}, verified(last)},
		"enforced, the newer list counts":  {leaf, "enforce", []string{ofRoot, list(t, between, first, today.Add(day), nil, leaf), list(t, between, first.Add(hour), last, nil)}, verified(last)},
		"enforced, the newer list revokes": {leaf, "enforce", []string{ofRoot, list(t, between, first, last, nil, leaf), list(t, between, first.Add(-hour), last, nil)}, invalid(isRevoked)},
		"enforced, nobody above":           {alone, "enforce", nil, verified(end)},
		"logged and revoked":               {leaf, "log", []string{revoked}, invalid(isRevoked)},
		"logged and good":                  {leaf, "", []string{good}, verified(end)},
		"logged, ended and revoked":        {leaf, "", []string{list(t, between, first, today, nil, leaf)}, invalid(isRevoked)},
		"logged, no list":                  {leaf, "", nil, verified(end)},
		"skipped and revoked":              {leaf, "skip", []string{revoked}, verified(end)},
	} {
		for form, mediaType := range envelopes {
			t.Run(name+" "+form, func(t *testing.T) {
				top := root
				if test.by == alone {
					top = alone
				}
				v := verifier(t, trusting(top, func(n *policy.Notation) { n.Revocation, n.CRLs = test.mode, strings.Join(test.lists, "") }))
				test.want.check(t, judge(t, v, mediaType, sign(t, mediaType, test.by, artifact("image"), nil), artifact("image"), today))
			})
		}
	}
}
