package rest

import "testing"

func TestRepositoryName(t *testing.T) {
	for segment, want := range map[string]string{
		"app":          "app",
		"a%2Fb":        "a/b", // %252F in the request
		"a%252Fb":      "a/b",
		"a/b":          "a/b", // %2F in the request
		"a%zz":         "a%zz",
		"a%25252Fb":    "a%2Fb", // no name holds a percent sign: refused later
		"x%2Fy%2Fz%2F": "x/y/z/",
	} {
		if got := RepositoryName(segment); got != want {
			t.Errorf("%q: %q; want %q", segment, got, want)
		}
	}
}

func TestCanonicalPath(t *testing.T) {
	for path, want := range map[string]string{
		"/api/v2.0/projects":                        "/api/v2.0/projects",
		"/api/v2.0/projects/":                       "/api/v2.0/projects",
		"//api///v2.0//projects":                    "/api/v2.0/projects",
		"/api/v2.0/projects/p/repositories/a%2Fb":   "/api/v2.0/projects/p/repositories/a%2Fb",
		"/api/v2.0/projects/p/repositories/a%252Fb": "/api/v2.0/projects/p/repositories/a%252Fb",
		"/":                            "/",
		"/api/v2.0/ping/../users":      "",
		"/api/v2.0/ping/./users":       "",
		"/api/v2.0/%2e%2e/users":       "",
		"/api/v2.0/%252e%252e/users":   "",
		"/api/v2.0/a%2F..%2Fb":         "",
		"/api/v2.0/a%252F..%252Fb":     "",
		"/api/v2.0/projects/p%00":      "",
		"/api/v2.0/projects/p%2500":    "",
		"/api/v2.0/projects/p%ff":      "",
		"/api/v2.0/projects/p%25ff":    "",
		"/api/v2.0/projects/p..q/...x": "/api/v2.0/projects/p..q/...x",
	} {
		got, ok := canonicalPath(path)
		if ok != (want != "") || got != want {
			t.Errorf("%s: %q, %v; want %q", path, got, ok, want)
		}
	}
}
