package registry

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
)

// What can be restored is gone when its time is over, as the collector goes by: a batch of manifests a transaction, the blobs
// that only they held are condemned, and the row of trash goes last. Where the store is nearly full it goes before its time, what was
// deleted longest ago first: who deletes on a full disk wants room.

// trashBatch is how many deletions one call ends, or takes something of.
const trashBatch = 50

const (
	overTrash   = trashFields + ` WHERE expires_at <= $1 ORDER BY expires_at, id LIMIT $2`
	overByID    = trashFields + ` WHERE id = $1 AND expires_at <= $2`
	inGrave     = `SELECT id, digest FROM manifest WHERE repository_id = $1 ORDER BY id DESC LIMIT $2`
	leaveGrave  = `UPDATE repository SET updated_at = $2 WHERE id = $1 AND hidden`
	deleteTrash = `DELETE FROM trash WHERE id = $1`
)

// leaveBlobs ends memberships of a grave whose blobs no manifest in it names any more.
var leaveBlobs = inQuery{`DELETE FROM repository_blob WHERE repository_id = $1
	AND NOT EXISTS (SELECT 1 FROM manifest_blob mb WHERE mb.blob_id = repository_blob.blob_id AND mb.repository_id = $1) AND blob_id IN `, ""}

func scanBuried(r db.Row) (n node, err error) {
	err = r.Scan(&n.id, &n.digest)
	return n, err
}

const (
	// keepFree is what of the store is kept free by ending deletions: a 20th of it, at most mostKeptFree.
	keepFree     = 20
	mostKeptFree = 10 << 30

	oldestTrash = `SELECT id, bytes FROM trash WHERE expires_at > $1 ORDER BY expires_at, id LIMIT $2`
	endTrashAt  = `UPDATE trash SET expires_at = $1 WHERE id = $2`
)

// expected are bytes that this process has made to come back, after two graces.
type expected struct {
	since time.Time
	bytes int64
}

func (r *reclaim) await(now time.Time, bytes int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.expected = append(r.expected, expected{now, bytes})
}

// awaited is what is still to come back.
func (r *reclaim) awaited(now time.Time, within time.Duration) (bytes int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.expected = slices.DeleteFunc(r.expected, func(e expected) bool { return now.Sub(e.since) > within })
	for _, e := range r.expected {
		bytes += e.bytes
	}
	return bytes
}

// makeRoom has deletions end before their time where the store is nearly full and what waits to be deleted won't be enough.
func (s *Service) makeRoom(ctx context.Context) error {
	total, free, err := s.blobs.Free(ctx)
	lack := int64(min(total/keepFree, mostKeptFree)) - int64(free)
	if err != nil || lack <= 0 { // a store that knows no limit says 0 and 0
		return err
	}
	oldest, err := db.Collect(ctx, s.db.Auto(), scanPair, oldestTrash, s.now(), trashBatch)
	if err != nil || len(oldest) == 0 {
		return err
	}
	waits, err := db.Get(ctx, s.db.Auto(), scanPair, backlog)
	if err != nil {
		return err
	}
	lack -= max(waits[1], s.reclaim.awaited(s.clock(), 2*s.reclaimAfter))
	ended, bytes := 0, int64(0)
	for _, e := range oldest {
		if lack <= 0 {
			break
		}
		err := s.db.WriteRelaxed(ctx, func(tx db.Tx) error {
			_, err := tx.Exec(ctx, endTrashAt, s.now(), e[0])
			return err
		})
		if err != nil {
			return err
		}
		lack -= e[1]
		bytes += e[1]
		ended++
	}
	if ended > 0 {
		s.reclaim.await(s.clock(), bytes)
		s.log.WarnContext(ctx, "the store is nearly full: what was deleted longest ago can't be restored any more", "deletions", ended)
	}
	return nil
}

// endTrash takes away what was kept long enough.
func (s *Service) endTrash(ctx context.Context) (did Reclaimed, more bool, err error) {
	if err := s.makeRoom(ctx); err != nil {
		return did, false, wrap(err, "make room by what was deleted")
	}
	due, err := db.Collect(ctx, s.db.Auto(), scanTrashed, overTrash, s.now(), trashBatch)
	if err != nil || len(due) == 0 {
		return did, false, wrap(err, "look for what was kept long enough")
	}
	for _, e := range due {
		err := s.db.WriteRelaxed(ctx, func(tx db.Tx) error {
			e, err := db.Get(ctx, tx, scanTrashed, overByID, e.ID, s.now())
			if errors.Is(err, db.ErrNotFound) {
				return nil // another replica ended it
			}
			if err != nil {
				return err
			}
			return s.endSome(ctx, tx, e)
		})
		if err != nil {
			return did, false, wrap(err, "end what was kept long enough")
		}
	}
	return did, true, nil
}

