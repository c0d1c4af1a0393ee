package scan

import (
	"encoding/csv"
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/scan/inventory"
)

func TestHarmlessCells(t *testing.T) {
	for cell, want := range map[string]string{
		"":                           "",
		"bash":                       "bash",
		"1:9.18.13-1+deb12u1":        "1:9.18.13-1+deb12u1",
		"CWE-79,CWE-80":              "CWE-79,CWE-80",
		"a=b@c":                      "a=b@c",
		"=1+1":                       "'=1+1",
		"+1":                         "'+1",
		"-1":                         "'-1",
		"@SUM(1)":                    "'@SUM(1)",
		"\t=1":                       "'\t'=1",
		"\r=1":                       "'=1", // what a carriage return leaves behind
		"\n=1":                       "'\n'=1",
		"\x00=1":                     "'=1",
		"  =1":                       "  '=1",
		"＝1":                         "'＝1",
		"x;=1":                       "x;'=1", // a program of another country begins a cell there
		"x\n@y":                      "x\n'@y",
		`=cmd|' /C calc'!A0`:         `'=cmd|' /C calc'!A0`,
		"x|=cmd":                     "x|'=cmd",
		`=HYPERLINK("http://e","x")`: `'=HYPERLINK("http://e","x")`,
	} {
		if got := harmless(cell); got != want {
			t.Errorf("%q became %q, want %q", cell, got, want)
		}
	}
}

func TestPatterns(t *testing.T) {
	for text, want := range map[string][]string{
		"": nil, "a": {"a"}, "a,b*": {"a", "b*"}, "{CVE-1,CVE-2}": {"{CVE-1,CVE-2}"}, "v{1,2},x": {"v{1,2}", "x"}, "a},b": {"a}", "b"}, ",": {},
	} {
		if got, err := Patterns(text); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	if _, err := Patterns("a, b"); !errors.Is(err, fault.Invalid) {
		t.Errorf("with blanks: %v", err)
	}
	if both, err := compile([]string{"{CVE-1,CVE-2}"}); err != nil || !both.match("CVE-2") || both.match("CVE-3") {
		t.Error("alternatives in braces don't match as they should")
	}
	if err := (Selection{CVEs: []string{"{CVE-1"}}).check(); !errors.Is(err, fault.Invalid) {
		t.Errorf("an open brace: %v", err)
	}
}

// Whatever a cell holds, no program that splits it anywhere begins with a formula.
func TestNoCellIsAFormula(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cell := rapid.StringOfN(rapid.RuneFrom([]rune("=+-@\t\r\n;| \"',a1＝\x00\u202e")), 0, 12, -1).Draw(t, "cell")
		for _, part := range strings.FieldsFunc(harmless(cell), func(r rune) bool { return strings.ContainsRune(";|\n\t", r) }) {
			if part = strings.TrimLeft(part, " "); strings.HasPrefix(part, "=") || strings.HasPrefix(part, "+") || strings.HasPrefix(part, "-") || strings.HasPrefix(part, "@") {
				t.Fatalf("%q became %q", cell, harmless(cell))
			}
		}
	})
}

// What strangers call their packages comes into the file as words, each in its cell.
func TestExportOfHostileNames(t *testing.T) {
	each(t, func(w world) {
		w.scanners.inForce = &Scanner{ID: "other", Name: "=Clair"}
		d := w.push(app, "v1", layer{OS: debian, Packages: []string{"bash@1"}})
		names := []string{"=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", `a",=1,"b`, "x;=1", "x\n=1", "ﷺ\xff=", "plain"}
		for _, name := range names {
			f := finding(name, inventory.High, name)
			f.Detail.CWEs = []string{name}
			w.scanners.foreign.Findings = append(w.scanners.foreign.Findings, ForeignFinding{Package: name, Version: name, Finding: f})
		}
		if o := w.scanned(app, d); o.Status() != Success || o.Counts().Total() != int64(len(names)) {
			w.Fatalf("got %s %q, %d findings", o.Status(), o.Reason(), o.Counts().Total())
		}
		rows := w.exported(pusher, Selection{Name: "all", ProjectID: 1, Project: "alpha"})
		if len(rows) != len(names)+1 {
			w.Fatalf("%d rows of %d findings", len(rows), len(names))
		}
		for _, row := range rows[1:] {
			if len(row) != len(exportHeader) {
				w.Errorf("%d cells: %q", len(row), row)
			}
			for _, cell := range row {
				if cell != harmless(cell) && cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r\n") {
					w.Errorf("a cell may be a formula: %q", cell)
				}
			}
		}
	})
}

