package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/oci"
)

// Undone is what came back.
type Undone struct {
	Manifests int64 // with those that are parts of others
	Tags      int64
	// TagsTaken are tags that name something else by now, and stay there; the first hundred.
	TagsTaken []string
}

const maxTagsTaken = 100

func (u *Undone) add(o Undone) {
	u.Manifests += o.Manifests
	u.Tags += o.Tags
	u.TagsTaken = append(u.TagsTaken, o.TagsTaken...)
	u.TagsTaken = u.TagsTaken[:min(len(u.TagsTaken), maxTagsTaken)]
}

// Undelete undoes a deletion in a project: the manifests are back with their ids, times, labels and tags. Of a deletion of
// several, only says which artifact to restore, "" for all. A tag that names something else by now stays there. What can't be
// restored yet is fault.Conflict, which says what to do; an unknown deletion is fault.NotFound, what exceeds the project's limit a *QuotaError.
func (s *Service) Undelete(ctx context.Context, by authz.Principal, project Ref, id int64, only oci.Digest) (u Undone, err error) {
	for more := true; more && err == nil; {
		var step Undone
		err = s.db.Write(ctx, func(tx db.Tx) error {
			tx.AfterCommit(s.wake)
			e, err := s.findTrash(ctx, tx, project.ProjectID, id)
			if err != nil {
				return err
			}
			ref := Ref{project.ProjectID, project.Project, e.Repository}
			step, more, err = s.undelete(ctx, tx, by, ref, e, only)
			return err
		})
		if err == nil {
			u.add(step)
		}
	}
	s.homes.clear()
	if err != nil {
		return u, fmt.Errorf("undo deletion %d in %s: %w", id, project.Project, s.refused(ctx, by.Name, project, err))
	}
	return u, nil
}

const runOfTrash = `SELECT id FROM trash WHERE run_id = $1 AND project_id = $2 AND expires_at > $3 ORDER BY id DESC LIMIT 1`

// UndeleteRun is Undelete for all that an execution of retention deleted in a project, the last first: what is a part of something came
// after it.
func (s *Service) UndeleteRun(ctx context.Context, by authz.Principal, project Ref, run int64) (u Undone, err error) {
	for n := 0; ; n++ {
		id, err := db.Get(ctx, s.db.Auto(), db.ScanInt, runOfTrash, run, project.ProjectID, s.now())
		switch {
		case errors.Is(err, db.ErrNotFound) && n == 0:
			return u, fault.NotFoundf("nothing is left that run %d of retention deleted in this project: it deleted nothing, was undone, or its time is over", run)
		case errors.Is(err, db.ErrNotFound):
			return u, nil
		case err != nil:
			return u, fmt.Errorf("look for what run %d deleted: %w", run, err)
		}
		some, err := s.Undelete(ctx, by, project, id, "")
		u.add(some)
		if err != nil {
			return u, err
		}
	}
}

// UndeleteRepositories is Undelete for all repositories that were deleted in a project: of those that had the same name the last.
func (s *Service) UndeleteRepositories(ctx context.Context, by authz.Principal, project Ref) (u Undone, err error) {
	done := map[string]bool{}
	for before := int64(0); ; {
		page, err := s.Trash(ctx, project.ProjectID, TrashFilter{Kind: TrashedRepository, Before: before, Size: maxTrashPage})
		if err != nil || len(page) == 0 {
			return u, err
		}
		for _, e := range page {
			if before = e.ID; done[e.Repository] {
				continue
			}
			done[e.Repository] = true
			some, err := s.Undelete(ctx, by, project, e.ID, "")
			u.add(some)
			if err != nil {
				return u, err
			}
		}
	}
}