// endSome takes a batch of manifests out of a grave for good, and the deletion itself when none is left.
func (s *Service) endSome(ctx context.Context, tx db.Tx, e Trashed) error {
	var buried []node
	if e.grave > 0 {
		var err error
		if buried, err = db.Collect(ctx, tx, scanBuried, inGrave, e.grave, s.rowsAtOnce()); err != nil {
			return err
		}
	}
	if len(buried) == 0 {
		return s.endDeletion(ctx, tx, e)
	}
	blobs, err := collectIn(ctx, tx, db.ScanInt, namedBlobs, nil, nodeIDs(buried))
	if err != nil {
		return err
	}
	if err := destroy(ctx, tx, buried); err != nil {
		return err
	}
	return s.leave(ctx, tx, e.grave, distinct(blobs))
}

// leave has a grave let go of those of the blobs that nothing in it names any more.
func (s *Service) leave(ctx context.Context, tx db.Tx, grave int64, blobs []int64) error {
	if err := execIn(ctx, tx, leaveBlobs, []any{grave}, blobs); err != nil {
		return err
	}
	return condemn(ctx, tx, s.now(), blobs...)
}

// endDeletion forgets a deletion of which nothing is left. What the quota still counts of it is given back.
func (s *Service) endDeletion(ctx context.Context, tx db.Tx, e Trashed) error {
	if err := s.charge(ctx, tx, e.project, -e.Counted); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, leaveGrave, e.grave, s.now()); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, deleteTrash, e.ID)
	return err
}

const (
	endTrashNow   = `UPDATE trash SET expires_at = $1 WHERE id = $2 AND project_id = $3 AND expires_at > $1`
	endTrashOf    = `UPDATE trash SET expires_at = $1 WHERE project_id = $2 AND expires_at > $1`
	endTrashOfAll = `UPDATE trash SET expires_at = $1 WHERE expires_at > $1`
)

// PurgeTrash has what a deletion kept taken away for good, as soon as the collector comes to it. An unknown one is fault.NotFound.
func (s *Service) PurgeTrash(ctx context.Context, by authz.Principal, project Ref, id int64) error {
	err := s.db.Write(ctx, func(tx db.Tx) error {
		e, err := s.findTrash(ctx, tx, project.ProjectID, id)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, endTrashNow, s.now(), id, project.ProjectID); err != nil {
			return err
		}
		tx.AfterCommit(s.wake)
		return event.Append(ctx, tx, s.trashEvent(event.PurgeTrash, by, project, project.Project+"/"+e.Repository, e.what(project)))
	})
	return wrap(err, "take away for good what was deleted")
}

// EmptyTrash is PurgeTrash for all deletions in a project, in all where its id is 0. It returns how many there were.
func (s *Service) EmptyTrash(ctx context.Context, by authz.Principal, project Ref) (n int64, err error) {
	err = s.db.Write(ctx, func(tx db.Tx) (err error) {
		resource := "all projects"
		if project.ProjectID == 0 {
			n, err = tx.Exec(ctx, endTrashOfAll, s.now())
		} else {
			resource = project.Project
			n, err = tx.Exec(ctx, endTrashOf, s.now(), project.ProjectID)
		}
		if err != nil {
			return err
		}
		tx.AfterCommit(s.wake)
		return event.Append(ctx, tx, s.trashEvent(event.PurgeTrash, by, project, resource, "all that was deleted"))
	})
	return n, wrap(err, "take away for good what was deleted")
}

func (s *Service) trashEvent(kind event.Kind, by authz.Principal, project Ref, resource, what string) event.Event {
	return event.Event{
		Kind: kind, At: s.clock(), By: by.Name, Success: true, ProjectID: project.ProjectID, Project: project.Project, Resource: resource,
		Description: "take away for good: " + what,
	}
}

// what names a deletion in the audit log.
func (e Trashed) what(project Ref) string {
	name := project.Project + "/" + e.Repository
	switch {
	case e.Tag != "":
		return name + ":" + e.Tag
	case e.Digest != "":
		return name + "@" + string(e.Digest)
	}
	return name
}
