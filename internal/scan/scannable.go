package scan

import (
	"github.com/havenregistry/haven/internal/oci"
)

// mediaTypeInToto is of layers that say something about an image, and are none.
const mediaTypeInToto = "application/vnd.in-toto+json"

// isAttestation reports whether a manifest holds statements about an image instead of one.
func isAttestation(mediaType string, content []byte) bool {
	m, err := oci.ParseManifest(mediaType, content)
	return err == nil && holdsStatements(m)
}

func holdsStatements(m *oci.Manifest) bool {
	for _, layer := range m.Layers {
		if layer.MediaType == mediaTypeInToto {
			return true
		}
	}
	return false
}
