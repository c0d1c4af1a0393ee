package scan

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/scan/inventory"
)

// tally is what the packages of a report come to.
type tally struct {
	counts      Counts
	packages    int64 // of them, below
	unjudged    int64 // nobody publishes advisories for them
	never       int64 // not judged yet
	found, gone int64
}

// outcome says how a scan ended, by what was read and what it comes to. reason is for people.
func (t tally) outcome(unread string, scopes []string) (status Status, evaluated Evaluated, reason string) {
	reasons := []string{}
	if t.never > 0 {
		reasons = append(reasons, noDatabase)
	}
	if t.unjudged > 0 {
		reasons = append(reasons, fmt.Sprintf("nobody publishes advisories for %s: %d of %d packages are not evaluated", strings.Join(scopes, ", "), t.unjudged, t.packages))
	}
	if unread != "" {
		reasons = append(reasons, unread)
	}
	switch judged := t.packages - t.unjudged - t.never; {
	case len(reasons) == 0 && judged > 0:
		return Success, Wholly, ""
	case judged > 0:
		evaluated = Partly
	case len(reasons) == 0:
		reasons = append(reasons, nothingToJudge)
	}
	return Failed, evaluated, clean(strings.Join(reasons, "; "), maxReason)
}

const (
	noDatabase     = "there is no vulnerability database yet; the image is evaluated by itself when there is one"
	nothingToJudge = "nothing was found that advisories exist for, neither packages of a distribution nor libraries: that says nothing of what else is in the image"
)

// shortcomings is what an inventory doesn't say, in one text, "" when nothing is missing.
func shortcomings(inv inventory.Inventory) string {
	all := slices.Clone(inv.Unread)
	if inv.OS.Family != "" && !slices.ContainsFunc(inv.Packages, func(p inventory.Package) bool { return p.Class == inventory.OSPackage }) && len(inv.Unread) == 0 {
		all = append(all, fmt.Sprintf("the image calls itself %s %s and has no list of its packages", inv.OS.Family, inv.OS.Name))
	}
	const most = 10
	if n := len(all); n > most {
		all = append(all[:most], fmt.Sprintf("and %d more", n-most))
	}
	return clean(strings.Join(all, "; "), maxReason)
}

// What packages come to is asked for apart from which report holds which: PostgreSQL would join all packages that there
// are to each batch of reports, and a pass asks for each package once.
var (
	contentsOf   = inQuery{`SELECT report_id, package_id FROM scan_content WHERE report_id IN `, ""}
	packagesSaid = inQuery{`SELECT p.id, p.evaluation_id, p.unjudged, p.scope, COALESCE(f.severity, -1), COUNT(*), SUM(CASE WHEN f.fixed <> '' THEN 1 ELSE 0 END)
		FROM scan_package p LEFT JOIN scan_finding f ON f.package_id = p.id WHERE p.id IN `, ` GROUP BY p.id, p.evaluation_id, p.unjudged, p.scope, COALESCE(f.severity, -1)`}
	changesNoted = inQuery{`SELECT package_id, kind, COUNT(*) FROM scan_change WHERE evaluation_id = $1 AND package_id IN `, ` GROUP BY package_id, kind`}
	toSummarise  = inQuery{`SELECT id, status, evaluated, reason, unread, severity, critical, high, medium, low, negligible, unknown, fixable, found, gone, waiting, complete FROM scan_report WHERE id IN `, ""}
)

const updateSummary = `UPDATE scan_report SET status = $2, evaluated = $3, reason = $4, severity = $5, critical = $6, high = $7, medium = $8, low = $9,
		negligible = $10, unknown = $11, fixable = $12, found = $13, gone = $14, waiting = $15, evaluation_id = $16, updated_at = $17
	WHERE id = $1`

// said is what a package comes to.
type said struct {
	counts      Counts
	evaluation  int64 // by which it was judged, 0: never
	unjudged    bool
	scope       string
	found, gone int64 // that came and went with an evaluation
}

type saidRow struct {
	packageID int64
	said
	severity          inventory.Severity // -1: no finding
	findings, fixable int64
}

func scanSaid(r db.Row) (v saidRow, err error) {
	err = r.Scan(&v.packageID, &v.evaluation, &v.unjudged, &v.scope, &v.severity, &v.findings, &v.fixable)
	return v, err
}

type notedRow struct {
	packageID int64
	kind      string
	n         int64
}

func scanNoted(r db.Row) (v notedRow, err error) {
	err = r.Scan(&v.packageID, &v.kind, &v.n)
	return v, err
}

// maxSaid bounds what a pass remembers of packages, some 150 bytes each.
const maxSaid = 200_000

// sayings is what packages come to by one evaluation. Of those that it has judged this stays as it is until the next one,
// which sums up again: only they are remembered.
type sayings struct {
	evaluationID int64
	known        map[int64]said
}

func newSayings(evaluationID int64) *sayings {
	return &sayings{evaluationID: evaluationID, known: map[int64]said{}}
}

