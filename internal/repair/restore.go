package repair

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/project"
	"github.com/havenregistry/haven/internal/record"
	"github.com/havenregistry/haven/internal/registry"
)

// batchSize is how many manifests or tags are restored in one transaction.
const batchSize = 50

// projectOf is the project that a record tells of.
func projectOf(p record.ProjectContent) (project.Project, error) {
	restored := project.Project{
		Name: p.Name, Public: p.Public, StorageLimit: p.StorageLimit, CreatedAt: p.CreatedAt, Metadata: p.Metadata,
		Allowlist: project.CVEAllowlist{ExpiresAt: db.Time(p.AllowlistEnd)},
	}
	if p.Allowlist != nil {
		if err := json.Unmarshal(p.Allowlist, &restored.Allowlist.Items); err != nil {
			return restored, fmt.Errorf("allowlist: %w", err)
		}
	}
	return restored, nil
}

// restoreManifests puts children before parents: what lacks a child waits for the next round, as long as a
// round brings something.
func (r *Rebuild) restoreManifests(ctx context.Context, from source) error {
	r.Progress.Stage("manifests", 0, false)
	waiting, err := r.round(ctx, from, func(yield func(record.Name) error) error { return from.manifests(ctx, yield) })
	if err != nil {
		return fmt.Errorf("restore manifests: %w", err)
	}
	for len(waiting) > 0 {
		names := waiting
		waiting, err = r.round(ctx, from, func(yield func(record.Name) error) error {
			for _, w := range names {
				if err := yield(w.name); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("restore manifests: %w", err)
		}
		if len(waiting) == len(names) {
			break
		}
	}
	for _, w := range waiting {
		r.report.lose(w.name.FullName()+"@"+string(w.name.Digest), w.err)
	}
	return nil
}

// lacking is a manifest whose children are not there.
type lacking struct {
	name record.Name
	err  error
}

// round tries to restore manifests and returns those that lack children.
func (r *Rebuild) round(ctx context.Context, from source, each func(yield func(record.Name) error) error) ([]lacking, error) {
	var waiting []lacking
	var names []record.Name
	var batch []registry.RestoredManifest
	flush := func() error {
		results, err := r.Registry.RestoreManifests(ctx, batch)
		if err != nil {
			return err
		}
		for i, result := range results {
			r.Progress.Add(1)
			var missing *registry.MissingError
			switch {
			case errors.As(result.Err, &missing):
				waiting = append(waiting, lacking{names[i], missing})
			case result.Err != nil:
				r.report.lose(names[i].FullName()+"@"+string(names[i].Digest), result.Err)
			default:
				r.report.restored(names[i], result.Missing)
			}
		}
		names, batch = names[:0], batch[:0]
		return nil
	}
	err := each(func(n record.Name) error {
		m, err := from.manifest(ctx, n)
		if err != nil {
			return r.unreadable(n.FullName()+"@"+string(n.Digest), err)
		}
		id, err := r.projectID(ctx, n.Project)
		if err != nil {
			return err
		}
		names = append(names, n)
		batch = append(batch, registry.RestoredManifest{
			Ref:    registry.Ref{ProjectID: id, Project: n.Project, Name: n.Repository},
			Digest: n.Digest, MediaType: m.MediaType, Content: m.Bytes, PushedAt: m.PushedAt,
		})
		if len(batch) == batchSize {
			return flush()
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return waiting, flush()
}

// unreadable notes what can't be restored, unless it is the store that fails.
func (r *Rebuild) unreadable(what string, err error) error {
	if tellsNothing(err) {
		r.report.lose(what, err)
		return nil
	}
	return err
}

// tellsNothing reports whether it is one record that can't be used.
func tellsNothing(err error) bool {
	return errors.Is(err, record.ErrContent) || errors.Is(err, errGone)
}

func (r *Rebuild) restoreTags(ctx context.Context, from source) error {
	r.Progress.Stage("tags", 0, false)
	var batch []registry.RestoredTag
	flush := func() error {
		found, err := r.Registry.RestoreTags(ctx, batch)
		if err != nil {
			return err
		}
		for i, ok := range found {
			r.Progress.Add(1)
			if t := batch[i]; ok {
				r.report.Tags++
			} else {
				r.report.loseTag(t.Ref.FullName()+":"+t.Name, fmt.Errorf("its manifest %s is not there", t.Digest))
			}
		}
		batch = batch[:0]
		return nil
	}
	err := from.tags(ctx, func(n record.Name) error {
		t, err := from.tag(ctx, n)
		if tellsNothing(err) {
			r.report.loseTag(n.FullName()+":"+n.Tag, err)
			return nil
		}
		if err != nil {
			return err
		}
		id, err := r.projectID(ctx, n.Project)
		if err != nil {
			return err
		}
		batch = append(batch, registry.RestoredTag{
			Ref:  registry.Ref{ProjectID: id, Project: n.Project, Name: n.Repository},
			Name: n.Tag, Digest: t.Digest, PushedAt: t.PushedAt,
		})
		if len(batch) == batchSize {
			return flush()
		}
		return nil
	})
	if err == nil {
		err = flush()
	}
	if err != nil {
		return fmt.Errorf("restore tags: %w", err)
	}
	return nil
}
