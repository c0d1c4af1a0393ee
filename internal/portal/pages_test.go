package portal

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

var testFiles = fstest.MapFS{
	".gitkeep":               {},
	"index.html":             {Data: []byte("<!doctype html><script src=/assets/index-abc.js></script>")},
	"boot.js":                {Data: []byte("boot()")},
	"assets/index-abc.js":    {Data: []byte("plain script")},
	"assets/index-abc.js.gz": {Data: []byte("gzip script")},
	"assets/index-abc.js.br": {Data: []byte("brotli script")},
	"assets/index-abc.css":   {Data: []byte("body{}")},
}

func testHandler(t *testing.T, files fstest.MapFS) http.Handler {
	t.Helper()
	h, err := newHandler(Deps{Guard: testGuard()}, files)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func get(h http.Handler, method, path string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	r.Header.Set("Accept", "*/*")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestPagesAnswer(t *testing.T) {
	h := testHandler(t, testFiles)
	const immutable = "public, max-age=31536000, immutable"
	index := string(testFiles["index.html"].Data)
	for name, c := range map[string]struct {
		method, path, accept string
		status               int
		body, mediaType      string
		cache                string
	}{
		"root":                       {"GET", "/", "text/html", 200, index, "text/html; charset=utf-8", "no-store"},
		"index by name":              {"GET", "/index.html", "*/*", 200, index, "text/html; charset=utf-8", "no-store"},
		"page of the portal":         {"GET", "/p/library/r/team/app.v1", "text/html", 200, index, "text/html; charset=utf-8", "no-store"},
		"repository with dots":       {"GET", "/p/library/r/a..b", "text/html", 200, index, "text/html; charset=utf-8", "no-store"},
		"client that names no types": {"GET", "/projects", "", 200, index, "text/html; charset=utf-8", "no-store"},
		"script":                     {"GET", "/assets/index-abc.js", "*/*", 200, "plain script", "text/javascript; charset=utf-8", immutable},
		"style":                      {"GET", "/assets/index-abc.css", "*/*", 200, "body{}", "text/css; charset=utf-8", immutable},
		"file without a hash":        {"GET", "/boot.js", "*/*", 200, "boot()", "text/javascript; charset=utf-8", "no-cache"},
		"head":                       {"HEAD", "/", "*/*", 200, "", "text/html; charset=utf-8", "no-store"},
		"script of another build":    {"GET", "/assets/index-old.js", "*/*", 404, "", "", ""},
		"compressed copy by name":    {"GET", "/assets/index-abc.js.gz", "*/*", 404, "", "", ""},
		"client that wants JSON":     {"GET", "/nothing", "application/json", 404, "", "", ""},
		"hidden file":                {"GET", "/.gitkeep", "application/json", 404, "", "", ""},
		"write":                      {"POST", "/", "*/*", 405, "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := get(h, c.method, c.path, "Accept", c.accept)
			if w.Code != c.status {
				t.Fatalf("status %d, want %d: %s", w.Code, c.status, w.Body)
			}
			if c.status != http.StatusOK {
				if !strings.HasPrefix(w.Body.String(), `{"errors":[{"code":"`) {
					t.Errorf("body %q, want the API's form", w.Body)
				}
				return
			}
			if w.Body.String() != c.body {
				t.Errorf("body %q, want %q", w.Body, c.body)
			}
			if got := w.Header().Get("Content-Type"); got != c.mediaType {
				t.Errorf("content type %q, want %q", got, c.mediaType)
			}
			if got := w.Header().Get("Cache-Control"); got != c.cache {
				t.Errorf("cache control %q, want %q", got, c.cache)
			}
		})
	}
}

func TestPagesCompress(t *testing.T) {
	h := testHandler(t, testFiles)
	for accept, want := range map[string]struct{ body, encoding string }{
		"":                         {"plain script", ""},
		"identity":                 {"plain script", ""},
		"gzip":                     {"gzip script", "gzip"},
		"gzip, deflate, br":        {"brotli script", "br"},
		"br;q=0, gzip;q=0.5":       {"gzip script", "gzip"},
		"br; q=0.000, gzip; q=0":   {"plain script", ""},
		"gzip;q=1.0, identity;q=0": {"gzip script", "gzip"},
	} {
		w := get(h, "GET", "/assets/index-abc.js", "Accept-Encoding", accept)
		if got := w.Header().Get("Content-Encoding"); w.Body.String() != want.body || got != want.encoding {
			t.Errorf("%q: body %q, encoding %q, want %v", accept, w.Body, got, want)
		}
		if w.Header().Get("Vary") != "Accept-Encoding" {
			t.Errorf("%q: vary %q", accept, w.Header().Get("Vary"))
		}
	}
}

func TestPagesRevalidate(t *testing.T) {
	h := testHandler(t, testFiles)
	etag := get(h, "GET", "/boot.js").Header().Get("ETag")
	if w := get(h, "GET", "/boot.js", "If-None-Match", etag); w.Code != http.StatusNotModified {
		t.Errorf("status %d with the etag %s, want 304", w.Code, etag)
	}
	plain := get(h, "GET", "/assets/index-abc.js").Header().Get("ETag")
	gzip := get(h, "GET", "/assets/index-abc.js", "Accept-Encoding", "gzip").Header().Get("ETag")
	if plain == gzip {
		t.Errorf("etag %s for two encodings of different bytes", plain)
	}
}

func TestHeaders(t *testing.T) {
	h := testHandler(t, testFiles)
	for _, path := range []string{"/", "/assets/index-abc.js", "/assets/nothing.js", "/c/nothing"} {
		header := get(h, "GET", path).Header()
		csp := header.Get("Content-Security-Policy")
		for _, must := range []string{"default-src 'none'", "script-src 'self';", "style-src 'self';", "connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"} {
			if !strings.Contains(csp, must) {
				t.Errorf("%s: policy %q lacks %q", path, csp, must)
			}
		}
		for _, never := range []string{"unsafe", "*", "http:", "https:", "data:"} {
			if strings.Contains(csp, never) {
				t.Errorf("%s: policy %q allows %q", path, csp, never)
			}
		}
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY",
		} {
			if got := header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
	}
}

func TestWithoutBuiltPages(t *testing.T) {
	h := testHandler(t, fstest.MapFS{".gitkeep": {}})
	w := get(h, "GET", "/projects")
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "make build") {
		t.Errorf("status %d, body %s: want a page that says to run make build", w.Code, w.Body)
	}
}

// The embedded pages, where they were built, keep to the policy: no inline script or style.
func TestEmbeddedPages(t *testing.T) {
	h, err := New(Deps{Guard: testGuard()})
	if err != nil {
		t.Fatal(err)
	}
	body := get(h, "GET", "/").Body.String()
	for _, never := range []string{"<style", "style=", "<script>", "onload=", "http://", "https://"} {
		if strings.Contains(body, never) {
			t.Errorf("the page has %q, which the policy refuses:\n%s", never, body)
		}
	}
}
