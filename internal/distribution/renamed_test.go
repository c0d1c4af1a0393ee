package distribution

import (
	"net/url"
	"testing"

	"github.com/havenregistry/haven/internal/registry"
)

// At Docker Hub busybox is library/busybox: clients are sent there by the way they came.
func TestRenamed(t *testing.T) {
	for _, c := range []struct{ asked, project, want string }{
		{"/v2/hub/busybox/manifests/latest", "hub", "/v2/hub/library/busybox/manifests/latest"},
		{"/v2/hub/busybox/tags/list?n=5&last=a%26b", "hub", "/v2/hub/library/busybox/tags/list?n=5&last=a%26b"},
		{"/v2/busybox/manifests/latest?ns=docker.io", "hub", "/v2/library/busybox/manifests/latest?ns=docker.io"},
		{"/v2/busybox/blobs/sha256:ab", "hub", "/v2/library/busybox/blobs/sha256:ab"},
		{"/v2/busybox/busybox/manifests/1", "busybox", "/v2/busybox/library/busybox/manifests/1"},
	} {
		u, err := url.Parse(c.asked)
		if err != nil {
			t.Fatal(err)
		}
		if got := renamed(*u, registry.Ref{Project: c.project, Name: "busybox"}, "library/busybox"); got != c.want {
			t.Errorf("%s is sent to %s, want %s", c.asked, got, c.want)
		}
	}
}
