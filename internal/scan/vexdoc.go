package scan

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	maxVEX      = 4 << 20 // bytes of a document
	maxPerVEX   = 2000    // statements that a document makes here
	maxProducts = 200     // of one of its statements
)

// vexDocument is an OpenVEX document, as far as it is understood here. OpenVEX 0.2.0.
type vexDocument struct {
	Context    string         `json:"@context"`
	Author     string         `json:"author"`
	Timestamp  string         `json:"timestamp"`
	Statements []vexStatement `json:"statements"`
}

type vexStatement struct {
	Vulnerability   vexName      `json:"vulnerability"`
	Timestamp       string       `json:"timestamp"`
	Products        []vexProduct `json:"products"`
	Status          VEXStatus    `json:"status"`
	StatusNotes     string       `json:"status_notes"`
	Justification   string       `json:"justification"`
	ImpactStatement string       `json:"impact_statement"`
}

// vexName is a vulnerability: an object since OpenVEX 0.2.0, a text before.
type vexName struct {
	Name    string   `json:"name"`
	Aliases []string `json:"aliases"`
}

// UnmarshalJSON reads both forms.
func (n *vexName) UnmarshalJSON(text []byte) error {
	if bytes.HasPrefix(text, []byte(`"`)) {
		return json.Unmarshal(text, &n.Name)
	}
	type plain vexName
	return json.Unmarshal(text, (*plain)(n))
}

// vexProduct is what a statement is about: an image, or a package. Texts are of OpenVEX before 0.2.0.
type vexProduct struct {
	ID            string            `json:"@id"`
	Identifiers   map[string]string `json:"identifiers"`
	Hashes        map[string]string `json:"hashes"`
	Subcomponents []vexProduct      `json:"subcomponents"`
}

// UnmarshalJSON reads both forms.
func (p *vexProduct) UnmarshalJSON(text []byte) error {
	if bytes.HasPrefix(text, []byte(`"`)) {
		return json.Unmarshal(text, &p.ID)
	}
	type plain vexProduct
	return json.Unmarshal(text, (*plain)(p))
}

func (p vexProduct) purl() string {
	if s := p.Identifiers["purl"]; s != "" {
		return s
	}
	return p.ID
}

var vexStatuses = []VEXStatus{NotAffected, FixedStatus, Affected, UnderInvestigation}

// justifications are OpenVEX's words for why something is not affected.
var justifications = []string{"component_not_present", "vulnerable_code_not_present", "vulnerable_code_not_in_execute_path",
	"vulnerable_code_cannot_be_controlled_by_adversary", "inline_mitigations_already_exist"}

// parseVEX reads an OpenVEX document, plain, as an in-toto statement or signed in a DSSE envelope, into statements
// without a place. What is signed is not verified here: the statements carry where they came from.
func parseVEX(text []byte) ([]Statement, error) {
	text, err := unwrapVEX(text, 0)
	if err != nil {
		return nil, err
	}
	var d vexDocument
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, fmt.Errorf("no OpenVEX document: %w", err)
	}
	if !strings.HasPrefix(d.Context, "https://openvex.dev/ns") {
		return nil, errors.New("no OpenVEX document: its @context is another one")
	}
	made := parseTime(d.Timestamp, time.Time{})
	var all []Statement
	for i, v := range d.Statements {
		some, err := v.statements(clean(d.Author, maxName), made)
		if err != nil {
			return nil, fmt.Errorf("statement %d: %w", i+1, err)
		}
		if all = append(all, some...); len(all) > maxPerVEX {
			return nil, fmt.Errorf("more than %d statements on products", maxPerVEX)
		}
	}
	if len(all) == 0 {
		return nil, errors.New("the document makes no statement")
	}
	return all, nil
}

// unwrapVEX takes the document out of an envelope.
func unwrapVEX(text []byte, depth int) ([]byte, error) {
	var outer struct {
		Payload       string          `json:"payload"`
		PayloadType   string          `json:"payloadType"`
		PredicateType string          `json:"predicateType"`
		Predicate     json.RawMessage `json:"predicate"`
	}
	if err := json.Unmarshal(text, &outer); err != nil {
		return nil, fmt.Errorf("no OpenVEX document: %w", err)
	}
	switch {
	case outer.Payload != "" && depth == 0:
		inner, err := base64.StdEncoding.DecodeString(outer.Payload)
		if err != nil {
			return nil, fmt.Errorf("the envelope's payload: %w", err)
		}
		return unwrapVEX(inner, depth+1)
	case outer.PredicateType != "":
		if !strings.HasPrefix(outer.PredicateType, "https://openvex.dev/ns") {
			return nil, fmt.Errorf("a predicate of type %s is no OpenVEX document", clean(outer.PredicateType, maxName))
		}
		return outer.Predicate, nil
	}
	return text, nil
}

