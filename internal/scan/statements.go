package scan

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
)

// readVEX is the kind of task that reads a document that somebody attached to an image.
const readVEX job.Kind = "VEX_IMPORT"

const (
	insertStatement = `INSERT INTO scan_vex (project_id, repository, digest, package, version, name, status, justification, reason, author, document, made_at, expires_at, created_at) VALUES `
	countStatements = `SELECT COUNT(*) FROM scan_vex WHERE project_id = $1`
	dropStatement   = `DELETE FROM scan_vex WHERE project_id = $1 AND id = $2`
	dropDocument    = `DELETE FROM scan_vex WHERE document = $1 AND document <> '' AND project_id = $2 AND repository = $3`
)

var statementListing = db.Listing{
	Fields: statementFields,
	From:   "scan_vex",
	Columns: map[string]db.Column{
		"vulnerability": {Expr: "name", Kind: db.Text}, "status": {Expr: "status", Kind: db.Text}, "package": {Expr: "package", Kind: db.Text},
		"repository": {Expr: "repository", Kind: db.Text}, "digest": {Expr: "digest", Kind: db.Text}, "author": {Expr: "author", Kind: db.Text},
	},
	Tie: "id DESC",
}

// StatementKey reports whether ListStatements filters and sorts by key.
func StatementKey(key string) bool { return statementListing.Has(key) }

// ListStatements returns a page of a project's statements, and how many there are.
func (s *Service) ListStatements(ctx context.Context, projectID int64, list db.List) ([]Statement, int64, error) {
	rows, total, err := db.Page(ctx, s.db.Auto(), statementListing, "project_id = $1", []any{projectID}, list, scanStatement)
	if err != nil {
		return nil, 0, fmt.Errorf("list the statements of project %d: %w", projectID, err)
	}
	return rows, total, nil
}

// ProjectStatements returns the statements of a project that hold now, whatever image they are about.
func (s *Service) ProjectStatements(ctx context.Context, projectID int64) (Statements, error) {
	all, err := db.Collect(ctx, s.db.Auto(), scanStatement, `SELECT `+statementFields+` FROM scan_vex
		WHERE project_id = $1 AND (expires_at = 0 OR expires_at > $2) ORDER BY id LIMIT $3`, projectID, db.Micros(s.clock()), maxStatements)
	if err != nil {
		return nil, fmt.Errorf("read the statements of project %d: %w", projectID, err)
	}
	return all, nil
}

// Upload takes in an OpenVEX document that somebody answers for: its statements hold where in says, until in.ExpiresAt.
func (s *Service) Upload(ctx context.Context, by authz.Principal, projectName string, in Statement, document []byte) ([]Statement, error) {
	if len(document) > maxVEX {
		return nil, fault.Invalidf("the document has more than %d bytes", maxVEX)
	}
	all, err := parseVEX(document)
	if err != nil {
		return nil, fault.Invalidf("%s", clean(err.Error(), maxReason))
	}
	for i := range all {
		v := &all[i]
		v.ProjectID, v.Repository, v.Digest, v.ExpiresAt = in.ProjectID, in.Repository, in.Digest, in.ExpiresAt
		if in.Package != "" {
			v.Package, v.Version = in.Package, in.Version
		}
		if v.Author == "" {
			v.Author = by.Name
		}
	}
	return all, s.State(ctx, by, projectName, all...)
}

// State writes statements that somebody makes.
func (s *Service) State(ctx context.Context, by authz.Principal, projectName string, all ...Statement) error {
	for i := range all {
		if err := s.complete(by, &all[i]); err != nil {
			return err
		}
	}
	err := s.db.Write(ctx, func(tx db.Tx) error {
		if err := s.insertStatements(ctx, tx, all); err != nil {
			return err
		}
		return event.Append(ctx, tx, event.Event{
			Kind: event.UpdateProject, At: s.clock(), By: by.Name, ProjectID: all[0].ProjectID, Project: projectName, Resource: projectName, Success: true,
			Description: fmt.Sprintf("state that %s is %s%s: %d statements", all[0].Vulnerability, all[0].Status, scopeWords(all[0]), len(all)),
		})
	})
	if err != nil {
		return fmt.Errorf("state what matters in project %s: %w", projectName, err)
	}
	return nil
}

func scopeWords(v Statement) string {
	switch {
	case v.Digest != "":
		return " in " + string(v.Digest)
	case v.Repository != "":
		return " in repository " + v.Repository
	}
	return ""
}

// complete checks a statement that was entered, and fills in who says it and when.
func (s *Service) complete(by authz.Principal, v *Statement) error {
	now := s.clock()
	v.Vulnerability, v.Package, v.Version, v.Reason = clean(v.Vulnerability, maxName), clean(v.Package, maxName), clean(v.Version, maxName), clean(v.Reason, maxProse)
	if named, ok := parsePURL(v.Package); ok {
		v.Package = named.name
		if v.Version == "" {
			v.Version = named.version
		}
	}
	if v.Author == "" {
		v.Author = by.Name
	}
	if v.MadeAt.IsZero() {
		v.MadeAt = now
	}
	v.CreatedAt = now
	switch {
	case v.Vulnerability == "":
		return fault.Invalidf("vulnerability is required")
	case !slices.Contains(vexStatuses, v.Status):
		return fault.Invalidf("status: expected not_affected, fixed, affected or under_investigation")
	case v.Justification != "" && !slices.Contains(justifications, v.Justification):
		return fault.Invalidf("justification: expected one of %s", strings.Join(justifications, ", "))
	case v.Status == NotAffected && v.Justification == "" && v.Reason == "":
		return fault.Invalidf("not_affected needs a justification or a reason")
	case !v.ExpiresAt.IsZero() && !v.ExpiresAt.After(now):
		return fault.Invalidf("expires_at is in the past")
	case v.Version != "" && v.Package == "":
		return fault.Invalidf("a version needs a package")
	}
	return nil
}

