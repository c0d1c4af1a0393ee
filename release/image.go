package main

import (
	"bytes"
	"io/fs"
	"time"

	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/trust/sigstore"
)

const (
	imageName      = "ghcr.io/havenregistry/haven"
	mediaTypeLayer = "application/vnd.oci.image.layer.v1.tar+gzip"
	mediaTypeSPDX  = "application/spdx+json"
	// imageUser is whom the program runs as in a container, as its number: the user that the chart's pods have too.
	imageUser = 65532
)

// imageConfig is the configuration of an image, as far as ours has one.
type imageConfig struct {
	Created      time.Time `json:"created"`
	Architecture string    `json:"architecture"`
	OS           string    `json:"os"`
	Config       struct {
		User         string
		ExposedPorts map[string]struct{}
		Env          []string
		Entrypoint   []string
		Cmd          []string
		Volumes      map[string]struct{}
		WorkingDir   string
		Labels       map[string]string
		StopSignal   string
	} `json:"config"`
	RootFS struct {
		Type    string       `json:"type"`
		DiffIDs []oci.Digest `json:"diff_ids"`
	} `json:"rootfs"`
	History []step `json:"history"`
}

type step struct {
	Created   time.Time `json:"created"`
	CreatedBy string    `json:"created_by"`
}

// image writes the image of all platforms, with what refers to it, as an OCI layout.
func (r *release) image(parts []part) error {
	base, err := r.base()
	if err != nil {
		return err
	}
	l := newLayout()
	whole := oci.Index{Annotations: r.annotations()}
	for _, p := range parts {
		d, err := r.platformImage(l, base, p)
		if err != nil {
			return err
		}
		d.Platform = p.platform.oci()
		whole.Manifests = append(whole.Manifests, d)
	}
	top, err := l.document(oci.MediaTypeImageIndex, whole)
	if err != nil {
		return err
	}
	top.Annotations = map[string]string{
		"org.opencontainers.image.ref.name": r.version.release, "io.containerd.image.name": imageName + ":" + r.version.release,
	}
	l.index.Manifests = append(l.index.Manifests, top)
	for i, p := range parts {
		created := map[string]string{"org.opencontainers.image.created": r.version.at.Format(time.RFC3339)}
		if err := l.refer(whole.Manifests[i], mediaTypeSPDX, p.sbom, created); err != nil {
			return err
		}
	}
	if err := r.signImages(l, append(whole.Manifests, top)); err != nil {
		return err
	}
	var b bytes.Buffer
	if err := l.write(&b, r.version.at); err != nil {
		return err
	}
	return r.write("haven_"+r.version.release+"_image.tar", b.Bytes())
}

// signImages signs the index and each of its images: who runs one may know it by its own digest only.
func (r *release) signImages(l *layout, images []oci.Descriptor) error {
	if r.key == nil {
		return nil
	}
	for _, d := range images {
		signed, err := r.key.signImage(d.Digest)
		if err != nil {
			return err
		}
		if err := l.refer(d, sigstore.MediaType, signed, sigstore.Annotations(sigstore.PredicateSigned, r.version.at)); err != nil {
			return err
		}
	}
	return nil
}

// base is the layer that all platforms share: all that the program needs of a system.
func (r *release) base() (layer, error) {
	settings, err := r.read("deploy/image/haven.yaml")
	if err != nil {
		return layer{}, err
	}
	licence, err := r.read("LICENSE")
	if err != nil {
		return layer{}, err
	}
	data := folder("data", 0o700)
	data.owner = imageUser
	return newLayer([]entry{
		data, folder("tmp", fs.ModeSticky|0o777),
		{path: "etc/passwd", mode: 0o644, content: []byte("root:x:0:0:root:/:/sbin/nologin\nhaven:x:65532:65532:Haven:/data:/sbin/nologin\n")},
		{path: "etc/group", mode: 0o644, content: []byte("root:x:0:\nhaven:x:65532:\n")},
		{path: "etc/ssl/certs/ca-certificates.crt", mode: 0o644, content: authorities()},
		{path: "etc/haven/haven.yaml", mode: 0o644, content: settings},
		{path: "usr/share/doc/haven/LICENSE", mode: 0o644, content: licence},
	}, r.version.at)
}

// platformImage adds the image of a platform.
func (r *release) platformImage(l *layout, base layer, p part) (oci.Descriptor, error) {
	c := imageConfig{Created: r.version.at, Architecture: p.platform.arch, OS: p.platform.os}
	c.Config.User = "65532:65532"
	c.Config.ExposedPorts = map[string]struct{}{"8080/tcp": {}}
	c.Config.Env = []string{"PATH=/usr/bin"}
	c.Config.Entrypoint = []string{"haven"}
	// The settings of a container are in a file that the default command names, and not in the environment, which would win over the file
	// that the chart brings.
	c.Config.Cmd = []string{"serve", "--config", "/etc/haven/haven.yaml"}
	c.Config.Volumes = map[string]struct{}{"/data": {}}
	c.Config.WorkingDir = "/" // so that other commands find the data folder ./data
	c.Config.Labels, c.Config.StopSignal = r.annotations(), "SIGTERM"
	c.RootFS.Type, c.RootFS.DiffIDs = "layers", []oci.Digest{base.diff, p.layer.diff}
	c.History = []step{{r.version.at, "what the program needs of a system"}, {r.version.at, "the program"}}
	config, err := l.document(oci.MediaTypeImageConfig, c)
	if err != nil {
		return oci.Descriptor{}, err
	}
	return l.document(oci.MediaTypeImageManifest, oci.Image{
		Config:      config,
		Layers:      []oci.Descriptor{l.blob(mediaTypeLayer, base.compressed), l.blob(mediaTypeLayer, p.layer.compressed)},
		Annotations: r.annotations(),
	})
}

// annotations say what the image is (image-spec, annotations).
func (r *release) annotations() map[string]string {
	const prefix = "org.opencontainers.image."
	return map[string]string{
		prefix + "title": "Haven", prefix + "description": summary, prefix + "version": r.version.release, prefix + "revision": r.version.commit,
		prefix + "created": r.version.at.Format(time.RFC3339), prefix + "licenses": "Apache-2.0", prefix + "source": home, prefix + "url": home,
		prefix + "documentation": home + "/tree/main/docs", prefix + "vendor": vendor,
	}
}
