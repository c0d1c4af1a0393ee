package endpoint

import (
	"testing"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
)

// What each replication, each pull through a proxy project and each look for what is due asks, it finds by an index.
func TestStatementsUseIndexes(t *testing.T) {
	dbtest.Filled(t, func(t *testing.T, d *db.DB) {
		for name, query := range map[string]string{"one": byID, "due": due, "claim": claim, "report": report} {
			if plan := dbtest.PlanOf(t, d, query, true); len(plan.Scans) > 0 {
				t.Errorf("%s reads all of %v\n%s", name, plan.Scans, plan.Text)
			}
		}
	})
}
