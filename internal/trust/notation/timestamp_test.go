package notation_test

import (
	"crypto/x509"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/notaryproject/notation-core-go/signature"
	"github.com/notaryproject/notation-core-go/signature/jws"

	"github.com/havenregistry/haven/internal/trust/evidence"
	"github.com/havenregistry/haven/internal/trust/policy"
)

func TestTimeStamps(t *testing.T) {
	root := issue(t, nil, "root", authority)
	ended := issue(t, root, "ended", func(c *x509.Certificate) { c.NotBefore, c.NotAfter = today.Add(-20*day), today.Add(-10*day) })
	running := issue(t, root, "running", nil)
	tsaRoot, otherRoot := issue(t, nil, "TSA root", authority), issue(t, nil, "other TSA root", authority)
	tsa, other := issue(t, tsaRoot, "TSA", stamping), issue(t, otherRoot, "TSA", stamping)

	inTime, late := today.Add(-15*day), today.Add(-5*day)
	expiring := func(s stamper) func(*signature.SignRequest) {
		return func(r *signature.SignRequest) {
			stamped(s)(r)
			r.Expiry = today.Add(day)
		}
	}
	trust := func(change func(*policy.Notation)) policy.Signer {
		return trusting(root, func(n *policy.Notation) {
			n.TSA = tsaRoot.pem()
			if change != nil {
				change(n)
			}
		})
	}
	lists := func(mode string, crls ...string) policy.Signer {
		return trust(func(n *policy.Notation) { n.Revocation, n.CRLs = mode, strings.Join(crls, "") })
	}
	first, last := today.Add(-30*day), today.Add(3*day)
	signers := list(t, root, first, last.Add(hour), nil)
	ci := []string{"ci"}
	end := running.cert.NotAfter
	verified := func(until time.Time) verdict { return verdict{evidence.Verified, "", ci, until} }
	invalid := func(reason string) verdict { return verdict{evidence.Invalid, reason, nil, time.Time{}} }
	for name, test := range map[string]struct {
		by     *holder
		change func(*signature.SignRequest)
		signer policy.Signer
		at     time.Time
		want   verdict
	}{
		"in time":                           {ended, stamped(stamper{tsa, inTime}), trust(nil), inTime, verified(time.Time{})},
		"in time, still running":            {running, stamped(stamper{tsa, inTime}), trust(nil), inTime, verified(time.Time{})},
		"in time, the signature expires":    {ended, expiring(stamper{tsa, inTime}), trust(nil), inTime, verified(today.Add(day))},
		"too late":                          {ended, stamped(stamper{tsa, late}), trust(nil), time.Time{}, invalid("the stamp's time")},
		"too late, still running":           {running, stamped(stamper{tsa, today.Add(-101 * day)}), trust(nil), time.Time{}, verified(end)},
		"not yet":                           {running, stamped(stamper{tsa, today.Add(day)}), trust(nil), time.Time{}, verified(end)},
		"by another authority":              {ended, stamped(stamper{other, inTime}), trust(nil), time.Time{}, invalid("isn't by an authority of the policy")},
		"by another, still running":         {running, stamped(stamper{other, inTime}), trust(nil), time.Time{}, verified(end)},
		"none":                              {ended, nil, trust(nil), time.Time{}, invalid("no time stamp proves that it was made before: it has none")},
		"none, still running":               {running, nil, trust(nil), time.Time{}, verified(end)},
		"no authority in the policy":        {ended, stamped(stamper{tsa, inTime}), trusting(root, nil), time.Time{}, invalid("names no time-stamping authority")},
		"the authority's list":              {ended, stamped(stamper{tsa, inTime}), lists("enforce", signers, list(t, tsaRoot, first, last, nil)), inTime, verified(last)},
		"no list of the authority":          {ended, stamped(stamper{tsa, inTime}), lists("enforce", signers), time.Time{}, invalid("of the stamp, no revocation list")},
		"the authority is revoked":          {ended, stamped(stamper{tsa, inTime}), lists("", list(t, tsaRoot, first, last, nil, tsa)), time.Time{}, invalid("of the stamp, its certificate CN=TSA,O=acme,ST=WA,C=US was revoked")},
		"the authority is revoked, skipped": {ended, stamped(stamper{tsa, inTime}), lists("skip", list(t, tsaRoot, first, last, nil, tsa)), inTime, verified(time.Time{})},
	} {
		for form, mediaType := range envelopes {
			t.Run(name+" "+form, func(t *testing.T) {
				raw := sign(t, mediaType, test.by, artifact("image"), test.change)
				got := judge(t, verifier(t, test.signer), mediaType, raw, artifact("image"), today)
				test.want.check(t, got)
				if !got.At.Equal(test.at) {
					t.Errorf("at %v, want %v", got.At, test.at)
				}
			})
		}
	}

	t.Run("of another signature", func(t *testing.T) {
		raw := sign(t, jws.MediaTypeEnvelope, ended, artifact("image"), nil)
		donor := mustJSON(t, sign(t, jws.MediaTypeEnvelope, ended, artifact("image"), stamped(stamper{tsa, inTime})))
		e := mustJSON(t, raw)
		e["header"].(map[string]any)["io.cncf.notary.timestampSignature"] = donor["header"].(map[string]any)["io.cncf.notary.timestampSignature"]
		changed, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		got := judge(t, verifier(t, trust(nil)), jws.MediaTypeEnvelope, changed, artifact("image"), today)
		if got.State != evidence.Invalid || !strings.Contains(got.Reason, "the stamp isn't of this signature") {
			t.Errorf("got %s (%s)", got.State, got.Reason)
		}
	})
}
