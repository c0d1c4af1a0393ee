package day

import (
	"fmt"
	"strings"
	"testing"

	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/artifact"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/icon"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/label"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/project"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/repository"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/search"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/models"
)

// The client writes the name into the path as it is, so its users escape a slash twice.
const nested = "team%252Fapi"

func TestArtifacts(t *testing.T) {
	c, ctx := admin(t), t.Context()
	newProject(t, c, "shop")
	digest := push(t, "shop/team/api", "v1", "one")
	push(t, "shop/team/api", "v2", "two")

	a := ok(c.Artifact.GetArtifact(ctx, &artifact.GetArtifactParams{ProjectName: "shop", RepositoryName: nested, Reference: "v1", WithTag: ptr(true), WithLabel: ptr(true)}))(t).Payload
	if a.Digest != digest || len(a.Tags) != 1 || a.Type != "IMAGE" || a.RepositoryName != "shop/team/api" {
		t.Errorf("artifact %+v", a)
	}
	ok(c.Icon.GetIcon(ctx, &icon.GetIconParams{Digest: a.Icon}))(t)
	page := ok(c.Artifact.ListArtifacts(ctx, &artifact.ListArtifactsParams{ProjectName: "shop", RepositoryName: nested, Q: ptr("tags=v2"), WithTag: ptr(true)}))(t)
	if page.XTotalCount != 1 || page.Payload[0].Tags[0].Name != "v2" {
		t.Errorf("artifacts with tag v2: %+v", page.Payload)
	}
	all := ok(c.Project.ListArtifactsOfProject(ctx, &project.ListArtifactsOfProjectParams{ProjectNameOrID: "shop", Sort: ptr("-push_time")}))(t)
	if all.XTotalCount != 2 {
		t.Errorf("%d artifacts in the project", all.XTotalCount)
	}
	pushChart(t, "shop/charts/api", "1.0.0")
	// Of the additions the client reads only text; build_history and dependencies are JSON, which it refuses.
	values := ok(c.Artifact.GetAddition(ctx, &artifact.GetAdditionParams{ProjectName: "shop", RepositoryName: "charts%252Fapi", Reference: "1.0.0", Addition: "values.yaml"}))(t)
	if !strings.Contains(values.Payload, "replicas: 2") {
		t.Errorf("values %q", values.Payload)
	}
	ok(c.Artifact.ListAccessories(ctx, &artifact.ListAccessoriesParams{ProjectName: "shop", RepositoryName: nested, Reference: "v1"}))(t)

	ok(c.Artifact.CreateTag(ctx, &artifact.CreateTagParams{ProjectName: "shop", RepositoryName: nested, Reference: "v1", Tag: &models.Tag{Name: "stable"}}))(t)
	refused(c.Artifact.CreateTag(ctx, &artifact.CreateTagParams{ProjectName: "shop", RepositoryName: nested, Reference: "v1", Tag: &models.Tag{Name: "stable"}}))(t, 409)
	tags := ok(c.Artifact.ListTags(ctx, &artifact.ListTagsParams{ProjectName: "shop", RepositoryName: nested, Reference: digest, Sort: ptr("name")}))(t)
	if tags.XTotalCount != 2 || tags.Payload[0].Name != "stable" {
		t.Errorf("tags %+v", tags.Payload)
	}
	ok(c.Artifact.DeleteTag(ctx, &artifact.DeleteTagParams{ProjectName: "shop", RepositoryName: nested, Reference: digest, TagName: "stable"}))(t)

	newProject(t, c, "mirror")
	ok(c.Artifact.CopyArtifact(ctx, &artifact.CopyArtifactParams{ProjectName: "mirror", RepositoryName: "api", From: "shop/team/api:v1"}))(t)
	copied := ok(c.Artifact.GetArtifact(ctx, &artifact.GetArtifactParams{ProjectName: "mirror", RepositoryName: "api", Reference: "v1"}))(t)
	if copied.Payload.Digest != digest {
		t.Errorf("the copy is %s", copied.Payload.Digest)
	}
	found := ok(c.Search.Search(ctx, &search.SearchParams{Q: "api"}))(t).Payload
	if len(found.Repository) != 3 {
		t.Errorf("found %+v", found.Repository)
	}
	ok(c.Artifact.DeleteArtifact(ctx, &artifact.DeleteArtifactParams{ProjectName: "shop", RepositoryName: nested, Reference: "v2"}))(t)
	refused(c.Artifact.GetArtifact(ctx, &artifact.GetArtifactParams{ProjectName: "shop", RepositoryName: nested, Reference: "v2"}))(t, 404)
}

