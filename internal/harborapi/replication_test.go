package harborapi

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
)

// elsewhere names two registries, which are fakes: they answer that they are there, and no more.
func elsewhere(t *testing.T, f *fixture) {
	t.Helper()
	for i := range 2 {
		there := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
			w.Write([]byte("{}"))
		}))
		t.Cleanup(there.Close)
		f.must("admin", "POST", "/registries", fmt.Sprintf(`{"name":"r%d","type":"docker-registry","url":%q}`, i+1, there.URL), 201, nil)
	}
}

// The request of the manual, word for word, which Harbor refuses.
const theManuals = `{"name":"sync-to-production","src_registry":{"id":1},"dest_registry":{"id":2},"filters":[{"type":"name","value":"production/**"}],
	"trigger":{"type":"event_based"},"deletion":false,"enabled":true}`

func TestReplicationPolicies(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		f := newFixture(t, d)
		elsewhere(t, f)
		header := f.must("admin", "POST", "/replication/policies", theManuals, 201, nil)
		if header.Get("Location") != "/api/v2.0/replication/policies/1" || !strings.Contains(header.Get("Warning"), "looked at each minute") {
			t.Errorf("got %v", header)
		}
		var p map[string]any
		f.must("admin", "GET", "/replication/policies/1", "", 200, &p)
		if p["events_by"] != "polling" || p["relay"] != true || p["src_registry"].(map[string]any)["name"] != "r1" || p["dest_registry"].(map[string]any)["id"] != 2.0 {
			t.Errorf("got %v", p)
		}
		for name, c := range map[string]struct {
			body   string
			status int
			words  string
		}{
			"neither":   {`{"name":"a","src_registry":null,"dest_registry":null}`, 400, "either src_registry or dest_registry should be empty and the other one shouldn't be empty"},
			"cron":      {`{"name":"a","dest_registry":{"id":2},"trigger":{"type":"scheduled","trigger_settings":{"cron":"x"}}}`, 400, "invalid cron string for scheduled trigger: x"},
			"filter":    {`{"name":"a","dest_registry":{"id":2},"filters":[{"type":"size","value":"1"}]}`, 400, "invalid filter type"},
			"trigger":   {`{"name":"a","dest_registry":{"id":2},"trigger":{"type":"x"}}`, 400, "invalid trigger type"},
			"taken":     {`{"name":"sync-to-production","dest_registry":{"id":2}}`, 409, "already exists"},
			"registry":  {`{"name":"a","dest_registry":{"id":9}}`, 400, "registry 9 not found"},
			"labels":    {`{"name":"a","dest_registry":{"id":2},"filters":[{"type":"label","value":"x"}]}`, 400, "list"},
			"number":    {`{"name":"a","dest_registry":{"id":2},"filters":[{"type":"tag","value":1}]}`, 400, "text"},
			"no labels": {`{"name":"a","dest_registry":{"id":2},"filters":[{"type":"label","value":[1]}]}`, 400, "list"},
		} {
			if w := f.do("admin", "POST", "/replication/policies", c.body); w.Code != c.status || !strings.Contains(w.Body.String(), c.words) {
				t.Errorf("%s: got %d %s", name, w.Code, w.Body)
			}
		}
		full := `{"name":"p6","src_registry":{"id":1},"dest_registry":null,"filters":[{"type":"name","value":"production/{app,multi}"},{"type":"tag","value":"v*","decoration":"matches"},
			{"type":"label","value":["a","b"],"decoration":"excludes"},{"type":"resource","value":"image"}],"trigger":{"type":"scheduled","trigger_settings":{"cron":"0 0 0 * * *"}},"deletion":true,"enabled":false,
			"dest_namespace":"mirror","dest_namespace_replace_count":2,"override":true,"speed":7,"copy_by_chunk":true,"single_active_replication":true}`
		second := strings.TrimPrefix(f.must("admin", "POST", "/replication/policies", full, 201, nil).Get("Location"), "/api/v2.0")
		var all []map[string]any
		f.must("admin", "GET", "/replication/policies?name=p6", "", 200, &all)
		if len(all) != 1 {
			t.Fatalf("got %v", all)
		}
		got := all[0]
		for key, want := range map[string]any{
			"name": "p6", "dest_namespace": "mirror", "dest_namespace_replace_count": 2.0, "deletion": true, "replicate_deletion": true, "override": true, "enabled": false, "speed": 7.0,
			"copy_by_chunk": true, "single_active_replication": true,
			"filters": "[map[type:name value:production/{app,multi}] map[decoration:matches type:tag value:v*] map[decoration:excludes type:label value:[a b]] map[type:resource value:image]]",
			"trigger": "map[trigger_settings:map[cron:0 0 0 * * *] type:scheduled]",
		} {
			if fmt.Sprint(got[key]) != fmt.Sprint(want) {
				t.Errorf("%s is %v, want %v", key, got[key], want)
			}
		}
		if here := got["dest_registry"].(map[string]any); here["id"] != 0.0 || here["name"] != "Local" {
			t.Errorf("the destination is %v", here)
		}
		f.must("admin", "PUT", second, strings.Replace(full, "p6", "p7", 1), 200, nil)
		f.must("admin", "GET", second, "", 200, &got)
		if got["name"] != "p7" {
			t.Errorf("got %v", got)
		}
		if w := f.do("admin", "POST", "/replication/executions", `{"policy_id":`+strings.TrimPrefix(second, "/replication/policies/")+`}`); w.Code != 412 || !strings.Contains(w.Body.String(), "is disabled") {
			t.Errorf("got %d %s", w.Code, w.Body)
		}
		f.must("admin", "DELETE", second, "", 200, nil)
		if w := f.do("admin", "DELETE", "/replication/policies/999999", ""); w.Code != 404 || !strings.Contains(w.Body.String(), "replication policy 999999 not found") {
			t.Errorf("got %d %s", w.Code, w.Body)
		}
	})
}

