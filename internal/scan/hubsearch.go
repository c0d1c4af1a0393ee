package scan

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/scan/inventory"
)

const hubFields = `SELECT v.name, v.cvss_v3, v.detail, f.severity, f.status, f.fixed, p.name, p.version, r.digest, m.id, re.project_id, pr.name || '/' || re.name`

// Which table comes first is said, not left to the planner: SQLite has no statistics. The walk by score ends with the
// page, and is quick where much of what it meets is looked for; of a place that holds little, or a package that few
// images have, everything is gathered and sorted.
const (
	hubByScore = ` FROM scan_vulnerability v CROSS JOIN scan_finding f CROSS JOIN scan_package p CROSS JOIN scan_content c CROSS JOIN scan_report r
		CROSS JOIN manifest m CROSS JOIN repository re CROSS JOIN project pr`
	hubByPlace = ` FROM project pr CROSS JOIN repository re CROSS JOIN manifest m CROSS JOIN scan_report r CROSS JOIN scan_content c CROSS JOIN scan_finding f
		CROSS JOIN scan_vulnerability v CROSS JOIN scan_package p`
	hubByPackage = ` FROM scan_package p CROSS JOIN scan_finding f CROSS JOIN scan_vulnerability v CROSS JOIN scan_content c CROSS JOIN scan_report r
		CROSS JOIN manifest m CROSS JOIN repository re CROSS JOIN project pr`
	hubByDigest = ` FROM scan_report r CROSS JOIN scan_content c CROSS JOIN scan_finding f CROSS JOIN scan_vulnerability v CROSS JOIN scan_package p
		CROSS JOIN manifest m CROSS JOIN repository re CROSS JOIN project pr`
	hubJoins = ` WHERE f.vulnerability_id = v.id AND p.id = f.package_id AND c.package_id = f.package_id AND r.id = c.report_id AND m.digest = r.digest
		AND re.id = m.repository_id AND NOT re.hidden AND pr.id = re.project_id AND r.scanner = $1`
	hubOrder = ` ORDER BY v.cvss_v3 DESC, v.id DESC, f.package_id DESC, c.report_id DESC, m.id DESC`

	// How much there is to gather, counted up to a bound.
	hubImages  = `SELECT COUNT(*) FROM (SELECT 1 FROM project pr CROSS JOIN repository re CROSS JOIN manifest m WHERE re.project_id = pr.id AND NOT re.hidden AND m.repository_id = re.id%s LIMIT %d) found`
	hubHolders = `SELECT COUNT(*) FROM (SELECT 1 FROM scan_package p CROSS JOIN scan_content c WHERE c.package_id = p.id%s LIMIT %d) found`

	// What was deleted and can be restored is little, and is taken off again.
	hubTotal = `SELECT CAST(COALESCE((SELECT SUM(r.critical + r.high + r.medium + r.low + r.negligible + r.unknown)
			FROM scan_report r JOIN manifest m ON m.digest = r.digest WHERE r.scanner = $1), 0)
		- COALESCE((SELECT SUM(r.critical + r.high + r.medium + r.low + r.negligible + r.unknown)
			FROM manifest m JOIN scan_report r ON r.digest = m.digest WHERE m.project_id = 0 AND r.scanner = $1), 0) AS BIGINT)`
)

const (
	// tunedCount is up to where findings are counted when a client wants it quick, maxCount otherwise. Above, the
	// number is -1, as in Harbor.
	tunedCount = 1000
	maxCount   = 100_000
	// maxOffset is how deep pages go.
	maxOffset = 100_000
	// fewImages of a place are gathered, and fewHolders of a package: with some hundred findings in each image
	// and some ten of each package that is sorted within 100 ms.
	fewImages  = 500
	fewHolders = 5000
)

// HubKey reports whether Search filters by key.
func HubKey(key string) bool {
	switch key {
	case "cve_id", "severity", "status", "cvss_score_v3", "project_id", "repository_name", "package", "tag", "digest":
		return true
	}
	return false
}

