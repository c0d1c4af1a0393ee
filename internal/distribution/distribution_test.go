package distribution_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/app/apptest"
)

func TestPushAndPull(t *testing.T) {
	apptest.Each(t, func(t *testing.T, s *apptest.Server) {
		c := admin(t, s)
		c.must(200, "GET", "/v2/", nil)
		m := c.image("library/team/app", "v1", "layer one")
		got := c.must(200, "GET", "/v2/library/team/app/manifests/v1", nil)
		if got.body != m || got.header.Get("Content-Type") != imageManifest || got.header.Get("Docker-Content-Digest") != digestOf(m) {
			t.Fatalf("pulled %q with %v", got.body, got.header)
		}
		head := c.must(200, "HEAD", "/v2/library/team/app/manifests/"+digestOf(m), nil)
		if head.header.Get("Content-Length") != fmt.Sprint(len(m)) || head.body != "" {
			t.Fatalf("HEAD: %v", head.header)
		}
		c.must(304, "GET", "/v2/library/team/app/manifests/v1", nil, "If-None-Match", `"`+digestOf(m)+`"`)
		layer := "/v2/library/team/app/blobs/" + digestOf("layer one")
		if got := c.must(200, "GET", layer, nil); got.body != "layer one" {
			t.Fatalf("layer: %q", got.body)
		}
		part := c.must(206, "GET", layer, nil, "Range", "bytes=6-8")
		if part.body != "one" || part.header.Get("Content-Range") != "bytes 6-8/9" {
			t.Fatalf("range: %q %v", part.body, part.header)
		}
		c.must(416, "GET", layer, nil, "Range", "bytes=100-")
		if got := c.must(200, "HEAD", layer, nil); got.header.Get("Content-Length") != "9" {
			t.Fatalf("HEAD of a blob: %v", got.header)
		}
		if got := c.must(200, "GET", "/v2/library/team/app/tags/list", nil); got.body != `{"name":"library/team/app","tags":["v1"]}` {
			t.Fatalf("tags: %s", got.body)
		}
		if got := c.must(200, "GET", "/v2/_catalog", nil); got.body != `{"repositories":["library/team/app"]}` {
			t.Fatalf("catalog: %s", got.body)
		}
		c.must(202, "DELETE", "/v2/library/team/app/manifests/v1", nil)
		c.must(404, "GET", "/v2/library/team/app/manifests/v1", nil)
		c.must(200, "GET", "/v2/library/team/app/manifests/"+digestOf(m), nil) // deleting a tag leaves the manifest
		c.must(202, "DELETE", "/v2/library/team/app/manifests/"+digestOf(m), nil)
		c.must(404, "GET", "/v2/library/team/app/manifests/"+digestOf(m), nil)
	})
}

func TestUploads(t *testing.T) {
	apptest.Each(t, func(t *testing.T, s *apptest.Server) {
		c := admin(t, s)
		const repo = "/v2/library/up/blobs/uploads/"
		at := c.must(202, "POST", repo, nil).header.Get("Location")
		if got := c.must(202, "PATCH", at, "hello ", "Content-Range", "0-5").header.Get("Range"); got != "0-5" {
			t.Fatalf("Range %q", got)
		}
		wrong := c.must(416, "PATCH", at, "world", "Content-Range", "7-11")
		if wrong.header.Get("Range") != "0-5" || wrong.header.Get("Location") != at {
			t.Fatalf("a chunk out of order does not tell where to go on: %v", wrong.header)
		}
		if got := c.must(204, "GET", at, nil).header.Get("Range"); got != "0-5" {
			t.Fatalf("status: Range %q", got)
		}
		c.must(202, "PATCH", at, "wor") // a stream, without Content-Range
		done := c.must(201, "PUT", at+"?digest="+digestOf("hello world"), "ld", "Content-Range", "9-10")
		if got := c.must(200, "GET", done.header.Get("Location"), nil).body; got != "hello world" {
			t.Fatalf("blob %q", got)
		}
		c.must(404, "GET", at, nil)

		c.must(201, "POST", repo+"?digest="+digestOf("whole"), "whole")
		cancelled := c.must(202, "POST", repo, nil).header.Get("Location")
		c.must(204, "DELETE", cancelled, nil)
		c.must(404, "PATCH", cancelled, "x")
	})
}

