package scan

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/oci"
)

// VEXStatus is what a statement says of a vulnerability, in OpenVEX's words.
type VEXStatus string

// The statuses. The first two excuse a finding.
const (
	NotAffected        VEXStatus = "not_affected"
	FixedStatus        VEXStatus = "fixed"
	Affected           VEXStatus = "affected"
	UnderInvestigation VEXStatus = "under_investigation"
)

// Statement says whether a vulnerability matters somewhere, by the word of somebody.
type Statement struct {
	ID            int64
	ProjectID     int64
	Repository    string     // without the project; "": every one
	Digest        oci.Digest // of the image; "": every one
	Package       string     // "": every one
	Version       string     // of the package; "": every one
	Vulnerability string
	Status        VEXStatus
	Justification string
	Reason        string
	Author        string
	Document      oci.Digest // of the manifest that brought it, "" when it was entered
	MadeAt        time.Time  // by the author's word
	ExpiresAt     time.Time  // zero: never
	CreatedAt     time.Time
}

// covers reports whether the statement speaks of a finding.
func (v Statement) covers(f Found) bool {
	return v.Vulnerability == f.Vulnerability && (v.Package == "" || v.Package == f.Package) && (v.Version == "" || v.Version == f.Version)
}

// Statements are those that hold for one image at one time.
type Statements []Statement

// Excuse returns the statement by which a finding doesn't count, if there is one. Of several that speak of it the one
// made last holds.
func (all Statements) Excuse(f Found) (Statement, bool) {
	var last Statement
	for _, v := range all {
		if v.covers(f) && (last.ID == 0 || v.MadeAt.After(last.MadeAt) || v.MadeAt.Equal(last.MadeAt) && v.ID > last.ID) {
			last = v
		}
	}
	return last, last.Status == NotAffected || last.Status == FixedStatus
}

const (
	statementFields = `id, project_id, repository, digest, package, version, name, status, justification, reason, author, document, made_at, expires_at, created_at`
	statementsFor   = `SELECT ` + statementFields + ` FROM scan_vex
		WHERE project_id = $1 AND (repository = '' OR repository = $2) AND (digest = '' OR digest = $3) AND (expires_at = 0 OR expires_at > $4) ORDER BY id LIMIT $5`
)

func scanStatement(r db.Row) (v Statement, err error) {
	err = r.Scan(&v.ID, &v.ProjectID, &v.Repository, &v.Digest, &v.Package, &v.Version, &v.Vulnerability, &v.Status, &v.Justification,
		&v.Reason, &v.Author, &v.Document, db.ScanTime(&v.MadeAt), db.ScanTime(&v.ExpiresAt), db.ScanTime(&v.CreatedAt))
	return v, err
}

// maxStatements bounds the statements of a project.
const maxStatements = 10_000

// StatementsFor returns the statements that hold for an image now. repository is without the project.
func (s *Service) StatementsFor(ctx context.Context, projectID int64, repository string, d oci.Digest) (Statements, error) {
	all, err := db.Collect(ctx, s.db.Auto(), scanStatement, statementsFor, projectID, repository, d, db.Micros(s.clock()), maxStatements)
	if err != nil {
		return nil, fmt.Errorf("read the statements on %s: %w", strings.TrimPrefix(repository+"@"+string(d), "@"), err)
	}
	return all, nil
}
