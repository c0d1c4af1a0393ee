package harborapi

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
)

func TestRetention(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		f := newFixture(t, d)
		id := f.project("admin", "p", false)
		f.push("p/app", "v1", "1")
		body := func(project, cron string) string {
			return fmt.Sprintf(`{"algorithm":"or","scope":{"level":"project","ref":%s},"trigger":{"kind":"Schedule","settings":{"cron":%q},"references":{}},
				"rules":[{"disabled":false,"action":"retain","template":"latestPushedK","params":{"latestPushedK":1},
				"tag_selectors":[{"kind":"doublestar","decoration":"matches","pattern":"**","extras":"{\"untagged\":true}"}],
				"scope_selectors":{"repository":[{"kind":"doublestar","decoration":"repoMatches","pattern":"**"}]}}]}`, project, cron)
		}
		location := f.must("admin", "POST", "/retentions", body(id, ""), 201, nil).Get("Location")
		policy := strings.TrimPrefix(location, "/api/v2.0")
		var got, want map[string]any
		f.must("admin", "GET", policy, "", 200, &got)
		number := policy[strings.LastIndexByte(policy, '/')+1:]
		ok(t, json.Unmarshal([]byte(`{"algorithm":"or","id":`+number+`,"rules":[{"action":"retain","params":{"latestPushedK":1},"scope_selectors":{"repository":[{"decoration":"repoMatches","kind":"doublestar","pattern":"**"}]},
			"tag_selectors":[{"decoration":"matches","extras":"{\"untagged\":true}","kind":"doublestar","pattern":"**"}],"template":"latestPushedK"}],
			"scope":{"level":"project","ref":`+id+`},"trigger":{"kind":"Schedule","settings":{"cron":""}}}`), &want))
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		var project struct{ Metadata map[string]string }
		f.must("admin", "GET", "/projects/p", "", 200, &project)
		if project.Metadata["retention_id"] != number {
			t.Errorf("metadata %v", project.Metadata)
		}
		f.must("admin", "PUT", policy, body(id, "0 0 * * * *"), 200, nil)
		f.must("admin", "GET", policy, "", 200, &got)
		if settings := got["trigger"].(map[string]any)["settings"].(map[string]any); settings["cron"] != "0 0 * * * *" || settings["next_scheduled_time"] == nil {
			t.Errorf("got %v", settings)
		}
		execution := strings.TrimPrefix(f.must("admin", "POST", policy+"/executions", `{"dry_run":true}`, 201, nil).Get("Location"), "/api/v2.0")
		if !strings.HasPrefix(execution, policy+"/executions/") {
			t.Errorf("location %s", execution)
		}
		var list []map[string]any
		if h := f.must("admin", "GET", policy+"/executions", "", 200, &list); h.Get("X-Total-Count") != "1" || list[0]["dry_run"] != true || list[0]["status"] != "Running" || list[0]["trigger"] != "MANUAL" {
			t.Errorf("got %v", list)
		}
		f.must("admin", "GET", execution+"/tasks", "", 200, &list)
		if len(list) != 1 || list[0]["repository"] != "app" || list[0]["total"] != 0.0 {
			t.Errorf("got %v", list)
		}
		log := fmt.Sprintf("%s/tasks/%v", execution, list[0]["id"])
		for _, c := range []struct {
			method, path, body string
			status             int
			words              string
		}{
			{"POST", "/retentions", body(id, ""), 400, "already has retention policy " + number},
			{"POST", "/retentions", body("999999", ""), 400, "invalid Project id 999999"},
			{"POST", "/retentions", strings.Replace(body(id, ""), `"level":"project"`, `"level":"system"`, 1), 400, "scope"},
			{"PUT", policy, body(id, "nonsense"), 400, "invalid cron string for scheduled tag retention: nonsense, error: "},
			{"GET", "/retentions/999999", "", 404, "retention policy 999999 not found"},
			{"DELETE", "/retentions/999999", "", 400, "no such Retention policy"},
			{"POST", "/retentions/999999/executions", `{"dry_run":true}`, 400, "no such Retention policy"},
			{"GET", "/retentions/999999/executions", "", 400, "no such Retention policy"},
			{"GET", log, "", 200, ""},
			{"GET", execution + "/tasks/999999", "", 404, "not found"},
			{"PATCH", execution, `{"action":"start"}`, 400, "stop"},
			{"PATCH", policy + "/executions/999999", `{"action":"stop"}`, 400, "no such Retention execution"},
			{"PATCH", execution, `{"action":"stop"}`, 200, ""},
			{"DELETE", policy, "", 200, ""},
			{"GET", policy, "", 404, ""},
		} {
			if w := f.do("admin", c.method, c.path, c.body); w.Code != c.status || !strings.Contains(w.Body.String(), c.words) {
				t.Errorf("%s %s: got %d %s", c.method, c.path, w.Code, w.Body)
			}
		}
	})
}
