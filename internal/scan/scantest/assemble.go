package scantest

import (
	"bytes"
	"compress/gzip"
	"io"
	"slices"
	"time"
)

// Assemble makes an image of layers as they are, whatever they hold; hostile ones too. The config names what
// each unpacks to, or of what can't be unpacked the bytes themselves.
func Assemble(layers ...[]byte) Image {
	var blobs []descriptor
	var diffs []string
	for _, l := range layers {
		blobs = append(blobs, describeBlob("application/vnd.oci.image.layer.v1.tar+gzip", l))
		diffs = append(diffs, diffID(l))
	}
	image := Image{Layers: layers, Config: asJSON(map[string]any{
		"architecture": "amd64", "os": "linux", "created": made.Format(time.RFC3339),
		"config": map[string]any{"Cmd": []string{"/bin/sh"}}, "rootfs": map[string]any{"type": "layers", "diff_ids": diffs},
	})}
	image.Manifest = asJSON(map[string]any{
		"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
		"config": describeBlob("application/vnd.oci.image.config.v1+json", image.Config), "layers": blobs,
	})
	return image
}

// WithLayer is the image with one more layer on top.
func (i Image) WithLayer(layer []byte) Image {
	return Assemble(append(slices.Clone(i.Layers), layer)...)
}

// maxUnpacked bounds what is unpacked to name it.
const maxUnpacked = 64 << 20

func diffID(layer []byte) string {
	z, err := gzip.NewReader(bytes.NewReader(layer))
	if err != nil {
		return Digest(layer)
	}
	raw, err := io.ReadAll(io.LimitReader(z, maxUnpacked))
	if err != nil || len(raw) == maxUnpacked {
		return Digest(layer)
	}
	return Digest(raw)
}

type descriptor struct {
	MediaType string `json:"mediaType"`
	Digest    string `json:"digest"`
	Size      int    `json:"size"`
}

func describeBlob(mediaType string, b []byte) descriptor {
	return descriptor{mediaType, Digest(b), len(b)}
}
