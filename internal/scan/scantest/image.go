package scantest

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// made is when everything was made.
var made = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)

// Image is an image of one platform as a registry keeps it.
type Image struct {
	Layers   [][]byte // gzipped tar archives, the lowest first
	Config   []byte
	Manifest []byte
}

// LayerDigests are those of the layers' blobs.
func (i Image) LayerDigests() (all []string) {
	for _, l := range i.Layers {
		all = append(all, Digest(l))
	}
	return all
}

// Digest is the name of a blob.
func Digest(b []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(b)) }

// Names are the images that there are:
//
//	clean   Debian 12, every package as of 2026-11-23: no finding
//	stale   Debian 12 as of 2026-10-31, two layers: none in edition 1, 102 in edition 2
//	debian  Debian 12 as of its release, two layers: 823, then 925
//	app     clean with libraries of Node, Python, Java and a Go program on top: 29, then 31
//
// They hold package managers' databases, not the packages' files.
var Names = []string{"clean", "stale", "debian", "app"}

// MakeImage makes an image. The Go program of app is compiled, of stubs in place of its modules, without a network.
func MakeImage(t testing.TB, name string) Image {
	t.Helper()
	const release, october, november = 0, 1, 2
	switch name {
	case "clean":
		return Pack(debian(november))
	case "stale":
		return Pack(debian(october), File{"var/lib/dpkg/status", 0o644, status(october, true)})
	case "debian":
		return Pack(debian(release), File{"var/lib/dpkg/status", 0o644, status(release, true)})
	case "app":
		return packLayers(debian(november), node(), append(python(), java()...), []File{{"usr/local/bin/app", 0o755, goProgram(t)}})
	}
	t.Fatalf("scantest: no image %q", name)
	return Image{}
}

// File is one in a layer. A name that ends with a slash is a folder.
type File struct {
	Name string
	Mode int64
	Body []byte
}

// Pack makes an image of a layer, and another of what lies on top.
func Pack(base []File, top ...File) Image {
	if len(top) == 0 {
		return packLayers(base)
	}
	return packLayers(base, top)
}

func packLayers(layers ...[]File) Image {
	var packed [][]byte
	for _, files := range layers {
		packed = append(packed, Gzip(Tar(files)))
	}
	return Assemble(packed...)
}

// WriteLayout writes an image as an OCI layout, with the tag latest.
func (i Image) WriteLayout(dir string) error {
	blobs := filepath.Join(dir, "blobs", "sha256")
	if err := os.MkdirAll(blobs, 0o750); err != nil {
		return err
	}
	for _, b := range append([][]byte{i.Config, i.Manifest}, i.Layers...) {
		if err := os.WriteFile(filepath.Join(blobs, strings.TrimPrefix(Digest(b), "sha256:")), b, 0o600); err != nil {
			return err
		}
	}
	index := asJSON(map[string]any{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": []any{map[string]any{
		"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": Digest(i.Manifest), "size": len(i.Manifest),
		"annotations": map[string]string{"org.opencontainers.image.ref.name": "latest"},
	}}})
	if err := os.WriteFile(filepath.Join(dir, "index.json"), index, 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "oci-layout"), []byte(`{"imageLayoutVersion":"1.0.0"}`), 0o600)
}

// Tar archives files in the order of their names, with the folders that they lie in.
func Tar(files []File) []byte {
	files = slices.Clone(files)
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	var out bytes.Buffer
	t := tar.NewWriter(&out)
	dirs := map[string]bool{}
	for _, f := range files {
		for i := range f.Name {
			if f.Name[i] == '/' && !dirs[f.Name[:i]] {
				dirs[f.Name[:i]] = true
				must(t.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: f.Name[:i+1], Mode: 0o755, ModTime: made}))
			}
		}
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		must(t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: f.Name, Mode: f.Mode, Size: int64(len(f.Body)), ModTime: made}))
		_, err := t.Write(f.Body)
		must(err)
	}
	must(t.Close())
	return out.Bytes()
}

