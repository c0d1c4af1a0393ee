package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/encrypted"

	"github.com/havenregistry/haven/internal/oci"
)

// keyFile writes a private key as cosign does.
func keyFile(t *testing.T, password string) string {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(private)
	must(t, err)
	sealed, err := encrypted.Encrypt(der, []byte(password))
	must(t, err)
	path := filepath.Join(t.TempDir(), "cosign.key")
	must(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED SIGSTORE PRIVATE KEY", Bytes: sealed}), 0o600))
	return path
}

func buildInfo(version string, modules ...string) *debug.BuildInfo {
	info := &debug.BuildInfo{GoVersion: version}
	for _, path := range modules {
		info.Deps = append(info.Deps, &debug.Module{Path: path})
	}
	return info
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// made packs programs that nobody compiled, and returns all files by their names.
func made(t *testing.T, k *key) map[string][]byte {
	t.Helper()
	v, err := versionOf(source{commit: commit, at: time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)}, "1.2.3-rc.1")
	must(t, err)
	r := &release{root: "..", out: t.TempDir(), version: v, platforms: known, key: k}
	var parts []part
	for _, p := range known {
		info := &debug.BuildInfo{GoVersion: "go1.99.1", Deps: []*debug.Module{
			{Path: "example.org/Big/module", Version: "v1.2.3"}, {Path: "old.example.org", Version: "v1.0.0", Replace: &debug.Module{Path: "new.example.org", Version: "v1.1.0"}},
		}}
		// An odd number of bytes, that no compression makes smaller.
		content := make([]byte, 100_001)
		for i := range content {
			content[i] = byte(i * i / 7)
		}
		part, err := r.pack(program{p, append([]byte(p.arch), content...), info, []byte("notices")})
		must(t, err)
		parts = append(parts, part)
	}
	must(t, r.image(parts))
	must(t, r.finish())
	files := map[string][]byte{}
	entries, err := os.ReadDir(r.out)
	must(t, err)
	for _, e := range entries {
		files[e.Name()], err = os.ReadFile(filepath.Join(r.out, e.Name()))
		must(t, err)
	}
	return files
}

func TestFilesAreTheSameEachTime(t *testing.T) {
	path := keyFile(t, "pass")
	k, err := openKey(path, "pass")
	must(t, err)
	first, second := made(t, k), made(t, k)
	want := []string{
		"SHA256SUMS", "SHA256SUMS.sigstore.json", "haven-1.2.3~rc.1-1.aarch64.rpm", "haven-1.2.3~rc.1-1.x86_64.rpm", "haven_1.2.3-rc.1_image.tar",
		"haven_1.2.3-rc.1_linux_amd64.spdx.json", "haven_1.2.3-rc.1_linux_amd64.tar.gz", "haven_1.2.3-rc.1_linux_arm64.spdx.json",
		"haven_1.2.3-rc.1_linux_arm64.tar.gz", "haven_1.2.3~rc.1_amd64.deb", "haven_1.2.3~rc.1_arm64.deb",
	}
	if got := slices.Sorted(maps.Keys(first)); !slices.Equal(got, want) {
		t.Errorf("there are %q", got)
	}
	for name := range first {
		if !bytes.Equal(first[name], second[name]) {
			t.Errorf("%s has other bytes the second time", name)
		}
		if sum := fmt.Sprintf("%x  %s\n", sha256.Sum256(first[name]), name); !strings.HasPrefix(name, "SHA256SUMS") && !strings.Contains(string(first["SHA256SUMS"]), sum) {
			t.Errorf("SHA256SUMS hasn't %s", name)
		}
	}
	if n := strings.Count(string(first["SHA256SUMS"]), "\n"); n != len(want)-2 {
		t.Errorf("SHA256SUMS has %d lines", n)
	}
}

// untar is what an archive holds, by name.
func untar(t *testing.T, r io.Reader) (map[string][]byte, map[string]*tar.Header) {
	t.Helper()
	files, headers := map[string][]byte{}, map[string]*tar.Header{}
	for a := tar.NewReader(r); ; {
		h, err := a.Next()
		if errors.Is(err, io.EOF) {
			return files, headers
		}
		must(t, err)
		headers[h.Name] = h
		files[h.Name], err = io.ReadAll(a)
		must(t, err)
	}
}

func gunzip(t *testing.T, content []byte) io.Reader {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(content))
	must(t, err)
	return z
}

func TestDeb(t *testing.T) {
	content := made(t, nil)["haven_1.2.3~rc.1_arm64.deb"]
	members := map[string][]byte{}
	var order []string
	rest, ok := bytes.CutPrefix(content, []byte("!<arch>\n"))
	for ok && len(rest) > 0 {
		size, err := strconv.Atoi(strings.TrimSpace(string(rest[48:58])))
		must(t, err)
		name := strings.TrimSpace(string(rest[:16]))
		order, members[name] = append(order, name), rest[60:60+size]
		rest = rest[60+size+size%2:]
	}
	if !slices.Equal(order, []string{"debian-binary", "control.tar.gz", "data.tar.gz"}) || string(members["debian-binary"]) != "2.0\n" {
		t.Fatalf("members %q", order)
	}
	control, scripts := untar(t, gunzip(t, members["control.tar.gz"]))
	for _, line := range []string{"Package: haven\n", "Version: 1.2.3~rc.1\n", "Architecture: arm64\n", "Depends: passwd\n"} {
		if !strings.Contains(string(control["./control"]), line) {
			t.Errorf("control hasn't %q:\n%s", line, control["./control"])
		}
	}
	if string(control["./conffiles"]) != "/etc/haven/haven.yaml\n" || scripts["./postinst"].Mode != 0o755 {
		t.Errorf("settings %q, a script's mode %o", control["./conffiles"], scripts["./postinst"].Mode)
	}
	files, headers := untar(t, gunzip(t, members["data.tar.gz"]))
	if len(files["./usr/bin/haven"]) != 100_006 || headers["./usr/bin/haven"].Mode != 0o755 || headers["./etc/haven/"].Mode != 0o750 || headers["./etc/haven/haven.yaml"].Mode != 0o640 {
		t.Errorf("%v", headers)
	}
	for name, h := range headers {
		if h.Uid != 0 || h.Gid != 0 || !h.ModTime.Equal(time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)) || !strings.HasPrefix(name, "./") {
			t.Errorf("%s: %+v", name, h)
		}
	}
}