// clauses are conditions as SQL.
type clauses struct {
	where string
	args  []any
}

func (c *clauses) and(condition string, values ...any) {
	marks := make([]any, len(values))
	for i, v := range values {
		c.args = append(c.args, v)
		marks[i] = "$" + strconv.Itoa(len(c.args))
	}
	c.where += " AND " + fmt.Sprintf(condition, marks...)
}

// hubQuery is a search as SQL.
type hubQuery struct {
	from string
	clauses
	places   clauses // those of them that say where
	packages clauses // those that name a package
}

// conditions are tables and conditions. Where packages come first, findings are those of a package: SQLite would take the
// index by severity for each package, and read every finding of that severity.
func (q *hubQuery) conditions() string {
	if q.from == hubByScore {
		return q.from + q.where
	}
	return q.from + strings.ReplaceAll(q.where, "f.severity =", "+f.severity =")
}

// page is the text of a page of findings; the size and the offset are the arguments that follow.
func (q *hubQuery) page() string {
	n := len(q.args)
	return fmt.Sprintf("%s%s%s LIMIT $%d OFFSET $%d", hubFields, q.conditions(), hubOrder, n+1, n+2)
}

// count is the text that counts findings, up to the argument that follows.
func (q *hubQuery) count() string {
	return fmt.Sprintf("SELECT COUNT(*) FROM (SELECT 1%s LIMIT $%d) found", q.conditions(), len(q.args)+1)
}

// narrow has what is looked for gathered, where that is little.
func (q *hubQuery) narrow(ctx context.Context, tx db.Tx) error {
	for _, way := range []struct {
		clauses
		from  string
		probe string
		few   int64
	}{{q.places, hubByPlace, hubImages, fewImages}, {q.packages, hubByPackage, hubHolders, fewHolders}} {
		if way.where == "" || q.from != hubByScore {
			continue
		}
		n, err := db.Get(ctx, tx, db.ScanInt, fmt.Sprintf(way.probe, way.where, way.few+1), way.args...)
		if err != nil {
			return err
		}
		if n <= way.few {
			q.from = way.from
		}
	}
	return nil
}

// hubSearch reads filters; one that can't be is fault.Invalid.
func hubSearch(scanner string, filters []db.Filter) (q hubQuery, err error) {
	q = hubQuery{from: hubByScore, clauses: clauses{where: hubJoins, args: []any{scanner}}}
	for _, f := range filters {
		if !HubKey(f.Key) {
			return q, fault.Invalidf("keyword: %s is not allowed", clean(f.Key, 64))
		}
		if f.Key == "cvss_score_v3" {
			if err := q.score(f); err != nil {
				return q, err
			}
			continue
		}
		if f.Op != db.Equal || len(f.Values) != 1 {
			return q, fault.Invalidf("%s is looked for as a whole: %s=value", f.Key, f.Key)
		}
		if err := q.equal(f.Key, f.Values[0]); err != nil {
			return q, err
		}
	}
	return q, nil
}

func (q *hubQuery) equal(key, value string) error {
	switch key {
	case "cve_id":
		q.and("v.name = %s", value)
	case "severity":
		s, ok := inventory.ParseSeverity(value)
		if !ok {
			return fault.Invalidf("severity %q is none", clean(value, 64))
		}
		q.and("f.severity = %s", int64(s))
	case "status":
		q.and("f.status = %s", value)
	case "package":
		q.both(&q.packages, "p.name = %s", value)
	case "digest":
		q.from = hubByDigest
		q.and("r.digest = %s", value)
	case "project_id":
		id, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return fault.Invalidf("project_id %q is no number", clean(value, 64))
		}
		q.both(&q.places, "pr.id = %s", id)
	case "repository_name":
		project, name, _ := strings.Cut(value, "/")
		q.both(&q.places, "pr.name = %s AND re.name = %s", project, name)
	case "tag":
		q.both(&q.places, "EXISTS (SELECT 1 FROM tag t WHERE t.manifest_id = m.id AND t.name = %s)", value)
	}
	return nil
}

