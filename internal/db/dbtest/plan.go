package dbtest

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/havenregistry/haven/bench/dataset"
	"github.com/havenregistry/haven/internal/db"
)

// Filled runs f on databases with a few thousand artifacts, whose statistics are up to date: PostgreSQL
// plans by them. Nothing may be changed in them.
func Filled(t *testing.T, f func(t *testing.T, d *db.DB)) {
	t.Helper()
	for name, url := range map[string]func(testing.TB) string{"sqlite": emptySQLite, "postgres": emptyPostgres} {
		t.Run(name, func(t *testing.T) {
			address := url(t)
			d := open(t, address)
			insertAccounts(t, d)
			shape := dataset.Shape{Artifacts: 6_000, Repositories: 400, Projects: 100, Large: 3_000, Tags: 1_000, Referrers: 200, Audit: 3_000}
			if err := dataset.Fill(t.Context(), address, shape, func(int) {}); err != nil {
				t.Fatal(err)
			}
			insertUploads(t, d)
			insertGroups(t, d)
			f(t, d)
		})
	}
}

// insertUploads begins uploads, of which the data set has none.
func insertUploads(t *testing.T, d *db.DB) {
	t.Helper()
	err := d.Write(t.Context(), func(tx db.Tx) error {
		if _, err := tx.Exec(t.Context(), `INSERT INTO upload (id, repository_id, sha256_state, digest, created_at, updated_at)
			SELECT 'upload ' || id, id, CAST('' AS `+map[db.Dialect]string{db.SQLite: "BLOB", db.Postgres: "BYTEA"}[d.Dialect()]+`), 'sha256:' || id, id, id FROM repository`); err != nil {
			return err
		}
		if d.Dialect() == db.SQLite {
			return nil // it plans without statistics, as in a registry
		}
		_, err := tx.Exec(t.Context(), "ANALYZE upload")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// insertGroups makes groups of accounts that are members of projects.
func insertGroups(t *testing.T, d *db.DB) {
	t.Helper()
	err := d.Write(t.Context(), func(tx db.Tx) error {
		for _, statement := range []string{
			`INSERT INTO user_group (name, type, key, created_at, updated_at) SELECT username, 1, 'cn=' || username, 1, 1 FROM account`,
			`INSERT INTO account_group (account_id, group_id, told_at) SELECT a.id, g.id, 1 FROM account a JOIN user_group g ON g.id % 30 = a.id % 30`,
			`INSERT INTO project_member (project_id, group_id, role_id, created_at, updated_at)
				SELECT p.id, g.id, 2, 1, 1 FROM project p JOIN user_group g ON g.id % 100 = p.id % 100`,
			`INSERT INTO account_link (provider, subject, account_id, heard_at, used_at, created_at) SELECT 'ldap', username, id, id, id, 1 FROM account`,
		} {
			if _, err := tx.Exec(t.Context(), statement); err != nil {
				return err
			}
		}
		if d.Dialect() == db.SQLite {
			return nil
		}
		_, err := tx.Exec(t.Context(), "ANALYZE user_group, account_group, project_member, account_link, account")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// insertAccounts makes the owner of what is filled in, and others.
func insertAccounts(t *testing.T, d *db.DB) {
	t.Helper()
	err := d.Write(t.Context(), func(tx db.Tx) error {
		for i := range 300 {
			name := fmt.Sprintf("user%d", i)
			if _, err := tx.Exec(t.Context(), `INSERT INTO account (username, email, created_at, updated_at) VALUES ($1, $2, 1, 1)`, name, name+"@example.com"); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Plan is what a database would do for a statement.
type Plan struct {
	Scans []string // tables that are read from end to end
	Walks []string // tables that are read along an index, as far as is needed for a page
	Sorts bool     // rows are sorted instead of read in order
	Text  string   // in the database's own words
}

// PlanOf returns the plan of a statement, whatever its parameters are. sorts says that it may sort.
func PlanOf(t testing.TB, d *db.DB, query string, sorts bool) Plan {
	t.Helper()
	var p Plan
	err := d.Read(t.Context(), func(tx db.Tx) (err error) {
		if d.Dialect() == db.Postgres {
			p, err = planOfPostgres(t.Context(), tx, query, sorts)
		} else {
			p, err = planOfSQLite(t.Context(), tx, query)
		}
		return err
	})
	if err != nil {
		t.Fatalf("plan of %s: %v", query, err)
	}
	return p
}

var placeholder = regexp.MustCompile(`\$([0-9]+)`)

// parameters is the highest number of a placeholder.
func parameters(query string) (n int) {
	for _, found := range placeholder.FindAllStringSubmatch(query, -1) {
		i, err := strconv.Atoi(found[1])
		if err == nil {
			n = max(n, i)
		}
	}
	return n
}

// What a window function has ranked, a constant and the value of a subquery are no tables.
var noTable = regexp.MustCompile(`^SCAN (\(subquery|CONSTANT ROW|ranked|found( |$)|d$)`)

func planOfSQLite(ctx context.Context, tx db.Tx, query string) (Plan, error) {
	steps, err := db.Collect(ctx, tx, func(r db.Row) (detail string, err error) {
		var id, parent, unused int64
		err = r.Scan(&id, &parent, &unused, &detail)
		return detail, err
	}, "EXPLAIN QUERY PLAN "+query, make([]any, parameters(query))...)
	p := Plan{Text: strings.Join(steps, "\n")}
	for _, step := range steps {
		words := strings.Fields(step)
		switch {
		case strings.HasPrefix(step, "USE TEMP B-TREE FOR") && strings.HasSuffix(step, "ORDER BY"):
			p.Sorts = true
		case words[0] != "SCAN" || noTable.MatchString(step):
		case strings.Contains(step, "INDEX"):
			p.Walks = append(p.Walks, words[1])
		default:
			p.Scans = append(p.Scans, words[1])
		}
	}
	return p, err
}

// node is a step of PostgreSQL's plan.
type node struct {
	Type      string `json:"Node Type"`
	Relation  string `json:"Relation Name"`
	Index     string `json:"Index Name"`
	Condition string `json:"Index Cond"`
	Filter    string
	Plans     []node
}

// planOfPostgres explains a prepared statement, which has a plan for any parameters.
func planOfPostgres(ctx context.Context, tx db.Tx, query string, sorts bool) (p Plan, err error) {
	name := fmt.Sprintf("explained%d", serial.Add(1))
	arguments := ""
	if n := parameters(query); n > 0 {
		arguments = "(" + strings.Repeat("NULL, ", n-1) + "NULL)"
	}
	for _, statement := range []string{
		"SELECT set_config('plan_cache_mode', 'force_generic_plan', TRUE)",
		// Small tables are read as a whole where that may be; here they stand for large ones.
		"SELECT set_config('enable_seqscan', 'off', TRUE), set_config('enable_hashjoin', 'off', TRUE), set_config('enable_mergejoin', 'off', TRUE)",
		"SELECT set_config('enable_sort', '" + strconv.FormatBool(sorts) + "', TRUE)",
		"PREPARE " + name + " AS " + query,
	} {
		if _, err := db.Collect(ctx, tx, func(db.Row) (struct{}, error) { return struct{}{}, nil }, statement); err != nil {
			return p, err
		}
	}
	text, err := db.Get(ctx, tx, db.ScanString, "EXPLAIN (FORMAT JSON, COSTS FALSE) EXECUTE "+name+arguments)
	if err != nil {
		return p, err
	}
	var roots []struct{ Plan node }
	if err := json.Unmarshal([]byte(text), &roots); err != nil {
		return p, err
	}
	for _, root := range roots {
		p.add(root.Plan, "")
	}
	_, err = db.Collect(ctx, tx, db.ScanString, "DEALLOCATE "+name)
	return p, err
}

func (p *Plan) add(n node, indent string) {
	p.Text += fmt.Sprintln(indent+n.Type, n.Relation, n.Index, n.Condition, n.Filter)
	switch {
	case n.Type == "Seq Scan":
		p.Scans = append(p.Scans, n.Relation)
	case strings.HasPrefix(n.Type, "Index") && n.Condition == "":
		p.Walks = append(p.Walks, n.Relation)
	case n.Type == "Sort":
		p.Sorts = true
	}
	for _, child := range n.Plans {
		p.add(child, indent+"  ")
	}
}
