package search

import (
	"testing"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// What is typed is looked for by indexes: beside projects, which are few, only what is bounded is walked through.
func TestStatementsUseIndexes(t *testing.T) {
	member, args := scope{ids: []int64{3, 4}}.condition()
	everything, _ := scope{all: true}.condition()
	dbtest.Filled(t, func(t *testing.T, d *db.DB) {
		bytewise := New(d, nil, nil, nil).bytewise
		statements := map[string]string{"tags of one": tagsOf, "labels for all": globalLabels(), "packages": packagesFrom(bytewise), "vulnerabilities": vulnerabilitiesFrom(bytewise)}
		for who, where := range map[string]struct {
			text string
			n    int
		}{"member": {member, len(args)}, "all": {everything, 0}} {
			statements["projects, "+who] = projectsFrom(where.text, where.n)
			statements["projects by a part, "+who] = projectsLike(where.text, where.n)
			statements["repositories, "+who] = repositoriesFrom(where.text, where.n)
			statements["repositories of a project, "+who] = repositoriesOf(where.text, where.n)
			statements["repositories by a part, "+who] = repositoriesLike(where.text, where.n)
			statements["tags, "+who] = tagsFrom(where.text, where.n)
			statements["artifacts, "+who] = artifactsFrom(where.text, where.n)
			some, more := inRepositories(where.n, []int64{1, 2})
			statements["artifacts of repositories, "+who] = artifactsFrom(where.text+some, where.n+len(more))
			statements["labels, "+who] = labelsLike(where.text, where.n)
			statements["carrier, "+who] = carrier(where.text, where.n)
		}
		for name, query := range statements {
			p := dbtest.PlanOf(t, d, query, true)
			for _, table := range p.Scans {
				t.Errorf("%s reads all of %s:\n%s", name, table, p.Text)
			}
			for _, table := range p.Walks {
				switch table {
				case "p", "project", "r", "repository", "l", "label", "s", "scan_package", "v", "scan_vulnerability":
				default:
					t.Errorf("%s walks through %s:\n%s", name, table, p.Text)
				}
			}
		}
	})
}
