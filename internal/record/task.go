package record

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
)

const (
	enqueue = `INSERT INTO record_task (name) VALUES `
	again   = ` ON CONFLICT (name) DO UPDATE SET changed = TRUE`

	// Few projects are caches, and their registries change rarely: all of them are looked at.
	enqueueCaches = `INSERT INTO record_task (name) SELECT 'projects/' || name FROM project WHERE registry_id > 0 AND deleted_at = 0` + again

	manifestNames = `SELECT 'manifests/' || p.name || '/' || r.name || '/_m/' || REPLACE(m.digest, ':', '/')
		FROM manifest m JOIN repository r ON r.id = m.repository_id JOIN project p ON p.id = r.project_id WHERE r.name NOT LIKE 'deleted:%' AND `
)

// Enqueue has the records of these names looked at.
func Enqueue(ctx context.Context, tx db.Tx, names ...Name) error {
	texts := make([]string, len(names))
	for i, n := range names {
		texts[i] = n.String()
	}
	slices.Sort(texts) // transactions that run at once lock alike
	texts = slices.Compact(texts)
	if err := insertFew(ctx, tx, enqueue, texts, again); err != nil {
		return fmt.Errorf("enqueue records: %w", err)
	}
	return nil
}

// EnqueueManifests has the records of manifests looked at, before their rows go or after they or their tags have
// changed. What one push or one tag changes alone comes by Handle.
func EnqueueManifests(ctx context.Context, tx db.Tx, ids []int64) error {
	for chunk := range slices.Chunk(ids, 256) {
		in, args := db.In(0, powerOfTwo(chunk))
		if err := enqueueWhere(ctx, tx, "m.id IN ("+in+")", args...); err != nil {
			return err
		}
	}
	return nil
}

// EnqueueRepository is EnqueueManifests for all that a repository has.
func EnqueueRepository(ctx context.Context, tx db.Tx, id int64) error {
	return enqueueWhere(ctx, tx, "m.repository_id = $1", id)
}

func enqueueWhere(ctx context.Context, tx db.Tx, manifests string, args ...any) error {
	if _, err := tx.Exec(ctx, "INSERT INTO record_task (name) "+manifestNames+manifests+again, args...); err != nil {
		return fmt.Errorf("enqueue records: %w", err)
	}
	return nil
}

// powerOfTwo repeats the last id, so that there are few texts of a query to prepare.
func powerOfTwo(ids []int64) []int64 {
	n := 1
	for n < len(ids) {
		n *= 2
	}
	all := slices.Clone(ids)
	for len(all) < n {
		all = append(all, ids[len(ids)-1])
	}
	return all
}

// Handle implements event.Listener: it enqueues what one push, tag or project changed. Where more manifests
// changed, whoever changed them has enqueued them in the same transaction.
func (k *Keeper) Handle(ctx context.Context, tx db.Tx, events []event.Event) error {
	var names []Name
	work := false
	for _, e := range events {
		switch e.Kind {
		case event.CreateArtifact, event.CreateTag, event.DeleteTag:
			n, err := ParseName("manifests/" + e.Repository + "/" + manifestsPart + "/" + strings.Replace(e.Digest, ":", "/", 1))
			if err != nil {
				k.log.ErrorContext(ctx, "an event names no manifest", "event", e.ID, "error", err)
				continue
			}
			names = append(names, n)
		case event.CreateProject, event.UpdateProject, event.DeleteProject:
			names = append(names, Name{Kind: Project, Project: e.Project})
		case event.UpdateRegistry:
			if _, err := tx.Exec(ctx, enqueueCaches); err != nil {
				return fmt.Errorf("enqueue records of caches: %w", err)
			}
			work = true
		case event.DeleteArtifact, event.DeleteRepository:
			work = true
		}
	}
	if work || len(names) > 0 {
		tx.AfterCommit(k.Wake)
	}
	return Enqueue(ctx, tx, names...)
}
