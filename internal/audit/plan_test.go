package audit

import (
	"slices"
	"testing"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
)

// A page of the log is found by an index and read in order, whoever asks; of several projects the newest
// rows alone are sorted.
func TestPagesUseIndexes(t *testing.T) {
	dbtest.Filled(t, func(t *testing.T, d *db.DB) {
		for _, filter := range []string{"a.username = 'somebody'", "a.operation = 'delete'"} {
			p := dbtest.PlanOf(t, d, listing().Query(filter, nil)+" LIMIT 15", false)
			if len(p.Scans) > 0 || len(p.Walks) > 0 || p.Sorts {
				t.Errorf("%s:\n%s", filter, p.Text)
			}
		}
		list := db.List{Page: 2, Size: 15}
		for name, c := range map[string]struct {
			scope Scope
			sorts bool
			walks int
		}{
			"everything":       {Scope{All: true}, false, 1},
			"one project":      {Scope{ProjectIDs: []int64{1}}, false, 0},
			"several projects": {Scope{ProjectIDs: []int64{1, 2, 3}}, true, 0},
		} {
			l, where, _ := c.scope.listing(list)
			if where == "" {
				where = "1 = 1"
			}
			p := dbtest.PlanOf(t, d, l.Query(where, nil)+" LIMIT 15", c.sorts)
			// p are the caller's projects.
			p.Scans = slices.DeleteFunc(p.Scans, func(table string) bool { return table == "p" })
			if len(p.Scans) > 0 || len(p.Walks) > c.walks || p.Sorts && !c.sorts {
				t.Errorf("%s:\n%s", name, p.Text)
			}
		}
	})
}
