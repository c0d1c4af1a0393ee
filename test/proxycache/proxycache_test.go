//go:build acceptance

package proxycache

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/await"
	"github.com/havenregistry/haven/test/haventest"
)

// world is a cache of CNCF Distribution, with a line between them.
type world struct {
	*testing.T
	site     *haventest.Site
	upstream string
	line     *line
	home     string
}

func newWorld(t *testing.T, size haventest.Size, metadata map[string]string) *world {
	t.Helper()
	w := &world{T: t, upstream: distribution(t), home: t.TempDir()}
	w.line = startLine(t, w.upstream)
	w.site = size.Start(t, haventest.Options{})
	w.write("config.json", "{}") // podman wants what the environment names
	w.write("registries.conf", "")
	cacheOf(t, w.site.Door, map[string]any{"name": "up", "url": "http://" + w.line.host}, metadata)
	return w
}

// cacheOf makes the public project hub a cache of a registry.
func cacheOf(t *testing.T, door haventest.Door, endpoint map[string]any, metadata map[string]string) {
	t.Helper()
	endpoint["type"] = "docker-registry"
	created := door.Admin(t, http.StatusCreated, http.MethodPost, "/api/v2.0/registries", endpoint)
	var id int64
	if _, err := fmt.Sscanf(created.Header.Get("Location"), "/api/v2.0/registries/%d", &id); err != nil {
		t.Fatalf("Location %q", created.Header.Get("Location"))
	}
	all := map[string]string{"public": "true"}
	for key, value := range metadata {
		all[key] = value
	}
	door.Admin(t, http.StatusCreated, http.MethodPost, "/api/v2.0/projects", map[string]any{"project_name": "hub", "registry_id": id, "metadata": all})
}

// run runs a client, with a home of its own.
func (w *world) run(program string, args ...string) (string, error) {
	w.Helper()
	cmd := exec.Command(haventest.Tool(w.T, program), args...)
	cmd.Env = append(os.Environ(), "HOME="+w.home, "XDG_RUNTIME_DIR="+w.home, "DOCKER_CONFIG="+w.home, "CONTAINERS_REGISTRIES_CONF="+filepath.Join(w.home, "registries.conf"))
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if err != nil {
		err = fmt.Errorf("%s %s: %w\n%s", program, strings.Join(args, " "), err, errs.String())
	}
	return out.String(), err
}

func (w *world) ok(program string, args ...string) string {
	w.Helper()
	out, err := w.run(program, args...)
	if err != nil {
		w.Fatal(err)
	}
	return out
}

// push has crane push a new image to upstream.
func (w *world) push(name string) {
	w.ok("crane", "push", haventest.NewImage(w.T, "demo:1"), w.upstream+"/"+name, "--insecure")
}

// descriptor is what a manifest names.
type descriptor struct {
	MediaType string
	Digest    string
	Size      int64
}

type manifest struct {
	Config    descriptor
	Layers    []descriptor
	Manifests []descriptor
}

// get asks as a client with a token, and says how long the answer took.
func get(t *testing.T, door haventest.Door, token, path string) (status int, body []byte, took time.Duration) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, door.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Accept", "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json")
	began := time.Now()
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Error(err)
		return 0, nil, 0
	}
	defer answer.Body.Close()
	if body, err = io.ReadAll(answer.Body); err != nil {
		t.Error(err)
	}
	return answer.StatusCode, body, time.Since(began)
}

// pull pulls an image whole, as docker would, and returns the bytes that came.
func pull(t *testing.T, door haventest.Door, token, name, reference string) (bytes int64) {
	t.Helper()
	status, text, _ := get(t, door, token, "/v2/"+name+"/manifests/"+reference)
	var m manifest
	if status != http.StatusOK || json.Unmarshal(text, &m) != nil {
		t.Errorf("%s:%s: %d %s", name, reference, status, text)
		return 0
	}
	if len(m.Manifests) > 0 {
		return pull(t, door, token, name, m.Manifests[0].Digest)
	}
	for _, d := range append(m.Layers, m.Config) {
		status, content, _ := get(t, door, token, "/v2/"+name+"/blobs/"+d.Digest)
		if got := fmt.Sprintf("sha256:%x", sha256.Sum256(content)); status != http.StatusOK || got != d.Digest {
			t.Errorf("%s@%s: %d, %d bytes with the digest %s", name, d.Digest, status, len(content), got)
		}
		bytes += int64(len(content))
	}
	return bytes
}