func TestMount(t *testing.T) {
	apptest.Each(t, func(t *testing.T, s *apptest.Server) {
		c := admin(t, s)
		c.project("private", false)
		d := c.blob("private/src", "secret layer")
		c.must(201, "POST", "/v2/library/dst/blobs/uploads/?mount="+d+"&from=private/src", nil)
		c.must(200, "HEAD", "/v2/library/dst/blobs/"+d, nil)

		bob := c.user("bob")
		c.project("bobs", false)
		c.member("bobs", "bob", 1)
		// To somebody who may not read the source it looks as if the blob weren't there.
		for _, from := range []string{"private/src", "nosuch/src", "private/nosuch", "BAD"} {
			got := bob.must(202, "POST", "/v2/bobs/dst/blobs/uploads/?mount="+d+"&from="+from, nil)
			if got.header.Get("Location") == "" {
				t.Errorf("from %s: no upload was started instead", from)
			}
		}
		bob.must(404, "HEAD", "/v2/bobs/dst/blobs/"+d, nil)
		bob.must(401, "GET", "/v2/private/src/blobs/"+d, nil)

		// A token that was not granted the source can't mount from it. Its holder, who may read the source,
		// is told which token can.
		d = c.blob("private/src", "another secret") // the first one is in a public repository by now
		narrow := c.token("repository:library/other:pull,push")
		const start = "/v2/library/other/blobs/uploads/?mount="
		told := narrow.must(401, "POST", start+d+"&from=private/src", nil).header.Get("WWW-Authenticate")
		if !strings.Contains(told, `scope="repository:library/other:pull,push repository:private/src:pull"`) {
			t.Errorf("challenge %s", told)
		}
		bob.token("repository:bobs/x:pull,push").must(202, "POST", "/v2/bobs/x/blobs/uploads/?mount="+d+"&from=private/src", nil)
		narrow.must(202, "POST", start+d, nil) // from anywhere
		wide := c.token("repository:library/other:pull,push", "repository:private/src:pull")
		wide.must(201, "POST", start+d, nil)
		wide.must(201, "POST", start+d+"&from=private/src", nil)

		// What is public may be mounted whatever the token says, with and without naming it.
		public := c.blob("library/base", "public layer")
		bobs := bob.token("repository:bobs/y:pull,push")
		bobs.must(201, "POST", "/v2/bobs/y/blobs/uploads/?mount="+public+"&from=library/base", nil)
		bobs.must(201, "POST", "/v2/bobs/y/blobs/uploads/?mount="+public, nil)
		bobs.must(202, "POST", "/v2/bobs/y/blobs/uploads/?mount="+digestOf("secret"), nil)
	})
}

