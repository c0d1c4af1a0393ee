package oci

import "strings"

// Runnable says what a client could do with a manifest.
type Runnable int

// What there is.
const (
	// Never: an index, or an artifact whose configuration is no image's: clients refuse to unpack it.
	Never Runnable = iota
	// Unless says: not if its layers hold what their media types say, which is text. Signatures and attestations borrow an image's configuration,
	// and some clients unpack layers whatever they are called.
	Unless
	// Always: an image.
	Always
)

// Runnable judges by media types alone.
func (m *Manifest) Runnable() Runnable {
	if m.IsIndex() || m.Config == nil || !isImageConfig(m.Config.MediaType) {
		return Never
	}
	for _, layer := range m.Layers {
		if !IsStatement(layer.MediaType) {
			return Always
		}
	}
	if len(m.Layers) == 0 {
		return Always
	}
	return Unless
}

// isImageConfig knows what clients take for an image's configuration: Docker takes some careless types too.
func isImageConfig(mediaType string) bool {
	switch mediaType {
	case MediaTypeImageConfig, MediaTypeDockerConfig, MediaTypeOctetStream, "application/json", "text/html", "text/plain", "":
		return true
	}
	return false
}

// IsStatement knows the types of what is said about an image.
func IsStatement(mediaType string) bool {
	switch mediaType {
	case "application/vnd.in-toto+json", "application/vnd.dsse.envelope.v1+json", "application/vnd.dev.cosign.simplesigning.v1+json",
		"application/spdx+json", "text/spdx+json", "application/vnd.cyclonedx+json", "application/vnd.syft+json":
		return true
	}
	return strings.HasPrefix(mediaType, "application/vnd.dev.sigstore.bundle")
}
