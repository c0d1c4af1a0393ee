package distribution_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/havenregistry/haven/internal/app/apptest"
	"github.com/havenregistry/haven/internal/await"
	"github.com/havenregistry/haven/internal/db/dbtest"
)

// counting stands before an upstream, counts what it is asked, and may answer in its place.
type counting struct {
	mu     sync.Mutex
	asked  []string
	status int // instead of what upstream says, 0: it says it itself
}

func (p *counting) taken() (asked []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	asked, p.asked = p.asked, nil
	return asked
}

func (p *counting) answer(status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status = status
}

// before returns the address of the proxy before a registry.
func before(t *testing.T, upstream string) (string, *counting) {
	t.Helper()
	to, err := url.Parse(upstream)
	if err != nil {
		t.Fatal(err)
	}
	p := &counting{}
	through := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Host = r.In.Host
	}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		status := p.status
		if r.Header.Get("Authorization") != "" && strings.HasPrefix(r.URL.Path, "/v2/") && r.URL.Path != "/v2/" {
			p.asked = append(p.asked, r.Method+" "+r.URL.Path)
		}
		p.mu.Unlock()
		if status != 0 {
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader(status)
			return
		}
		through.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL, p
}

// cacheOf makes the project hub a cache of another registry, of which the administrator pulls.
func (c *client) cacheOf(address string, metadata map[string]string) {
	c.t.Helper()
	created := c.must(201, "POST", "/api/v2.0/registries", map[string]any{
		"name": "up", "type": "docker-registry", "url": address, "credential": map[string]string{"type": "basic", "access_key": "admin", "access_secret": apptest.AdminPassword},
	})
	var id int64
	if _, err := fmt.Sscanf(created.header.Get("Location"), "/api/v2.0/registries/%d", &id); err != nil {
		c.t.Fatalf("Location %q", created.header.Get("Location"))
	}
	c.must(201, "POST", "/api/v2.0/projects", map[string]any{"project_name": "hub", "registry_id": id, "metadata": metadata})
}

