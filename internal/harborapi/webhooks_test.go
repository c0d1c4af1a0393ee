package harborapi

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/await"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/harborapi/gen"
)

func TestWebhookPolicies(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		f := newFixture(t, d)
		id := f.project("admin", "perm", false)
		f.user("reader")
		f.member("perm", "reader", authz.Maintainer)
		receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "thanks") }))
		t.Cleanup(receiver.Close)
		const at = "/projects/perm/webhook/policies"
		body := func(target string) string {
			return `{"name":"hook","description":"d","enabled":true,"event_types":["PUSH_ARTIFACT","SCANNING_FAILED"],"targets":[` + target + `]}`
		}
		good := `{"type":"http","address":"` + receiver.URL + `/x","auth_header":"secret","skip_cert_verify":true,"payload_format":"CloudEvents"}`

		w := f.must("admin", "POST", at, body(good), 201, nil)
		location := w.Get("Location")
		if !strings.HasPrefix(location, "/api/v2.0/projects/perm/webhook/policies/") {
			t.Errorf("Location %q", location)
		}
		one := at + "/" + lastSegment(w)
		for _, c := range []struct {
			body, want string
			status     int
		}{
			{body(good), "notification policy named hook already exists", 409},
			{strings.Replace(strings.Replace(body(good), "hook", "h2", 1), "SCANNING_FAILED", "NOSUCH", 1), "unsupported event type NOSUCH", 400},
			{strings.Replace(body(`{"type":"pigeon","address":"x"}`), "hook", "h3", 1), "unsupported target type pigeon with policy h3", 400},
			{strings.Replace(body(""), "hook", "h4", 1), "empty notification target with policy h4", 400},
			{strings.Replace(body(`{"type":"slack","address":"https://x/","payload_format":"Default"}`), "hook", "h5", 1), "payload format", 400},
		} {
			if w := f.do("admin", "POST", at, c.body); w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
				t.Errorf("got %d %s, want %d %s", w.Code, w.Body, c.status, c.want)
			}
		}
		var p gen.WebhookPolicy
		f.must("admin", "GET", one, "", 200, &p)
		if fmt.Sprint(p.ProjectID) != id || p.Targets[0].AuthHeader != "secret" || p.Targets[0].PayloadFormat != "CloudEvents" || !p.Targets[0].SkipCertVerify || len(p.EventTypes) != 2 {
			t.Errorf("got %+v", p)
		}
		f.must("reader", "GET", one, "", 200, &p)
		if p.Targets[0].AuthHeader != "*****" {
			t.Errorf("who may only read sees %q", p.Targets[0].AuthHeader)
		}
		var page []gen.WebhookPolicy
		if w := f.must("admin", "GET", at, "", 200, &page); w.Get("X-Total-Count") != "1" || len(page) != 1 {
			t.Errorf("got %+v", page)
		}
		f.must("admin", "PUT", one, body(`{"type":"http","address":"`+receiver.URL+`/y","auth_header":"*****"}`), 200, nil)
		f.must("admin", "GET", one, "", 200, &p)
		if p.Targets[0].AuthHeader != "secret" || p.Targets[0].PayloadFormat != "Default" {
			t.Errorf("got %+v", p.Targets)
		}
		var kinds gen.SupportedWebhookEventTypes
		f.must("admin", "GET", "/projects/perm/webhook/events", "", 200, &kinds)
		if len(kinds.EventType) != 10 || kinds.NotifyType[1] != "slack" || len(kinds.PayloadFormats[0].Formats) != 2 {
			t.Errorf("got %+v", kinds)
		}

		f.told(event.Event{Kind: event.CreateArtifact, ProjectID: p.ProjectID, Project: "perm", Repository: "perm/app", Tag: "v1", Digest: "sha256:1", By: "ann", Success: true})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- f.webhooks.Run(ctx) }()
		var executions []gen.WebhookExecution
		await.Until(t, "the delivery is made", func() bool {
			f.must("admin", "GET", one+"/executions", "", 200, &executions)
			return len(executions) == 1 && executions[0].Status == "Success"
		})
		cancel()
		ok(t, <-done)
		if e := executions[0]; e.VendorType != "WEBHOOK" || e.VendorID != p.ID || e.ExtraAttrs["event_type"] != "PUSH_ARTIFACT" || e.Metrics.SuccessTaskCount != 1 {
			t.Errorf("got %+v", e)
		}
		var tasks []gen.WebhookTask
		f.must("admin", "GET", fmt.Sprintf("%s/executions/%d/tasks", one, executions[0].ID), "", 200, &tasks)
		if len(tasks) != 1 || tasks[0].Status != "Success" || tasks[0].RunCount != 1 {
			t.Errorf("got %+v", tasks)
		}
		log := f.do("admin", "GET", fmt.Sprintf("%s/executions/%d/tasks/%d/log", one, executions[0].ID, tasks[0].ID), "").Body.String()
		if !strings.Contains(log, "perm/app:v1") || !strings.Contains(log, "thanks") || strings.Contains(log, "secret") {
			t.Errorf("log:\n%s", log)
		}
		f.must("admin", "GET", fmt.Sprintf("%s/executions/%d/tasks/%d/log", one, executions[0].ID, tasks[0].ID+1), "", 404, nil)
		var jobs []gen.WebhookJob
		f.must("admin", "GET", "/projects/perm/webhook/jobs?policy_id="+fmt.Sprint(p.ID)+"&status=Success&status=Error", "", 200, &jobs)
		if len(jobs) != 1 || jobs[0].EventType != "PUSH_ARTIFACT" || jobs[0].NotifyType != "http" {
			t.Errorf("got %+v", jobs)
		}
		f.must("admin", "GET", "/projects/perm/webhook/jobs?policy_id="+fmt.Sprint(p.ID)+"&status=Pending", "", 200, &jobs)
		if len(jobs) != 0 {
			t.Errorf("got %+v", jobs)
		}
		var last []gen.WebhookLastTrigger
		f.must("admin", "GET", "/projects/perm/webhook/lasttrigger", "", 200, &last)
		if len(last) != 2 || last[0].EventType != "PUSH_ARTIFACT" || !last[0].Enabled {
			t.Errorf("got %+v", last)
		}

		// Another project's administrator has no way to it.
		f.user("foreign")
		f.project("foreign", "other", false)
		other := strings.Replace(one, "/perm/", "/other/", 1)
		for _, path := range []string{other, other + "/executions", fmt.Sprintf("%s/executions/%d/tasks", other, executions[0].ID)} {
			f.must("foreign", "GET", path, "", 404, nil)
		}
		f.must("foreign", "PUT", other, body(good), 404, nil)
		f.must("foreign", "DELETE", other, "", 404, nil)
		f.must("admin", "DELETE", one, "", 200, nil)
		f.must("admin", "GET", one, "", 404, nil)
	})
}

// told hands an event to webhooks, as the dispatcher does.
func (f *fixture) told(e event.Event) {
	f.t.Helper()
	ok(f.t, f.db.WriteRelaxed(f.t.Context(), func(tx db.Tx) error { return f.webhooks.Handle(f.t.Context(), tx, []event.Event{e}) }))
}

// webhook makes a policy of a project with a delivery that waits.
func (f *fixture) webhook(project string) (policy, execution string) {
	f.t.Helper()
	at := "/projects/" + project + "/webhook/policies"
	policy = lastSegment(f.must("admin", "POST", at, `{"name":"w","enabled":true,"event_types":["PUSH_ARTIFACT"],"targets":[{"type":"http","address":"http://127.0.0.1:1/"}]}`, 201, nil))
	var p gen.WebhookPolicy
	f.must("admin", "GET", at+"/"+policy, "", 200, &p)
	f.told(event.Event{Kind: event.CreateArtifact, ProjectID: p.ProjectID, Project: project, Repository: project + "/app", Tag: "v1", Success: true})
	var executions []gen.WebhookExecution
	f.must("admin", "GET", at+"/"+policy+"/executions", "", 200, &executions)
	return policy, fmt.Sprint(executions[0].ID)
}
