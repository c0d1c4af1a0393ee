package scan

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/scan/inventory"
)

// vulnerabilityKey is what makes a vulnerability's details one row: whose word they are.
type vulnerabilityKey struct{ name, source, dataSource string }

type vulnerabilityRow struct {
	id     int64
	key    vulnerabilityKey
	detail string
}

var vulnerabilitiesByName = inQuery{`SELECT id, name, source, data_source, detail FROM scan_vulnerability WHERE name IN `, ""}

const (
	insertVulnerability = `INSERT INTO scan_vulnerability (name, source, data_source, cvss_v3, detail) VALUES `
	butKnownDetails     = ` ON CONFLICT (name, source, data_source) DO NOTHING`
	updateVulnerability = `UPDATE scan_vulnerability SET cvss_v3 = $2, detail = $3 WHERE id = $1`
)

func scanVulnerability(r db.Row) (v vulnerabilityRow, err error) {
	err = r.Scan(&v.id, &v.key.name, &v.key.source, &v.key.dataSource, &v.detail)
	return v, err
}

// bounded is a finding with its texts cut to what is kept.
func bounded(f inventory.Finding) inventory.Finding {
	d := f.Detail
	d.Source, d.DataSource = clean(d.Source, maxName), clean(d.DataSource, maxName)
	d.Title, d.Description, d.Link = clean(d.Title, maxField), clean(d.Description, maxProse), clean(d.Link, maxField)
	d.Links, d.CWEs = boundedList(d.Links), boundedList(d.CWEs)
	d.Links = slices.DeleteFunc(d.Links, func(link string) bool { return !leadsOut(link) })
	if !leadsOut(d.Link) {
		d.Link = ""
	}
	d.CVSS = boundedScores(d.CVSS)
	if f.Severity < inventory.Unknown || f.Severity > inventory.Critical {
		f.Severity = inventory.Critical // what nobody knows counts as the worst (S12)
	}
	return inventory.Finding{ID: clean(f.ID, maxName), Fixed: clean(f.Fixed, maxField), Status: clean(f.Status, maxName), Severity: f.Severity, Detail: d}
}

func boundedList(all []string) []string {
	all = slices.Clone(all[:min(len(all), maxLinks)])
	for i := range all {
		all[i] = clean(all[i], maxField)
	}
	return all
}

// leadsOut reports whether a browser may be sent there: elsewhere, and not to a program in the page (S20).
func leadsOut(link string) bool {
	return strings.HasPrefix(link, "https://") || strings.HasPrefix(link, "http://")
}

// boundedScores keeps scores that are some.
func boundedScores(all map[string]inventory.CVSS) map[string]inventory.CVSS {
	if len(all) > maxLinks {
		return nil // nobody has so many
	}
	kept := make(map[string]inventory.CVSS, len(all))
	for source, c := range all {
		c.V2Score, c.V3Score = boundedScore(c.V2Score), boundedScore(c.V3Score)
		c.V2Vector, c.V3Vector = clean(c.V2Vector, maxField), clean(c.V3Vector, maxField)
		if c != (inventory.CVSS{}) {
			kept[clean(source, maxName)] = c
		}
	}
	return kept
}

// boundedScore is 0 for what is none.
func boundedScore(score float64) float64 {
	if score >= 0 && score <= 10 {
		return score
	}
	return 0
}

func keyOf(f inventory.Finding) vulnerabilityKey {
	return vulnerabilityKey{f.ID, f.Detail.Source, f.Detail.DataSource}
}

// preferredCVSS is the score that stands for a vulnerability: of the source that its severity is by, else NVD's, else
// the highest.
func preferredCVSS(d inventory.Detail) (best inventory.CVSS) {
	for _, source := range []string{d.Source, "nvd"} {
		if c, ok := d.CVSS[source]; ok && (c.V3Score > 0 || c.V2Score > 0) {
			return c
		}
	}
	for _, source := range slices.Sorted(maps.Keys(d.CVSS)) {
		if c := d.CVSS[source]; c.V3Score > best.V3Score || best.V3Score == 0 && c.V2Score > best.V2Score {
			best = c
		}
	}
	return best
}

// tenths is a score of 0 to 10 as the database compares it.
func tenths(score float64) int64 {
	return int64(math.Round(boundedScore(score) * 10))
}

// putVulnerabilities makes sure that there are rows for what the findings are of, with the details as they are now, and
// returns their ids.
func putVulnerabilities(ctx context.Context, tx db.Tx, findings []inventory.Finding) (map[vulnerabilityKey]int64, error) {
	details := map[vulnerabilityKey]inventory.Detail{}
	for _, f := range findings {
		details[keyOf(f)] = f.Detail
	}
	texts := make(map[vulnerabilityKey]string, len(details))
	names := map[string]bool{}
	for key, d := range details {
		text, err := json.Marshal(d)
		if err != nil {
			return nil, fmt.Errorf("encode %s: %w", key.name, err)
		}
		texts[key], names[key.name] = string(text), true
	}
	rows, err := collectIn(ctx, tx, scanVulnerability, vulnerabilitiesByName, nil, slices.Sorted(maps.Keys(names)))
	if err != nil {
		return nil, fmt.Errorf("look vulnerabilities up: %w", err)
	}
	ids := make(map[vulnerabilityKey]int64, len(details))
	for _, v := range rows {
		text, wanted := texts[v.key]
		if !wanted {
			continue
		}
		ids[v.key] = v.id
		if text == v.detail {
			continue
		}
		if _, err := tx.Exec(ctx, updateVulnerability, v.id, tenths(preferredCVSS(details[v.key]).V3Score), text); err != nil {
			return nil, fmt.Errorf("update %s: %w", v.key.name, err)
		}
	}
	if len(ids) == len(details) {
		return ids, nil
	}
	return ids, addVulnerabilities(ctx, tx, details, texts, ids)
}

// addVulnerabilities inserts those that have no id yet, and adds their ids.
func addVulnerabilities(ctx context.Context, tx db.Tx, details map[vulnerabilityKey]inventory.Detail, texts map[vulnerabilityKey]string, ids map[vulnerabilityKey]int64) error {
	var inserts [][]any
	var added []string
	for key, d := range details {
		if _, known := ids[key]; !known {
			inserts = append(inserts, []any{key.name, key.source, key.dataSource, tenths(preferredCVSS(d).V3Score), texts[key]})
			added = append(added, key.name)
		}
	}
	if err := insertRows(ctx, tx, insertVulnerability, butKnownDetails, inserts); err != nil {
		return fmt.Errorf("insert vulnerabilities: %w", err)
	}
	rows, err := collectIn(ctx, tx, scanVulnerability, vulnerabilitiesByName, nil, added)
	if err != nil {
		return fmt.Errorf("look vulnerabilities up: %w", err)
	}
	for _, v := range rows {
		if _, wanted := texts[v.key]; wanted {
			ids[v.key] = v.id
		}
	}
	return nil
}
