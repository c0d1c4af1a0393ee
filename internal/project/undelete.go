package project

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
)

// A deleted project keeps its row, under a name that is out of everybody's reach, and all that refers to it: members, robots, policies.
// Nothing of it works, as each statement that asks for a project leaves deleted ones out. Until restorable_until it can
// be restored; then its members, robots and grants go, and those who listen forget theirs (event.EndProject).

// Deleted is a project that can be restored.
type Deleted struct {
	ID    int64
	Name  string // that it had
	By    string
	At    time.Time
	Until time.Time // when it can't be restored any more
}

const (
	deletedFields   = `SELECT id, name, deleted_by, deleted_at, restorable_until FROM project`
	deletedProjects = deletedFields + ` WHERE restorable_until > $1`
	deletedAfter    = deletedProjects + ` AND id < $2 ORDER BY id DESC LIMIT $3`
	deletedByID     = deletedProjects + ` AND id = $2`

	nameTaken    = `SELECT EXISTS (SELECT 1 FROM project WHERE name = $1)`
	reviveRobots = `UPDATE robot SET name = substr(name, 1, length(name) - length($1)) WHERE project_id = $2`
	revive       = `UPDATE project SET name = $1, deleted_at = 0, restorable_until = 0, deleted_by = '', public = was_public, epoch = epoch + 1 WHERE id = $2`
)

// graveOf is what stands behind the names of a deleted project and its robots.
func graveOf(id int64) string { return fmt.Sprintf("#%d", id) }

func scanDeleted(r db.Row) (d Deleted, err error) {
	err = r.Scan(&d.ID, &d.Name, &d.By, db.ScanTime(&d.At), db.ScanTime(&d.Until))
	d.Name = strings.TrimSuffix(d.Name, graveOf(d.ID))
	return d, err
}

// Deleted returns up to size projects that can be restored, with ids below before (0: all), the newest first.
func (s *Service) Deleted(ctx context.Context, before int64, size int) ([]Deleted, error) {
	const newest = 1<<63 - 1
	if before <= 0 {
		before = newest
	}
	all, err := db.Collect(ctx, s.db.Auto(), scanDeleted, deletedAfter, db.Micros(s.clock()), before, min(max(size, 1), 100))
	if err != nil {
		return nil, fmt.Errorf("list deleted projects: %w", err)
	}
	return all, nil
}

// Undelete restores a project as it was: members, robots with their secrets, policies, settings. Its repositories were deleted before it,
// each by itself. It is fault.NotFound when it can't be restored, and fault.Conflict while another project has its name.
func (s *Service) Undelete(ctx context.Context, by authz.Principal, id int64) (p Project, err error) {
	err = s.db.Write(ctx, func(tx db.Tx) error {
		d, err := db.Get(ctx, tx, scanDeleted, deletedByID, db.Micros(s.clock()), id)
		if errors.Is(err, db.ErrNotFound) {
			return fault.NotFoundf("there is no deleted project %d that could be restored: it was restored, or its time is over", id)
		}
		if err != nil {
			return err
		}
		taken, err := db.Get(ctx, tx, db.ScanBool, nameTaken, d.Name)
		if err != nil {
			return err
		}
		if taken {
			return fault.Conflictf("there is another project %s now: delete it first, which can be undone too", d.Name)
		}
		if _, err := tx.Exec(ctx, reviveRobots, graveOf(id), id); err != nil {
			return fmt.Errorf("revive its robots: %w", err)
		}
		if _, err := tx.Exec(ctx, revive, d.Name, id); err != nil {
			return err
		}
		if p, err = load(ctx, tx, id); err != nil {
			return err
		}
		e := s.happened(event.CreateProject, by, id, p.Name)
		e.Operation = "restore"
		return event.Append(ctx, tx, e)
	})
	if err != nil {
		return p, fmt.Errorf("restore project %d: %w", id, err)
	}
	return p, nil
}

const (
	ended  = deletedFields + ` WHERE restorable_until > 0 AND restorable_until <= $1 ORDER BY restorable_until LIMIT 100`
	endNow = `UPDATE project SET restorable_until = 0 WHERE id = $1`
)

// EndDeleted ends deleted projects that can't be restored any more, and returns how many there were.
func (s *Service) EndDeleted(ctx context.Context) (n int, err error) {
	for {
		over, err := db.Collect(ctx, s.db.Auto(), scanDeleted, ended, db.Micros(s.clock()))
		if err != nil {
			return n, fmt.Errorf("look for deleted projects: %w", err)
		}
		if len(over) == 0 {
			return n, nil
		}
		for _, d := range over {
			err := s.db.Write(ctx, func(tx db.Tx) error {
				if _, err := tx.Exec(ctx, endNow, d.ID); err != nil {
					return err
				}
				return s.end(ctx, tx, d.ID, d.Name)
			})
			if err != nil {
				return n, fmt.Errorf("end the deleted project %d: %w", d.ID, err)
			}
			n++
		}
	}
}

// end removes what belongs to a project that is gone for good.
func (s *Service) end(ctx context.Context, tx db.Tx, id int64, name string) error {
	for _, statement := range []string{deleteRobots, deleteGrants, deleteRoles} {
		if _, err := tx.Exec(ctx, statement, id); err != nil {
			return fmt.Errorf("delete what belongs to it: %w", err)
		}
	}
	return event.Append(ctx, tx, event.Event{Kind: event.EndProject, At: s.clock(), Success: true, ProjectID: id, Project: name, Resource: name})
}
