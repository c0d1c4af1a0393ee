package registry

import (
	"context"
	"errors"
	"fmt"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/record"
)

// DeleteManifest removes a manifest with its tags, its accessories, and the untagged children that no
// other index uses. While an index names it, it is ErrReferenced; an unknown one is ErrManifestUnknown.
// What goes can be restored for as long as Rules say; the bytes of blobs stay until they are reclaimed. What a
// rule about tags keeps is an *immutable.Refusal.
func (s *Service) DeleteManifest(ctx context.Context, by authz.Principal, ref Ref, d oci.Digest) error {
	return s.DeleteArtifact(ctx, by, ref, oci.DigestReference(d))
}

// DeleteArtifact is DeleteManifest by digest or tag. A tag stands for its artifact, which goes with all
// its tags, as in Harbor; DeleteTag removes a tag alone.
func (s *Service) DeleteArtifact(ctx context.Context, by authz.Principal, ref Ref, r oci.Reference) error {
	return s.deleteArtifact(ctx, s.Deletion(by.Name, ref, 0), r)
}

// DiscardManifest is DeleteManifest for what nobody will want back: it can be made or fetched again.
func (s *Service) DiscardManifest(ctx context.Context, by authz.Principal, ref Ref, d oci.Digest) error {
	return s.deleteArtifact(ctx, &Deletion{registry: s, by: by.Name, ref: ref}, oci.DigestReference(d))
}

func (s *Service) deleteArtifact(ctx context.Context, how *Deletion, r oci.Reference) error {
	err := s.db.Write(ctx, func(tx db.Tx) error {
		del := *how // the transaction may run again
		tx.AfterCommit(s.wake)
		root, err := findNode(ctx, tx, del.ref, r)
		if err != nil {
			return err
		}
		if _, err = del.graph(ctx, tx, root); err != nil {
			return err
		}
		return del.End(ctx, tx)
	})
	if err != nil {
		return fmt.Errorf("delete artifact %s: %w", r, err)
	}
	return nil
}

// graph deletes root with all that goes with it, and returns what went.
func (d *Deletion) graph(ctx context.Context, tx db.Tx, root node) (gone []node, err error) {
	doomed, kept, err := deathToll(ctx, tx, root, map[int64]bool{})
	if err != nil {
		return nil, err
	}
	s := d.registry
	if err := s.mayDelete(ctx, tx, d.ref, root, doomed); err != nil {
		return nil, err
	}
	tag, err := firstTag(ctx, tx, root.id)
	if err != nil {
		return nil, err
	}
	if err := d.nodes(ctx, tx, doomed); err != nil {
		return nil, err
	}
	d.note(root.digest, tag)
	if err := relist(ctx, tx, kept); err != nil {
		return nil, err
	}
	if err := showRepository(ctx, tx, root.repositoryID, s.now()); err != nil {
		return nil, err
	}
	return doomed, s.appendDeleted(ctx, tx, d.by, d.ref, root.digest, tag)
}

const smallestTag = `SELECT COALESCE(MIN(name), '') FROM tag WHERE manifest_id = $1`

// firstTag returns the first of a manifest's tags, "" when there is none.
func firstTag(ctx context.Context, tx db.Tx, manifestID int64) (string, error) {
	return db.Get(ctx, tx, db.ScanString, smallestTag, manifestID)
}

// deathToll returns what goes with root, itself first, and the children that stay although a parent
// goes. What stays is what something alive still needs: children with a tag or another parent, and
// whatever belongs to a subject that stays. dead are manifests that are as good as gone; those that go are added.
func deathToll(ctx context.Context, tx db.Tx, root node, dead map[int64]bool) (doomed []node, kept []int64, err error) {
	if parents, err := collectIn(ctx, tx, scanKeeper, parentsOf, nil, []int64{root.id}); err != nil {
		return nil, nil, err
	} else if len(parents) > 0 {
		return nil, nil, ErrReferenced
	}
	dead[root.id] = true
	spared := map[int64]node{} // may go later, when what keeps them goes
	doomed = []node{root}
	for next := doomed; len(next) > 0; {
		below, err := neighbours(ctx, tx, next)
		if err != nil {
			return nil, nil, err
		}
		for _, n := range below {
			if !dead[n.id] {
				spared[n.id] = n
			}
		}
		if len(doomed)+len(spared) > maxGraph {
			return nil, nil, errGraph
		}
		if next, err = released(ctx, tx, spared, dead); err != nil {
			return nil, nil, err
		}
		for _, n := range next {
			dead[n.id] = true
			delete(spared, n.id)
		}
		doomed = append(doomed, next...)
	}
	for id := range spared {
		kept = append(kept, id)
	}
	return doomed, kept, nil
}

// released returns those of the candidates that nothing keeps but what is dead.
func released(ctx context.Context, tx db.Tx, candidates map[int64]node, dead map[int64]bool) ([]node, error) {
	ids := make([]int64, 0, len(candidates))
	for id := range candidates {
		ids = append(ids, id)
	}
	keepers, err := collectIn(ctx, tx, scanKeeper, parentsOf, nil, ids)
	if err != nil {
		return nil, err
	}
	alive := map[int64]bool{}
	for _, k := range keepers {
		if !dead[k.keeper] {
			alive[k.kept] = true
		}
	}
	var free []node
	for _, n := range candidates {
		switch {
		case alive[n.id], n.subjectID != 0 && !dead[n.subjectID]:
		case n.tagged && n.subjectID == 0: // a tag keeps a child; an accessory goes with its subject all the same
		default:
			free = append(free, n)
		}
	}
	return free, nil
}

