package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// Sizes of the layers of a small image, in bytes.
var layerSizes = []int64{4 << 10, 16 << 10, 64 << 10}

const (
	manifestType = "application/vnd.oci.image.manifest.v1+json"
	configType   = "application/vnd.oci.image.config.v1+json"
	layerType    = "application/vnd.oci.image.layer.v1.tar+gzip"
)

type descriptor struct {
	MediaType string `json:"mediaType"`
	Digest    string `json:"digest"`
	Size      int64  `json:"size"`
}

// image is a config, three layers and the manifest over them. Nothing in it is in another image.
type image struct {
	repository, tag string
	blobs           [][]byte // the config first
	digests         []string // of blobs
	manifest        []byte
	digest          string
}

func newImage(repository, tag string, seed uint64) (*image, error) {
	m := &image{repository: repository, tag: tag}
	var layers []descriptor
	var ids []string
	for i, size := range layerSizes {
		b, err := io.ReadAll(newContent(seed*uint64(len(layerSizes))+uint64(i), size))
		if err != nil {
			return nil, err
		}
		m.blobs, ids = append(m.blobs, b), append(ids, digestOf(b))
		layers = append(layers, descriptor{layerType, digestOf(b), size})
	}
	config, err := json.Marshal(map[string]any{
		"architecture": "amd64", "os": "linux", "created": "2026-01-02T03:04:05Z",
		"config": map[string]any{"Env": []string{"PATH=/bin"}, "Cmd": []string{"/bin/true"}},
		"rootfs": map[string]any{"type": "layers", "diff_ids": ids},
	})
	if err != nil {
		return nil, err
	}
	m.blobs = append([][]byte{config}, m.blobs...)
	m.digests = append([]string{digestOf(config)}, ids...)
	m.manifest, err = json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": manifestType,
		"config": descriptor{configType, digestOf(config), int64(len(config))}, "layers": layers,
	})
	m.digest = digestOf(m.manifest)
	return m, err
}

// uploadStyle is how a client sends a blob.
type uploadStyle bool

const (
	patching   uploadStyle = false // as docker: POST, PATCH with the bytes, PUT
	monolithic uploadStyle = true  // as containerd: POST, PUT with the bytes
)

// push sends the image as a docker client does: token, each blob that the server doesn't have, manifest.
func (c *client) push(ctx context.Context, m *image, style uploadStyle) error {
	token, err := c.login(ctx, m.repository, "pull,push")
	if err != nil {
		return err
	}
	for i, b := range m.blobs {
		if err := c.pushBlob(ctx, m.repository, token, m.digests[i], b, style); err != nil {
			return err
		}
	}
	return c.putManifest(ctx, m, m.repository, m.tag, token)
}

func (c *client) putManifest(ctx context.Context, m *image, repository, reference, token string) error {
	_, _, err := c.call(ctx, request{method: http.MethodPut, url: "/v2/" + repository + "/manifests/" + reference, token: token,
		content: m.manifest, header: map[string]string{"Content-Type": manifestType}}, http.StatusCreated)
	return err
}

func (c *client) pushBlob(ctx context.Context, repository, token, digest string, b []byte, style uploadStyle) error {
	blobs := "/v2/" + repository + "/blobs/"
	if _, _, err := c.call(ctx, request{method: http.MethodHead, url: blobs + digest, token: token}, http.StatusNotFound); err != nil {
		return err
	}
	header, _, err := c.call(ctx, request{method: http.MethodPost, url: blobs + "uploads/", token: token}, http.StatusAccepted)
	if err != nil {
		return err
	}
	octets := map[string]string{"Content-Type": "application/octet-stream"}
	put := request{method: http.MethodPut, url: withDigest(location(header), digest), token: token, header: octets}
	if style == monolithic {
		put.content = b
	} else {
		patch := request{method: http.MethodPatch, url: location(header), token: token, content: b, header: octets}
		if header, _, err = c.call(ctx, patch, http.StatusAccepted); err != nil {
			return err
		}
		put.url = withDigest(location(header), digest)
	}
	_, _, err = c.call(ctx, put, http.StatusCreated)
	return err
}

// pull fetches the image as a docker client does: token, which manifest the tag names, the manifest,
// config and layers. All bytes are compared by their digests.
func (c *client) pull(ctx context.Context, m *image) error {
	token, err := c.login(ctx, m.repository, "pull")
	if err != nil {
		return err
	}
	accept := map[string]string{"Accept": manifestType}
	manifests := "/v2/" + m.repository + "/manifests/"
	header, _, err := c.call(ctx, request{method: http.MethodHead, url: manifests + m.tag, token: token, header: accept}, http.StatusOK)
	if err != nil {
		return err
	}
	if got := header.Get("Docker-Content-Digest"); got != m.digest {
		return fmt.Errorf("the tag %s names %s, pushed was %s", m.tag, got, m.digest)
	}
	if err := c.fetch(ctx, request{method: http.MethodGet, url: manifests + m.digest, token: token, header: accept}, m.digest); err != nil {
		return err
	}
	for _, digest := range m.digests {
		if err := c.fetch(ctx, request{method: http.MethodGet, url: "/v2/" + m.repository + "/blobs/" + digest, token: token}, digest); err != nil {
			return err
		}
	}
	return nil
}

// fetch gets something and compares its digest.
func (c *client) fetch(ctx context.Context, r request, digest string) error {
	a, err := c.send(ctx, r, http.StatusOK)
	if err != nil {
		return err
	}
	defer a.Close()
	got, err := a.digest()
	if err == nil && got != digest {
		err = fmt.Errorf("got %s", got)
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", r.method, r.url, err)
	}
	return nil
}
