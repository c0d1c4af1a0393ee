//go:build acceptance

package backup

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/havenregistry/haven/test/haventest"
)

// place is where a Haven keeps what it has.
type place struct {
	dir string   // its data folder
	env []string // what else its settings are
}

func of(s *haventest.Server, env ...string) place { return place{s.DataDir, env} }

// fresh is a place with the key of another one.
func fresh(t *testing.T, key place, env ...string) place {
	t.Helper()
	p := place{t.TempDir(), env}
	content, err := os.ReadFile(filepath.Join(key.dir, "secret-key"))
	if err == nil {
		err = os.WriteFile(filepath.Join(p.dir, "secret-key"), content, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// command is the program with a place's settings.
func (p place) command(t *testing.T, args ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, haventest.Binary(t, true), args...)
	cmd.Dir = t.TempDir()
	cmd.Env = append(append(os.Environ(), "HAVEN_DATA_DIR="+p.dir, "HAVEN_ADMIN_PASSWORD="+haventest.AdminPassword), p.env...)
	return cmd
}

// run runs the program to its end and returns what it wrote.
func (p place) run(t *testing.T, want int, args ...string) (stdout, stderr string) {
	t.Helper()
	cmd := p.command(t, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if got := cmd.ProcessState.ExitCode(); got != want {
		t.Fatalf("haven %s: exit %d, want %d\n%s%s", strings.Join(args, " "), got, want, out.String(), errs.String())
	}
	return out.String(), errs.String()
}

// killAt kills the program when it says that a stage begins.
func (p place) killAt(t *testing.T, stage string, args ...string) {
	t.Helper()
	cmd := p.command(t, args...)
	errs, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Wait() }()
	var seen []string
	for lines := bufio.NewScanner(errs); lines.Scan(); {
		if seen = append(seen, lines.Text()); strings.HasPrefix(lines.Text(), stage+":") {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatalf("haven %s ended before it came to %s: %s", strings.Join(args, " "), stage, strings.Join(seen, "\n"))
}

// summary is what backup create says of a backup.
type summary struct {
	ID                           string
	Rows, Blobs, Copied, Missing int64
	Bytes, CopiedBytes           int64
}

func (p place) backup(t *testing.T, target string, more ...string) (s summary) {
	t.Helper()
	out, _ := p.run(t, 0, append([]string{"backup", "create", "--json", target}, more...)...)
	if err := json.Unmarshal([]byte(out), &s); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	return s
}

// serve starts the program at a place.
func (p place) serve(t *testing.T) *haventest.Server {
	t.Helper()
	return haventest.Start(t, haventest.Options{Plain: true, Env: append([]string{"HAVEN_DATA_DIR=" + p.dir}, p.env...)})
}

// refuses checks that the program doesn't serve at a place, and says why.
func (p place) refuses(t *testing.T, why string) {
	t.Helper()
	cmd := p.command(t, "serve")
	cmd.Env = append(cmd.Env, "HAVEN_LISTEN=127.0.0.1:0", "HAVEN_METRICS_LISTEN=off")
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), why) {
		t.Errorf("haven serve: %v: %s", err, out)
	}
}

func digestOf(content []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(content)) }

// pusher pushes images, and remembers which of them it was told are there.
type pusher struct {
	server *haventest.Server

	mu       sync.Mutex
	pushed   map[string]string // REPOSITORY:TAG → digest
	deleted  map[string]bool
	refused  int
	failures []string
}

func newPusher(s *haventest.Server) *pusher {
	return &pusher{server: s, pushed: map[string]string{}, deleted: map[string]bool{}}
}

func (p *pusher) send(method, path, mediaType string, body []byte) (int, []byte, error) {
	req, err := http.NewRequest(method, p.server.URL+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.SetBasicAuth("admin", haventest.AdminPassword)
	req.Header.Set("Content-Type", mediaType)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	return resp.StatusCode, content, err
}

// push pushes an image with a layer of so many bytes, and reports whether it was taken.
func (p *pusher) push(repository, tag string, size int) bool {
	layer := make([]byte, size)
	seed := sha256.Sum256([]byte(repository + ":" + tag))
	_, _ = rand.NewChaCha8(seed).Read(layer)
	config := fmt.Appendf(nil, `{"architecture":"amd64","os":"linux","config":{"Labels":{"tag":%q}}}`, tag)
	manifest := fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":%q,"size":%d},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":%q,"size":%d}]}`,
		digestOf(config), len(config), digestOf(layer), len(layer))
	for _, step := range []struct {
		method, path, mediaType string
		body                    []byte
	}{
		{http.MethodPost, "/v2/" + repository + "/blobs/uploads/?digest=" + digestOf(config), "application/octet-stream", config},
		{http.MethodPost, "/v2/" + repository + "/blobs/uploads/?digest=" + digestOf(layer), "application/octet-stream", layer},
		{http.MethodPut, "/v2/" + repository + "/manifests/" + tag, "application/vnd.oci.image.manifest.v1+json", manifest},
	} {
		status, text, err := p.send(step.method, step.path, step.mediaType, step.body)
		p.mu.Lock()
		switch {
		case status == http.StatusForbidden:
			p.refused++
		case err != nil || status != http.StatusCreated:
			p.failures = append(p.failures, fmt.Sprintf("%s: %d %s %v", step.path, status, text, err))
		}
		p.mu.Unlock()
		if status != http.StatusCreated {
			return false
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pushed[repository+":"+tag] = digestOf(manifest)
	return true
}

func (p *pusher) remove(repository, tag string) {
	p.mu.Lock()
	digest := p.pushed[repository+":"+tag]
	p.mu.Unlock()
	status, text, err := p.send(http.MethodDelete, "/v2/"+repository+"/manifests/"+digest, "", nil)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch status {
	case http.StatusAccepted:
		p.deleted[repository+":"+tag] = true
	case http.StatusForbidden:
		p.refused++
	default:
		p.failures = append(p.failures, fmt.Sprintf("delete %s:%s: %d %s %v", repository, tag, status, text, err))
	}
}

// load pushes and deletes until stop is called, which returns when all has ended.
func (p *pusher) load(repository string, workers int) (stop func()) {
	ended := make(chan struct{})
	var running sync.WaitGroup
	for w := range workers {
		running.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-ended:
					return
				default:
				}
				repository, tag := fmt.Sprintf("%s%d", repository, w), fmt.Sprintf("t%d", i)
				if !p.push(repository, tag, 3000+i*1000) {
					select {
					case <-ended:
					case <-time.After(50 * time.Millisecond): // it is read-only
					}
					continue
				}
				if i%3 == 2 {
					p.remove(repository, fmt.Sprintf("t%d", i-1))
				}
			}
		})
	}
	return func() { close(ended); running.Wait() }
}

// pullable pulls everything that a registry lists, down to the blobs, compares it with its digests, and returns what its tags name.
func pullable(t *testing.T, s *haventest.Server) map[string]string {
	t.Helper()
	p := newPusher(s)
	var catalog struct{ Repositories []string }
	get := func(path string, into any) []byte {
		status, content, err := p.send(http.MethodGet, path, "", nil)
		if err != nil || status != http.StatusOK {
			t.Fatalf("GET %s: %d %s %v", path, status, content, err)
		}
		if into != nil {
			if err := json.Unmarshal(content, into); err != nil {
				t.Fatal(err)
			}
		}
		return content
	}
	get("/v2/_catalog?n=1000", &catalog)
	for _, repository := range catalog.Repositories {
		var list struct{ Tags []string }
		get("/v2/"+repository+"/tags/list?n=10000", &list)
		for _, tag := range list.Tags {
			var m struct {
				Config struct{ Digest string }
				Layers []struct{ Digest string }
			}
			p.pushed[repository+":"+tag] = digestOf(get("/v2/"+repository+"/manifests/"+tag, &m))
			for _, d := range append([]struct{ Digest string }{m.Config}, m.Layers...) {
				if got := digestOf(get("/v2/"+repository+"/blobs/"+d.Digest, nil)); got != d.Digest {
					t.Errorf("blob %s of %s:%s has the digest %s", d.Digest, repository, tag, got)
				}
			}
		}
	}
	return p.pushed
}
