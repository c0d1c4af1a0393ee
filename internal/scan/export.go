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
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/selector"
)

// exportLife is how long a file waits to be fetched.
const exportLife = 24 * time.Hour

// Selection is which findings somebody wants to take home. Patterns are package selector's; none stands for everything.
type Selection struct {
	Name         string   `json:"name"`
	ProjectID    int64    `json:"project_id"`
	Project      string   `json:"project"`
	Repositories []string `json:"repositories,omitempty"`
	Tags         []string `json:"tags,omitempty"`
	CVEs         []string `json:"cves,omitempty"`
	Labels       []int64  `json:"labels,omitempty"` // artifacts that carry any of them
}

// maxPatterns bounds each list of a selection.
const maxPatterns = 100

func (sel Selection) check() error {
	for name, list := range map[string][]string{"repositories": sel.Repositories, "tags": sel.Tags, "cveIds": sel.CVEs} {
		if len(list) > maxPatterns {
			return fault.Invalidf("%s: at most %d patterns", name, maxPatterns)
		}
		for _, pattern := range list {
			if len(pattern) > maxName {
				return fault.Invalidf("%s: %q is too long", name, clean(pattern, 64))
			}
		}
		if _, err := compile(list); err != nil {
			return fault.Invalidf("%s: %v", name, err)
		}
	}
	if len(sel.Labels) > maxPatterns {
		return fault.Invalidf("labels: at most %d", maxPatterns)
	}
	return nil
}

// patterns are some of which one is to match.
type patterns []*selector.Selector

