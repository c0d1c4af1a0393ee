package signing

import (
	"context"
	"errors"
	"fmt"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/job"
)

// walk is what the task carries that finds the manifests of a project; where it is, its checkpoint.
type walk struct {
	ProjectID int64 `json:"project_id"`
}

type walkState struct {
	Repository string `json:"repository"` // name of the one that it is in, or has left
	ID         int64  `json:"id"`         // of that repository; 0: go on with the next one
	PushedAt   int64  `json:"pushed_at"`
	ManifestID int64  `json:"manifest_id"`
	Found      int64  `json:"found"`
}

// walkPage is how many manifests one transaction looks at.
const walkPage = 100

const (
	nextRepository = `SELECT id, name FROM repository WHERE project_id = $1 AND name > $2 AND NOT hidden ORDER BY name LIMIT 1`
	// An index comes after what it leads to.
	walkedTargets = targetFields + ` WHERE m.repository_id = $1 AND (m.pushed_at, m.id) > ($2, $3)` + signable + ` ORDER BY m.pushed_at, m.id LIMIT $4`
	pushTime      = `SELECT pushed_at FROM manifest WHERE id = $1`
)

type foundRepository struct {
	id   int64
	name string
}

func scanRepository(r db.Row) (f foundRepository, err error) {
	err = r.Scan(&f.id, &f.name)
	return f, err
}

// doWalk finds the manifests of a project, and has each signed in the same execution.
func (s *Service) doWalk(ctx context.Context, r *job.Run) error {
	var w walk
	var state walkState
	if err := r.Decode(&w); err != nil {
		return job.Permanent(err)
	}
	if _, err := r.Resume(&state); err != nil {
		return job.Permanent(err)
	}
	for {
		if state.ID == 0 {
			next, err := db.Get(ctx, s.db.Auto(), scanRepository, nextRepository, w.ProjectID, state.Repository)
			if errors.Is(err, db.ErrNotFound) {
				r.Logf("%d manifests are looked at", state.Found)
				return nil
			}
			if err != nil {
				return fmt.Errorf("find the next repository: %w", err)
			}
			state = walkState{Repository: next.name, ID: next.id, Found: state.Found}
		}
		var after walkState
		err := r.Write(ctx, func(tx db.Tx) (err error) {
			if after, err = s.walkOn(ctx, tx, r, state); err != nil {
				return err
			}
			return r.Save(ctx, tx, after)
		})
		if err != nil {
			return fmt.Errorf("walk through %s: %w", state.Repository, err)
		}
		state = after
	}
}

// walkOn begins to sign a page of a repository's manifests, and returns where to go on.
func (s *Service) walkOn(ctx context.Context, tx db.Tx, r *job.Run, state walkState) (walkState, error) {
	page, err := db.Collect(ctx, tx, scanTarget, walkedTargets, state.ID, state.PushedAt, state.ManifestID, walkPage)
	if err != nil {
		return state, err
	}
	if len(page) == 0 {
		state.ID = 0
		return state, nil
	}
	tasks := make([]job.NewTask, len(page))
	for i, t := range page {
		tasks[i] = t.task(order{Digest: t.digest, RepositoryID: t.repositoryID})
	}
	if _, err := s.jobs.Add(ctx, tx, r.Task().ExecutionID, tasks...); err != nil {
		return state, err
	}
	last := page[len(page)-1].manifestID
	state.Found += int64(len(page))
	state.ManifestID = last
	state.PushedAt, err = db.Get(ctx, tx, db.ScanInt, pushTime, last)
	return state, err
}