// undelete takes a step: one transaction's worth.
func (s *Service) undelete(ctx context.Context, tx db.Tx, by authz.Principal, ref Ref, e Trashed, only oci.Digest) (u Undone, more bool, err error) {
	switch {
	case e.Kind == TrashedTag:
		return Undone{Tags: 1}, false, s.undeleteTag(ctx, tx, by, ref, e)
	case only != "":
		rows, err := buriedWith(ctx, tx, e.grave, only)
		if err != nil {
			return u, false, err
		}
		if e.Kind == TrashedRepository {
			if err := scatter(ctx, tx, e); err != nil {
				return u, false, err
			}
		}
		u, _, err = s.unbury(ctx, tx, by, ref, e, rows)
		return u, false, err
	case e.Kind == TrashedRepository:
		there, err := findRepository(ctx, tx, ref)
		if errors.Is(err, ErrRepositoryUnknown) {
			u, err = s.undeleteRepository(ctx, tx, by, ref, e)
			return u, false, err
		}
		if err == nil { // another one has the name: this one's artifacts join it
			err = scatter(ctx, tx, e)
		}
		if err == nil { // this one may have had none, and that one may be hidden, as a push has begun
			err = showRepository(ctx, tx, there, s.now())
		}
		return u, true, err
	}
	rows, err := db.Collect(ctx, tx, scanUnburied, nextInGrave, e.grave, setSize)
	if err != nil {
		return u, false, err
	}
	if len(rows) == 0 {
		return u, false, s.endDeletion(ctx, tx, e)
	}
	return s.unbury(ctx, tx, by, ref, e, rows)
}

const scatterTrash = `UPDATE trash SET kind = 'artifact' WHERE id = $1`

// scatter has what a deleted repository held restored one by one: its indexes forget their children, as those in other graves.
func scatter(ctx context.Context, tx db.Tx, e Trashed) error {
	if _, err := tx.Exec(ctx, emptyChildren, e.grave); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, scatterTrash, e.ID)
	return err
}

// unburied is a manifest that leaves its grave.
type unburied struct {
	node
	mediaType   string
	contentSize int64
	content     []byte // of indexes
}

const (
	unburiedFields = `SELECT m.id, m.digest, m.media_type, m.content_size, m.accessory_of, CASE WHEN m.config_media_type = m.media_type THEN c.content ELSE NULL END
		FROM manifest m JOIN manifest_content c ON c.digest = m.digest WHERE m.repository_id = $1`
	nextInGrave = unburiedFields + ` ORDER BY m.id LIMIT $2`
)

var (
	buriedAmong   = inQuery{unburiedFields + ` AND m.digest IN `, ""}
	buriedBelongs = inQuery{unburiedFields + ` AND m.accessory_of <> '' AND m.accessory_of IN `, ""}
)

func scanUnburied(r db.Row) (v unburied, err error) {
	var of string
	err = r.Scan(&v.id, &v.digest, &v.mediaType, &v.contentSize, &of, &v.content)
	v.accessory = of != ""
	return v, err
}

// index reads an index; of anything else it is nil.
func (v unburied) index() (*oci.Manifest, error) {
	if v.content == nil {
		return nil, nil
	}
	m, err := oci.ParseManifest(v.mediaType, v.content)
	if err != nil {
		return nil, fmt.Errorf("read the index %s: %w", v.digest, err)
	}
	return m, nil
}

// buriedWith returns an artifact of a grave with all that is below it there, parts before what they are parts of.
func buriedWith(ctx context.Context, tx db.Tx, grave int64, d oci.Digest) ([]unburied, error) {
	all := map[oci.Digest]unburied{}
	for next := []oci.Digest{d}; len(next) > 0; {
		found, err := collectIn(ctx, tx, scanUnburied, buriedAmong, []any{grave}, next)
		if err != nil {
			return nil, err
		}
		belonging, err := collectIn(ctx, tx, scanUnburied, buriedBelongs, []any{grave}, next)
		if err != nil {
			return nil, err
		}
		next = nil
		for _, v := range append(found, belonging...) {
			if _, seen := all[v.digest]; seen {
				continue
			}
			all[v.digest] = v
			next = append(next, v.digest) // for what belongs to it
			m, err := v.index()
			if err != nil {
				return nil, err
			}
			if m != nil {
				next = append(next, digestsOf(m.Children())...)
			}
		}
		if len(all) > maxGraph {
			return nil, errGraph
		}
	}
	if len(all) == 0 {
		return nil, fault.NotFoundf("the deletion has no artifact %s", d)
	}
	rows := make([]unburied, 0, len(all))
	for _, v := range all {
		rows = append(rows, v)
	}
	slices.SortFunc(rows, func(a, b unburied) int { return cmp.Compare(a.id, b.id) })
	return rows, nil
}

