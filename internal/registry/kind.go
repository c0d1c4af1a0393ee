package registry

import (
	"math"
	"regexp"
	"strings"

	"github.com/havenregistry/haven/internal/oci"
)

// Media types that decide an artifact's type.
const (
	mediaTypeHelmConfig   = "application/vnd.cncf.helm.config.v1+json"
	mediaTypeWASMConfig   = "application/vnd.wasm.config.v1+json"
	mediaTypeCNABManifest = "application/vnd.cnab.manifest.v1"
	mediaTypeModel        = "application/vnd.cncf.model.manifest.v1+json"
	mediaTypeSBOM         = "application/vnd.goharbor.harbor.sbom.v1"
)

// Types of artifacts that the registry knows more about.
const (
	TypeImage   = "IMAGE"
	TypeChart   = "CHART"
	TypeCNAB    = "CNAB"
	TypeWASM    = "WASM"
	TypeSBOM    = "SBOM"
	TypeModel   = "CNAI"
	TypeUnknown = "UNKNOWN"
)

const annotationArtifactType = "org.opencontainers.artifactType"

// configMediaType is what Harbor shows as the media type: the configuration's, or the index's own.
func configMediaType(m *oci.Manifest) string {
	if m.IsIndex() {
		if t := m.Annotations[annotationArtifactType]; t != "" {
			return cutField(t)
		}
		return m.MediaType
	}
	if isWASM(m) {
		return mediaTypeWASMConfig
	}
	return m.Config.MediaType
}

func isWASM(m *oci.Manifest) bool {
	return m.Annotations["module.wasm.image/variant"] == "compat" || m.Annotations["run.oci.handler"] == "wasm"
}

// cutField bounds what comes from an annotation as the parser bounds fields.
func cutField(s string) string { return s[:min(len(s), oci.MaxFieldLength)] }

// artifactKind names the artifact's type in Harbor's words.
func artifactKind(m *oci.Manifest) string {
	if m.IsIndex() && m.Annotations["org.opencontainers.artifactType"] == mediaTypeCNABManifest {
		return TypeCNAB
	}
	if isWASM(m) {
		return TypeWASM
	}
	mediaType := m.EffectiveArtifactType()
	if mediaType == "" {
		mediaType = configMediaType(m)
	}
	switch mediaType {
	case oci.MediaTypeImageConfig, oci.MediaTypeDockerConfig, oci.MediaTypeImageIndex, oci.MediaTypeDockerManifestList:
		return TypeImage
	case mediaTypeHelmConfig:
		return TypeChart
	case mediaTypeCNABManifest:
		return TypeCNAB
	case mediaTypeWASMConfig:
		return TypeWASM
	case mediaTypeSBOM:
		return TypeSBOM
	case mediaTypeModel:
		return TypeModel
	}
	if m.IsIndex() {
		return TypeImage
	}
	if found := userConfig.FindStringSubmatch(mediaType); found != nil {
		return strings.ToUpper(found[1])
	}
	return TypeUnknown
}

// userConfig matches the configuration types of artifacts that others define.
var userConfig = regexp.MustCompile(`^application/vnd\.[^.]*\.(.*)\.config\.[^.]*\+json$`)

// Types of accessories, in Harbor's words.
const (
	AccessoryCosign   = "signature.cosign"
	AccessoryNotation = "signature.notation"
	AccessorySBOM     = "sbom.harbor"
	AccessoryNydus    = "accelerator.nydus"
	AccessorySubject  = "subject.accessory"
)

// accessory says what a manifest belongs to, by its subject or by Cosign's tag scheme; both "" when it
// stands for itself. digest is the manifest's own, tag what it is pushed as.
func accessory(m *oci.Manifest, digest oci.Digest, tags []string) (of oci.Digest, kind string) {
	if m.Subject != nil {
		of, kind = m.Subject.Digest, subjectKind(m)
	} else {
		of, kind = cosignSubject(m, tags), AccessoryCosign
	}
	if of == "" || of == digest { // nothing is its own accessory: it could never be seen or deleted
		return "", ""
	}
	return of, kind
}

func subjectKind(m *oci.Manifest) string {
	switch m.EffectiveArtifactType() {
	case "application/vnd.dev.cosign.artifact.sig.v1+json", "application/vnd.dev.sigstore.bundle.v0.3+json":
		return AccessoryCosign
	case "application/vnd.cncf.notary.signature":
		return AccessoryNotation
	case mediaTypeSBOM:
		return AccessorySBOM
	case oci.MediaTypeImageConfig, oci.MediaTypeDockerConfig:
		if n := len(m.Layers); n > 0 && m.Layers[n-1].Annotations["containerd.io/snapshot/nydus-bootstrap"] != "" {
			return AccessoryNydus
		}
	}
	return AccessorySubject
}

// cosignSubject returns what the first of the tags that says so is about.
func cosignSubject(m *oci.Manifest, tags []string) oci.Digest {
	for _, tag := range tags {
		if d := cosignTag(m, tag); d != "" {
			return d
		}
	}
	return ""
}

// cosignTag returns the digest that a tag of the form sha256-HEX.sig is about, when the manifest has a
// simple signing layer.
func cosignTag(m *oci.Manifest, tag string) oci.Digest {
	d := oci.TaggedDigest(tag, ".sig")
	if d == "" {
		return ""
	}
	for _, layer := range m.Layers {
		if layer.MediaType == "application/vnd.dev.cosign.simplesigning.v1+json" {
			return d
		}
	}
	return ""
}

// sum adds sizes, and stops at the largest number instead of overflowing.
func sum(sizes ...int64) (total int64) {
	for _, n := range sizes {
		if n > math.MaxInt64-total {
			return math.MaxInt64
		}
		total += n
	}
	return total
}
