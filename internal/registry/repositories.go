package registry

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/record"
)

var repositoryListing = db.Listing{
	Fields: `r.id, r.project_id, p.name, r.name, r.description, r.pull_count, r.created_at, r.updated_at, r.artifact_count`,
	From:   `repository r JOIN project p ON p.id = r.project_id`,
	Columns: map[string]db.Column{
		"id":            {Expr: "r.id", Kind: db.Int},
		"repository_id": {Expr: "r.id", Kind: db.Int},
		"project_id":    {Expr: "r.project_id", Kind: db.Int},
		"name":          {Expr: "p.name || '/' || r.name", Kind: db.Text},
		"description":   {Expr: "r.description", Kind: db.Text},
		"pull_count":    {Expr: "r.pull_count", Kind: db.Int},
		"creation_time": {Expr: "r.created_at", Kind: db.Timestamp},
		"update_time":   {Expr: "r.updated_at", Kind: db.Timestamp},
	},
	Default: "r.created_at DESC",
	Tie:     "r.id DESC",
}

// RepositoryKey reports whether ListRepositories can filter and sort by key.
func RepositoryKey(key string) bool { return repositoryListing.Has(key) }

func scanRepository(r db.Row) (v Repository, err error) {
	err = r.Scan(&v.ID, &v.ProjectID, &v.Project, &v.Name, &v.Description, &v.PullCount,
		db.ScanTime(&v.CreatedAt), db.ScanTime(&v.UpdatedAt), &v.ArtifactCount)
	return v, err
}

// GetRepository returns a repository that has, or had, a manifest; else ErrRepositoryUnknown.
func (s *Service) GetRepository(ctx context.Context, ref Ref) (Repository, error) {
	v, err := db.Get(ctx, s.db.Auto(), scanRepository, "SELECT "+repositoryListing.Fields+" FROM "+repositoryListing.From+
		" WHERE r.project_id = $1 AND r.name = $2 AND NOT r.hidden", ref.ProjectID, ref.Name)
	if errors.Is(err, db.ErrNotFound) {
		err = ErrRepositoryUnknown
	}
	if err != nil {
		return Repository{}, fmt.Errorf("get repository %s: %w", ref.FullName(), err)
	}
	return v, nil
}

// ListRepositories returns a page of the repositories in the scope, newest first, and how many match.
func (s *Service) ListRepositories(ctx context.Context, scope Scope, list db.List) (rows []Repository, total int64, err error) {
	where, args := scope.condition(0)
	err = s.db.Read(ctx, func(tx db.Tx) error {
		rows, total, err = db.Page(ctx, tx, repositoryListing, "NOT r.hidden AND "+where, args, list, scanRepository)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list repositories: %w", err)
	}
	return rows, total, nil
}

// MaxDescription is the longest description of a repository, in bytes.
const MaxDescription = 64 << 10

const describeRepository = `UPDATE repository SET description = $3, updated_at = $4
	WHERE project_id = $1 AND name = $2 AND NOT hidden`

// UpdateRepository sets the description, as it is given.
func (s *Service) UpdateRepository(ctx context.Context, by authz.Principal, ref Ref, description string) error {
	if len(description) > MaxDescription {
		return fault.Invalidf("the description has %d bytes, at most %d", len(description), MaxDescription)
	}
	err := s.db.Write(ctx, func(tx db.Tx) error {
		n, err := tx.Exec(ctx, describeRepository, ref.ProjectID, ref.Name, description, s.now())
		if err == nil && n == 0 {
			return ErrRepositoryUnknown
		}
		if err != nil {
			return err
		}
		tx.AfterCommit(s.wake)
		return event.Append(ctx, tx, repositoryEvent(event.UpdateRepository, s.clock(), by, ref))
	})
	if err != nil {
		return fmt.Errorf("update repository %s: %w", ref.FullName(), err)
	}
	return nil
}

const (
	emptyTags      = `DELETE FROM tag WHERE repository_id = $1`
	emptyChildren  = `DELETE FROM manifest_child WHERE parent_id IN (SELECT id FROM manifest WHERE repository_id = $1)`
	emptyManifests = `DELETE FROM manifest WHERE repository_id = $1 RETURNING digest`
	buryRepository = `UPDATE repository SET hidden = TRUE, artifact_count = 0, name = 'deleted:' || id, updated_at = $2 WHERE id = $1`
)

// DeleteRepository removes a repository with everything in it, which can be restored for as long as Rules say. Its row stays under
// a name that nobody can ask for, and with it memberships and uploads, until their bytes are reclaimed; a new repository
// of the same name is another one.
func (s *Service) DeleteRepository(ctx context.Context, by authz.Principal, ref Ref) error {
	err := s.db.Write(ctx, func(tx db.Tx) error {
		tx.AfterCommit(s.wake)
		return s.deleteRepository(ctx, tx, by, ref)
	})
	s.homes.clear()
	begun := s.recents.clear(ref) // they have ended
	if err != nil {
		return fmt.Errorf("delete repository %s: %w", ref.FullName(), err)
	}
	for _, id := range begun {
		if _, err := s.endUpload(ctx, id); err != nil { // it ends when its lifetime is over
			s.log.WarnContext(ctx, "ending an upload of a deleted repository", "upload", id, "error", err)
		}
	}
	return nil
}

func (s *Service) deleteRepository(ctx context.Context, tx db.Tx, by authz.Principal, ref Ref) error {
	id, err := findVisible(ctx, tx, ref)
	if err != nil {
		return err
	}
	if err := s.mayEmpty(ctx, tx, ref, id); err != nil {
		return err
	}
	if err := record.EnqueueRepository(ctx, tx, id); err != nil {
		return err
	}
	del := s.Deletion(by.Name, ref, 0)
	if del.keep > 0 {
		err = del.buryWhole(ctx, tx, id)
	} else {
		err = del.empty(ctx, tx, id)
	}
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, buryRepository, id, max(s.now(), del.until())); err != nil {
		return err
	}
	return event.Append(ctx, tx, repositoryEvent(event.DeleteRepository, s.clock(), by, ref))
}

func repositoryEvent(kind event.Kind, at time.Time, by authz.Principal, ref Ref) event.Event {
	return event.Event{
		Kind: kind, At: at, By: by.Name, Success: true,
		ProjectID: ref.ProjectID, Project: ref.Project, Repository: ref.FullName(), Resource: ref.FullName(),
	}
}

// empty removes all that a repository holds for good.
func (d *Deletion) empty(ctx context.Context, tx db.Tx, id int64) error {
	freed, err := db.Get(ctx, tx, db.ScanInt, sizeOfRepository, id)
	if err != nil {
		return err
	}
	if err := d.free(ctx, tx, freed); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, emptyMembers, id, d.registry.now()); err != nil {
		return err
	}
	for _, query := range []string{emptyTags, forgetNames, emptyChildren} {
		if _, err := tx.Exec(ctx, query, id); err != nil {
			return err
		}
	}
	contents, err := db.Collect(ctx, tx, scanDigest, emptyManifests, id)
	if err != nil {
		return err
	}
	return execIn(ctx, tx, deleteContents, nil, contents)
}

func scanDigest(r db.Row) (d oci.Digest, err error) {
	err = r.Scan(&d)
	return d, err
}