// Gzip packs bytes.
func Gzip(b []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, err := z.Write(b)
	must(err)
	must(z.Close())
	return out.Bytes()
}

func asJSON(v any) []byte {
	b, err := json.Marshal(v)
	must(err)
	return b
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// debian is a minimal Debian 12 as far as a scanner looks at one.
func debian(when int) []File {
	text := "ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n"
	return []File{
		{"etc/debian_version", 0o644, []byte([]string{"12.0", "12.15", "12.15"}[when] + "\n")},
		{"etc/os-release", 0o644, []byte(text)},
		{"usr/lib/os-release", 0o644, []byte(text)},
		{"var/lib/dpkg/status", 0o644, status(when, false)},
	}
}

// status is dpkg's list, of a minimal system or of all packages that there are.
func status(when int, all bool) []byte {
	var out bytes.Buffer
	for _, r := range table("debian12.tsv.gz") {
		if r[3] != "1" && !all {
			continue
		}
		version, sourceVersion := r[4+2*when], r[5+2*when]
		fmt.Fprintf(&out, "Package: %s\nStatus: install ok installed\nArchitecture: %s\n", r[0], r[2])
		if version != sourceVersion {
			fmt.Fprintf(&out, "Source: %s (%s)\n", r[1], sourceVersion)
		} else if r[1] != r[0] {
			fmt.Fprintf(&out, "Source: %s\n", r[1])
		}
		fmt.Fprintf(&out, "Version: %s\n\n", version)
	}
	return out.Bytes()
}

func node() []File {
	files := []File{{"srv/app/package.json", 0o644, asJSON(map[string]any{"name": "app", "version": "1.0.0", "dependencies": map[string]string{"lodash": "4.17.4"}})}}
	for _, p := range [][2]string{{"lodash", "4.17.4"}, {"serve", "6.5.1"}, {"mqtt-packet", "5.4.0"}, {"left-pad", "1.3.0"}} {
		files = append(files, File{"srv/app/node_modules/" + p[0] + "/package.json", 0o644, asJSON(map[string]string{"name": p[0], "version": p[1], "license": "MIT"})})
	}
	return files
}

func python() (files []File) {
	for _, p := range [][2]string{{"Jinja2", "2.10"}, {"PyYAML", "5.3"}, {"urllib3", "1.24.1"}, {"six", "1.16.0"}} {
		text := fmt.Sprintf("Metadata-Version: 2.1\nName: %s\nVersion: %s\nLicense: MIT\n", p[0], p[1])
		files = append(files, File{"usr/lib/python3/dist-packages/" + p[0] + "-" + p[1] + ".dist-info/METADATA", 0o644, []byte(text)})
	}
	return files
}

func java() (files []File) {
	for _, p := range [][3]string{{"org.apache.logging.log4j", "log4j-core", "2.14.1"}, {"com.fasterxml.jackson.core", "jackson-databind", "2.9.4"},
		{"commons-collections", "commons-collections", "3.2.1"}} {
		files = append(files, File{"opt/app/lib/" + p[1] + "-" + p[2] + ".jar", 0o644, Zip([]File{
			{"META-INF/MANIFEST.MF", 0, []byte("Manifest-Version: 1.0\n")},
			{"META-INF/maven/" + p[0] + "/" + p[1] + "/pom.properties", 0, fmt.Appendf(nil, "groupId=%s\nartifactId=%s\nversion=%s\n", p[0], p[1], p[2])},
		})})
	}
	return files
}

// Zip archives files in their order, compressed; those of mode 1 as they are.
func Zip(files []File) []byte {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, f := range files {
		method := zip.Deflate
		if f.Mode == 1 {
			method = zip.Store
		}
		w, err := z.CreateHeader(&zip.FileHeader{Name: f.Name, Method: method, Modified: made})
		must(err)
		_, err = w.Write(f.Body)
		must(err)
	}
	must(z.Close())
	return out.Bytes()
}
