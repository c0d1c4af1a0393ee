package webhook

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/event"
)

// detailed is an event with a detail.
func detailed(t *testing.T, e event.Event, detail any) event.Event {
	t.Helper()
	e, err := e.With(detail)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestBodies(t *testing.T) {
	push := pushed("app", "v1")
	scanned := push
	scanned.Kind, scanned.Tag = event.ScanArtifact, ""
	stopped := scanned
	stopped.Success = false
	untagged := push
	untagged.Kind, untagged.Tag = event.DeleteArtifact, ""
	whole := event.Event{Kind: event.DeleteRepository, By: "ann", ProjectID: 1, Project: "lib", Repository: "lib/app", Success: true}
	quota := event.Event{Kind: event.WarnQuota, ProjectID: 1, Project: "lib"}
	const repository = `"repository":{"date_created":1690000000,"name":"app","namespace":"lib","repo_full_name":"lib/app","repo_type":"public"}`
	cases := []struct {
		name  string
		event event.Event
		kind  EventType
		want  string
	}{
		{"push", push, Pushed, `{"resources":[{"digest":"sha256:v1","tag":"v1","resource_url":"reg.example/lib/app:v1"}],` + repository + `}`},
		{"by digest", untagged, Deleted, `{"resources":[{"digest":"sha256:v1","resource_url":"reg.example/lib/app@sha256:v1"}],` + repository + `}`},
		{"a repository goes", whole, Deleted, `{"resources":[{"resource_url":"reg.example/lib/app"}],` + repository + `}`},
		{"scan", detailed(t, scanned, event.ScanDetail{Type: "vulnerability"}), ScanCompleted,
			`{"resources":[{"digest":"sha256:v1","resource_url":"reg.example/lib/app@sha256:v1","scan_overview":{"r":1}}],` + repository + `,"scan":{"scan_type":"vulnerability"}}`},
		{"bill of materials", detailed(t, scanned, event.ScanDetail{Type: "sbom"}), ScanCompleted,
			`{"resources":[{"digest":"sha256:v1","resource_url":"reg.example/lib/app@sha256:v1","sbom_overview":{"r":1}}],` + repository + `,"scan":{"scan_type":"sbom"}}`},
		{"stopped", detailed(t, stopped, event.ScanDetail{Type: "vulnerability", Stopped: true}), ScanStopped,
			`{"resources":[{"digest":"sha256:v1","resource_url":"reg.example/lib/app@sha256:v1","scan_overview":{"r":1}}],` + repository + `,"scan":{"scan_type":"vulnerability"}}`},
		{"quota", detailed(t, quota, event.QuotaDetail{Limit: 10, Used: 9, Reason: "90 %"}), QuotaWarned,
			`{"repository":{"name":"","namespace":"lib","repo_full_name":"lib","repo_type":"public"},"custom_attributes":{"Details":"90 %"}}`},
		{"replication", detailed(t, event.Event{Kind: event.EndReplication, By: "ann"}, event.ReplicationDetail{
			ExecutionID: 7, TaskID: 8, PolicyID: 3, Policy: "copy", Status: "Success", Trigger: "MANUAL", StartedAt: 1700000000,
			Source: event.ReplicationSide{Name: "Local", Kind: "harbor"}, Destination: event.ReplicationSide{Name: "there", Kind: "quay", Endpoint: "https://quay.io", Namespace: "x"},
			Succeeded: []event.ReplicationItem{{Name: "lib/app", Status: "Success"}}, Failed: []event.ReplicationItem{{Name: "lib/b", Status: "Failure"}},
		}), Replicated, `{"replication":{"harbor_hostname":"reg.example","job_status":"Success","description":"","artifact_type":"image","authentication_type":"basic","override_mode":false,` +
			`"trigger_type":"MANUAL","policy_creator":"ann","execution_timestamp":1700000000,` +
			`"src_resource":{"registry_name":"Local","registry_type":"harbor","endpoint":"","provider":"harbor","namespace":""},` +
			`"dest_resource":{"registry_name":"there","registry_type":"quay","endpoint":"https://quay.io","provider":"quay","namespace":"x"},` +
			`"successful_artifact":[{"type":"image","status":"Success","name_tag":"lib/app"}],"failed_artifact":[{"type":"image","status":"Failure","name_tag":"lib/b"}],"execution_id":7,"task_id":8}}`},
		{"retention", detailed(t, event.Event{Kind: event.RetainTags, ProjectID: 1, Project: "lib", Success: true}, event.Retention{
			Policy: 4, Execution: 9, Result: "Success", Total: 3, Retained: 2, Rules: []event.RetentionRule{}, Deleted: []event.DeletedArtifact{{Type: "image", Status: "Success", NameTag: "lib/app:v0"}},
		}), Retained, `{"retention":{"total":3,"retained":2,"retention_policy_id":4,"execution_id":9,"retention_rule":[],` +
			`"deleted_artifact":[{"type":"image","status":"SUCCESS","name_tag":"lib/app:v0"}],"result":"SUCCESS","harbor_hostname":"reg.example","project_name":"lib"}}`},
	}
	f := facts{host: "reg.example", public: true, made: time.Unix(1690000000, 0), overview: json.RawMessage(`{"r":1}`)}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := typeOf(c.event); got != c.kind {
				t.Errorf("it is a %s, want %s", got, c.kind)
			}
			d, err := dataOf(c.event, f)
			if err != nil {
				t.Fatal(err)
			}
			text, err := encode(d)
			if err != nil || string(text) != c.want {
				t.Errorf("got %v\n%s\nwant\n%s", err, text, c.want)
			}
			v := told{UUID: "u", EventType: c.kind, Operator: "ann", OccurredAt: time.Unix(1700000000, 0), Data: text}
			for format, want := range map[Format]string{
				Default: fmt.Sprintf(`{"type":"%s","occur_at":1700000000,"operator":"ann","event_data":%s}`, c.kind, c.want),
				CloudEvents: fmt.Sprintf(`{"specversion":"1.0","id":"u","requestid":"u","source":"/projects/1/webhook/policies/3","type":"%s","datacontenttype":"application/json",`+
					`"time":"2023-11-14T22:13:20Z","operator":"ann","data":%s}`, c.kind.cloudType(), c.want),
			} {
				body, _, err := v.body(Policy{ID: 3, ProjectID: 1}, Target{Type: HTTP, Format: format})
				if err != nil || string(body) != want {
					t.Errorf("%s: %v\n%s\nwant\n%s", format, err, body, want)
				}
			}
			for _, kind := range []Type{Slack, Teams} {
				body, _, err := v.body(Policy{ID: 3, ProjectID: 1}, Target{Type: kind})
				if err != nil || !json.Valid(body) || !strings.Contains(string(body), c.kind.title()) {
					t.Errorf("%s: %v\n%s", kind, err, body)
				}
			}
		})
	}
	for _, e := range EventTypes() {
		if e.cloudType() == "" {
			t.Errorf("%s has no type in CloudEvents", e)
		}
	}
}

