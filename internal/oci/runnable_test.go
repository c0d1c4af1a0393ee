package oci

import "testing"

func TestRunnable(t *testing.T) {
	layers := func(types ...string) (all []Descriptor) {
		for _, mediaType := range types {
			all = append(all, Descriptor{MediaType: mediaType})
		}
		return all
	}
	config := func(mediaType string) *Descriptor { return &Descriptor{MediaType: mediaType} }
	for name, c := range map[string]struct {
		m    Manifest
		want Runnable
	}{
		"OCI image":             {Manifest{MediaType: MediaTypeImageManifest, Config: config(MediaTypeImageConfig), Layers: layers("application/vnd.oci.image.layer.v1.tar+gzip")}, Always},
		"zstd":                  {Manifest{MediaType: MediaTypeImageManifest, Config: config(MediaTypeImageConfig), Layers: layers("application/vnd.oci.image.layer.v1.tar+zstd")}, Always},
		"Docker image":          {Manifest{MediaType: MediaTypeDockerManifest, Config: config(MediaTypeDockerConfig), Layers: layers("application/vnd.docker.image.rootfs.diff.tar.gzip")}, Always},
		"foreign layers":        {Manifest{MediaType: MediaTypeDockerManifest, Config: config(MediaTypeDockerConfig), Layers: layers("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip")}, Always},
		"no layers":             {Manifest{MediaType: MediaTypeImageManifest, Config: config(MediaTypeImageConfig)}, Always},
		"Cosign's signature":    {Manifest{MediaType: MediaTypeImageManifest, Config: config(MediaTypeImageConfig), Layers: layers("application/vnd.dev.cosign.simplesigning.v1+json")}, Unless},
		"BuildKit's provenance": {Manifest{MediaType: MediaTypeImageManifest, Config: config(MediaTypeImageConfig), Layers: layers("application/vnd.in-toto+json")}, Unless},
		"a statement as decoy":  {Manifest{MediaType: MediaTypeImageManifest, Config: config(MediaTypeImageConfig), Layers: layers("application/vnd.in-toto+json", "application/vnd.oci.image.layer.v1.tar")}, Always},
		"Helm chart":            {Manifest{MediaType: MediaTypeImageManifest, Config: config("application/vnd.cncf.helm.config.v1+json"), Layers: layers("application/vnd.cncf.helm.chart.content.v1.tar+gzip")}, Never},
		"SBOM as Harbor has it": {Manifest{MediaType: MediaTypeImageManifest, Config: config("application/vnd.goharbor.harbor.sbom.v1"), Layers: layers("application/vnd.oci.image.layer.v1.tar")}, Never},
		"careless types":        {Manifest{MediaType: MediaTypeImageManifest, Config: config("text/plain"), Layers: layers("application/octet-stream")}, Always},
		"index":                 {Manifest{MediaType: MediaTypeImageIndex}, Never},
	} {
		if got := c.m.Runnable(); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
