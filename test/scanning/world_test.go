//go:build acceptance

package scanning

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/scan/scantest"
	"github.com/havenregistry/haven/test/haventest"
)

// patience is more than any scan of these images takes, under the race detector on a busy machine.
const patience = 3 * time.Minute

// eventually waits until the condition holds. It says what it last saw when it gives up.
func eventually(t *testing.T, what string, holds func() (ok bool, seen string)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, seen := holds()
		if ok {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s: not within %s; last seen: %s", what, patience, seen)
		case <-tick.C:
		}
	}
}

// importDatabase gives an edition to the registry by the program's own command.
func importDatabase(t *testing.T, d haventest.Door, edition int) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), fmt.Sprint("edition", edition))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := scantest.WriteDatabase(dir, edition); err != nil {
		t.Fatal(err)
	}
	out, err := command(t, d, haventest.AdminPassword, "vulndb", "import", dir)
	if err != nil {
		t.Fatalf("haven vulndb import: %v\n%s", err, out)
	}
}

// command runs a client command of the program as the administrator.
func command(t *testing.T, d haventest.Door, password string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), haventest.Binary(t, true), args...)
	cmd.Env = append(os.Environ(), "HAVEN_SERVER="+d.URL, "HAVEN_USERNAME=admin", "HAVEN_PASSWORD="+password)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// setProject changes a project's metadata.
func setProject(t *testing.T, d haventest.Door, project string, metadata map[string]string) {
	t.Helper()
	d.Admin(t, http.StatusOK, http.MethodPut, "/api/v2.0/projects/"+project, map[string]any{"metadata": metadata})
}

// push puts an image into a repository over the API of distribution.
func push(t *testing.T, d haventest.Door, repository, tag string, image scantest.Image) (digest string) {
	t.Helper()
	token := d.Token(t, "admin", haventest.AdminPassword, "repository:"+repository+":pull,push")
	for _, content := range append(slices.Clone(image.Layers), image.Config) {
		pushBlob(t, d, token, repository, content)
	}
	return pushManifest(t, d, token, repository, tag, "application/vnd.oci.image.manifest.v1+json", image.Manifest)
}

func pushBlob(t *testing.T, d haventest.Door, token, repository string, content []byte) {
	t.Helper()
	answer := send(t, token, http.MethodPost, d.URL+"/v2/"+repository+"/blobs/uploads/?digest="+url.QueryEscape(scantest.Digest(content)), "application/octet-stream", content)
	if answer.Status != http.StatusCreated {
		t.Fatalf("push a blob: %d %s", answer.Status, answer.Body)
	}
}

func pushManifest(t *testing.T, d haventest.Door, token, repository, tag, mediaType string, content []byte) (digest string) {
	t.Helper()
	answer := send(t, token, http.MethodPut, d.URL+"/v2/"+repository+"/manifests/"+tag, mediaType, content)
	if answer.Status != http.StatusCreated {
		t.Fatalf("push a manifest: %d %s", answer.Status, answer.Body)
	}
	return answer.Header.Get("Docker-Content-Digest")
}

func send(t *testing.T, token, method, address, mediaType string, content []byte) haventest.Answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	if mediaType != "" {
		r.Header.Set("Content-Type", mediaType)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var body bytes.Buffer
	if _, err := body.ReadFrom(resp.Body); err != nil {
		t.Fatal(err)
	}
	return haventest.Answer{Status: resp.StatusCode, Header: resp.Header, Body: body.Bytes()}
}

// pull asks for a manifest as the administrator, and returns the status and the message of a refusal.
func pull(t *testing.T, d haventest.Door, repository, reference string) (int, string) {
	t.Helper()
	token := d.Token(t, "admin", haventest.AdminPassword, "repository:"+repository+":pull")
	answer := send(t, token, http.MethodGet, d.URL+"/v2/"+repository+"/manifests/"+reference, "", nil)
	var failure struct {
		Errors []struct{ Code, Message string }
	}
	if json.Unmarshal(answer.Body, &failure) == nil && len(failure.Errors) == 1 {
		return answer.Status, failure.Errors[0].Code + " " + failure.Errors[0].Message
	}
	return answer.Status, ""
}

