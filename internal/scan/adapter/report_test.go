package adapter

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/havenregistry/haven/internal/scan/inventory"
)

var now = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

func TestReadReport(t *testing.T) {
	r, err := readReport(strings.NewReader(good), digest, now)
	if err != nil {
		t.Fatal(err)
	}
	nvd := inventory.CVSS{V3Score: 7.5, V3Vector: "CVSS:3.1/AV:N"}
	want := Report{
		GeneratedAt: time.Date(2026, 11, 1, 10, 0, 0, 0, time.UTC), Scanner: Name{"Fake", "Nobody", "1"}, Severity: inventory.High,
		Findings: []Finding{
			{Finding: inventory.Finding{ID: "CVE-2026-1", Fixed: "5.2", Status: "fixed", Severity: inventory.High, Detail: inventory.Detail{
				Source: "fake", Description: "text", Link: "https://a.example.com", Links: []string{"https://a.example.com"}, CWEs: []string{"CWE-79"},
				CVSS: map[string]inventory.CVSS{"nvd": nvd},
			}}, Package: "bash", Version: "5.1", Preferred: nvd, ArtifactDigests: []string{"sha256:a"}, Vendor: r.Findings[0].Vendor},
			{Finding: inventory.Finding{ID: "CVE-2026-2", Severity: inventory.Low, Detail: inventory.Detail{Source: "fake"}}, Package: "curl", Version: "8"},
		},
	}
	if !reflect.DeepEqual(r, want) {
		t.Errorf("got  %+v\nwant %+v", r, want)
	}
	if !strings.HasPrefix(string(r.Findings[0].Vendor), `{"CVSS"`) {
		t.Errorf("vendor attributes %s", r.Findings[0].Vendor)
	}
}

func TestReportsThatLie(t *testing.T) {
	one := func(fields string) string {
		return `{"vulnerabilities":[{"id":"C","package":"p","version":"1"` + fields + `}]}`
	}
	long := strings.Repeat("x", maxName+1)
	for name, c := range map[string]struct{ body, reason string }{
		"empty list":           {`{"vulnerabilities":[]}`, ""},
		"null list":            {`{"vulnerabilities":null}`, ""},
		"fields nobody knows":  {`{"x":{"y":[1]},"vulnerabilities":[{"id":"C","package":"p","z":{}}]}`, ""},
		"no list":              {`{"severity":"None"}`, "has no vulnerabilities, not even an empty list"},
		"two lists":            {`{"vulnerabilities":[{"id":"C","package":"p"}],"vulnerabilities":[]}`, "a key twice"},
		"another artifact":     {`{"artifact":{"digest":"sha256:other"},"vulnerabilities":[]}`, "the report is about sha256:other"},
		"another one, late":    {`{"vulnerabilities":[],"artifact":{"digest":"sha256:other"}}`, "the report is about"},
		"no id":                {`{"vulnerabilities":[{"id":"C","package":"p"},{"package":"p"}]}`, "vulnerability 2: the scanner's answer can't be used: it has no id"},
		"no package":           {`{"vulnerabilities":[{"id":"C"}]}`, "no id or no package"},
		"long id":              {`{"vulnerabilities":[{"id":"` + long + `","package":"p"}]}`, "its id is too long"},
		"control characters":   {`{"vulnerabilities":[{"id":"C","package":"p\u001b[2J"}]}`, "its package is too long or has control characters"},
		"a word for a list":    {one(`,"links":"x"`), "links is a JSON string"},
		"a list for a word":    {one(`,"severity":[]`), "severity is a JSON array"},
		"an object for a list": {`{"vulnerabilities":{}}`, "vulnerabilities isn't a list"},
		"words in the list":    {`{"vulnerabilities":["CVE-1"]}`, "it is a JSON string"},
		"cut off":              {`{"vulnerabilities":[{"id":"C","package":"p"}`, "it is no whole JSON"},
		"cut off before":       {`{"vulnerabilities":`, "it is no whole JSON"},
		"nothing":              {``, "it is no whole JSON"},
		"more behind":          {`{"vulnerabilities":[]}{"vulnerabilities":[]}`, "something comes after the end"},
		"junk behind":          {`{"vulnerabilities":[]}<`, "it is no JSON"},
		"numbers in a list":    {one(`,"links":["a",7]`), "is a JSON number"},
		"a word for a score":   {one(`,"preferred_cvss":{"score_v3":"9.8"}`), "score_v3 is a JSON string"},
		"a score of no number": {one(`,"preferred_cvss":{"score_v3":1e999}`), "score_v3 is a JSON number"},
		"a list for scores":    {one(`,"preferred_cvss":[]`), "preferred_cvss is a JSON array"},
		"nested beside":        {`{"x":` + strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001) + `,"vulnerabilities":[]}`, "it is no JSON"},
		"nested in the list":   {`{"vulnerabilities":[` + strings.Repeat(`{"id":`, 20_000), "it is no JSON"},
		"nested by the vendor": {one(`,"vendor_attributes":` + strings.Repeat(`{"a":`, 10_001) + "1" + strings.Repeat("}", 10_001)), "it is no JSON"},
		"a lone backslash":     {`{"vulnerabilities":[{"id":"\x","package":"p"}]}`, "it is no JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := readReport(strings.NewReader(c.body), digest, now)
			if c.reason == "" {
				if err != nil || !r.GeneratedAt.Equal(now) {
					t.Errorf("got %+v, %v", r, err)
				}
				return
			}
			if !errors.Is(err, ErrAnswer) || !strings.Contains(err.Error(), c.reason) || len(r.Findings) != 0 {
				t.Errorf("got %v, want %q", err, c.reason)
			}
		})
	}
}