// Many nodes that begin to run the same new image at once cost upstream what one does.
func TestColdPullByMany(t *testing.T) {
	haventest.OnEachSize(t, func(t *testing.T, size haventest.Size) {
		w := newWorld(t, size, nil)
		w.push("team/app:1")
		w.line.taken()
		token := w.site.Token(t, "", "", "repository:hub/team/app:pull")
		began := time.Now()
		var group sync.WaitGroup
		for range 32 {
			group.Go(func() { pull(t, w.site.Door, token, "hub/team/app", "1") })
		}
		group.Wait()
		t.Logf("32 cold pulls took %s", time.Since(began).Round(time.Millisecond))
		blobs, manifests := 0, 0
		for what, n := range w.line.taken() {
			switch {
			case strings.HasPrefix(what, "GET ") && strings.Contains(what, "/blobs/"):
				blobs++
				if n != 1 {
					t.Errorf("%d × %s", n, what)
				}
			case strings.HasPrefix(what, "GET ") && strings.Contains(what, "/manifests/"):
				if manifests += n; manifests > 1 {
					t.Errorf("%d × %s", n, what)
				}
			}
		}
		if blobs != 4 {
			t.Errorf("%d blobs were asked for", blobs)
		}
		w.artifact("team/app", "1")
	}, haventest.Alone, haventest.Replicated)
}

// artifact waits until the API lists it.
func (w *world) artifact(repository, tag string) {
	w.Helper()
	await.Until(w.T, repository+":"+tag+" is an artifact", func() bool {
		a := w.site.Call(w.T, "admin", haventest.AdminPassword, http.MethodGet,
			"/api/v2.0/projects/hub/repositories/"+strings.ReplaceAll(repository, "/", "%252F")+"/artifacts/"+tag, nil)
		return a.Status == http.StatusOK
	})
}

// What was pulled once is pulled again by every client, whatever upstream does.
func TestUpstreamFails(t *testing.T) {
	w := newWorld(t, haventest.Alone, map[string]string{"proxy_cache_local_on_not_found": "true"})
	dockerHost := haventest.StartDocker(t)
	image := w.site.Host + "/hub/team/app:1"
	w.push("team/app:1")
	w.line.set(func(l *line) { l.cut = 1 << 20 }) // the first blob that is larger breaks off once
	clients := map[string]func() error{
		"crane": func() error {
			_, err := w.run("crane", "pull", image, filepath.Join(w.home, "crane.tar"), "--insecure")
			return err
		},
		"skopeo": func() error {
			_, err := w.run("skopeo", "--insecure-policy", "copy", "--src-tls-verify=false", "docker://"+image, "oci:"+t.TempDir()+":1")
			return err
		},
		"podman": func() error {
			store := t.TempDir()
			_, err := w.run("podman", "--root", store, "--runroot", store+"-run", "--storage-driver", "vfs", "pull", "--tls-verify=false", image)
			return err
		},
		"docker": func() error {
			_, err := w.run("docker", "-H", dockerHost, "pull", image)
			if err == nil {
				_, err = w.run("docker", "-H", dockerHost, "rmi", image)
			}
			return err
		},
	}
	for name, pulls := range clients {
		if err := pulls(); err != nil {
			t.Errorf("with a whole line, %s: %v", name, err)
		}
	}
	w.artifact("team/app", "1")
	for how, break_ := range map[string]func(l *line){
		"dead": func(l *line) { l.dead = true }, "limit": func(l *line) { l.limit = true }, "slow": func(l *line) { l.slow = 10 * time.Second },
	} {
		w.line.whole()
		w.line.set(break_)
		for name, pulls := range clients {
			began := time.Now()
			if err := pulls(); err != nil {
				t.Errorf("upstream %s, %s: %v", how, name, err)
			}
			t.Logf("upstream %s: %s pulls in %s", how, name, time.Since(began).Round(time.Millisecond))
		}
		token := w.site.Token(t, "", "", "repository:hub/team/app:pull")
		if status, _, took := get(t, w.site.Door, token, "/v2/hub/team/app/manifests/1"); status != http.StatusOK || took > 3*time.Second {
			t.Errorf("upstream %s: the manifest by its tag took %s with %d", how, took, status)
		}
	}
	w.line.whole()
	digest := strings.TrimSpace(w.ok("crane", "digest", w.upstream+"/team/app:1", "--insecure"))
	w.ok("crane", "delete", w.upstream+"/team/app@"+digest, "--insecure")
	await.Until(t, "upstream is asked again", func() bool { w.line.taken(); _ = clients["crane"](); return len(w.line.taken()) > 0 })
	for name, pulls := range clients {
		if err := pulls(); err != nil {
			t.Errorf("deleted upstream, %s: %v", name, err)
		}
	}
}

