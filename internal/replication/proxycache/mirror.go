package proxycache

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
)

// MirrorKind says by what clients mean a project who don't name it.
type MirrorKind string

// The kinds of mirrors.
const (
	ByRegistry MirrorKind = "registry" // the registry that they believe to speak to, which containerd names: ?ns=docker.io
	ByHost     MirrorKind = "host"     // the host by which they reach us
)

// Mirror has clients find a project without naming it.
type Mirror struct {
	ID        int64
	Kind      MirrorKind
	Name      string // a host in lower case, with a port where it isn't the scheme's; a ByHost without one means each port
	ProjectID int64
	Project   string
	CreatedAt time.Time
}

// maxMirrors bounds them.
const maxMirrors = 5000

var mirrorName = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:[0-9]{1,5})?$`)

const (
	mirrorFields = `SELECT v.id, v.kind, v.name, v.project_id, p.name, v.created_at FROM mirror v JOIN project p ON p.id = v.project_id WHERE p.deleted_at = 0`
	allMirrors   = mirrorFields + ` ORDER BY v.kind, v.name LIMIT 5000`
	insertMirror = `INSERT INTO mirror (kind, name, project_id, created_at) SELECT $1, $2, id, CAST($4 AS BIGINT) FROM project WHERE id = $3 AND deleted_at = 0
		ON CONFLICT (kind, name) DO NOTHING RETURNING id`
	// A deleted project keeps its names until somebody wants them.
	takeOver     = `DELETE FROM mirror WHERE kind = $1 AND name = $2 AND project_id IN (SELECT p.id FROM project p WHERE p.deleted_at > 0)`
	deleteMirror = `DELETE FROM mirror WHERE id = $1`
)

func scanMirror(r db.Row) (m Mirror, err error) {
	err = r.Scan(&m.ID, &m.Kind, &m.Name, &m.ProjectID, &m.Project, db.ScanTime(&m.CreatedAt))
	return m, err
}

// Mirrors finds projects by the names that clients use instead. It answers from memory, which is at most two seconds old.
type Mirrors struct {
	db      *db.DB
	changes *db.Watch
	current atomic.Pointer[mirrorTable]
}

// mirrorTable is projects by name. It doesn't change.
type mirrorTable struct {
	version           int64 // of what it was read from
	registries, hosts map[string]string
}

// refresh reads them anew, unless it is known that nothing has changed.
func (m *Mirrors) refresh(ctx context.Context) error {
	version, exact := m.changes.Version()
	if t := m.current.Load(); exact && t != nil && t.version == version {
		return nil
	}
	all, err := db.Collect(ctx, m.db.Auto(), scanMirror, allMirrors)
	if err != nil {
		return fmt.Errorf("read mirrors: %w", err)
	}
	t := &mirrorTable{version: version, registries: map[string]string{}, hosts: map[string]string{}}
	for _, v := range all {
		if v.Kind == ByHost {
			t.hosts[v.Name] = v.Project
		} else {
			t.registries[v.Name] = v.Project
		}
	}
	m.current.Store(t)
	return nil
}

// Mirrors is what finds projects by other names.
func (s *Service) Mirrors() *Mirrors { return &s.mirrors }

// OfHost is the project that is meant by reaching us by the host, "" for none.
func (m *Mirrors) OfHost(host string) string {
	t := m.current.Load()
	if t == nil || len(t.hosts) == 0 {
		return ""
	}
	host = strings.ToLower(host)
	if project := t.hosts[host]; project != "" {
		return project
	}
	name, _, _ := strings.Cut(host, ":")
	return t.hosts[name]
}

// OfRegistry is the project that is meant by the name of a registry, "" for none.
func (m *Mirrors) OfRegistry(name string) string {
	t := m.current.Load()
	if t == nil || name == "" {
		return ""
	}
	return t.registries[strings.ToLower(name)]
}

// ListMirrors returns them all.
func (s *Service) ListMirrors(ctx context.Context) ([]Mirror, error) {
	all, err := db.Collect(ctx, s.db.Auto(), scanMirror, allMirrors)
	if err != nil {
		return nil, fmt.Errorf("list mirrors: %w", err)
	}
	return all, nil
}

// MirrorsOf returns those of a project.
func (s *Service) MirrorsOf(ctx context.Context, projectID int64) (own []Mirror, err error) {
	all, err := s.ListMirrors(ctx)
	for _, m := range all {
		if m.ProjectID == projectID {
			own = append(own, m)
		}
	}
	return own, err
}

// AddMirror makes one. A name that is taken is a fault.Conflict.
func (s *Service) AddMirror(ctx context.Context, by authz.Principal, m Mirror) (Mirror, error) {
	m.Name = strings.ToLower(m.Name)
	switch {
	case m.Kind != ByRegistry && m.Kind != ByHost:
		return m, fault.Invalidf("the kind of a mirror must be registry or host")
	case !mirrorName.MatchString(m.Name):
		return m, fault.Invalidf("the name of a mirror must be a host, such as docker.io or mirror.example.com:8443")
	}
	m.CreatedAt = s.clock()
	err := s.db.Write(ctx, func(tx db.Tx) error {
		n, err := db.Get(ctx, tx, db.ScanInt, `SELECT COUNT(*) FROM mirror`)
		if err != nil {
			return err
		}
		if n >= maxMirrors {
			return fault.Invalidf("there are %d mirrors already", n)
		}
		if _, err := tx.Exec(ctx, takeOver, string(m.Kind), m.Name); err != nil {
			return err
		}
		ids, err := db.Collect(ctx, tx, db.ScanInt, insertMirror, string(m.Kind), m.Name, m.ProjectID, db.Micros(m.CreatedAt))
		if err != nil {
			return err
		}
		if len(ids) == 0 {
			return fault.Conflictf("%s stands for a project already", m.Name)
		}
		m.ID = ids[0]
		return s.mirrorChanged(ctx, tx, by, m, "has "+m.Name+" stand for it")
	})
	if err != nil {
		return m, fmt.Errorf("add a mirror: %w", err)
	}
	return m, s.mirrors.refresh(ctx)
}

// RemoveMirror ends one, or is fault.NotFound.
func (s *Service) RemoveMirror(ctx context.Context, by authz.Principal, id int64) error {
	err := s.db.Write(ctx, func(tx db.Tx) error {
		found, err := db.Collect(ctx, tx, scanMirror, mirrorFields+` AND v.id = $1`, id)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return fault.NotFoundf("mirror %d not found", id)
		}
		if _, err := tx.Exec(ctx, deleteMirror, id); err != nil {
			return err
		}
		return s.mirrorChanged(ctx, tx, by, found[0], "ends that "+found[0].Name+" stands for it")
	})
	if err != nil {
		return fmt.Errorf("remove mirror %d: %w", id, err)
	}
	return s.mirrors.refresh(ctx)
}

func (s *Service) mirrorChanged(ctx context.Context, tx db.Tx, by authz.Principal, m Mirror, what string) error {
	tx.AfterCommit(s.wake)
	return event.Append(ctx, tx, event.Event{Kind: event.UpdateProject, At: s.clock(), By: by.Name, ProjectID: m.ProjectID, Project: m.Project,
		Resource: m.Project, Description: "update project: " + m.Project + " " + what, Success: true})
}
