package scan

import (
	"encoding/base64"
	"fmt"
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/havenregistry/haven/internal/scan/inventory"
)

// What another scanner says is bounded and readable, however it says it; what can't be taken is a failed scan that says
// why, and what was known stays.
func TestHostileForeignFindings(t *testing.T) {
	each(t, func(w world) {
		w.scanners.inForce = &Scanner{ID: "other", Name: "Clair"}
		d := w.push(app, "v1", layer{OS: debian, Packages: []string{"bash@1"}})
		huge := strings.Repeat("\U0001F40C", 1<<18)
		odd := finding("CVE-1\x00\x1b[2J\xff", inventory.Severity(99), huge)
		odd.Status = huge
		odd.Detail = inventory.Detail{
			Source: "a\x00b", Title: huge, Description: "\x00" + huge, Link: "javascript:alert(1)", Links: []string{"javascript:alert(1)", "https://\x00", huge}, CWEs: []string{"\xff", huge},
			CVSS: map[string]inventory.CVSS{"nan": {V3Score: math.NaN()}, "inf": {V3Score: math.Inf(1)}, "negative": {V3Score: -3, V2Score: -1}, "great": {V3Score: 1e300}, huge: {V3Score: 5}},
		}
		negative := finding("CVE-2", inventory.Severity(-7), "")
		w.scanners.foreign = Foreign{Scanner: Scanner{Name: huge, Vendor: "\xff\x00", Version: "\x1b]0;x\a"}, Findings: []ForeignFinding{
			{"bash\x00\xff", huge, odd}, {"bash", "1", negative}, {"bash", "1", negative}, {"bash", "1", finding("CVE-2", inventory.High, "")}, {"bash", "1", finding(strings.Repeat("C", 1<<20), inventory.Low, "")}}}
		o := w.scanned(app, d)
		if o.Status() != Success || o.Counts() != (Counts{Critical: 2, Low: 1, Fixable: 1}) {
			w.Fatalf("got %s %q %+v", o.Status(), o.Reason(), o.Counts())
		}
		full, ok, err := w.FullReport(ctx, 1, w.artifact(app, d))
		if err != nil || !ok || len(full.Vulnerabilities) != 3 {
			w.Fatalf("report %v, %v, %d findings", ok, err, len(full.Vulnerabilities))
		}
		for _, v := range full.Vulnerabilities {
			texts := append([]string{v.Found.Vulnerability, v.Package, v.Version, v.Fixed, v.Status, v.Detail.Source, v.Detail.Title, v.Detail.Description, v.Detail.Link}, append(v.Detail.Links, v.Detail.CWEs...)...)
			for _, text := range texts {
				if len(text) > maxProse || !utf8.ValidString(text) || strings.ContainsAny(text, "\x00\x1b") || strings.HasPrefix(text, "javascript:") {
					w.Errorf("%.60q of %d bytes is shown", text, len(text))
				}
			}
			for source, c := range v.Detail.CVSS {
				if !(c.V3Score >= 0 && c.V3Score <= 10 && c.V2Score >= 0 && c.V2Score <= 10) || len(source) > maxName {
					w.Errorf("score %+v of %.20q", c, source)
				}
			}
		}
		w.scanners.foreign.Findings = make([]ForeignFinding, maxForeign+1)
		for i := range w.scanners.foreign.Findings {
			w.scanners.foreign.Findings[i] = ForeignFinding{"bash", "1", finding("CVE-9", inventory.Low, "")}
		}
		if o = w.scanned(app, d); o.Status() != Failed || o.Reason() != "the scanner reports 100001 findings, at most 100000 are taken" || o.Counts().Critical != 2 {
			w.Errorf("too many: %s %q %+v", o.Status(), o.Reason(), o.Counts())
		}
	})
}

