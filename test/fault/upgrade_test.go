//go:build acceptance

package fault

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/havenregistry/haven/test/haventest"
	"github.com/havenregistry/haven/test/ledger"
)

const (
	laterColumn = `ALTER TABLE repository ADD COLUMN later {{int}} NOT NULL DEFAULT 7;`
	laterTable  = `CREATE TABLE later (id {{int}} NOT NULL PRIMARY KEY) {{strict}};`
	laterFails  = `INSERT INTO nowhere VALUES (1);`
	laterAlone  = `UPDATE compatible_schema SET since = (SELECT MAX(version_id) FROM goose_db_version);`
)

// during lets the fleet work while something happens, whatever is cut off by it, and checks all that was acknowledged.
func during(t *testing.T, fleet *ledger.Fleet, what func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		var err error
		for ctx.Err() == nil && err == nil {
			if err = fleet.Work(ctx); err == nil {
				err = settleIn(t.Context(), fleet)
			}
		}
		done <- err
	}()
	what()
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	checkAll(t, fleet)
}

// Replicas are replaced one by one under load: the version before serves beside the new one, starts again beside it, and can be gone back to.
func TestRollingUpgrade(t *testing.T) {
	later := haventest.Later(t, laterColumn, laterTable)
	c := haventest.StartCluster(t, haventest.Options{Plain: true})
	a, b := c.Replicas[0], c.Replicas[1]
	fleet := newFleet(t, c.Door)
	for _, w := range fleet.Workers {
		w.Client.Faulty.Store(true)
		w.ResumeAfter = claimLease
	}
	during(t, fleet, func() {
		b.Stop()
		b.RestartAs(later)
	})
	during(t, fleet, func() { // the version before crashes, and comes again on the new schema
		a.Kill()
		a.Restart()
	})
	if log := a.Log(); !strings.Contains(log, "migrated by a newer version") {
		t.Errorf("the version before doesn't say that the schema is newer:\n%s", log)
	}
	during(t, fleet, func() {
		a.Stop()
		a.RestartAs(later)
	})
	during(t, fleet, func() {
		b.Stop()
		b.RestartAs("")
	})
	t.Logf("%s", fleet.Counts)
}

// An upgrade that fails leaves what was there to the version before, and says what failed. A copy is kept of SQLite's database.
func TestUpgradeAlone(t *testing.T) {
	for name, databaseURL := range map[string]func(*testing.T) string{
		"sqlite": func(*testing.T) string { return "" }, "postgres": haventest.Postgres,
	} {
		t.Run(name, func(t *testing.T) {
			fails, alone := haventest.Later(t, laterColumn, laterTable, laterFails), haventest.Later(t, laterColumn, laterAlone)
			s := haventest.Start(t, haventest.Options{Plain: true, DatabaseURL: databaseURL(t)})
			s.NewProject(t, "before", false)
			s.Stop()
			if log := s.RefusesToStart(fails); !strings.Contains(log, "left as it was") || !strings.Contains(log, "nowhere") {
				t.Errorf("a failed migration says:\n%s", log)
			}
			s.RestartAs("")
			s.NewProject(t, "between", false)
			s.Stop()
			s.RestartAs(alone)
			for _, project := range []string{"before", "between"} {
				s.Admin(t, http.StatusOK, http.MethodGet, "/api/v2.0/projects/"+project, nil)
			}
			s.NewProject(t, "after", false)
			s.Stop()
			if log := s.RefusesToStart(""); !strings.Contains(log, "made by a newer version") {
				t.Errorf("the version before, on a schema that it can't bear, says:\n%s", log)
			}
			if name != "sqlite" {
				return
			}
			goBack(t, s.DataDir)
			s.RestartAs("")
			s.Admin(t, http.StatusOK, http.MethodGet, "/api/v2.0/projects/between", nil)
			s.Admin(t, http.StatusNotFound, http.MethodGet, "/api/v2.0/projects/after", nil)
		})
	}
}

// goBack puts the copy of the database in its place, as docs/install.md says.
func goBack(t *testing.T, dir string) {
	t.Helper()
	copies, err := filepath.Glob(filepath.Join(dir, "haven.db.schema-*"))
	if err != nil || len(copies) != 1 {
		t.Fatalf("copies of the database: %v, %v", copies, err)
	}
	for _, name := range []string{"haven.db-wal", "haven.db-shm"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	if err := os.Rename(copies[0], filepath.Join(dir, "haven.db")); err != nil {
		t.Fatal(err)
	}
}
