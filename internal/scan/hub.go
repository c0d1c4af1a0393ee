package scan

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/scan/inventory"
)

// HubSummary is what the default scanner knows of the whole registry.
type HubSummary struct {
	Counts    Counts // of all reports
	Artifacts int64  // manifests of the registry
	Scanned   int64  // those of them that a report speaks of
	// The worst, when they were asked for.
	Vulnerabilities []DangerousVulnerability
	Images          []DangerousImage
}

// DangerousVulnerability is one with a high score that is in some image.
type DangerousVulnerability struct {
	Found
	CVSS float64
}

// DangerousImage is one with many severe findings.
type DangerousImage struct {
	ProjectID  int64
	Repository string // full name
	Digest     oci.Digest
	Counts     Counts
}

// worstShown is how many dangerous ones are shown, of each sort.
const worstShown = 5

const (
	sums = `SELECT CAST(COALESCE(SUM(critical), 0) AS BIGINT), CAST(COALESCE(SUM(high), 0) AS BIGINT), CAST(COALESCE(SUM(medium), 0) AS BIGINT), CAST(COALESCE(SUM(low), 0) AS BIGINT),
			CAST(COALESCE(SUM(negligible), 0) AS BIGINT), CAST(COALESCE(SUM(unknown), 0) AS BIGINT), CAST(COALESCE(SUM(fixable), 0) AS BIGINT)
		FROM scan_report r WHERE r.scanner = $1`
	sumOfReports = sums
	// What was deleted and can be restored keeps its reports, and is little: it is taken off again.
	buried           = ` AND r.digest IN (SELECT m.digest FROM manifest m WHERE m.project_id = 0)`
	sumOfDeleted     = sums + buried + ` AND NOT EXISTS (SELECT 1 FROM manifest m WHERE m.digest = r.digest AND m.project_id > 0)`
	allManifests     = `SELECT (SELECT COUNT(*) FROM manifest) - (SELECT COUNT(*) FROM manifest m WHERE m.project_id = 0)`
	scannedManifests = `SELECT (SELECT COUNT(*) FROM scan_report r JOIN manifest m ON m.digest = r.digest WHERE r.scanner = $1 AND r.evaluated > 0)
		- (SELECT COUNT(*) FROM manifest m JOIN scan_report r ON r.digest = m.digest WHERE m.project_id = 0 AND r.scanner = $1 AND r.evaluated > 0)`
	// The same vulnerability comes once for each package that has it.
	worstVulnerabilities = `SELECT v.name, p.name, p.version, f.fixed, f.severity, v.cvss_v3
		FROM scan_vulnerability v CROSS JOIN scan_finding f CROSS JOIN scan_package p
		WHERE v.cvss_v3 > 0 AND f.vulnerability_id = v.id AND p.id = f.package_id
			AND EXISTS (SELECT 1 FROM scan_content c JOIN scan_report r ON r.id = c.report_id AND r.scanner = $1 WHERE c.package_id = f.package_id
				AND EXISTS (SELECT 1 FROM manifest m WHERE m.digest = r.digest AND m.project_id > 0))
		ORDER BY v.cvss_v3 DESC, v.id DESC LIMIT 300`
	worstImages = `SELECT re.project_id, pr.name || '/' || re.name, found.digest, found.critical, found.high, found.medium
		FROM (SELECT id, digest, critical, high, medium FROM scan_report WHERE scanner = $1 AND critical + high + medium > 0 ORDER BY critical DESC, high DESC, medium DESC, id DESC LIMIT 20) found
			JOIN manifest m ON m.id = (SELECT MIN(n.id) FROM manifest n WHERE n.digest = found.digest AND n.project_id > 0)
			JOIN repository re ON re.id = m.repository_id JOIN project pr ON pr.id = re.project_id
		ORDER BY found.critical DESC, found.high DESC, found.medium DESC, found.id DESC`
)

func scanCounts(r db.Row) (c Counts, err error) {
	err = r.Scan(&c.Critical, &c.High, &c.Medium, &c.Low, &c.Negligible, &c.Unknown, &c.Fixable)
	return c, err
}

