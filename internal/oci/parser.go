package oci

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"net/url"
	"strconv"
	"strings"
)

// parser turns decoded JSON into a Manifest. It keeps the first error and returns
// zero values from then on, so the reading code needs no branch for each field.
type parser struct {
	err *ManifestError
}

func (p *parser) fail(e *ManifestError) {
	if p.err == nil {
		p.err = e
	}
}

// object is a JSON object and the path that leads to it.
type object struct {
	path   string
	fields map[string]any
}

func (o object) at(name string) string { return join(o.path, name) }

// has says whether the key stands in the object, with null too.
func (o object) has(name string) bool {
	_, ok := o.fields[name]
	return ok
}

var (
	manifestFields = []string{"schemaVersion", "mediaType", "artifactType", "config", "layers", "manifests",
		"subject", "annotations", "fsLayers"}
	descriptorFields = []string{"mediaType", "digest", "size", "urls", "annotations", "data", "platform", "artifactType"}
	platformFields   = []string{"architecture", "os", "os.version", "os.features", "variant"}
)

// manifest reads the document. mediaType is the Content-Type's, or "".
func (p *parser) manifest(fields map[string]any, mediaType string) *Manifest {
	o := object{fields: fields}
	p.exactNames(o, manifestFields)
	m := &Manifest{
		MediaType:    p.mediaType(o, mediaType),
		ArtifactType: p.shortText(o, "artifactType"),
		Annotations:  p.textMap(o, "annotations"),
		Subject:      p.optionalDescriptor(o, "subject"),
	}
	p.oneKind(o, m.IsIndex())
	if version := p.integer(o, "schemaVersion"); version != 2 {
		p.fail(invalid("schemaVersion", "want 2"))
	}
	if m.IsIndex() {
		m.Manifests = p.descriptors(o, "manifests")
		return m
	}
	if m.Config = p.optionalDescriptor(o, "config"); m.Config == nil {
		p.fail(invalid("config", "missing"))
	}
	m.Layers = p.descriptors(o, "layers")
	return m
}

// mediaType reconciles the Content-Type with the document's own media type.
func (p *parser) mediaType(o object, fromHeader string) string {
	own := p.text(o, "mediaType")
	switch {
	case own == "" && fromHeader == "":
		p.fail(&ManifestError{Path: "mediaType", Message: "missing here and in Content-Type", kind: ErrMediaTypeUnsupported})
	case own == "":
		return fromHeader
	case !IsManifestType(own):
		p.fail(unsupportedMediaType("mediaType", own))
	case fromHeader != "" && own != fromHeader:
		p.fail(invalid("mediaType", "%q, but Content-Type is %q", own, fromHeader))
	}
	return own
}

// oneKind refuses a document that another reader could take for another kind of
// manifest (CVE-2021-41190), null values too.
func (p *parser) oneKind(o object, index bool) {
	if o.has("fsLayers") {
		p.fail(invalid("fsLayers", "Docker schema 1 manifests are not supported"))
	}
	if o.has("manifests") && (o.has("layers") || o.has("config")) {
		p.fail(invalid("", "ambiguous: has manifests as well as layers or config"))
	}
	if !index && o.has("manifests") {
		p.fail(invalid("manifests", "not part of an image manifest"))
	}
	for _, name := range []string{"config", "layers"} {
		if index && o.has(name) {
			p.fail(invalid(name, "not part of an index"))
		}
	}
	if index && !o.has("manifests") {
		p.fail(invalid("manifests", "missing"))
	}
}

// exactNames refuses keys that many JSON readers, Go's among them, would take for a
// known one although the case differs.
func (p *parser) exactNames(o object, known []string) {
	for key := range o.fields {
		for _, name := range known {
			if key != name && strings.EqualFold(key, name) {
				p.fail(invalid(o.path, "key %q must be written %q", shorten(key), name))
			}
		}
	}
}

func (p *parser) descriptors(o object, name string) []Descriptor {
	list := p.list(o, name)
	if len(list) > MaxDescriptors {
		p.fail(invalid(o.at(name), "%d entries, at most %d", len(list), MaxDescriptors))
		return nil
	}
	found := make([]Descriptor, 0, len(list))
	for i, v := range list {
		fields, ok := v.(map[string]any)
		if !ok {
			p.fail(invalid(element(o.at(name), i), "want a descriptor"))
			return nil
		}
		found = append(found, p.descriptor(object{path: element(o.at(name), i), fields: fields}))
	}
	return found
}

func (p *parser) optionalDescriptor(o object, name string) *Descriptor {
	fields := p.fields(o, name)
	if fields == nil {
		return nil
	}
	d := p.descriptor(object{path: o.at(name), fields: fields})
	return &d
}

