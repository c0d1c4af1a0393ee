package day

import (
	"strconv"
	"testing"

	v2 "github.com/goharbor/go-client/pkg/sdk/v2.0/client"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/member"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/project"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/project_metadata"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/quota"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/models"
)

// newProject makes a private project and returns its id.
func newProject(t *testing.T, c *v2.HarborAPI, name string) int64 {
	t.Helper()
	answer := ok(c.Project.CreateProject(t.Context(), &project.CreateProjectParams{Project: &models.ProjectReq{
		ProjectName: name, Metadata: &models.ProjectMetadata{Public: "false"}, StorageLimit: ptr(int64(-1)),
	}}))(t)
	return idOf(t, answer.Location)
}

func TestProjects(t *testing.T) {
	c, ctx := admin(t), t.Context()
	id := newProject(t, c, "payments")
	text := strconv.FormatInt(id, 10)
	refused(c.Project.CreateProject(ctx, &project.CreateProjectParams{Project: &models.ProjectReq{ProjectName: "payments"}}))(t, 409)

	ok(c.Project.HeadProject(ctx, &project.HeadProjectParams{ProjectName: "payments"}))(t)
	p := ok(c.Project.GetProject(ctx, &project.GetProjectParams{ProjectNameOrID: "payments", XIsResourceName: ptr(true)}))(t).Payload
	if int64(p.ProjectID) != id || p.OwnerName != "admin" || p.Metadata.Public != "false" || p.CurrentUserRoleID != 1 {
		t.Errorf("project %+v", p)
	}
	page := ok(c.Project.ListProjects(ctx, &project.ListProjectsParams{Name: ptr("paym"), Q: ptr("owner=admin"), Sort: ptr("-name"), PageSize: ptr(int64(5))}))(t)
	if page.XTotalCount != 1 || len(page.Payload) != 1 || page.Payload[0].Name != "payments" {
		t.Errorf("%d projects: %+v", page.XTotalCount, page.Payload)
	}
	list := &models.CVEAllowlist{Items: []*models.CVEAllowlistItem{{CVEID: "CVE-2026-1"}}, ExpiresAt: ptr(int64(1893456000))}
	ok(c.Project.UpdateProject(ctx, &project.UpdateProjectParams{ProjectNameOrID: text, Project: &models.ProjectReq{
		Metadata: &models.ProjectMetadata{Public: "true", AutoScan: ptr("true")}, CVEAllowlist: list,
	}}))(t)
	p = ok(c.Project.GetProject(ctx, &project.GetProjectParams{ProjectNameOrID: text}))(t).Payload
	if p.Metadata.Public != "true" || *p.Metadata.AutoScan != "true" || len(p.CVEAllowlist.Items) != 1 || *p.CVEAllowlist.ExpiresAt != *list.ExpiresAt {
		t.Errorf("after the update: %+v %+v", p.Metadata, p.CVEAllowlist)
	}
	summary := ok(c.Project.GetProjectSummary(ctx, &project.GetProjectSummaryParams{ProjectNameOrID: text}))(t).Payload
	if summary.ProjectAdminCount != 1 || summary.Quota.Hard["storage"] != -1 {
		t.Errorf("summary %+v", summary)
	}
	if d := ok(c.Project.GetProjectDeletable(ctx, &project.GetProjectDeletableParams{ProjectNameOrID: text}))(t); !d.Payload.Deletable {
		t.Errorf("deletable: %+v", d.Payload)
	}
	ok(c.Project.DeleteProject(ctx, &project.DeleteProjectParams{ProjectNameOrID: text}))(t)
	refused(c.Project.GetProject(ctx, &project.GetProjectParams{ProjectNameOrID: text}))(t, 404)
}

