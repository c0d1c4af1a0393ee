package harbor

import (
	"context"
	"fmt"
	"strings"

	"github.com/havenregistry/haven/internal/adopt"
	"github.com/havenregistry/haven/internal/label"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
)

// pageSize is how many rows of the large tables are read at once.
const pageSize = 1000

type artifactRow struct {
	ID         int64  `json:"id"`
	ProjectID  int64  `json:"project_id"`
	Repository string `json:"repository_name"`
	Digest     string `json:"digest"`
	MediaType  string `json:"manifest_media_type"`
	Pushed     stamp  `json:"push_time"`
	Pulled     stamp  `json:"pull_time"`
}

type tagRow struct {
	ArtifactID int64  `json:"artifact_id"`
	Name       string `json:"name"`
	Pushed     stamp  `json:"push_time"`
	Pulled     stamp  `json:"pull_time"`
}

const (
	artifactPage = `SELECT id, project_id, repository_name, digest, manifest_media_type, push_time, pull_time FROM artifact WHERE id > $1 ORDER BY id LIMIT $2`
	tagsOf       = `SELECT artifact_id, name, push_time, pull_time FROM tag WHERE artifact_id = ANY($1) ORDER BY id`
)

// images yields the artifacts with their tags in the order in which they came, parts of an index mostly before it.
func (a *Adoption) images(ctx context.Context, yield func(adopt.Image) error) error {
	for last := int64(0); ; {
		page, err := rows[artifactRow](ctx, a.Source, artifactPage, last, pageSize)
		if err != nil {
			return err
		}
		ids := make([]int64, len(page))
		for i, r := range page {
			ids[i] = r.ID
		}
		tags, err := rows[tagRow](ctx, a.Source, tagsOf, ids)
		if err != nil {
			return err
		}
		of := map[int64][]tagRow{}
		for _, t := range tags {
			of[t.ArtifactID] = append(of[t.ArtifactID], t)
		}
		for _, r := range page {
			image, ok := a.image(r, of[r.ID])
			if !ok {
				continue
			}
			if err := yield(image); err != nil {
				return err
			}
		}
		if len(page) < pageSize {
			return nil
		}
		last = page[len(page)-1].ID
	}
}

// image is none for what can't be one, which is noted.
func (a *Adoption) image(r artifactRow, tags []tagRow) (i adopt.Image, ok bool) {
	what := r.Repository + "@" + r.Digest
	ref, ok := a.ref(r.ProjectID, r.Repository)
	if !ok {
		a.Report.Lose(what, fmt.Errorf("its project could not be taken, or the repository's name is none"))
		return i, false
	}
	d, err := oci.ParseDigest(r.Digest)
	if err != nil {
		a.Report.Lose(what, err)
		return i, false
	}
	i = adopt.Image{Ref: ref, Digest: d, MediaType: r.MediaType, PushedAt: r.Pushed.or(a.now), PulledAt: r.Pulled.time()}
	for _, t := range tags {
		if _, err := oci.ParseTag(t.Name); err != nil {
			a.Report.Lose("tag "+r.Repository+":"+t.Name, err)
			continue
		}
		i.Tags = append(i.Tags, registry.RestoredTag{Ref: ref, Name: t.Name, Digest: d, PushedAt: t.Pushed.or(a.now), PulledAt: t.Pulled.time()})
	}
	return i, true
}

// ref is a repository of a project that was taken.
func (a *Adoption) ref(projectID int64, full string) (ref registry.Ref, ok bool) {
	name, known := a.names[projectID]
	short, inside := strings.CutPrefix(full, name+"/")
	if _, _, err := oci.ParseRepository(full); !known || !inside || err != nil {
		return ref, false
	}
	return registry.Ref{ProjectID: projectID, Project: name, Name: short}, true
}

type repositoryRow struct {
	ID          int64  `json:"repository_id"`
	ProjectID   int64  `json:"project_id"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Pulls       int64  `json:"pull_count"`
	Created     stamp  `json:"creation_time"`
}

const repositoryPage = `SELECT repository_id, project_id, name, description, pull_count, creation_time FROM repository WHERE repository_id > $1 ORDER BY repository_id LIMIT $2`

// repositories tells those that are there what Harbor knew of them.
func (a *Adoption) repositories(ctx context.Context) error {
	for last := int64(0); ; {
		page, err := rows[repositoryRow](ctx, a.Source, repositoryPage, last, pageSize)
		if err != nil {
			return err
		}
		var some []registry.RestoredRepository
		for _, r := range page {
			if ref, ok := a.ref(r.ProjectID, r.Name); ok {
				some = append(some, registry.RestoredRepository{Ref: ref, Description: r.Description, Pulls: r.Pulls, CreatedAt: r.Created.or(a.now)})
			}
		}
		there, err := a.Registry.RestoreRepositories(ctx, some)
		if err != nil {
			return err
		}
		a.Report.Took("repositories", there)
		a.Progress.Add(int64(len(page)))
		if len(page) < pageSize {
			return nil
		}
		last = page[len(page)-1].ID
	}
}

type labelledRow struct {
	ID         int64  `json:"id"`
	LabelID    int64  `json:"label_id"`
	ProjectID  int64  `json:"project_id"`
	Repository string `json:"repository_name"`
	Digest     string `json:"digest"`
}

const labelledPage = `SELECT r.id, r.label_id, a.project_id, a.repository_name, a.digest FROM label_reference r JOIN artifact a ON a.id = r.artifact_id
	WHERE r.id > $1 ORDER BY r.id LIMIT $2`

// labelled puts the labels on the artifacts.
func (a *Adoption) labelled(ctx context.Context) error {
	for last := int64(0); ; {
		page, err := rows[labelledRow](ctx, a.Source, labelledPage, last, pageSize)
		if err != nil {
			return err
		}
		var some []label.Put
		for _, r := range page {
			if ref, ok := a.ref(r.ProjectID, r.Repository); ok {
				some = append(some, label.Put{ProjectID: r.ProjectID, Repository: ref.Name, Digest: r.Digest, LabelID: r.LabelID})
			}
		}
		there, err := a.Labels.AdoptPut(ctx, some)
		if err != nil {
			return err
		}
		a.Report.Took("labels on artifacts", there)
		if len(page) < pageSize {
			return nil
		}
		last = page[len(page)-1].ID
	}
}
