package oci

import "encoding/json"

// Image is an image manifest to be written (image-spec 1.1). Layers is never nil.
type Image struct {
	ArtifactType string            `json:"artifactType,omitempty"`
	Config       Descriptor        `json:"config"`
	Layers       []Descriptor      `json:"layers"`
	Subject      *Descriptor       `json:"subject,omitempty"`
	Annotations  map[string]string `json:"annotations,omitempty"`
}

// MarshalJSON adds what all of them have.
func (m Image) MarshalJSON() ([]byte, error) {
	type plain Image
	return json.Marshal(struct {
		version
		plain
	}{version{2, MediaTypeImageManifest}, plain(m)})
}

// Index is an image index to be written.
type Index struct {
	Manifests   []Descriptor      `json:"manifests"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// MarshalJSON adds what all of them have.
func (x Index) MarshalJSON() ([]byte, error) {
	type plain Index
	return json.Marshal(struct {
		version
		plain
	}{version{2, MediaTypeImageIndex}, plain(x)})
}

// version begins each of them.
type version struct {
	SchemaVersion int    `json:"schemaVersion"`
	MediaType     string `json:"mediaType"`
}

// Describe returns the descriptor of content.
func Describe(mediaType string, content []byte) Descriptor {
	return Descriptor{MediaType: mediaType, Digest: SHA256Of(content), Size: int64(len(content))}
}

// Plain is the descriptor without all but what names the content, as a subject is written.
func (d Descriptor) Plain() Descriptor {
	return Descriptor{MediaType: d.MediaType, Digest: d.Digest, Size: d.Size}
}
