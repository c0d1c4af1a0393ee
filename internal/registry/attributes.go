package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/oci"
)

const (
	// maxConfig is the largest configuration that is read, in bytes.
	maxConfig = 4 << 20
	// maxAttributes is the longest JSON of attributes that is kept: listings return a page of them.
	maxAttributes = 128 << 10

	annotationSkipList = "io.goharbor.artifact.v1alpha1.skip-list"
)

// attributes returns what users see of an artifact's configuration, as a JSON object. config is the
// configuration's bytes, nil when it couldn't be read or isn't worth reading.
func attributes(m *oci.Manifest, config []byte) json.RawMessage {
	var found any
	switch {
	case m.IsIndex():
		return emptyObject
	case m.Config.MediaType == oci.MediaTypeImageConfig || m.Config.MediaType == oci.MediaTypeDockerConfig:
		found = imageAttributes(config)
	case artifactKind(m) == TypeWASM:
		found = wasmAttributes(m)
	default:
		found = configObject(m, config)
	}
	text, err := json.Marshal(found)
	if err != nil || len(text) > maxAttributes || !bytes.HasPrefix(text, []byte("{")) {
		return emptyObject
	}
	return text
}

var emptyObject = json.RawMessage("{}")

// configObject is the whole configuration of a chart or another artifact, without the keys that the
// artifact's author asks to leave out.
func configObject(m *oci.Manifest, config []byte) map[string]json.RawMessage {
	found := map[string]json.RawMessage{}
	if json.Unmarshal(config, &found) != nil || found == nil {
		return map[string]json.RawMessage{}
	}
	for key := range strings.SplitSeq(m.Config.Annotations[annotationSkipList], ",") {
		delete(found, strings.TrimSpace(key))
	}
	return found
}

func wasmAttributes(m *oci.Manifest) map[string]string {
	found := map[string]string{"manifest.config.mediaType": m.Config.MediaType}
	if len(m.Layers) > 0 {
		found["manifest.layers.mediaType"] = m.Layers[0].MediaType
		if title := m.Layers[0].Annotations[oci.AnnotationTitle]; title != "" {
			found[oci.AnnotationTitle] = title
		}
	}
	return found
}

// imageConfig is the part of an image's configuration that is shown. OCI image-spec 1.1, "Image
// Configuration".
type imageConfig struct {
	Created      *time.Time      `json:"created"`
	Architecture string          `json:"architecture"`
	OS           string          `json:"os"`
	Author       string          `json:"author,omitempty"`
	Config       containerConfig `json:"config"`
}

type containerConfig struct {
	User         string              `json:"User,omitempty"`
	ExposedPorts map[string]struct{} `json:"ExposedPorts,omitempty"`
	Env          []string            `json:"Env,omitempty"`
	Entrypoint   []string            `json:"Entrypoint,omitempty"`
	Cmd          []string            `json:"Cmd,omitempty"`
	Volumes      map[string]struct{} `json:"Volumes,omitempty"`
	WorkingDir   string              `json:"WorkingDir,omitempty"`
	Labels       map[string]string   `json:"Labels,omitempty"`
	StopSignal   string              `json:"StopSignal,omitempty"`
}

func imageAttributes(config []byte) any {
	var found imageConfig
	if json.Unmarshal(config, &found) != nil {
		return map[string]any{}
	}
	for _, label := range []string{"org.opencontainers.image.authors", "maintainer"} {
		if found.Author == "" {
			found.Author = found.Config.Labels[label]
		}
	}
	if text, err := json.Marshal(found); err == nil && len(text) > maxAttributes {
		found.Config = containerConfig{}
	}
	return found
}

// readConfig reads the configuration of a manifest that is being pushed, when the repository holds it
// and the artifact's attributes come from it; nil otherwise. It never fails a push: whether the blob
// is there is decided in the transaction.
func (s *Service) readConfig(ctx context.Context, p pushed) []byte {
	if p.Config == nil || p.Config.Size > maxConfig || p.Config.MediaType == oci.MediaTypeEmpty {
		return nil
	}
	b, ok := p.held[p.Config.Digest]
	if !ok || b.Size > maxConfig {
		return nil
	}
	content, err := s.readBlob(ctx, b.Blob)
	if err != nil {
		s.log.WarnContext(ctx, "reading the configuration of an artifact", "digest", b.Digest, "error", err)
		return nil
	}
	return content
}

// readBlob reads a small blob whole.
func (s *Service) readBlob(ctx context.Context, b Blob) ([]byte, error) {
	r, err := s.OpenBlob(ctx, b)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, b.Size))
}
