package project

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
)

// NewProject is a project to be made.
type NewProject struct {
	Name         string
	Public       bool              // counts when Metadata has no "public"
	Metadata     map[string]string // by the constants of this package; unknown keys are dropped
	StorageLimit *int64            // bytes, -1 for none; nil or 0: the configured one. Only an administrator's counts
	Allowlist    *CVEAllowlist
	RegistryID   *int64 // the registry elsewhere that it is to be a cache of; nil: none. Only an administrator's is taken
}

// Library is the name of the public project that exists from the start.
const Library = "library"

var validName = regexp.MustCompile(`^[a-z0-9]+(?:[._-][a-z0-9]+)*$`)

func checkName(name string) error {
	if name == "" || len(name) > 255 {
		return fault.Invalidf("Project name %s is illegal in length. (greater than 255 or less than 1)", name)
	}
	if !validName.MatchString(name) {
		return fault.Invalidf("project name is not in lower case or contains illegal characters")
	}
	return nil
}

// Bootstrap makes the project library, owned by the first administrator, unless there ever was a project.
func (s *Service) Bootstrap(ctx context.Context) error {
	err := s.db.Write(ctx, func(tx db.Tx) error {
		exists, err := db.Get(ctx, tx, db.ScanBool, `SELECT EXISTS (SELECT 1 FROM project)`)
		if err != nil || exists {
			return err
		}
		owner, err := firstAdmin(ctx, tx)
		if err != nil {
			return err
		}
		_, err = s.insert(ctx, tx, Project{Name: Library, OwnerID: owner, Public: true, StorageLimit: -1}, nil)
		return err
	})
	if err != nil {
		return fmt.Errorf("make the project %s: %w", Library, err)
	}
	return nil
}

// MayCreate decides whether by may make a project, which a setting may keep to administrators:
// authz.ErrUnauthenticated, or a fault.Forbidden with a message. A robot needs the system's right to it.
func (s *Service) MayCreate(ctx context.Context, by authz.Principal) error {
	if !by.Authenticated() {
		return authz.ErrUnauthenticated
	}
	if administers(by) {
		return nil
	}
	switch by.Kind {
	case authz.Robot:
		if by.ProjectID != 0 {
			return fault.Forbiddenf("Only system level robot can create project")
		}
		return authz.ErrForbidden
	case authz.Personal:
		if by.Owner == nil || !by.Allows(authz.Permission{Resource: authz.Project, Action: authz.Create}) {
			return authz.ErrForbidden
		}
		return s.MayCreate(ctx, *by.Owner)
	case authz.User:
		values, err := s.settings.Get(ctx)
		if err != nil {
			return fmt.Errorf("read who may create projects: %w", err)
		}
		if values.ProjectCreationRestriction() != "everyone" {
			return fault.Forbiddenf("Only system admin can create project")
		}
		return nil
	default:
		return authz.ErrForbidden
	}
}

// administers reports whether p makes projects by a right of the system, whatever the setting.
func administers(p authz.Principal) bool {
	return authz.New(nil).System(p, authz.Permission{Resource: authz.Project, Action: authz.Create}) == nil
}

// Create makes a project and its creator the project's administrator, and returns its id. A robot's
// project belongs to the first administrator. Errors: those of MayCreate, fault.Invalid, fault.Conflict.
func (s *Service) Create(ctx context.Context, by authz.Principal, n NewProject) (id int64, err error) {
	if err := s.MayCreate(ctx, by); err != nil {
		return 0, err
	}
	p, metadata, err := s.check(ctx, by, n)
	if err != nil {
		return 0, err
	}
	err = s.db.Write(ctx, func(tx db.Tx) error {
		if by.AccountID() == 0 {
			if p.OwnerID, err = firstAdmin(ctx, tx); err != nil {
				return err
			}
		}
		if id, err = s.insert(ctx, tx, p, metadata); err != nil {
			return err
		}
		return event.Append(ctx, tx, s.happened(event.CreateProject, by, id, p.Name))
	})
	if err != nil {
		return 0, fmt.Errorf("create project %s: %w", n.Name, err)
	}
	return id, nil
}

// check turns a request into rows.
func (s *Service) check(ctx context.Context, by authz.Principal, n NewProject) (p Project, metadata map[string]string, err error) {
	if err := checkName(n.Name); err != nil {
		return p, nil, err
	}
	p = Project{Name: n.Name, OwnerID: by.ID, Public: n.Public}
	if sent, ok := n.Metadata[Public]; ok {
		if p.Public, err = strconv.ParseBool(sent); err != nil {
			return p, nil, fault.Invalidf("metadata.public should only be \"true\" or \"false\", but got: \"%s\"", sent)
		}
	}
	if n.Metadata[RetentionID] != "" {
		return p, nil, fault.Invalidf("metadata.retention_id can't be set when creating a project")
	}
	if p.RegistryID, err = s.upstreamFor(ctx, by, n.RegistryID); err != nil {
		return p, nil, err
	}
	if metadata, err = lenient(n.Metadata, p.RegistryID != 0); err != nil {
		return p, nil, err
	}
	if err = checkFilter(metadata); err != nil {
		return p, nil, err
	}
	if n.Allowlist != nil {
		if p.Allowlist, err = checkAllowlist(*n.Allowlist, 0); err != nil {
			return p, nil, err
		}
	}
	p.StorageLimit, err = s.limitFor(ctx, by, n.StorageLimit)
	return p, metadata, err
}