func TestMetadata(t *testing.T) {
	c, ctx := admin(t), t.Context()
	newProject(t, c, "meta")
	ok(c.ProjectMetadata.AddProjectMetadatas(ctx, &project_metadata.AddProjectMetadatasParams{ProjectNameOrID: "meta", Metadata: map[string]string{"severity": "high"}}))(t)
	ok(c.ProjectMetadata.UpdateProjectMetadata(ctx, &project_metadata.UpdateProjectMetadataParams{
		ProjectNameOrID: "meta", MetaName: "severity", Metadata: map[string]string{"severity": "low"},
	}))(t)
	one := ok(c.ProjectMetadata.GetProjectMetadata(ctx, &project_metadata.GetProjectMetadataParams{ProjectNameOrID: "meta", MetaName: "severity"}))(t).Payload
	all := ok(c.ProjectMetadata.ListProjectMetadatas(ctx, &project_metadata.ListProjectMetadatasParams{ProjectNameOrID: "meta"}))(t).Payload
	if one["severity"] != "low" || all["severity"] != "low" || all["public"] != "false" {
		t.Errorf("one %v, all %v", one, all)
	}
	ok(c.ProjectMetadata.DeleteProjectMetadata(ctx, &project_metadata.DeleteProjectMetadataParams{ProjectNameOrID: "meta", MetaName: "severity"}))(t)
	if one = ok(c.ProjectMetadata.GetProjectMetadata(ctx, &project_metadata.GetProjectMetadataParams{ProjectNameOrID: "meta", MetaName: "severity"}))(t).Payload; len(one) != 0 {
		t.Errorf("after it was deleted: %v", one)
	}
}

func TestMembers(t *testing.T) {
	c, ctx := admin(t), t.Context()
	newProject(t, c, "crew")
	newUser(t, c, "mona")
	id := idOf(t, ok(c.Member.CreateProjectMember(ctx, &member.CreateProjectMemberParams{ProjectNameOrID: "crew", ProjectMember: &models.ProjectMember{
		RoleID: 2, MemberUser: &models.UserEntity{Username: "mona"},
	}}))(t).Location)
	ok(c.Member.UpdateProjectMember(ctx, &member.UpdateProjectMemberParams{ProjectNameOrID: "crew", Mid: id, Role: &models.RoleRequest{RoleID: 4}}))(t)
	m := ok(c.Member.GetProjectMember(ctx, &member.GetProjectMemberParams{ProjectNameOrID: "crew", Mid: id}))(t).Payload
	if m.EntityName != "mona" || m.RoleName != "maintainer" || m.EntityType != "u" {
		t.Errorf("member %+v", m)
	}
	page := ok(c.Member.ListProjectMembers(ctx, &member.ListProjectMembersParams{ProjectNameOrID: "crew"}))(t)
	if page.XTotalCount != 2 || len(page.Payload) != 2 {
		t.Errorf("%d members: %+v", page.XTotalCount, page.Payload)
	}
	if all := ok(as(t, "mona", password).Project.ListProjects(ctx, &project.ListProjectsParams{Public: ptr(false)}))(t); len(all.Payload) != 1 || all.Payload[0].CurrentUserRoleID != 4 {
		t.Errorf("mona sees %+v", all.Payload)
	}
	ok(c.Member.DeleteProjectMember(ctx, &member.DeleteProjectMemberParams{ProjectNameOrID: "crew", Mid: id}))(t)
}

func TestQuotas(t *testing.T) {
	c, ctx := admin(t), t.Context()
	id := newProject(t, c, "small")
	q := ok(c.Quota.ListQuotas(ctx, &quota.ListQuotasParams{Reference: ptr("project"), ReferenceID: ptr(strconv.FormatInt(id, 10))}))(t)
	if len(q.Payload) != 1 || q.XTotalCount != 1 {
		t.Fatalf("quotas of a project: %+v", q.Payload)
	}
	ok(c.Quota.UpdateQuota(ctx, &quota.UpdateQuotaParams{ID: q.Payload[0].ID, Hard: &models.QuotaUpdateReq{Hard: models.ResourceList{"storage": 1 << 20}}}))(t)
	if now := ok(c.Quota.GetQuota(ctx, &quota.GetQuotaParams{ID: q.Payload[0].ID}))(t).Payload; now.Hard["storage"] != 1<<20 {
		t.Errorf("quota %+v", now)
	}
	all := ok(c.Quota.ListQuotas(ctx, &quota.ListQuotasParams{Sort: ptr("hard.storage"), PageSize: ptr(int64(0))}))(t).Payload
	if len(all) < 2 || all[0].Hard["storage"] != 1<<20 {
		t.Errorf("the smallest of %d quotas is %+v", len(all), all[0])
	}
}
