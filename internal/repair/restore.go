package repair

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/project"
	"github.com/havenregistry/haven/internal/record"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/replication/endpoint"
	"github.com/havenregistry/haven/internal/replication/proxycache"
	"github.com/havenregistry/haven/internal/replication/remote"
)

// batchSize is how many manifests or tags are restored in one transaction.
const batchSize = 50

// projectOf is the project that a record tells of.
func projectOf(p record.ProjectContent) (project.Project, error) {
	restored := project.Project{
		Name: p.Name, Public: p.Public, StorageLimit: p.StorageLimit, CreatedAt: p.CreatedAt, Metadata: p.Metadata,
		Allowlist: project.CVEAllowlist{ExpiresAt: db.Time(p.AllowlistEnd)},
	}
	for _, elsewhere := range []string{project.RetentionID, project.ScannerUUID} { // no record has what these name
		delete(restored.Metadata, elsewhere)
	}
	if p.Allowlist != nil {
		if err := json.Unmarshal(p.Allowlist, &restored.Allowlist.Items); err != nil {
			return restored, fmt.Errorf("allowlist: %w", err)
		}
	}
	return restored, nil
}

// restoreRegistry brings back the registry elsewhere that a project is a cache of.
func (r *Rebuild) restoreRegistry(ctx context.Context, c record.CacheContent) (int64, error) {
	id, err := r.Endpoints.Restore(ctx, endpoint.Draft{Name: c.Registry, Endpoint: remote.Endpoint{
		Kind: remote.Kind(c.Kind), URL: c.URL, Insecure: c.Insecure, CACertificate: c.CACertificate,
	}})
	if err == nil && !slices.Contains(r.report.Registries, c.Registry) {
		r.report.Registries = append(r.report.Registries, c.Registry)
	}
	return id, err
}

func ownOf(c record.CacheContent) proxycache.Own {
	return proxycache.Own{
		Freshness: proxycache.Freshness(c.Freshness), MaxAge: time.Duration(c.MaxAge) * time.Second, MinimumAge: time.Duration(c.MinimumAge) * time.Second,
		ScanBeforeServe: c.ScanBeforeServe, KeepDays: c.KeepDays,
	}
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
		r.report.loseManifest(w.name, w.tags, w.err)
	}
	return nil
}

// lacking is a manifest whose children are not there.
type lacking struct {
	name record.Name
	tags []string
	err  error
}

// round tries to restore manifests with their tags, and returns those that lack children.
func (r *Rebuild) round(ctx context.Context, from source, each func(yield func(record.Name) error) error) (waiting []lacking, err error) {
	b := &batch{rebuild: r}
	flush := func() error {
		more, err := b.restore(ctx)
		waiting = append(waiting, more...)
		return err
	}
	err = each(func(n record.Name) error {
		m, err := from.manifest(ctx, n)
		if err != nil {
			return r.unreadable(n.FullName()+"@"+string(n.Digest), err)
		}
		id, err := r.projectID(ctx, n.Project)
		if err != nil {
			return err
		}
		b.add(n, registry.Ref{ProjectID: id, Project: n.Project, Name: n.Repository}, m)
		if len(b.names) == batchSize {
			return flush()
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return waiting, flush()
}

// batch is manifests that are restored together.
type batch struct {
	rebuild   *Rebuild
	names     []record.Name
	manifests []registry.RestoredManifest
	tags      [][]record.TagContent
}

func (b *batch) add(n record.Name, ref registry.Ref, m record.ManifestContent) {
	b.names, b.tags = append(b.names, n), append(b.tags, m.Tags)
	b.manifests = append(b.manifests, registry.RestoredManifest{
		Ref: ref, Digest: n.Digest, MediaType: m.MediaType, Content: m.Bytes, PushedAt: m.PushedAt,
	})
}

// restore empties the batch, and returns what lacks children.
func (b *batch) restore(ctx context.Context) (waiting []lacking, err error) {
	r := b.rebuild
	results, err := r.Registry.RestoreManifests(ctx, b.manifests)
	if err != nil {
		return nil, err
	}
	var tags []registry.RestoredTag
	for i, result := range results {
		r.Progress.Add(1)
		n := b.names[i]
		var missing *registry.MissingError
		switch {
		case errors.As(result.Err, &missing):
			waiting = append(waiting, lacking{n, tagNames(b.tags[i]), missing})
		case result.Err != nil:
			r.report.loseManifest(n, tagNames(b.tags[i]), result.Err)
		default:
			r.report.restored(n, result.Missing)
			for _, t := range b.tags[i] {
				tags = append(tags, registry.RestoredTag{Ref: b.manifests[i].Ref, Name: t.Name, Digest: n.Digest, PushedAt: t.PushedAt})
			}
		}
	}
	b.names, b.manifests, b.tags = b.names[:0], b.manifests[:0], b.tags[:0]
	return waiting, r.restoreTags(ctx, tags)
}

func tagNames(tags []record.TagContent) []string {
	names := make([]string, len(tags))
	for i, t := range tags {
		names[i] = t.Name
	}
	return names
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
	return errors.Is(err, record.ErrContent) || errors.Is(err, errGone) || errors.Is(err, fault.Invalid)
}

// restoreOtherTags restores the tags that manifests don't tell of.
func (r *Rebuild) restoreOtherTags(ctx context.Context, from source) error {
	r.Progress.Stage("tags", 0, false)
	var tags []registry.RestoredTag
	err := from.tags(ctx, func(n record.Name, t record.TagContent) error {
		id, err := r.projectID(ctx, n.Project)
		if err != nil {
			return err
		}
		r.Progress.Add(1)
		tags = append(tags, registry.RestoredTag{
			Ref:  registry.Ref{ProjectID: id, Project: n.Project, Name: n.Repository},
			Name: t.Name, Digest: n.Digest, PushedAt: t.PushedAt,
		})
		if len(tags) < batchSize {
			return nil
		}
		err = r.restoreTags(ctx, tags)
		tags = tags[:0]
		return err
	}, r.report.loseTag)
	if err == nil {
		err = r.restoreTags(ctx, tags)
	}
	if err != nil {
		return fmt.Errorf("restore tags: %w", err)
	}
	return nil
}

func (r *Rebuild) restoreTags(ctx context.Context, tags []registry.RestoredTag) error {
	if len(tags) == 0 {
		return nil
	}
	found, err := r.Registry.RestoreTags(ctx, tags)
	for i, ok := range found {
		if t := tags[i]; ok {
			r.report.Tags++
		} else {
			r.report.loseTag(t.Ref.FullName()+":"+t.Name, fmt.Errorf("its manifest %s is not there", t.Digest))
		}
	}
	return err
}