func parseTime(text string, otherwise time.Time) time.Time {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return otherwise
	}
	return at.UTC()
}

// statements is one for each name of the vulnerability and each package that is named.
func (v vexStatement) statements(author string, made time.Time) ([]Statement, error) {
	if !slices.Contains(vexStatuses, v.Status) {
		return nil, fmt.Errorf("status %q is none of OpenVEX's", clean(string(v.Status), maxName))
	}
	if v.Justification != "" && !slices.Contains(justifications, v.Justification) {
		return nil, fmt.Errorf("justification %q is none of OpenVEX's", clean(v.Justification, maxName))
	}
	if v.Status == NotAffected && v.Justification == "" && v.ImpactStatement == "" {
		return nil, errors.New("not_affected needs a justification or an impact_statement")
	}
	names := append([]string{v.Vulnerability.Name}, v.Vulnerability.Aliases...)
	if v.Vulnerability.Name == "" || len(names) > maxLinks {
		return nil, errors.New("it names no vulnerability, or too many")
	}
	if len(v.Products) > maxProducts {
		return nil, fmt.Errorf("more than %d products", maxProducts)
	}
	reason := v.ImpactStatement
	if reason == "" {
		reason = v.StatusNotes
	}
	var all []Statement
	for _, name := range names {
		for _, p := range v.packages() {
			all = append(all, Statement{
				Vulnerability: clean(name, maxName), Status: v.Status, Justification: v.Justification, Reason: clean(reason, maxProse),
				Author: author, MadeAt: parseTime(v.Timestamp, made), Package: p.name, Version: p.version,
			})
		}
	}
	return all, nil
}

type namedPackage struct{ name, version string }

// packages is what the statement is about: subcomponents of an image, packages, or the whole image.
func (v vexStatement) packages() []namedPackage {
	var all []namedPackage
	add := func(p namedPackage) {
		if !slices.Contains(all, p) && len(all) < maxProducts {
			all = append(all, p)
		}
	}
	for _, p := range v.Products {
		switch {
		case len(p.Subcomponents) > 0:
			for _, c := range p.Subcomponents {
				if named, ok := parsePURL(c.purl()); ok {
					add(named)
				}
			}
		default:
			named, ok := parsePURL(p.purl())
			if !ok || isImage(p.purl()) {
				named = namedPackage{}
			}
			add(named)
		}
	}
	if len(v.Products) == 0 {
		add(namedPackage{})
	}
	return all
}

func isImage(purl string) bool {
	return strings.HasPrefix(purl, "pkg:oci/") || strings.HasPrefix(purl, "pkg:docker/")
}

// parsePURL is the name and version of a package URL, the name as reports have it: "group:artifact" of Maven,
// "@scope/name" of npm, "host/path" of Go, the bare name of a distribution's package.
func parsePURL(text string) (p namedPackage, ok bool) {
	rest, ok := strings.CutPrefix(text, "pkg:")
	if !ok {
		return p, false
	}
	rest, _, _ = strings.Cut(rest, "#")
	rest, qualifiers, _ := strings.Cut(rest, "?")
	kind, rest, ok := strings.Cut(strings.TrimLeft(rest, "/"), "/")
	if !ok {
		return p, false
	}
	path := rest
	if i := strings.LastIndex(rest, "@"); i > 0 {
		path, p.version = rest[:i], unescaped(rest[i+1:])
	}
	namespace, name := "", unescaped(path)
	if i := strings.LastIndex(path, "/"); i >= 0 {
		namespace, name = unescaped(path[:i]), unescaped(path[i+1:])
	}
	switch {
	case kind == "maven" && namespace != "":
		name = namespace + ":" + name
	case slices.Contains([]string{"deb", "rpm", "apk", "alpm"}, kind): // the namespace is the distribution
		if values, err := url.ParseQuery(qualifiers); err == nil && values.Get("epoch") != "" && p.version != "" {
			p.version = values.Get("epoch") + ":" + p.version
		}
	case namespace != "":
		name = namespace + "/" + name
	}
	p.name = clean(name, maxName)
	p.version = clean(p.version, maxName)
	return p, p.name != ""
}

func unescaped(text string) string {
	plain, err := url.PathUnescape(text)
	if err != nil {
		return text
	}
	return plain
}
