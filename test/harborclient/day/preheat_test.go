package day

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/preheat"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/models"
)

// The Dragonfly is a fake: it says that it is well, and that it has fetched whatever it is told.
func TestPreheat(t *testing.T) {
	c, ctx := admin(t), t.Context()
	dragonfly := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"id":1,"state":"SUCCESS"}`))
	}))
	defer dragonfly.Close()
	if kinds := ok(c.Preheat.ListProviders(ctx, &preheat.ListProvidersParams{}))(t).Payload; len(kinds) != 2 {
		t.Errorf("providers %+v", kinds)
	}
	peers := &models.Instance{Name: "peers", Vendor: "dragonfly", Endpoint: dragonfly.URL, AuthMode: "OAUTH", AuthInfo: map[string]string{"token": "x"}, Enabled: true}
	ok(c.Preheat.PingInstances(ctx, &preheat.PingInstancesParams{Instance: peers}))(t)
	ok(c.Preheat.CreateInstance(ctx, &preheat.CreateInstanceParams{Instance: peers}))(t)
	refused(c.Preheat.CreateInstance(ctx, &preheat.CreateInstanceParams{Instance: peers}))(t, 409)
	peers.Default = true
	ok(c.Preheat.UpdateInstance(ctx, &preheat.UpdateInstanceParams{PreheatInstanceName: "peers", Instance: peers}))(t)
	instance := ok(c.Preheat.GetInstance(ctx, &preheat.GetInstanceParams{PreheatInstanceName: "peers"}))(t).Payload
	if !instance.Default || len(instance.AuthInfo) != 0 {
		t.Errorf("instance %+v", instance)
	}
	if page := ok(c.Preheat.ListInstances(ctx, &preheat.ListInstancesParams{}))(t); page.XTotalCount != 1 {
		t.Errorf("instances %+v", page.Payload)
	}

	newProject(t, c, "warm")
	digest := push(t, "warm/app", "v1", "one")
	if under := ok(c.Preheat.ListProvidersUnderProject(ctx, &preheat.ListProvidersUnderProjectParams{ProjectName: "warm"}))(t).Payload; len(under) != 1 {
		t.Errorf("providers of the project %+v", under)
	}
	policy := &models.PreheatPolicy{
		Name: "all", ProviderID: instance.ID, Enabled: true, Filters: `[{"type":"repository","value":"**"},{"type":"tag","value":"**"}]`, Trigger: `{"type":"manual","trigger_setting":{"cron":""}}`,
	}
	ok(c.Preheat.CreatePolicy(ctx, &preheat.CreatePolicyParams{ProjectName: "warm", Policy: policy}))(t)
	policy.Description = "everything"
	ok(c.Preheat.UpdatePolicy(ctx, &preheat.UpdatePolicyParams{ProjectName: "warm", PreheatPolicyName: "all", Policy: policy}))(t)
	if p := ok(c.Preheat.GetPolicy(ctx, &preheat.GetPolicyParams{ProjectName: "warm", PreheatPolicyName: "all"}))(t).Payload; p.Description != "everything" || p.ProviderName != "peers" {
		t.Errorf("policy %+v", p)
	}
	if page := ok(c.Preheat.ListPolicies(ctx, &preheat.ListPoliciesParams{ProjectName: "warm"}))(t); page.XTotalCount != 1 {
		t.Errorf("policies %+v", page.Payload)
	}
	run := idOf(t, ok(c.Preheat.ManualPreheat(ctx, &preheat.ManualPreheatParams{ProjectName: "warm", PreheatPolicyName: "all", Policy: policy}))(t).Location)
	one := &preheat.GetExecutionParams{ProjectName: "warm", PreheatPolicyName: "all", ExecutionID: run}
	until(t, "the execution succeeds", func() bool {
		e := ok(c.Preheat.GetExecution(ctx, one))(t).Payload
		return e.Status == "Success" && e.Metrics.TaskCount == 1
	})
	if page := ok(c.Preheat.ListExecutions(ctx, &preheat.ListExecutionsParams{ProjectName: "warm", PreheatPolicyName: "all"}))(t); page.XTotalCount != 1 {
		t.Errorf("executions %+v", page.Payload)
	}
	tasks := ok(c.Preheat.ListTasks(ctx, &preheat.ListTasksParams{ProjectName: "warm", PreheatPolicyName: "all", ExecutionID: run}))(t).Payload
	if len(tasks) != 1 || tasks[0].ExtraAttrs["digest"] != digest {
		t.Fatalf("tasks %+v", tasks)
	}
	if text := ok(c.Preheat.GetPreheatLog(ctx, &preheat.GetPreheatLogParams{ProjectName: "warm", PreheatPolicyName: "all", ExecutionID: run, TaskID: tasks[0].ID}))(t).Payload; text == "" {
		t.Error("no log")
	}
	stopped := &models.Execution{Status: "Stopped"}
	ok(c.Preheat.StopExecution(ctx, &preheat.StopExecutionParams{ProjectName: "warm", PreheatPolicyName: "all", ExecutionID: run, Execution: stopped}))(t)
	ok(c.Preheat.DeletePolicy(ctx, &preheat.DeletePolicyParams{ProjectName: "warm", PreheatPolicyName: "all"}))(t)
	ok(c.Preheat.DeleteInstance(ctx, &preheat.DeleteInstanceParams{PreheatInstanceName: "peers"}))(t)
}
