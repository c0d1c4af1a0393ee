package day

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"os"
	"testing"
)

// push puts an image of one layer into a repository and returns its digest. Images of one seed are the same.
func push(t *testing.T, repository, tag, seed string) string {
	t.Helper()
	layer := []byte("layer " + seed)
	config := []byte(fmt.Sprintf(`{"architecture":"amd64","os":"linux","created":"2026-01-02T03:04:05Z",
		"config":{"Labels":{"seed":%q}},"rootfs":{"type":"layers","diff_ids":[%q]},
		"history":[{"created":"2026-01-02T03:04:05Z","created_by":"COPY"}]}`, seed, digestOf(layer)))
	return pushParts(t, repository, tag, part{"application/vnd.oci.image.config.v1+json", config}, part{"application/vnd.oci.image.layer.v1.tar", layer})
}

// pushDebian puts an image of Debian 12 with one package into a repository, which has known vulnerabilities.
func pushDebian(t *testing.T, repository, tag string) string {
	t.Helper()
	layer := archive(t, map[string]string{
		"etc/os-release":     "ID=debian\nVERSION_ID=\"12\"\n",
		"etc/debian_version": "12.0\n",
		"var/lib/dpkg/status": "Package: bind9-libs\nStatus: install ok installed\nSource: bind9\nVersion: 1:9.18.13-1\nArchitecture: amd64\n" +
			"Maintainer: Debian DNS Team <team+dns@tracker.debian.org>\nDescription: shared libraries\n",
	})
	config := []byte(fmt.Sprintf(`{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[%q]}}`, digestOf(layer)))
	return pushParts(t, repository, tag, part{"application/vnd.oci.image.config.v1+json", config}, part{"application/vnd.oci.image.layer.v1.tar+gzip", layer})
}

// archive packs files.
func archive(t *testing.T, content map[string]string) []byte {
	t.Helper()
	var packed bytes.Buffer
	zipped := gzip.NewWriter(&packed)
	files := tar.NewWriter(zipped)
	for name, text := range content {
		if err := files.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := files.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(files.Close(), zipped.Close()); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

// pushChart puts a Helm chart into a repository.
func pushChart(t *testing.T, repository, version string) {
	t.Helper()
	chart := archive(t, map[string]string{"api/Chart.yaml": "apiVersion: v2\nname: api\nversion: " + version + "\n", "api/values.yaml": "replicas: 2\n"})
	config := []byte(fmt.Sprintf(`{"name":"api","version":%q,"apiVersion":"v2"}`, version))
	pushParts(t, repository, version, part{"application/vnd.cncf.helm.config.v1+json", config},
		part{"application/vnd.cncf.helm.chart.content.v1.tar+gzip", chart})
}

// part is a blob of an artifact.
type part struct {
	mediaType string
	content   []byte
}

func pushParts(t *testing.T, repository, tag string, config, layer part) string {
	t.Helper()
	for _, blob := range [][]byte{layer.content, config.content} {
		send(t, http.MethodPost, "/v2/"+repository+"/blobs/uploads/?digest="+digestOf(blob), "application/octet-stream", blob)
	}
	manifest := []byte(fmt.Sprintf(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",
		"config":{"mediaType":%q,"digest":%q,"size":%d},"layers":[{"mediaType":%q,"digest":%q,"size":%d}]}`,
		config.mediaType, digestOf(config.content), len(config.content), layer.mediaType, digestOf(layer.content), len(layer.content)))
	send(t, http.MethodPut, "/v2/"+repository+"/manifests/"+tag, "application/vnd.oci.image.manifest.v1+json", manifest)
	return digestOf(manifest)
}

func digestOf(b []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(b)) }

func send(t *testing.T, method, path, contentType string, body []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, os.Getenv("HAVEN_URL")+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth("admin", os.Getenv("HAVEN_PASSWORD"))
	r.Header.Set("Content-Type", contentType)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		t.Fatalf("%s %s: status %d", method, path, resp.StatusCode)
	}
}
