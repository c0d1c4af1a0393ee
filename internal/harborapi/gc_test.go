package harborapi

import (
	"fmt"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
)

// The shapes are those that a Harbor answers.
func TestGCAPI(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		f := newFixture(t, d)
		const path = "/system/gc"
		w := f.do("admin", "GET", path+"/schedule", "")
		if w.Code != 200 || w.Body.Len() != 0 || w.Header().Get("Content-Type") != "application/json" {
			t.Fatalf("without a schedule: %d %q", w.Code, w.Body)
		}
		for _, bad := range []string{
			`{}`, `{"schedule":{"type":"Hourly"}}`, `{"schedule":{"type":"Custom","cron":"bad"},"parameters":{}}`,
			`{"schedule":{"type":"Hourly","cron":"1 0 * * * *"}}`, `{"schedule":{"type":"Manual"},"parameters":{"workers":11}}`,
			`{"schedule":{"type":"Daily","cron":"0 0 0 * * *"},"parameters":{"workers":0}}`, `{"schedule":{"type":"Manual"},"parameters":{"delete_untagged":"x"}}`,
		} {
			f.must("admin", "POST", path+"/schedule", bad, 400, nil)
			f.must("admin", "PUT", path+"/schedule", bad, 400, nil)
		}
		f.must("admin", "POST", path+"/schedule", `{"schedule":{"type":"Sometimes"}}`, 422, nil)

		h := f.must("admin", "POST", path+"/schedule", `{"schedule":{"type":"Weekly","cron":"0 0 0 * * 0"},"parameters":{"delete_untagged":true,"workers":2,"additionalProp1":"x"}}`, 201, nil)
		if got := h.Get("Location"); got != "/api/v2.0"+path+"/0" {
			t.Errorf("Location is %s", got)
		}
		var s map[string]any
		f.must("admin", "GET", path+"/schedule", "", 200, &s)
		schedule := s["schedule"].(map[string]any)
		if s["job_kind"] != "0 0 0 * * 0" || s["job_parameters"] != `{"delete_tag":false,"delete_untagged":true,"workers":2}` ||
			schedule["type"] != "Weekly" || schedule["cron"] != "0 0 0 * * 0" || s["job_status"] != "Running" {
			t.Errorf("the schedule is %v", s)
		}
		f.must("admin", "PUT", path+"/schedule", `{"schedule":{"type":"None"},"parameters":{}}`, 200, nil)
		if w := f.do("admin", "GET", path+"/schedule", ""); w.Body.Len() != 0 {
			t.Errorf("after None the schedule is %s", w.Body)
		}

		id := lastSegment(f.must("admin", "POST", path+"/schedule", `{"schedule":{"type":"Manual"},"parameters":{"delete_untagged":false,"dry_run":true,"workers":1}}`, 201, nil))
		var one map[string]any
		f.must("admin", "GET", path+"/"+id, "", 200, &one)
		if fmt.Sprint(one["id"], one["job_name"], one["job_kind"], one["schedule"]) != id+"GARBAGE_COLLECTIONMANUALmap[next_scheduled_time:0001-01-01T00:00:00.000Z type:Manual]" || one["job_status"] != "Pending" ||
			one["job_parameters"] != `{"delete_tag":false,"delete_untagged":false,"dry_run":true,"freed_space":0,"purged_blobs":0,"purged_manifests":0,"time_window":2,"workers":1}` {
			t.Errorf("the run is %v", one)
		}
		f.must("admin", "PUT", path+"/"+id, "", 200, nil)
		var list []map[string]any
		h = f.must("admin", "GET", path+"?q=status%3DStopped", "", 200, &list)
		if len(list) != 1 || list[0]["job_status"] != "Stopped" || h.Get("X-Total-Count") != "1" {
			t.Errorf("the runs are %v", list)
		}
		if w := f.do("admin", "GET", path+"/"+id+"/log", ""); w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") || !strings.Contains(w.Body.String(), "stopped by admin") {
			t.Errorf("the log: %d %q", w.Code, w.Body)
		}
		// A purge isn't a run that collects garbage.
		purge := lastSegment(f.must("admin", "POST", "/system/purgeaudit/schedule", `{"schedule":{"type":"Manual"},"parameters":{"audit_retention_hour":24,"include_event_types":"other"}}`, 201, nil))
		for _, missing := range []string{"999", purge} {
			f.must("admin", "GET", path+"/"+missing, "", 404, nil)
			f.must("admin", "GET", path+"/"+missing+"/log", "", 404, nil)
			f.must("admin", "PUT", path+"/"+missing, "", 404, nil)
		}
	})
}
