package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/scan/scantest"
	"github.com/havenregistry/haven/internal/scan/vulndb"
)

const (
	// maxReevaluation is how long 100,000 scanned images may take to be judged by another database.
	maxReevaluation = 300.0 // seconds
	scanLimit       = 2 * time.Minute
	scannedFiles    = 2000
	scannedFile     = 50 << 10 // bytes
)

// measureScans scans an image of 100 MB, with its layers unknown and known, and has inventories judged anew.
func measureScans(ctx context.Context, o options, r *report) (err error) {
	s, remove, err := newServer(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	c := newClient(s)
	if err := importDatabase(ctx, c); err != nil {
		return fmt.Errorf("import a database: %w", err)
	}
	if err := c.api(ctx, "/projects", map[string]any{"project_name": "scans"}, http.StatusCreated); err != nil {
		return err
	}
	t := r.table("Scans", fmt.Sprintf("An image of %d files of %d KiB that no compression makes smaller, and Debian's list of packages; the database is the tests' own, "+
		"with 2,000 advisories. Cold: no layer was read before. Warm: all were, in another image. The time is from the request to the report; the memory is the most of "+
		"any confined child and of the server.", scannedFiles, scannedFile>>10), "what", "seconds", "child peak MB", "server peak MB")
	base := scannedImage()
	for i, what := range []string{"cold", "warm"} {
		image := base
		if i > 0 {
			image = base.WithLayer(scantest.Gzip(scantest.Tar([]scantest.File{{Name: "srv/one-more", Mode: 0o644, Body: []byte(what)}})))
		}
		took, child, err := scanOnce(ctx, s, c, "scans/app", what, image)
		if err != nil {
			return fmt.Errorf("%s scan: %w", what, err)
		}
		_, peak, err := s.memory()
		if err != nil {
			return err
		}
		t.add("scan a 100 MB image, "+what, took.Seconds(), megabytes(child), megabytes(peak))
	}
	return measureReevaluation(ctx, o, r)
}

func scannedImage() scantest.Image {
	random := rand.NewChaCha8([32]byte{1})
	files := []scantest.File{
		{Name: "etc/os-release", Mode: 0o644, Body: []byte("ID=debian\nVERSION_ID=\"12\"\n")},
		{Name: "etc/debian_version", Mode: 0o644, Body: []byte("12.0\n")},
		{Name: "var/lib/dpkg/status", Mode: 0o644, Body: []byte("Package: curl\nStatus: install ok installed\nArchitecture: amd64\nVersion: 7.88.1-10\n\n")},
	}
	for i := range scannedFiles {
		body := make([]byte, scannedFile)
		_, _ = random.Read(body) // it never fails
		files = append(files, scantest.File{Name: fmt.Sprintf("srv/%02d/%d", i%50, i), Mode: 0o644, Body: body})
	}
	return scantest.Pack(files)
}

func importDatabase(ctx context.Context, c *client) error {
	dir, err := os.MkdirTemp("", "haven-bench-db-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := scantest.WriteDatabase(dir, 1); err != nil {
		return err
	}
	var packed bytes.Buffer
	if err := vulndb.Pack(&packed, dir); err != nil {
		return err
	}
	_, _, err = c.call(ctx, request{method: http.MethodPost, url: "/api/haven/v1/vulndb/import", basic: true, content: packed.Bytes(),
		header: map[string]string{"Content-Type": "application/octet-stream"}}, http.StatusOK)
	return err
}

// scanOnce pushes an image, has it scanned, and waits for the report.
func scanOnce(ctx context.Context, s *server, c *client, repository, tag string, image scantest.Image) (took time.Duration, child int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, scanLimit)
	defer cancel()
	token, err := c.login(ctx, repository, "pull,push")
	if err != nil {
		return 0, 0, err
	}
	for _, b := range append(image.Layers[:len(image.Layers):len(image.Layers)], image.Config) {
		_, _, err := c.call(ctx, request{method: http.MethodPost, url: "/v2/" + repository + "/blobs/uploads/?digest=" + scantest.Digest(b), token: token,
			content: b, header: map[string]string{"Content-Type": "application/octet-stream"}}, http.StatusCreated)
		if err != nil {
			return 0, 0, err
		}
	}
	if _, _, err := c.call(ctx, request{method: http.MethodPut, url: "/v2/" + repository + "/manifests/" + tag, token: token, content: image.Manifest,
		header: map[string]string{"Content-Type": "application/vnd.oci.image.manifest.v1+json"}}, http.StatusCreated); err != nil {
		return 0, 0, err
	}
	project, name, _ := strings.Cut(repository, "/")
	artifact := "/projects/" + project + "/repositories/" + name + "/artifacts/" + tag
	start := time.Now()
	if err := c.api(ctx, artifact+"/scan", map[string]string{"scan_type": "vulnerability"}, http.StatusAccepted); err != nil {
		return 0, 0, err
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		child = max(child, s.largestChild())
		_, text, err := c.call(ctx, request{method: http.MethodGet, url: "/api/v2.0" + artifact + "?with_scan_overview=true", basic: true}, http.StatusOK)
		if err != nil {
			return 0, 0, err
		}
		var answer struct {
			Overview map[string]struct {
				Status string `json:"scan_status"`
				Reason string `json:"reason"`
			} `json:"scan_overview"`
		}
		if err := json.Unmarshal(text, &answer); err != nil {
			return 0, 0, err
		}
		for _, report := range answer.Overview {
			switch report.Status {
			case "Success":
				return time.Since(start), child, nil
			case "Error", "Stopped":
				return 0, 0, fmt.Errorf("the scan ended as %s: %s", report.Status, report.Reason)
			}
		}
		select {
		case <-ctx.Done():
			return 0, 0, ctx.Err()
		case <-tick.C:
		}
	}
}

// largestChild is the most memory that one of the process's children has held so far, in bytes, 0 without children.
func (p process) largestChild() (most int64) {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", p)) // the pattern is well formed
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			continue // the thread has ended
		}
		for _, field := range strings.Fields(string(text)) {
			id, err := strconv.Atoi(field)
			if err != nil {
				continue
			}
			if _, peak, err := process(id).memory(); err == nil {
				most = max(most, peak)
			}
		}
	}
	return most
}

var secondsOfEdition = regexp.MustCompile(`BenchmarkReevaluate/(\w+).*?([0-9.]+) s/sha256:after`)

// measureReevaluation runs the benchmark of judging inventories anew, on databases of its own.
func measureReevaluation(ctx context.Context, o options, r *report) error {
	images := "100000"
	if o.quick {
		images = "5000"
	}
	//nolint:gosec // the project's own benchmark
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "Reevaluate", "-benchtime", "1x", "-timeout", "30m", "./internal/scan", "-args", "-images", images)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("judge inventories anew: %w\n%s", err, out[max(0, len(out)-2000):])
	}
	t := r.table("Another vulnerability database", "All of "+images+" images with 150 packages each, of 100,000 distinct ones, are judged anew and their reports made right. The judge here is a quick one, so that the "+
		"time is the registry's; Trivy's own takes some 20 seconds for 100,000 packages besides.", "database", "seconds")
	for _, row := range secondsOfEdition.FindAllStringSubmatch(string(out), -1) {
		seconds, err := strconv.ParseFloat(row[2], 64)
		if err != nil {
			return err
		}
		t.add(row[1], seconds)
		r.target("judge "+images+" images anew, "+row[1], "s", seconds, maxReevaluation)
	}
	if len(t.rows) == 0 {
		return fmt.Errorf("judge inventories anew: no figures in\n%s", out)
	}
	return nil
}
