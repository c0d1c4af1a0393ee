package scan

import (
	"context"
	"fmt"
	"slices"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/scan/inventory"
)

// judged is a package with what an edition says of it.
type judged struct {
	packageID int64
	verdict   inventory.Verdict
}

// difference is what a verdict changes.
type difference struct{ found, gone, altered int64 }

var (
	judgedBy     = inQuery{`SELECT id, evaluation_id, unjudged FROM scan_package WHERE id IN `, ""}
	findingsOf   = inQuery{`SELECT f.package_id, f.vulnerability_id, v.name, f.severity, f.fixed, f.status FROM scan_finding f JOIN scan_vulnerability v ON v.id = f.vulnerability_id WHERE f.package_id IN `, ""}
	markJudged   = inQuery{`UPDATE scan_package SET evaluation_id = $1, unjudged = $2 WHERE evaluation_id < $1 AND id IN `, ""}
	dropFindings = inQuery{`DELETE FROM scan_finding WHERE package_id = $1 AND vulnerability_id IN `, ""}
)

const (
	insertFinding = `INSERT INTO scan_finding (package_id, vulnerability_id, severity, fixed, status, since) VALUES `
	insertChange  = `INSERT INTO scan_change (evaluation_id, package_id, name, kind, severity, fixed) VALUES `
	// A pass that was cut off may have written it already.
	butNotedOnes  = ` ON CONFLICT (evaluation_id, package_id, name) DO NOTHING`
	updateFinding = `UPDATE scan_finding SET severity = $3, fixed = $4, status = $5 WHERE package_id = $1 AND vulnerability_id = $2`
)

type pair struct{ a, b int64 }

func scanPair(r db.Row) (v pair, err error) {
	err = r.Scan(&v.a, &v.b)
	return v, err
}

// judgement is by which evaluation a package was judged, and whether that could say nothing.
type judgement struct {
	packageID, evaluationID int64
	unjudged                bool
}

func scanJudgement(r db.Row) (v judgement, err error) {
	err = r.Scan(&v.packageID, &v.evaluationID, &v.unjudged)
	return v, err
}

type findingRow struct {
	packageID, vulnerabilityID int64
	name                       string
	severity                   inventory.Severity
	fixed, status              string
}

func scanFinding(r db.Row) (f findingRow, err error) {
	err = r.Scan(&f.packageID, &f.vulnerabilityID, &f.name, &f.severity, &f.fixed, &f.status)
	return f, err
}

// Kinds of changes.
const (
	changeNew     = "new"
	changeGone    = "gone"
	changeAltered = "altered"
)

// verdicts writes what an evaluation says of packages, as far as it differs from what is written. Packages that this
// or a later evaluation has judged already stay as they are. What differs from the verdict before is noted
// as a change; a first verdict is none.
type verdicts struct {
	evaluationID int64
	now          int64
	foreign      bool // another scanner's: its evaluations are no rows that changes could be of

	inserts, changes [][]any
	diff             difference
}

// write takes all of a batch, which shall be some hundred packages.
func (v *verdicts) write(ctx context.Context, tx db.Tx, batch []judged) error {
	v.inserts, v.changes = nil, nil
	before, err := v.due(ctx, tx, batch)
	if err != nil {
		return err
	}
	batch = slices.DeleteFunc(slices.Clone(batch), func(j judged) bool { _, due := before[j.packageID]; return !due })
	if len(batch) == 0 {
		return nil
	}
	ids := make([]int64, len(batch))
	var all []inventory.Finding
	for i := range batch {
		ids[i] = batch[i].packageID
		batch[i].verdict.Findings = worstOf(batch[i].verdict.Findings)
		all = append(all, batch[i].verdict.Findings...)
	}
	vulnerabilityIDs, err := putVulnerabilities(ctx, tx, all)
	if err != nil {
		return err
	}
	rows, err := collectIn(ctx, tx, scanFinding, findingsOf, nil, ids)
	if err != nil {
		return fmt.Errorf("read findings: %w", err)
	}
	held := map[int64]map[string]findingRow{}
	for _, f := range rows { // twice where an IN list was filled up
		if held[f.packageID] == nil {
			held[f.packageID] = map[string]findingRow{}
		}
		held[f.packageID][f.name] = f
	}
	for _, j := range batch {
		old := before[j.packageID]
		if old.evaluationID > 0 && old.unjudged != j.verdict.Unknown {
			v.note(true, j.packageID, changeAltered, "", inventory.Unknown, "")
		}
		if err := v.compare(ctx, tx, j, held[j.packageID], vulnerabilityIDs, old.evaluationID > 0 || v.foreign && v.evaluationID > 1); err != nil {
			return fmt.Errorf("write the findings of package %d: %w", j.packageID, err)
		}
	}
	if err := insertRows(ctx, tx, insertFinding, "", v.inserts); err != nil {
		return fmt.Errorf("insert findings: %w", err)
	}
	if err := insertRows(ctx, tx, insertChange, butNotedOnes, v.changes); err != nil {
		return fmt.Errorf("note changes: %w", err)
	}
	return v.mark(ctx, tx, batch)
}