// unbury moves manifests back into the repository of this name, and forgets the deletion when no more are left in its grave.
func (s *Service) unbury(ctx context.Context, tx db.Tx, by authz.Principal, ref Ref, e Trashed, rows []unburied) (u Undone, more bool, err error) {
	now := s.now()
	repositoryID, err := ensureRepository(ctx, tx, ref, now)
	if err != nil {
		return u, false, projectGone(err, ref)
	}
	moved, twins, err := splitTwins(ctx, tx, repositoryID, rows)
	if err != nil {
		return u, false, err
	}
	blobs, err := collectIn(ctx, tx, db.ScanInt, namedBlobs, nil, unburiedIDs(rows))
	if err != nil {
		return u, false, err
	}
	grown, err := s.takeBack(ctx, tx, ref, repositoryID, &e, moved, now)
	if err != nil {
		return u, false, err
	}
	children, err := s.adopt(ctx, tx, ref, repositoryID, moved)
	if err != nil {
		return u, false, err
	}
	tagged, taken, err := unburyTags(ctx, tx, by.Name, repositoryID, rows, twins, now)
	if err != nil {
		return u, false, err
	}
	known, err := dropTwins(ctx, tx, rows, twins)
	if err != nil {
		return u, false, err
	}
	if err := s.leave(ctx, tx, e.grave, distinct(blobs)); err != nil {
		return u, false, err
	}
	if err := relist(ctx, tx, slices.Concat(unburiedIDs(moved), children, known)); err != nil {
		return u, false, err
	}
	if err := showRepository(ctx, tx, repositoryID, now); err != nil {
		return u, false, err
	}
	if err := s.appendUndeleted(ctx, tx, by, ref, rows, twins, tagged); err != nil {
		return u, false, err
	}
	u = Undone{Manifests: int64(len(moved)), TagsTaken: taken}
	for _, names := range tagged {
		u.Tags += int64(len(names))
	}
	more, err = s.shrink(ctx, tx, e, artifactsAmong(moved, children, tagged), grown)
	return u, more, err
}

const shrinkTrash = `UPDATE trash SET artifacts = $1, bytes = $2, charged = $3 WHERE id = $4`

// shrink takes off a deletion what came back, and forgets it when nothing more is left; else it returns true.
func (s *Service) shrink(ctx context.Context, tx db.Tx, e Trashed, artifacts, bytes int64) (more bool, err error) {
	left, err := db.Collect(ctx, tx, scanBuried, inGrave, e.grave, 1)
	if err != nil {
		return false, err
	}
	if len(left) == 0 {
		return false, s.endDeletion(ctx, tx, e)
	}
	_, err = tx.Exec(ctx, shrinkTrash, max(e.Artifacts-artifacts, 0), max(e.Bytes-bytes, 0), e.Counted, e.ID)
	return true, err
}

// artifactsAmong is how many of the manifests listings show: no accessories, and of the children of indexes those with a tag.
func artifactsAmong(moved []unburied, children []int64, tagged map[int64][]string) (n int64) {
	for _, v := range moved {
		if !v.accessory && (len(tagged[v.id]) > 0 || !slices.Contains(children, v.id)) {
			n++
		}
	}
	return n
}

func unburiedIDs(rows []unburied) []int64 {
	ids := make([]int64, len(rows))
	for i, v := range rows {
		ids[i] = v.id
	}
	return ids
}

// dropTwins removes manifests for good that were pushed again meanwhile, and returns the ids of those that are there.
func dropTwins(ctx context.Context, tx db.Tx, rows []unburied, twins map[int64]int64) (known []int64, err error) {
	var doomed []node
	for _, v := range rows {
		if id, twin := twins[v.id]; twin {
			doomed, known = append(doomed, v.node), append(known, id)
		}
	}
	if len(doomed) == 0 {
		return nil, nil
	}
	return known, destroy(ctx, tx, doomed)
}

// projectGone says what to do where a project was deleted as well.
func projectGone(err error, ref Ref) error {
	if errors.Is(err, ErrRepositoryUnknown) {
		return fault.Conflictf("the project %s is deleted: restore it first", ref.Project)
	}
	return err
}

// splitTwins tells manifests that come back from those that were pushed again meanwhile; twins are the ids of these by
// the ids of those that nobody needs any more.
func splitTwins(ctx context.Context, tx db.Tx, repositoryID int64, rows []unburied) (moved []unburied, twins map[int64]int64, err error) {
	digests := make([]oci.Digest, len(rows))
	for i, v := range rows {
		digests[i] = v.digest
	}
	there, err := collectIn(ctx, tx, scanChild, manifestsAmong, []any{repositoryID}, digests)
	if err != nil {
		return nil, nil, err
	}
	ids := map[oci.Digest]int64{}
	for _, c := range there {
		ids[c.digest] = c.id
	}
	twins = map[int64]int64{}
	for _, v := range rows {
		if id, pushed := ids[v.digest]; pushed {
			twins[v.id] = id
		} else {
			moved = append(moved, v)
		}
	}
	return moved, twins, nil
}