func TestCacheProject(t *testing.T) {
	apptest.Each(t, func(t *testing.T, s *apptest.Server) {
		up := admin(t, apptest.Start(t, dbtest.SQLiteURL(t)))
		address, asked := before(t, up.base)
		layer := strings.Repeat("a layer of some size ", 20_000)
		m := up.image("library/app", "v1", layer)
		c := admin(t, s)
		c.user("dev")
		if a := c.as("dev", "Pass-12345-dev").do("POST", "/api/v2.0/projects", map[string]any{"project_name": "mine", "registry_id": 1}); a.status != 403 || !strings.Contains(a.body, "Only system admin can create proxy cache project") {
			t.Errorf("a cache by somebody: %d %s", a.status, a.body)
		}
		c.must(400, "POST", "/api/v2.0/projects", map[string]any{"project_name": "hub", "registry_id": 999})
		c.must(400, "POST", "/api/v2.0/projects", map[string]any{"project_name": "hub", "registry_id": -1})
		c.cacheOf(address, map[string]string{"public": "true", "proxy_speed_kb": "-1", "enable_content_trust": "true", "proxy_cache_filter_kind": "regex", "proxy_cache_filter_pattern": "library/.*"})
		shown := c.must(200, "GET", "/api/v2.0/projects/hub", nil).body
		if !strings.Contains(shown, `"registry_id":1`) || !strings.Contains(shown, `"proxy_speed_kb":"-1"`) || strings.Contains(shown, "enable_content_trust") {
			t.Errorf("the project is shown as %s", shown)
		}
		if sum := c.must(200, "GET", "/api/v2.0/projects/hub/summary", nil).body; !strings.Contains(sum, `"type":"docker-registry"`) || strings.Contains(sum, apptest.AdminPassword) {
			t.Errorf("its summary is %s", sum)
		}
		c.must(400, "PUT", "/api/v2.0/projects/hub/metadatas/proxy_cache_filter_pattern", map[string]string{"proxy_cache_filter_pattern": "("})
		c.must(412, "DELETE", "/api/v2.0/registries/1", nil)
		asked.taken()

		head := c.must(200, "HEAD", "/v2/hub/library/app/manifests/v1", nil)
		if head.header.Get("Docker-Content-Digest") != digestOf(m) || head.header.Get("Content-Length") != fmt.Sprint(len(m)) {
			t.Errorf("HEAD tells %v", head.header)
		}
		got := c.must(200, "GET", "/v2/hub/library/app/manifests/v1", nil)
		if got.body != m || got.header.Get("Content-Type") != imageManifest {
			t.Errorf("the manifest is %s", got.body)
		}
		if b := c.must(200, "HEAD", "/v2/hub/library/app/blobs/"+digestOf(layer), nil); b.header.Get("Content-Length") != fmt.Sprint(len(layer)) {
			t.Errorf("HEAD of a blob that isn't here tells %v", b.header)
		}
		if part := c.must(206, "GET", "/v2/hub/library/app/blobs/"+digestOf(layer), nil, "Range", "bytes=100-199"); part.body != layer[100:200] {
			t.Errorf("a range is %q", part.body)
		}
		if whole := c.must(200, "GET", "/v2/hub/library/app/blobs/"+digestOf(layer), nil); whole.body != layer {
			t.Error("the blob has other bytes")
		}
		c.must(200, "GET", "/v2/hub/library/app/blobs/"+digestOf(config), nil)
		counts := map[string]int{}
		for _, a := range asked.taken() {
			counts[a]++
		}
		for what, n := range counts {
			if n > 1 && strings.Contains(what, "/blobs/") || strings.HasPrefix(what, "GET") && n > 1 {
				t.Errorf("upstream was asked %d times: %s", n, what)
			}
		}

		// It shows as what was pushed does, and its tag is there.
		var artifacts []struct {
			Digest string
			Tags   []struct{ Name string }
		}
		await.Until(t, "the image is an artifact", func() bool {
			listed := c.must(200, "GET", "/api/v2.0/projects/hub/repositories/library%252Fapp/artifacts?with_tag=true", nil).body
			return json.Unmarshal([]byte(listed), &artifacts) == nil && len(artifacts) > 0
		})
		if len(artifacts) != 1 || artifacts[0].Digest != digestOf(m) || len(artifacts[0].Tags) != 1 {
			t.Errorf("listed are %v", artifacts)
		}

		refused := func(what string, a answer, status int, words string) {
			t.Helper()
			if a.status != status || !strings.Contains(a.body, words) {
				t.Errorf("%s: %d %s", what, a.status, a.body)
			}
		}
		const noPush = "denied: can not push artifact to a proxy project: hub"
		refused("upload", c.do("POST", "/v2/hub/library/app/blobs/uploads/", nil), 403, noPush)
		refused("manifest", c.do("PUT", "/v2/hub/library/app/manifests/v2", m, "Content-Type", imageManifest), 403, noPush)
		refused("tag", c.do("POST", "/api/v2.0/projects/hub/repositories/library%252Fapp/artifacts/v1/tags", map[string]string{"name": "v2"}), 405, "proxy project")
		c.image("library/own", "v1", "x")
		refused("copy", c.do("POST", "/api/v2.0/projects/hub/repositories/own/artifacts?from=library/own:v1", nil), 405, "proxy project")
		refused("filtered", c.do("GET", "/v2/hub/other/app/manifests/v1", nil), 404, "NAME_UNKNOWN")
		refused("nothing", c.do("GET", "/v2/hub/library/app/manifests/nosuch", nil), 404, "MANIFEST_UNKNOWN")
		if tags := c.must(200, "GET", "/v2/hub/library/app/tags/list", nil).body; !strings.Contains(tags, `"name":"hub/library/app","tags":["v1"]`) {
			t.Errorf("tags: %s", tags)
		}

		asked.answer(http.StatusTooManyRequests)
		c.must(200, "GET", "/v2/hub/library/app/manifests/v1", nil)
		limited := c.must(429, "GET", "/v2/hub/library/app/manifests/v2", nil)
		if limited.code() != "TOOMANYREQUESTS" || limited.header.Get("Retry-After") == "" {
			t.Errorf("upstream's limit is told as %v %s", limited.header, limited.body)
		}
		asked.taken()
		c.must(200, "GET", "/v2/hub/library/app/manifests/v1", nil)
		if n := len(asked.taken()); n != 0 {
			t.Errorf("upstream, which wants to be left alone, was asked %d times", n)
		}
		if status := c.must(200, "GET", "/api/haven/v1/projects/hub/proxy/status", nil).body; !strings.Contains(status, `"blocked_until":"2`) {
			t.Errorf("the status is %s", status)
		}
		c.must(202, "DELETE", "/v2/hub/library/app/manifests/"+digestOf(m), nil)
	})
}

