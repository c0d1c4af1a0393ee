package scan

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/scan/inventory"
)

// Vulnerability is a finding with all that is known of it.
type Vulnerability struct {
	Found
	Status  string
	Detail  inventory.Detail
	CVSS    inventory.CVSS // the score that stands for it
	Digests []oci.Digest   // images that it is in
	Places  []Place        // where in them the package lies, at most maxPlaces
}

// Place is where a package lies.
type Place struct {
	Layer string // digest of the layer's blob
	Path  string // "": a package manager lists it
}

const (
	// MaxVulnerabilities is how many findings a full report has at most, the worst.
	MaxVulnerabilities = 50_000
	maxPlaces          = 20
)

// FullReport is an overview with its findings.
type FullReport struct {
	Overview
	Vulnerabilities []Vulnerability
	Cut             bool // there are more
}

const fullFindings = `SELECT p.key, p.name, p.version, v.name, v.id, f.severity, f.fixed, f.status
	FROM scan_content c JOIN scan_finding f ON f.package_id = c.package_id
		JOIN scan_vulnerability v ON v.id = f.vulnerability_id JOIN scan_package p ON p.id = c.package_id
	WHERE c.report_id = $1 ORDER BY f.severity DESC, v.name, p.name, p.version LIMIT $2`

var detailsOf = inQuery{`SELECT id, detail FROM scan_vulnerability WHERE id IN `, ""}

type fullRow struct {
	key           string
	vulnerability int64
	Vulnerability
}

func scanFull(r db.Row) (v fullRow, err error) {
	err = r.Scan(&v.key, &v.Package, &v.Version, &v.Found.Vulnerability, &v.vulnerability, &v.Severity, &v.Fixed, &v.Status)
	return v, err
}

type detailRow struct {
	id     int64
	detail inventory.Detail
}

func scanDetail(r db.Row) (v detailRow, err error) {
	var text string
	if err := r.Scan(&v.id, &text); err != nil {
		return v, err
	}
	err = json.Unmarshal([]byte(text), &v.detail)
	return v, err
}

// findingsOf reads the findings of a report, the worst first, at most MaxVulnerabilities. What is known of a
// vulnerability is read once and shared by all the packages that have it: a hostile image names thousands.
func (s *Service) findingsOf(ctx context.Context, reportID int64) ([]fullRow, error) {
	rows, err := db.Collect(ctx, s.db.Auto(), scanFull, fullFindings, reportID, MaxVulnerabilities)
	if err != nil {
		return nil, fmt.Errorf("read the findings of report %d: %w", reportID, err)
	}
	known := map[int64]inventory.Detail{}
	for _, v := range rows {
		known[v.vulnerability] = inventory.Detail{}
	}
	details, err := collectIn(ctx, s.db.Auto(), scanDetail, detailsOf, nil, slices.Collect(maps.Keys(known)))
	if err != nil {
		return nil, fmt.Errorf("read what is known of the findings of report %d: %w", reportID, err)
	}
	for _, d := range details {
		known[d.id] = d.detail
	}
	for i := range rows {
		v := &rows[i]
		v.Detail = known[v.vulnerability]
		v.CVSS = preferredCVSS(v.Detail)
	}
	return rows, nil
}

// FullReport returns the findings of an artifact by the scanner in force, those of an index's images together; not ok when
// there is no report.
func (s *Service) FullReport(ctx context.Context, projectID int64, a registry.Artifact) (full FullReport, ok bool, err error) {
	overviews, err := s.Overviews(ctx, projectID, []registry.Artifact{a})
	if err != nil {
		return full, false, err
	}
	if full.Overview, ok = overviews[a.ID]; !ok {
		return full, false, nil
	}
	for _, r := range full.Reports {
		rows, err := s.findingsOf(ctx, r.ID)
		if err != nil {
			return full, false, err
		}
		places, err := s.places(ctx, r.ID)
		if err != nil {
			return full, false, err
		}
		full.Cut = full.Cut || len(rows) == MaxVulnerabilities
		full.merge(r.Digest, rows, places)
	}
	shorten(full.Vulnerabilities)
	return full, true, nil
}

// merge adds the findings of one image. What several images have in common is there once; the worst come first, and are
// what is kept where there are too many.
func (full *FullReport) merge(d oci.Digest, rows []fullRow, places map[string][]Place) {
	type key struct{ id, name, version string }
	at := make(map[key]int, len(full.Vulnerabilities))
	for i, v := range full.Vulnerabilities {
		at[key{v.Found.Vulnerability, v.Package, v.Version}] = i
	}
	before := len(at)
	for _, v := range rows {
		k := key{v.Found.Vulnerability, v.Package, v.Version}
		i, known := at[k]
		if !known {
			i = len(full.Vulnerabilities)
			at[k] = i
			full.Vulnerabilities = append(full.Vulnerabilities, v.Vulnerability)
		}
		full.Vulnerabilities[i].add(d, places[v.key])
	}
	if before > 0 {
		slices.SortStableFunc(full.Vulnerabilities, func(a, b Vulnerability) int {
			return cmp.Or(cmp.Compare(b.Severity, a.Severity), cmp.Compare(a.Found.Vulnerability, b.Found.Vulnerability), cmp.Compare(a.Package, b.Package), cmp.Compare(a.Version, b.Version))
		})
	}
	if len(full.Vulnerabilities) > MaxVulnerabilities {
		full.Vulnerabilities, full.Cut = full.Vulnerabilities[:MaxVulnerabilities], true
	}
}

