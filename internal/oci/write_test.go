package oci

import (
	"encoding/json"
	"testing"
)

// The bytes are those that were always written: a manifest that is made again is the same one.
func TestWrittenManifests(t *testing.T) {
	config, layer := Describe(MediaTypeEmpty, []byte("{}")), Describe("text/plain", []byte("x"))
	subject := Descriptor{MediaType: MediaTypeImageManifest, Digest: layer.Digest, Size: 7, ArtifactType: "left out"}.Plain()
	const first = `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",`
	const empty = `{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2}`
	const text = `{"mediaType":"text/plain","digest":"sha256:2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881","size":1}`
	const about = `{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881","size":7}`
	for want, v := range map[string]any{
		first + `"config":` + empty + `,"layers":[` + text + `]}`: Image{Config: config, Layers: []Descriptor{layer}},
		first + `"artifactType":"a","config":` + empty + `,"layers":[` + text + `],"subject":` + about + `,"annotations":{"k":"v"}}`: Image{
			ArtifactType: "a", Config: config, Layers: []Descriptor{layer}, Subject: &subject, Annotations: map[string]string{"k": "v"}},
		`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[` + text + `]}`: Index{Manifests: []Descriptor{layer}},
	} {
		got, err := json.Marshal(v)
		if err != nil || string(got) != want {
			t.Errorf("%v\n got %s\nwant %s", err, got, want)
		}
		if _, err := ParseManifest("", got); err != nil {
			t.Errorf("%s: %v", got, err)
		}
	}
}