func TestReplicationExecutions(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		f := newFixture(t, d)
		elsewhere(t, f)
		f.must("admin", "POST", "/replication/policies", `{"name":"p","dest_registry":{"id":2},"enabled":true}`, 201, nil)
		if header := f.must("admin", "POST", "/replication/executions", `{"policy_id":1}`, 201, nil); header.Get("Location") != "/api/v2.0/replication/executions/1" {
			t.Errorf("got %v", header)
		}
		var e map[string]any
		f.must("admin", "GET", "/replication/executions/1", "", 200, &e)
		for key, want := range map[string]any{
			"id": 1.0, "policy_id": 1.0, "status": "InProgress", "trigger": "manual", "status_text": "", "total": 0.0, "failed": 0.0, "succeed": 0.0, "in_progress": 0.0, "stopped": 0.0,
			"end_time": "0001-01-01T00:00:00.000Z",
		} {
			if e[key] != want {
				t.Errorf("%s is %v, want %v", key, e[key], want)
			}
		}
		if w := f.do("admin", "DELETE", "/replication/policies/1", ""); w.Code != 412 || !strings.Contains(w.Body.String(), `"contains executions that aren't in final status, stop the execution first"`) {
			t.Errorf("got %d %s", w.Code, w.Body)
		}
		f.must("admin", "PUT", "/replication/executions/1", "", 200, nil)
		var all []map[string]any
		for query, want := range map[string]int{"": 1, "?policy_id=1": 1, "?policy_id=2": 0, "?status=Stopped": 1, "?status=InProgress": 0, "?trigger=manual": 1, "?trigger=scheduled": 0} {
			f.must("admin", "GET", "/replication/executions"+query, "", 200, &all)
			if len(all) != want {
				t.Errorf("%s: got %v", query, all)
			}
		}
		f.must("admin", "GET", "/replication/executions/1/tasks", "", 200, &all)
		if len(all) != 0 {
			t.Errorf("the task that plans is shown: %v", all)
		}
		for path, words := range map[string]string{"/replication/executions/999999": "replication execution 999999 not found", "/replication/executions/1/tasks/999/log": "not found", "/replication/policies/9": "not found"} {
			if w := f.do("admin", "GET", path, ""); w.Code != 404 || !strings.Contains(w.Body.String(), words) {
				t.Errorf("%s: got %d %s", path, w.Code, w.Body)
			}
		}
	})
}
