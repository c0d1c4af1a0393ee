package project

import (
	"testing"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
)

// What a pull asks of projects, and their pages, are found by indexes and read in order.
func TestStatementsUseIndexes(t *testing.T) {
	everything, _ := visible(authz.Principal{Kind: authz.User, ID: 1, Admin: true}).condition()
	member, _ := visible(authz.Principal{Kind: authz.User, ID: 1}).condition()
	dbtest.Filled(t, func(t *testing.T, d *db.DB) {
		for name, c := range map[string]struct {
			query string
			walks int // tables that a page is read from along an index
		}{
			"reference":        {refByName, 0},
			"by id":            {byID, 0},
			"by name":          {byName, 0},
			"usage":            {usedByProject, 0},
			"page of projects": {listing().Query(everything, nil) + " LIMIT 15", 1},
			"page of a member": {listing().Query(member, nil) + " LIMIT 15", 1},
			"roles":            {rolesOf, 0},
		} {
			p := dbtest.PlanOf(t, d, c.query, false)
			if len(p.Scans) > 0 || len(p.Walks) > c.walks || p.Sorts {
				t.Errorf("%s:\n%s", name, p.Text)
			}
		}
	})
}
