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

// The reports' contents come first, which SQLite has to be told: it would begin with all that an evaluation changed.
var (
	tallies = inQuery{`SELECT c.report_id, COALESCE(f.severity, -1), COUNT(*), SUM(CASE WHEN f.fixed <> '' THEN 1 ELSE 0 END),
			SUM(CASE WHEN p.unjudged THEN 1 ELSE 0 END), SUM(CASE WHEN p.evaluation_id = 0 THEN 1 ELSE 0 END)
		FROM scan_content c CROSS JOIN scan_package p LEFT JOIN scan_finding f ON f.package_id = p.id
		WHERE p.id = c.package_id AND c.report_id IN `, ` GROUP BY c.report_id, COALESCE(f.severity, -1)`}
	packageCounts = inQuery{`SELECT report_id, COUNT(*) FROM scan_content WHERE report_id IN `, ` GROUP BY report_id`}
	changeCounts  = inQuery{`SELECT c.report_id, ch.kind, COUNT(*) FROM scan_content c CROSS JOIN scan_change ch
		WHERE ch.evaluation_id = $1 AND ch.package_id = c.package_id AND c.report_id IN `, ` GROUP BY c.report_id, ch.kind`}
	unjudgedScopes = inQuery{`SELECT DISTINCT c.report_id, p.scope FROM scan_content c CROSS JOIN scan_package p
		WHERE p.id = c.package_id AND p.unjudged AND c.report_id IN `, ` ORDER BY c.report_id, p.scope`}
	toSummarise = inQuery{`SELECT id, status, evaluated, reason, unread, severity, critical, high, medium, low, negligible, unknown, fixable, found, gone, waiting, complete FROM scan_report WHERE id IN `, ""}
)

const updateSummary = `UPDATE scan_report SET status = $2, evaluated = $3, reason = $4, severity = $5, critical = $6, high = $7, medium = $8, low = $9,
		negligible = $10, unknown = $11, fixable = $12, found = $13, gone = $14, waiting = $15, evaluation_id = $16, updated_at = $17
	WHERE id = $1`

type tallyRow struct {
	reportID                           int64
	severity                           inventory.Severity // -1: packages without a finding
	findings, fixable, unjudged, never int64
}

func scanTally(r db.Row) (v tallyRow, err error) {
	err = r.Scan(&v.reportID, &v.severity, &v.findings, &v.fixable, &v.unjudged, &v.never)
	return v, err
}

type changeRow struct {
	reportID int64
	kind     string
	n        int64
}

func scanChangeCount(r db.Row) (v changeRow, err error) {
	err = r.Scan(&v.reportID, &v.kind, &v.n)
	return v, err
}

type scopeRow struct {
	reportID int64
	scope    string
}

func scanScope(r db.Row) (v scopeRow, err error) {
	err = r.Scan(&v.reportID, &v.scope)
	return v, err
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

// tally adds up what reports hold, in four statements for all of them.
func tallyOf(ctx context.Context, tx db.Tx, evaluationID int64, ids []int64) (map[int64]*tally, map[int64][]string, error) {
	all := make(map[int64]*tally, len(ids))
	for _, id := range ids {
		all[id] = &tally{}
	}
	marks, args := db.In(0, filled(ids))
	rows, err := db.Collect(ctx, tx, scanTally, tallies.with(marks), args...)
	if err != nil {
		return nil, nil, err
	}
	some := false
	for _, v := range rows {
		t := all[v.reportID]
		if v.severity >= 0 {
			t.counts.Add(v.severity, v.findings, v.fixable)
		} else { // what was not judged has no findings
			t.unjudged, t.never = v.unjudged, v.never
		}
		some = some || v.unjudged > 0
	}
	counts, err := db.Collect(ctx, tx, scanPair, packageCounts.with(marks), args...)
	if err != nil {
		return nil, nil, err
	}
	for _, v := range counts {
		all[v.a].packages = v.b
	}
	after, in := db.In(1, filled(ids))
	changes, err := db.Collect(ctx, tx, scanChangeCount, changeCounts.with(after), append([]any{evaluationID}, in...)...)
	if err != nil {
		return nil, nil, err
	}
	for _, v := range changes {
		switch v.kind {
		case changeNew:
			all[v.reportID].found = v.n
		case changeGone:
			all[v.reportID].gone = v.n
		}
	}
	if !some {
		return all, nil, nil
	}
	named, err := db.Collect(ctx, tx, scanScope, unjudgedScopes.with(marks), args...)
	if err != nil {
		return nil, nil, err
	}
	scopes := map[int64][]string{}
	for _, v := range named {
		scopes[v.reportID] = append(scopes[v.reportID], v.scope)
	}
	return all, scopes, nil
}

// summarise writes what reports come to by an evaluation, where it differs from what is written, and returns those
// that changed. Where a scan waits or runs, was stopped or failed before its end, that status stays.
func summarise(ctx context.Context, tx db.Tx, evaluationID, now int64, ids []int64) (changed []int64, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	all, scopes, err := tallyOf(ctx, tx, evaluationID, ids)
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
			next.counts.Medium, next.counts.Low, next.counts.Negligible, next.counts.Unknown, next.counts.Fixable, next.found, next.gone, next.waiting, evaluationID, now); err != nil {
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