func scanDangerous(r db.Row) (v DangerousVulnerability, err error) {
	var score int64
	err = r.Scan(&v.Vulnerability, &v.Package, &v.Version, &v.Fixed, &v.Severity, &score)
	v.CVSS = float64(score) / 10
	return v, err
}

func scanDangerousImage(r db.Row) (v DangerousImage, err error) {
	err = r.Scan(&v.ProjectID, &v.Repository, &v.Digest, &v.Counts.Critical, &v.Counts.High, &v.Counts.Medium)
	return v, err
}

// Summary returns what the default scanner knows of the whole registry.
func (s *Service) Summary(ctx context.Context, vulnerabilities, images bool) (sum HubSummary, err error) {
	scanner, err := s.scanners.InForce(ctx, 0)
	if err != nil {
		return sum, err
	}
	err = s.db.Read(ctx, func(tx db.Tx) (err error) {
		if sum.Counts, err = db.Get(ctx, tx, scanCounts, sumOfReports, scanner.ID); err != nil {
			return err
		}
		deleted, err := db.Get(ctx, tx, scanCounts, sumOfDeleted, scanner.ID)
		if err != nil {
			return err
		}
		sum.Counts = sum.Counts.minus(deleted)
		if sum.Artifacts, err = db.Get(ctx, tx, db.ScanInt, allManifests); err != nil {
			return err
		}
		if sum.Scanned, err = db.Get(ctx, tx, db.ScanInt, scannedManifests, scanner.ID); err != nil {
			return err
		}
		if images {
			if sum.Images, err = db.Collect(ctx, tx, scanDangerousImage, worstImages, scanner.ID); err != nil {
				return err
			}
			sum.Images = sum.Images[:min(len(sum.Images), worstShown)]
		}
		if !vulnerabilities {
			return nil
		}
		all, err := db.Collect(ctx, tx, scanDangerous, worstVulnerabilities, scanner.ID)
		seen := map[string]bool{}
		for _, v := range all {
			if !seen[v.Vulnerability] && len(seen) < worstShown {
				seen[v.Vulnerability] = true
				sum.Vulnerabilities = append(sum.Vulnerabilities, v)
			}
		}
		return err
	})
	if err != nil {
		return sum, fmt.Errorf("sum up what is known of the registry: %w", err)
	}
	return sum, nil
}

// Totals adds up the findings of the default scanner's reports, from an index alone.
func (s *Service) Totals(ctx context.Context) (sum Counts, err error) {
	scanner, err := s.scanners.InForce(ctx, 0)
	if err != nil {
		return sum, err
	}
	err = s.db.Read(ctx, func(tx db.Tx) error {
		all, err := db.Get(ctx, tx, scanCounts, sumOfReports, scanner.ID)
		if err != nil {
			return err
		}
		deleted, err := db.Get(ctx, tx, scanCounts, sumOfDeleted, scanner.ID)
		sum = all.minus(deleted)
		return err
	})
	if err != nil {
		return Counts{}, fmt.Errorf("add up findings: %w", err)
	}
	return sum, nil
}

// HubFinding is a vulnerability of a package of an artifact.
type HubFinding struct {
	Found
	Status     string
	CVSS       float64
	Link       string
	ProjectID  int64
	Repository string // full name
	Digest     oci.Digest
	ManifestID int64
	Tags       []string // up to MaxHubTags, when asked for
}

// MaxHubTags is how many tags come with a finding.
const MaxHubTags = 10

func scanHub(r db.Row) (v HubFinding, err error) {
	var score int64
	var detail string
	if err := r.Scan(&v.Vulnerability, &score, &detail, &v.Severity, &v.Status, &v.Fixed, &v.Package, &v.Version, &v.Digest, &v.ManifestID, &v.ProjectID, &v.Repository); err != nil {
		return v, err
	}
	v.CVSS = float64(score) / 10
	var d inventory.Detail
	err = json.Unmarshal([]byte(detail), &d)
	v.Link = d.Link
	return v, err
}
