package adopt

import (
	"context"
	"errors"
	"fmt"

	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/project"
	"github.com/havenregistry/haven/internal/record"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/repair"
)

// Volume takes over a volume of CNCF Distribution: its repositories, in projects named by the first part of their names, with what
// their links say of manifests and tags.
type Volume struct {
	Links    repair.Volume
	Projects *project.Service
	Images   *Images
	Public   bool // whether projects that are made are public

	ids map[string]int64
}

// Run does it all.
func (v *Volume) Run(ctx context.Context) error {
	v.ids = map[string]int64{}
	v.Images.Progress.Stage("artifacts", 0, false)
	err := v.Images.Put(ctx, func(yield func(Image) error) error {
		return v.Links.Manifests(ctx, func(n record.Name) error {
			ref, err := v.ref(ctx, n)
			if err != nil {
				return v.refused(n, err)
			}
			return yield(Image{Ref: ref, Digest: n.Digest, PushedAt: v.Links.PushedAt(n)})
		})
	})
	if err != nil {
		return fmt.Errorf("take over artifacts: %w", err)
	}
	v.Images.Progress.Stage("tags", 0, false)
	err = v.Images.PutTags(ctx, func(yield func(registry.RestoredTag) error) error {
		return v.Links.Tags(ctx, func(n record.Name, t record.TagContent) error {
			ref, err := v.ref(ctx, n)
			if err != nil {
				return v.refused(n, err)
			}
			return yield(registry.RestoredTag{Ref: ref, Name: t.Name, Digest: n.Digest, PushedAt: t.PushedAt})
		}, v.Images.Report.Lose)
	})
	if err != nil {
		return fmt.Errorf("take over tags: %w", err)
	}
	_, _, err = v.Images.Registry.FinishRestore(ctx)
	return err
}

// ref is where a repository goes, whose project is made where it isn't there.
func (v *Volume) ref(ctx context.Context, n record.Name) (registry.Ref, error) {
	id, known := v.ids[n.Project]
	if !known {
		found, err := v.Projects.ByName(ctx, n.Project)
		id = found.ID
		if errors.Is(err, fault.NotFound) {
			id, err = v.Projects.Restore(ctx, project.Project{Name: n.Project, Public: v.Public, StorageLimit: -1, CreatedAt: v.Images.Report.StartedAt})
		}
		if err != nil {
			return registry.Ref{}, err
		}
		v.ids[n.Project] = id
		v.Images.Report.Took("projects", 1)
	}
	return registry.Ref{ProjectID: id, Project: n.Project, Name: n.Repository}, nil
}

// refused notes a repository that can't be here, unless it is the database that fails.
func (v *Volume) refused(n record.Name, err error) error {
	if errors.Is(err, fault.Invalid) {
		v.Images.Report.Lose(n.FullName(), err)
		return nil
	}
	return err
}
