package scan

import (
	"fmt"
	"maps"
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
		"contents":              {query: contentsOf.with("$1, $2")},
		"what packages come to": {query: packagesSaid.with("$1, $2"), sorts: true},
		"what was noted":        {query: changesNoted.with("$2, $3"), sorts: true},
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

// tidyStatements are those of the nightly clean-up.
func tidyStatements() map[string]planned {
	all := map[string]planned{
		"tidy layers":            {query: layersAfter},
		"delete layers":          {query: dropLayers.with("$3, $4")},
		"old evaluation":         {query: oldEvaluation, walks: []string{"scan_evaluation"}}, // all but the last twenty go
		"changes of editions":    {query: oldChanges},
		"delete old evaluations": {query: dropOld},
		"expired statements":     {query: expiredVEX},
		"expired files":          {query: expiredFiles},
	}
	for _, w := range sweeps {
		all["tidy "+w.name] = planned{query: w.page}
		all["delete "+w.name] = planned{query: w.delete.with("$1, $2")}
	}
	return all
}

// hubStatements are the security hub's: its sums, and each search in each way that it may be done.
func hubStatements(t *testing.T) map[string]planned {
	t.Helper()
	all := map[string]planned{
		"sum of reports": {query: sumOfReports},
		// What was deleted is read along an index of its own.
		"scanned manifests":     {query: scannedManifests, walks: []string{"manifest", "m"}},
		"manifests in all":      {query: allManifests, walks: []string{"manifest", "m"}}, // an index is counted
		"sum of deleted":        {query: sumOfDeleted, walks: []string{"manifest", "m"}},
		"worst vulnerabilities": {query: worstVulnerabilities},
		"worst images":          {query: worstImages},
		"findings in all":       {query: hubTotal, walks: []string{"manifest", "m"}},
		"tags of a page":        {query: firstTags.with("$1, $2"), sorts: true},
	}
	equal := func(key, value string) db.Filter { return db.Filter{Key: key, Op: db.Equal, Values: []string{value}} }
	severe := equal("severity", "Critical")
	score := db.Filter{Key: "cvss_score_v3", Op: db.Between, Values: []string{"7.0", "10.0"}}
	byScore := []string{"scan_vulnerability", "v", "scan_report"} // the page ends the walk, or the bound of the count
	for name, c := range map[string]struct {
		from    string
		walks   []string
		filters []db.Filter
	}{
		"everything":                {hubByScore, byScore, nil},
		"by status":                 {hubByScore, byScore, []db.Filter{equal("status", "fixed")}},
		"by severity":               {hubByScore, byScore, []db.Filter{severe}},
		"by score":                  {hubByScore, nil, []db.Filter{score}},
		"by id":                     {hubByScore, nil, []db.Filter{equal("cve_id", "CVE-1")}},
		"in a large project":        {hubByScore, byScore, []db.Filter{equal("project_id", "1")}},
		"severe in a large project": {hubByScore, byScore, []db.Filter{equal("project_id", "1"), severe}},
		"of a common package":       {hubByScore, byScore, []db.Filter{equal("package", "bash")}},
		"in a project":              {hubByPlace, nil, []db.Filter{equal("project_id", "1")}},
		"severe in a project":       {hubByPlace, nil, []db.Filter{equal("project_id", "1"), severe, score}},
		"in a repository":           {hubByPlace, nil, []db.Filter{equal("repository_name", "a/b")}},
		"of a tag":                  {hubByPlace, nil, []db.Filter{equal("repository_name", "a/b"), equal("tag", "v1")}},
		"of a package":              {hubByPackage, nil, []db.Filter{equal("package", "bash")}},
		"severe of a package":       {hubByPackage, nil, []db.Filter{equal("package", "bash"), severe, equal("project_id", "1")}},
		"of a digest":               {hubByDigest, nil, []db.Filter{equal("digest", "sha256:1")}},
		"severe of a digest":        {hubByDigest, nil, []db.Filter{equal("digest", "sha256:1"), severe}},
	} {
		q, err := hubSearch("own", c.filters)
		if err != nil {
			t.Fatal(err)
		}
		q.from = c.from
		all[name] = planned{query: q.page(), sorts: true, walks: c.walks}
		all["count "+name] = planned{query: q.count(), sorts: true, walks: c.walks}
		if q.places.where != "" {
			all["images "+name] = planned{query: fmt.Sprintf(hubImages, q.places.where, fewImages), sorts: true}
		}
		if q.packages.where != "" {
			all["holders "+name] = planned{query: fmt.Sprintf(hubHolders, q.packages.where, fewHolders), sorts: true}
		}
	}
	return all
}

func TestStatementsUseIndexes(t *testing.T) {
	dbtest.Filled(t, func(t *testing.T, d *db.DB) {
		filled100k(t, d, 2000, 30_000, 150)
		fillRest(t, d)
		statements := hotStatements()
		maps.Copy(statements, tidyStatements())
		maps.Copy(statements, hubStatements(t))
		for name, s := range statements {
			plan := dbtest.PlanOf(t, d, s.query, s.sorts)
			for _, table := range plan.Scans {
				// SQLite reads a table's own tree as an index of its ids, and says so in no word of its own.
				if d.Dialect() == db.SQLite && slices.Contains(s.walks, table) {
					continue
				}
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
		`UPDATE scan_report SET digest = (SELECT digest FROM manifest WHERE manifest.id = scan_report.id) WHERE id IN (SELECT id FROM manifest)`,
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