// both adds a condition to the search, and to some clauses of it.
func (q *hubQuery) both(some *clauses, condition string, values ...any) {
	q.and(condition, values...)
	some.and(condition, values...)
}

func (q *hubQuery) score(f db.Filter) error {
	if f.Op != db.Between || len(f.Values) != 2 {
		return fault.Invalidf("cvss_score_v3 is a range with both ends: cvss_score_v3=[7.0~10.0]")
	}
	low, err1 := strconv.ParseFloat(f.Values[0], 64)
	high, err2 := strconv.ParseFloat(f.Values[1], 64)
	if err1 != nil || err2 != nil {
		return fault.Invalidf("cvss_score_v3 is a range with both ends: cvss_score_v3=[7.0~10.0]")
	}
	q.and("v.cvss_v3 >= %s AND v.cvss_v3 <= %s", int64(low*10+0.5), int64(high*10+0.5))
	return nil
}

// Search returns a page of the findings of the default scanner's reports, the highest score first, and how many there
// are: -1 where they are too many to be counted.
func (s *Service) Search(ctx context.Context, list db.List, tune, tags bool) (page []HubFinding, total int64, err error) {
	scanner, err := s.scanners.InForce(ctx, 0)
	if err != nil {
		return nil, 0, err
	}
	q, err := hubSearch(scanner.ID, list.Filters)
	if err != nil {
		return nil, 0, err
	}
	size := max(min(list.Size, 100), 1)
	offset := (max(list.Page, 1) - 1) * size
	if offset > maxOffset {
		return nil, 0, fault.Invalidf("pages end at %d findings: search for less", maxOffset)
	}
	err = s.db.Read(ctx, func(tx db.Tx) error {
		if err := q.narrow(ctx, tx); err != nil {
			return err
		}
		if page, err = db.Collect(ctx, tx, scanHub, q.page(), append(slices.Clone(q.args), size, offset)...); err != nil {
			return err
		}
		if total, err = countHub(ctx, tx, q, len(list.Filters) == 0, tune); err != nil || !tags {
			return err
		}
		return addTags(ctx, tx, page)
	})
	if err != nil {
		return nil, 0, fmt.Errorf("search findings: %w", err)
	}
	return page, total, nil
}

func countHub(ctx context.Context, tx db.Tx, q hubQuery, everything, tune bool) (total int64, err error) {
	most := int64(maxCount)
	if tune {
		most = tunedCount
	}
	if everything {
		total, err = db.Get(ctx, tx, db.ScanInt, hubTotal, q.args...)
	} else {
		total, err = db.Get(ctx, tx, db.ScanInt, q.count(), append(slices.Clone(q.args), most+1)...)
	}
	if total > most && (tune || !everything) {
		total = -1
	}
	return total, err
}

// addTags adds to findings the first tags of their artifacts, by one statement.
func addTags(ctx context.Context, tx db.Tx, page []HubFinding) error {
	ids := make([]int64, len(page))
	for i := range page {
		ids[i] = page[i].ManifestID
	}
	rows, err := collectIn(ctx, tx, scanNamed, firstTags, nil, ids)
	if err != nil {
		return err
	}
	byID := map[int64][]string{}
	for _, t := range rows {
		byID[t.id] = append(byID[t.id], t.name)
	}
	for i := range page {
		page[i].Tags = byID[page[i].ManifestID]
	}
	return nil
}

var firstTags = inQuery{`SELECT manifest_id, name FROM (SELECT t.manifest_id, t.name, ROW_NUMBER() OVER (PARTITION BY t.manifest_id ORDER BY t.name) AS place
	FROM tag t WHERE t.manifest_id IN `, `) found WHERE place <= 10 ORDER BY manifest_id, name`}