func compile(texts []string) (patterns, error) {
	all := make(patterns, len(texts))
	for i, text := range texts {
		var err error
		if all[i], err = selector.Compile(text); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// match reports whether one of the patterns stands for one of the names; without patterns everything does.
func (p patterns) match(names ...string) bool {
	for _, s := range p {
		if slices.ContainsFunc(names, s.Match) {
			return true
		}
	}
	return len(p) == 0
}

// Export is a file of findings, and how far it is.
type Export struct {
	ID        int64 // of the execution
	Owner     int64
	OwnerName string
	ProjectID int64
	Status    job.Status
	Message   string
	Trigger   job.Trigger
	Ready     bool // it can be fetched, once
	StartedAt time.Time
	EndedAt   time.Time
	ExpiresAt time.Time
}

// owner is whose an export is: robots' ids are not accounts'.
func owner(p authz.Principal) int64 {
	if p.Kind == authz.Robot {
		return -p.ID
	}
	return p.ID
}

const (
	insertExport = `INSERT INTO scan_export (execution_id, account_id, account, project_id, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)`
	exportFields = `SELECT x.execution_id, x.account_id, x.account, x.project_id, x.ready, x.expires_at, e.status, e.message, e.trigger_type, e.created_at, e.ended_at
		FROM scan_export x JOIN job_execution e ON e.id = x.execution_id`
	exportByID  = exportFields + ` WHERE x.execution_id = $1`
	exportsOf   = exportFields + ` WHERE x.account_id = $1 ORDER BY x.execution_id DESC LIMIT $2`
	countOpen   = `SELECT COUNT(*) FROM scan_export WHERE account_id = $1`
	takeExport  = `UPDATE scan_export SET ready = FALSE WHERE execution_id = $1 AND ready`
	giveBack    = `UPDATE scan_export SET ready = TRUE WHERE execution_id = $1`
	dropExport  = `DELETE FROM scan_export WHERE execution_id = $1`
	exportReady = `UPDATE scan_export SET ready = TRUE, expires_at = $2 WHERE execution_id = $1`
	insertPart  = `INSERT INTO scan_export_part (execution_id, position, content) VALUES ($1, $2, $3)`
	dropParts   = `DELETE FROM scan_export_part WHERE execution_id = $1`
	partAt      = `SELECT content FROM scan_export_part WHERE execution_id = $1 AND position = $2`
)

func scanExport(r db.Row) (x Export, err error) {
	err = r.Scan(&x.ID, &x.Owner, &x.OwnerName, &x.ProjectID, &x.Ready, db.ScanTime(&x.ExpiresAt), &x.Status, &x.Message, &x.Trigger, db.ScanTime(&x.StartedAt), db.ScanTime(&x.EndedAt))
	return x, err
}

// maxExports is how many files somebody may have waiting.
const maxExports = 20

// Export begins to write a file of findings, which only who asked for it can fetch. It returns the execution.
func (s *Service) Export(ctx context.Context, by authz.Principal, sel Selection) (id int64, err error) {
	if err := sel.check(); err != nil {
		return 0, err
	}
	err = s.db.Write(ctx, func(tx db.Tx) (err error) {
		n, err := db.Get(ctx, tx, db.ScanInt, countOpen, owner(by))
		if err != nil {
			return err
		}
		if n >= maxExports {
			return fault.Invalidf("%d exports wait to be fetched, or are being made: fetch them first", n)
		}
		id, _, err = s.jobs.Begin(ctx, tx, job.NewExecution{Kind: job.ScanDataExport, VendorID: owner(by), Trigger: job.Manual, By: by.Name, Extra: sel},
			job.NewTask{Payload: sel, Group: sel.ProjectID})
		if err != nil {
			return err
		}
		now := s.clock()
		_, err = tx.Exec(ctx, insertExport, id, owner(by), by.Name, sel.ProjectID, db.Micros(now), db.Micros(now.Add(exportLife)))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("begin an export: %w", err)
	}
	return id, nil
}

// GetExport returns an export of who asks: somebody else's is fault.Forbidden, one that isn't there, or was fetched,
// fault.NotFound.
func (s *Service) GetExport(ctx context.Context, by authz.Principal, id int64) (Export, error) {
	x, err := db.Get(ctx, s.db.Auto(), scanExport, exportByID, id)
	switch {
	case errors.Is(err, db.ErrNotFound):
		return x, fault.NotFoundf("execution %d not found", id)
	case err != nil:
		return x, fmt.Errorf("get export %d: %w", id, err)
	case x.Owner != owner(by):
		return Export{}, fault.Forbiddenf("execution %d is somebody else's", id)
	}
	return x, nil
}

// Exports returns the exports of who asks, the newest first.
func (s *Service) Exports(ctx context.Context, by authz.Principal) ([]Export, error) {
	all, err := db.Collect(ctx, s.db.Auto(), scanExport, exportsOf, owner(by), maxExports)
	if err != nil {
		return nil, fmt.Errorf("list exports: %w", err)
	}
	return all, nil
}

// Fetch returns the file of an export, which is gone once it was read to its end. Who closes it before may fetch it again.
func (s *Service) Fetch(ctx context.Context, by authz.Principal, id int64) (io.ReadCloser, error) {
	if _, err := s.GetExport(ctx, by, id); err != nil {
		return nil, err
	}
	taken := int64(0)
	err := s.db.Write(ctx, func(tx db.Tx) (err error) {
		taken, err = tx.Exec(ctx, takeExport, id)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("fetch export %d: %w", id, err)
	}
	if taken == 0 {
		return nil, fault.NotFoundf("the file of execution %d isn't there: it isn't ready, or was fetched", id)
	}
	return &exported{s: s, ctx: ctx, id: id}, nil
}

// exported reads the parts one by one.
type exported struct {
	s    *Service
	ctx  context.Context // of the request that the file is the answer to
	id   int64
	next int64
	rest []byte
	done bool
}

// Read implements io.Reader.
func (x *exported) Read(p []byte) (int, error) {
	for len(x.rest) == 0 {
		if x.done {
			return 0, io.EOF
		}
		content, err := db.Get(x.ctx, x.s.db.Auto(), scanBytes, partAt, x.id, x.next)
		if errors.Is(err, db.ErrNotFound) {
			x.done = true
			continue
		}
		if err == nil {
			x.rest, err = x.s.packer.out.DecodeAll(content, nil)
		}
		if err != nil {
			return 0, fmt.Errorf("read part %d of export %d: %w", x.next, x.id, err)
		}
		x.next++
	}
	n := copy(p, x.rest)
	x.rest = x.rest[n:]
	return n, nil
}

// Close removes the file if it was read to its end.
func (x *exported) Close() error {
	ctx := context.WithoutCancel(x.ctx)
	return x.s.db.Write(ctx, func(tx db.Tx) error {
		query := giveBack
		if x.done {
			query = dropExport
		}
		_, err := tx.Exec(ctx, query, x.id)
		return err
	})
}

// Patterns splits what Harbor's clients send: patterns separated by commas, without blanks. Commas in braces are of a
// pattern: {a,b} is one.
func Patterns(text string) ([]string, error) {
	if text == "" {
		return nil, nil
	}
	if strings.ContainsAny(text, " \t\r\n") {
		return nil, fault.Invalidf("patterns are separated by commas, without blanks: %q", clean(text, 64))
	}
	depth := 0
	return strings.FieldsFunc(text, func(r rune) bool {
		switch r {
		case '{':
			depth++
		case '}':
			depth--
		}
		return r == ',' && depth <= 0
	}), nil
}
