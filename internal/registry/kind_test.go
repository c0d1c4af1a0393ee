package registry

import (
	"testing"

	"github.com/havenregistry/haven/internal/oci"
)

func TestArtifactKind(t *testing.T) {
	image := func(config, artifactType string) *oci.Manifest {
		return &oci.Manifest{MediaType: oci.MediaTypeImageManifest, Config: &oci.Descriptor{MediaType: config}, ArtifactType: artifactType}
	}
	for name, c := range map[string]struct {
		m                 *oci.Manifest
		kind, configMedia string
	}{
		"OCI image":     {image(oci.MediaTypeImageConfig, ""), "IMAGE", oci.MediaTypeImageConfig},
		"docker image":  {image(oci.MediaTypeDockerConfig, ""), "IMAGE", oci.MediaTypeDockerConfig},
		"index":         {&oci.Manifest{MediaType: oci.MediaTypeImageIndex}, "IMAGE", oci.MediaTypeImageIndex},
		"typed index":   {&oci.Manifest{MediaType: oci.MediaTypeImageIndex, ArtifactType: "a/b"}, "IMAGE", oci.MediaTypeImageIndex},
		"manifest list": {&oci.Manifest{MediaType: oci.MediaTypeDockerManifestList}, "IMAGE", oci.MediaTypeDockerManifestList},
		"CNAB": {&oci.Manifest{MediaType: oci.MediaTypeImageIndex, Annotations: map[string]string{"org.opencontainers.artifactType": mediaTypeCNABManifest}},
			"CNAB", mediaTypeCNABManifest},
		"chart":            {image(mediaTypeHelmConfig, ""), "CHART", mediaTypeHelmConfig},
		"wasm":             {image(mediaTypeWASMConfig, ""), "WASM", mediaTypeWASMConfig},
		"SBOM":             {image(oci.MediaTypeEmpty, mediaTypeSBOM), "SBOM", oci.MediaTypeEmpty},
		"user-defined":     {image("application/vnd.oci.foo.config.v1+json", ""), "FOO", "application/vnd.oci.foo.config.v1+json"},
		"user-defined two": {image("application/vnd.example.my.thing.config.v2+json", ""), "MY.THING", "application/vnd.example.my.thing.config.v2+json"},
		"unknown":          {image(oci.MediaTypeEmpty, "application/spdx+json"), "UNKNOWN", oci.MediaTypeEmpty},
	} {
		if got := artifactKind(c.m); got != c.kind {
			t.Errorf("%s: type %s, want %s", name, got, c.kind)
		}
		if got := configMediaType(c.m); got != c.configMedia {
			t.Errorf("%s: media type %s, want %s", name, got, c.configMedia)
		}
	}
}

func TestSubjectKind(t *testing.T) {
	bootstrap := []oci.Descriptor{{}, {Annotations: map[string]string{"containerd.io/snapshot/nydus-bootstrap": "true"}}}
	for name, c := range map[string]struct {
		artifactType, config string
		layers               []oci.Descriptor
		want                 string
	}{
		"cosign":         {"application/vnd.dev.cosign.artifact.sig.v1+json", oci.MediaTypeEmpty, nil, AccessoryCosign},
		"cosign, config": {"", "application/vnd.dev.cosign.artifact.sig.v1+json", nil, AccessoryCosign},
		"bundle":         {"application/vnd.dev.sigstore.bundle.v0.3+json", oci.MediaTypeEmpty, nil, AccessoryCosign},
		"notation":       {"application/vnd.cncf.notary.signature", oci.MediaTypeEmpty, nil, AccessoryNotation},
		"type wins":      {"text/plain", "application/vnd.cncf.notary.signature", nil, AccessorySubject},
		"SBOM":           {mediaTypeSBOM, oci.MediaTypeEmpty, nil, AccessorySBOM},
		"nydus":          {"", oci.MediaTypeImageConfig, bootstrap, AccessoryNydus},
		"image":          {"", oci.MediaTypeImageConfig, nil, AccessorySubject},
		"other":          {"application/spdx+json", oci.MediaTypeEmpty, nil, AccessorySubject},
	} {
		m := &oci.Manifest{ArtifactType: c.artifactType, Config: &oci.Descriptor{MediaType: c.config}, Layers: c.layers, Subject: &oci.Descriptor{Digest: "d"}}
		if _, got := accessory(m, "own", nil); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
