package signing

import (
	"testing"

	"github.com/havenregistry/haven/internal/oci"
)

// Whatever lies under the tag, and beside it, what comes out is a manifest that the registry takes, with one layer more and all others as
// they were; or it is refused.
func FuzzAddSignature(f *testing.F) {
	first := noSignatures()
	f.Add(first.text, first.config)
	f.Add([]byte(`{"schemaVersion":2,"mediaType":"`+oci.MediaTypeImageManifest+`","config":{"mediaType":"x/y","digest":"`+string(oci.SHA256Of(nil))+`","size":0,"data":""},"layers":[]}`), []byte(`{"rootfs":null}`))
	f.Add([]byte(`{"layers":{}}`), []byte(`[]`))
	f.Add([]byte(`null`), []byte(`null`))
	f.Add([]byte(`{"config":null,"layers":null}`), []byte(`{"history":1,"rootfs":{"diff_ids":[1]}}`))
	f.Fuzz(func(t *testing.T, text, config []byte) {
		parsed, err := oci.ParseManifest(oci.MediaTypeImageManifest, text)
		s := signatures{mediaType: oci.MediaTypeImageManifest, text: text, config: config}
		if err == nil {
			s.layers = parsed.Layers
		}
		layer := oci.Describe(mediaTypeSimpleSigning, []byte("payload"))
		layer.Annotations = map[string]string{annotationSignature: "eA=="}
		made, _, failure := s.with(layer)
		if err != nil || failure != nil {
			return
		}
		after, err := oci.ParseManifest(oci.MediaTypeImageManifest, made)
		if err != nil {
			t.Fatalf("%s became %s: %v", text, made, err)
		}
		if n := len(parsed.Layers); len(after.Layers) != n+1 || after.Layers[n].Digest != layer.Digest || string(encoded(after.Layers[:n])) != string(encoded(parsed.Layers[:n])) {
			t.Fatalf("%s became %s", text, made)
		}
	})
}