// due returns by which evaluation each package was judged that is to be judged.
func (v *verdicts) due(ctx context.Context, tx db.Tx, batch []judged) (map[int64]judgement, error) {
	ids := make([]int64, len(batch))
	for i := range batch {
		ids[i] = batch[i].packageID
	}
	rows, err := collectIn(ctx, tx, scanJudgement, judgedBy, nil, ids)
	if err != nil {
		return nil, fmt.Errorf("read by what packages were judged: %w", err)
	}
	before := map[int64]judgement{}
	for _, r := range rows {
		if r.evaluationID < v.evaluationID {
			before[r.packageID] = r
		}
	}
	return before, nil
}

// compare writes the difference between what is held of a package and a verdict.
func (v *verdicts) compare(ctx context.Context, tx db.Tx, j judged, held map[string]findingRow, ids map[vulnerabilityKey]int64, again bool) error {
	var gone []int64
	for _, f := range j.verdict.Findings {
		id := ids[keyOf(f)]
		old, had := held[f.ID]
		delete(held, f.ID)
		switch {
		case !had:
			v.insert(j.packageID, id, f)
			v.note(again, j.packageID, changeNew, f.ID, f.Severity, f.Fixed)
		case old.vulnerabilityID != id: // by the word of another source
			gone = append(gone, old.vulnerabilityID)
			v.insert(j.packageID, id, f)
			if old.severity != f.Severity || old.fixed != f.Fixed {
				v.note(again, j.packageID, changeAltered, f.ID, f.Severity, f.Fixed)
			}
		case old.severity != f.Severity || old.fixed != f.Fixed || old.status != f.Status:
			if _, err := tx.Exec(ctx, updateFinding, j.packageID, id, f.Severity, f.Fixed, f.Status); err != nil {
				return err
			}
			v.note(again, j.packageID, changeAltered, f.ID, f.Severity, f.Fixed)
		}
	}
	for _, f := range held {
		gone = append(gone, f.vulnerabilityID)
		v.note(again, j.packageID, changeGone, f.name, f.severity, f.fixed)
	}
	_, err := execIn(ctx, tx, dropFindings, []any{j.packageID}, gone)
	return err
}

func (v *verdicts) insert(packageID, vulnerabilityID int64, f inventory.Finding) {
	v.inserts = append(v.inserts, []any{packageID, vulnerabilityID, int64(f.Severity), f.Fixed, f.Status, v.now})
}

func (v *verdicts) note(again bool, packageID int64, kind, name string, severity inventory.Severity, fixed string) {
	if !again {
		return
	}
	switch kind {
	case changeNew:
		v.diff.found++
	case changeGone:
		v.diff.gone++
	default:
		v.diff.altered++
	}
	if v.foreign {
		return
	}
	v.changes = append(v.changes, []any{v.evaluationID, packageID, name, kind, int64(severity), fixed})
}

func (v *verdicts) mark(ctx context.Context, tx db.Tx, batch []judged) error {
	byUnknown := map[bool][]int64{}
	for _, j := range batch {
		byUnknown[j.verdict.Unknown] = append(byUnknown[j.verdict.Unknown], j.packageID)
	}
	for unknown, ids := range byUnknown {
		if _, err := execIn(ctx, tx, markJudged, []any{v.evaluationID, unknown}, ids); err != nil {
			return fmt.Errorf("mark packages as judged: %w", err)
		}
	}
	return nil
}

// worstOf keeps of findings with the same id the most severe one: a vulnerability is counted once in a package.
func worstOf(all []inventory.Finding) []inventory.Finding {
	byID := make(map[string]int, len(all))
	kept := make([]inventory.Finding, 0, len(all))
	for _, f := range all {
		f = bounded(f)
		if f.ID == "" {
			continue
		}
		if i, ok := byID[f.ID]; !ok {
			byID[f.ID] = len(kept)
			kept = append(kept, f)
		} else if f.Severity > kept[i].Severity {
			kept[i] = f
		}
	}
	return kept
}