// takeBack moves the rows of manifests and their blobs, and returns how many bytes the project has grown by. What the quota counted of the
// deletion it counts as theirs.
func (s *Service) takeBack(ctx context.Context, tx db.Tx, ref Ref, repositoryID int64, e *Trashed, moved []unburied, now int64) (grown int64, err error) {
	ids := unburiedIDs(moved)
	if grown, err = copyBlobsOf(ctx, tx, ref.ProjectID, repositoryID, ids, now); err != nil {
		return 0, err
	}
	for _, v := range moved {
		grown += v.contentSize
	}
	if err := s.recharge(ctx, tx, e, grown); err != nil {
		return 0, err
	}
	if err := execIn(ctx, tx, moveManifests, []any{repositoryID, ref.ProjectID}, ids); err != nil {
		return 0, err
	}
	return grown, execIn(ctx, tx, moveBlobs, []any{repositoryID}, ids)
}

// recharge has the quota count what comes back, of which it may count some still.
func (s *Service) recharge(ctx context.Context, tx db.Tx, e *Trashed, grown int64) error {
	back := min(e.Counted, grown)
	e.Counted -= back
	return s.charge(ctx, tx, e.project, grown-back)
}

// adopt gives indexes their children again, and returns these.
func (s *Service) adopt(ctx context.Context, tx db.Tx, ref Ref, repositoryID int64, moved []unburied) (children []int64, err error) {
	for _, v := range moved {
		m, err := v.index()
		if err != nil {
			return nil, err
		}
		if m == nil {
			continue
		}
		wanted := m.Children()
		there, err := collectIn(ctx, tx, scanChild, manifestsAmong, []any{repositoryID}, digestsOf(wanted))
		if err != nil {
			return nil, err
		}
		present := map[oci.Digest]bool{}
		for _, c := range there {
			present[c.digest] = true
			children = append(children, c.id)
		}
		for _, d := range wanted {
			if !present[d.Digest] {
				return nil, s.missing(ctx, tx, ref, d.Digest, fmt.Sprintf("%s, which is a part of %s, isn't there", d.Digest, v.digest))
			}
		}
		if err := (pushed{Manifest: m, digest: v.digest}).insertChildren(ctx, tx, v.id, there); err != nil {
			return nil, err
		}
	}
	return children, nil
}

const whereBuried = `SELECT t.id FROM trash t JOIN manifest m ON m.repository_id = t.grave_id AND m.digest = $3
	WHERE t.project_id = $1 AND t.repository = $2 AND t.expires_at > $4 ORDER BY t.id DESC LIMIT 1`

// missing is a refusal because of a manifest that was deleted by itself, and says what to do.
func (s *Service) missing(ctx context.Context, tx db.Tx, ref Ref, d oci.Digest, what string) error {
	id, err := db.Get(ctx, tx, db.ScanInt, whereBuried, ref.ProjectID, ref.Name, d, s.now())
	if errors.Is(err, db.ErrNotFound) {
		return fault.Conflictf("%s, and can't be restored any more: push it again first", what)
	}
	if err != nil {
		return err
	}
	return fault.Conflictf("%s: restore deletion %d first", what, id)
}

// undoing is the operation that the audit log shows.
const undoing = "restore"

// appendUndeleted tells that manifests are there again: to all who listen it is as if they were pushed.
func (s *Service) appendUndeleted(ctx context.Context, tx db.Tx, by authz.Principal, ref Ref, rows []unburied, twins map[int64]int64, tagged map[int64][]string) error {
	for _, v := range rows {
		names := tagged[v.id]
		if _, twin := twins[v.id]; len(names) == 0 && !twin {
			names = []string{""}
		}
		for _, tag := range names {
			if err := s.appendRestored(ctx, tx, by, ref, v.digest, tag); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Service) appendRestored(ctx context.Context, tx db.Tx, by authz.Principal, ref Ref, d oci.Digest, tag string) error {
	e := s.artifactEvent(event.CreateArtifact, undoing, by.Name, ref, d, tag)
	e.Operation = undoing
	return event.Append(ctx, tx, e)
}
