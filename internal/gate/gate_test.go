package gate_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/gate"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/project"
	"github.com/havenregistry/haven/internal/scan"
	"github.com/havenregistry/haven/internal/scan/inventory"
)

var (
	heartbleed = finding{"CVE-2014-0160", inventory.High, "1.0.1g"}
	log4shell  = finding{"CVE-2021-44228", inventory.Critical, ""}
	slight     = finding{"CVE-2020-0001", inventory.Low, "2"}
	unrated    = finding{"CVE-2026-0001", inventory.Unknown, ""}
)

func TestThreshold(t *testing.T) {
	each(t, func(w world) {
		d := w.pushImage("v1")
		w.report(d, scan.Success, scan.Wholly, heartbleed, slight, unrated)
		if got := w.pull("v1"); got != nil {
			t.Errorf("without a policy: %v", got)
		}
		w.set("prevent_vul", "true")
		for severity, refused := range map[string]bool{"none": true, "low": true, "medium": true, "high": true, "critical": false} {
			w.set("severity", severity)
			if got := w.pull("v1"); (got != nil) != refused {
				t.Errorf("%s: %v", severity, got)
			}
			if got := w.pull(string(d)); (got != nil) != refused {
				t.Errorf("%s, by digest: %v", severity, got)
			}
		}
		w.set("prevent_vul", "false")
		if got := w.pull("v1"); got != nil {
			t.Errorf("switched off: %v", got)
		}
		if counted := w.Refusals(); len(counted) != 1 || counted[gate.Vulnerable] != 16 {
			t.Errorf("counted refusals: %v", counted)
		}
	})
}

func TestMessage(t *testing.T) {
	each(t, func(w world) {
		d := w.pushImage("v1")
		w.set("prevent_vul", "true", "severity", "high")
		want := func(what string, parts ...string) {
			t.Helper()
			got := w.pull("v1")
			if got == nil {
				t.Fatalf("%s: not refused", what)
			}
			text := got.Error()
			for _, part := range parts {
				if !strings.Contains(text, part) {
					t.Errorf("%s: %s\nlacks %s", what, text, part)
				}
			}
			if !strings.HasPrefix(text, parts[0]) || !strings.HasSuffix(text, parts[len(parts)-1]) {
				t.Errorf("%s: %s", what, text)
			}
		}
		const policy = `cannot be pulled due to configured policy in 'Prevent images with vulnerability severity of "High" or higher from running.'`
		want("never scanned", "current image without vulnerability scanning "+policy, "To continue with pull, please contact your project administrator for help.")
		w.report(d, scan.Running, scan.NotEvaluated)
		want("running", `current image with "Running" status of vulnerability scanning `+policy, "try again", "for help.")
		w.report(d, scan.Failed, scan.NotEvaluated)
		want("failed", `current image with "Error" status of vulnerability scanning `+policy, "the layer is truncated", "for help.")
		w.report(d, scan.Failed, scan.Partly, slight)
		want("partly", "current image that could not be evaluated wholly "+policy, "the layer is truncated", "for help.")
		w.report(d, scan.Success, scan.Wholly, heartbleed, log4shell, slight)
		want("vulnerable", "current image with 3 vulnerabilities "+policy, "1 Critical, 1 High", "CVE-2021-44228 (Critical, lib-CVE-2021-44228 1.0)",
			"CVE-2014-0160 (High, lib-CVE-2014-0160 1.0, fixed in 1.0.1g)", "to exempt matched vulnerabilities through configuring the CVE allowlist.")
		w.report(d, scan.Success, scan.Wholly, heartbleed)
		want("one", "current image with 1 vulnerability "+policy, "CVE allowlist.")
	})
}

func TestAllowlist(t *testing.T) {
	each(t, func(w world) {
		w.report(w.pushImage("v1"), scan.Success, scan.Wholly, heartbleed, log4shell, slight)
		w.set("prevent_vul", "true", "severity", "high", "reuse_sys_cve_allowlist", "false")
		tomorrow := w.now.Add(24 * time.Hour)
		allow := func(items ...string) {
			t.Helper()
			w.must(w.projects.Update(t.Context(), ann, 1, project.Update{Allowlist: &project.CVEAllowlist{Items: items, ExpiresAt: tomorrow}}))
		}
		allow(heartbleed.cve)
		if got := w.pull("v1"); got == nil || !strings.Contains(got.Error(), "with 2 vulnerabilities") || strings.Contains(got.Error(), heartbleed.cve) {
			t.Errorf("one of two is allowed: %v", got)
		}
		allow(heartbleed.cve, log4shell.cve)
		if got := w.pull("v1"); got != nil {
			t.Errorf("all are allowed: %v", got)
		}
		*w.now = tomorrow
		if got := w.pull("v1"); got == nil {
			t.Error("the list has expired")
		}
		w.must(w.projects.SetSystemAllowlist(t.Context(), ann, project.CVEAllowlist{Items: []string{heartbleed.cve, log4shell.cve}}))
		if got := w.pull("v1"); got == nil {
			t.Error("the system's list holds for projects that reuse it alone")
		}
		w.set("reuse_sys_cve_allowlist", "true")
		if got := w.pull("v1"); got != nil {
			t.Errorf("the system's list: %v", got)
		}
	})
}

