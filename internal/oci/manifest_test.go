package oci_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/oci"
)

const (
	digestA = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	digestB = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	digestC = "sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
	layer   = "application/vnd.oci.image.layer.v1.tar+gzip"
)

func descriptor(mediaType, digest string, more ...string) string {
	return fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":7%s}`, mediaType, digest, strings.Join(append([]string{""}, more...), ","))
}

var (
	config = descriptor(oci.MediaTypeImageConfig, digestA)
	layerB = descriptor(layer, digestB)
	child  = descriptor(oci.MediaTypeImageManifest, digestB)
)

// image is an OCI image with further fields.
func image(more ...string) string {
	return `{"schemaVersion":2,"config":` + config + strings.Join(append([]string{""}, more...), ",") + `}`
}

// imageWith is an image whose only layer is the descriptor given.
func imageWith(layer string) string { return image(`"layers":[` + layer + `]`) }

func index(more ...string) string {
	return `{"schemaVersion":2` + strings.Join(append([]string{""}, more...), ",") + `}`
}

func TestParseManifestReads(t *testing.T) {
	t.Run("image", func(t *testing.T) {
		m, err := oci.ParseManifest(oci.MediaTypeImageManifest, []byte(image(
			`"mediaType":"`+oci.MediaTypeImageManifest+`"`, `"artifactType":"application/x"`,
			`"layers":[`+layerB+`,`+descriptor(layer, digestC, `"annotations":{"k":"v"}`, `"urls":["https://example.com/c"]`)+`]`,
			`"subject":`+child, `"annotations":{"a":"1","A":"2"}`, `"unknown":[{"x":null}]`)))
		if err != nil {
			t.Fatal(err)
		}
		if m.MediaType != oci.MediaTypeImageManifest || m.IsIndex() || m.ArtifactType != "application/x" {
			t.Errorf("%+v", m)
		}
		if m.Config.Digest != digestA || m.Config.Size != 7 || m.Config.MediaType != oci.MediaTypeImageConfig {
			t.Errorf("config %+v", m.Config)
		}
		if len(m.Layers) != 2 || m.Layers[1].Annotations["k"] != "v" || m.Layers[1].URLs[0] != "https://example.com/c" {
			t.Errorf("layers %+v", m.Layers)
		}
		if m.Subject == nil || m.Subject.Digest != digestB || m.Annotations["a"] != "1" || m.Annotations["A"] != "2" {
			t.Errorf("subject %+v, annotations %v", m.Subject, m.Annotations)
		}
	})
	t.Run("index", func(t *testing.T) {
		m, err := oci.ParseManifest(oci.MediaTypeDockerManifestList, []byte(index(
			`"mediaType":"`+oci.MediaTypeDockerManifestList+`"`,
			`"manifests":[`+descriptor(oci.MediaTypeDockerManifest, digestB,
				`"platform":{"architecture":"arm64","os":"linux","os.version":"1","os.features":["x"],"variant":"v8"}`)+`]`)))
		if err != nil {
			t.Fatal(err)
		}
		if !m.IsIndex() || m.Config != nil || len(m.Manifests) != 1 {
			t.Fatalf("%+v", m)
		}
		p := m.Manifests[0].Platform
		if p == nil || p.Architecture != "arm64" || p.OS != "linux" || p.OSVersion != "1" || p.OSFeatures[0] != "x" || p.Variant != "v8" {
			t.Errorf("platform %+v", p)
		}
	})
	t.Run("embedded data", func(t *testing.T) {
		content := []byte("{}")
		d := fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":2,"data":%q}`,
			oci.MediaTypeEmpty, oci.SHA256Of(content), base64.StdEncoding.EncodeToString(content))
		m, err := oci.ParseManifest(oci.MediaTypeImageManifest, []byte(imageWith(d)))
		if err != nil {
			t.Fatal(err)
		}
		if string(m.Layers[0].Data) != "{}" {
			t.Errorf("data %q", m.Layers[0].Data)
		}
	})
}

