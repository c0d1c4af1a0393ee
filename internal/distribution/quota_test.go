package distribution_test

import (
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/app/apptest"
)

// What a project's limit forbids is refused as Harbor refuses it, in both APIs and before a large body is read;
// deleting gives the space back at once.
func TestQuota(t *testing.T) {
	apptest.Each(t, func(t *testing.T, s *apptest.Server) {
		c := admin(t, s)
		c.must(201, "POST", "/api/v2.0/projects", map[string]any{"project_name": "lim", "storage_limit": 600})
		c.project("free", false)
		refused := func(what string, a answer, want string) {
			t.Helper()
			if a.status != 403 || a.code() != "DENIED" || !strings.Contains(a.body, `"message":"`+want) {
				t.Errorf("%s: %d %s", what, a.status, a.body)
			}
		}
		const two = "adding 2.0 KiB of storage resource, which when updated to current usage of 0 B will exceed the configured upper limit of 600 B."
		content := strings.Repeat("x", 2000)
		start := c.must(202, "POST", "/v2/lim/app/blobs/uploads/", nil)
		refused("upload", c.do("PUT", start.header.Get("Location")+"?digest="+digestOf(content), content), two)
		refused("one request", c.do("POST", "/v2/lim/app/blobs/uploads/?digest="+digestOf(content), content), two)
		large := strings.Repeat("x", 2<<20)
		start = c.must(202, "POST", "/v2/lim/app/blobs/uploads/", nil)
		refused("chunk", c.do("PATCH", start.header.Get("Location"), large), "adding 2.0 MiB")
		c.blob("free/app", content)
		refused("mount", c.do("POST", "/v2/lim/app/blobs/uploads/?mount="+digestOf(content)+"&from=free/app", nil), two)
		c.image("free/app", "v1", content)
		refused("copy", c.do("POST", "/api/v2.0/projects/lim/repositories/app/artifacts?from=free/app:v1", nil), "adding ")

		m := c.image("lim/app", "v1", "small")
		full := c.must(200, "GET", "/api/v2.0/projects/lim/summary", nil)
		if !strings.Contains(full.body, `"hard":{"storage":600}`) || strings.Contains(full.body, `"used":{"storage":0}`) {
			t.Errorf("got %s", full.body)
		}
		refused("manifest", c.do("PUT", "/v2/lim/app/manifests/v2", m+strings.Repeat(" ", 600), "Content-Type", imageManifest), "adding ")
		c.must(202, "DELETE", "/v2/lim/app/manifests/"+digestOf(m), nil)
		if empty := c.must(200, "GET", "/api/v2.0/projects/lim/summary", nil); !strings.Contains(empty.body, `"used":{"storage":0}`) {
			t.Errorf("after the delete %s", empty.body)
		}
	})
}
