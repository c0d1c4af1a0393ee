package scan

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/oci"
)

// Leniency is what a project puts up with: what its allowlist names, where that holds now, and statements.
type Leniency struct {
	allowed    map[string]bool
	statements Statements
	repository string
}

// NewLeniency returns what is put up with of images in a repository (its name is without the project). The statements
// may be on others too.
func NewLeniency(allowed []string, statements Statements, repository string) Leniency {
	l := Leniency{allowed: make(map[string]bool, len(allowed)), statements: statements, repository: repository}
	for _, name := range allowed {
		l.allowed[name] = true
	}
	return l
}

// In is the same for another repository of the project.
func (l Leniency) In(repository string) Leniency {
	l.repository = repository
	return l
}

// Excuse is why a finding doesn't count.
type Excuse struct {
	Allowed   bool // it stands on the allowlist
	Statement Statement
}

// Of returns the excuse of a finding in an image, if there is one.
func (l Leniency) Of(f Found, d oci.Digest) (Excuse, bool) {
	if l.allowed[f.Vulnerability] {
		return Excuse{Allowed: true}, true
	}
	s, ok := l.statements.about(l.repository, d).Excuse(f)
	return Excuse{Statement: s}, ok
}

// about is the statements on one image.
func (all Statements) about(repository string, d oci.Digest) Statements {
	var some Statements
	for _, v := range all {
		if (v.Repository == "" || v.Repository == repository) && (v.Digest == "" || v.Digest == d) {
			some = append(some, v)
		}
	}
	return some
}

// None reports whether nothing can be excused.
func (l Leniency) None() bool { return len(l.allowed) == 0 && len(l.statements) == 0 }

// names is the vulnerabilities that may be excused.
func (l Leniency) names() []string {
	all := maps.Clone(l.allowed)
	for _, v := range l.statements {
		all[v.Vulnerability] = true
	}
	return slices.Sorted(maps.Keys(all))
}

var mayBeExcused = inQuery{`SELECT r.id, r.digest, v.name, p.name, p.version, f.fixed, f.severity
	FROM scan_report r JOIN scan_content c ON c.report_id = r.id JOIN scan_finding f ON f.package_id = c.package_id
		JOIN scan_vulnerability v ON v.id = f.vulnerability_id JOIN scan_package p ON p.id = c.package_id
	WHERE r.id IN (%s) AND v.name IN `, ""}

type excusable struct {
	reportID int64
	digest   oci.Digest
	Found
}

func scanExcusable(r db.Row) (v excusable, err error) {
	err = r.Scan(&v.reportID, &v.digest, &v.Vulnerability, &v.Package, &v.Version, &v.Fixed, &v.Severity)
	return v, err
}

// Counted returns what is left of the counts of reports when excused findings don't count. It reads only findings that
// something is said about.
func (s *Service) Counted(ctx context.Context, reports []Report, l Leniency) (map[int64]Counts, error) {
	left := make(map[int64]Counts, len(reports))
	ids := make([]int64, len(reports))
	for i, r := range reports {
		left[r.ID], ids[i] = r.Counts, r.ID
	}
	if l.None() || len(ids) == 0 {
		return left, nil
	}
	for some := range slices.Chunk(ids, setSize) {
		marks, args := db.In(0, filled(some))
		query := inQuery{fmt.Sprintf(mayBeExcused.before, marks), ""}
		rows, err := collectIn(ctx, s.db.Auto(), scanExcusable, query, args, l.names())
		if err != nil {
			return nil, fmt.Errorf("read findings that are put up with: %w", err)
		}
		for _, v := range rows {
			if _, excused := l.Of(v.Found, v.digest); !excused {
				continue
			}
			c := left[v.reportID]
			c.Add(v.Severity, -1, -fixes(v.Fixed))
			left[v.reportID] = c
		}
	}
	return left, nil
}

func fixes(fixed string) int64 {
	if fixed == "" {
		return 0
	}
	return 1
}