func TestStatement(t *testing.T) {
	each(t, func(w world) {
		w.report(w.pushImage("v1"), scan.Success, scan.Wholly, heartbleed)
		w.set("prevent_vul", "true", "severity", "high")
		state := func(status string, madeAt, expiresAt int64) {
			w.exec(`INSERT INTO scan_vex (project_id, name, status, author, made_at, expires_at, created_at) VALUES (1, $1, $2, 'ann', $3, $4, 1)`,
				heartbleed.cve, status, madeAt, expiresAt)
		}
		state("not_affected", 1, w.now.Add(time.Hour).UnixMicro())
		if got := w.pull("v1"); got != nil {
			t.Errorf("not affected: %v", got)
		}
		*w.now = w.now.Add(time.Hour)
		if got := w.pull("v1"); got == nil {
			t.Error("the statement has expired")
		}
		w.exec(`INSERT INTO scan_vex (project_id, name, status, author, document, made_at, created_at) VALUES (1, $1, 'not_affected', 'mallory', 'sha256:x', 9, 1)`, heartbleed.cve)
		if got := w.pull("v1"); got == nil {
			t.Error("a document that a pusher attached excuses")
		}
		state("fixed", 2, 0)
		state("affected", 3, 0)
		if got := w.pull("v1"); got == nil {
			t.Error("the later statement says affected")
		}
	})
}

// A report that is made anew, or failed to be, takes no image out of service.
func TestAnotherScan(t *testing.T) {
	each(t, func(w world) {
		d := w.pushImage("v1")
		w.set("prevent_vul", "true", "severity", "high")
		for _, status := range []scan.Status{scan.Pending, scan.Running, scan.Failed, scan.Stopped} {
			w.report(d, status, scan.Wholly, slight)
			if got := w.pull("v1"); got != nil {
				t.Errorf("%s, clean before: %v", status, got)
			}
			w.report(d, status, scan.Wholly, heartbleed)
			if got := w.pull("v1"); got == nil {
				t.Errorf("%s, vulnerable before: not refused", status)
			}
		}
	})
}

func TestOutcomes(t *testing.T) {
	each(t, func(w world) {
		d := w.pushImage("v1")
		w.set("prevent_vul", "true", "severity", "high")
		block := gate.Outcomes{NeverScanned: gate.Block, Pending: gate.Block, Failed: gate.Block, NotEvaluated: gate.Block}
		for state, c := range map[gate.State]struct {
			allow  func(*gate.Outcomes)
			report func()
		}{
			gate.NeverScanned: {func(o *gate.Outcomes) { o.NeverScanned = gate.Allow }, func() { w.exec(`DELETE FROM scan_report`) }},
			gate.Pending:      {func(o *gate.Outcomes) { o.Pending = gate.Allow }, func() { w.report(d, scan.Pending, scan.NotEvaluated) }},
			gate.Failed:       {func(o *gate.Outcomes) { o.Failed = gate.Allow }, func() { w.report(d, scan.Stopped, scan.NotEvaluated) }},
			gate.NotEvaluated: {func(o *gate.Outcomes) { o.NotEvaluated = gate.Allow }, func() { w.report(d, scan.Failed, scan.Partly, slight) }},
		} {
			c.report()
			w.must(w.SetOutcomes(t.Context(), ann, 1, "library", block))
			if got := w.pull("v1"); got == nil || got.Verdict.Images[0].State != state {
				t.Errorf("%s: %v", state, got)
			}
			allowed := block
			c.allow(&allowed)
			w.must(w.SetOutcomes(t.Context(), ann, 1, "library", allowed))
			if got := w.pull("v1"); got != nil {
				t.Errorf("%s, allowed: %v", state, got)
			}
			w.report(d, scan.Failed, scan.Partly, log4shell)
			if got := w.pull("v1"); got == nil {
				t.Errorf("%s: what is known to be vulnerable is refused whatever is allowed", state)
			}
		}
		err := w.SetOutcomes(t.Context(), ann, 1, "library", gate.Outcomes{NeverScanned: "maybe"})
		if bad, ok := errors.AsType[*fault.Error](err); !ok || bad.Kind != fault.Invalid {
			t.Errorf("a word that is none: %v", err)
		}
	})
}