// overview is what the list of artifacts shows of a scan.
type overview struct {
	Status   string `json:"scan_status"`
	Severity string
	Report   string `json:"report_id"`
	Summary  *struct {
		Total, Fixable int
		Summary        map[string]int
	}
	Percent int `json:"complete_percent"`
	Reason  string
}

const reportType = "application/vnd.security.vulnerability.report; version=1.1"

func artifactPath(repository, reference string) string {
	project, name, _ := strings.Cut(repository, "/")
	return "/api/v2.0/projects/" + project + "/repositories/" + url.PathEscape(url.PathEscape(name)) + "/artifacts/" + reference
}

func scanned(t *testing.T, d haventest.Door, repository, reference string) (o overview, found bool) {
	t.Helper()
	answer := d.Admin(t, http.StatusOK, http.MethodGet, artifactPath(repository, reference)+"?with_scan_overview=true", nil)
	var artifact struct {
		Overview map[string]overview `json:"scan_overview"`
	}
	decode(t, answer.Body, &artifact)
	o, found = artifact.Overview[reportType]
	return o, found
}

// awaitScan waits until the artifact's scan has ended, and demands how.
func awaitScan(t *testing.T, d haventest.Door, repository, reference, status string) overview {
	t.Helper()
	var last overview
	eventually(t, "the scan of "+repository+":"+reference+" ends as "+status, func() (bool, string) {
		o, found := scanned(t, d, repository, reference)
		last = o
		return found && o.Status == status, fmt.Sprintf("%v %+v", found, o)
	})
	return last
}

// findings are those of the full report, in the words of scantest.Expected but for the class.
func findings(t *testing.T, d haventest.Door, repository, reference string) (all []string) {
	t.Helper()
	answer := d.Admin(t, http.StatusOK, http.MethodGet, artifactPath(repository, reference)+"/additions/vulnerabilities", nil)
	var reports map[string]struct {
		Vulnerabilities []struct {
			ID, Package, Version, Severity string
			Fix                            string `json:"fix_version"`
		}
	}
	decode(t, answer.Body, &reports)
	for _, v := range reports[reportType].Vulnerabilities {
		all = append(all, strings.Join([]string{v.Package, v.Version, v.ID, v.Fix, strings.ToUpper(v.Severity)}, "|"))
	}
	slices.Sort(all)
	return all
}

// expected is scantest.Expected without the class, which Harbor's reports don't have.
func expected(image string, edition int) (all []string) {
	for _, line := range scantest.Expected(image, edition) {
		_, rest, _ := strings.Cut(line, "|")
		all = append(all, rest)
	}
	slices.Sort(all)
	return all
}

// sameFindings compares finding by finding.
func sameFindings(t *testing.T, what string, got, want []string) {
	t.Helper()
	missing, surplus := minus(want, got), minus(got, want)
	if len(missing)+len(surplus) > 0 {
		t.Errorf("%s: %d findings, want %d; missing: %.5q; not expected: %.5q", what, len(got), len(want), missing, surplus)
	}
}

func minus(a, b []string) (only []string) {
	there := map[string]int{}
	for _, line := range b {
		there[line]++
	}
	for _, line := range a {
		if there[line]--; there[line] < 0 {
			only = append(only, line)
		}
	}
	return only
}

func decode(t *testing.T, body []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(body, into); err != nil {
		t.Fatalf("%v in %.500s", err, body)
	}
}

// saved writes an image as `docker save` would, for `docker load`.
func saved(t *testing.T, image scantest.Image, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "image.tar")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := tar.NewWriter(f)
	add := func(name string, content []byte) {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	var layers []string
	for i, l := range image.Layers {
		layers = append(layers, fmt.Sprintf("%d/layer.tar", i))
		add(layers[i], l)
	}
	add("config.json", image.Config)
	index, err := json.Marshal([]any{map[string]any{"Config": "config.json", "RepoTags": []string{name}, "Layers": layers}})
	if err != nil {
		t.Fatal(err)
	}
	add("manifest.json", index)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}
