package project

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
)

// ErrNotEmpty: a project with repositories stays.
var ErrNotEmpty = errors.New("the project contains repositories, can not be deleted")

// Deletable tells whether Delete would work, and if not, why.
func (s *Service) Deletable(ctx context.Context, id int64) (ok bool, message string, err error) {
	err = s.db.Read(ctx, func(tx db.Tx) error {
		p, err := load(ctx, tx, id)
		if err != nil {
			return err
		}
		kept, err := s.keeps(ctx, tx, p)
		if ok = kept == nil; !ok {
			message = kept.Error()
		}
		return err
	})
	return ok, message, err
}

// HeldError is why a project stays that holds something.
type HeldError struct{ Until time.Time }

// Error says until when.
func (e *HeldError) Error() string {
	return "the project has repositories under a legal hold until " + e.Until.UTC().Format(time.RFC3339) + ": nobody may delete it before, administrators neither"
}

// keeps says why a project stays: it has repositories, and perhaps a hold on some of them.
func (s *Service) keeps(ctx context.Context, tx db.Tx, p Project) (why, err error) {
	if p.RepoCount == 0 {
		return nil, nil
	}
	if s.holds != nil {
		until, err := s.holds.HeldUntil(ctx, tx, p.ID)
		if err != nil {
			return nil, err
		}
		if s.clock().Before(until) {
			return &HeldError{until}, nil
		}
	}
	return ErrNotEmpty, nil
}

const (
	// Names of projects and robots hold no '#', so they are out of everybody's reach, and free again.
	markDeleted = `UPDATE project SET name = name || $1, deleted_at = $2, deleted_by = $3, restorable_until = $4, epoch = epoch + 1, was_public = public, public = FALSE
		WHERE id = $5`
	buryRobots = `UPDATE robot SET name = name || $1, epoch = epoch + 1 WHERE project_id = $2`

	deleteRobots = `DELETE FROM robot WHERE project_id = $1`
	deleteGrants = `DELETE FROM robot_permission WHERE project_id = $1`
	deleteRoles  = `DELETE FROM project_member WHERE project_id = $1`
)

// Delete ends a project without repositories; with some it is ErrNotEmpty, or what Holds says. Its name is free. It can be restored
// for as long as the settings say.
func (s *Service) Delete(ctx context.Context, by authz.Principal, id int64) error {
	settings, err := s.settings.Get(ctx)
	if err != nil {
		return fmt.Errorf("delete project %d: %w", id, err)
	}
	err = s.db.Write(ctx, func(tx db.Tx) error {
		p, err := load(ctx, tx, id)
		if err != nil {
			return err
		}
		if kept, err := s.keeps(ctx, tx, p); err != nil || kept != nil {
			return errors.Join(err, kept)
		}
		now, until := s.clock(), int64(0)
		if keep := settings.KeepDeleted(); keep > 0 {
			until = db.Micros(now.Add(keep))
			_, err = tx.Exec(ctx, buryRobots, graveOf(id), id)
		} else {
			err = s.end(ctx, tx, id, p.Name)
		}
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, markDeleted, graveOf(id), db.Micros(now), by.Name, until, id); err != nil {
			return fmt.Errorf("mark as deleted: %w", err)
		}
		return event.Append(ctx, tx, s.happened(event.DeleteProject, by, id, p.Name))
	})
	if err != nil {
		return fmt.Errorf("delete project %d: %w", id, err)
	}
	return nil
}