func TestOddFindings(t *testing.T) {
	body := `{"generated_at":"2099-01-01T00:00:00Z","vulnerabilities":[
		{"id":"A","package":"p","version":"1","severity":"Low"},
		{"id":"A","package":"p","version":"1","severity":"High"},
		{"id":"A","package":"p","version":"1","severity":"Medium"},
		{"id":"A","package":"p","version":"2","severity":"moderate"},
		{"id":"B","package":"p","version":"1","severity":"Defcon1"},
		{"id":"C","package":"p","version":"1","severity":"awful"},
		{"id":"D","package":"p","version":"1","severity":"","preferred_cvss":{"score_v3":99,"score_v2":-1,"vector_v3":"` + strings.Repeat("v", 300) + `"},"vendor_attributes":[]},
		{"id":"E","package":"p","version":"1","severity":"None","preferred_cvss":{"score_v2":5},"vendor_attributes":{"x":"` + strings.Repeat("v", maxVendor) + `"}},
		{"id":"F","package":"p","version":"1","severity":"Negligible","vendor_attributes":{"CVSS":"none"}}]}`
	r, err := readReport(strings.NewReader(body), digest, now)
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, f := range r.Findings {
		got += fmt.Sprintf("%s %s %s\n", f.ID, f.Version, f.Severity)
	}
	if want := "A 1 High\nA 2 Medium\nB 1 Critical\nC 1 Critical\nD 1 Unknown\nE 1 Unknown\nF 1 Negligible\n"; got != want {
		t.Errorf("got\n%s", got)
	}
	if !r.GeneratedAt.Equal(now) || r.Severity != inventory.Critical {
		t.Errorf("got %v, %v", r.GeneratedAt, r.Severity)
	}
	if len(r.Notes) != 2 || !strings.Contains(r.Notes[0], "2 vulnerabilities came twice") || !strings.Contains(r.Notes[1], `1 vulnerabilities have a severity that nobody knows, such as "awful"`) {
		t.Errorf("got %q", r.Notes)
	}
	if d, e := r.Findings[4], r.Findings[5]; d.Preferred != (inventory.CVSS{}) || d.Vendor != nil || e.Vendor != nil || e.Preferred.V2Score != 5 || e.Detail.CVSS[""].V2Score != 5 {
		t.Errorf("got %+v, %+v", d, e)
	}
}

func TestTooManyFindings(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"vulnerabilities":[`)
	for i := range maxFindings + 1 {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":"%d","package":"p"}`, i)
	}
	b.WriteString(`]}`)
	if _, err := readReport(strings.NewReader(b.String()), digest, now); !errors.Is(err, ErrAnswer) || !strings.Contains(err.Error(), "more than 200000") {
		t.Errorf("got %v", err)
	}
	same := `{"vulnerabilities":[` + strings.Repeat(`{"id":"1","package":"p"},`, maxFindings+2) + `{"id":"1","package":"p"}]}`
	if _, err := readReport(strings.NewReader(same), digest, now); !errors.Is(err, ErrAnswer) {
		t.Errorf("got %v", err)
	}
}

// A text that is read to the end, however long, would be held in memory.
type counted struct {
	io.Reader
	read int
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.read += n
	return n, err
}

// repeated is head, and then a text many times over, without anybody holding all of it.
func repeated(head, text string, times int) io.Reader {
	r, w := io.Pipe()
	go func() {
		_, err := io.WriteString(w, head)
		for i := 0; i < times && err == nil; i++ {
			_, err = io.WriteString(w, strings.ReplaceAll(text, "#", strconv.Itoa(i)))
		}
		w.CloseWithError(err)
	}()
	return r
}

func TestMillionFindings(t *testing.T) {
	const each = `{"id":"CVE-#","package":"p","version":"1"},`
	body := &counted{Reader: repeated(`{"vulnerabilities":[`, each, 1_000_000)}
	if _, err := readReport(body, digest, now); !errors.Is(err, ErrAnswer) || !strings.Contains(err.Error(), "it has more than 200000 vulnerabilities") {
		t.Errorf("got %v", err)
	}
	if most := (maxFindings + 2) * (len(each) + 8) * 2; body.read > most {
		t.Errorf("%d bytes were read, %d are more than enough", body.read, most)
	}
	body.Reader.(*io.PipeReader).Close()
}

