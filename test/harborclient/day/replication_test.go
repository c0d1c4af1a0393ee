package day

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/artifact"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/registry"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/replication"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/models"
)

func TestRegistriesAndReplication(t *testing.T) {
	c, ctx := admin(t), t.Context()
	if kinds := ok(c.Registry.ListRegistryProviderTypes(ctx, &registry.ListRegistryProviderTypesParams{}))(t).Payload; !slices.Contains(kinds, "docker-hub") {
		t.Errorf("kinds %v", kinds)
	}
	if infos := ok(c.Registry.ListRegistryProviderInfos(ctx, &registry.ListRegistryProviderInfosParams{}))(t).Payload; infos["docker-hub"].EndpointPattern == nil {
		t.Errorf("kinds are described so: %+v", infos)
	}
	// The registry elsewhere is this one: what is said to it, it says to itself.
	there, password := os.Getenv("HAVEN_URL"), os.Getenv("HAVEN_PASSWORD")
	credential := &models.RegistryCredential{Type: "basic", AccessKey: "admin", AccessSecret: password}
	wrong := &models.RegistryCredential{Type: "basic", AccessKey: "admin", AccessSecret: "not-the-one"}
	refused(c.Registry.CreateRegistry(ctx, &registry.CreateRegistryParams{Registry: &models.Registry{Name: "there", Type: "docker-registry", URL: there, Credential: wrong}}))(t, 400)
	id := idOf(t, ok(c.Registry.CreateRegistry(ctx, &registry.CreateRegistryParams{Registry: &models.Registry{Name: "there", Type: "docker-registry", URL: there, Credential: credential}}))(t).Location)
	ok(c.Registry.PingRegistry(ctx, &registry.PingRegistryParams{Registry: &models.RegistryPing{ID: &id}}))(t)
	ok(c.Registry.UpdateRegistry(ctx, &registry.UpdateRegistryParams{ID: id, Registry: &models.RegistryUpdate{Description: ptr("the same one")}}))(t)
	if r := ok(c.Registry.GetRegistry(ctx, &registry.GetRegistryParams{ID: id}))(t).Payload; r.Description != "the same one" || r.Status != "healthy" || r.Credential.AccessSecret == password {
		t.Errorf("registry %+v", r)
	}
	if info := ok(c.Registry.GetRegistryInfo(ctx, &registry.GetRegistryInfoParams{ID: id}))(t).Payload; info.Type != "docker-registry" || len(info.SupportedTriggers) == 0 {
		t.Errorf("info %+v", info)
	}
	if page := ok(c.Registry.ListRegistries(ctx, &registry.ListRegistriesParams{Name: ptr("there")}))(t); page.XTotalCount != 1 {
		t.Errorf("registries %+v", page.Payload)
	}

	newProject(t, c, "origin")
	newProject(t, c, "copies")
	digest := push(t, "origin/app", "v1", "one")
	policy := &models.ReplicationPolicy{
		Name: "copy", DestRegistry: &models.Registry{ID: id}, DestNamespace: "copies", Enabled: true, Override: true,
		Trigger: &models.ReplicationTrigger{Type: "manual"}, Filters: []*models.ReplicationFilter{{Type: "name", Value: "origin/**"}, {Type: "tag", Value: "v*"}},
	}
	policyID := idOf(t, ok(c.Replication.CreateReplicationPolicy(ctx, &replication.CreateReplicationPolicyParams{Policy: policy}))(t).Location)
	policy.Description = "to copies"
	ok(c.Replication.UpdateReplicationPolicy(ctx, &replication.UpdateReplicationPolicyParams{ID: policyID, Policy: policy}))(t)
	if p := ok(c.Replication.GetReplicationPolicy(ctx, &replication.GetReplicationPolicyParams{ID: policyID}))(t).Payload; p.Description != "to copies" || p.DestRegistry.Name != "there" || len(p.Filters) != 2 {
		t.Errorf("policy %+v", p)
	}
	if page := ok(c.Replication.ListReplicationPolicies(ctx, &replication.ListReplicationPoliciesParams{Name: ptr("copy")}))(t); page.XTotalCount != 1 {
		t.Errorf("policies %+v", page.Payload)
	}
	refused(c.Registry.DeleteRegistry(ctx, &registry.DeleteRegistryParams{ID: id}))(t, 412)

	start := &replication.StartReplicationParams{Execution: &models.StartReplicationExecution{PolicyID: policyID}}
	run := idOf(t, ok(c.Replication.StartReplication(ctx, start))(t).Location)
	until(t, "the replication succeeds", func() bool {
		e := ok(c.Replication.GetReplicationExecution(ctx, &replication.GetReplicationExecutionParams{ID: run}))(t).Payload
		return e.Status == "Succeed" && e.Total == 1 && e.Succeed == 1
	})
	tasks := ok(c.Replication.ListReplicationTasks(ctx, &replication.ListReplicationTasksParams{ID: run}))(t).Payload
	if len(tasks) != 1 || !strings.HasPrefix(tasks[0].DstResource, "copies/app") {
		t.Fatalf("tasks %+v", tasks)
	}
	if text := ok(c.Replication.GetReplicationLog(ctx, &replication.GetReplicationLogParams{ID: run, TaskID: tasks[0].ID}))(t).Payload; !strings.Contains(text, digest) {
		t.Errorf("log %q", text)
	}
	if a := ok(c.Artifact.GetArtifact(ctx, &artifact.GetArtifactParams{ProjectName: "copies", RepositoryName: "app", Reference: "v1"}))(t).Payload; a.Digest != digest {
		t.Errorf("the copy is %s", a.Digest)
	}
	if page := ok(c.Replication.ListReplicationExecutions(ctx, &replication.ListReplicationExecutionsParams{PolicyID: &policyID}))(t); page.XTotalCount != 1 {
		t.Errorf("executions %+v", page.Payload)
	}
	ok(c.Replication.StopReplication(ctx, &replication.StopReplicationParams{ID: run}))(t)
	ok(c.Replication.DeleteReplicationPolicy(ctx, &replication.DeleteReplicationPolicyParams{ID: policyID}))(t)
	ok(c.Registry.DeleteRegistry(ctx, &registry.DeleteRegistryParams{ID: id}))(t)
}
