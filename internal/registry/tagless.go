package registry

import (
	"context"
	"errors"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/oci"
)

// Tagless is an artifact that no tag names, that no index holds, and that belongs to no other.
type Tagless struct {
	ID     int64
	Ref    Ref
	Digest oci.Digest
}

// taglessSpan is how many manifests are looked at with one statement.
const taglessSpan = 2000

const (
	// A new manifest has a greater id than all before it. The inner query bounds what is read, whatever is found.
	someTagless = `SELECT m.id, p.id, p.name, r.name, m.digest FROM (
			SELECT id, repository_id, digest, listed, tagged, pushed_at FROM manifest WHERE id > $1 ORDER BY id LIMIT $2) AS m
		JOIN repository r ON r.id = m.repository_id JOIN project p ON p.id = r.project_id
		WHERE m.listed AND NOT m.tagged AND m.pushed_at <= $3 ORDER BY m.id`
	spanEnd = `SELECT COALESCE(MAX(id), 0) FROM (SELECT id FROM manifest WHERE id > $1 ORDER BY id LIMIT $2) AS m`

	taglessNode = nodeFields + ` FROM manifest m` + withSubject + ` WHERE m.id = $1 AND m.listed AND NOT m.tagged AND m.pushed_at <= $2`
)

// TaglessAfter returns those of the next manifests after an id that are untagged and were pushed before then. It goes
// on after next, which is 0 behind the last.
func (s *Service) TaglessAfter(ctx context.Context, id int64, before time.Time) (found []Tagless, next int64, err error) {
	if next, err = db.Get(ctx, s.db.Auto(), db.ScanInt, spanEnd, id, taglessSpan); err != nil || next == 0 {
		return nil, 0, wrap(err, "look for the next manifests")
	}
	found, err = db.Collect(ctx, s.db.Auto(), func(r db.Row) (u Tagless, err error) {
		err = r.Scan(&u.ID, &u.Ref.ProjectID, &u.Ref.Project, &u.Ref.Name, &u.Digest)
		return u, err
	}, someTagless, id, taglessSpan, db.Micros(before))
	return found, next, wrap(err, "look for untagged manifests")
}

// DeleteTagless deletes an artifact with what only it needs, as DeleteArtifact does, unless it isn't untagged any
// more or was pushed again meanwhile. It returns how many manifests went.
func (s *Service) DeleteTagless(ctx context.Context, tx db.Tx, by string, u Tagless, before time.Time) (int64, error) {
	root, err := db.Get(ctx, tx, scanNode, taglessNode, u.ID, db.Micros(before))
	if errors.Is(err, db.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, wrap(err, "look at an untagged manifest")
	}
	tx.AfterCommit(s.wake)
	del := s.Deletion(by, u.Ref, 0)
	gone, err := del.graph(ctx, tx, root)
	if err == nil {
		err = del.End(ctx, tx)
	}
	return int64(len(gone)), wrap(err, "delete an untagged manifest")
}

// TaglessToll returns how many manifests DeleteTagless would delete when those in dead are gone already, and adds
// them to dead. It changes no row.
func (s *Service) TaglessToll(ctx context.Context, u Tagless, before time.Time, dead map[int64]bool) (n int64, err error) {
	err = s.db.Read(ctx, func(tx db.Tx) error {
		root, err := db.Get(ctx, tx, scanNode, taglessNode, u.ID, db.Micros(before))
		if errors.Is(err, db.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		doomed, _, err := deathToll(ctx, tx, root, dead)
		if err != nil {
			return err
		}
		n = int64(len(doomed))
		if err := s.mayDelete(ctx, tx, u.Ref, root, doomed); err != nil {
			for _, d := range doomed {
				delete(dead, d.id)
			}
			return err
		}
		return nil
	})
	return n, wrap(err, "see what goes with an untagged manifest")
}
