package scan

import (
	"slices"
	"testing"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
)

// planned is a statement and what it may do besides looking rows up by an index.
type planned struct {
	query string
	sorts bool     // it sorts the few rows of one image or page
	walks []string // it reads these along an index, as far as a page goes
}

func hotStatements() map[string]planned {
	return map[string]planned{
		"standing":              {query: standingByDigest},
		"standing of children":  {query: standingOfChildren.with("$4")},
		"findings of a pull":    {query: foundAtLeast, sorts: true},
		"reports of a page":     {query: reportsOf.with("$2, $3")},
		"children of a page":    {query: childrenOf.with("$1, $2"), sorts: true},
		"bills of a page":       {query: billsOf.with("$1, $2")},
		"report's state":        {query: reportState},
		"findings of a report":  {query: fullFindings, sorts: true},
		"details":               {query: detailsOf.with("$1, $2")},
		"changes of a report":   {query: changesOf, sorts: true, walks: []string{"scan_evaluation"}}, // twenty rows are kept
		"layer":                 {query: layerByDigest},
		"packages by key":       {query: packagesByKey.with("$1, $2")},
		"content":               {query: contentOf},
		"findings of packages":  {query: findingsOf.with("$1, $2")},
		"vulnerabilities":       {query: vulnerabilitiesByName.with("$1, $2")},
		"due packages":          {query: duePage},
		"earlier evaluation":    {query: dueBefore},
		"due of a report":       {query: dueOfReport, sorts: true},
		"holders of a package":  {query: holdersOf},
		"changed packages":      {query: changedIn},
		"waiting reports":       {query: waitingFor},
		"tally":                 {query: tallies.with("$1, $2"), sorts: true},
		"report of a log":       {query: taskOfReport},
		"statements":            {query: statementsFor, sorts: true},
		"document's statements": {query: dropDocument},
		"exports":               {query: exportsOf, sorts: true},
		"part of an export":     {query: partAt},
		"what pushes want":      {query: wantedOnPush.with("$1, $2")},
		"pushed manifest":       {query: nodeByDigest},
		"manifests of a walk":   {query: nodesAfter, walks: []string{"manifest"}},
		"images of an index":    {query: nodesBelow.with("$1, $2"), sorts: true},
	}
}

func TestStatementsUseIndexes(t *testing.T) {
	dbtest.Filled(t, func(t *testing.T, d *db.DB) {
		filled100k(t, d, 2000, 30_000, 150)
		fillRest(t, d)
		for name, s := range hotStatements() {
			plan := dbtest.PlanOf(t, d, s.query, s.sorts)
			for _, table := range plan.Scans {
				t.Errorf("%s reads all of %s\n%s", name, table, plan.Text)
			}
			if plan.Sorts && !s.sorts {
				t.Errorf("%s is sorted instead of read in order\n%s", name, plan.Text)
			}
			for _, table := range plan.Walks {
				if !slices.Contains(s.walks, table) {
					t.Errorf("%s reads all of %s along an index\n%s", name, table, plan.Text)
				}
			}
		}
	})
}

// fillRest fills the tables that filled100k doesn't, and tells PostgreSQL, which plans by what it knows of them.
func fillRest(t *testing.T, d *db.DB) {
	t.Helper()
	const numbers = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) `
	statements := []string{
		`INSERT INTO scan_evaluation (edition, edition_at, started_at) ` + numbers + `SELECT 'edition' || i, 1, 1 FROM n WHERE i < 20`,
		`INSERT INTO scan_vulnerability (name, source, data_source, cvss_v3, detail) ` + numbers + `SELECT 'CVE-' || i, 'nvd', '', i % 100, '{}' FROM n`,
		`INSERT INTO scan_finding (package_id, vulnerability_id, severity, since) ` + numbers + `SELECT i, i, i % 6, 1 FROM n`,
		`INSERT INTO scan_finding (package_id, vulnerability_id, severity, since) ` + numbers + `SELECT i, 1 + (i * 7919) % 20000, i % 6, 1 FROM n WHERE TRUE ON CONFLICT DO NOTHING`,
		`INSERT INTO scan_change (evaluation_id, package_id, name, kind, severity) ` + numbers + `SELECT 1 + i % 20, i, 'CVE-' || i, 'new', 1 FROM n`,
		`INSERT INTO scan_layer (digest, revision, created_at) ` + numbers + `SELECT 'sha256:' || i, 1, 1 FROM n`,
		`INSERT INTO scan_sbom (manifest_id, uuid, status, created_at) SELECT id, 'bill' || id, 'Success', 1 FROM manifest`,
		`INSERT INTO scan_vex (project_id, name, status, author, document, made_at, created_at) SELECT p.id, 'CVE-' || m.id, 'fixed', 'a', m.digest, 1, 1
			FROM manifest m JOIN repository r ON r.id = m.repository_id JOIN project p ON p.id = r.project_id`,
		`INSERT INTO scan_export (execution_id, account_id, account, project_id, created_at, expires_at) ` + numbers + `SELECT i, i % 1000, 'a', 1, 1, i FROM n`,
		`INSERT INTO job_execution (kind, vendor_id, trigger_type, started_by, status, created_at, updated_at) ` + numbers + `SELECT 'SCAN_DATA_EXPORT', 1, 'MANUAL', 'a', 'Success', 1, 1 FROM n`,
	}
	if d.Dialect() == db.Postgres {
		for _, table := range []string{"scan_evaluation", "scan_vulnerability", "scan_finding", "scan_change", "scan_layer", "scan_sbom", "scan_vex", "scan_export", "scan_package", "scan_report", "scan_content", "job_execution"} {
			statements = append(statements, "ANALYZE "+table)
		}
	}
	for _, statement := range statements {
		err := d.Write(t.Context(), func(tx db.Tx) error {
			_, err := tx.Exec(t.Context(), statement)
			return err
		})
		if err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}
