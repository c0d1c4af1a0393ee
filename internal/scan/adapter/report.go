package adapter

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"github.com/havenregistry/haven/internal/scan/inventory"
)

// Report is what a scanner found, checked. Nothing in it is taken on trust but what only the scanner can know.
type Report struct {
	GeneratedAt time.Time
	Scanner     Name
	Severity    inventory.Severity // the worst of the findings
	Findings    []Finding          // distinct by id, package and version
	// Notes say what was odd about it, in words for a log.
	Notes []string
}

// Finding is a vulnerability of a package.
type Finding struct {
	inventory.Finding
	Package, Version string
	Preferred        inventory.CVSS  // the score that the scanner holds to be right
	ArtifactDigests  []string        // layers or manifests, as the scanner has it
	Vendor           json.RawMessage // vendor_attributes: an object, or nil
}

// Bounds of a report.
const (
	maxFindings    = 200_000
	maxName        = 1024
	maxText        = 64 << 10
	maxLinks       = 100
	maxVendor      = 32 << 10
	maxDigests     = 256
	maxWeaknesses  = 100
	maxSources     = 32
	greatestScore  = 10
	usualWeakness  = 64
	longestScanner = 256
)

// wireFinding is an entry of a report.
type wireFinding struct {
	ID              string          `json:"id"`
	Package         string          `json:"package"`
	Version         string          `json:"version"`
	Fixed           string          `json:"fix_version"`
	Severity        string          `json:"severity"`
	Status          string          `json:"status"`
	Description     string          `json:"description"`
	Links           words           `json:"links"`
	ArtifactDigests words           `json:"artifact_digests"`
	CWEs            words           `json:"cwe_ids"`
	Vendor          json.RawMessage `json:"vendor_attributes"`
	CVSS            *struct {
		ScoreV3  *float64 `json:"score_v3"`
		ScoreV2  *float64 `json:"score_v2"`
		VectorV3 string   `json:"vector_v3"`
		VectorV2 string   `json:"vector_v2"`
	} `json:"preferred_cvss"`
}

// words is a list of which no more is read than is kept of any: in three bytes each a report could name
// twenty million empty ones.
type words []string

// UnmarshalJSON reads the first of a list, or null.
func (w *words) UnmarshalJSON(text []byte) error {
	if len(text) == 0 || text[0] != '[' {
		return json.Unmarshal(text, (*[]string)(w))
	}
	d := json.NewDecoder(bytes.NewReader(text))
	if _, err := d.Token(); err != nil {
		return err
	}
	for *w = nil; d.More() && len(*w) < maxDigests; {
		var word string
		if err := d.Decode(&word); err != nil {
			return err
		}
		*w = append(*w, word)
	}
	return nil
}

// envelope is what is around findings and around SBOMs.
type envelope struct {
	generatedAt time.Time
	scanner     Name
}

// readReport reads a vulnerability report, finding by finding. digest is the artifact's that was to be scanned.
func readReport(body io.Reader, digest string, now time.Time) (Report, error) {
	g := gatherer{at: map[[3]string]int{}, unknown: map[string]int{}}
	found := false
	around, err := readObject(body, digest, now, func(d *json.Decoder, key string) (bool, error) {
		if key != "vulnerabilities" {
			return false, nil
		}
		found = true
		return true, eachElement(d, g.add)
	})
	if err != nil {
		return Report{}, err
	}
	if !found {
		return Report{}, badAnswer("the report has no vulnerabilities, not even an empty list")
	}
	r := Report{GeneratedAt: around.generatedAt, Scanner: around.scanner, Findings: g.findings, Notes: g.notes()}
	for i := range r.Findings {
		f := &r.Findings[i]
		f.Detail.Source = strings.ToLower(around.scanner.Name)
		f.Detail.CVSS = f.scores(f.Detail.Source)
		r.Severity = max(r.Severity, f.Severity)
	}
	return r, nil
}

// readObject reads a report's object: what is around by itself, the rest by part, which says whether it took a
// key's value. A key that comes twice could mean two things to two readers, and is refused (S14).
func readObject(body io.Reader, digest string, now time.Time, part func(d *json.Decoder, key string) (bool, error)) (envelope, error) {
	e := envelope{generatedAt: now}
	d := json.NewDecoder(body)
	if err := expect(d, '{'); err != nil {
		return e, err
	}
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return e, unreadable(err)
		}
		key, _ := token.(string)
		if seen[key] || len(seen) >= maxSources {
			return e, badAnswer("the report has a key twice, or too many: %.64q", key)
		}
		seen[key] = true
		if taken, err := part(d, key); err != nil {
			return e, err
		} else if taken {
			continue
		}
		if err := e.read(d, key, digest, now); err != nil {
			return e, err
		}
	}
	if err := expect(d, '}'); err != nil {
		return e, err
	}
	return e, ended(d)
}

