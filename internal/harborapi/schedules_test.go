package harborapi

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/db/dbtest"
)

func TestSchedules(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	f := newFixture(t, dbtest.SQLite(t), func(d *Deps) {
		d.Schedules = append(d.Schedules, func(context.Context) ([]Schedule, error) {
			return []Schedule{{1, "PURGE_AUDIT_LOG", -1, "0 0 0 * * *", at}, {2, "REPLICATION", 7, "0 0 * * * *", at}}, nil
		})
	})
	var rows []map[string]any
	h := f.must("admin", "GET", "/schedules?page=2&page_size=1", "", http.StatusOK, &rows)
	if len(rows) != 1 || rows[0]["vendor_type"] != "REPLICATION" || rows[0]["vendor_id"] != 7.0 || h.Get("X-Total-Count") != "2" {
		t.Errorf("schedules: %v %v", rows, h)
	}
	var state struct{ Paused bool }
	f.must("admin", "GET", "/schedules/all/paused", "", http.StatusOK, &state)
	f.must("admin", "GET", "/schedules/purge/paused", "", http.StatusBadRequest, nil)
	if state.Paused {
		t.Error("paused")
	}
}
