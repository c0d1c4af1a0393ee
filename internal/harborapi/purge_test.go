package harborapi

import (
	"fmt"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
)

// The shapes are those that a Harbor answers.
func TestPurgeAPI(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		f := newFixture(t, d)
		const path = "/system/purgeaudit"
		w := f.do("admin", "GET", path+"/schedule", "")
		if w.Code != 200 || w.Body.Len() != 0 || w.Header().Get("Content-Type") != "application/json" {
			t.Fatalf("without a schedule: %d %q", w.Code, w.Body)
		}
		for _, bad := range []string{
			`{}`, `{"schedule":{"type":"Hourly","cron":"0 0 * * * *"}}`,
			`{"schedule":{"type":"Hourly"},"parameters":{"audit_retention_hour":24,"include_event_types":"other"}}`,
			`{"schedule":{"type":"Hourly","cron":"1 0 * * * *"},"parameters":{"audit_retention_hour":24,"include_event_types":"other"}}`,
			`{"schedule":{"type":"Manual"},"parameters":{"audit_retention_hour":240001,"include_event_types":"other"}}`,
		} {
			f.must("admin", "POST", path+"/schedule", bad, 400, nil)
			f.must("admin", "PUT", path+"/schedule", bad, 400, nil)
		}
		f.must("admin", "POST", path+"/schedule", `{"schedule":{"type":"Sometimes"}}`, 422, nil)

		// As Terraform sends it.
		hourly := `{"id":0,"additionalProp1":true,"schedule":{"type":"Hourly","cron":"0 0 * * * *"},
			"parameters":{"audit_retention_hour":24,"include_event_types":"create_artifact,delete_artifact,pull_artifact","dry_run":true,"additionalProp1":false}}`
		h := f.must("admin", "POST", path+"/schedule", hourly, 201, nil)
		if got := h.Get("Location"); got != "/api/v2.0"+path+"/0" {
			t.Errorf("Location is %s", got)
		}
		var s map[string]any
		f.must("admin", "GET", path+"/schedule", "", 200, &s)
		schedule := s["schedule"].(map[string]any)
		if s["job_kind"] != "0 0 * * * *" || s["job_parameters"] != `{"audit_retention_hour":24,"dry_run":true,"include_event_types":"create_artifact,delete_artifact,pull_artifact"}` ||
			schedule["type"] != "Hourly" || schedule["cron"] != "0 0 * * * *" || !strings.HasSuffix(schedule["next_scheduled_time"].(string), ":00:00.000Z") || s["job_name"] != nil {
			t.Errorf("the schedule is %v", s)
		}
		f.must("admin", "PUT", path+"/schedule", strings.Replace(strings.Replace(hourly, "Hourly", "Daily", 1), "0 0 *", "0 0 0", 1), 200, nil)
		var all []map[string]any
		f.must("admin", "GET", "/schedules", "", 200, &all)
		if len(all) != 1 || all[0]["vendor_type"] != "PURGE_AUDIT_LOG" || all[0]["vendor_id"] != -1.0 || all[0]["cron"] != "0 0 0 * * *" {
			t.Errorf("what runs by the clock is %v", all)
		}
		f.must("admin", "PUT", path+"/schedule", `{"schedule":{"type":"None","cron":""}}`, 200, nil)
		if w := f.do("admin", "GET", path+"/schedule", ""); w.Body.Len() != 0 {
			t.Errorf("after None the schedule is %s", w.Body)
		}

		id := lastSegment(f.must("admin", "POST", path+"/schedule", strings.Replace(hourly, "Hourly", "Manual", 1), 201, nil))
		var one map[string]any
		f.must("admin", "GET", path+"/"+id, "", 200, &one)
		if fmt.Sprint(one["id"], one["job_name"], one["job_kind"], one["schedule"]) != id+"PURGE_AUDIT_LOGMANUALmap[next_scheduled_time:0001-01-01T00:00:00.000Z type:Manual]" || one["job_status"] != "Pending" {
			t.Errorf("the purge is %v", one)
		}
		f.must("admin", "PUT", path+"/"+id, "", 200, nil)
		var list []map[string]any
		h = f.must("admin", "GET", path+"?q=status%3DStopped", "", 200, &list)
		if len(list) != 1 || list[0]["job_status"] != "Stopped" || h.Get("X-Total-Count") != "1" {
			t.Errorf("the purges are %v", list)
		}
		if w := f.do("admin", "GET", path+"/"+id+"/log", ""); w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") || !strings.Contains(w.Body.String(), "stopped by admin") {
			t.Errorf("the log: %d %q", w.Code, w.Body)
		}
		for _, missing := range []string{"/999", "/999/log"} {
			f.must("admin", "GET", path+missing, "", 404, nil)
		}
		f.must("admin", "PUT", path+"/999", "", 404, nil)
	})
}
