package registry

import (
	"context"
	"fmt"
	"slices"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/record"
)

// Each copies rows of one table for a set of manifests. $1 is the repository they go to.
var (
	copyMembers = inQuery{`INSERT INTO repository_blob (repository_id, blob_id, project_id, created_at, idle_since, counted)
		SELECT DISTINCT r.id, mb.blob_id, r.project_id, CAST($2 AS BIGINT), 0, TRUE FROM manifest_blob mb JOIN repository r ON r.id = $1 WHERE mb.manifest_id IN `,
		` ON CONFLICT (repository_id, blob_id) DO UPDATE SET idle_since = 0, counted = TRUE
			WHERE repository_blob.idle_since > 0 OR NOT repository_blob.counted`}
	// What the project doesn't count yet.
	copiedSize = inQuery{`SELECT CAST(COALESCE(SUM(b.size), 0) AS BIGINT) FROM blob b
		WHERE NOT EXISTS (SELECT 1 FROM repository_blob rb WHERE rb.project_id = $1 AND rb.blob_id = b.id AND rb.counted)
		AND b.id IN (SELECT mb.blob_id FROM manifest_blob mb WHERE mb.manifest_id IN `, ")"}
	copyManifests = inQuery{`INSERT INTO manifest (repository_id, digest, media_type, config_media_type, artifact_type, type, size,
			content_size, subject, accessory_of, accessory_type, pushed_at, listed, project_id)
		SELECT $1, digest, media_type, config_media_type, artifact_type, type, size,
			content_size, subject, accessory_of, accessory_type, $2, FALSE, (SELECT r.project_id FROM repository r WHERE r.id = $1)
		FROM manifest WHERE id IN `, ` ORDER BY id ON CONFLICT (repository_id, digest) DO NOTHING RETURNING content_size`}
	copyBlobs = inQuery{`INSERT INTO manifest_blob (manifest_id, blob_id, repository_id)
		SELECT n.id, mb.blob_id, $1 FROM manifest o
		JOIN manifest n ON n.repository_id = $1 AND n.digest = o.digest
		JOIN manifest_blob mb ON mb.manifest_id = o.id
		WHERE o.id IN `, ` ON CONFLICT (manifest_id, blob_id) DO NOTHING`}
	copyChildren = inQuery{`INSERT INTO manifest_child (parent_id, position, child_id, platform, annotations, urls)
		SELECT np.id, c.position, nc.id, c.platform, c.annotations, c.urls FROM manifest op
		JOIN manifest_child c ON c.parent_id = op.id
		JOIN manifest oc ON oc.id = c.child_id
		JOIN manifest np ON np.repository_id = $1 AND np.digest = op.digest
		JOIN manifest nc ON nc.repository_id = $1 AND nc.digest = oc.digest
		WHERE op.id IN `, ` ON CONFLICT (parent_id, position) DO NOTHING`}
	copyTags = inQuery{`INSERT INTO tag (repository_id, name, manifest_id, pushed_at)
		SELECT $1, t.name, n.id, $2 FROM tag t
		JOIN manifest o ON o.id = t.manifest_id
		JOIN manifest n ON n.repository_id = $1 AND n.digest = o.digest
		WHERE t.manifest_id IN `, ` ORDER BY t.id ON CONFLICT (repository_id, name) DO UPDATE
			SET manifest_id = excluded.manifest_id, pushed_at = excluded.pushed_at
			WHERE tag.manifest_id <> excluded.manifest_id`}
	// What tags of the same names point to before they move.
	overtaken = inQuery{`SELECT d.manifest_id FROM tag t JOIN tag d ON d.repository_id = $1 AND d.name = t.name WHERE t.manifest_id IN `, ""}
	copied    = inQuery{`SELECT n.id FROM manifest o JOIN manifest n ON n.repository_id = $1 AND n.digest = o.digest WHERE o.id IN `, ""}
)

