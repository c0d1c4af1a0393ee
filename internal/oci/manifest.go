package oci

import (
	"errors"
	"fmt"
	"mime"
	"unicode/utf8"
)

// Limits of a manifest (rules of ParseManifest).
const (
	// MaxManifestSize is the largest manifest, in bytes.
	MaxManifestSize = 4 << 20
	// MaxDescriptors is the most layers of an image or children of an index.
	MaxDescriptors = 4096
	// MaxDepth is the deepest nesting of objects and arrays. The deepest that the
	// specifications need is 5.
	MaxDepth = 32
	// MaxValues is the most JSON values of one manifest, which bounds the memory
	// that parsing takes.
	MaxValues = 1 << 18
	// MaxFieldLength is the longest media type and artifact type, in bytes.
	MaxFieldLength = 255
	// MaxURLs is the most URLs of one descriptor, each of at most MaxURLLength bytes.
	MaxURLs      = 32
	MaxURLLength = 2048
)

var (
	// ErrManifestInvalid is what every error of ParseManifest is, but those about
	// size and media type.
	ErrManifestInvalid = errors.New("invalid manifest")
	// ErrManifestTooLarge is returned for more than MaxManifestSize bytes.
	ErrManifestTooLarge = fmt.Errorf("manifest larger than %d bytes", MaxManifestSize)
	// ErrMediaTypeUnsupported is returned for a media type that is no manifest's,
	// Docker schema 1 among them.
	ErrMediaTypeUnsupported = errors.New("unsupported manifest media type")
)

// ManifestError says what is wrong with a manifest, and where, in words for the client
// who sent it. It unwraps to ErrManifestInvalid, ErrManifestTooLarge or
// ErrMediaTypeUnsupported, and to ErrDigestInvalid or ErrDigestUnsupported as well when
// a descriptor's digest is the fault.
type ManifestError struct {
	// Path leads to the faulty value, as in "layers[2].digest"; "" is the document.
	Path string
	// Message says what is wrong and what was wanted. It repeats at most a few
	// dozen bytes of the document.
	Message string
	kind    error
	cause   error
}

// Error returns path and message.
func (e *ManifestError) Error() string {
	if e.Path == "" {
		return e.Message
	}
	return e.Path + ": " + e.Message
}

// Unwrap returns the sentinels that the error is.
func (e *ManifestError) Unwrap() []error {
	if e.cause == nil {
		return []error{e.kind}
	}
	return []error{e.kind, e.cause}
}

// Manifest is a parsed image manifest or index, of Docker or OCI. Its fields share no
// memory with the bytes it was parsed from.
type Manifest struct {
	MediaType    string
	ArtifactType string
	// Config and Layers are an image's; Config is never nil there.
	Config *Descriptor
	Layers []Descriptor
	// Manifests are the children of an index.
	Manifests   []Descriptor
	Subject     *Descriptor
	Annotations map[string]string
}

// ParseManifest reads a manifest strictly, so that no two readers can understand the
// same bytes differently. contentType is the Content-Type of the request; where it is
// empty, the document's own mediaType counts, and the other way round.
//
// Refused are: more than MaxManifestSize bytes (ErrManifestTooLarge); a media type that
// is not one of the four accepted (ErrMediaTypeUnsupported); invalid UTF-8 or JSON,
// trailing data, an object key that stands twice or differs from a known one only by
// case, nesting beyond MaxDepth; a mediaType other than the content type; fields of
// another kind of manifest; a schemaVersion other than 2; descriptors without media
// type, valid digest or size, with embedded data that does not match, or too many
// (ErrManifestInvalid). Every error is a *ManifestError.
func ParseManifest(contentType string, content []byte) (*Manifest, error) {
	if len(content) > MaxManifestSize {
		return nil, &ManifestError{Message: ErrManifestTooLarge.Error(), kind: ErrManifestTooLarge}
	}
	mediaType, err := parseContentType(contentType)
	if err != nil {
		return nil, err
	}
	root, err := decodeStrict(content)
	if err != nil {
		return nil, err
	}
	var p parser
	m := p.manifest(root, mediaType)
	if p.err != nil {
		return nil, p.err
	}
	return m, nil
}

// parseContentType returns the media type without parameters, "" when none is given.
func parseContentType(contentType string) (string, error) {
	if contentType == "" {
		return "", nil
	}
	mediaType, _, err := mime.ParseMediaType(contentType)
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) || !IsManifestType(mediaType) {
		return "", unsupportedMediaType("Content-Type", contentType)
	}
	return mediaType, nil
}

func unsupportedMediaType(path, mediaType string) *ManifestError {
	if !utf8.ValidString(mediaType) {
		mediaType = "(not UTF-8)"
	}
	return &ManifestError{
		Path:    path,
		Message: fmt.Sprintf("unsupported manifest media type %q", shorten(mediaType)),
		kind:    ErrMediaTypeUnsupported,
	}
}

// IsIndex says whether the manifest is an index or a manifest list.
func (m *Manifest) IsIndex() bool { return IsIndexType(m.MediaType) }

// Blobs returns what must be in the repository as blobs: configuration and layers
// without foreign ones, each digest once, in the document's order. Of an index it
// returns the entries that are no manifests, as build caches have them.
func (m *Manifest) Blobs() []Descriptor {
	return m.distinct(func(d Descriptor, child bool) bool {
		return !d.IsForeign() && !(child && IsManifestType(d.MediaType))
	})
}

// ForeignBlobs returns the layers that may be absent from the repository; the ones
// that are there are this manifest's all the same.
func (m *Manifest) ForeignBlobs() []Descriptor {
	return m.distinct(func(d Descriptor, _ bool) bool { return d.IsForeign() })
}

// Children returns the manifests that an index names, each digest once, in the
// document's order; nil for an image.
func (m *Manifest) Children() []Descriptor {
	return m.distinct(func(d Descriptor, child bool) bool { return child && IsManifestType(d.MediaType) })
}

// distinct returns the descriptors that keep wants, each digest once. child tells
// keep that the descriptor is an entry of an index.
func (m *Manifest) distinct(keep func(d Descriptor, child bool) bool) []Descriptor {
	var found []Descriptor
	seen := make(map[Digest]bool, 1+len(m.Layers)+len(m.Manifests))
	add := func(d Descriptor, child bool) {
		if keep(d, child) && !seen[d.Digest] {
			seen[d.Digest] = true
			found = append(found, d)
		}
	}
	if m.Config != nil {
		add(*m.Config, false)
	}
	for _, d := range m.Layers {
		add(d, false)
	}
	for _, d := range m.Manifests {
		add(d, true)
	}
	return found
}

// EffectiveArtifactType is what the referrers API lists as the artifact type: the
// manifest's own, else the media type of its configuration; "" for an index without
// one. OCI distribution-spec 1.1, "Listing Referrers".
func (m *Manifest) EffectiveArtifactType() string {
	if m.ArtifactType == "" && m.Config != nil {
		return m.Config.MediaType
	}
	return m.ArtifactType
}