func TestReferrers(t *testing.T) {
	apptest.Each(t, func(t *testing.T, s *apptest.Server) {
		c := admin(t, s)
		subject := digestOf(c.image("library/app", "v1", "l"))
		c.blob("library/app", "{}")
		attach := func(artifactType string) string {
			m := fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"artifactType":%q,"config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":%q,"size":2},"layers":[],"subject":{"mediaType":%q,"digest":%q,"size":1},"annotations":{"a":"b"}}`,
				imageManifest, artifactType, digestOf("{}"), imageManifest, subject)
			put := c.must(201, "PUT", "/v2/library/app/manifests/"+digestOf(m), m, "Content-Type", imageManifest)
			if put.header.Get("OCI-Subject") != subject {
				t.Fatalf("OCI-Subject %q", put.header.Get("OCI-Subject"))
			}
			return digestOf(m)
		}
		one, two := attach("application/x.one"), attach("application/x.two")
		all := c.must(200, "GET", "/v2/library/app/referrers/"+subject, nil)
		if !strings.Contains(all.body, one) || !strings.Contains(all.body, two) || !strings.Contains(all.body, `"annotations":{"a":"b"}`) || all.header.Get("Content-Type") != imageIndex {
			t.Fatalf("referrers: %s", all.body)
		}
		some := c.must(200, "GET", "/v2/library/app/referrers/"+subject+"?artifactType=application/x.two", nil)
		if strings.Contains(some.body, one) || !strings.Contains(some.body, two) || some.header.Get("OCI-Filters-Applied") != "artifactType" {
			t.Fatalf("filtered referrers: %s %v", some.body, some.header)
		}
		none := c.must(200, "GET", "/v2/library/nosuch/referrers/"+subject, nil)
		if !strings.Contains(none.body, `"manifests":[]`) {
			t.Fatalf("referrers of nothing: %s", none.body)
		}
	})
}

func TestTagsOfOneRequest(t *testing.T) {
	apptest.Each(t, func(t *testing.T, s *apptest.Server) {
		c := admin(t, s)
		m := c.image("library/app", "v1", "l")
		put := c.must(201, "PUT", "/v2/library/app/manifests/"+digestOf(m)+"?tag=v2&tag=v3", m, "Content-Type", imageManifest)
		if got := strings.Join(put.header.Values("OCI-Tag"), " "); got != "v2 v3" {
			t.Errorf("OCI-Tag %q", got)
		}
		if got := c.must(200, "GET", "/v2/library/app/tags/list", nil).body; !strings.Contains(got, `["v1","v2","v3"]`) {
			t.Errorf("tags: %s", got)
		}
		c.must(400, "PUT", "/v2/library/app/manifests/v1?tag=-bad", m, "Content-Type", imageManifest)
	})
}

func TestTagPages(t *testing.T) {
	apptest.Each(t, func(t *testing.T, s *apptest.Server) {
		c := admin(t, s)
		m := c.image("library/app", "a", "l")
		for _, tag := range []string{"C", "b", "B", "_x", "0"} {
			c.must(201, "PUT", "/v2/library/app/manifests/"+tag, m, "Content-Type", imageManifest)
		}
		var got []string
		next := "/v2/library/app/tags/list?n=2"
		for next != "" {
			a := c.must(200, "GET", next, nil)
			names := a.body[strings.Index(a.body, "[")+1 : strings.Index(a.body, "]")]
			got = append(got, strings.Split(strings.ReplaceAll(names, `"`, ""), ",")...)
			next = ""
			if l := a.header.Get("Link"); l != "" {
				next = l[1:strings.Index(l, ">")]
			}
		}
		if want := "0 B C _x a b"; strings.Join(got, " ") != want {
			t.Fatalf("pages gave %v, want %s", got, want)
		}
		c.must(200, "GET", "/v2/library/app/tags/list?last=zzz", nil)
		if a := c.must(200, "GET", "/v2/library/app/tags/list?n=0", nil); !strings.Contains(a.body, `"tags":[]`) {
			t.Fatalf("n=0: %s", a.body)
		}
		for _, n := range []string{"-1", "x"} {
			if a := c.must(400, "GET", "/v2/library/app/tags/list?n="+n, nil); a.code() != "PAGINATION_NUMBER_INVALID" {
				t.Fatalf("n=%s: %s", n, a.body)
			}
		}
		c.must(404, "GET", "/v2/library/nosuch/tags/list", nil)
	})
}

