//go:build acceptance

// Package jobs kills the server again and again while it works in the background, and checks that all of it is done
// in the end, once.
package jobs

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/havenregistry/haven/bench/dataset"
	"github.com/havenregistry/haven/internal/await"
	"github.com/havenregistry/haven/test/haventest"
)

const (
	hours    = 5
	rows     = hours * 3600 // of the audit log, a second apart
	purgeAPI = "/api/v2.0/system/purgeaudit"
)

// execution is a purge as the API of jobs shows it.
type execution struct {
	ID     int64
	Status string
	Extra  struct{ Purged int64 } `json:"extra_attrs"`
	Tasks  struct{ Total, Succeeded int64 }
}

// Purges of the audit log, whose effect is rows that go: each ends with success, and together they count as many rows
// as went.
func TestJobsSurviveKills(t *testing.T) {
	haventest.OnEachDatabase(t, func(t *testing.T, databaseURL string) {
		server := haventest.Start(t, haventest.Options{DatabaseURL: databaseURL, Plain: true})
		server.Stop()
		address := databaseURL
		if address == "" {
			address = "sqlite:" + filepath.Join(server.DataDir, "haven.db")
		}
		shape := dataset.Shape{Artifacts: rows, Repositories: 20, Projects: 3, Large: 10, Tags: 10, Referrers: 5, Audit: rows} // a row is as old as an artifact
		if err := dataset.Fill(t.Context(), address, shape, func(int) {}); err != nil {
			t.Fatal(err)
		}
		server.Restart()
		if n := old(t, server); n != rows {
			t.Fatalf("%d rows are there, want %d", n, rows)
		}
		for hour := hours - 1; hour >= 0; hour-- {
			before := old(t, server)
			server.Admin(t, http.StatusCreated, http.MethodPost, purgeAPI+"/schedule", map[string]any{
				"schedule": map[string]any{"type": "Manual"}, "parameters": map[string]any{"audit_retention_hour": hour, "include_event_types": "pull_artifact,create_artifact"},
			})
			if databaseURL != "" && hour%2 == 0 { // there each kill costs the time of a lease
				continue
			}
			time.Sleep(rand.N(100 * time.Millisecond)) // where in the work it strikes, is left to chance
			server.Kill()
			server.Restart()
			t.Logf("killed: %d rows were there, %d are", before, old(t, server))
		}
		var list []execution
		get(t, server, "/api/haven/v1/jobs/executions?q=vendor_type=PURGE_AUDIT_LOG", &list)
		var ids []int64
		for _, e := range list {
			ids = append(ids, e.ID)
		}
		if len(ids) != hours {
			t.Fatalf("%d executions, want %d", len(ids), hours)
		}
		await.Until(t, "all purges end", func() bool { return ended(t, server, ids) })
		var purged int64
		for _, id := range ids {
			e := one(t, server, id)
			if e.Status != "Success" || e.Tasks.Total != 1 || e.Tasks.Succeeded != 1 {
				t.Errorf("got %+v", e)
			}
			purged += e.Extra.Purged
		}
		if left := old(t, server); left != 0 || purged != rows {
			t.Errorf("%d rows are left, and %d were counted as gone, of %d", left, purged, rows)
		}
	})
}

func get(t *testing.T, server *haventest.Server, path string, v any) http.Header {
	t.Helper()
	a := server.Admin(t, http.StatusOK, http.MethodGet, path, nil)
	if err := json.Unmarshal(a.Body, v); err != nil {
		t.Fatal(err)
	}
	return a.Header
}

// old is how many of the rows are there that the purges are about.
func old(t *testing.T, server *haventest.Server) (n int) {
	t.Helper()
	var list []struct{}
	h := get(t, server, "/api/v2.0/auditlog-exts?page_size=1&q=operation={pull%20create},resource_type=artifact", &list)
	if _, err := fmt.Sscan(h.Get("X-Total-Count"), &n); err != nil {
		t.Fatal(err)
	}
	return n
}

func one(t *testing.T, server *haventest.Server, id int64) (e execution) {
	t.Helper()
	get(t, server, fmt.Sprintf("/api/haven/v1/jobs/executions/%d", id), &e)
	return e
}

func ended(t *testing.T, server *haventest.Server, ids []int64) bool {
	t.Helper()
	for _, id := range ids {
		if e := one(t, server, id); e.Status == "Pending" || e.Status == "Running" {
			return false
		}
	}
	return true
}
