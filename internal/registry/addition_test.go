package registry

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/oci"
)

// chart makes a Helm chart.
func (f fixture) chart(ref Ref) document {
	f.t.Helper()
	var archive bytes.Buffer
	zip := gzip.NewWriter(&archive)
	files := tar.NewWriter(zip)
	for _, file := range []struct{ name, content string }{
		{"web/charts/sub/values.yaml", "not: this"}, {"web/README.md", "# web"}, {"web/values.yaml", "replicas: 1"},
	} {
		f.ok(files.WriteHeader(&tar.Header{Name: file.name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(file.content))}))
		_, err := files.Write([]byte(file.content))
		f.ok(err)
	}
	f.ok(files.Close())
	f.ok(zip.Close())
	config := f.blob(ref, mediaTypeHelmConfig, []byte(`{"name":"web","version":"1.0","secret":1,"dependencies":[{"name":"db","version":"2","repository":"https://charts.example.com"}]}`))
	config.Annotations = map[string]string{annotationSkipList: "secret"}
	layer := f.blob(ref, mediaTypeHelmChart, archive.Bytes())
	return document{SchemaVersion: 2, MediaType: oci.MediaTypeImageManifest, Config: &config, Layers: []oci.Descriptor{layer}}
}

func TestAdditions(t *testing.T) {
	each(t, func(f fixture) {
		f.push(app, f.chart(app), "chart")
		f.push(app, f.image(app, "one"), "image")
		f.push(app, index(f.image(app, "one").descriptor()), "index")
		for _, c := range []struct{ tag, name, contentType, want, invalid string }{
			{"chart", "values.yaml", "text/plain", "replicas: 1", ""},
			{"chart", "README.md", "text/markdown", "# web", ""},
			{"chart", "dependencies", "application/json", `[{"name":"db","version":"2","repository":"https://charts.example.com"}]`, ""},
			{"image", "Build_History", "application/json", `[{"created_by":"COPY one"}]`, ""},
			{"image", "values.yaml", "", "", "addition VALUES.YAML isn't supported for IMAGE(manifest version 2)"},
			{"index", "build_history", "", "", "addition BUILD_HISTORY isn't supported for IMAGE(index)"},
		} {
			a, err := f.GetArtifact(ctx, app, oci.TagReference(c.tag), With{})
			f.ok(err)
			contentType, body, err := f.Addition(ctx, a, c.name)
			if c.invalid != "" {
				if e, ok := errors.AsType[*fault.Error](err); !ok || e.Kind != fault.Invalid || e.Message != c.invalid {
					f.t.Errorf("%s of %s: %v, want %q", c.name, c.tag, err, c.invalid)
				}
				continue
			}
			if err != nil || string(body) != c.want || !strings.HasPrefix(contentType, c.contentType) {
				f.t.Errorf("%s of %s: %s %q, %v", c.name, c.tag, contentType, body, err)
			}
		}
		chart, err := f.GetArtifact(ctx, app, oci.TagReference("chart"), With{})
		f.ok(err)
		if !slices.Equal(AdditionNames(chart), []string{"values.yaml", "readme.md", "dependencies"}) || chart.Type != TypeChart ||
			!strings.Contains(string(chart.ExtraAttrs), `"version":"1.0"`) || strings.Contains(string(chart.ExtraAttrs), "secret") {
			f.t.Errorf("chart = %+v with %s", chart, chart.ExtraAttrs)
		}
	})
}
