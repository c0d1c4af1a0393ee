package harborapi

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
)

func TestOnePathOneSpelling(t *testing.T) {
	f := newFixture(t, dbtest.SQLite(t))
	f.project("admin", "p", true)
	f.push("p/a/b", "v1", "x")
	for _, c := range []struct {
		method, path string
		status       int
		body         string // part of it
	}{
		{"GET", "/projects/p/", 200, `"name":"p"`},
		{"GET", "//projects///p", 200, `"name":"p"`},
		{"GET", "/quotas/?page=1&page_size=100", 200, `"hard"`},
		{"GET", "/projects/p/metadatas", 200, `"public"`},
		{"GET", "/projects/p/metadatas/", 200, `"public"`},
		{"GET", "/projects/p/repositories/a%252Fb", 200, `"name":"p/a/b"`},
		{"GET", "/projects/p/repositories/a%2Fb", 200, `"name":"p/a/b"`},
		{"GET", "/projects/p/repositories/a%252Fb/artifacts/v1/tags", 200, `"name":"v1"`},
		{"GET", "/projects/p/repositories/a%2Fb/artifacts/v1", 200, `/repositories/a%252Fb/artifacts/sha256:`},
		{"GET", "/nosuch", 404, `{"errors":[{"code":"NOT_FOUND","message":"path /api/v2.0/nosuch was not found"}]}`},
		{"PATCH", "/projects", 405, `{"errors":[{"code":"METHOD_NOT_ALLOWED","message":"method PATCH is not allowed, but [GET,HEAD,POST] are"}]}`},
		{"GET", "/projects/p/../other", 400, `malformed path`},
		{"GET", "/projects/p%2500", 400, `malformed path`},
		{"GET", "/projects?a=1;b=2", 400, `malformed query`},
		{"GET", "/projects?q=name", 400, `the query string must contain \"=\" and the key/value cannot be empty`},
		{"GET", "/projects?page_size=101", 422, `validation failure list:\npage_size in query should be less than or equal to 100`},
		{"GET", "/projects?page=9", 200, `[]`},
		{"HEAD", "/projects?project_name=p", 200, ``},
		{"HEAD", "/projects?project_name=nosuch", 404, ``},
	} {
		w := f.do("admin", c.method, c.path, "")
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.body) {
			t.Errorf("%s %s: %d %s; want %d %s", c.method, c.path, w.Code, w.Body, c.status, c.body)
		}
	}
}

func TestMethodOverrideIsRefused(t *testing.T) {
	f := newFixture(t, dbtest.SQLite(t))
	r := httptest.NewRequest(http.MethodGet, "/api/v2.0/projects", nil)
	r.Header.Set("X-HTTP-Method-Override", "DELETE")
	w := recorder(f, r)
	if w.Code != http.StatusBadRequest {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// What one of the two databases doesn't take is refused by both.
func TestTextsThatAreNone(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		f := newFixture(t, d)
		f.project("admin", "p", true)
		for _, c := range []struct {
			method, path, body string
			status             int
			want               string
		}{
			{"POST", "/labels", `{"name":"a","description":"b\u0000","scope":"g"}`, 400, "U+0000"},
			{"POST", "/labels", `{"name":"\\\u0000","scope":"g"}`, 400, "U+0000"},
			{"POST", "/labels", `{"name":"\\u0000","scope":"g"}`, 201, ""}, // a backslash and five letters
			{"POST", "/projects/p/webhook/policies", `{"name":"w","creator":"\u0000","event_types":["PUSH_ARTIFACT"],"targets":[{"type":"http","address":"http://x/"}]}`, 400, "U+0000"},
			{"GET", "/labels?scope=g&name=%00", "", 400, "malformed query"},
			{"GET", "/labels?scope=g&name=%ff", "", 400, "malformed query"},
			{"GET", "/labels?scope=g&q=name%3D%2500", "", 400, "invalid query string value"},
			{"GET", "/projects/%ff", "", 400, "malformed path"},
		} {
			if w := f.do("admin", c.method, c.path, c.body); w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
				t.Errorf("%s %s %s: %d %s", c.method, c.path, c.body, w.Code, w.Body)
			}
		}
	})
}

