package scan

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/scan/inventory"
)

// Standing is what is known of a manifest when somebody wants to pull it, from rows that were made before.
type Standing struct {
	Digest    oci.Digest
	Status    Status // of the last scan; "": there was none by the scanner in force
	Complete  bool   // the last scan read the image: what Status and Reason say is about its packages
	Reason    string // why it is no Success
	Evaluated Evaluated
	Counts    Counts // of the last evaluation, even when the scan after it failed or still runs
	UpdatedAt time.Time
	ReportID  int64 // 0: none
}

// Highest is the worst severity among the findings; not ok when there is none.
func (s Standing) Highest() (inventory.Severity, bool) { return s.Counts.Highest() }

const (
	standingFields = `COALESCE(r.id, 0), COALESCE(r.status, ''), COALESCE(r.reason, ''), COALESCE(r.evaluated, 0), COALESCE(r.complete, FALSE), COALESCE(r.critical, 0), COALESCE(r.high, 0),
		COALESCE(r.medium, 0), COALESCE(r.low, 0), COALESCE(r.negligible, 0), COALESCE(r.unknown, 0), COALESCE(r.fixable, 0), COALESCE(r.updated_at, 0)`
	standingByDigest = `SELECT ` + standingFields + `, r.digest FROM scan_report r WHERE r.digest = $1 AND r.scanner = $2`
)

// standingOfChildren is of those of some indexes; an index among them is one to go on with.
var standingOfChildren = inQuery{`SELECT ` + standingFields + `, m.digest, CASE WHEN m.media_type IN ($1, $2) THEN m.id ELSE 0 END
	FROM manifest_child mc JOIN manifest m ON m.id = mc.child_id LEFT JOIN scan_report r ON r.digest = m.digest AND r.scanner = $3
	WHERE m.type = 'IMAGE' AND mc.parent_id IN `, ""}

type childStanding struct {
	Standing
	index int64 // 0: an image
}

func scanChildStanding(r db.Row) (c childStanding, err error) {
	s := &c.Standing
	err = r.Scan(&s.ReportID, &s.Status, &s.Reason, &s.Evaluated, &s.Complete, &s.Counts.Critical, &s.Counts.High,
		&s.Counts.Medium, &s.Counts.Low, &s.Counts.Negligible, &s.Counts.Unknown, &s.Counts.Fixable, db.ScanTime(&s.UpdatedAt), &s.Digest, &c.index)
	return c, err
}

func scanStanding(r db.Row) (s Standing, err error) {
	err = r.Scan(&s.ReportID, &s.Status, &s.Reason, &s.Evaluated, &s.Complete, &s.Counts.Critical, &s.Counts.High,
		&s.Counts.Medium, &s.Counts.Low, &s.Counts.Negligible, &s.Counts.Unknown, &s.Counts.Fixable, db.ScanTime(&s.UpdatedAt), &s.Digest)
	return s, err
}

// Standing returns what the scanner in force for a project says of a manifest, by one statement. A manifest that it
// never scanned has an empty Status.
func (s *Service) Standing(ctx context.Context, projectID int64, d oci.Digest) (Standing, error) {
	scanner, err := s.scanners.InForce(ctx, projectID)
	if err != nil {
		return Standing{}, fmt.Errorf("find the scanner of project %d: %w", projectID, err)
	}
	v, err := db.Get(ctx, s.db.Auto(), scanStanding, standingByDigest, d, scanner.ID)
	if errors.Is(err, db.ErrNotFound) {
		return Standing{Digest: d}, nil
	}
	if err != nil {
		return Standing{}, fmt.Errorf("read what is known of %s: %w", d, err)
	}
	return v, nil
}

// maxNesting is how deep indexes are followed; clients follow one level.
const maxNesting = 5

// ChildStandings returns the Standing of each manifest of an image's type that an index leads to, by one
// statement for each level of indexes. Attestations borrow that type, and are never scanned.
func (s *Service) ChildStandings(ctx context.Context, projectID, indexID int64) (all []Standing, err error) {
	scanner, err := s.scanners.InForce(ctx, projectID)
	if err != nil {
		return nil, fmt.Errorf("find the scanner of project %d: %w", projectID, err)
	}
	seen := map[oci.Digest]bool{}
	for level, depth := []int64{indexID}, 0; len(level) > 0 && depth < maxNesting; depth++ {
		children, err := collectIn(ctx, s.db.Auto(), scanChildStanding, standingOfChildren,
			[]any{oci.MediaTypeImageIndex, oci.MediaTypeDockerManifestList, scanner.ID}, level)
		if err != nil {
			return nil, fmt.Errorf("read what is known of the children of %d: %w", indexID, err)
		}
		level = nil
		for _, c := range children {
			switch {
			case seen[c.Digest]:
			case c.index != 0:
				level = append(level, c.index)
			default:
				all = append(all, c.Standing)
			}
			seen[c.Digest] = true
		}
	}
	return all, nil
}

// Found is one finding of an image: a vulnerability of a package.
type Found struct {
	Vulnerability string
	Package       string
	Version       string
	Fixed         string
	Severity      inventory.Severity
}

const foundAtLeast = `SELECT v.name, p.name, p.version, f.fixed, f.severity
	FROM scan_content c JOIN scan_finding f ON f.package_id = c.package_id
		JOIN scan_vulnerability v ON v.id = f.vulnerability_id JOIN scan_package p ON p.id = c.package_id
	WHERE c.report_id = $1 AND f.severity >= $2 ORDER BY f.severity DESC, v.name, p.name, p.version LIMIT $3`

func scanFound(r db.Row) (f Found, err error) {
	err = r.Scan(&f.Vulnerability, &f.Package, &f.Version, &f.Fixed, &f.Severity)
	return f, err
}

// MaxFound is how many findings FoundAtLeast returns.
const MaxFound = 20_000

// FoundAtLeast returns the findings of a report that are as severe or worse, the worst first. An answer of
// MaxFound findings may not be all.
func (s *Service) FoundAtLeast(ctx context.Context, reportID int64, severity inventory.Severity) ([]Found, error) {
	all, err := db.Collect(ctx, s.db.Auto(), scanFound, foundAtLeast, reportID, severity, MaxFound)
	if err != nil {
		return nil, fmt.Errorf("read the findings of report %d: %w", reportID, err)
	}
	return all, nil
}
