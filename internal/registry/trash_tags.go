package registry

import (
	"context"
	"errors"
	"fmt"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
)

var (
	buriedTags   = inQuery{`SELECT manifest_id, id, name FROM tag WHERE manifest_id IN `, " ORDER BY id"}
	tagsNamed    = inQuery{`SELECT name FROM tag WHERE repository_id = $1 AND name IN `, ""}
	unburyTag    = `UPDATE tag SET repository_id = $1, manifest_id = $2 WHERE id = $3`
	forgetTagRow = inQuery{`DELETE FROM tag WHERE id IN `, ""}
)

type buriedTag struct {
	manifestID, id int64
	name           string
}

func scanBuriedTag(r db.Row) (t buriedTag, err error) {
	err = r.Scan(&t.manifestID, &t.id, &t.name)
	return t, err
}

// unburyTags moves the tags of manifests, to their twins where they have one. It returns which came, by the manifest of the grave,
// and the names of those that name something else by now.
func unburyTags(ctx context.Context, tx db.Tx, by string, repositoryID int64, rows []unburied, twins map[int64]int64, now int64) (came map[int64][]string, taken []string, err error) {
	byID := map[int64]unburied{}
	for _, v := range rows {
		byID[v.id] = v
	}
	tags, err := collectIn(ctx, tx, scanBuriedTag, buriedTags, nil, unburiedIDs(rows))
	if err != nil {
		return nil, nil, err
	}
	names := make([]string, len(tags))
	for i, t := range tags {
		names[i] = t.name
	}
	there, err := collectIn(ctx, tx, db.ScanString, tagsNamed, []any{repositoryID}, names)
	if err != nil {
		return nil, nil, err
	}
	busy := setOf(there)
	came = map[int64][]string{}
	var drop []int64
	for _, t := range tags {
		if busy[t.name] {
			taken, drop = append(taken, t.name), append(drop, t.id)
			continue
		}
		to := t.manifestID
		if twin, ok := twins[to]; ok {
			to = twin
		}
		if _, err := tx.Exec(ctx, unburyTag, repositoryID, to, t.id); err != nil {
			return nil, nil, err
		}
		if _, err := tx.Exec(ctx, insertNaming, repositoryID, t.name, byID[t.manifestID].digest, now, by); err != nil {
			return nil, nil, err
		}
		came[t.manifestID] = append(came[t.manifestID], t.name)
	}
	return came, taken, execIn(ctx, tx, forgetTagRow, nil, drop)
}

// undeleteTag has a tag name again what it did.
func (s *Service) undeleteTag(ctx context.Context, tx db.Tx, by authz.Principal, ref Ref, e Trashed) error {
	repositoryID, err := findVisible(ctx, tx, ref)
	if errors.Is(err, ErrRepositoryUnknown) {
		return s.missing(ctx, tx, ref, e.Digest, "the repository "+ref.FullName()+" is deleted")
	}
	if err != nil {
		return err
	}
	id, err := db.Get(ctx, tx, db.ScanInt, manifestID, repositoryID, e.Digest)
	if errors.Is(err, db.ErrNotFound) {
		return s.missing(ctx, tx, ref, e.Digest, fmt.Sprintf("%s, which the tag named, isn't there", e.Digest))
	}
	if err != nil {
		return err
	}
	n, err := tx.Exec(ctx, insertTagAgain, e.tagID, repositoryID, e.Tag, id, e.pushedAt, e.pulledAt)
	if err != nil {
		return err
	}
	if n == 0 {
		return fault.Conflictf("the tag %s:%s is there again: delete it first, which can be undone too", ref.FullName(), e.Tag)
	}
	if _, err := tx.Exec(ctx, insertNaming, repositoryID, e.Tag, e.Digest, s.now(), by.Name); err != nil {
		return err
	}
	if err := relist(ctx, tx, []int64{id}); err != nil {
		return err
	}
	if err := showRepository(ctx, tx, repositoryID, s.now()); err != nil {
		return err
	}
	if err := s.appendTag(ctx, tx, event.CreateTag, by, ref, e.Digest, e.Tag); err != nil {
		return err
	}
	return s.endDeletion(ctx, tx, e)
}

const insertTagAgain = `INSERT INTO tag (id, repository_id, name, manifest_id, pushed_at, pulled_at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (repository_id, name) DO NOTHING`
