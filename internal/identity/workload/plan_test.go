package workload

import (
	"testing"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
)

// What a log-in asks is found by an index.
func TestStatementsUseIndexes(t *testing.T) {
	dbtest.Filled(t, func(t *testing.T, d *db.DB) {
		for name, query := range map[string]string{
			"policy by id":          policyByID,
			"policy at an epoch":    policyAtEpoch,
			"policy of the system":  ofSystem,
			"policy of a project":   ofProject,
			"policies of an issuer": ofIssuer,
			"who trusts an issuer":  systemIssuer,
			"what policies grant":   grantsOf + "$1, $2)",
		} {
			p := dbtest.PlanOf(t, d, query, false)
			if len(p.Scans) > 0 {
				t.Errorf("%s:\n%s", name, p.Text)
			}
		}
	})
}
