package gate

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
)

// kind is what a manifest is for the gate. It follows from the bytes alone: what a pusher may say beside them,
// as a subject or an artifact type, exempts nothing.
type kind int

const (
	harmless kind = iota
	image
	index
)

// kind finds out what a manifest is, once for each digest.
func (g *Gate) kind(ctx context.Context, in registry.Ref, m registry.Manifest) (kind, error) {
	if oci.IsIndexType(m.MediaType) {
		return index, nil
	}
	if k, known := g.kinds.GetIfPresent(m.Digest); known {
		return k, nil
	}
	if m.Content == nil { // only the head was asked for
		ref, err := oci.ParseReference(string(m.Digest))
		if err != nil {
			return image, err
		}
		if m, err = g.Contents.Manifest(ctx, in, ref); err != nil {
			return image, fmt.Errorf("find out what %s is: %w", m.Digest, err)
		}
	}
	parsed, err := oci.ParseManifest(m.MediaType, m.Content)
	if err != nil {
		return image, fmt.Errorf("find out what %s is: %w", m.Digest, err)
	}
	k, err := g.kindOf(ctx, in, parsed)
	if err == nil {
		g.kinds.Set(m.Digest, k)
	}
	return k, err
}

func (g *Gate) kindOf(ctx context.Context, in registry.Ref, m *oci.Manifest) (kind, error) {
	switch m.Runnable() {
	case oci.Never:
		return harmless, nil
	case oci.Always:
		return image, nil
	}
	for _, layer := range m.Layers {
		text, err := g.isText(ctx, in, layer)
		if err != nil || !text {
			return image, err
		}
	}
	return harmless, nil
}

// maxStatement is the largest layer that is looked into, in bytes. A larger one is taken for a file system.
const maxStatement = 4 << 20

// isText reports whether a layer is the JSON that its media type promises, and so no archive.
func (g *Gate) isText(ctx context.Context, in registry.Ref, layer oci.Descriptor) (bool, error) {
	if layer.Size > maxStatement {
		return false, nil
	}
	content, err := g.Contents.ReadBlob(ctx, in, layer.Digest, maxStatement)
	if err != nil {
		return false, fmt.Errorf("look into layer %s: %w", layer.Digest, err)
	}
	return json.Valid(content), nil
}