func TestIndex(t *testing.T) {
	each(t, func(w world) {
		clean, vulnerable := w.pushImage("clean"), w.pushImage("vulnerable")
		w.report(clean, scan.Success, scan.Wholly)
		w.report(vulnerable, scan.Success, scan.Wholly, log4shell)
		good, bad := w.pushIndex("good", clean), w.pushIndex("bad", clean, vulnerable)
		w.pushIndex("nested-good", good)
		w.pushIndex("nested-bad", good, bad)
		w.pushIndex("empty")
		w.pushIndex("with-provenance", clean, w.push("provenance", oci.MediaTypeImageConfig, w.blob("application/vnd.in-toto+json", []byte(`{}`))))
		w.set("prevent_vul", "true", "severity", "high")
		for tag, refused := range map[string]bool{"good": false, "bad": true, "nested-good": false, "nested-bad": true, "empty": false, "with-provenance": false} {
			got := w.pull(tag)
			if (got != nil) != refused {
				t.Errorf("%s: %v", tag, got)
			}
			if refused && got != nil && !strings.Contains(got.Error(), string(vulnerable)) {
				t.Errorf("%s: the message doesn't say which: %v", tag, got)
			}
		}
	})
}

// What can't be run passes unseen; what claims that it can't, and could, doesn't.
func TestRunnable(t *testing.T) {
	each(t, func(w world) {
		text, archive := []byte(`{"a":"statement"}`), []byte("no statement")
		w.push("signature", oci.MediaTypeImageConfig, w.blob("application/vnd.dev.cosign.simplesigning.v1+json", text))
		w.push("attestation", oci.MediaTypeImageConfig, w.blob("application/vnd.in-toto+json", text))
		w.push("chart", "application/vnd.cncf.helm.config.v1+json", w.blob("application/vnd.cncf.helm.chart.content.v1.tar+gzip", archive))
		w.push("disguised", oci.MediaTypeImageConfig, w.blob("application/vnd.in-toto+json", archive))
		w.push("decoy", oci.MediaTypeImageConfig, w.blob("application/vnd.in-toto+json", text), w.blob(layerType, archive))
		subject := w.manifest("chart")
		config := w.blob(oci.MediaTypeImageConfig, []byte(`{"architecture":"amd64","os":"linux"}`))
		w.put("accessory", oci.MediaTypeImageManifest, map[string]any{
			"config": describe(config), "layers": describeAll([]oci.Descriptor{w.blob(layerType, archive)}), "artifactType": "application/vnd.cncf.notary.signature",
			"subject": describe(oci.Descriptor{MediaType: subject.MediaType, Digest: subject.Digest, Size: subject.Size}),
		})
		w.set("prevent_vul", "true", "severity", "high")
		for tag, refused := range map[string]bool{"signature": false, "attestation": false, "chart": false, "disguised": true, "decoy": true, "accessory": true} {
			if got := w.pull(tag); (got != nil) != refused {
				t.Errorf("%s: %v", tag, got)
			}
		}
	})
}

func TestScannersPass(t *testing.T) {
	each(t, func(w world) {
		w.pushImage("v1")
		w.set("prevent_vul", "true", "severity", "high")
		scanner := authz.Principal{Kind: authz.Bearer, Token: []authz.TokenGrant{{ProjectID: 1, Repository: "library/app", Actions: []authz.Action{authz.Pull, authz.ScannerPull}}}}
		if got := w.admit(scanner, w.manifest("v1")); got != nil {
			t.Errorf("the scanner: %v", got)
		}
		scanner.Token[0].Repository = "library/other"
		if got := w.admit(scanner, w.manifest("v1")); got == nil {
			t.Error("the scanner of another repository passed")
		}
	})
}

// The way of a pull pays nothing for projects without a policy, and two statements with one.
func TestCost(t *testing.T) {
	each(t, func(w world) {
		w.report(w.pushImage("v1"), scan.Success, scan.Wholly, slight)
		cost := func() int64 {
			m := w.manifest("v1")
			before := w.db.Executed()
			if got := w.admit(ann, m); got != nil {
				t.Fatal(got)
			}
			return w.db.Executed() - before
		}
		if n := cost(); n != 0 {
			t.Errorf("without a policy: %d statements", n)
		}
		w.set("prevent_vul", "true", "severity", "high")
		cost()
		want := int64(2)
		if w.db.Exclusive() {
			want = 1
		}
		if n := cost(); n != want {
			t.Errorf("with a policy: %d statements; want %d", n, want)
		}
	})
}