// Each bad input gets the specification's error, and changes nothing.
func TestBadInput(t *testing.T) {
	apptest.Each(t, func(t *testing.T, s *apptest.Server) {
		c := admin(t, s)
		c.project("other", false)
		c.blob("other/app", "only there")
		good := c.image("library/app", "v1", "layer")
		const app = "/v2/library/app"
		at := func() string { return c.must(202, "POST", app+"/blobs/uploads/", nil).header.Get("Location") }
		big := `{"schemaVersion":2,"pad":"` + strings.Repeat("x", 4<<20) + `"}`
		both := strings.Replace(good, `"layers"`, `"manifests":[],"layers"`, 1)
		twice := strings.Replace(good, `"schemaVersion":2`, `"schemaVersion":2,"schemaVersion":2`, 1)
		foreign := manifestOf(config, "only there")
		md5 := "md5:d41d8cd98f00b204e9800998ecf8427e"
		cases := []struct {
			name, method, path string
			body               string
			mediaType          string
			status             int
			code               string
		}{
			{"wrong digest", "PUT", at() + "?digest=" + digestOf("other"), "bytes", "", 400, "DIGEST_INVALID"},
			{"wrong digest, one request", "POST", app + "/blobs/uploads/?digest=" + digestOf("other"), "bytes", "", 400, "DIGEST_INVALID"},
			{"no digest", "PUT", at(), "bytes", "", 400, "DIGEST_INVALID"},
			{"unknown algorithm", "PUT", at() + "?digest=" + md5, "bytes", "", 400, "DIGEST_INVALID"},
			{"blob of an unknown algorithm", "GET", app + "/blobs/" + md5, "", "", 400, "DIGEST_INVALID"},
			{"missing blob", "GET", app + "/blobs/" + digestOf("nothing"), "", "", 404, "BLOB_UNKNOWN"},
			{"blob of another project", "GET", app + "/blobs/" + digestOf("only there"), "", "", 404, "BLOB_UNKNOWN"},
			{"manifest naming a blob of another project", "PUT", app + "/manifests/v2", foreign, imageManifest, 404, "MANIFEST_BLOB_UNKNOWN"},
			{"manifest naming a missing blob", "PUT", app + "/manifests/v2", manifestOf(config, "nowhere"), imageManifest, 404, "MANIFEST_BLOB_UNKNOWN"},
			{"oversized manifest", "PUT", app + "/manifests/v2", big, imageManifest, 413, "MANIFEST_INVALID"},
			{"duplicate keys", "PUT", app + "/manifests/v2", twice, imageManifest, 400, "MANIFEST_INVALID"},
			{"manifests and layers", "PUT", app + "/manifests/v2", both, imageManifest, 400, "MANIFEST_INVALID"},
			{"content type of an index", "PUT", app + "/manifests/v2", good, imageIndex, 400, "MANIFEST_INVALID"},
			{"no content type", "PUT", app + "/manifests/v2", good, "", 400, "MANIFEST_INVALID"},
			{"unknown content type", "PUT", app + "/manifests/v2", good, "text/plain", 400, "MANIFEST_INVALID"},
			{"size that isn't the blob's", "PUT", app + "/manifests/v2", strings.Replace(good, `"size":5`, `"size":6`, 1), imageManifest, 400, "MANIFEST_INVALID"},
			{"not JSON", "PUT", app + "/manifests/v2", "}{", imageManifest, 400, "MANIFEST_INVALID"},
			{"manifest under another's digest", "PUT", app + "/manifests/" + digestOf("x"), good, imageManifest, 400, "DIGEST_INVALID"},
			{"tag of 129 characters", "PUT", app + "/manifests/" + strings.Repeat("t", 129), good, imageManifest, 404, "MANIFEST_UNKNOWN"},
			{"tag that is none", "GET", app + "/manifests/-x", "", "", 404, "MANIFEST_UNKNOWN"},
			{"missing manifest", "GET", app + "/manifests/nosuch", "", "", 404, "MANIFEST_UNKNOWN"},
			{"missing repository", "GET", "/v2/library/nosuch/manifests/v1", "", "", 404, "MANIFEST_UNKNOWN"},
			{"name with upper case", "GET", "/v2/library/App/manifests/v1", "", "", 400, "NAME_INVALID"},
			{"name without a project", "GET", "/v2/busybox/manifests/v1", "", "", 400, "NAME_INVALID"},
			{"unknown upload", "PATCH", app + "/blobs/uploads/00000000-0000-0000-0000-000000000000", "x", "", 404, "BLOB_UPLOAD_UNKNOWN"},
			{"upload id that is none", "PATCH", app + "/blobs/uploads/x.y", "x", "", 404, "BLOB_UPLOAD_UNKNOWN"},
			{"blob in use", "DELETE", app + "/blobs/" + digestOf("layer"), "", "", 412, "DENIED"},
			{"method", "POST", app + "/manifests/v1", "", "", 405, "UNSUPPORTED"},
		}
		for _, k := range cases {
			var headers []string
			if k.mediaType != "" {
				headers = []string{"Content-Type", k.mediaType}
			}
			got := c.do(k.method, k.path, k.body, headers...)
			if got.status != k.status || got.code() != k.code {
				t.Errorf("%s: got %d %s, want %d %s", k.name, got.status, got.body, k.status, k.code)
			}
		}
		if got := c.must(200, "GET", app+"/tags/list", nil).body; got != `{"name":"library/app","tags":["v1"]}` {
			t.Errorf("bad input left something: %s", got)
		}
	})
}

