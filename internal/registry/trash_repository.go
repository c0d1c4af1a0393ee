package registry

import (
	"context"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/record"
)

const (
	unburyRepository = `UPDATE repository SET name = $2, hidden = FALSE, updated_at = $3 WHERE id = $1
		AND EXISTS (SELECT 1 FROM project p WHERE p.id = repository.project_id AND p.deleted_at = 0)`
	unburyMembers   = `UPDATE repository_blob SET counted = TRUE WHERE repository_id = $1 AND idle_since = 0`
	unburyManifests = `UPDATE manifest SET project_id = $2, listed = accessory_of = '' AND (EXISTS (SELECT 1 FROM tag t WHERE t.manifest_id = manifest.id)
			OR NOT EXISTS (SELECT 1 FROM manifest_child c WHERE c.child_id = manifest.id)) WHERE repository_id = $1`
	countAgain = `UPDATE repository SET artifact_count = (SELECT COUNT(*) FROM manifest m WHERE m.repository_id = repository.id AND m.listed) WHERE id = $1`
	namedIn    = `SELECT m.id, m.digest, COALESCE(t.name, '') FROM manifest m LEFT JOIN tag t ON t.manifest_id = m.id WHERE m.repository_id = $1 ORDER BY m.id, t.id`
)

// undeleteRepository gives a repository its name again.
func (s *Service) undeleteRepository(ctx context.Context, tx db.Tx, by authz.Principal, ref Ref, e Trashed) (u Undone, err error) {
	n, err := tx.Exec(ctx, unburyRepository, e.grave, ref.Name, s.now())
	if err == nil && n == 0 {
		err = projectGone(ErrRepositoryUnknown, ref)
	}
	if err != nil {
		return u, err
	}
	for _, step := range []struct {
		query string
		args  []any
	}{{unburyMembers, []any{e.grave}}, {unburyManifests, []any{e.grave, ref.ProjectID}}, {countAgain, []any{e.grave}}} {
		if _, err := tx.Exec(ctx, step.query, step.args...); err != nil {
			return u, err
		}
	}
	grown, err := db.Get(ctx, tx, db.ScanInt, sizeOfRepository, e.grave)
	if err != nil {
		return u, err
	}
	if err := s.recharge(ctx, tx, &e, grown); err != nil {
		return u, err
	}
	if err := record.EnqueueRepository(ctx, tx, e.grave); err != nil {
		return u, err
	}
	restored := repositoryEvent(event.UpdateRepository, s.clock(), by, ref)
	restored.Operation = undoing
	if err := event.Append(ctx, tx, restored); err != nil {
		return u, err
	}
	rows, err := db.Collect(ctx, tx, scanNamedIn, namedIn, e.grave)
	if err != nil {
		return u, err
	}
	last := int64(0)
	for _, r := range rows {
		if r.id != last {
			u.Manifests, last = u.Manifests+1, r.id
		}
		if r.tag != "" {
			u.Tags++
		}
		if err := s.appendRestored(ctx, tx, by, ref, r.digest, r.tag); err != nil {
			return u, err
		}
	}
	return u, s.endDeletion(ctx, tx, e)
}

type namedManifest struct {
	id     int64
	digest oci.Digest
	tag    string
}

func scanNamedIn(r db.Row) (v namedManifest, err error) {
	err = r.Scan(&v.id, &v.digest, &v.tag)
	return v, err
}