// limitFor is the storage limit of a new project.
func (s *Service) limitFor(ctx context.Context, by authz.Principal, asked *int64) (int64, error) {
	values, err := s.settings.Get(ctx)
	switch {
	case err != nil:
		return 0, fmt.Errorf("read the default storage limit: %w", err)
	case !values.QuotaEnabled():
		return -1, nil
	case asked == nil || *asked == 0 || !administers(by):
		return values.StoragePerProject(), nil
	}
	return *asked, storageLimit(*asked)
}

const (
	insertProject = `INSERT INTO project (name, owner_id, public, storage_limit, registry_id, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (name) DO NOTHING RETURNING id`
	firstAdministrator = `SELECT id FROM account WHERE sysadmin AND deleted_at = 0 ORDER BY id LIMIT 1`
)

func firstAdmin(ctx context.Context, tx db.Tx) (int64, error) {
	id, err := db.Get(ctx, tx, db.ScanInt, firstAdministrator)
	if err != nil {
		return 0, fmt.Errorf("find the first administrator: %w", err)
	}
	return id, nil
}

// insert writes a project with its metadata, its allowlist and its owner's membership.
func (s *Service) insert(ctx context.Context, tx db.Tx, p Project, metadata map[string]string) (int64, error) {
	now := s.clock()
	at := db.Micros(now)
	id, err := db.Get(ctx, tx, db.ScanInt, insertProject, p.Name, p.OwnerID, p.Public, p.StorageLimit, p.RegistryID, at, at)
	if errors.Is(err, db.ErrNotFound) {
		return 0, fault.Conflictf("The project named %s already exists", p.Name)
	}
	if err != nil {
		return 0, fmt.Errorf("insert project: %w", err)
	}
	if err := putMetadata(ctx, tx, id, metadata); err != nil {
		return 0, err
	}
	if err := putAllowlist(ctx, tx, id, p.Allowlist, now); err != nil {
		return 0, err
	}
	_, err = insertMember(ctx, tx, anAccount(), id, p.OwnerID, authz.ProjectAdmin, now)
	return id, err
}

// maxAllowlist bounds the vulnerabilities of an allowlist.
const maxAllowlist = 10_000

// checkAllowlist checks a list that is meant for the project (0: one to be made).
func checkAllowlist(a CVEAllowlist, projectID int64) (CVEAllowlist, error) {
	if a.ProjectID != 0 && a.ProjectID != projectID {
		return a, fault.Invalidf("the project id %d of the CVE allowlist isn't that of the project", a.ProjectID)
	}
	if len(a.Items) > maxAllowlist {
		return a, fault.Invalidf("the CVE allowlist has more than %d items", maxAllowlist)
	}
	sorted := slices.Sorted(slices.Values(a.Items))
	for i, id := range sorted {
		switch {
		case id == "" || len(id) > 64:
			return a, fault.Invalidf("invalid CVE id %q in the CVE allowlist", id)
		case i > 0 && id == sorted[i-1]:
			return a, fault.Invalidf("duplicate CVE id %s in the CVE allowlist", id)
		}
	}
	return a, nil
}

const upsertAllowlist = `INSERT INTO cve_allowlist (project_id, items, expires_at, created_at, updated_at) VALUES ($1, $2, $3, $4, $5)
	ON CONFLICT (project_id) DO UPDATE SET items = excluded.items, expires_at = excluded.expires_at, updated_at = excluded.updated_at`

func putAllowlist(ctx context.Context, tx db.Tx, projectID int64, a CVEAllowlist, now time.Time) error {
	if a.Items == nil {
		a.Items = []string{}
	}
	items, err := json.Marshal(a.Items)
	if err != nil {
		return fmt.Errorf("encode allowlist: %w", err)
	}
	if _, err := tx.Exec(ctx, upsertAllowlist, projectID, string(items), db.Micros(a.ExpiresAt), db.Micros(now), db.Micros(now)); err != nil {
		return fmt.Errorf("write allowlist: %w", err)
	}
	return nil
}

// happened is an event about the project itself.
func (s *Service) happened(kind event.Kind, by authz.Principal, id int64, name string) event.Event {
	return event.Event{Kind: kind, At: s.clock(), By: by.Name, ProjectID: id, Project: name, Resource: name, Success: true}
}