func TestNumericNames(t *testing.T) {
	f := newFixture(t, dbtest.SQLite(t))
	f.project("admin", "4711", true)
	for header, want := range map[string]int{"": 404, "false": 404, "true": 200} {
		r := httptest.NewRequest(http.MethodGet, "/api/v2.0/projects/4711", nil)
		r.SetBasicAuth("admin", password)
		if header != "" {
			r.Header.Set("X-Is-Resource-Name", header)
		}
		if w := recorder(f, r); w.Code != want {
			t.Errorf("X-Is-Resource-Name %q: %d %s; want %d", header, w.Code, w.Body, want)
		}
	}
	if w := f.do("admin", "GET", "/projects/4711/repositories", ""); w.Code != 200 {
		t.Errorf("a path that takes names only: %d %s", w.Code, w.Body)
	}
}

func TestLocationOfAProject(t *testing.T) {
	f := newFixture(t, dbtest.SQLite(t))
	for header, want := range map[string]string{"true": "/api/v2.0/projects/byname", "false": "/api/v2.0/projects/2"} {
		name := map[string]string{"true": "byname", "false": "byid"}[header]
		r := httptest.NewRequest(http.MethodPost, "/api/v2.0/projects/", strings.NewReader(`{"project_name":"`+name+`"}`))
		r.SetBasicAuth("admin", password)
		r.Header.Set("X-Resource-Name-In-Location", header)
		w := recorder(f, r)
		got := w.Header().Get("Location")
		if w.Code != 201 || header == "true" && got != want || header == "false" && strings.TrimRight(got, "0123456789") != "/api/v2.0/projects/" {
			t.Errorf("%s: %d %s; want %s", header, w.Code, got, want)
		}
	}
}

