// Package label is labels, of one project or for all, and which artifacts carry them.
//
// Tables label and artifact_label. A label of a project is only for that project's artifacts.
package label

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
)

// Harbor's scopes.
const (
	Global    = "g" // for the artifacts of all projects
	OfProject = "p"
)

// Label is a name that people put on artifacts.
type Label struct {
	ID          int64
	ProjectID   int64 // 0: for all projects
	Name        string
	Description string
	Color       string // free text
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// Scope is Harbor's letter for where the label holds.
func (l Label) Scope() string {
	if l.ProjectID == 0 {
		return Global
	}
	return OfProject
}

func notFound(id int64) error { return fault.NotFoundf("label %d not found", id) }

// Service is the package's use cases. It is safe for concurrent use.
type Service struct {
	db    *db.DB
	clock func() time.Time
}

// New returns a Service.
func New(d *db.DB, clock func() time.Time) *Service { return &Service{db: d, clock: clock} }

// CheckScope checks the scope that a client names, and the project that goes with it, and returns the
// project's id, 0 for all projects.
func CheckScope(scope string, projectID int64) (int64, error) {
	switch {
	case scope == Global:
		return 0, nil
	case scope != OfProject:
		return 0, fault.Invalidf("unsupported label scope")
	case projectID <= 0:
		return 0, fault.Invalidf("invalid project_id: %d", projectID)
	}
	return projectID, nil
}

func (l Label) check() error {
	switch {
	case l.Name == "" || len(l.Name) > 128:
		return fault.Invalidf("the label's name must have 1 to 128 bytes")
	case len(l.Description) > 1024 || len(l.Color) > 64:
		return fault.Invalidf("the label's description or color is too long")
	}
	return nil
}

func listing() db.Listing {
	return db.Listing{
		Fields: fields,
		From:   "label l",
		Columns: map[string]db.Column{
			"id":            {Expr: "l.id", Kind: db.Int},
			"name":          {Expr: "l.name"},
			"project_id":    {Expr: "l.project_id", Kind: db.Int},
			"description":   {Expr: "l.description"},
			"color":         {Expr: "l.color"},
			"creation_time": {Expr: "l.created_at", Kind: db.Timestamp},
			"update_time":   {Expr: "l.updated_at", Kind: db.Timestamp},
		},
		Default: "l.name",
		Tie:     "l.id",
	}
}

// HasKey reports whether List filters and sorts by key.
func HasKey(key string) bool { return listing().Has(key) }

const (
	fields   = `l.id, l.project_id, l.name, l.description, l.color, l.created_at, l.updated_at`
	oneLabel = `SELECT ` + fields + ` FROM label l WHERE l.id = $1`
)

func destinations(l *Label) []any {
	return []any{&l.ID, &l.ProjectID, &l.Name, &l.Description, &l.Color, db.ScanTime(&l.CreatedAt), db.ScanTime(&l.UpdatedAt)}
}

func scanLabel(r db.Row) (l Label, err error) { err = r.Scan(destinations(&l)...); return l, err }

// List returns a page of the labels of a project, 0 for those for all projects, whose name holds part,
// and how many there are.
func (s *Service) List(ctx context.Context, projectID int64, part string, list db.List) (rows []Label, total int64, err error) {
	if part != "" {
		list.Filters = append(list.Filters[:len(list.Filters):len(list.Filters)], db.Filter{Key: "name", Op: db.Contains, Values: []string{part}})
	}
	err = s.db.Read(ctx, func(tx db.Tx) error {
		rows, total, err = db.Page(ctx, tx, listing(), "l.project_id = $1", []any{projectID}, list, scanLabel)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list labels: %w", err)
	}
	return rows, total, nil
}

// Get returns a label, or fault.NotFound.
func (s *Service) Get(ctx context.Context, id int64) (Label, error) {
	return get(ctx, s.db.Auto(), id)
}

func get(ctx context.Context, tx db.Tx, id int64) (Label, error) {
	l, err := db.Get(ctx, tx, scanLabel, oneLabel, id)
	if errors.Is(err, db.ErrNotFound) {
		return Label{}, notFound(id)
	}
	if err != nil {
		return Label{}, fmt.Errorf("get label %d: %w", id, err)
	}
	return l, nil
}

const (
	insertLabel = `INSERT INTO label (project_id, name, description, color, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (project_id, name) DO NOTHING RETURNING id`
	namesake    = `SELECT COUNT(*) FROM label WHERE project_id = $1 AND name = $2 AND id <> $3`
	updateLabel = `UPDATE label SET name = $1, description = $2, color = $3, updated_at = $4 WHERE id = $5`
	deleteLabel = `DELETE FROM label WHERE id = $1`
)

func taken(name string) error {
	return fault.Conflictf("label %s already exists", name)
}

// Create makes a label and returns its id. A project has a name once, and so have all together: fault.Conflict.
func (s *Service) Create(ctx context.Context, by authz.Principal, l Label) (id int64, err error) {
	if err := l.check(); err != nil {
		return 0, err
	}
	now := db.Micros(s.clock())
	err = s.db.Write(ctx, func(tx db.Tx) error {
		id, err = db.Get(ctx, tx, db.ScanInt, insertLabel, l.ProjectID, l.Name, l.Description, l.Color, now, now)
		if errors.Is(err, db.ErrNotFound) {
			return taken(l.Name)
		}
		if err != nil {
			return err
		}
		return s.happened(ctx, tx, event.CreateLabel, by, l)
	})
	if err != nil {
		return 0, fmt.Errorf("create label %s: %w", l.Name, err)
	}
	return id, nil
}

// Update changes name, description and color of the label with l's id. Its scope stays.
func (s *Service) Update(ctx context.Context, by authz.Principal, l Label) error {
	if err := l.check(); err != nil {
		return err
	}
	err := s.db.Write(ctx, func(tx db.Tx) error {
		before, err := get(ctx, tx, l.ID)
		if err != nil {
			return err
		}
		others, err := db.Get(ctx, tx, db.ScanInt, namesake, before.ProjectID, l.Name, l.ID)
		if err != nil {
			return err
		}
		if others > 0 {
			return taken(l.Name)
		}
		if _, err := tx.Exec(ctx, updateLabel, l.Name, l.Description, l.Color, db.Micros(s.clock()), l.ID); err != nil {
			return err
		}
		return s.happened(ctx, tx, event.UpdateLabel, by, before)
	})
	if err != nil {
		return fmt.Errorf("update label %d: %w", l.ID, err)
	}
	return nil
}

// Delete ends a label and takes it off every artifact.
func (s *Service) Delete(ctx context.Context, by authz.Principal, id int64) error {
	err := s.db.Write(ctx, func(tx db.Tx) error {
		l, err := get(ctx, tx, id)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, deleteLabel, id); err != nil {
			return err
		}
		return s.happened(ctx, tx, event.DeleteLabel, by, l)
	})
	if err != nil {
		return fmt.Errorf("delete label %d: %w", id, err)
	}
	return nil
}

func (s *Service) happened(ctx context.Context, tx db.Tx, kind event.Kind, by authz.Principal, l Label) error {
	return event.Append(ctx, tx, event.Event{Kind: kind, At: s.clock(), By: by.Name, ProjectID: l.ProjectID, Resource: l.Name, Success: true})
}
