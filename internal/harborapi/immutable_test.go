package harborapi

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
)

const vRule = `{"disabled":false,"action":"immutable","template":"immutable_template","tag_selectors":[{"kind":"doublestar","decoration":"matches","pattern":"v*"}],
	"scope_selectors":{"repository":[{"kind":"doublestar","decoration":"repoMatches","pattern":"app"}]}}`

func TestImmutableRules(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		f := newFixture(t, d)
		f.project("admin", "p", false)
		f.push("p/app", "v1", "1")
		f.push("p/app", "x", "1")
		const rules = "/projects/p/immutabletagrules"
		if h := f.must("admin", "POST", rules, vRule, 201, nil); h.Get("Location") != "/api/v2.0"+rules+"/1" {
			t.Errorf("got %v", h)
		}
		var list []map[string]any
		if h := f.must("admin", "GET", rules, "", 200, &list); h.Get("X-Total-Count") != "1" {
			t.Errorf("got %v", h)
		}
		var want map[string]any
		ok(t, json.Unmarshal([]byte(vRule), &want))
		delete(want, "disabled") // left out when false, as Harbor does
		want["id"] = 1.0
		if len(list) != 1 || !reflect.DeepEqual(list[0], want) {
			t.Errorf("got %v", list)
		}
		var tags []map[string]any
		f.must("admin", "GET", "/projects/p/repositories/app/artifacts/v1/tags?with_immutable_status=true&sort=name", "", 200, &tags)
		if len(tags) != 2 || tags[0]["immutable"] != true || tags[1]["immutable"] != false {
			t.Errorf("got %v", tags)
		}
		var artifacts []struct{ Tags []map[string]any }
		for query, expected := range map[string]bool{"?with_immutable_status=true": true, "": false} {
			f.must("admin", "GET", "/projects/p/artifacts"+query, "", 200, &artifacts)
			some := false
			for _, tag := range artifacts[0].Tags {
				some = some || tag["immutable"] == true
			}
			if some != expected {
				t.Errorf("%q: got %v", query, artifacts)
			}
		}
		for _, c := range []struct {
			method, path, body string
			status             int
			words              string
		}{
			{"POST", rules, vRule, 409, "immutable rule already exists"},
			{"DELETE", "/projects/p/repositories/app/artifacts/v1/tags/v1", "", 412, "the tag v1 configured as immutable, cannot be deleted (rule 1: tags v* of app)"},
			{"DELETE", "/projects/p/repositories/app/artifacts/x", "", 412, "the tag v1 configured as immutable, cannot be deleted"},
			{"DELETE", "/projects/p/repositories/app", "", 412, "the tag v1 configured as immutable, cannot be deleted"},
			{"PUT", rules + "/1", strings.Replace(vRule, "{", `{"id":2,`, 1), 400, "mismatch"},
			{"PUT", rules + "/999999", strings.Replace(vRule, "{", `{"id":999999,`, 1), 404, "immutable rule 999999 not found"},
			{"DELETE", rules + "/999999", "", 404, "immutable rule 999999 not found"},
			{"PUT", rules + "/1", strings.Replace(vRule, `"disabled":false`, `"id":1,"disabled":true`, 1), 200, ""},
			{"DELETE", "/projects/p/repositories/app/artifacts/v1/tags/v1", "", 200, ""},
			{"DELETE", rules + "/1", "", 200, ""},
		} {
			if w := f.do("admin", c.method, c.path, c.body); w.Code != c.status || !strings.Contains(w.Body.String(), c.words) {
				t.Errorf("%s %s: got %d %s", c.method, c.path, w.Code, w.Body)
			}
		}
	})
}