// An index stays what it is, byte for byte, by tag and by digest, and through two caches one behind the other.
func TestIndexThroughTwoCaches(t *testing.T) {
	w := newWorld(t, haventest.Alone, nil)
	w.push("team/app:amd64")
	w.push("team/app:arm64")
	w.ok("crane", "index", "append", "-m", w.upstream+"/team/app:amd64", "-m", w.upstream+"/team/app:arm64", "-t", w.upstream+"/team/app:multi", "--insecure")
	second := haventest.Start(t, haventest.Options{})
	cacheOf(t, second.Door, map[string]any{
		"name": "first", "url": w.site.URL, "credential": map[string]string{"type": "basic", "access_key": "admin", "access_secret": haventest.AdminPassword},
	}, nil)
	w.line.taken()
	want := w.ok("crane", "manifest", w.upstream+"/team/app:multi", "--insecure")
	digest := strings.TrimSpace(w.ok("crane", "digest", w.upstream+"/team/app:multi", "--insecure"))
	for _, image := range []string{w.site.Host + "/hub/team/app", second.Host + "/hub/hub/team/app"} {
		for _, reference := range []string{":multi", "@" + digest} {
			if got := w.ok("crane", "manifest", image+reference, "--insecure"); got != want {
				t.Errorf("%s is\n%s\nupstream it is\n%s", image+reference, got, want)
			}
		}
		w.ok("crane", "validate", "--remote", image+":multi", "--insecure")
	}
	for what, n := range w.line.taken() {
		if strings.Contains(what, "/blobs/") && strings.HasPrefix(what, "GET") && n != 1 {
			t.Errorf("%d × %s", n, what)
		}
	}
	w.artifact("team/app", "multi") // crane validate read all images, so the index is whole
	w.line.set(func(l *line) { l.dead = true })
	w.ok("crane", "validate", "--remote", second.Host+"/hub/hub/team/app:multi", "--insecure")
}

// By the files that Haven writes for them, clients pull by the names that images have upstream.
func TestMirrorFiles(t *testing.T) {
	w := newWorld(t, haventest.Alone, nil)
	w.push("team/app:1")
	var configuration struct {
		Upstream string
		Files    []struct{ Client, Path, Content string }
	}
	answer := w.site.Admin(t, http.StatusOK, http.MethodGet, "/api/haven/v1/projects/hub/mirror", nil)
	if err := json.Unmarshal(answer.Body, &configuration); err != nil {
		t.Fatal(err)
	}
	image := configuration.Upstream + "/team/app:1"
	hosts := filepath.Join(w.home, "certs.d")
	for _, f := range configuration.Files {
		switch f.Client {
		case "podman":
			// Without the line itself to fall back to: else nothing would be proved.
			content := strings.Replace(f.Content, "location = \""+configuration.Upstream+"\"", "location = \"127.0.0.1:1\"\ninsecure = true", 1)
			w.write("registries.conf", content)
		case "containerd":
			w.write(filepath.Join("certs.d", strings.ReplaceAll(configuration.Upstream, ":", "_")+"_", "hosts.toml"), f.Content)
		}
	}
	w.line.taken()
	w.ok("skopeo", "inspect", "--tls-verify=false", "docker://"+image)
	store := t.TempDir()
	w.ok("podman", "--root", store, "--runroot", store+"-run", "--storage-driver", "vfs", "pull", image)
	w.artifact("team/app", "1")
	w.line.set(func(l *line) { l.dead = true }) // nothing comes from there any more, by whatever way
	w.containerd(hosts, image)

	// And with ?ns= alone, where no path names the project.
	w.site.Admin(t, http.StatusCreated, http.MethodPost, "/api/haven/v1/mirrors", map[string]string{"kind": "registry", "name": configuration.Upstream, "project": "hub"})
	w.write(filepath.Join("certs.d", strings.ReplaceAll(configuration.Upstream, ":", "_")+"_", "hosts.toml"),
		fmt.Sprintf("[host.\"%s\"]\n  capabilities = [\"pull\", \"resolve\"]\n", w.site.URL))
	w.containerd(hosts, image)
}

// Docker pulls what it believes to be Docker Hub's through a cache that has a host's root.
func TestDockerMirror(t *testing.T) {
	w := newWorld(t, haventest.Alone, nil)
	w.site.Admin(t, http.StatusCreated, http.MethodPost, "/api/haven/v1/mirrors", map[string]string{"kind": "host", "name": "localhost", "project": "hub"})
	_, port, err := net.SplitHostPort(w.site.Host)
	if err != nil {
		t.Fatal(err)
	}
	host := haventest.StartDocker(t, "--registry-mirror=http://localhost:"+port)
	w.push("team/app:1")
	w.ok("docker", "-H", host, "pull", "team/app:1")
	w.artifact("team/app", "1")
	w.ok("docker", "-H", host, "rmi", "team/app:1")
	w.line.set(func(l *line) { l.dead = true })
	w.ok("docker", "-H", host, "pull", "docker.io/team/app:1")
}

func (w *world) write(name, content string) {
	w.Helper()
	path := filepath.Join(w.home, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		w.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		w.Fatal(err)
	}
}

// containerd runs one, and has it fetch an image.
func (w *world) containerd(hosts, image string) {
	w.Helper()
	dir, err := os.MkdirTemp("", "ctd") // a path of a socket is short
	if err != nil {
		w.Fatal(err)
	}
	socket := filepath.Join(dir, "c.sock")
	cmd := exec.Command(haventest.Tool(w.T, "containerd"), "--root", filepath.Join(dir, "root"), "--state", filepath.Join(dir, "state"), "--address", socket)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		w.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = os.RemoveAll(dir)
	}()
	await.Until(w.T, "containerd answers", func() bool { _, err := w.run("ctr", "-a", socket, "version"); return err == nil })
	w.ok("ctr", "-a", socket, "content", "fetch", "--hosts-dir", hosts, image)
}