func (p *parser) descriptor(o object) Descriptor {
	p.exactNames(o, descriptorFields)
	d := Descriptor{
		MediaType:    p.shortText(o, "mediaType"),
		Digest:       p.digest(o, "digest"),
		Size:         p.integer(o, "size"),
		Annotations:  p.textMap(o, "annotations"),
		Platform:     p.platform(o),
		ArtifactType: p.shortText(o, "artifactType"),
	}
	if d.MediaType == "" {
		p.fail(invalid(o.at("mediaType"), "missing"))
	}
	if d.Size < 0 {
		p.fail(invalid(o.at("size"), "negative"))
	}
	d.URLs = p.urls(o, IsForeignLayer(d.MediaType))
	d.Data = p.data(o, d)
	return d
}

func (p *parser) digest(o object, name string) Digest {
	d, err := ParseDigest(p.text(o, name))
	if err != nil {
		p.fail(&ManifestError{Path: o.at(name), Message: err.Error(), kind: ErrManifestInvalid, cause: err})
	}
	return d
}

// data reads embedded content and holds it against digest and size: clients may use
// it in place of the blob.
func (p *parser) data(o object, d Descriptor) []byte {
	encoded := p.text(o, "data")
	if encoded == "" || p.err != nil {
		return nil
	}
	data, err := base64.StdEncoding.Strict().DecodeString(encoded)
	switch {
	case err != nil:
		p.fail(invalid(o.at("data"), "not valid base64"))
	case int64(len(data)) != d.Size:
		p.fail(invalid(o.at("data"), "%d bytes, but size is %d", len(data), d.Size))
	case !d.Digest.Matches(data):
		p.fail(invalid(o.at("data"), "does not have the descriptor's digest"))
	}
	return data
}

func (p *parser) urls(o object, foreign bool) []string {
	urls := p.textList(o, "urls")
	if len(urls) > MaxURLs {
		p.fail(invalid(o.at("urls"), "%d entries, at most %d", len(urls), MaxURLs))
	}
	for i, s := range urls {
		u, err := url.Parse(s)
		if err != nil || len(s) > MaxURLLength {
			p.fail(invalid(element(o.at("urls"), i), "not a URL of at most %d bytes", MaxURLLength))
		} else if foreign && (u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
			p.fail(invalid(element(o.at("urls"), i), "want an http or https URL"))
		}
	}
	return urls
}

func (p *parser) platform(o object) *Platform {
	fields := p.fields(o, "platform")
	if fields == nil {
		return nil
	}
	o = object{path: o.at("platform"), fields: fields}
	p.exactNames(o, platformFields)
	return &Platform{
		Architecture: p.shortText(o, "architecture"),
		OS:           p.shortText(o, "os"),
		OSVersion:    p.shortText(o, "os.version"),
		OSFeatures:   p.textList(o, "os.features"),
		Variant:      p.shortText(o, "variant"),
	}
}

// fields, list, text and integer read a value of one JSON type. An absent or null
// value is the zero value; another type is an error.

func (p *parser) fields(o object, name string) map[string]any {
	v, ok := o.fields[name].(map[string]any)
	if !ok && o.fields[name] != nil {
		p.fail(invalid(o.at(name), "want an object"))
	}
	return v
}

func (p *parser) list(o object, name string) []any {
	v, ok := o.fields[name].([]any)
	if !ok && o.fields[name] != nil {
		p.fail(invalid(o.at(name), "want an array"))
	}
	return v
}

func (p *parser) text(o object, name string) string {
	v, ok := o.fields[name].(string)
	if !ok && o.fields[name] != nil {
		p.fail(invalid(o.at(name), "want a string"))
	}
	return v
}

// shortText is text of at most MaxFieldLength bytes without control characters.
func (p *parser) shortText(o object, name string) string {
	s := p.text(o, name)
	if len(s) > MaxFieldLength || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		p.fail(invalid(o.at(name), "want at most %d bytes, no control characters", MaxFieldLength))
	}
	return s
}

// integer requires the value: an absent one is an error, unlike elsewhere.
func (p *parser) integer(o object, name string) int64 {
	number, ok := o.fields[name].(json.Number)
	if !ok {
		p.fail(invalid(o.at(name), "want a number"))
		return 0
	}
	n, err := strconv.ParseInt(number.String(), 10, 64)
	if err != nil {
		p.fail(invalid(o.at(name), "want an integer up to %d", int64(math.MaxInt64)))
	}
	return n
}

func (p *parser) textList(o object, name string) []string {
	var found []string
	for i, v := range p.list(o, name) {
		s, ok := v.(string)
		if !ok {
			p.fail(invalid(element(o.at(name), i), "want a string"))
		}
		found = append(found, s)
	}
	return found
}

func (p *parser) textMap(o object, name string) map[string]string {
	fields := p.fields(o, name)
	if len(fields) == 0 {
		return nil
	}
	found := make(map[string]string, len(fields))
	for key, v := range fields {
		s, ok := v.(string)
		if !ok {
			p.fail(invalid(join(o.at(name), key), "want a string"))
		}
		found[key] = s
	}
	return found
}