// of returns what packages come to.
func (s *sayings) of(ctx context.Context, tx db.Tx, packages map[int64]bool) (map[int64]said, error) {
	all := make(map[int64]said, len(packages))
	var asked []int64
	for id := range packages {
		if v, known := s.known[id]; known {
			all[id] = v
		} else {
			asked = append(asked, id)
		}
	}
	slices.Sort(asked)
	for some := range slices.Chunk(asked, setSize) {
		if err := s.ask(ctx, tx, some, all); err != nil {
			return nil, err
		}
	}
	if len(s.known) > maxSaid {
		clear(s.known)
	}
	for _, id := range asked {
		if v := all[id]; s.evaluationID > 0 && v.evaluation == s.evaluationID {
			s.known[id] = v
		}
	}
	return all, nil
}

// ask reads what some packages come to into all.
func (s *sayings) ask(ctx context.Context, tx db.Tx, some []int64, all map[int64]said) error {
	rows, err := collectIn(ctx, tx, scanSaid, packagesSaid, nil, some)
	if err != nil {
		return err
	}
	for _, row := range rows {
		v, begun := all[row.packageID]
		if !begun {
			v = row.said
		}
		if row.severity >= 0 {
			v.counts.Add(row.severity, row.findings, row.fixable)
		}
		all[row.packageID] = v
	}
	notes, err := collectIn(ctx, tx, scanNoted, changesNoted, []any{s.evaluationID}, some)
	if err != nil {
		return err
	}
	for _, row := range notes {
		v := all[row.packageID]
		switch row.kind {
		case changeNew:
			v.found = row.n
		case changeGone:
			v.gone = row.n
		}
		all[row.packageID] = v
	}
	return nil
}

// summaryRow is what a report's row says of its packages.
type summaryRow struct {
	id        int64
	status    Status
	evaluated Evaluated
	reason    string
	unread    string
	severity  int64
	counts    Counts
	found     int64
	gone      int64
	waiting   bool
	complete  bool
}

func scanSummary(r db.Row) (v summaryRow, err error) {
	err = r.Scan(&v.id, &v.status, &v.evaluated, &v.reason, &v.unread, &v.severity, &v.counts.Critical, &v.counts.High, &v.counts.Medium, &v.counts.Low,
		&v.counts.Negligible, &v.counts.Unknown, &v.counts.Fixable, &v.found, &v.gone, &v.waiting, &v.complete)
	return v, err
}

// tallyOf adds up what reports hold. Beside it are the scopes of each that nobody publishes advisories for.
func tallyOf(ctx context.Context, tx db.Tx, s *sayings, ids []int64) (map[int64]*tally, map[int64][]string, error) {
	contents, err := collectIn(ctx, tx, scanPair, contentsOf, nil, ids)
	if err != nil {
		return nil, nil, err
	}
	packages := map[int64]bool{}
	for _, c := range contents {
		packages[c.b] = true
	}
	known, err := s.of(ctx, tx, packages)
	if err != nil {
		return nil, nil, err
	}
	all, scopes := make(map[int64]*tally, len(ids)), map[int64][]string{}
	for _, id := range ids {
		all[id] = &tally{}
	}
	for _, c := range contents {
		v := known[c.b]
		all[c.a].add(v)
		if v.unjudged && !slices.Contains(scopes[c.a], v.scope) {
			scopes[c.a] = append(scopes[c.a], v.scope)
		}
	}
	for _, named := range scopes {
		slices.Sort(named)
	}
	return all, scopes, nil
}

// add counts a package.
func (t *tally) add(v said) {
	t.packages++
	t.counts = t.counts.Plus(v.counts)
	t.found, t.gone = t.found+v.found, t.gone+v.gone
	if v.unjudged {
		t.unjudged++
	}
	if v.evaluation == 0 {
		t.never++
	}
}

// summarise writes what reports come to by an evaluation, where it differs from what is written, and returns those
// that changed. Where a scan waits or runs, was stopped or failed before its end, that status stays.
func summarise(ctx context.Context, tx db.Tx, by *sayings, now int64, ids []int64) (changed []int64, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	all, scopes, err := tallyOf(ctx, tx, by, ids)
	if err != nil {
		return nil, fmt.Errorf("add up findings: %w", err)
	}
	marks, args := db.In(0, filled(ids))
	rows, err := db.Collect(ctx, tx, scanSummary, toSummarise.with(marks), args...)
	if err != nil {
		return nil, fmt.Errorf("read reports: %w", err)
	}
	for _, old := range rows {
		next := old.after(*all[old.id], scopes[old.id])
		if next == old {
			continue
		}
		if _, err := tx.Exec(ctx, updateSummary, next.id, next.status, next.evaluated, next.reason, next.severity, next.counts.Critical, next.counts.High,
			next.counts.Medium, next.counts.Low, next.counts.Negligible, next.counts.Unknown, next.counts.Fixable, next.found, next.gone, next.waiting, by.evaluationID, now); err != nil {
			return nil, fmt.Errorf("write the summary of report %d: %w", next.id, err)
		}
		changed = append(changed, next.id)
	}
	return changed, nil
}

// after is the row with what its packages come to now.
func (v summaryRow) after(t tally, scopes []string) summaryRow {
	status, evaluated, reason := t.outcome(v.unread, scopes)
	if v.complete {
		v.status, v.reason = status, reason
	}
	v.evaluated, v.counts, v.found, v.gone, v.waiting = evaluated, t.counts, t.found, t.gone, t.never > 0
	v.severity = -1
	if worst, any := t.counts.Highest(); any {
		v.severity = int64(worst)
	}
	return v
}
