package preheat

import (
	"testing"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
)

// What is asked at each event, and for each page, finds its rows by an index.
func TestStatementsUseIndexes(t *testing.T) {
	dbtest.Filled(t, func(t *testing.T, d *db.DB) {
		for name, query := range map[string]string{
			"policies for events": eventPolicies, "policy by name": policyByName, "policy": policyByID, "policies of a project": policyIDs,
			"instance by name": instanceByName, "instance": instanceByID, "instance in use": instanceUsed, "name in use": policyNamed,
		} {
			if plan := dbtest.PlanOf(t, d, query, false); len(plan.Scans) > 0 {
				t.Errorf("%s reads all of %v\n%s", name, plan.Scans, plan.Text)
			}
		}
	})
}