func TestChat(t *testing.T) {
	push := pushed("app", "v1")
	push.By = `<!channel> & [link](https://evil.example) \[a\](b)`
	d, err := dataOf(push, facts{host: "reg.example"})
	if err != nil {
		t.Fatal(err)
	}
	text, _ := encode(d)
	v := told{EventType: Pushed, Operator: push.By, Data: text}
	slack := v.slack()
	if slack.Text != "Push artifact" || len(slack.Blocks) != 2 ||
		!slack.Blocks[0].Text.Verbatim || !slack.Blocks[1].Text.Verbatim ||
		slack.Blocks[1].Text.Text != "*Operator:* &lt;!channel&gt; &amp; [link](https://evil.example) \\[a\\](b)\n*Repository:* lib/app\n*Resource:* reg.example/lib/app:v1\n*Digest:* sha256:v1" {
		t.Errorf("Slack gets %+v", slack)
	}
	reports := json.RawMessage(`{"z":{"scan_status":"Success","severity":"Low"},"a":{"scan_status":"Error","severity":"High"},"m":{"scan_status":"Running"}}`)
	for range 20 {
		if got := fmt.Sprint(scanFacts(reports)); got != "[{Scan Error} {Severity High} {Scan Running} {Severity } {Scan Success} {Severity Low}]" {
			t.Fatalf("reports in another order: %s", got)
		}
	}
	card := v.teams().Attachments[0].Content
	if got := card.Body[1].(teamsFacts).Facts; !reflect.DeepEqual(got[0], teamsFact{"Operator", `<!channel> & \[link\](https://evil.example) \\\[a\\\](b)`}) || len(got) != 4 {
		t.Errorf("Teams gets %+v", got)
	}
}

// The example of the Standard Webhooks specification.
func TestSignature(t *testing.T) {
	h := http.Header{}
	err := sign(h, signingSecret, "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if err != nil || h.Get("Webhook-Signature") != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" || h.Get("Webhook-Timestamp") != "1614265330" {
		t.Errorf("got %v, %v", h, err)
	}
}

func TestPauses(t *testing.T) {
	for attempts, want := range map[int64]time.Duration{1: 5 * time.Second, 2: 15 * time.Second, 3: 45 * time.Second, 6: 10 * time.Minute, 1000: 10 * time.Minute} {
		if got := pauseAfter(attempts); got != want {
			t.Errorf("after %d attempts %s, want %s", attempts, got, want)
		}
	}
	for failures, want := range map[int64]time.Duration{0: time.Second, 1: time.Second, 4: 8 * time.Second, 9: 256 * time.Second, 10: 5 * time.Minute, 1000: 5 * time.Minute} {
		if got := breakAfter(failures); got != want {
			t.Errorf("after %d failures %s, want %s", failures, got, want)
		}
	}
	now := time.Unix(1700000000, 0)
	for header, want := range map[string]time.Duration{"": 0, "7": 7 * time.Second, "-7": 0, "99999999": time.Hour, now.Add(time.Minute).UTC().Format(http.TimeFormat): time.Minute, "soon": 0} {
		if got := retryAfter(header, now); got != want {
			t.Errorf("Retry-After %q: %s, want %s", header, got, want)
		}
	}
}