func (e *envelope) read(d *json.Decoder, key, digest string, now time.Time) error {
	var value json.RawMessage
	if err := d.Decode(&value); err != nil {
		return unreadable(err)
	}
	switch key {
	case "generated_at":
		var at time.Time
		if json.Unmarshal(value, &at) == nil && !at.IsZero() && at.Before(now.Add(time.Hour)) {
			e.generatedAt = at.UTC()
		}
	case "scanner":
		if err := json.Unmarshal(value, &e.scanner); err != nil {
			return badAnswer("scanner isn't an object with name, vendor and version")
		}
		e.scanner = Name{shown(e.scanner.Name), shown(e.scanner.Vendor), shown(e.scanner.Version)}
	case "artifact":
		var a Artifact
		if err := json.Unmarshal(value, &a); err != nil {
			return badAnswer("artifact isn't an object with a repository and a digest")
		}
		if a.Digest != "" && digest != "" && a.Digest != digest {
			return badAnswer("the report is about %s, not about %s", shown(a.Digest), digest)
		}
	}
	return nil
}

func expect(d *json.Decoder, want json.Delim) error {
	token, err := d.Token()
	if err != nil {
		return unreadable(err)
	}
	if token != want {
		return badAnswer("it isn't the JSON object that a report is")
	}
	return nil
}

// eachElement hands the elements of an array to add, one at a time. null is an empty array.
func eachElement(d *json.Decoder, add func(wireFinding) error) error {
	token, err := d.Token()
	if err != nil {
		return unreadable(err)
	}
	if token == nil {
		return nil
	}
	if token != json.Delim('[') {
		return badAnswer("vulnerabilities isn't a list")
	}
	for d.More() {
		var w wireFinding
		if err := d.Decode(&w); err != nil {
			return unreadable(err)
		}
		if err := add(w); err != nil {
			return err
		}
	}
	_, err = d.Token()
	if err != nil {
		return unreadable(err)
	}
	return nil
}

// gatherer collects findings.
type gatherer struct {
	findings []Finding
	at       map[[3]string]int
	twice    int
	unknown  map[string]int // severities that nobody knows, and how often
}

func (g *gatherer) add(w wireFinding) error {
	f, err := g.finding(w)
	if err != nil {
		return fmt.Errorf("vulnerability %d: %w", len(g.findings)+g.twice+1, err)
	}
	key := [3]string{f.ID, f.Package, f.Version}
	if i, ok := g.at[key]; ok {
		g.twice++
		if f.Severity > g.findings[i].Severity {
			g.findings[i] = f
		}
		if g.twice > maxFindings {
			return badAnswer("more than %d vulnerabilities come twice", maxFindings)
		}
		return nil
	}
	if len(g.findings) == maxFindings {
		return badAnswer("it has more than %d vulnerabilities", maxFindings)
	}
	g.at[key] = len(g.findings)
	g.findings = append(g.findings, f)
	return nil
}

func (g *gatherer) notes() (notes []string) {
	if g.twice > 0 {
		notes = append(notes, fmt.Sprintf("%d vulnerabilities came twice, and count once with their worst severity", g.twice))
	}
	if len(g.unknown) > 0 {
		n, example := 0, ""
		for word, times := range g.unknown {
			n, example = n+times, word
		}
		notes = append(notes, fmt.Sprintf("%d vulnerabilities have a severity that nobody knows, such as %q, and count as Critical", n, example))
	}
	return notes
}

func (g *gatherer) finding(w wireFinding) (Finding, error) {
	for name, word := range map[string]string{"id": w.ID, "package": w.Package, "version": w.Version, "fix_version": w.Fixed, "status": w.Status, "severity": w.Severity} {
		if len(word) > maxName || strings.ContainsFunc(word, unicode.IsControl) {
			return Finding{}, badAnswer("its %s is too long or has control characters", name)
		}
	}
	if w.ID == "" || w.Package == "" {
		return Finding{}, badAnswer("it has no id or no package")
	}
	severity, known := severityOf(w.Severity)
	if !known {
		if word := shown(w.Severity); len(g.unknown) < maxSources || g.unknown[word] > 0 {
			g.unknown[word]++
		}
	}
	f := Finding{
		Finding: inventory.Finding{ID: w.ID, Fixed: w.Fixed, Status: w.Status, Severity: severity, Detail: inventory.Detail{
			Description: cut(w.Description, maxText), Links: links(w.Links), CWEs: some(w.CWEs, maxWeaknesses, usualWeakness),
		}},
		Package: w.Package, Version: w.Version, ArtifactDigests: some(w.ArtifactDigests, maxDigests, longestScanner),
	}
	if len(f.Detail.Links) > 0 {
		f.Detail.Link = f.Detail.Links[0]
	}
	if c := w.CVSS; c != nil {
		f.Preferred = inventory.CVSS{V2Vector: vector(c.VectorV2), V3Vector: vector(c.VectorV3), V2Score: score(c.ScoreV2), V3Score: score(c.ScoreV3)}
	}
	if len(w.Vendor) > 0 && len(w.Vendor) <= maxVendor && w.Vendor[0] == '{' {
		f.Vendor = w.Vendor
	}
	return f, nil
}

