package gate

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
)

// kind is what a manifest is for the gate. It follows from the bytes alone: what a pusher may say beside them,
// as a subject or an artifact type, exempts nothing.
type kind int

const (
	harmless kind = iota // nothing that runs it knows it: a chart, a model
	paper                // what is said about artifacts: signatures, attestations, bills of materials
	image
	index
)

// Statement reports whether a manifest is what is said about artifacts, and nothing that could be run: no signature of it is
// demanded.
func (g *Gate) Statement(ctx context.Context, in registry.Ref, m registry.Manifest) (bool, error) {
	k, err := g.kind(ctx, in, m)
	return k == paper, err
}

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
		if slices.ContainsFunc(m.Layers, isNoPaper) {
			return harmless, nil
		}
		return paper, nil
	case oci.Always:
		return image, nil
	}
	for _, layer := range m.Layers {
		text, err := g.isText(ctx, in, layer)
		if err != nil || !text {
			return image, err
		}
	}
	return paper, nil
}

// isNoPaper reports whether a layer may be something else than what is said about artifacts. Who fetches charts, models and
// modules goes by the types of their layers, so what is called by one of these is nothing to them.
func isNoPaper(layer oci.Descriptor) bool {
	switch layer.MediaType {
	case "application/vnd.dev.sigstore.bundle.v0.3+json", "application/jose+json", "application/cose", oci.MediaTypeEmpty,
		"application/vnd.goharbor.harbor.sbom.v1", "application/sarif+json", "application/vnd.openvex+json":
		return false
	}
	return !oci.IsStatement(layer.MediaType)
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