func TestWrongCredentialsAreNeverAnonymous(t *testing.T) {
	f := newFixture(t, dbtest.SQLite(t))
	f.logins["admin"] = "Wrong-12345"
	for _, path := range []string{"/ping", "/systeminfo", "/projects"} {
		if w := f.do("admin", "GET", path, ""); w.Code != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

func TestUnknownKeysAreNamed(t *testing.T) {
	f := newFixture(t, dbtest.SQLite(t))
	w := f.do("admin", "GET", "/projects?q=colour%3Dred,name%3Dlibrary&sort=size", "")
	if got := w.Header().Values("Warning"); w.Code != 200 || len(got) != 2 ||
		got[0] != `299 haven "ignored unknown key colour"` || got[1] != `299 haven "ignored unknown key size"` {
		t.Errorf("%d %q", w.Code, got)
	}
}

func TestReadOnly(t *testing.T) {
	f := newFixture(t, dbtest.SQLite(t))
	f.must("admin", "PUT", "/configurations", `{"read_only":true}`, 200, nil)
	w := f.do("admin", "POST", "/projects", `{"project_name":"x"}`)
	const want = `{"errors":[{"code":"DENIED","message":"The system is in read only mode. Any modification is prohibited."}]}`
	if w.Code != 403 || strings.TrimSpace(w.Body.String()) != want {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	f.must("admin", "GET", "/projects", "", 200, nil)
	// Work can be stopped and go on; what begins it is a change.
	for request, refused := range map[string]bool{
		"PUT /jobservice/queues/all {\"action\":\"pause\"}":                  false,
		"PUT /jobservice/queues/IMAGE_SCAN/ {\"action\":\"resume\"}":         false,
		"PUT /jobservice/jobs/all":                                           false,
		"POST /projects/library/repositories/a%252Fb/artifacts/v/scan/stop":  false,
		"POST /system/scanAll/stop":                                          false,
		"PUT /system/purgeaudit/7":                                           false,
		"PUT /system/gc/7":                                                   false,
		"PUT /system/purgeaudit/schedule {\"schedule\":{\"type\":\"None\"}}": true,
		"POST /system/scanAll/schedule {\"schedule\":{\"type\":\"Manual\"}}": true,
		"POST /projects/library/repositories/a/artifacts/v/scan":             true,
		"DELETE /jobservice/queues/all":                                      true,
	} {
		method, rest, _ := strings.Cut(request, " ")
		path, body, _ := strings.Cut(rest, " ")
		w := f.do("admin", method, path, body)
		if got := strings.TrimSpace(w.Body.String()) == want; got != refused {
			t.Errorf("%s: %d %s", request, w.Code, w.Body)
		}
	}
	f.must("admin", "PUT", "/configurations", `{"read_only":false}`, 200, nil)
	f.must("admin", "POST", "/projects", `{"project_name":"x"}`, 201, nil)
}

// The fields of an artifact that isn't tagged, and what is null rather than empty.
func TestArtifactJSON(t *testing.T) {
	f := newFixture(t, dbtest.SQLite(t))
	f.project("admin", "p", true)
	f.push("p/a/b", "v1", "x")
	var a map[string]any
	f.must("", "GET", "/projects/p/repositories/a%252Fb/artifacts/v1?with_tag=false", "", 200, &a)
	for _, key := range []string{"tags", "references", "accessories", "labels"} {
		if v, there := a[key]; !there || v != nil {
			t.Errorf("%s is %v, want null", key, v)
		}
	}
	attrs, err := json.Marshal(a["extra_attrs"])
	ok(t, err)
	if !strings.Contains(string(attrs), `"architecture":"amd64"`) {
		t.Errorf("extra_attrs %s", attrs)
	}
	if a["pull_time"] != "0001-01-01T00:00:00.000Z" || a["type"] != "IMAGE" || a["repository_name"] != "p/a/b" {
		t.Errorf("%v", a)
	}
	w := f.do("", "GET", "/projects/p/repositories/a%252Fb/artifacts/v1/additions/BUILD_HISTORY", "")
	if w.Code != 200 || strings.TrimSpace(w.Body.String()) != `[{"created_by":"x"}]` || w.Header().Get("Content-Disposition") != "attachment" {
		t.Errorf("build history: %d %s %v", w.Code, w.Body, w.Header())
	}
}

// Artifacts are found by all of their labels, and a page shows them.
func TestLabelsOfArtifacts(t *testing.T) {
	f := newFixture(t, dbtest.SQLite(t))
	f.project("admin", "p", false)
	const repo = "/projects/p/repositories/app/artifacts"
	var ids []string
	for _, name := range []string{"gold", "silver"} {
		ids = append(ids, lastSegment(f.must("admin", "POST", "/labels", `{"name":"`+name+`","scope":"g"}`, 201, nil)))
	}
	for _, tag := range []string{"v1", "v2"} {
		f.push("p/app", tag, tag)
		f.must("admin", "POST", repo+"/"+tag+"/labels", `{"id":`+ids[0]+`}`, 200, nil)
	}
	f.must("admin", "POST", repo+"/v2/labels", `{"id":`+ids[1]+`}`, 200, nil)
	for q, want := range map[string]int{
		"labels%3D(" + ids[0] + ")": 2, "labels%3D(" + ids[0] + "%20" + ids[1] + ")": 1, "labels%3D(999)": 0,
	} {
		var found []struct{ Labels []struct{ Name string } }
		f.must("admin", "GET", repo+"?with_label=true&q="+q, "", 200, &found)
		if len(found) != want {
			t.Errorf("%s: %d artifacts, want %d", q, len(found), want)
		}
		if want == 1 && len(found[0].Labels) != 2 {
			t.Errorf("%s: labels %v", q, found[0].Labels)
		}
	}
	f.must("admin", "GET", repo+"?q=labels%3D(x)", "", 400, nil)
}

func TestHealthIsAskedOncePerWhile(t *testing.T) {
	f := newFixture(t, dbtest.SQLite(t))
	for range 5 {
		var h struct{ Status string }
		if f.must("", "GET", "/health", "", 200, &h); h.Status != "healthy" {
			t.Fatalf("%+v", h)
		}
	}
	if f.checks != 1 {
		t.Errorf("five questions made %d checks", f.checks)
	}
}
