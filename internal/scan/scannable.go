package scan

import (
	"github.com/havenregistry/haven/internal/oci"
)

// mediaTypeInToto is of layers that say something about an image, and are none.
const mediaTypeInToto = "application/vnd.in-toto+json"

// isAttestation reports whether a manifest holds statements about an image instead of one. What merely says so,
// and could be run all the same, stays unscanned: the gate refuses it.
func isAttestation(mediaType string, content []byte) bool {
	m, err := oci.ParseManifest(mediaType, content)
	return err == nil && m.Runnable() == oci.Unless
}
