package project

import (
	"context"
	"errors"
	"fmt"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
)

// ErrNotEmpty: a project with repositories stays.
var ErrNotEmpty = errors.New("the project contains repositories, can not be deleted")

// Deletable tells whether Delete would work, and if not, why.
func (s *Service) Deletable(ctx context.Context, id int64) (ok bool, message string, err error) {
	p, err := load(ctx, s.db.Auto(), id)
	switch {
	case err != nil:
		return false, "", err
	case p.RepoCount > 0:
		return false, ErrNotEmpty.Error(), nil
	}
	return true, "", nil
}

const (
	// Names of projects hold no '#', so the name is out of everybody's reach and free again.
	markDeleted = `UPDATE project SET name = $1, deleted_at = $2, epoch = epoch + 1, public = FALSE WHERE id = $3`

	deleteRobots = `DELETE FROM robot WHERE project_id = $1`
	deleteGrants = `DELETE FROM robot_permission WHERE project_id = $1`
	deleteRoles  = `DELETE FROM project_member WHERE project_id = $1`
)

// Delete ends a project without repositories; with some it is ErrNotEmpty. Its robots, memberships and
// grants go; its name is free.
func (s *Service) Delete(ctx context.Context, by authz.Principal, id int64) error {
	err := s.db.Write(ctx, func(tx db.Tx) error {
		p, err := load(ctx, tx, id)
		if err != nil {
			return err
		}
		if p.RepoCount > 0 {
			return ErrNotEmpty
		}
		for _, statement := range []string{deleteRobots, deleteGrants, deleteRoles} {
			if _, err := tx.Exec(ctx, statement, id); err != nil {
				return fmt.Errorf("delete what belongs to it: %w", err)
			}
		}
		if _, err := tx.Exec(ctx, markDeleted, fmt.Sprintf("%s#%d", p.Name, id), db.Micros(s.clock()), id); err != nil {
			return fmt.Errorf("mark as deleted: %w", err)
		}
		return event.Append(ctx, tx, s.happened(event.DeleteProject, by, id, p.Name))
	})
	if err != nil {
		return fmt.Errorf("delete project %d: %w", id, err)
	}
	return nil
}