// Clients find a project without naming it: by the registry that they believe to speak to, or by the host.
func TestMirrors(t *testing.T) {
	apptest.Each(t, func(t *testing.T, s *apptest.Server) {
		up := admin(t, apptest.Start(t, dbtest.SQLiteURL(t)))
		m := up.image("library/app", "v1", "x")
		c := admin(t, s)
		c.cacheOf(up.base, map[string]string{"public": "true"})
		c.must(201, "POST", "/api/haven/v1/mirrors", map[string]string{"kind": "registry", "name": "docker.io", "project": "hub"})
		host := c.must(201, "POST", "/api/haven/v1/mirrors", map[string]string{"kind": "host", "name": "Mirror.example.com", "project": "hub"})
		c.must(409, "POST", "/api/haven/v1/mirrors", map[string]string{"kind": "registry", "name": "docker.io", "project": "library"})
		c.must(400, "POST", "/api/haven/v1/mirrors", map[string]string{"kind": "registry", "name": "https://docker.io", "project": "hub"})
		for _, path := range []string{"/v2/library/app/manifests/v1?ns=docker.io", "/v2/hub/library/app/manifests/v1?ns=docker.io", "/v2/hub/library/app/manifests/v1"} {
			if got := c.must(200, "GET", path, nil); got.body != m {
				t.Errorf("%s is %s", path, got.body)
			}
		}
		c.must(404, "GET", "/v2/library/app/manifests/v1?ns=quay.io", nil)

		// As docker does by a mirror's host: a token for upstream's name, asked for there.
		through := &mirrored{c, "mirror.example.com"}
		challenge := through.get("/v2/library/app/manifests/v1", "")
		if challenge.StatusCode != 401 || !strings.Contains(challenge.Header.Get("WWW-Authenticate"), "repository:hub/library/app:pull") {
			t.Errorf("%d %q", challenge.StatusCode, challenge.Header.Get("WWW-Authenticate"))
		}
		token := through.get("/service/token?service=harbor-registry&scope=repository:library/app:pull", "")
		var answer struct{ Token string }
		if err := json.NewDecoder(token.Body).Decode(&answer); err != nil {
			t.Fatal(err)
		}
		if got := through.get("/v2/library/app/manifests/v1", answer.Token); got.StatusCode != 200 {
			t.Errorf("by the mirror's host: %d", got.StatusCode)
		}
		files := c.must(200, "GET", "/api/haven/v1/projects/hub/mirror", nil).body
		for _, want := range []string{"hosts.toml", "override_path = true", "registries.conf.d/hub.conf", "mirror.example.com"} {
			if !strings.Contains(files, want) {
				t.Errorf("%s isn't in %s", want, files)
			}
		}
		c.must(200, "DELETE", host.header.Get("Location"), nil)
		if got := through.get("/v2/library/app/manifests/v1", answer.Token); got.StatusCode == 200 {
			t.Error("a host stands for the project though that ended")
		}
	})
}

// mirrored asks by another host's name.
type mirrored struct {
	*client
	host string
}

func (m *mirrored) get(path, token string) *http.Response {
	m.t.Helper()
	r, err := http.NewRequestWithContext(m.t.Context(), http.MethodGet, m.base+path, nil)
	if err != nil {
		m.t.Fatal(err)
	}
	r.Host = m.host
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { resp.Body.Close() })
	return resp
}