// Lists of millions of words cost what is kept of them, not sixteen bytes each.
func TestMillionWords(t *testing.T) {
	body := `{"vulnerabilities":[{"id":"C","package":"p","links":["https://a.example.com"` + strings.Repeat(`,""`, 4_000_000) + `],"cwe_ids":null,"artifact_digests":[]}]}`
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r, err := readReport(strings.NewReader(body), digest, now)
	runtime.ReadMemStats(&after)
	if err != nil || len(r.Findings) != 1 || !slices.Equal(r.Findings[0].Detail.Links, []string{"https://a.example.com"}) {
		t.Errorf("got %+v, %v", r.Findings, err)
	}
	if grown := after.TotalAlloc - before.TotalAlloc; grown > uint64(8*len(body)) {
		t.Errorf("%d MiB were allocated for %d MiB", grown>>20, len(body)>>20)
	}
}

// Text that isn't UTF-8 is read as what can be stored.
func TestBrokenText(t *testing.T) {
	r, err := readReport(strings.NewReader(`{"vulnerabilities":[{"id":"C`+"\xff\xfe"+`","package":"p\ud800","version":"1","description":"`+strings.Repeat("\xc3", maxText)+`\u0000"}]}`), digest, now)
	if err != nil || len(r.Findings) != 1 {
		t.Fatalf("got %+v, %v", r, err)
	}
	if f := r.Findings[0]; !utf8.ValidString(f.ID+f.Package+f.Detail.Description) || len(f.Detail.Description) > maxText {
		t.Errorf("got %.40q %.40q and %d bytes", f.ID, f.Package, len(f.Detail.Description))
	}
}

func TestBills(t *testing.T) {
	for name, c := range map[string]struct{ body, mediaType, reason string }{
		"SPDX":           {`{"media_type":"application/spdx+json","sbom":{"spdxVersion":"SPDX-2.3"}}`, SPDX, ""},
		"no media type":  {`{"sbom":{"spdxVersion":"SPDX-2.3"}}`, SPDX, ""},
		"CycloneDX":      {`{"media_type":"application/vnd.cyclonedx+json","sbom":{"bomFormat":"CycloneDX"}}`, CycloneDX, ""},
		"another one":    {`{"media_type":"application/vnd.cyclonedx+json","sbom":{"bomFormat":"CycloneDX"}}`, SPDX, "the SBOM is application/vnd.cyclonedx+json"},
		"none":           {`{"media_type":"application/spdx+json"}`, SPDX, "no SBOM"},
		"null":           {`{"sbom":null}`, SPDX, "no SBOM"},
		"text":           {`{"sbom":"SPDX-2.3"}`, SPDX, "no SBOM"},
		"something else": {`{"sbom":{"bomFormat":"CycloneDX"}}`, SPDX, "no SBOM"},
		"another image":  {`{"artifact":{"digest":"sha256:x"},"sbom":{"spdxVersion":"SPDX-2.3"}}`, SPDX, "the report is about"},
		"two":            {`{"sbom":{"spdxVersion":"SPDX-2.3"},"sbom":{"spdxVersion":"SPDX-2.3"}}`, SPDX, "twice"},
		"no JSON":        {`{"sbom":{"spdxVersion":}`, SPDX, "no JSON"},
	} {
		b, err := readBill(strings.NewReader(c.body), c.mediaType, digest, now)
		if (err == nil) != (c.reason == "") || err != nil && (!errors.Is(err, ErrAnswer) || !strings.Contains(err.Error(), c.reason)) {
			t.Errorf("%s: %+v, %v", name, b, err)
		}
	}
}

// However a report is cut, it is no report.
func TestCutReports(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, len(good)-1).Draw(t, "n")
		if r, err := readReport(strings.NewReader(good[:n]), digest, now); err == nil {
			t.Fatalf("%d bytes gave %+v", n, r)
		}
	})
}

func FuzzReport(f *testing.F) {
	f.Add(good)
	f.Add(`{"vulnerabilities":[{"id":"C","package":"p","vendor_attributes":{"CVSS":{"nvd":{"V3Score":1}}},"preferred_cvss":null}]}`)
	f.Fuzz(func(t *testing.T, body string) {
		r, err := readReport(strings.NewReader(body), digest, now)
		if err != nil {
			if _, ok := errors.AsType[*Failure](err); !ok || len(r.Findings) > 0 {
				t.Fatalf("got %v with %d findings", err, len(r.Findings))
			}
			return
		}
		seen := map[[3]string]bool{}
		for _, x := range r.Findings {
			key := [3]string{x.ID, x.Package, x.Version}
			if x.ID == "" || x.Package == "" || seen[key] || x.Severity < inventory.Unknown || x.Severity > inventory.Critical || x.Severity > r.Severity {
				t.Fatalf("got %+v", x)
			}
			seen[key] = true
		}
	})
}
