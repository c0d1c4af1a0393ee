package day

import (
	"strings"
	"testing"

	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/artifact"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/immutable"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/retention"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/models"
)

func TestImmutableTags(t *testing.T) {
	c, ctx := admin(t), t.Context()
	newProject(t, c, "fixed")
	push(t, "fixed/app", "v1", "one")
	rule := &models.ImmutableRule{
		Action: "immutable", Template: "immutable_template",
		TagSelectors:   []*models.ImmutableSelector{{Kind: "doublestar", Decoration: "matches", Pattern: "v*"}},
		ScopeSelectors: map[string][]models.ImmutableSelector{"repository": {{Kind: "doublestar", Decoration: "repoMatches", Pattern: "**"}}},
	}
	id := idOf(t, ok(c.Immutable.CreateImmuRule(ctx, &immutable.CreateImmuRuleParams{ProjectNameOrID: "fixed", ImmutableRule: rule}))(t).Location)
	if page := ok(c.Immutable.ListImmuRules(ctx, &immutable.ListImmuRulesParams{ProjectNameOrID: "fixed"}))(t); page.XTotalCount != 1 || page.Payload[0].ID != id {
		t.Errorf("rules %+v", page.Payload)
	}
	refused(c.Artifact.DeleteTag(ctx, &artifact.DeleteTagParams{ProjectName: "fixed", RepositoryName: "app", Reference: "v1", TagName: "v1"}))(t, 412)
	rule.ID, rule.Disabled = id, true
	ok(c.Immutable.UpdateImmuRule(ctx, &immutable.UpdateImmuRuleParams{ProjectNameOrID: "fixed", ImmutableRuleID: id, ImmutableRule: rule}))(t)
	ok(c.Artifact.DeleteTag(ctx, &artifact.DeleteTagParams{ProjectName: "fixed", RepositoryName: "app", Reference: "v1", TagName: "v1"}))(t)
	ok(c.Immutable.DeleteImmuRule(ctx, &immutable.DeleteImmuRuleParams{ProjectNameOrID: "fixed", ImmutableRuleID: id}))(t)
}

func TestRetention(t *testing.T) {
	c, ctx := admin(t), t.Context()
	projectID := newProject(t, c, "tidy")
	for _, tag := range []string{"v1", "v2", "v3"} {
		push(t, "tidy/app", tag, tag)
	}
	if m := ok(c.Retention.GetRentenitionMetadata(ctx, &retention.GetRentenitionMetadataParams{}))(t).Payload; len(m.Templates) != 5 {
		t.Errorf("metadata %+v", m)
	}
	policy := &models.RetentionPolicy{
		Algorithm: "or", Scope: &models.RetentionPolicyScope{Level: "project", Ref: projectID}, Trigger: &models.RetentionRuleTrigger{Kind: "Schedule", Settings: map[string]any{"cron": ""}},
		Rules: []*models.RetentionRule{{
			Action: "retain", Template: "latestPushedK", Params: map[string]any{"latestPushedK": 1},
			TagSelectors:   []*models.RetentionSelector{{Kind: "doublestar", Decoration: "matches", Pattern: "**", Extras: `{"untagged":true}`}},
			ScopeSelectors: map[string][]models.RetentionSelector{"repository": {{Kind: "doublestar", Decoration: "repoMatches", Pattern: "**"}}},
		}},
	}
	id := idOf(t, ok(c.Retention.CreateRetention(ctx, &retention.CreateRetentionParams{Policy: policy}))(t).Location)
	policy.Rules[0].Params["latestPushedK"] = 2
	ok(c.Retention.UpdateRetention(ctx, &retention.UpdateRetentionParams{ID: id, Policy: policy}))(t)
	if p := ok(c.Retention.GetRetention(ctx, &retention.GetRetentionParams{ID: id}))(t).Payload; p.Scope.Ref != projectID || len(p.Rules) != 1 {
		t.Errorf("policy %+v", p)
	}
	var run int64
	for _, dry := range []bool{true, false} {
		_, made, err := c.Retention.TriggerRetentionExecution(ctx, &retention.TriggerRetentionExecutionParams{ID: id, Body: retention.TriggerRetentionExecutionBody{DryRun: dry}})
		if err != nil {
			t.Fatal(err)
		}
		run = idOf(t, made.Location)
		until(t, "the run succeeds", func() bool {
			page := ok(c.Retention.ListRetentionExecutions(ctx, &retention.ListRetentionExecutionsParams{ID: id}))(t)
			return page.Payload[0].ID == run && page.Payload[0].Status == "Success" && page.Payload[0].DryRun == dry
		})
		tasks := ok(c.Retention.ListRetentionTasks(ctx, &retention.ListRetentionTasksParams{ID: id, Eid: run}))(t).Payload
		if len(tasks) != 1 || tasks[0].Repository != "app" || tasks[0].Total != 3 || tasks[0].Retained != 2 {
			t.Fatalf("tasks %+v", tasks)
		}
		if text := ok(c.Retention.GetRetentionTaskLog(ctx, &retention.GetRetentionTaskLogParams{ID: id, Eid: run, Tid: tasks[0].ID}))(t).Payload; !strings.Contains(text, "v1") {
			t.Errorf("log %q", text)
		}
	}
	refused(c.Artifact.GetArtifact(ctx, &artifact.GetArtifactParams{ProjectName: "tidy", RepositoryName: "app", Reference: "v1"}))(t, 404)
	ok(c.Retention.OperateRetentionExecution(ctx, &retention.OperateRetentionExecutionParams{ID: id, Eid: run, Body: retention.OperateRetentionExecutionBody{Action: "stop"}}))(t)
	ok(c.Retention.DeleteRetention(ctx, &retention.DeleteRetentionParams{ID: id}))(t)
}
