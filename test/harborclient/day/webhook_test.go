package day

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/webhook"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/webhookjob"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/models"
)

func TestWebhooks(t *testing.T) {
	c, ctx := admin(t), t.Context()
	var mu sync.Mutex
	var got []string
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		got = append(got, r.Header.Get("Authorization")+" "+string(body))
		fmt.Fprint(w, "thanks")
	}))
	t.Cleanup(receiver.Close)
	newProject(t, c, "told")
	const project = "told"
	kinds := ok(c.Webhook.GetSupportedEventTypes(ctx, &webhook.GetSupportedEventTypesParams{ProjectNameOrID: project}))(t).Payload
	if len(kinds.EventType) != 10 || len(kinds.PayloadFormats) != 1 {
		t.Errorf("kinds %+v", kinds)
	}
	policy := &models.WebhookPolicy{
		Name: "ci", Enabled: true, EventTypes: []string{"PUSH_ARTIFACT"},
		Targets: []*models.WebhookTargetObject{{Type: "http", Address: receiver.URL, AuthHeader: "Bearer ci", PayloadFormat: "Default"}},
	}
	refused(c.Webhook.CreateWebhookPolicyOfProject(ctx, &webhook.CreateWebhookPolicyOfProjectParams{ProjectNameOrID: project, Policy: &models.WebhookPolicy{Name: "none"}}))(t, 400)
	id := idOf(t, ok(c.Webhook.CreateWebhookPolicyOfProject(ctx, &webhook.CreateWebhookPolicyOfProjectParams{ProjectNameOrID: project, Policy: policy}))(t).Location)
	policy.Description = "builds what is pushed"
	ok(c.Webhook.UpdateWebhookPolicyOfProject(ctx, &webhook.UpdateWebhookPolicyOfProjectParams{ProjectNameOrID: project, WebhookPolicyID: id, Policy: policy}))(t)
	if p := ok(c.Webhook.GetWebhookPolicyOfProject(ctx, &webhook.GetWebhookPolicyOfProjectParams{ProjectNameOrID: project, WebhookPolicyID: id}))(t).Payload; p.Description != policy.Description || p.Targets[0].AuthHeader != "Bearer ci" {
		t.Errorf("policy %+v", p)
	}
	if page := ok(c.Webhook.ListWebhookPoliciesOfProject(ctx, &webhook.ListWebhookPoliciesOfProjectParams{ProjectNameOrID: project}))(t); page.XTotalCount != 1 {
		t.Errorf("policies %+v", page.Payload)
	}

	digest := push(t, "told/app", "v1", "one")
	var run *models.Execution
	until(t, "the webhook is delivered", func() bool {
		page := ok(c.Webhook.ListExecutionsOfWebhookPolicy(ctx, &webhook.ListExecutionsOfWebhookPolicyParams{ProjectNameOrID: project, WebhookPolicyID: id}))(t)
		if len(page.Payload) == 0 || page.Payload[0].Status != "Success" {
			return false
		}
		run = page.Payload[0]
		return true
	})
	mu.Lock()
	if !strings.HasPrefix(got[0], "Bearer ci ") || !strings.Contains(got[0], digest) {
		t.Errorf("it got %s", got[0])
	}
	mu.Unlock()
	tasks := ok(c.Webhook.ListTasksOfWebhookExecution(ctx, &webhook.ListTasksOfWebhookExecutionParams{ProjectNameOrID: project, WebhookPolicyID: id, ExecutionID: run.ID}))(t).Payload
	if len(tasks) != 1 || tasks[0].Status != "Success" {
		t.Fatalf("tasks %+v", tasks)
	}
	if text := ok(c.Webhook.GetLogsOfWebhookTask(ctx, &webhook.GetLogsOfWebhookTaskParams{ProjectNameOrID: project, WebhookPolicyID: id, ExecutionID: run.ID, TaskID: tasks[0].ID}))(t).Payload; !strings.Contains(text, "thanks") {
		t.Errorf("log %q", text)
	}
	if jobs := ok(c.Webhookjob.ListWebhookJobs(ctx, &webhookjob.ListWebhookJobsParams{ProjectNameOrID: project, PolicyID: id}))(t); jobs.XTotalCount != int64(len(jobs.Payload)) || len(jobs.Payload) == 0 {
		t.Errorf("jobs %+v", jobs.Payload)
	}
	if last := ok(c.Webhook.LastTrigger(ctx, &webhook.LastTriggerParams{ProjectNameOrID: project}))(t).Payload; len(last) != 1 || last[0].EventType != "PUSH_ARTIFACT" {
		t.Errorf("last trigger %+v", last)
	}
	ok(c.Webhook.DeleteWebhookPolicyOfProject(ctx, &webhook.DeleteWebhookPolicyOfProjectParams{ProjectNameOrID: project, WebhookPolicyID: id}))(t)
}