// exported is the rows of a file that somebody takes home.
func (w world) exported(by authz.Principal, sel Selection) [][]string {
	w.Helper()
	id, err := w.Export(ctx, by, sel)
	w.ok(err)
	w.settled()
	file, err := w.Fetch(ctx, by, id)
	w.ok(err)
	rows, err := csv.NewReader(file).ReadAll()
	w.ok(err)
	w.ok(file.Close())
	return rows
}

// A long description that thousands of packages share is kept once, and told until it is too much: the findings are all there.
func TestReportOfManyPackagesWithOneVulnerability(t *testing.T) {
	each(t, func(w world) {
		w.scanners.inForce = &Scanner{ID: "other", Name: "Clair"}
		d := w.push(app, "v1", layer{OS: debian, Packages: []string{"bash@1"}})
		const packages = 5000
		f := finding("CVE-1", inventory.High, "2")
		f.Detail.Description = strings.Repeat("long ", 10_000)
		for i := range packages {
			w.scanners.foreign.Findings = append(w.scanners.foreign.Findings, ForeignFinding{Package: "p", Version: strings.Repeat("1", 1+i%400) + "." + string(rune('a'+i/400)), Finding: f})
		}
		if o := w.scanned(app, d); o.Status() != Success || o.Counts().High != packages {
			w.Fatalf("got %s %q, %+v", o.Status(), o.Reason(), o.Counts())
		}
		full, ok, err := w.FullReport(ctx, 1, w.artifact(app, d))
		if err != nil || !ok || full.Cut || len(full.Vulnerabilities) != packages {
			w.Fatalf("%d findings, %v, %v", len(full.Vulnerabilities), ok, err)
		}
		told := 0
		for _, v := range full.Vulnerabilities {
			told += len(v.Detail.Description)
		}
		if told == 0 || told > maxTold || full.Vulnerabilities[0].Detail.Description == "" || full.Vulnerabilities[packages-1].Detail.Description != "" {
			w.Errorf("%d bytes of descriptions", told)
		}
	})
}

// Of an index the worst findings of all images come first, and are the ones that are kept.
func TestMergedReports(t *testing.T) {
	var full FullReport
	row := func(name string, severity inventory.Severity) fullRow {
		return fullRow{key: name, Vulnerability: Vulnerability{Found: Found{Vulnerability: name, Package: "p", Version: "1", Severity: severity}}}
	}
	rows := make([]fullRow, MaxVulnerabilities)
	for i := range rows {
		rows[i] = row("CVE-"+string(rune('a'+i%26))+strings.Repeat("x", i/26%30)+strings.Repeat("y", i/780), inventory.Low)
	}
	full.merge("sha256:a", rows, nil)
	full.merge("sha256:b", []fullRow{row("CVE-0", inventory.Critical), rows[0]}, nil)
	first := full.Vulnerabilities[0]
	if len(full.Vulnerabilities) != MaxVulnerabilities || !full.Cut || first.Found.Vulnerability != "CVE-0" || first.Digests[0] != oci.Digest("sha256:b") {
		t.Errorf("%d findings, the first %+v", len(full.Vulnerabilities), first)
	}
	for _, v := range full.Vulnerabilities[1:] {
		if v.Found.Vulnerability == "CVE-a" && len(v.Digests) != 2 {
			t.Errorf("what both have: %+v", v)
		}
	}
}
