package signing

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"

	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
)

// accessory is what is said about a manifest, as a referrer with one layer.
type accessory struct {
	artifactType string // "": the configuration's type says it
	configType   string
	layerType    string
	content      []byte
	annotations  map[string]string
}

// emptyConfig is the configuration of what needs none.
const emptyConfig = "{}"

// push pushes an accessory and returns its digest. One that the repository holds isn't pushed again.
func (r *run) push(ctx context.Context, w work, a accessory) (oci.Digest, error) {
	text, err := a.manifest(w.manifest)
	if err != nil {
		return "", err
	}
	d := oci.SHA256Of(text)
	if there, err := r.there(ctx, w.ref, d); err != nil || there {
		return d, err
	}
	if err := r.pushBlobs(ctx, w.ref, []byte(emptyConfig), a.content); err != nil {
		return "", err
	}
	_, err = r.registry.PutManifest(ctx, ourselves, w.ref, oci.DigestReference(d), oci.MediaTypeImageManifest, text)
	return d, refusedByRegistry(err)
}

// manifest is the accessory's, about a subject.
func (a accessory) manifest(subject registry.Manifest) ([]byte, error) {
	about := oci.Descriptor{MediaType: subject.MediaType, Digest: subject.Digest, Size: subject.Size}
	return json.Marshal(oci.Image{
		ArtifactType: a.artifactType, Config: oci.Describe(a.configType, []byte(emptyConfig)), Layers: []oci.Descriptor{oci.Describe(a.layerType, a.content)},
		Subject: &about, Annotations: a.annotations,
	})
}

func (r *run) pushBlobs(ctx context.Context, in registry.Ref, contents ...[]byte) error {
	for _, content := range contents {
		if _, err := r.registry.PutBlob(ctx, in, oci.SHA256Of(content), bytes.NewReader(content)); err != nil {
			return refusedByRegistry(err)
		}
	}
	return nil
}

// refusedByRegistry makes a refusal of what trying again doesn't change.
func refusedByRegistry(err error) error {
	if quota, ok := errors.AsType[*registry.QuotaError](err); ok {
		return refuse("there is no room for it in the project: %v", quota)
	}
	if manifest, ok := errors.AsType[*oci.ManifestError](err); ok {
		return refuse("the registry doesn't take it: %v", manifest)
	}
	return err
}
