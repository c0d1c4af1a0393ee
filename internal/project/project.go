package project

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
)

// Project is a project with what its page shows.
type Project struct {
	ID           int64
	Name         string
	OwnerID      int64
	OwnerName    string
	Public       bool
	StorageLimit int64 // bytes, -1 for none
	Epoch        int64
	CreatedAt    time.Time
	UpdatedAt    time.Time
	RepoCount    int64
	RegistryID   int64 // the registry elsewhere that it is a cache of, 0 for none; it never changes

	Metadata  map[string]string // "public" included
	Allowlist CVEAllowlist
	RoleIDs   []authz.Role // of the principal who asked; filled by List and Search
}

// Object is what a decision needs of the project.
func (p Project) Object() authz.ProjectObject {
	return authz.ProjectObject{ID: p.ID, Public: p.Public}
}

// CVEAllowlist names vulnerabilities that the project puts up with.
type CVEAllowlist struct {
	ProjectID int64
	Items     []string  // CVE ids
	ExpiresAt time.Time // zero: never
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Ref is a project as far as the way of a pull needs it.
type Ref struct {
	ID     int64
	Name   string
	Public bool
	Epoch  int64
}

// Object is what a decision needs of the project.
func (r Ref) Object() authz.ProjectObject { return authz.ProjectObject{ID: r.ID, Public: r.Public} }

const refByName = `SELECT id, name, public, epoch FROM project WHERE name = $1 AND deleted_at = 0`

// ByName finds a project by name with one statement, or none where it is remembered; or fault.NotFound.
func (s *Service) ByName(ctx context.Context, name string) (Ref, error) {
	version, exact := s.changes.Version()
	if exact {
		if ref, ok := s.refs.Get(version, name); ok {
			return ref, nil
		}
	}
	ref, err := db.Get(ctx, s.db.Auto(), scanRef, refByName, name)
	if errors.Is(err, db.ErrNotFound) {
		return Ref{}, fault.NotFoundf("project %s not found", name)
	}
	if err != nil {
		return Ref{}, fmt.Errorf("find project %s: %w", name, err)
	}
	if exact {
		s.refs.Put(version, ref.Name, ref, len(ref.Name))
	}
	return ref, nil
}

func scanRef(r db.Row) (v Ref, err error) {
	err = r.Scan(&v.ID, &v.Name, &v.Public, &v.Epoch)
	return v, err
}

// Get returns a project by id, or fault.NotFound.
func (s *Service) Get(ctx context.Context, id int64) (Project, error) {
	return s.get(ctx, byID, id, fmt.Sprint(id))
}

// GetByName returns a project by name, or fault.NotFound.
func (s *Service) GetByName(ctx context.Context, name string) (Project, error) {
	return s.get(ctx, byName, name, name)
}

func (s *Service) get(ctx context.Context, query string, key any, shown string) (p Project, err error) {
	err = s.db.Read(ctx, func(tx db.Tx) error {
		p, err = one(ctx, tx, query, key, shown)
		if err != nil {
			return err
		}
		page := []Project{p}
		err = details(ctx, tx, page, authz.Principal{})
		p = page[0]
		return err
	})
	return p, err
}

// one returns a project's row, without metadata and the like.
func one(ctx context.Context, tx db.Tx, query string, key any, shown string) (Project, error) {
	p, err := db.Get(ctx, tx, scanProject, query, key)
	if errors.Is(err, db.ErrNotFound) {
		return Project{}, fault.NotFoundf("project %s not found", shown)
	}
	if err != nil {
		return Project{}, fmt.Errorf("get project %s: %w", shown, err)
	}
	return p, nil
}

// load is one by id, for those who change it.
func load(ctx context.Context, tx db.Tx, id int64) (Project, error) {
	return one(ctx, tx, byID, id, fmt.Sprint(id))
}

const (
	projectFields = `p.id, p.name, p.owner_id, a.username, p.public, p.storage_limit, p.epoch, p.registry_id, p.created_at, p.updated_at,
		(SELECT COUNT(*) FROM repository r WHERE r.project_id = p.id AND NOT r.hidden)`
	projectFrom = `project p JOIN account a ON a.id = p.owner_id`
	byID        = `SELECT ` + projectFields + ` FROM ` + projectFrom + ` WHERE p.id = $1 AND p.deleted_at = 0`
	byName      = `SELECT ` + projectFields + ` FROM ` + projectFrom + ` WHERE p.name = $1 AND p.deleted_at = 0`
)

func scanProject(r db.Row) (p Project, err error) {
	err = r.Scan(&p.ID, &p.Name, &p.OwnerID, &p.OwnerName, &p.Public, &p.StorageLimit, &p.Epoch, &p.RegistryID,
		db.ScanTime(&p.CreatedAt), db.ScanTime(&p.UpdatedAt), &p.RepoCount)
	return p, err
}
