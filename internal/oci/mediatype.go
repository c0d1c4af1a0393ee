package oci

import "strings"

// Media types of the manifests that the registry accepts.
const (
	MediaTypeImageManifest      = "application/vnd.oci.image.manifest.v1+json"
	MediaTypeImageIndex         = "application/vnd.oci.image.index.v1+json"
	MediaTypeDockerManifest     = "application/vnd.docker.distribution.manifest.v2+json"
	MediaTypeDockerManifestList = "application/vnd.docker.distribution.manifest.list.v2+json"
)

// Media types of configurations.
const (
	MediaTypeImageConfig  = "application/vnd.oci.image.config.v1+json"
	MediaTypeDockerConfig = "application/vnd.docker.container.image.v1+json"
	// MediaTypeEmpty marks the two-byte document "{}", the configuration of an
	// artifact that needs none.
	MediaTypeEmpty = "application/vnd.oci.empty.v1+json"
)

// Media types of layers that may live outside the registry.
const (
	MediaTypeDockerForeignLayer = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
	nonDistributableLayerPrefix = "application/vnd.oci.image.layer.nondistributable.v1.tar"
)

// MediaTypeOctetStream is the media type of a blob when nothing says more.
const MediaTypeOctetStream = "application/octet-stream"

// IsManifestType says whether mediaType is that of a manifest the registry accepts.
func IsManifestType(mediaType string) bool {
	switch mediaType {
	case MediaTypeImageManifest, MediaTypeDockerManifest:
		return true
	}
	return IsIndexType(mediaType)
}

// IsIndexType says whether mediaType is an OCI index or a Docker manifest list.
func IsIndexType(mediaType string) bool {
	return mediaType == MediaTypeImageIndex || mediaType == MediaTypeDockerManifestList
}

// IsForeignLayer says whether blobs of mediaType may be kept elsewhere, at the URLs
// that their descriptor names.
func IsForeignLayer(mediaType string) bool {
	return mediaType == MediaTypeDockerForeignLayer || strings.HasPrefix(mediaType, nonDistributableLayerPrefix)
}

// AnnotationTitle names the file that a layer holds, where it is one (image-spec, annotations).
const AnnotationTitle = "org.opencontainers.image.title"
