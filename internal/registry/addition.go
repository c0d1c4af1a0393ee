package registry

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/oci"
)

const (
	additionHistory      = "build_history"
	additionValues       = "values.yaml"
	additionReadme       = "readme.md"
	additionDependencies = "dependencies"
	additionSBOM         = "sbom"

	mediaTypeHelmChart = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"

	maxChart     = 64 << 20 // bytes of a chart, unpacked, that are searched for a file
	maxChartFile = 2 << 20  // bytes of such a file
	maxSBOM      = 64 << 20 // bytes of a bill of materials
)

// AdditionNames returns the additions that an artifact has by itself, in Harbor's words.
func AdditionNames(a Artifact) []string {
	switch {
	case oci.IsIndexType(a.MediaType):
		return nil
	case a.ConfigMediaType == mediaTypeSBOM:
		return []string{additionSBOM}
	case a.Type == TypeChart:
		return []string{additionValues, additionReadme, additionDependencies}
	case a.Type == TypeWASM, a.ConfigMediaType == oci.MediaTypeImageConfig, a.ConfigMediaType == oci.MediaTypeDockerConfig:
		return []string{additionHistory}
	}
	return nil
}

// Addition returns a document that comes with an artifact; its name counts without regard to case. What
// this artifact can't have is fault.Invalid, what it could have but hasn't is ErrBlobUnknown.
func (s *Service) Addition(ctx context.Context, a Artifact, name string) (contentType string, body []byte, err error) {
	name = strings.ToLower(name)
	for _, known := range AdditionNames(a) {
		if known == name {
			contentType, body, err = s.addition(ctx, a, name)
			if err != nil {
				return "", nil, fmt.Errorf("read %s of %s: %w", name, a.Digest, err)
			}
			return contentType, body, nil
		}
	}
	kind := "manifest version 2"
	if oci.IsIndexType(a.MediaType) {
		kind = "index"
	}
	return "", nil, fault.Invalidf("addition %s isn't supported for %s(%s)",
		strings.ToUpper(name[:min(len(name), 64)]), a.Type, kind)
}

func (s *Service) addition(ctx context.Context, a Artifact, name string) (contentType string, body []byte, err error) {
	m, err := s.parsed(ctx, a)
	if err != nil {
		return "", nil, err
	}
	switch name {
	case additionSBOM:
		body, err = s.firstLayer(ctx, a, m, maxSBOM)
		return mediaTypeSBOM, body, err
	case additionHistory:
		body, err = s.configField(ctx, a, m, "history")
		return "application/json; charset=utf-8", body, err
	case additionDependencies:
		body, err = s.configField(ctx, a, m, "dependencies")
		return "application/json; charset=utf-8", body, err
	case additionValues:
		body, err = s.chartFile(ctx, a, m, additionValues)
		return "text/plain; charset=utf-8", body, err
	default:
		body, err = s.chartFile(ctx, a, m, additionReadme)
		return "text/markdown; charset=utf-8", body, err
	}
}

const (
	contentByID = `SELECT m.id, m.repository_id, m.digest, m.media_type, m.content_size, FALSE, c.content
		FROM manifest m JOIN manifest_content c ON c.digest = m.digest WHERE m.id = $1`
	memberByID = `SELECT b.id, b.digest, b.size, b.location FROM blob b
		JOIN repository_blob rb ON rb.blob_id = b.id AND rb.repository_id = $1 WHERE b.digest = $2`
)

// Layers are those of an artifact, in the order of its manifest.
func (s *Service) Layers(ctx context.Context, a Artifact) ([]oci.Descriptor, error) {
	m, err := s.parsed(ctx, a)
	if err != nil {
		return nil, fmt.Errorf("read the layers of %s: %w", a.Digest, err)
	}
	return m.Layers, nil
}

func (s *Service) parsed(ctx context.Context, a Artifact) (*oci.Manifest, error) {
	m, err := db.Get(ctx, s.db.Auto(), scanManifest, contentByID, a.ID)
	if errors.Is(err, db.ErrNotFound) {
		return nil, ErrManifestUnknown
	}
	if err != nil {
		return nil, err
	}
	return oci.ParseManifest(m.MediaType, m.Content)
}

func (s *Service) artifactBlob(ctx context.Context, a Artifact, d oci.Digest) (Blob, error) {
	b, err := db.Get(ctx, s.db.Auto(), scanBlob, memberByID, a.RepositoryID, d)
	if errors.Is(err, db.ErrNotFound) {
		return b, ErrBlobUnknown
	}
	return b, err
}

// configField returns an array of the configuration, [] when it has none.
func (s *Service) configField(ctx context.Context, a Artifact, m *oci.Manifest, field string) ([]byte, error) {
	b, err := s.artifactBlob(ctx, a, m.Config.Digest)
	if err != nil {
		return nil, err
	}
	if b.Size > maxConfig {
		return nil, fault.Invalidf("the configuration has %d bytes, at most %d are read", b.Size, maxConfig)
	}
	config, err := s.readBlob(ctx, b)
	if err != nil {
		return nil, err
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(config, &fields); err != nil {
		return nil, fault.Invalidf("the configuration is no JSON object")
	}
	entries := []json.RawMessage{}
	if text, given := fields[field]; given && string(text) != "null" {
		if err := json.Unmarshal(text, &entries); err != nil {
			return nil, fault.Invalidf("%s of the configuration is no array", field)
		}
	}
	return json.Marshal(entries)
}

// firstLayer reads a document that is an artifact's first layer, as it is.
func (s *Service) firstLayer(ctx context.Context, a Artifact, m *oci.Manifest, most int64) ([]byte, error) {
	if len(m.Layers) == 0 {
		return nil, ErrBlobUnknown
	}
	b, err := s.artifactBlob(ctx, a, m.Layers[0].Digest)
	if err != nil {
		return nil, err
	}
	if b.Size > most {
		return nil, fault.Invalidf("the document has %d bytes, at most %d are shown", b.Size, most)
	}
	return s.readBlob(ctx, b)
}

// chartFile reads a file in the top folder of a chart's archive.
func (s *Service) chartFile(ctx context.Context, a Artifact, m *oci.Manifest, name string) ([]byte, error) {
	for _, layer := range m.Layers {
		if layer.MediaType != mediaTypeHelmChart {
			continue
		}
		b, err := s.artifactBlob(ctx, a, layer.Digest)
		if err != nil {
			return nil, err
		}
		archive, err := s.OpenBlob(ctx, b)
		if err != nil {
			return nil, err
		}
		defer archive.Close()
		return fileInChart(contextReader{ctx, archive}, name)
	}
	return nil, ErrBlobUnknown
}

func fileInChart(archive io.Reader, name string) ([]byte, error) {
	unpacked, err := gzip.NewReader(archive)
	if err != nil {
		return nil, fault.Invalidf("the chart is no gzip archive")
	}
	files := tar.NewReader(io.LimitReader(unpacked, maxChart))
	for {
		header, err := files.Next()
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, ErrBlobUnknown
		}
		if err != nil {
			return nil, fault.Invalidf("the chart's archive is damaged")
		}
		_, file, _ := strings.Cut(strings.TrimPrefix(header.Name, "./"), "/")
		if header.Typeflag == tar.TypeReg && strings.EqualFold(file, name) {
			return io.ReadAll(io.LimitReader(files, maxChartFile))
		}
	}
}