// maxTold bounds the titles, descriptions and links of a report, in bytes: they are written out with each finding.
const maxTold = 32 << 20

// shorten leaves these out of the last findings of a report that has too many of them.
func shorten(all []Vulnerability) {
	left := maxTold
	for i := range all {
		d := &all[i].Detail
		left -= len(d.Title) + len(d.Description)
		for _, link := range d.Links {
			left -= len(link)
		}
		if left < 0 {
			d.Title, d.Description, d.Links = "", "", nil
		}
	}
}

func (v *Vulnerability) add(d oci.Digest, places []Place) {
	if !slices.Contains(v.Digests, d) {
		v.Digests = append(v.Digests, d)
	}
	for _, p := range places {
		if len(v.Places) < maxPlaces && !slices.Contains(v.Places, p) {
			v.Places = append(v.Places, p)
		}
	}
}

const inventoryByReport = `SELECT content FROM scan_inventory WHERE report_id = $1`

// places says where an image's packages lie, by their keys; nothing of what another scanner reported.
func (s *Service) places(ctx context.Context, reportID int64) (map[string][]Place, error) {
	content, err := db.Get(ctx, s.db.Auto(), scanBytes, inventoryByReport, reportID)
	if errors.Is(err, db.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the inventory of report %d: %w", reportID, err)
	}
	var found inventory.Inventory
	if err := s.packer.unpack(content, &found); err != nil {
		return nil, fmt.Errorf("the inventory of report %d: %w", reportID, err)
	}
	all := map[string][]Place{}
	for _, p := range found.Packages {
		key := p.Key()
		if len(all[key]) < maxPlaces {
			all[key] = append(all[key], Place{Layer: p.Layer, Path: clean(p.Path, maxField)})
		}
	}
	return all, nil
}

const (
	taskOfReport = `SELECT digest, task_id FROM scan_report WHERE uuid = $1
		UNION ALL SELECT m.digest, b.task_id FROM scan_sbom b JOIN manifest m ON m.id = b.manifest_id WHERE b.uuid = $1`
)

type reportTask struct {
	digest oci.Digest
	task   int64
}

func scanReportTask(r db.Row) (v reportTask, err error) {
	err = r.Scan(&v.digest, &v.task)
	return v, err
}

// Log returns what a scan has to tell, of a report of one of these images; more says from where on there is
// more, 0 at the end. A report of other images is fault.NotFound.
func (s *Service) Log(ctx context.Context, images []oci.Digest, uuid string, after int64) (text string, more int64, err error) {
	t, err := db.Get(ctx, s.db.Auto(), scanReportTask, taskOfReport, uuid)
	if errors.Is(err, db.ErrNotFound) || err == nil && (!slices.Contains(images, t.digest) || t.task == 0) {
		return "", 0, fault.NotFoundf("report with uuid %s does not exist", clean(uuid, maxName))
	}
	if err != nil {
		return "", 0, fmt.Errorf("find the log of report %s: %w", uuid, err)
	}
	text, next, done, err := s.jobs.Log(ctx, t.task, after)
	if err != nil {
		return "", 0, err
	}
	if done || next == after {
		return text, 0, nil
	}
	return text, next, nil
}

// Images is the digests of the images that an artifact is or holds.
func (s *Service) Images(ctx context.Context, a registry.Artifact) ([]oci.Digest, error) {
	all, err := imageDigests(ctx, s.db.Auto(), []registry.Artifact{a})
	return all[a.ID], err
}

// Change is a finding that another edition of the database brought or took.
type Change struct {
	Found
	Kind         string // new, gone or altered
	EvaluationID int64
	Edition      string
	EditionAt    time.Time
}

const changesOf = `SELECT ch.name, p.name, p.version, ch.fixed, ch.severity, ch.kind, e.id, e.edition, e.edition_at
	FROM scan_content c JOIN scan_package p ON p.id = c.package_id JOIN scan_change ch ON ch.package_id = c.package_id JOIN scan_evaluation e ON e.id = ch.evaluation_id
	WHERE c.report_id = $1 AND ch.name <> '' ORDER BY e.id DESC, ch.severity DESC, ch.name, p.name LIMIT $2`

func scanChange(r db.Row) (c Change, err error) {
	err = r.Scan(&c.Vulnerability, &c.Package, &c.Version, &c.Fixed, &c.Severity, &c.Kind, &c.EvaluationID, &c.Edition, db.ScanTime(&c.EditionAt))
	return c, err
}

// MaxChanges is how many changes Changes returns, the last.
const MaxChanges = 5000

// Changes returns what the last editions of the database changed in a report, the last first.
func (s *Service) Changes(ctx context.Context, reportID int64) ([]Change, error) {
	all, err := db.Collect(ctx, s.db.Auto(), scanChange, changesOf, reportID, MaxChanges)
	if err != nil {
		return nil, fmt.Errorf("read what changed in report %d: %w", reportID, err)
	}
	return all, nil
}
