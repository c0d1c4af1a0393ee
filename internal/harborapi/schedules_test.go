package harborapi

import (
	"net/http"
	"testing"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/job"
)

func TestSchedules(t *testing.T) {
	f := newFixture(t, dbtest.SQLite(t))
	ok(t, f.db.Write(t.Context(), func(tx db.Tx) error {
		if err := f.jobs.PutSchedule(t.Context(), tx, job.Schedule{Kind: job.PurgeAudit, VendorID: job.System, CronType: "Daily", Cron: "0 0 0 * * *"}); err != nil {
			return err
		}
		return f.jobs.PutSchedule(t.Context(), tx, job.Schedule{Kind: "REPLICATION", VendorID: 7, CronType: "Hourly", Cron: "0 0 * * * *"})
	}))
	var rows []map[string]any
	h := f.must("admin", "GET", "/schedules?page=2&page_size=1", "", http.StatusOK, &rows)
	if len(rows) != 1 || rows[0]["vendor_type"] != "REPLICATION" || rows[0]["vendor_id"] != 7.0 || rows[0]["cron"] != "0 0 * * * *" || h.Get("X-Total-Count") != "2" {
		t.Errorf("schedules: %v %v", rows, h)
	}
	paused := func() bool {
		var state struct{ Paused bool }
		f.must("admin", "GET", "/schedules/all/paused", "", http.StatusOK, &state)
		return state.Paused
	}
	f.must("admin", "GET", "/schedules/purge/paused", "", http.StatusBadRequest, nil)
	if paused() {
		t.Error("paused")
	}
	f.must("admin", "PUT", "/jobservice/queues/scheduler", `{"action":"pause"}`, http.StatusOK, nil)
	if !paused() {
		t.Error("not paused")
	}
	f.must("admin", "PUT", "/jobservice/queues/all", `{"action":"resume"}`, http.StatusOK, nil)
	if paused() {
		t.Error("still paused")
	}
}
