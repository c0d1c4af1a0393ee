//go:build acceptance

package ledger

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/rand/v2"
)

// Media types of what is pushed.
const (
	imageType    = "application/vnd.oci.image.manifest.v1+json"
	indexType    = "application/vnd.oci.image.index.v1+json"
	configType   = "application/vnd.oci.image.config.v1+json"
	emptyType    = "application/vnd.oci.empty.v1+json"
	layerType    = "application/vnd.oci.image.layer.v1.tar"
	artifactType = "application/vnd.example.note"
)

// Blob is some bytes and their digest.
type Blob struct {
	Digest  string
	Content []byte
}

// NewBlob names the content by its digest.
func NewBlob(content []byte) Blob { return Blob{digestOf(content), content} }

func digestOf(content []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(content)) }

// randomBlob is noise of up to the size in bytes.
func randomBlob(rng *rand.Rand, most int) Blob {
	content := make([]byte, fewest+rng.IntN(most-1))
	for i := 0; i < len(content); i += 8 {
		word := rng.Uint64()
		for j := i; j < min(i+8, len(content)); j++ {
			content[j] = byte(word)
			word >>= 8
		}
	}
	return NewBlob(content)
}

// Manifest is an image, an index or an artifact, with all that it names.
type Manifest struct {
	Digest    string
	MediaType string
	Content   []byte
	Blobs     []Blob
	Children  []string // digests, of an index
	Subject   string   // digest, of an artifact that belongs to another
}

type descriptor struct {
	MediaType string            `json:"mediaType"`
	Digest    string            `json:"digest"`
	Size      int               `json:"size"`
	Platform  map[string]string `json:"platform,omitempty"`
}

func describe(mediaType string, b Blob) descriptor {
	return descriptor{MediaType: mediaType, Digest: b.Digest, Size: len(b.Content)}
}

func newManifest(mediaType string, fields map[string]any) *Manifest {
	fields["schemaVersion"], fields["mediaType"] = 2, mediaType
	content, err := json.Marshal(fields)
	if err != nil {
		panic(err) // of maps and strings
	}
	return &Manifest{Digest: digestOf(content), MediaType: mediaType, Content: content}
}

// newImage has a config of its own, so that no two images are the same manifest.
func newImage(rng *rand.Rand, layers []Blob) *Manifest {
	config := NewBlob(fmt.Appendf(nil, `{"architecture":"amd64","os":"linux","config":{"Labels":{"nonce":"%x"}},"rootfs":{"type":"layers","diff_ids":[]}}`, rng.Uint64()))
	list := make([]descriptor, len(layers))
	for i, layer := range layers {
		list[i] = describe(layerType, layer)
	}
	m := newManifest(imageType, map[string]any{"config": describe(configType, config), "layers": list})
	m.Blobs = append([]Blob{config}, layers...)
	return m
}

func newIndex(rng *rand.Rand, children []*Manifest) *Manifest {
	var list []descriptor
	var digests []string
	for i, child := range children {
		d := describe(child.MediaType, Blob{child.Digest, child.Content})
		d.Platform = map[string]string{"os": "linux", "architecture": []string{"amd64", "arm64", "s390x"}[i%3]}
		list, digests = append(list, d), append(digests, child.Digest)
	}
	m := newManifest(indexType, map[string]any{
		"manifests": list, "annotations": map[string]string{"nonce": fmt.Sprintf("%x", rng.Uint64())},
	})
	m.Children = digests
	return m
}

// newNote is an artifact that belongs to the subject, as a signature does.
func newNote(rng *rand.Rand, subject *Manifest) *Manifest {
	config, note := NewBlob([]byte("{}")), randomBlob(rng, 500)
	m := newManifest(imageType, map[string]any{
		"artifactType": artifactType, "config": describe(emptyType, config),
		"layers":  []descriptor{describe("text/plain", note)},
		"subject": describe(subject.MediaType, Blob{subject.Digest, subject.Content}),
	})
	m.Blobs, m.Subject = []Blob{config, note}, subject.Digest
	return m
}
