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

// The shapes are those that a Harbor answers, but for the Location of an execution, which is the whole path.
func TestPreheatAPI(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		f := newFixture(t, d)
		well := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})) // stands for a Dragonfly
		defer well.Close()
		var providers []map[string]any
		f.must("admin", "GET", "/p2p/preheat/providers", "", 200, &providers)
		if len(providers) != 2 || providers[0]["id"] != "dragonfly" || providers[1]["name"] != "Kraken" {
			t.Errorf("providers are %v", providers)
		}
		const instances = "/p2p/preheat/instances"
		h := f.must("admin", "POST", instances, `{"name":"df","vendor":"dragonfly","endpoint":"http://127.0.0.1:9","auth_mode":"NONE","enabled":true,"insecure":true}`, 201, nil)
		if got := h.Get("Location"); got != "/api/v2.0/p2p/preheat/instances/df" {
			t.Errorf("Location is %s", got)
		}
		f.must("admin", "POST", instances, `{"name":"df","vendor":"dragonfly","endpoint":"http://127.0.0.1:9"}`, 409, nil)
		f.must("admin", "POST", instances, `{"name":"bad name","vendor":"dragonfly","endpoint":"http://127.0.0.1:9"}`, 400, nil)
		f.must("admin", "PUT", instances+"/df", `{"name":"df","vendor":"kraken","endpoint":"`+well.URL+`","auth_mode":"BASIC","auth_info":{"username":"u","password":"canary"},"enabled":true,"default":true}`, 200, nil)
		var i map[string]any
		f.must("admin", "GET", instances+"/df", "", 200, &i)
		if i["vendor"] != "kraken" || i["status"] != "Unknown" || i["default"] != true || i["insecure"] != false || i["auth_info"] != nil {
			t.Errorf("the instance is %v", i)
		}
		if w := f.do("admin", "GET", instances, ""); strings.Contains(w.Body.String(), "canary") || w.Header().Get("X-Total-Count") != "1" {
			t.Errorf("the instances are %s", w.Body)
		}
		id := fmt.Sprint(i["id"])
		f.must("admin", "POST", instances+"/ping", `{"id":`+id+`}`, 200, nil)
		f.must("admin", "POST", instances+"/ping", `{"vendor":"kraken","endpoint":"http://127.0.0.1:1"}`, 400, nil)
		f.must("admin", "POST", instances+"/ping", `{"id":999}`, 404, nil)

		f.user("padmin")
		f.project("padmin", "warm", false)
		const policies = "/projects/warm/preheat/policies"
		sent := `{"name":"all","provider_id":` + id + `,"filters":"[{\"type\":\"repository\",\"value\":\"**\"},{\"type\":\"vulnerability\",\"value\":3}]","trigger":"{\"type\":\"manual\",\"trigger_setting\":{\"cron\":\"\"}}","enabled":true}`
		h = f.must("padmin", "POST", policies, sent, 201, nil)
		if got := h.Get("Location"); got != "/api/v2.0"+policies+"/all" {
			t.Errorf("Location is %s", got)
		}
		f.must("padmin", "POST", policies, sent, 409, nil)
		f.must("padmin", "POST", policies, strings.Replace(sent, `"all"`, `"-"`, 1), 400, nil)
		f.must("padmin", "POST", policies, `{"name":"x","provider_id":999}`, 404, nil)
		var p map[string]any
		f.must("padmin", "GET", policies+"/all", "", 200, &p)
		if p["provider_name"] != "df" || p["filters"] != `[{"type":"repository","value":"**"},{"type":"vulnerability","value":3}]` || p["trigger"] != `{"type":"manual","trigger_setting":{"cron":""}}` {
			t.Errorf("the policy is %v", p)
		}
		f.must("padmin", "PUT", policies+"/all", strings.Replace(sent, `"name":"all"`, `"name":"all","description":"changed"`, 1), 200, nil)
		var under []map[string]any
		f.must("padmin", "GET", "/projects/warm/preheat/providers", "", 200, &under)
		if len(under) != 1 || under[0]["enabled"] != true || under[0]["default"] != true {
			t.Errorf("under the project there is %v", under)
		}
		h = f.must("padmin", "POST", policies+"/all", sent, 201, nil)
		run := h.Get("Location")
		if !strings.HasPrefix(run, "/api/v2.0"+policies+"/all/executions/") {
			t.Errorf("Location is %s", run)
		}
		run = strings.TrimPrefix(run, "/api/v2.0")
		var e map[string]any
		f.must("padmin", "GET", run, "", 200, &e)
		if e["vendor_type"] != "P2P_PREHEAT" || e["status"] != "Pending" || e["trigger"] != "manual" || fmt.Sprint(e["extra_attrs"]) != "map[totalCount:0 trigger:manual triggerSetting:-]" {
			t.Errorf("the execution is %v", e)
		}
		f.must("padmin", "DELETE", policies+"/all", "", 412, nil)
		f.must("padmin", "PATCH", run, `{"status":"Running"}`, 400, nil)
		f.must("padmin", "PATCH", run, `{"status":"Stopped"}`, 200, nil)
		var list []map[string]any
		f.must("padmin", "GET", policies+"/all/executions?q=status%3DStopped", "", 200, &list)
		if len(list) != 1 {
			t.Errorf("the executions are %v", list)
		}
		for trigger, want := range map[string]int{"manual": 1, "scheduled": 0, "MANUAL": 1} {
			f.must("padmin", "GET", policies+"/all/executions?q=trigger%3D"+trigger, "", 200, &list)
			if len(list) != want {
				t.Errorf("%d executions began by %s", len(list), trigger)
			}
		}
		f.must("padmin", "GET", run+"/tasks", "", 200, &list)
		if len(list) != 0 {
			t.Errorf("the tasks are %v", list)
		}
		f.must("padmin", "GET", run+"/tasks/999/logs", "", 404, nil)
		f.must("admin", "DELETE", instances+"/df", "", 409, nil)
		f.must("padmin", "DELETE", policies+"/all", "", 200, nil)
		f.must("padmin", "GET", policies+"/all", "", 404, nil)
		f.must("admin", "DELETE", instances+"/df", "", 200, nil)
	})
}

// preheated makes a policy in a project and a run of it.
func (f *fixture) preheated(project string) (policy, execution string) {
	f.t.Helper()
	f.must("admin", "POST", "/p2p/preheat/instances", `{"name":"df","vendor":"dragonfly","endpoint":"http://127.0.0.1:9","enabled":true}`, 201, nil)
	var i struct{ ID int64 }
	f.must("admin", "GET", "/p2p/preheat/instances/df", "", 200, &i)
	at := "/projects/" + project + "/preheat/policies"
	sent := fmt.Sprintf(`{"name":"all","provider_id":%d,"filters":"[{\"type\":\"repository\",\"value\":\"**\"}]","trigger":"{\"type\":\"manual\"}","enabled":true}`, i.ID)
	f.must("admin", "POST", at, sent, 201, nil)
	return "all", lastSegment(f.must("admin", "POST", at+"/all", sent, 201, nil))
}