// A document that isn't what it should be makes no statement and says why; one that is makes as many as are allowed, in words that can
// be stored and shown.
func TestHostileVEX(t *testing.T) {
	document := func(statements string) string {
		return `{"@context":"https://openvex.dev/ns/v0.2.0","author":"Ann","statements":[` + statements + `]}`
	}
	one := func(fields string) string {
		return document(`{"vulnerability":"CVE-1","status":"fixed"` + fields + `}`)
	}
	wrapped := func(text string) string {
		return `{"payloadType":"application/vnd.in-toto+json","payload":"` + base64.StdEncoding.EncodeToString([]byte(text)) + `"}`
	}
	many := func(n int, each string) string { return strings.TrimSuffix(strings.Repeat(each+",", n), ",") }
	for name, c := range map[string]struct{ text, reason string }{
		"nested objects":       {strings.Repeat(`{"a":`, 20_000), "no OpenVEX document"},
		"nested lists":         {one(`,"products":` + strings.Repeat(`[`, 20_000) + strings.Repeat(`]`, 20_000)), "no OpenVEX document"},
		"nested parts":         {one(`,"products":[` + strings.Repeat(`{"subcomponents":[`, 9_000) + strings.Repeat(`]}`, 9_000) + `]`), "no OpenVEX document"},
		"envelopes of a kind":  {wrapped(wrapped(document(`{"vulnerability":"CVE-1","status":"fixed"}`))), "@context is another one"},
		"an envelope of junk":  {wrapped("\x00\xff"), "no OpenVEX document"},
		"an empty predicate":   {`{"predicateType":"https://openvex.dev/ns"}`, "no OpenVEX document"},
		"a number for a name":  {document(`{"vulnerability":7,"status":"fixed"}`), "no OpenVEX document"},
		"a list for a status":  {document(`{"vulnerability":"CVE-1","status":[]}`), "no OpenVEX document"},
		"an object for a list": {`{"@context":"https://openvex.dev/ns","statements":{}}`, "no OpenVEX document"},
		"null":                 {`null`, "@context is another one"},
		"no name":              {document(`{"vulnerability":{},"status":"fixed"}`), "statement 1: it names no vulnerability"},
		"many statements":      {document(many(maxPerVEX+1, `{"vulnerability":"CVE-1","status":"fixed"}`)), "more than 2000 statements"},
		"many products":        {one(`,"products":[` + many(maxProducts+1, `"pkg:npm/a"`) + `]`), "more than 200 products"},
		"many aliases":         {document(`{"vulnerability":{"name":"CVE-1","aliases":[` + many(100_000, `"A"`) + `]},"status":"fixed"}`), "or too many"},
		"many times many":      {document(many(50, `{"vulnerability":{"name":"CVE-1","aliases":[`+many(40, `"A"`)+`]},"status":"fixed"}`)), "more than 2000 statements"},
	} {
		all, err := parseVEX([]byte(c.text))
		if err == nil || !strings.Contains(err.Error(), c.reason) || len(err.Error()) > 2*maxReason || len(all) != 0 {
			t.Errorf("%s: %d statements, %.300v; want %q", name, len(all), err, c.reason)
		}
	}
	var parts []string
	for i := range 50_000 {
		parts = append(parts, fmt.Sprintf(`{"@id":"pkg:npm/p%d@1"}`, i))
	}
	all, err := parseVEX([]byte(document(`{"vulnerability":{"name":"CVE-1\u0000\ud800` + "\xff" + `"},"status":"fixed","status_notes":"` + strings.Repeat("é", maxProse) + `","timestamp":"9999-99-99",
		"products":[{"@id":"pkg:oci/app","subcomponents":[` + strings.Join(parts, ",") + `]}]}`)))
	if err != nil || len(all) != maxProducts {
		t.Fatalf("%d statements, %v", len(all), err)
	}
	for _, v := range all {
		if v.Package == "" || strings.ContainsRune(v.Vulnerability, 0) || !utf8.ValidString(v.Vulnerability) || !utf8.ValidString(v.Reason) || len(v.Reason) > maxProse || !v.MadeAt.IsZero() {
			t.Fatalf("got %.100q, %d bytes of reason, %v", v.Vulnerability, len(v.Reason), v.MadeAt)
		}
	}
	// Parts that can't be named excuse nothing: not the whole image in their place.
	if all, err := parseVEX([]byte(one(`,"products":[{"@id":"pkg:oci/app","subcomponents":[{"@id":"nothing"}]}]`))); err == nil {
		t.Errorf("parts that can't be named made %+v", all)
	}
}