// severityOf reads a severity, also in the words of distributions and of older scanners. A word that nobody knows
// counts as the worst, as it does in Harbor: a gate must not open on it (S12).
func severityOf(word string) (s inventory.Severity, known bool) {
	if s, ok := inventory.ParseSeverity(word); ok || word == "" {
		return s, true
	}
	switch strings.ToLower(word) {
	case "moderate":
		return inventory.Medium, true
	case "important":
		return inventory.High, true
	case "defcon1":
		return inventory.Critical, true
	case "minimal", "info", "informational":
		return inventory.Negligible, true
	case "untriaged", "undefined":
		return inventory.Unknown, true
	}
	return inventory.Critical, false
}

// scores are those that Trivy's adapter sends, by source, and the preferred one by the scanner.
func (f *Finding) scores(scanner string) map[string]inventory.CVSS {
	all := map[string]inventory.CVSS{}
	var vendor struct {
		CVSS map[string]struct {
			V2Vector, V3Vector string
			V2Score, V3Score   *float64
		}
	}
	if len(f.Vendor) > 0 && json.Unmarshal(f.Vendor, &vendor) == nil && len(vendor.CVSS) <= maxSources {
		for source, c := range vendor.CVSS {
			all[cut(source, usualWeakness)] = inventory.CVSS{V2Vector: vector(c.V2Vector), V3Vector: vector(c.V3Vector), V2Score: score(c.V2Score), V3Score: score(c.V3Score)}
		}
	}
	if len(all) == 0 && f.Preferred != (inventory.CVSS{}) {
		all[scanner] = f.Preferred
	}
	if len(all) == 0 {
		return nil
	}
	return all
}

func score(sent *float64) float64 {
	if sent == nil || !(*sent >= 0 && *sent <= greatestScore) {
		return 0
	}
	return *sent
}

func vector(sent string) string {
	if len(sent) > longestScanner || strings.ContainsFunc(sent, unicode.IsControl) {
		return ""
	}
	return sent
}

// links keeps addresses that a browser may be sent to (S20).
func links(sent []string) (kept []string) {
	for _, l := range some(sent, maxLinks, maxName) {
		if strings.HasPrefix(l, "https://") || strings.HasPrefix(l, "http://") {
			kept = append(kept, l)
		}
	}
	return kept
}

// some keeps as many words as there may be, of those that are neither empty nor too long.
func some(sent []string, most, longest int) (kept []string) {
	for _, word := range sent {
		if word != "" && len(word) <= longest && !strings.ContainsFunc(word, unicode.IsControl) && len(kept) < most {
			kept = append(kept, word)
		}
	}
	return kept
}

// cut shortens text, between characters.
func cut(text string, most int) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "")
}

// Bill is an SBOM that a scanner made.
type Bill struct {
	GeneratedAt time.Time
	Scanner     Name
	MediaType   string // SPDX or CycloneDX
	Document    []byte // the exact JSON
}

// readBill reads an SBOM report.
func readBill(body io.Reader, mediaType, digest string, now time.Time) (Bill, error) {
	b := Bill{}
	around, err := readObject(body, digest, now, func(d *json.Decoder, key string) (bool, error) {
		switch key {
		case "sbom":
			return true, decodePart(d, (*json.RawMessage)(&b.Document))
		case "media_type":
			return true, decodePart(d, &b.MediaType)
		}
		return false, nil
	})
	if err != nil {
		return Bill{}, err
	}
	b.GeneratedAt, b.Scanner = around.generatedAt, around.scanner
	if b.MediaType == "" {
		b.MediaType = mediaType
	}
	if b.MediaType != mediaType {
		return Bill{}, badAnswer("the SBOM is %s, not %s", shown(b.MediaType), mediaType)
	}
	return b, b.check()
}

func decodePart(d *json.Decoder, into any) error {
	if err := d.Decode(into); err != nil {
		return unreadable(err)
	}
	return nil
}

// check looks whether the document is what it is said to be.
func (b Bill) check() error {
	var head struct {
		SPDX   string `json:"spdxVersion"`
		Format string `json:"bomFormat"`
	}
	if err := json.Unmarshal(b.Document, &head); err != nil || b.MediaType == SPDX && !strings.HasPrefix(head.SPDX, "SPDX-") || b.MediaType == CycloneDX && head.Format != "CycloneDX" {
		return badAnswer("the document in it is no SBOM of %s", b.MediaType)
	}
	return nil
}
