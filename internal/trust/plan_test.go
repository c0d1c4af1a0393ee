package trust

import (
	"slices"
	"testing"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
)

// Every statement of a pull and of a page finds its rows by an index and reads them in order.
func TestStatementsUseIndexes(t *testing.T) {
	statements := map[string]struct {
		query string
		few   []string // has a row for each project that wrote a policy
	}{
		"documents":        {query: documents, few: []string{"system_trust_policy"}},
		"parents":          {query: parentsOf},
		"signed":           {query: isSigned},
		"good":             {query: goodChecks},
		"unchecked":        {query: unchecked},
		"unchecked tag":    {query: uncheckedTag},
		"signatures":       {query: checksOf},
		"attestations":     {query: attestationsOf},
		"accessory":        {query: accessoryOf},
		"forget":           {query: forget},
		"subjects":         {query: subjectsIn},
		"next policy":      {query: nextHash},
		"checks to forget": {query: dropChecks},
		"checks, by night": {query: pageEnd},
		"orphan":           {query: dropOrphans},
	}
	dbtest.Filled(t, func(t *testing.T, d *db.DB) {
		for name, s := range statements {
			plan := dbtest.PlanOf(t, d, s.query, false)
			for _, table := range plan.Scans {
				if !slices.Contains(s.few, table) {
					t.Errorf("%s reads all of %s\n%s", name, table, plan.Text)
				}
			}
			if plan.Sorts {
				t.Errorf("%s is sorted instead of read in order\n%s", name, plan.Text)
			}
		}
	})
}
