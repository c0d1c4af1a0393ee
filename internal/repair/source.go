package repair

import (
	"context"
	"errors"
	"fmt"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/record"
)

// source is what tells which projects, manifests and tags there were.
type source interface {
	name() string
	projects(ctx context.Context, yield func(record.ProjectContent) error) error
	// manifests yields the names of manifests, in no order.
	manifests(ctx context.Context, yield func(record.Name) error) error
	// manifest returns record.ErrContent or errGone for what tells nothing.
	manifest(ctx context.Context, n record.Name) (record.ManifestContent, error)
	// tags yields those tags that manifests don't tell of.
	tags(ctx context.Context, yield func(n record.Name, t record.TagContent) error, lost func(what string, why error)) error
}

var (
	errGone  = errors.New("it is not there any more")
	errFound = errors.New("found")
	// ErrNothing: there is nothing to make a database of.
	ErrNothing = errors.New("the store holds neither records nor a volume of CNCF Distribution or Harbor; is storage_url right?")
)

// source chooses the records, where there are any.
func (r *Rebuild) source(ctx context.Context) (source, error) {
	err := r.Records.Each(ctx, func(record.Name) error { return errFound })
	if errors.Is(err, errFound) {
		return records{r}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list records: %w", err)
	}
	if volume, ok := openVolume(r.Volume); ok {
		return volume, nil
	}
	return nil, ErrNothing
}

// records are the store's own.
type records struct{ rebuild *Rebuild }

func (records) name() string { return "records" }

func (s records) projects(ctx context.Context, yield func(record.ProjectContent) error) error {
	return s.each(ctx, record.Project, func(n record.Name) error {
		text, err := s.read(ctx, n)
		if err != nil {
			return s.rebuild.unreadable(n.String(), err)
		}
		p, err := record.ParseProject(text)
		if err == nil && p.Name != n.Project {
			err = record.ErrContent
		}
		if err != nil {
			return s.rebuild.unreadable(n.String(), err)
		}
		return yield(p)
	})
}

func (s records) manifests(ctx context.Context, yield func(record.Name) error) error {
	return s.each(ctx, record.Manifest, yield)
}

// tags yields none: a manifest's record has its tags.
func (records) tags(context.Context, func(record.Name, record.TagContent) error, func(string, error)) error {
	return nil
}

func (s records) each(ctx context.Context, kind record.Kind, yield func(record.Name) error) error {
	return s.rebuild.Records.Each(ctx, func(n record.Name) error {
		if n.Kind != kind {
			return nil
		}
		return yield(n)
	})
}

func (s records) read(ctx context.Context, n record.Name) ([]byte, error) {
	text, err := s.rebuild.Records.Read(ctx, n)
	if errors.Is(err, blob.ErrNotFound) {
		return nil, errGone
	}
	return text, err
}

func (s records) manifest(ctx context.Context, n record.Name) (m record.ManifestContent, err error) {
	text, err := s.read(ctx, n)
	if err != nil {
		return m, err
	}
	return record.ParseManifest(n.Digest, text)
}
