package db_test

import (
	"slices"
	"testing"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
)

// Purges of the audit log become jobs: with their schedule and what they told, and those that are open wait again.
func TestPurgesBecomeJobs(t *testing.T) {
	for name, url := range map[string]func(testing.TB) string{"sqlite": dbtest.SQLiteURL, "postgres": dbtest.PostgresURL} {
		t.Run(name, func(t *testing.T) {
			d, err := db.Open(t.Context(), url(t))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { d.Close() })
			to := func(version int64) {
				t.Helper()
				if err := d.MigrateTo(t.Context(), version); err != nil {
					t.Fatal(err)
				}
			}
			to(13)
			exec(t, d, `INSERT INTO audit_purge_schedule (id, type, cron, parameters, due_at, created_at, updated_at) VALUES (1, 'Daily', '0 0 0 * * *', '{"a":1}', 7, 8, 9)`)
			exec(t, d, `INSERT INTO audit_purge (id, trigger_type, status, parameters, purged, log, created_at, updated_at) VALUES
				(3, 'MANUAL', 'Success', '{"a":1}', 5, 'grün \ done', 10, 20), (5, 'SCHEDULE', 'Running', '{}', 2, 'half', 30, 40), (6, 'MANUAL', 'Stopped', '{}', 0, '', 50, 60)`)
			to(14)
			texts := func(query string) []string {
				t.Helper()
				all, err := db.Collect(t.Context(), d.Auto(), db.ScanString, query)
				if err != nil {
					t.Fatal(err)
				}
				return all
			}
			for query, want := range map[string][]string{
				`SELECT kind || vendor_id || cron_type || cron || parameters || due_at FROM job_schedule`: {`PURGE_AUDIT_LOG-1Daily0 0 0 * * *{"a":1}7`},
				`SELECT status || trigger_type || extra || waiting || running || stopped || failed || succeeded || ' ' || ended_at FROM job_execution ORDER BY created_at`: {
					`SuccessMANUAL{"parameters":{"a":1},"purged":5}00001 20`, `PendingSCHEDULE{"parameters":{},"purged":2}10000 0`, `StoppedMANUAL{"parameters":{},"purged":0}00100 60`},
				`SELECT x.status || t.status || t.kind FROM job_task t JOIN job_execution x ON x.id = t.execution_id ORDER BY t.created_at`: {
					`SuccessSuccessPURGE_AUDIT_LOG`, `PendingPendingPURGE_AUDIT_LOG`, `StoppedStoppedPURGE_AUDIT_LOG`},
				`SELECT t.status || l.start_at || ' ' || l.size || l.body FROM job_log l JOIN job_task t ON t.id = l.task_id ORDER BY t.created_at`: {`Success0 12grün \ done`, `Pending0 4half`},
			} {
				if got := texts(query); !slices.Equal(got, want) {
					t.Errorf("%s:\n%q, want\n%q", query, got, want)
				}
			}
			to(13)
			if got := texts(`SELECT type || cron || parameters || due_at FROM audit_purge_schedule`); !slices.Equal(got, []string{`Daily0 0 0 * * *{"a":1}7`}) {
				t.Errorf("back again the schedule is %q", got)
			}
		})
	}
}
