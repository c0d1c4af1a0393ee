package havenapi

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/havenapi/gen"
)

func TestTagHistoryAPI(t *testing.T) {
	f := newFixture(t, dbtest.SQLite(t))
	alpha := f.project("alpha", false)
	f.user("guest")
	f.member(alpha, "guest", authz.Guest)
	one := f.push("alpha/lib/app", "v1", "one")
	then := time.Now()
	for time.Since(then) < time.Millisecond { // the next push is later, by the microseconds of the database
	}
	two := f.push("alpha/lib/app", "v1", "two")
	const path = "/projects/alpha/repositories/lib%252Fapp/tags/v1"
	var all []gen.TagNaming
	f.must("guest", http.MethodGet, path+"/history", "", 200, &all)
	if len(all) != 2 || all[0].Digest != string(two) || all[1].Digest != string(one) || !all[0].There || all[0].By != "admin" {
		t.Fatalf("the history is %+v", all)
	}
	var page []gen.TagNaming
	f.must("guest", http.MethodGet, path+"/history?page_size=1&before="+strconv.FormatInt(all[0].ID, 10), "", 200, &page)
	if len(page) != 1 || page[0] != all[1] {
		t.Errorf("the second page is %+v", page)
	}
	var layers []gen.ArtifactLayer
	f.must("guest", http.MethodGet, "/projects/alpha/repositories/lib%252Fapp/artifacts/v1/layers", "", 200, &layers)
	if layers == nil || len(layers) != 0 {
		t.Errorf("the layers of an image without any are %+v", layers)
	}
	at := "?time=" + url.QueryEscape(then.Format(time.RFC3339Nano))
	var n gen.TagNaming
	f.must("guest", http.MethodGet, path+"/at"+at, "", 200, &n)
	if n.Digest != string(one) || !n.There {
		t.Errorf("it named %+v", n)
	}
	w := f.do("guest", http.MethodGet, path+"/manifest"+at, "")
	if w.Code != 200 || w.Header().Get("Docker-Content-Digest") != string(one) || w.Header().Get("Content-Type") != "application/vnd.oci.image.manifest.v1+json" || !strings.HasPrefix(w.Body.String(), `{"schemaVersion":2`) {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	f.must("guest", http.MethodGet, path+"/at?time=2026-01-01T00:00:00Z", "", 404, nil)
	f.must("guest", http.MethodGet, path+"/manifest?time=2026-01-01T00:00:00Z", "", 404, nil)
	f.must("guest", http.MethodGet, path+"/at?time=yesterday", "", 422, nil)
	f.must("guest", http.MethodGet, "/projects/alpha/repositories/none/tags/v1/history", "", 404, nil)
}