func TestRepositories(t *testing.T) {
	c, ctx := admin(t), t.Context()
	newProject(t, c, "books")
	push(t, "books/shelf", "v1", "one")
	ok(c.Repository.UpdateRepository(ctx, &repository.UpdateRepositoryParams{ProjectName: "books", RepositoryName: "shelf", Repository: &models.Repository{Description: "All books."}}))(t)
	r := ok(c.Repository.GetRepository(ctx, &repository.GetRepositoryParams{ProjectName: "books", RepositoryName: "shelf"}))(t).Payload
	if r.Description != "All books." || r.ArtifactCount != 1 || r.Name != "books/shelf" {
		t.Errorf("repository %+v", r)
	}
	if page := ok(c.Repository.ListRepositories(ctx, &repository.ListRepositoriesParams{ProjectName: "books", Q: ptr("name=~she")}))(t); page.XTotalCount != 1 {
		t.Errorf("repositories of the project: %+v", page.Payload)
	}
	if page := ok(c.Repository.ListAllRepositories(ctx, &repository.ListAllRepositoriesParams{Q: ptr("name=~books/")}))(t); page.XTotalCount != 1 {
		t.Errorf("repositories everywhere: %+v", page.Payload)
	}
	ok(c.Repository.DeleteRepository(ctx, &repository.DeleteRepositoryParams{ProjectName: "books", RepositoryName: "shelf"}))(t)
	refused(c.Repository.GetRepository(ctx, &repository.GetRepositoryParams{ProjectName: "books", RepositoryName: "shelf"}))(t, 404)
}

func TestLabels(t *testing.T) {
	c, ctx := admin(t), t.Context()
	project := newProject(t, c, "tagged")
	push(t, "tagged/app", "v1", "one")
	push(t, "tagged/app", "v2", "two")
	global := idOf(t, ok(c.Label.CreateLabel(ctx, &label.CreateLabelParams{Label: &models.Label{Name: "released", Scope: "g", Color: "#0079B8"}}))(t).Location)
	own := idOf(t, ok(c.Label.CreateLabel(ctx, &label.CreateLabelParams{Label: &models.Label{Name: "beta", Scope: "p", ProjectID: project}}))(t).Location)
	ok(c.Label.UpdateLabel(ctx, &label.UpdateLabelParams{LabelID: own, Label: &models.Label{Name: "gamma", Description: "d", Scope: "p", ProjectID: project}}))(t)
	if l := ok(c.Label.GetLabelByID(ctx, &label.GetLabelByIDParams{LabelID: own}))(t).Payload; l.Name != "gamma" || l.ProjectID != project {
		t.Errorf("label %+v", l)
	}
	if page := ok(c.Label.ListLabels(ctx, &label.ListLabelsParams{Scope: ptr("p"), ProjectID: ptr(project), Name: ptr("gam")}))(t); page.XTotalCount != 1 {
		t.Errorf("labels %+v", page.Payload)
	}
	for _, id := range []int64{global, own} {
		ok(c.Artifact.AddLabel(ctx, &artifact.AddLabelParams{ProjectName: "tagged", RepositoryName: "app", Reference: "v1", Label: &models.Label{ID: id}}))(t)
	}
	ok(c.Artifact.AddLabel(ctx, &artifact.AddLabelParams{ProjectName: "tagged", RepositoryName: "app", Reference: "v2", Label: &models.Label{ID: own}}))(t)
	with := func(q string) int64 {
		page := ok(c.Artifact.ListArtifacts(ctx, &artifact.ListArtifactsParams{ProjectName: "tagged", RepositoryName: "app", Q: &q, WithLabel: ptr(true)}))(t)
		for _, a := range page.Payload {
			if len(a.Labels) == 0 {
				t.Errorf("%s: %s shows no label", q, a.Digest)
			}
		}
		return page.XTotalCount
	}
	if one, both := with(fmt.Sprintf("labels=(%d)", own)), with(fmt.Sprintf("labels=(%d %d)", own, global)); one != 2 || both != 1 {
		t.Errorf("%d artifacts with the one label, %d with both", one, both)
	}
	ok(c.Artifact.RemoveLabel(ctx, &artifact.RemoveLabelParams{ProjectName: "tagged", RepositoryName: "app", Reference: "v1", LabelID: global}))(t)
	ok(c.Label.DeleteLabel(ctx, &label.DeleteLabelParams{LabelID: own}))(t)
	a := ok(c.Artifact.GetArtifact(ctx, &artifact.GetArtifactParams{ProjectName: "tagged", RepositoryName: "app", Reference: "v1", WithLabel: ptr(true)}))(t).Payload
	if len(a.Labels) != 0 {
		t.Errorf("labels that are left: %+v", a.Labels)
	}
}