func TestParseManifestAccepts(t *testing.T) {
	for _, test := range []struct{ name, contentType, content string }{
		{"no layers", oci.MediaTypeImageManifest, image(`"layers":[]`)},
		{"null layers", oci.MediaTypeImageManifest, image(`"layers":null`)},
		{"layers absent", oci.MediaTypeImageManifest, image()},
		{"null subject", oci.MediaTypeImageManifest, image(`"subject":null`)},
		{"no manifests", oci.MediaTypeImageIndex, index(`"manifests":[]`)},
		{"null manifests", oci.MediaTypeImageIndex, index(`"manifests":null`)},
		{"parameter in Content-Type", oci.MediaTypeImageManifest + "; charset=utf-8", image()},
		{"Content-Type absent", "", image(`"mediaType":"` + oci.MediaTypeImageManifest + `"`)},
		{"Docker image", oci.MediaTypeDockerManifest, image(`"mediaType":"` + oci.MediaTypeDockerManifest + `"`)},
		{"white space", oci.MediaTypeImageManifest, " \n" + image() + "\n\n"},
		{"sha512", oci.MediaTypeImageManifest, imageWith(descriptor(layer, "sha512:"+strings.Repeat("d", 128)))},
		{"largest size", oci.MediaTypeImageManifest, imageWith(`{"mediaType":"x/y","digest":"` + digestB + `","size":9223372036854775807}`)},
		{"annotations that differ by case", oci.MediaTypeImageManifest, image(`"annotations":{"MediaType":"a","mediatype":"b"}`)},
		{"layer without foreign type with a URL", oci.MediaTypeImageManifest, imageWith(descriptor(layer, digestB, `"urls":["ftp://h/x"]`))},
		{"most layers", oci.MediaTypeImageManifest, imageWith(strings.TrimSuffix(strings.Repeat(layerB+",", oci.MaxDescriptors), ","))},
		{"deep enough", oci.MediaTypeImageManifest, image(`"x":` + strings.Repeat("[", oci.MaxDepth-1) + strings.Repeat("]", oci.MaxDepth-1))},
		{"largest document", oci.MediaTypeImageManifest, image() + strings.Repeat(" ", oci.MaxManifestSize-len(image()))},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := oci.ParseManifest(test.contentType, []byte(test.content)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestParseManifestRefuses(t *testing.T) {
	const im, ix = oci.MediaTypeImageManifest, oci.MediaTypeImageIndex
	bad, unsupported := oci.ErrManifestInvalid, oci.ErrMediaTypeUnsupported
	for _, test := range []struct {
		name, contentType, content string
		want                       error
		message                    string // part of it
	}{
		{"oversized", im, image() + strings.Repeat(" ", oci.MaxManifestSize), oci.ErrManifestTooLarge, "4194304 bytes"},
		{"empty", im, "", bad, "JSON"},
		{"truncated", im, image()[:20], bad, "JSON"},
		{"trailing data", im, image() + "{}", bad, "after top-level"},
		{"array", im, "[]", bad, "want a JSON object"},
		{"null", im, "null", bad, "want a JSON object"},
		{"not UTF-8", im, image(`"annotations":{"a":"` + "\xff" + `"}`), bad, "UTF-8"},
		{"comma too many", im, image(`"layers":[],`), bad, "JSON"},
		{"comment", im, image() + "// x", bad, "JSON"},
		{"NaN", im, image(`"x":NaN`), bad, "JSON"},
		{"duplicate key", im, image(`"layers":[]`, `"layers":[]`), bad, `duplicate key "layers"`},
		{"duplicate key, escaped", im, image(`"layers":[]`, `"l\u0061yers":[]`), bad, "duplicate key"},
		{"duplicate key in a descriptor", im, imageWith(descriptor(layer, digestB, `"size":8`)), bad, `layers[0]: duplicate key "size"`},
		{"duplicate key in annotations", im, image(`"annotations":{"a":"1","a":"1"}`), bad, "annotations: duplicate key"},
		{"duplicate key in an unknown field", im, image(`"x":[{"y":{"z":1,"z":1}}]`), bad, "x[0].y: duplicate key"},
		{"key of another case", im, image(`"Layers":[]`), bad, `must be written "layers"`},
		{"descriptor key of another case", im, imageWith(descriptor(layer, digestC, `"Digest":"`+digestB+`"`)), bad, "layers[0]: key"},
		{"too deep", im, image(`"x":` + strings.Repeat("[", oci.MaxDepth) + strings.Repeat("]", oci.MaxDepth)), bad, "levels deep"},
		{"far too deep", im, strings.Repeat(`{"a":`, 100_000) + "1" + strings.Repeat("}", 100_000), bad, ""},
		{"too many values", im, image(`"x":[` + strings.Repeat("0,", oci.MaxValues) + `0]`), bad, "values"},
		{"too many layers", im, imageWith(strings.Repeat(layerB+",", oci.MaxDescriptors) + layerB), bad, "layers: 4097 entries"},
		{"both kinds, as image", im, image(`"layers":[]`, `"manifests":[]`), bad, "ambiguous"},
		{"both kinds, as index", ix, index(`"layers":[]`, `"manifests":[`+child+`]`), bad, "ambiguous"},
		{"index with a config", ix, index(`"manifests":[]`, `"config":`+config), bad, "ambiguous"},
		{"both kinds, one null", ix, index(`"manifests":[]`, `"layers":null`), bad, "ambiguous"},
		{"index with the fields of an image", ix, image(), bad, "not part of an index"},
		{"image with the fields of an index", im, index(`"manifests":[]`), bad, "not part of an image"},
		{"index without manifests", ix, index(), bad, "manifests: missing"},
		{"image without config", im, index(`"layers":[]`), bad, "config: missing"},
		{"image with null config", im, index(`"config":null`), bad, "config: missing"},
		{"fields of schema 1", im, image(`"fsLayers":[]`), bad, "schema 1"},
		{"wrong content type", im, image(`"mediaType":"` + oci.MediaTypeDockerManifest + `"`), bad, "Content-Type is"},
		{"media type of another kind", im, image(`"mediaType":"` + ix + `"`), bad, "Content-Type is"},
		{"no media type at all", "", image(), unsupported, "missing"},
		{"unknown content type", "application/json", image(), unsupported, "application/json"},
		{"broken content type", "application", image(), unsupported, "unsupported"},
		{"schema 1", "application/vnd.docker.distribution.manifest.v1+prettyjws", image(), unsupported, "v1+prettyjws"},
		{"artifact manifest", "application/vnd.oci.artifact.manifest.v1+json", "{}", unsupported, ""},
		{"unknown media type", "", image(`"mediaType":"a/b"`), unsupported, `"a/b"`},
		{"media type is no string", im, image(`"mediaType":1`), bad, "mediaType: want a string"},
		{"schema version 1", im, `{"schemaVersion":1,"config":` + config + `}`, bad, "schemaVersion: want 2"},
		{"schema version absent", im, `{"config":` + config + `}`, bad, "schemaVersion"},
		{"schema version is a string", im, `{"schemaVersion":"2","config":` + config + `}`, bad, "schemaVersion"},
		{"layers are no array", im, image(`"layers":{}`), bad, "layers: want an array"},
		{"null layer", im, imageWith("null"), bad, "layers[0]: want a descriptor"},
		{"layer without media type", im, imageWith(`{"digest":"` + digestB + `","size":1}`), bad, "layers[0].mediaType: missing"},
		{"layer without size", im, imageWith(`{"mediaType":"a/b","digest":"` + digestB + `"}`), bad, "layers[0].size"},
		{"negative size", im, imageWith(`{"mediaType":"a/b","digest":"` + digestB + `","size":-1}`), bad, "layers[0].size: negative"},
		{"fraction as size", im, imageWith(`{"mediaType":"a/b","digest":"` + digestB + `","size":1.5}`), bad, "layers[0].size"},
		{"exponent as size", im, imageWith(`{"mediaType":"a/b","digest":"` + digestB + `","size":1e3}`), bad, "layers[0].size"},
		{"size overflows", im, imageWith(`{"mediaType":"a/b","digest":"` + digestB + `","size":9223372036854775808}`), bad, "layers[0].size"},
		{"layer without digest", im, imageWith(`{"mediaType":"a/b","size":1}`), oci.ErrDigestInvalid, "layers[0].digest"},
		{"upper-case digest", im, imageWith(descriptor(layer, strings.ToUpper(digestB))), oci.ErrDigestInvalid, "layers[0].digest"},
		{"unknown algorithm", im, imageWith(descriptor(layer, "md5:d41d8cd98f00b204e9800998ecf8427e")), oci.ErrDigestUnsupported, "layers[0].digest"},
		{"broken child", ix, index(`"manifests":[` + descriptor(im, "sha256:x") + `]`), oci.ErrDigestInvalid, "manifests[0].digest"},
		{"broken subject", im, image(`"subject":{"mediaType":"` + im + `","size":1,"digest":"x"}`), oci.ErrDigestInvalid, "subject.digest"},
		{"subject is a string", im, image(`"subject":"` + digestB + `"`), bad, "subject: want an object"},
		{"annotation is a number", im, image(`"annotations":{"a":1}`), bad, "annotations.a: want a string"},
		{"annotations are an array", im, image(`"annotations":[]`), bad, "annotations: want an object"},
		{"long artifact type", im, image(`"artifactType":"` + strings.Repeat("a", 256) + `"`), bad, "artifactType"},
		{"control character in a media type", im, imageWith(descriptor("a/b\n", digestB)), bad, "control"},
		{"data of another size", im, imageWith(descriptor(layer, digestB, `"data":"e30="`)), bad, "layers[0].data: 2 bytes"},
		{"data of another digest", im, imageWith(`{"mediaType":"a/b","size":2,"data":"e30=","digest":"` + digestB + `"}`), bad, "layers[0].data: does not"},
		{"data is no base64", im, imageWith(descriptor(layer, digestB, `"data":"?"`)), bad, "layers[0].data: not valid"},
		{"foreign layer of a file URL", im, imageWith(descriptor(oci.MediaTypeDockerForeignLayer, digestB, `"urls":["file:///etc/passwd"]`)), bad, "layers[0].urls[0]"},
		{"too many URLs", im, imageWith(descriptor(layer, digestB, `"urls":[`+strings.Repeat(`"a",`, oci.MaxURLs)+`"a"]`)), bad, "layers[0].urls"},
		{"platform is a string", ix, index(`"manifests":[` + descriptor(im, digestB, `"platform":"linux"`) + `]`), bad, "manifests[0].platform"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m, err := oci.ParseManifest(test.contentType, []byte(test.content))
			if m != nil || !errors.Is(err, test.want) {
				t.Fatalf("got %+v, %v; want %v", m, err, test.want)
			}
			fault, ok := errors.AsType[*oci.ManifestError](err)
			if !ok || !strings.Contains(fault.Error(), test.message) {
				t.Errorf("message %q does not tell %q", err, test.message)
			}
			if len(fault.Message) > 300 {
				t.Errorf("message of %d bytes", len(fault.Message))
			}
		})
	}
}

func digests(list []oci.Descriptor) string {
	var found []string
	for _, d := range list {
		found = append(found, string(d.Digest[7:8]))
	}
	return strings.Join(found, "")
}

func TestManifestGraph(t *testing.T) {
	foreign := descriptor(oci.MediaTypeDockerForeignLayer, digestC, `"urls":["https://example.com/c"]`)
	hidden := descriptor("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", digestC, `"urls":["https://example.com/c"]`)
	for _, test := range []struct {
		name, contentType, content string
		blobs, foreign, children   string
		artifactType               string
	}{
		{"image", oci.MediaTypeImageManifest, imageWith(layerB), "ab", "", "", oci.MediaTypeImageConfig},
		{"layer twice", oci.MediaTypeImageManifest, imageWith(layerB + "," + layerB), "ab", "", "", oci.MediaTypeImageConfig},
		{"Docker's foreign layer", oci.MediaTypeDockerManifest, imageWith(layerB + "," + foreign), "ab", "c", "", oci.MediaTypeImageConfig},
		{"non-distributable layer", oci.MediaTypeImageManifest, imageWith(hidden), "a", "c", "", oci.MediaTypeImageConfig},
		{"foreign type without a URL", oci.MediaTypeImageManifest, imageWith(descriptor(oci.MediaTypeDockerForeignLayer, digestC)), "ac", "", "", oci.MediaTypeImageConfig},
		{"artifact", oci.MediaTypeImageManifest, image(`"artifactType":"application/x"`, `"layers":[`+layerB+`]`), "ab", "", "", "application/x"},
		{"manifest type as a layer", oci.MediaTypeImageManifest, imageWith(child), "ab", "", "", oci.MediaTypeImageConfig},
		{"index", oci.MediaTypeImageIndex, index(`"manifests":[` + child + `,` + child + `]`), "", "", "b", ""},
		{"build cache", oci.MediaTypeImageIndex, index(`"manifests":[` + layerB + `,` + config + `]`), "ba", "", "", ""},
		{"index of a type", oci.MediaTypeImageIndex, index(`"manifests":[]`, `"artifactType":"application/x"`), "", "", "", "application/x"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m, err := oci.ParseManifest(test.contentType, []byte(test.content))
			if err != nil {
				t.Fatal(err)
			}
			if got := digests(m.Blobs()); got != test.blobs {
				t.Errorf("blobs %q, want %q", got, test.blobs)
			}
			if got := digests(m.ForeignBlobs()); got != test.foreign {
				t.Errorf("foreign blobs %q, want %q", got, test.foreign)
			}
			if got := digests(m.Children()); got != test.children {
				t.Errorf("children %q, want %q", got, test.children)
			}
			if got := m.EffectiveArtifactType(); got != test.artifactType {
				t.Errorf("artifact type %q, want %q", got, test.artifactType)
			}
		})
	}
}

// FuzzParseManifest holds what is accepted against encoding/json: both must see the
// same document, in which no key of ours is doubled.
func FuzzParseManifest(f *testing.F) {
	for _, seed := range []string{imageWith(layerB), image(`"annotations":{"a":"1"}`), `{"schemaVersion":2,"a":1,"a":2}`, `[[[]]]`, `{"a":"\ud800"}`} {
		f.Add(oci.MediaTypeImageManifest, []byte(seed))
	}
	f.Add(oci.MediaTypeImageIndex, []byte(index(`"manifests":[`+child+`]`)))
	f.Add("", []byte(`{"schemaVersion":2,"mediaType":"a/b"}`))
	f.Fuzz(func(t *testing.T, contentType string, content []byte) {
		m, err := oci.ParseManifest(contentType, content)
		if err != nil {
			if _, ok := errors.AsType[*oci.ManifestError](err); !ok {
				t.Errorf("an error of another kind: %v", err)
			}
			return
		}
		var other struct {
			SchemaVersion int
			Config        *oci.Descriptor
			Layers        []oci.Descriptor
			Manifests     []oci.Descriptor
			Subject       *oci.Descriptor
		}
		if err := json.Unmarshal(content, &other); err != nil {
			t.Fatalf("encoding/json refuses it: %v", err)
		}
		if other.SchemaVersion != 2 || digests(other.Layers) != digests(m.Layers) || digests(other.Manifests) != digests(m.Manifests) ||
			(other.Config == nil) != (m.Config == nil) || (other.Subject == nil) != (m.Subject == nil) {
			t.Errorf("encoding/json sees %+v, we see %+v", other, m)
		}
		if m.IsIndex() == (m.Config != nil) {
			t.Errorf("neither or both kinds: %+v", m)
		}
	})
}
