package main

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/havenregistry/haven/internal/oci"
)

// layout is an OCI image layout (image-spec 1.1, image-layout): blobs by their digests, and the manifests that a reader finds first.
type layout struct {
	blobs map[oci.Digest][]byte
	index oci.Index
}

func newLayout() *layout {
	return &layout{blobs: map[oci.Digest][]byte{}}
}

// blob adds content and describes it.
func (l *layout) blob(mediaType string, content []byte) oci.Descriptor {
	d := oci.Describe(mediaType, content)
	l.blobs[d.Digest] = content
	return d
}

// document adds a manifest, an index or a configuration.
func (l *layout) document(mediaType string, value any) (oci.Descriptor, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return oci.Descriptor{}, err
	}
	return l.blob(mediaType, text), nil
}

// refer adds something that is said about a manifest. It stands in the index too, because readers of a layout look for it there.
func (l *layout) refer(subject oci.Descriptor, mediaType string, content []byte, annotations map[string]string) error {
	about := subject.Plain()
	d, err := l.document(oci.MediaTypeImageManifest, oci.Image{
		ArtifactType: mediaType, Config: l.blob(oci.MediaTypeEmpty, []byte("{}")),
		Layers: []oci.Descriptor{l.blob(mediaType, content)}, Subject: &about, Annotations: annotations,
	})
	if err != nil {
		return err
	}
	d.ArtifactType, d.Annotations = mediaType, annotations
	l.index.Manifests = append(l.index.Manifests, d)
	return nil
}

// write writes the layout as a tar archive.
func (l *layout) write(w io.Writer, at time.Time) error {
	text, err := json.Marshal(l.index)
	if err != nil {
		return err
	}
	entries := []entry{
		{path: "oci-layout", mode: 0o644, content: []byte(`{"imageLayoutVersion":"1.0.0"}`)}, {path: "index.json", mode: 0o644, content: text},
		folder("blobs", 0o755), folder("blobs/sha256", 0o755),
	}
	for _, d := range slices.Sorted(maps.Keys(l.blobs)) {
		entries = append(entries, entry{path: "blobs/sha256/" + d.Hex(), mode: 0o644, content: l.blobs[d]})
	}
	return writeTar(w, "", entries, at)
}

// layer is one of an image: a tar archive, compressed.
type layer struct {
	compressed []byte
	diff       oci.Digest // of the archive before it was compressed
}

func newLayer(entries []entry, at time.Time) (layer, error) {
	all := tree(entries)
	var plain, compressed bytes.Buffer
	if err := writeTar(&plain, "", all, at); err != nil {
		return layer{}, err
	}
	if err := writeTarGzip(&compressed, "", all, at); err != nil {
		return layer{}, err
	}
	return layer{compressed.Bytes(), oci.SHA256Of(plain.Bytes())}, nil
}