func (s *Service) insertStatements(ctx context.Context, tx db.Tx, all []Statement) error {
	held, err := db.Get(ctx, tx, db.ScanInt, countStatements, all[0].ProjectID)
	if err != nil {
		return err
	}
	if held+int64(len(all)) > maxStatements {
		return fault.Invalidf("a project has %d statements at most", maxStatements)
	}
	rows := make([][]any, len(all))
	for i, v := range all {
		rows[i] = []any{v.ProjectID, v.Repository, v.Digest, v.Package, v.Version, v.Vulnerability, v.Status, v.Justification, v.Reason, v.Author, v.Document,
			db.Micros(v.MadeAt), db.Micros(v.ExpiresAt), db.Micros(v.CreatedAt)}
	}
	return insertRows(ctx, tx, insertStatement, "", rows)
}

// Withdraw removes a statement of a project; fault.NotFound where it has none such.
func (s *Service) Withdraw(ctx context.Context, by authz.Principal, projectID int64, projectName string, id int64) error {
	err := s.db.Write(ctx, func(tx db.Tx) error {
		n, err := tx.Exec(ctx, dropStatement, projectID, id)
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.NotFoundf("statement %d not found", id)
		}
		return event.Append(ctx, tx, event.Event{
			Kind: event.UpdateProject, At: s.clock(), By: by.Name, ProjectID: projectID, Project: projectName, Resource: projectName, Success: true,
			Description: fmt.Sprintf("withdraw statement %d", id),
		})
	})
	if err != nil {
		return fmt.Errorf("withdraw statement %d: %w", id, err)
	}
	return nil
}

// vexTask is a referrer that may hold statements about its subject.
type vexTask struct {
	Image
	Subject oci.Digest `json:"subject"`
}

// vexTypes are media types of OpenVEX documents, plain or in an envelope.
var vexTypes = []string{"application/vnd.openvex+json", "application/openvex+json", "application/vex+json", "text/vex",
	"application/vnd.dsse.envelope.v1+json", mediaTypeInToto}

// attached begins to read a referrer that may hold statements.
func (s *Service) attached(ctx context.Context, tx db.Tx, n node) error {
	m, err := oci.ParseManifest(n.image.MediaType, n.text)
	if err != nil || !slices.ContainsFunc(m.Layers, mayBeVEX) {
		return nil // it is large, or something else
	}
	_, _, err = s.jobs.Begin(ctx, tx, job.NewExecution{Kind: readVEX, VendorID: n.image.ManifestID, Trigger: job.ByEvent},
		job.NewTask{Payload: vexTask{n.image, n.of}, Group: n.image.ProjectID})
	return err
}

func mayBeVEX(d oci.Descriptor) bool {
	for _, key := range []string{"in-toto.io/predicate-type", "predicateType"} {
		if t := d.Annotations[key]; t != "" {
			return strings.HasPrefix(t, "https://openvex.dev/ns")
		}
	}
	return slices.Contains(vexTypes, d.MediaType) && d.Size <= maxVEX
}

// doVEX reads the documents of a referrer. Its statements are about its subject alone.
func (s *Service) doVEX(ctx context.Context, r *job.Run) error {
	var t vexTask
	if err := r.Decode(&t); err != nil {
		return job.Permanent(err)
	}
	held, err := s.registry.Manifest(ctx, t.ref(), oci.DigestReference(t.Digest))
	if errors.Is(err, registry.ErrManifestUnknown) || errors.Is(err, registry.ErrRepositoryUnknown) {
		return nil
	}
	if err != nil {
		return err
	}
	m, err := oci.ParseManifest(held.MediaType, held.Content)
	if err != nil {
		return job.Permanent(err)
	}
	var all []Statement
	for _, d := range m.Layers {
		if !mayBeVEX(d) {
			continue
		}
		some, err := s.readVEXLayer(ctx, t.ref(), d)
		if err != nil {
			r.Logf("%s holds no statements: %v", d.Digest, err)
			continue
		}
		all = append(all, some...)
	}
	if len(all) == 0 {
		return nil
	}
	now := s.clock()
	for i := range all {
		v := &all[i]
		v.ProjectID, v.Repository, v.Digest, v.Document, v.CreatedAt = t.ProjectID, t.Repository, t.Subject, t.Digest, now
		if v.MadeAt.IsZero() || v.MadeAt.After(now) { // nobody speaks from the future to have the last word
			v.MadeAt = now
		}
	}
	return r.Finish(ctx, func(tx db.Tx) error {
		if _, err := tx.Exec(ctx, dropDocument, t.Digest, t.ProjectID, t.Repository); err != nil {
			return err
		}
		return s.insertStatements(ctx, tx, all)
	})
}

func (s *Service) readVEXLayer(ctx context.Context, ref registry.Ref, d oci.Descriptor) ([]Statement, error) {
	b, err := s.registry.Blob(ctx, ref, d.Digest)
	if err != nil {
		return nil, err
	}
	content, err := s.registry.OpenBlob(ctx, b)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	text, err := io.ReadAll(io.LimitReader(content, maxVEX+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxVEX {
		return nil, fmt.Errorf("it has more than %d bytes", maxVEX)
	}
	return parseVEX(text)
}

const vexTime = time.Minute