func TestImage(t *testing.T) {
	k, err := openKey(keyFile(t, ""), "")
	must(t, err)
	files, _ := untar(t, bytes.NewReader(made(t, k)["haven_1.2.3-rc.1_image.tar"]))
	for name, content := range files {
		if hex, is := strings.CutPrefix(name, "blobs/sha256/"); is && hex != "" && oci.SHA256Of(content).Hex() != hex {
			t.Errorf("%s has other bytes", name)
		}
	}
	blob := func(d oci.Descriptor) []byte {
		t.Helper()
		content, ok := files["blobs/sha256/"+d.Digest.Hex()]
		if !ok || int64(len(content)) != d.Size {
			t.Fatalf("%s: %d bytes", d.Digest, len(content))
		}
		return content
	}
	var top, images oci.Index
	must(t, json.Unmarshal(files["index.json"], &top))
	// The image, an SBOM of each platform, and signatures of the index and of both images.
	if len(top.Manifests) != 6 || top.Manifests[0].Annotations["org.opencontainers.image.ref.name"] != "1.2.3-rc.1" {
		t.Fatalf("%+v", top)
	}
	must(t, json.Unmarshal(blob(top.Manifests[0]), &images))
	about := map[oci.Digest][]string{}
	for _, d := range top.Manifests[1:] {
		var m oci.Image
		must(t, json.Unmarshal(blob(d), &m))
		about[m.Subject.Digest] = append(about[m.Subject.Digest], m.ArtifactType)
		blob(m.Config)
		blob(m.Layers[0])
	}
	if len(about[top.Manifests[0].Digest]) != 1 {
		t.Errorf("said of the index: %q", about[top.Manifests[0].Digest])
	}
	var bases []oci.Digest
	for i, d := range images.Manifests {
		var m oci.Image
		var c imageConfig
		must(t, json.Unmarshal(blob(d), &m))
		must(t, json.Unmarshal(blob(m.Config), &c))
		if d.Platform.Architecture != known[i].arch || c.Architecture != known[i].arch || c.Config.User != "65532:65532" || len(about[d.Digest]) != 2 {
			t.Errorf("%+v of %+v, of which is said %q", c, d, about[d.Digest])
		}
		bases = append(bases, m.Layers[0].Digest)
		for j, l := range m.Layers {
			plain, err := io.ReadAll(gunzip(t, blob(l)))
			must(t, err)
			if c.RootFS.DiffIDs[j] != oci.SHA256Of(plain) {
				t.Errorf("layer %d isn't the one of its configuration", j)
			}
		}
		base, headers := untar(t, gunzip(t, blob(m.Layers[0])))
		if h := headers["data/"]; h.Uid != imageUser || h.Mode != 0o700 || headers["tmp/"].Mode != 0o1777 {
			t.Errorf("folders: %+v, %+v", h, headers["tmp/"])
		}
		if pool := x509.NewCertPool(); !pool.AppendCertsFromPEM(base["etc/ssl/certs/ca-certificates.crt"]) {
			t.Error("it trusts nobody")
		}
	}
	if bases[0] != bases[1] {
		t.Error("the images share no layer")
	}
}

func TestKey(t *testing.T) {
	if k, err := openKey("", ""); k != nil || err != nil {
		t.Errorf("no key: %v, %v", k, err)
	}
	path := keyFile(t, "pass")
	if _, err := openKey(path, "word"); err == nil || !strings.Contains(err.Error(), "COSIGN_PASSWORD") || strings.Contains(err.Error(), "word ") {
		t.Errorf("a wrong password: %v", err)
	}
	plain := filepath.Join(t.TempDir(), "plain")
	must(t, os.WriteFile(plain, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY"}), 0o600))
	for _, bad := range []string{plain, filepath.Join(t.TempDir(), "nothing")} {
		if _, err := openKey(bad, ""); err == nil || !strings.Contains(err.Error(), "HAVEN_RELEASE_KEY") {
			t.Errorf("%v", err)
		}
	}
}

// Without a key no file has a signature, and one that is left from before goes.
func TestNothingSigned(t *testing.T) {
	files := made(t, nil)
	if _, is := files["SHA256SUMS.sigstore.json"]; is || strings.Contains(string(files["haven_1.2.3-rc.1_image.tar"]), "sigstore") {
		t.Error("something is signed by nobody")
	}
	r := &release{root: t.TempDir(), out: t.TempDir()}
	if err := r.make(t.Context()); err == nil || !strings.Contains(err.Error(), "make release") {
		t.Errorf("without a portal: %v", err)
	}
}