var (
	deleteTags     = inQuery{`DELETE FROM tag WHERE manifest_id IN `, ""}
	deleteChildren = inQuery{`DELETE FROM manifest_child WHERE parent_id IN `, ""}
	deleteRows     = inQuery{`DELETE FROM manifest WHERE id IN `, ""}
	deleteContents = inQuery{`DELETE FROM manifest_content WHERE digest IN `,
		` AND NOT EXISTS (SELECT 1 FROM manifest m WHERE m.digest = manifest_content.digest)`}
	toRemove = inQuery{`SELECT repository_id, listed, content_size FROM manifest WHERE id IN `, ""}
)

// removed is what the counts of repositories and projects know of a manifest.
type removed struct {
	showing
	contentSize int64
}

func scanRemoved(r db.Row) (v removed, err error) {
	err = r.Scan(&v.repositoryID, &v.listed, &v.contentSize)
	return v, err
}

// nodes removes manifests of one repository and what only they need; all parents of each are among
// them. The project gets their space back at once, whenever the bytes go.
func (d *Deletion) nodes(ctx context.Context, tx db.Tx, nodes []node) error {
	s, ids := d.registry, nodeIDs(nodes)
	if err := record.EnqueueManifests(ctx, tx, ids); err != nil {
		return err
	}
	if err := execIn(ctx, tx, insertEnds, []any{s.now(), d.by}, ids); err != nil {
		return err
	}
	rows, err := collectIn(ctx, tx, scanRemoved, toRemove, nil, ids)
	if err != nil {
		return err
	}
	blobs, err := collectIn(ctx, tx, db.ScanInt, namedBlobs, nil, ids)
	if err != nil {
		return err
	}
	blobs = distinct(blobs)
	if d.keep > 0 {
		err = d.bury(ctx, tx, ids, blobs)
	} else {
		err = destroy(ctx, tx, nodes)
	}
	if err != nil {
		return err
	}
	freed, err := release(ctx, tx, d.ref.ProjectID, nodes[0].repositoryID, blobs, s.now())
	if err != nil {
		return err
	}
	gone := make([]showing, len(rows))
	for i, r := range rows {
		gone[i] = r.showing
		freed += r.contentSize
		if r.listed {
			d.artifacts++
		}
	}
	if err := d.free(ctx, tx, freed); err != nil {
		return err
	}
	return uncount(ctx, tx, gone)
}

// destroy removes the rows of manifests for good; all parents of each are among them, or gone.
func destroy(ctx context.Context, tx db.Tx, nodes []node) error {
	ids, contents := make([]int64, len(nodes)), make([]oci.Digest, len(nodes))
	for i, n := range nodes {
		ids[i], contents[i] = n.id, n.digest
	}
	for _, query := range []inQuery{deleteTags, deleteChildren, deleteRows} {
		if err := execIn(ctx, tx, query, nil, ids); err != nil {
			return err
		}
	}
	return execIn(ctx, tx, deleteContents, nil, contents)
}

const (
	tagWithTarget = `SELECT t.id, t.repository_id, t.manifest_id, m.digest, t.pushed_at, t.pulled_at FROM repository r
		JOIN tag t ON t.repository_id = r.id AND t.name = $3
		JOIN manifest m ON m.id = t.manifest_id
		WHERE r.project_id = $1 AND r.name = $2`
	deleteTag = `DELETE FROM tag WHERE id = $1`
)

// target is a tag and what it points to.
type target struct {
	tagID, repositoryID, manifestID int64
	digest                          oci.Digest
	pushedAt, pulledAt              int64
}

func scanTarget(r db.Row) (t target, err error) {
	err = r.Scan(&t.tagID, &t.repositoryID, &t.manifestID, &t.digest, &t.pushedAt, &t.pulledAt)
	return t, err
}

// DeleteTag removes a tag alone; its artifact stays. An unknown tag is ErrTagUnknown.
func (s *Service) DeleteTag(ctx context.Context, by authz.Principal, ref Ref, tag string) error {
	return s.deleteTag(ctx, by, ref, tag, 0)
}

// DeleteArtifactTag is DeleteTag for a tag of this artifact: one of another artifact is ErrTagUnknown.
func (s *Service) DeleteArtifactTag(ctx context.Context, by authz.Principal, ref Ref, artifactID int64, tag string) error {
	return s.deleteTag(ctx, by, ref, tag, artifactID)
}

func (s *Service) deleteTag(ctx context.Context, by authz.Principal, ref Ref, tag string, of int64) error {
	err := s.db.Write(ctx, func(tx db.Tx) error {
		tx.AfterCommit(s.wake)
		t, err := db.Get(ctx, tx, scanTarget, tagWithTarget, ref.ProjectID, ref.Name, tag)
		if errors.Is(err, db.ErrNotFound) || err == nil && of != 0 && of != t.manifestID {
			return ErrTagUnknown
		}
		if err != nil {
			return err
		}
		if err := s.mayDeleteTag(ctx, tx, ref, tag); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, deleteTag, t.tagID); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, insertNaming, t.repositoryID, tag, "", s.now(), by.Name); err != nil {
			return err
		}
		if err := s.keepTag(ctx, tx, by.Name, ref, tag, t); err != nil {
			return err
		}
		if err := relist(ctx, tx, []int64{t.manifestID}); err != nil {
			return err
		}
		if err := showRepository(ctx, tx, t.repositoryID, s.now()); err != nil {
			return err
		}
		return s.appendTag(ctx, tx, event.DeleteTag, by, ref, t.digest, tag)
	})
	if err != nil {
		return fmt.Errorf("delete tag %s: %w", tag, err)
	}
	return nil
}
