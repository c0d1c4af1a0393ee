package registry

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/oci"
)

// TrashKind is what was deleted.
type TrashKind string

// The kinds.
const (
	TrashedTag        TrashKind = "tag"      // alone; its artifact stayed
	TrashedArtifact   TrashKind = "artifact" // with its tags; or several, by one batch of a run of retention
	TrashedRepository TrashKind = "repository"
)

// Trashed is a deletion that can be undone.
type Trashed struct {
	ID         int64
	Kind       TrashKind
	Repository string     // its name then, without the project
	Digest     oci.Digest // of the artifact, the first of several; what the tag named; "" of a repository
	Tag        string     // the tag, or the first tag of Digest
	Artifacts  int64      // as listings showed them
	Bytes      int64      // what the quota was to give back for it
	Counted    int64      // what of it the quota still counts
	Run        int64      // the execution of retention that deleted it, 0: none
	By         string
	At         time.Time
	Until      time.Time // when it is gone for good

	project, grave            int64
	tagID, pushedAt, pulledAt int64 // of a tag
}

const (
	trashFields = `SELECT id, kind, project_id, repository, digest, tag, artifacts, bytes, charged, run_id, deleted_by, deleted_at, expires_at, grave_id, tag_id, tag_pushed_at, tag_pulled_at FROM trash`
	trashByID   = trashFields + ` WHERE id = $1 AND project_id = $2 AND expires_at > $3`
	trashSpace  = `SELECT COUNT(*), CAST(COALESCE(SUM(bytes), 0) AS BIGINT) FROM trash WHERE project_id = $1`
)

func scanTrashed(r db.Row) (e Trashed, err error) {
	err = r.Scan(&e.ID, &e.Kind, &e.project, &e.Repository, &e.Digest, &e.Tag, &e.Artifacts, &e.Bytes, &e.Counted, &e.Run, &e.By, db.ScanTime(&e.At), db.ScanTime(&e.Until),
		&e.grave, &e.tagID, &e.pushedAt, &e.pulledAt)
	return e, err
}

// TrashFilter says which deletions to list. The zero value is all of them.
type TrashFilter struct {
	Repository string // of this name, without the project
	Kind       TrashKind
	Run        int64
	Before     int64 // with smaller ids; 0: the newest
	Size       int   // at most 100
}

const maxTrashPage = 100

// Trash returns deletions in a project that can be undone, the newest first.
func (s *Service) Trash(ctx context.Context, projectID int64, f TrashFilter) ([]Trashed, error) {
	where, args := []string{"project_id = $1", "expires_at > $2"}, []any{projectID, s.now()}
	and := func(condition string, value any) {
		args = append(args, value)
		where = append(where, fmt.Sprintf(condition, len(args)))
	}
	if f.Repository != "" {
		and("repository = $%d", f.Repository)
	}
	if f.Kind != "" {
		and("kind = $%d", string(f.Kind))
	}
	if f.Run != 0 {
		and("run_id = $%d", f.Run)
	}
	if f.Before > 0 {
		and("id < $%d", f.Before)
	}
	args = append(args, min(max(f.Size, 1), maxTrashPage))
	rows, err := db.Collect(ctx, s.db.Auto(), scanTrashed, fmt.Sprintf("%s WHERE %s ORDER BY id DESC LIMIT $%d", trashFields, strings.Join(where, " AND "), len(args)), args...)
	return rows, wrap(err, "list what was deleted")
}

// TrashSpace returns how many deletions of a project can be undone, and how many bytes nothing else in it needed.
func (s *Service) TrashSpace(ctx context.Context, projectID int64) (deletions, bytes int64, err error) {
	found, err := db.Get(ctx, s.db.Auto(), scanPair, trashSpace, projectID)
	return found[0], found[1], wrap(err, "add up what was deleted")
}

// findTrash returns a deletion that can still be undone.
func (s *Service) findTrash(ctx context.Context, tx db.Tx, projectID, id int64) (Trashed, error) {
	e, err := db.Get(ctx, tx, scanTrashed, trashByID, id, projectID, s.now())
	if errors.Is(err, db.ErrNotFound) {
		return e, fault.NotFoundf("there is no deletion %d in this project that could be undone: it was restored, or its time is over", id)
	}
	return e, err
}

// Buried is an artifact that a deletion keeps. Its accessories, which come back with it, are not told apart.
type Buried struct {
	ID       int64
	Digest   oci.Digest
	Type     string
	Tags     []string
	Size     int64
	PushedAt time.Time
}

// maxBuried is how many artifacts of a deletion are listed, those that were pushed last.
const maxBuried = 1000

const buriedOf = `SELECT id, digest, type, size, pushed_at FROM manifest WHERE repository_id = $1 AND accessory_of = '' ORDER BY pushed_at DESC, id DESC LIMIT $2`

func scanBuriedArtifact(r db.Row) (b Buried, err error) {
	err = r.Scan(&b.ID, &b.Digest, &b.Type, &b.Size, db.ScanTime(&b.PushedAt))
	return b, err
}

// Buried returns what a deletion in a project keeps, which is nothing of a tag alone: its artifact stayed. An unknown deletion is
// fault.NotFound.
func (s *Service) Buried(ctx context.Context, projectID, id int64) (rows []Buried, err error) {
	err = s.db.Read(ctx, func(tx db.Tx) error {
		rows = nil
		e, err := s.findTrash(ctx, tx, projectID, id)
		if err != nil || e.grave == 0 {
			return err
		}
		if rows, err = db.Collect(ctx, tx, scanBuriedArtifact, buriedOf, e.grave, maxBuried); err != nil {
			return err
		}
		ids, at := make([]int64, len(rows)), make(map[int64]*Buried, len(rows))
		for i := range rows {
			ids[i], at[rows[i].ID] = rows[i].ID, &rows[i]
		}
		tags, err := collectIn(ctx, tx, scanCandidateTag, candidateTags, nil, ids)
		for _, t := range tags {
			at[t.id].Tags = append(at[t.id].Tags, t.name)
		}
		return err
	})
	return rows, wrap(err, "list what a deletion keeps")
}
