package distribution

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/oci"
)

func TestParseRoute(t *testing.T) {
	const d = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	cases := []struct {
		path string
		want route
		err  error
	}{
		{"/v2", route{kind: base}, nil},
		{"/v2/", route{kind: base}, nil},
		{"/v2/_catalog", route{kind: catalog}, nil},
		{"/v2/p/app/tags/list", route{tagList, "p/app", ""}, nil},
		{"/v2/p/a/b/c/manifests/v1", route{manifest, "p/a/b/c", "v1"}, nil},
		{"/v2/p/app/manifests/" + d, route{manifest, "p/app", d}, nil},
		{"/v2/p/app/manifests/sha256%3Aabc", route{manifest, "p/app", "sha256:abc"}, nil},
		{"/v2/p/app/blobs/" + d, route{blobByDigest, "p/app", d}, nil},
		{"/v2/p/app/blobs/uploads/", route{uploadStart, "p/app", ""}, nil},
		{"/v2/p/app/blobs/uploads", route{uploadStart, "p/app", ""}, nil},
		{"/v2/p/app/blobs/uploads/123", route{upload, "p/app", "123"}, nil},
		{"/v2/p/app/referrers/" + d, route{referrers, "p/app", d}, nil},
		{"/v2/p/blobs/uploads/tags/list", route{tagList, "p/blobs/uploads", ""}, nil},
		{"/v2/busybox/manifests/v1", route{}, errNoProject},
		{"/v2/P/App/manifests/v1", route{}, oci.ErrNameInvalid},
		{"/v2/p//app/manifests/v1", route{}, oci.ErrNameInvalid},
		{"/v2//p/app/manifests/v1", route{}, oci.ErrNameInvalid},
		{"/v2/p/../x/manifests/v1", route{}, oci.ErrNameInvalid},
		{"/v2/p/%2e%2e/x/manifests/v1", route{}, oci.ErrNameInvalid},
		{"/v2/p%2fapp/manifests/v1", route{}, errPath},
		{"/v2/p%5Capp/manifests/v1", route{}, errPath},
		{"/v2/p/app%00/manifests/v1", route{}, errPath},
		{"/v2/p/app/manifests/a%zz", route{}, errPath},
		{"/v2/p/app/nothing", route{}, errPath},
		{"/v2/p", route{}, errPath},
		{"/v2/manifests/v1", route{}, errPath},
		{"/v2/" + strings.Repeat("a/", 200) + "b/tags/list", route{}, oci.ErrNameInvalid},
	}
	for _, c := range cases {
		got, err := parseRoute(c.path, "")
		if !errors.Is(err, c.err) || err == nil && got != c.want {
			t.Errorf("%s: got %+v, %v; want %+v, %v", c.path, got, err, c.want, c.err)
		}
	}
}

func FuzzParseRoute(f *testing.F) {
	for _, s := range []string{"/v2/", "/v2/p/app/manifests/v1", "/v2/p/a/blobs/uploads/", "/v2/%2e/a/tags/list"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, path string) {
		rt, err := parseRoute(path, "")
		if err != nil || rt.repository == "" {
			return
		}
		if _, rest, err := oci.ParseRepository(rt.repository); err != nil || rest == "" {
			t.Fatalf("%q gave the repository %q", path, rt.repository)
		}
	})
}

func TestChunkOffset(t *testing.T) {
	cases := []struct {
		header string
		length int64
		want   int64
		bad    bool
	}{
		{"", 10, -1, false},
		{"0-9", 10, 0, false},
		{"10-19", 10, 10, false},
		{"bytes 10-19/100", 10, 10, false},
		{"10-19", -1, 10, false},
		{"10-19", 9, 0, true},
		{"19-10", 10, 0, true},
		{"-5", 5, 0, true},
		{"-5--1", 5, 0, true},
		{"5", 5, 0, true},
		{"a-b", 5, 0, true},
		{"0-99999999999999999999", 5, 0, true},
	}
	for _, c := range cases {
		r := &http.Request{Header: http.Header{}, ContentLength: c.length}
		if c.header != "" {
			r.Header.Set("Content-Range", c.header)
		}
		got, err := chunkOffset(r)
		if (err != nil) != c.bad || err == nil && got != c.want {
			t.Errorf("%q with %d bytes: got %d, %v", c.header, c.length, got, err)
		}
		if err != nil && !errors.Is(err, errRange) {
			t.Errorf("%q: got %v, want errRange", c.header, err)
		}
	}
}

func TestParseScope(t *testing.T) {
	cases := []struct{ scope, typ, name, actions string }{
		{"repository:p/app:pull,push", "repository", "p/app", "pull,push"},
		{"repository:host:5000/p/app:pull", "repository", "host:5000/p/app", "pull"},
		{"repository(plugin):p/app:pull", "repository", "p/app", "pull"},
		{"registry:catalog:*", "registry", "catalog", "*"},
	}
	for _, c := range cases {
		a, wanted, ok := parseScope(c.scope)
		if !ok || a.Type != c.typ || a.Name != c.name || strings.Join(wanted, ",") != c.actions {
			t.Errorf("%s: got %+v %v %v", c.scope, a, wanted, ok)
		}
	}
	for _, s := range []string{"", "nonsense", "repository:p"} {
		if _, _, ok := parseScope(s); ok {
			t.Errorf("%q was read", s)
		}
	}
}
