//go:build acceptance

package telemetry

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/await"
	"github.com/havenregistry/haven/test/haventest"
)

// client sends requests as a part of one trace, which it asks to be kept.
type client struct {
	t     *testing.T
	door  haventest.Door
	trace string // "": of none
}

const caller = "00f067aa0ba902b7" // the client's own span

func (c client) do(want int, method, path, mediaType string, body []byte) []byte {
	c.t.Helper()
	q, err := http.NewRequestWithContext(c.t.Context(), method, c.door.URL+path, bytes.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	q.SetBasicAuth("admin", haventest.AdminPassword)
	if mediaType != "" {
		q.Header.Set("Content-Type", mediaType)
	}
	if c.trace != "" {
		q.Header.Set("traceparent", "00-"+c.trace+"-"+caller+"-01")
	}
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		c.t.Fatal(err)
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err != nil || a.StatusCode != want {
		c.t.Fatalf("%s %s: %d %s %v", method, path, a.StatusCode, text, err)
	}
	return text
}

func digest(content []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(content)) }

// push pushes a small image and returns its manifest.
func (c client) push(repository, tag string) []byte {
	c.t.Helper()
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	text := []byte("hello from " + c.trace)
	if err := w.WriteHeader(&tar.Header{Name: "hello", Mode: 0o644, Size: int64(len(text))}); err != nil {
		c.t.Fatal(err)
	}
	if _, err := w.Write(text); err != nil || w.Close() != nil {
		c.t.Fatal("the layer can't be made")
	}
	config := []byte(`{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["` + digest(layer.Bytes()) + `"]}}`)
	for _, blob := range [][]byte{layer.Bytes(), config} {
		c.do(201, "POST", "/v2/"+repository+"/blobs/uploads/?digest="+digest(blob), "application/octet-stream", blob)
	}
	manifest, err := json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
		"config": map[string]any{"mediaType": "application/vnd.oci.image.config.v1+json", "size": len(config), "digest": digest(config)},
		"layers": []any{map[string]any{"mediaType": "application/vnd.oci.image.layer.v1.tar", "size": layer.Len(), "digest": digest(layer.Bytes())}},
	})
	if err != nil {
		c.t.Fatal(err)
	}
	c.do(201, "PUT", "/v2/"+repository+"/manifests/"+tag, "application/vnd.oci.image.manifest.v1+json", manifest)
	return manifest
}

func start(t *testing.T, name, endpoint, share string, env ...string) *haventest.Server {
	t.Helper()
	return haventest.Start(t, haventest.Options{Plain: true, Env: append([]string{
		"HAVEN_TRACING_ENDPOINT=" + endpoint, "HAVEN_TRACING_SAMPLE=" + share, "HAVEN_TRACING_ATTRIBUTES=test.server=" + name,
		"HAVEN_TRACING_HEADERS=Authorization=Bearer of-the-collector",
	}, env...)})
}

// A push that is a part of its client's trace is in that trace with all that followed from it: requests, transactions, bytes that were
// stored, and the job that made a bill of materials. So is a pull through a cache, with what the registry elsewhere did for it.
func TestOneTrace(t *testing.T) {
	to := newReceiver(t)
	upstream, near := start(t, "upstream", to.URL, "0"), start(t, "near", to.URL, "0")
	upstream.Admin(t, 201, "POST", "/api/v2.0/projects", map[string]any{"project_name": "shop", "metadata": map[string]string{"auto_sbom_generation": "true"}})

	pushed := client{t, upstream.Door, "4bf92f3577b34da6a3ce929d0e0e4736"}
	manifest := pushed.push("shop/app", "v1")
	all := to.await(t, pushed.trace, "PUT /v2/{name}/manifests/{reference}", "put manifest", "commit blob", "database write", "store pack", "job SBOM")
	byID := map[string]span{}
	for _, s := range all {
		byID[s.id] = s
	}
	put := all[slices.IndexFunc(all, func(s span) bool { return strings.HasPrefix(s.name, "PUT ") })]
	if put.parent != caller || put.said["haven.project"] != "shop" || put.said["haven.repository"] != "shop/app" || put.said["haven.reference"] != "v1" || put.failed {
		t.Errorf("the request's span is %+v", put)
	}
	job := all[slices.IndexFunc(all, func(s span) bool { return s.name == "job SBOM" })]
	if byID[job.parent].name == "" {
		t.Errorf("the job's span is %+v, of none of the trace's", job)
	}

	near.Admin(t, 201, "POST", "/api/v2.0/registries", map[string]any{
		"name": "up", "type": "docker-registry", "url": upstream.URL, "credential": map[string]string{"type": "basic", "access_key": "admin", "access_secret": haventest.AdminPassword},
	})
	near.Admin(t, 201, "POST", "/api/v2.0/projects", map[string]any{"project_name": "hub", "registry_id": 1})
	pulled := client{t, near.Door, "0af7651916cd43dd8448eb211c80319c"}
	if got := pulled.do(200, "GET", "/v2/hub/shop/app/manifests/v1", "", nil); !bytes.Equal(got, manifest) {
		t.Errorf("another manifest: %s", got)
	}
	all = to.await(t, pulled.trace, "call registry", "GET /v2/{name}/manifests/{reference}")
	// What is above a span ends after it, and the two programs send when they like.
	await.Until(t, "the registry elsewhere says what it did", func() bool {
		all = to.of(pulled.trace)
		return slices.ContainsFunc(all, func(s span) bool { return s.instance == "upstream" })
	})
	byID = map[string]span{}
	for _, s := range all {
		byID[s.id] = s
	}
	for _, s := range all {
		if above := byID[s.parent]; s.instance == "upstream" && strings.HasPrefix(s.name, "GET /v2/{name}/manifests") && (above.instance != "near" || above.name != "call registry") {
			t.Errorf("what the registry elsewhere did is below %+v", above)
		}
	}

	to.mu.Lock()
	defer to.mu.Unlock()
	for _, token := range to.tokens {
		if token != "Bearer of-the-collector" {
			t.Errorf("the collector was sent %q", token)
		}
	}
	for _, s := range to.spans {
		for key, value := range s.said {
			if strings.Contains(value, haventest.AdminPassword) || strings.Contains(value, "of-the-collector") || strings.Contains(value, "?") && key != "db.query.text" {
				t.Errorf("%s says %s=%s", s.name, key, value)
			}
		}
	}
}

// Nothing is sent of what nobody asked to be traced, and all of it where that was asked for.
func TestShare(t *testing.T) {
	nothing, everything := newReceiver(t), newReceiver(t)
	a, b := start(t, "a", nothing.URL, "0"), start(t, "b", everything.URL, "1")
	for _, s := range []*haventest.Server{a, b} {
		s.NewProject(t, "shop", true)
		client{t, s.Door, ""}.push("shop/app", "v1")
		s.Stop() // sends what waits
	}
	if n := nothing.count(); n != 0 {
		t.Errorf("%d spans were sent", n)
	}
	if everything.count() == 0 {
		t.Error("nothing was sent")
	}
}

// A collector that isn't there, and one that never answers, hold up nobody: neither requests nor the end of the program.
func TestDeadCollector(t *testing.T) {
	for name, endpoint := range map[string]string{"away": "http://" + haventest.FreeAddress(t), "silent": "http://" + haventest.Silence(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, name, endpoint, "1")
			s.NewProject(t, "shop", true)
			client{t, s.Door, ""}.push("shop/app", "v1")
			began := time.Now()
			s.Stop()
			if took := time.Since(began); took > 15*time.Second {
				t.Errorf("the end took %s", took)
			}
		})
	}
}
