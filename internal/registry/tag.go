package registry

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/immutable"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/record"
)

var tagTarget = `SELECT t.manifest_id, ` + immutable.Version("r.project_id") + ` FROM tag t JOIN repository r ON r.id = t.repository_id
	WHERE t.repository_id = $1 AND t.name = $2`

const (
	upsertTag = `INSERT INTO tag (repository_id, name, manifest_id, pushed_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (repository_id, name) DO UPDATE SET manifest_id = excluded.manifest_id, pushed_at = excluded.pushed_at`
)

// pointed is what a tag points to, 0 for one that isn't there, and the version of its project's rules about tags.
type pointed struct{ manifestID, rules int64 }

func scanPointed(r db.Row) (p pointed, err error) {
	err = r.Scan(&p.manifestID, &p.rules)
	return p, err
}

// pointing is what somebody has a tag name.
type pointing struct {
	manifestID int64
	digest     oci.Digest
	by         string
}

// moveTag points the tag to the manifest and returns what it pointed to before. A tag that points there already keeps its
// push time, as in Harbor. Who restores asks nobody; others ask mayMove.
func moveTag(ctx context.Context, tx db.Tx, repositoryID int64, name string, to pointing, now int64) (before pointed, err error) {
	before, err = db.Get(ctx, tx, scanPointed, tagTarget, repositoryID, name)
	if err != nil && !errors.Is(err, db.ErrNotFound) {
		return before, err
	}
	if before.manifestID == to.manifestID {
		return before, nil
	}
	if _, err := tx.Exec(ctx, upsertTag, repositoryID, name, to.manifestID, now); err != nil {
		return pointed{}, err
	}
	if _, err := tx.Exec(ctx, insertNaming, repositoryID, name, to.digest, now, to.by); err != nil || before.manifestID == 0 {
		return pointed{}, err
	}
	return before, record.EnqueueManifests(ctx, tx, []int64{before.manifestID})
}

// shownAs reads what listings show of manifests and what they should show by the truth: no accessories, and
// of the rest what is tagged or no child of an index.
var shownAs = inQuery{`SELECT id, repository_id, listed, tagged, is_tagged, accessory_of = '' AND (is_tagged OR NOT is_child) FROM (
		SELECT m.id, m.repository_id, m.listed, m.tagged, m.accessory_of,
			EXISTS (SELECT 1 FROM tag t WHERE t.manifest_id = m.id) AS is_tagged,
			EXISTS (SELECT 1 FROM manifest_child c WHERE c.child_id = m.id) AS is_child
		FROM manifest m WHERE m.id IN `, `) AS truth`}

// shownFirst is what shownAs would say of a manifest that is written just now: no index can name it yet.
func shownFirst(p pushed) (listed, tagged bool) { return p.accessoryOf == "", len(p.tags) > 0 }

// showAs is the only place where listed and tagged are changed; a new row has what shownFirst says, or both FALSE.
var showAs = inQuery{`UPDATE manifest SET listed = $1, tagged = $2 WHERE id IN `, ""}

const countArtifacts = `UPDATE repository SET artifact_count = artifact_count + $1 WHERE id = $2`

// visibility is how a manifest is shown and should be.
type visibility struct {
	id, repositoryID int64
	is, should       struct{ listed, tagged bool }
}

func scanVisibility(r db.Row) (s visibility, err error) {
	err = r.Scan(&s.id, &s.repositoryID, &s.is.listed, &s.is.tagged, &s.should.tagged, &s.should.listed)
	return s, err
}

// relist brings listed and tagged up to date for manifests that are new or whose tags, parents or
// accessory_of have changed, and with them the repositories' counts of artifacts.
func relist(ctx context.Context, tx db.Tx, ids []int64) error {
	more, err := relistUncounted(ctx, tx, ids)
	if err != nil {
		return err
	}
	return countMore(ctx, tx, more)
}

// relistUncounted is relist but for the counts: it returns how many more artifacts each repository has.
func relistUncounted(ctx context.Context, tx db.Tx, ids []int64) (more map[int64]int64, err error) {
	found, err := collectIn(ctx, tx, scanVisibility, shownAs, nil, ids)
	if err != nil {
		return nil, err
	}
	changed, seen := map[struct{ listed, tagged bool }][]int64{}, map[int64]bool{}
	more = map[int64]int64{}
	for _, s := range found {
		if s.is == s.should {
			continue
		}
		if seen[s.id] {
			continue
		}
		seen[s.id] = true
		changed[s.should] = append(changed[s.should], s.id)
		switch {
		case s.should.listed && !s.is.listed:
			more[s.repositoryID]++
		case s.is.listed && !s.should.listed:
			more[s.repositoryID]--
		}
	}
	for should, ids := range changed {
		if err := execIn(ctx, tx, showAs, []any{should.listed, should.tagged}, ids); err != nil {
			return nil, err
		}
	}
	return more, nil
}

// uncount takes manifests that were deleted out of the repositories' counts of artifacts.
func uncount(ctx context.Context, tx db.Tx, deleted []showing) error {
	more := map[int64]int64{}
	for _, d := range deleted {
		if d.listed {
			more[d.repositoryID]--
		}
	}
	return countMore(ctx, tx, more)
}

// countMore adds to the counts of repositories, in the order of their ids.
func countMore(ctx context.Context, tx db.Tx, more map[int64]int64) error {
	for _, id := range slices.Sorted(maps.Keys(more)) {
		if more[id] == 0 {
			continue
		}
		if _, err := tx.Exec(ctx, countArtifacts, more[id], id); err != nil {
			return err
		}
	}
	return nil
}

// showing is whether listings of its repository show a manifest.
type showing struct {
	repositoryID int64
	listed       bool
}
