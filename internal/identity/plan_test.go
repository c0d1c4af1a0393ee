package identity

import (
	"testing"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
)

// What each request asks to learn who sends it is found by an index.
func TestStatementsUseIndexes(t *testing.T) {
	dbtest.Filled(t, func(t *testing.T, d *db.DB) {
		for name, query := range map[string]string{
			"user by id":           principalSelect,
			"user of a name":       accountHolder,
			"session":              sessionSelect,
			"epoch of a user":      userEpoch,
			"epochs of projects":   projectEpochs + "$1, $2)",
			"personal token":       personalSelect,
			"session by its id":    browserByID,
			"open sessions":        "SELECT 1 FROM " + browserFrom + " WHERE " + browserAlive,
			"epoch of a token":     personalEpoch,
			"limits of a token":    limitsOf + "$1)",
			"link":                 linkBySubject,
			"links of an account":  linksOf,
			"accounts in use":      linksInUse + "500",
			"groups of an account": groupsOfAccount,
			"groups of a person":   groupsOfPerson,
			"group":                groupByKey,
			"groups of a name":     groupsByName,
			"people of a group":    groupEpochs,
			"password":             hashSelect,
			"attempts":             failureSelect,
			"user for the API":     userByID,
			"sessions of somebody": sessionsOfAccount,
		} {
			p := dbtest.PlanOf(t, d, query, false)
			if len(p.Scans) > 0 {
				t.Errorf("%s:\n%s", name, p.Text)
			}
		}
	})
}
