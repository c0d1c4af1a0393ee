package registry

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/oci"
)

// What is deleted can be restored for a while (Rules.KeepDeleted). Manifests move, with their tags and blobs, into a hidden
// repository of their own that no client can name, their grave: so they keep their ids, and with them labels, inventories and
// times; no listing shows them, and nothing takes back their blobs, since a repository holds them. A repository that is deleted as a
// whole is its own grave. A tag alone is a row of trash.
//
// In a grave manifest.project_id is 0, listed is FALSE, and no blob is counted. What the quota counts of deleted things is
// trash.charged. An index in a grave has no manifest_child rows, which its bytes tell again; but for one in a repository
// that was deleted as a whole.

// Deletion is one act of deleting in a repository, within one transaction. What it deletes comes back together.
type Deletion struct {
	registry *Service
	by       string
	ref      Ref
	run      int64 // the execution of retention that it is a part of
	at       time.Time
	keep     time.Duration // 0: what goes is gone
	count    bool          // the quota goes on counting what is kept

	grave            int64 // 0 as long as nothing was kept
	digest           oci.Digest
	tag              string
	artifacts, bytes int64
}

// Deletion begins one, by somebody of this name; run is the execution of retention that deletes, 0 for none. End must come last.
func (s *Service) Deletion(by string, ref Ref, run int64) *Deletion {
	rules := s.rules.current()
	return &Deletion{registry: s, by: by, ref: ref, run: run, at: s.clock(), keep: rules.KeepDeleted, count: rules.CountDeleted && rules.KeepDeleted > 0}
}

// note remembers what the deletion is called by: the first artifact of it.
func (d *Deletion) note(digest oci.Digest, tag string) {
	if d.digest == "" {
		d.digest, d.tag = digest, tag
	}
}

// free gives bytes back to the project, unless its quota goes on counting them.
func (d *Deletion) free(ctx context.Context, tx db.Tx, bytes int64) error {
	d.bytes += bytes
	if d.count {
		return nil
	}
	return d.registry.charge(ctx, tx, d.ref.ProjectID, -bytes)
}

// until is when what is kept is gone for good, 0 where nothing is. A grave has it as its updated_at: before, no collector
// looks for whether it is empty.
func (d *Deletion) until() int64 {
	if d.keep == 0 {
		return 0
	}
	return db.Micros(d.at.Add(d.keep))
}

const insertGrave = `INSERT INTO repository (project_id, name, hidden, created_at, updated_at) VALUES ($1, $2, TRUE, $3, $4) RETURNING id`

// Each moves what belongs to some manifests from one repository to another, $1.
var (
	moveTags      = inQuery{`UPDATE tag SET repository_id = $1 WHERE manifest_id IN `, ""}
	moveBlobs     = inQuery{`UPDATE manifest_blob SET repository_id = $1 WHERE manifest_id IN `, ""}
	moveManifests = inQuery{`UPDATE manifest SET repository_id = $1, project_id = $2, listed = FALSE WHERE id IN `, ""}
	// holdBlobs has a grave hold blobs.
	holdBlobs = inQuery{`INSERT INTO repository_blob (repository_id, blob_id, project_id, created_at, idle_since, counted)
		SELECT $1, b.id, CAST($2 AS BIGINT), CAST($3 AS BIGINT), 0, FALSE FROM blob b WHERE b.id IN `, ` ON CONFLICT (repository_id, blob_id) DO NOTHING`}
)

// bury moves manifests into the grave, with their tags and blobs.
func (d *Deletion) bury(ctx context.Context, tx db.Tx, manifests, blobs []int64) (err error) {
	now := d.registry.now()
	if d.grave == 0 {
		if d.grave, err = db.Get(ctx, tx, db.ScanInt, insertGrave, d.ref.ProjectID, "deleted:"+rand.Text(), now, d.until()); err != nil {
			return err
		}
	}
	if err := execIn(ctx, tx, deleteChildren, nil, manifests); err != nil {
		return err
	}
	if err := execIn(ctx, tx, holdBlobs, []any{d.grave, d.ref.ProjectID, now}, blobs); err != nil {
		return err
	}
	for _, query := range []inQuery{moveTags, moveBlobs} {
		if err := execIn(ctx, tx, query, []any{d.grave}, manifests); err != nil {
			return err
		}
	}
	return execIn(ctx, tx, moveManifests, []any{d.grave, 0}, manifests)
}

const (
	artifactsOf   = `SELECT artifact_count FROM repository WHERE id = $1`
	buryManifests = `UPDATE manifest SET project_id = 0, listed = FALSE WHERE repository_id = $1`
	buryMembers   = `UPDATE repository_blob SET counted = FALSE WHERE repository_id = $1 AND counted`
	leaveUnnamed  = `DELETE FROM repository_blob WHERE repository_id = $1 AND idle_since > 0 RETURNING blob_id`
)

// buryWhole makes a repository its own grave.
func (d *Deletion) buryWhole(ctx context.Context, tx db.Tx, id int64) (err error) {
	if d.artifacts, err = db.Get(ctx, tx, db.ScanInt, artifactsOf, id); err != nil {
		return err
	}
	freed, err := db.Get(ctx, tx, db.ScanInt, sizeOfRepository, id)
	if err != nil {
		return err
	}
	if err := d.free(ctx, tx, freed); err != nil {
		return err
	}
	for _, query := range []string{buryManifests, buryMembers} {
		if _, err := tx.Exec(ctx, query, id); err != nil {
			return err
		}
	}
	unnamed, err := db.Collect(ctx, tx, db.ScanInt, leaveUnnamed, id)
	if err != nil {
		return err
	}
	if err := condemn(ctx, tx, d.registry.now(), unnamed...); err != nil {
		return err
	}
	d.grave = id
	return d.write(ctx, tx, TrashedRepository, target{})
}

// End writes down what can be restored.
func (d *Deletion) End(ctx context.Context, tx db.Tx) error {
	if d.grave == 0 {
		return nil
	}
	return d.write(ctx, tx, TrashedArtifact, target{})
}

const insertTrash = `INSERT INTO trash (kind, project_id, repository, grave_id, digest, tag, tag_id, tag_pushed_at, tag_pulled_at, artifacts, bytes, charged, run_id,
	deleted_by, deleted_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`

// write writes down what can be restored; t is a tag alone.
func (d *Deletion) write(ctx context.Context, tx db.Tx, kind TrashKind, t target) error {
	charged := int64(0)
	if d.count {
		charged = d.bytes
	}
	_, err := tx.Exec(ctx, insertTrash, string(kind), d.ref.ProjectID, d.ref.Name, d.grave, d.digest, d.tag, t.tagID, t.pushedAt, t.pulledAt, d.artifacts, d.bytes, charged, d.run,
		d.by, db.Micros(d.at), d.until())
	return err
}

// keepTag writes down a tag that was deleted by itself.
func (s *Service) keepTag(ctx context.Context, tx db.Tx, by string, ref Ref, tag string, t target) error {
	d := s.Deletion(by, ref, 0)
	if d.keep == 0 {
		return nil
	}
	d.note(t.digest, tag)
	return d.write(ctx, tx, TrashedTag, t)
}