// Copy copies an artifact into another repository: its children, its accessories, all its tags and the
// tags of the accessories (Cosign finds signatures by them), whatever the reference. Blobs are shared,
// not copied. A tag that exists there moves. An unknown source is ErrManifestUnknown, an accessory by
// itself ErrIsAccessory, what would exceed the project's limit a *QuotaError.
func (s *Service) Copy(ctx context.Context, by authz.Principal, to, from Ref, r oci.Reference) error {
	err := s.db.Write(ctx, func(tx db.Tx) error {
		tx.AfterCommit(s.wake)
		root, err := findNode(ctx, tx, from, r)
		if err != nil {
			return err
		}
		if root.accessory {
			return ErrIsAccessory
		}
		now := s.now()
		repositoryID, err := ensureRepository(ctx, tx, to, now)
		if err != nil || repositoryID == root.repositoryID {
			return err
		}
		if err := s.copyFamily(ctx, tx, by.Name, to, repositoryID, root, now); err != nil {
			return err
		}
		if err := showRepository(ctx, tx, repositoryID, now); err != nil {
			return err
		}
		tag := r.Tag()
		if tag == "" {
			if tag, err = firstTag(ctx, tx, root.id); err != nil {
				return err
			}
		}
		return s.appendPushed(ctx, tx, by, to, root.digest, tag)
	})
	if err != nil {
		return fmt.Errorf("copy %s %s to %s: %w", from.FullName(), r, to.FullName(), s.refused(ctx, by.Name, to, err))
	}
	return nil
}

func (s *Service) copyFamily(ctx context.Context, tx db.Tx, by string, ref Ref, to int64, root node, now int64) error {
	all, err := family(ctx, tx, root)
	if err != nil {
		return err
	}
	ids, tagged := nodeIDs(all), []int64{root.id}
	for _, n := range all {
		if n.accessory {
			tagged = append(tagged, n.id)
		}
	}
	affected, err := collectIn(ctx, tx, db.ScanInt, overtaken, []any{to}, tagged)
	if err != nil {
		return err
	}
	if err := s.mayMoveAll(ctx, tx, ref, to, tagged); err != nil {
		return err
	}
	grown, err := copyBlobsOf(ctx, tx, ref.ProjectID, to, ids, now)
	if err != nil {
		return err
	}
	contents, err := collectIn(ctx, tx, db.ScanInt, copyManifests, []any{to, now}, ids)
	if err != nil {
		return err
	}
	if err := s.charge(ctx, tx, ref.ProjectID, sum(append(contents, grown)...)); err != nil {
		return err
	}
	for _, step := range []struct {
		query inQuery
		args  []any
		ids   []int64
	}{
		{copyBlobs, []any{to}, ids},
		{copyChildren, []any{to}, ids},
		{insertCopied, []any{to, now, by}, tagged},
		{copyTags, []any{to, now}, tagged},
	} {
		if err := execIn(ctx, tx, step.query, step.args, step.ids); err != nil {
			return err
		}
	}
	fresh, err := collectIn(ctx, tx, db.ScanInt, copied, []any{to}, ids)
	if err != nil {
		return err
	}
	if err := record.EnqueueManifests(ctx, tx, append(affected, fresh...)); err != nil {
		return err
	}
	return relist(ctx, tx, append(affected, fresh...))
}

// copyBlobsOf makes the repository a holder of all that the manifests name, and returns by how many bytes
// the project has grown.
func copyBlobsOf(ctx context.Context, tx db.Tx, projectID, to int64, manifests []int64, now int64) (grown int64, err error) {
	for set := range slices.Chunk(manifests, setSize) {
		sizes, err := collectIn(ctx, tx, db.ScanInt, copiedSize, []any{projectID}, set)
		if err != nil {
			return 0, err
		}
		grown += sum(sizes...)
		if err := execIn(ctx, tx, copyMembers, []any{to, now}, set); err != nil {
			return 0, err
		}
	}
	return grown, nil
}
