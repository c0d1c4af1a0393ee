package scan

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/scan/inventory"
)

// Others has scanners that aren't our own look at images. Errors that people may read are Explained.
type Others interface {
	// Vulnerabilities returns what a scanner found in an image.
	Vulnerabilities(ctx context.Context, scanner Scanner, of Image, note func(string, ...any)) (Foreign, error)
	// Materials returns the bill of materials of an image, as SPDX, and who made it: name, vendor and version, by its own word.
	Materials(ctx context.Context, scanner Scanner, of Image, note func(string, ...any)) (document []byte, by Scanner, err error)
}

// Foreign is what another scanner says of an image.
type Foreign struct {
	Scanner  Scanner // name, vendor and version, by its own word
	Findings []ForeignFinding
}

// ForeignFinding is a vulnerability of a package, by the word of another scanner.
type ForeignFinding struct {
	Package, Version string
	inventory.Finding
}

// maxForeign bounds the findings of another scanner in one image.
const maxForeign = 100_000

// askOther has another scanner look at the image.
func (r *run) askOther(ctx context.Context) error {
	found, err := r.others.Vulnerabilities(ctx, r.scanner, r.Image, r.Logf)
	if err != nil {
		return err
	}
	if n := len(found.Findings); n > maxForeign {
		return &refusal{fmt.Sprintf("the scanner reports %d findings, at most %d are taken", n, maxForeign)}
	}
	r.Logf("%s %s reports %d findings", clean(found.Scanner.Name, maxName), clean(found.Scanner.Version, maxName), len(found.Findings))
	return r.Finish(ctx, func(tx db.Tx) error { return r.takeOver(ctx, tx, found) })
}

const (
	foreignContent = `SELECT p.id, p.evaluation_id FROM scan_content c JOIN scan_package p ON p.id = c.package_id WHERE c.report_id = $1`
	completeOther  = `UPDATE scan_report SET complete = TRUE, ended_at = $2, scanner_name = $3, scanner_vendor = $4, scanner_version = $5, unread = '' WHERE id = $1`
	countForeign   = `UPDATE scan_report SET found = $2, gone = $3 WHERE id = $1`
)

// takeOver makes the report what another scanner said: packages of a scope of their own, with its findings as their
// verdicts. Their evaluations are the scans, counted from 1. One package stands for the image itself, so
// that a report without findings is of something that was looked at.
func (r *run) takeOver(ctx context.Context, tx db.Tx, found Foreign) error {
	scope := fmt.Sprintf("%s%d", foreignScope, r.ReportID)
	packages, verdictsByKey := map[string]inventory.Subject{}, map[string]inventory.Verdict{}
	add := func(name, version string) string {
		p := inventory.Subject{Scope: scope, Name: clean(name, maxName), Version: clean(version, maxName)}
		packages[p.Key()] = p
		return p.Key()
	}
	add("", "")
	for _, f := range found.Findings {
		key := add(f.Package, f.Version)
		v := verdictsByKey[key]
		v.Findings = append(v.Findings, f.Finding)
		verdictsByKey[key] = v
	}
	before, err := db.Collect(ctx, tx, scanPair, foreignContent, r.ReportID)
	if err != nil {
		return err
	}
	generation := int64(0)
	for _, p := range before {
		generation = max(generation, p.b)
	}
	ids, err := putPackages(ctx, tx, packages, 0)
	if err != nil {
		return err
	}
	v := verdicts{evaluationID: generation + 1, now: db.Micros(r.clock()), foreign: true}
	var batch []judged
	for _, key := range slices.Sorted(maps.Keys(ids)) {
		batch = append(batch, judged{ids[key], verdictsByKey[key]})
	}
	for some := range slices.Chunk(batch, judgeBatch) {
		if err := v.write(ctx, tx, some); err != nil {
			return err
		}
	}
	gone, err := r.dropForeign(ctx, tx, before, ids)
	if err != nil {
		return err
	}
	return r.completeForeign(ctx, tx, found, ids, generation > 0, v.diff.found, v.diff.gone+gone)
}

var (
	countGone   = inQuery{`SELECT COUNT(*) FROM scan_finding WHERE package_id IN `, ""}
	dropPackage = inQuery{`DELETE FROM scan_package WHERE id IN `, ""}
)

// dropForeign removes the packages that the scanner doesn't report any more, and returns how many findings went.
func (r *run) dropForeign(ctx context.Context, tx db.Tx, before []pair, now map[string]int64) (gone int64, err error) {
	kept := map[int64]bool{}
	for _, id := range now {
		kept[id] = true
	}
	var ids []int64
	for _, p := range before {
		if !kept[p.a] {
			ids = append(ids, p.a)
		}
	}
	for some := range slices.Chunk(ids, setSize) {
		marks, args := db.In(0, some)
		n, err := db.Get(ctx, tx, db.ScanInt, countGone.with(marks), args...)
		if err != nil {
			return 0, err
		}
		gone += n
	}
	if _, err := execIn(ctx, tx, dropContent, []any{r.ReportID}, ids); err != nil {
		return 0, err
	}
	_, err = execIn(ctx, tx, dropPackage, nil, ids)
	return gone, err
}

func (r *run) completeForeign(ctx context.Context, tx db.Tx, found Foreign, ids map[string]int64, again bool, came, gone int64) error {
	if err := putContent(ctx, tx, r.ReportID, ids); err != nil {
		return err
	}
	by := found.Scanner
	now := db.Micros(r.clock())
	if _, err := tx.Exec(ctx, completeOther, r.ReportID, now, clean(or(by.Name, r.scanner.Name), maxName), clean(by.Vendor, maxName), clean(by.Version, maxName)); err != nil {
		return err
	}
	if _, err := summarise(ctx, tx, newSayings(0), now, []int64{r.ReportID}); err != nil {
		return err
	}
	if !again {
		came, gone = 0, 0
	}
	if _, err := tx.Exec(ctx, countForeign, r.ReportID, came, gone); err != nil {
		return err
	}
	r.status = Success
	return r.ended(ctx, tx, Success)
}
