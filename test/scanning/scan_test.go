//go:build acceptance

package scanning

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/scan/scantest"
	"github.com/havenregistry/haven/test/haventest"
)

// An image that is pushed with docker gets its report by itself; what is vulnerable is refused until somebody says that it may pass.
func TestPushed(t *testing.T) {
	dockerHost := haventest.StartDocker(t)
	haventest.OnEachSize(t, func(t *testing.T, size haventest.Size) {
		d := size.Start(t, haventest.Options{}).Door
		d.NewProject(t, "team", false)
		setProject(t, d, "team", map[string]string{"auto_scan": "true"})
		importDatabase(t, d, 1)
		t.Run("reports", func(t *testing.T) { reports(t, d, dockerHost) })
		t.Run("gate", func(t *testing.T) { gated(t, d) })
		t.Run("index", func(t *testing.T) { index(t, d) })
		t.Run("another edition", func(t *testing.T) { anotherEdition(t, d) })
	}, haventest.Alone, haventest.Replicated)
}

// docker runs the client against the daemon of the test.
func docker(t *testing.T, host, home, input string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), haventest.Tool(t, "docker"), args...)
	cmd.Env = append(os.Environ(), "DOCKER_HOST="+host, "HOME="+home, "DOCKER_CONFIG="+home)
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func mustDocker(t *testing.T, host, home, input string, args ...string) {
	t.Helper()
	if out, err := docker(t, host, home, input, args...); err != nil {
		t.Fatalf("docker %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func reports(t *testing.T, d haventest.Door, dockerHost string) {
	home := t.TempDir()
	mustDocker(t, dockerHost, home, haventest.AdminPassword, "login", d.Host, "-u", "admin", "--password-stdin")
	for _, name := range scantest.Names {
		ref := d.Host + "/team/" + name + ":v1"
		mustDocker(t, dockerHost, home, "", "load", "-i", saved(t, scantest.MakeImage(t, name), ref))
		mustDocker(t, dockerHost, home, "", "push", ref)
	}
	for _, name := range scantest.Names {
		o := awaitScan(t, d, "team/"+name, "v1", "Success")
		want := expected(name, 1)
		if o.Summary == nil || o.Summary.Total != len(want) || o.Percent != 100 {
			t.Errorf("%s: the overview says %+v; want %d findings", name, o, len(want))
		}
		sameFindings(t, name, findings(t, d, "team/"+name, "v1"), want)
	}
	setProject(t, d, "team", map[string]string{"prevent_vul": "true", "severity": "high"})
	if out, err := docker(t, dockerHost, home, "", "pull", d.Host+"/team/debian:v1"); err == nil || !strings.Contains(out, "current image with 823 vulnerabilities cannot be pulled") {
		t.Errorf("docker pulled what is vulnerable, or wasn't told: %v\n%s", err, out)
	}
	mustDocker(t, dockerHost, home, "", "pull", d.Host+"/team/clean:v1")
}

// gated goes on where reports ended: pulls of what has a HIGH finding are refused.
func gated(t *testing.T, d haventest.Door) {
	want := func(what, repository string, status int, words string) {
		t.Helper()
		if got, message := pull(t, d, repository, "v1"); got != status || !strings.Contains(message, words) {
			t.Errorf("%s: %d %s; want %d with %q", what, got, message, status, words)
		}
	}
	allow := func(expires time.Time, items ...string) {
		t.Helper()
		list := []map[string]string{}
		for _, id := range items {
			list = append(list, map[string]string{"cve_id": id})
		}
		d.Admin(t, http.StatusOK, http.MethodPut, "/api/v2.0/projects/team", map[string]any{
			"metadata": map[string]string{"reuse_sys_cve_allowlist": "false"}, "cve_allowlist": map[string]any{"items": list, "expires_at": expires.Unix()},
		})
	}
	want("vulnerable", "team/app", http.StatusPreconditionFailed, "PROJECTPOLICYVIOLATION current image with 29 vulnerabilities cannot be pulled")
	want("clean", "team/clean", http.StatusOK, "")
	var severe []string
	for _, line := range expected("app", 1) {
		if f := strings.Split(line, "|"); f[4] == "HIGH" || f[4] == "CRITICAL" {
			severe = append(severe, f[2])
		}
	}
	allow(time.Now().Add(time.Hour), distinct(severe[1:])...)
	want("all but one are allowed", "team/app", http.StatusPreconditionFailed, severe[0])
	allow(time.Now().Add(time.Hour), distinct(severe)...)
	want("all are allowed", "team/app", http.StatusOK, "")
	allow(time.Now().Add(-time.Hour), distinct(severe)...)
	want("the list has expired", "team/app", http.StatusPreconditionFailed, "current image with 29 vulnerabilities")
	setProject(t, d, "team", map[string]string{"severity": "critical"})
	want("critical ones are there too", "team/app", http.StatusPreconditionFailed, `severity of "Critical" or higher`)
	setProject(t, d, "team", map[string]string{"prevent_vul": "false"})
	want("switched off", "team/app", http.StatusOK, "")
}

func distinct(all []string) (once []string) {
	seen := map[string]bool{}
	for _, s := range all {
		if !seen[s] {
			seen[s] = true
			once = append(once, s)
		}
	}
	return once
}

// index: an index is as vulnerable as the worst image that it leads to, and both are scanned.
func index(t *testing.T, d haventest.Door) {
	clean, vulnerable := scantest.MakeImage(t, "clean"), scantest.MakeImage(t, "debian")
	push(t, d, "team/multi", "amd64", clean)
	push(t, d, "team/multi", "arm64", vulnerable)
	pushIndex(t, d, "team/multi", "both", clean, vulnerable)
	pushIndex(t, d, "team/multi", "good", clean)
	o := awaitScan(t, d, "team/multi", "both", "Success")
	if want := len(expected("debian", 1)) + len(expected("clean", 1)); o.Summary == nil || o.Summary.Total != want {
		t.Errorf("the index' overview: %+v; want %d findings", o, want)
	}
	setProject(t, d, "team", map[string]string{"prevent_vul": "true", "severity": "high"})
	defer setProject(t, d, "team", map[string]string{"prevent_vul": "false"})
	if status, message := pull(t, d, "team/multi", "both"); status != http.StatusPreconditionFailed || !strings.Contains(message, scantest.Digest(vulnerable.Manifest)) {
		t.Errorf("an index over a vulnerable image: %d %s", status, message)
	}
	if status, message := pull(t, d, "team/multi", "good"); status != http.StatusOK {
		t.Errorf("an index over a clean image: %d %s", status, message)
	}
}

func pushIndex(t *testing.T, d haventest.Door, repository, tag string, children ...scantest.Image) {
	t.Helper()
	var entries []any
	for i, c := range children {
		entries = append(entries, map[string]any{
			"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": scantest.Digest(c.Manifest), "size": len(c.Manifest),
			"platform": map[string]string{"os": "linux", "architecture": []string{"amd64", "arm64"}[i]},
		})
	}
	content, err := json.Marshal(map[string]any{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": entries})
	if err != nil {
		t.Fatal(err)
	}
	token := d.Token(t, "admin", haventest.AdminPassword, "repository:"+repository+":pull,push")
	pushManifest(t, d, token, repository, tag, "application/vnd.oci.image.index.v1+json", content)
}

// anotherEdition: what the database learns about an image shows in its report without a scan.
func anotherEdition(t *testing.T, d haventest.Door) {
	importDatabase(t, d, 2)
	for _, name := range scantest.Names {
		want := expected(name, 2)
		eventually(t, name+" is judged by the new edition", func() (bool, string) {
			o, found := scanned(t, d, "team/"+name, "v1")
			return found && o.Status == "Success" && o.Summary != nil && o.Summary.Total == len(want), fmt.Sprintf("%+v", o)
		})
		sameFindings(t, name+", edition 2", findings(t, d, "team/"+name, "v1"), want)
	}
}

// A new edition reads no blob: there is none any more.
func TestNoBlobIsRead(t *testing.T) {
	server := haventest.Start(t, haventest.Options{})
	server.NewProject(t, "team", false)
	importDatabase(t, server.Door, 1)
	push(t, server.Door, "team/stale", "v1", scantest.MakeImage(t, "stale"))
	server.Admin(t, http.StatusAccepted, http.MethodPost, artifactPath("team/stale", "v1")+"/scan", nil)
	awaitScan(t, server.Door, "team/stale", "v1", "Success")
	blobs := filepath.Join(server.DataDir, "storage", "docker", "registry", "v2", "blobs", "sha256")
	for _, layer := range scantest.MakeImage(t, "stale").LayerDigests() {
		hex := strings.TrimPrefix(layer, "sha256:")
		if err := os.RemoveAll(filepath.Join(blobs, hex[:2], hex)); err != nil {
			t.Fatal(err)
		}
	}
	importDatabase(t, server.Door, 2)
	want := expected("stale", 2)
	eventually(t, "the image is judged by the new edition", func() (bool, string) {
		o, found := scanned(t, server.Door, "team/stale", "v1")
		return found && o.Summary != nil && o.Summary.Total == len(want), fmt.Sprintf("%+v", o)
	})
	sameFindings(t, "without its layers", findings(t, server.Door, "team/stale", "v1"), want)
}

// Whenever the program is killed, each scan that was accepted comes to its end, and its report is right.
func TestKilledWhileScanning(t *testing.T) {
	const images = 40
	server := haventest.Start(t, haventest.Options{Plain: true})
	server.NewProject(t, "team", false)
	setProject(t, server.Door, "team", map[string]string{"auto_scan": "true"})
	importDatabase(t, server.Door, 1)
	base := scantest.MakeImage(t, "debian")
	for i := range images {
		own := scantest.Gzip(scantest.Tar([]scantest.File{{Name: fmt.Sprintf("srv/file-%d", i), Mode: 0o644, Body: []byte{byte(i)}}}))
		push(t, server.Door, "team/app", fmt.Sprint("v", i), base.WithLayer(own))
		if i%8 == 7 {
			server.Kill()
			server.Restart()
		}
	}
	want := len(expected("debian", 1))
	for i := range images {
		o := awaitScan(t, server.Door, "team/app", fmt.Sprint("v", i), "Success")
		if o.Summary == nil || o.Summary.Total != want {
			t.Errorf("v%d: %+v; want %d findings", i, o, want)
		}
	}
}
