package admission

import (
	"strings"
	"testing"
)

func TestParseImage(t *testing.T) {
	long := strings.Repeat("a", 250)
	for _, c := range []struct {
		written     string
		name, which string // name is "" for what is refused
	}{
		{"nginx", "docker.io/library/nginx", ":latest"},
		{"nginx:1.27", "docker.io/library/nginx", ":1.27"},
		{"grafana/grafana", "docker.io/grafana/grafana", ":latest"},
		{"docker.io/nginx", "docker.io/library/nginx", ":latest"},
		{"index.docker.io/nginx:1", "docker.io/library/nginx", ":1"},
		{"docker.io/a/b/c", "docker.io/a/b/c", ":latest"},
		{"localhost/x", "localhost/x", ":latest"},
		{"localhost:5000/x:1", "localhost:5000/x", ":1"},
		{"registry.test/prod/app:v1@" + digestA, "registry.test/prod/app", "@" + digestA},
		{"registry.test/prod/app@" + digestA, "registry.test/prod/app", "@" + digestA},
		{"registry.test:5000/a__b/c-d--e.f", "registry.test:5000/a__b/c-d--e.f", ":latest"},
		{"10.0.0.1/x:Tag_1.2-3", "10.0.0.1/x", ":Tag_1.2-3"},
		{"[fd00::1]:5000/x", "[fd00::1]:5000/x", ":latest"},
		{"foo:5000", "docker.io/library/foo", ":5000"}, // a tag, as Docker has it
		{"registry.test/" + long, "registry.test/" + long, ":latest"},
		{strings.Repeat("a", 63), "docker.io/library/" + strings.Repeat("a", 63), ":latest"},
		{"", "", ""},
		{strings.Repeat("a", 64), "", ""}, // an id
		{"registry.test/" + long + "/" + long, "", ""},
		{strings.Repeat("a", 2000), "", ""},
		{"registry.test/", "", ""},
		{"registry.test//x", "", ""},
		{"/x", "", ""},
		{"x/", "", ""},
		{"registry.test/App", "", ""},
		{"App", "", ""},
		{"REGISTRY.test/app", "", ""},
		{"DOCKER.IO/nginx", "", ""},
		{"Registry/app", "", ""},
		{"registry.test./app", "", ""},
		{"-registry.test/app", "", ""},
		{"registry.test:port/app", "", ""},
		{"registry.test:99999/app", "", ""},
		{"registry.test:/app", "", ""},
		{"[fd00::1%25eth0]/x", "", ""},
		{"[10.0.0.1]/x", "", ""},
		{"[fd00::1]5000/x", "", ""},
		{"user@registry.test/x", "", ""},
		{"https://registry.test/x", "", ""},
		{"registry.test/a___b", "", ""},
		{"registry.test/a..b", "", ""},
		{"registry.test/a-", "", ""},
		{"registry.test/../etc", "", ""},
		{"registry.test/x:", "", ""},
		{"registry.test/x:.a", "", ""},
		{"registry.test/x:" + strings.Repeat("a", 129), "", ""},
		{"registry.test/x:a:b", "", ""},
		{"registry.test/x@sha256:abc", "", ""},
		{"registry.test/x@md5:" + strings.Repeat("a", 32), "", ""},
		{"registry.test/x@" + digestA + "@" + digestA, "", ""},
		{"registry.test/x@" + strings.ToUpper(digestA), "", ""},
		{" nginx", "", ""},
		{"nginx\n", "", ""},
		{"nginx\x00", "", ""},
		{"ngınx", "", ""},
	} {
		img, err := parseImage(c.written)
		if c.name == "" {
			if err == nil {
				t.Errorf("%q: taken for %s%s", c.written, img.name(), img.which())
			}
			continue
		}
		if err != nil || img.name() != c.name || img.which() != c.which {
			t.Errorf("%q: got %s %s, %v; want %s %s", c.written, img.name(), img.which(), err, c.name, c.which)
		}
	}
}

func FuzzParseImage(f *testing.F) {
	for _, s := range []string{"nginx", "registry.test:5000/a/b:v1@" + digestA, "[fd00::1]/x", "a@b@c", "::", "[", "/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		img, err := parseImage(s)
		if err != nil {
			return
		}
		// What is understood once is understood the same when it is written out.
		again, err := parseImage(img.name() + img.which())
		if err != nil || again.name() != img.name() || again.which() != img.which() {
			t.Errorf("%q is %s%s, which is %s%s, %v", s, img.name(), img.which(), again.name(), again.which(), err)
		}
		if img.digest == "" {
			if pinned, err := parseImage(img.pinned("sha256:" + "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")); err != nil && len(s) < maxImage-80 || err == nil && pinned.name() != img.name() {
				t.Errorf("%q can't be pinned: %v", s, err)
			}
		}
	})
}