// Paths that a client library would clean up are sent as they are.
func TestPathTricks(t *testing.T) {
	s := apptest.Start(t, sqliteURL(t))
	c := admin(t, s)
	c.image("library/app", "v1", "l")
	for path, want := range map[string]string{
		"/v2/library/../library/app/manifests/v1":       "400",
		"/v2/library/%2e%2e/library/app/manifests/v1":   "400",
		"/v2/library%2fapp/manifests/v1":                "404",
		"/v2/library//app/manifests/v1":                 "400",
		"/v2//library/app/manifests/v1":                 "400",
		"/v2/library/app%00/manifests/v1":               "404",
		"/v2/library/app/manifests/..":                  "404",
		"/v2/library/app/blobs/..%2f..%2fetc%2fpasswd":  "404",
		"/v2/library/app/blobs/uploads/..%2f..%2fx":     "404",
		"/v2/library/app/manifests/v1/../../../../../x": "404",
	} {
		line := c.raw("GET " + path + " HTTP/1.1\r\nHost: " + s.Host + "\r\nAuthorization: Basic YWRtaW46QWRtaW4tMTIzNDU=\r\nConnection: close\r\n\r\n")
		if !strings.Contains(line, " "+want+" ") {
			t.Errorf("%s: got %q, want %s", path, line, want)
		}
	}
}

func TestTruncatedBody(t *testing.T) {
	apptest.Each(t, func(t *testing.T, s *apptest.Server) {
		c := admin(t, s)
		at := c.must(202, "POST", "/v2/library/app/blobs/uploads/", nil).header.Get("Location")
		line := c.raw("PATCH " + at + " HTTP/1.1\r\nHost: " + s.Host + "\r\nAuthorization: Basic YWRtaW46QWRtaW4tMTIzNDU=\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nhello\r\nnonsense\r\n")
		if !strings.Contains(line, " 400 ") {
			t.Fatalf("a broken body got %q", line)
		}
		// What arrived is kept, and the client is told how far it is.
		rng := c.must(204, "GET", at, nil).header.Get("Range")
		if rng != "0-4" {
			t.Fatalf("Range %q, want 0-4", rng)
		}
		c.must(201, "PUT", at+"?digest="+digestOf("hello!"), "!")
	})
}

func TestChallengeTellsNothing(t *testing.T) {
	s := apptest.Start(t, sqliteURL(t))
	c := admin(t, s)
	c.project("private", false)
	c.image("private/app", "v1", "l")
	stranger := c.user("stranger")
	nobody := &client{t: t, base: s.URL}
	for _, who := range []*client{nobody, stranger, stranger.token("repository:private/app:pull"), nobody.token("repository:private/app:pull")} {
		there := who.do("GET", "/v2/private/app/manifests/v1", nil)
		gone := who.do("GET", "/v2/nosuch/app/manifests/v1", nil)
		wa, wb := there.header.Get("WWW-Authenticate"), strings.ReplaceAll(gone.header.Get("WWW-Authenticate"), "nosuch", "private")
		if there.status != http.StatusUnauthorized || there.status != gone.status || there.body != gone.body || wa != wb || wa == "" {
			t.Errorf("%s: %d %s %q; absent: %d %s %q", who.username, there.status, there.body, wa, gone.status, gone.body, wb)
		}
	}
	got := nobody.do("GET", "/v2/", nil).header.Get("WWW-Authenticate")
	if want := `Bearer realm="` + s.URL + `/service/token",service="harbor-registry"`; got != want {
		t.Errorf("challenge %s, want %s", got, want)
	}
	wrong := c.as("admin", "wrong").do("GET", "/v2/", nil)
	if wrong.status != 401 || wrong.header.Get("WWW-Authenticate") != `Basic realm="harbor"` {
		t.Errorf("wrong password: %d %v", wrong.status, wrong.header)
	}
}
