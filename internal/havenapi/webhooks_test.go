package havenapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	events "github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/havenapi/gen"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/webhook"
)

// webhook makes a policy of perm with a delivery, unless the last one is still there, and returns the values of a path for both.
func (f *fixture) webhook(name string) []string {
	f.t.Helper()
	ctx := f.t.Context()
	if last := f.lastHook; last != nil {
		if _, err := f.webhooks.Home(ctx, f.lastHookID); err == nil {
			return last
		}
	}
	perm, err := f.projects.ByName(ctx, "perm")
	ok(f.t, err)
	id, err := f.webhooks.Create(ctx, f.admin, webhook.Project{ID: perm.ID, Name: "perm"}, webhook.Draft{
		Name: name, Enabled: true, EventTypes: []webhook.EventType{webhook.Pushed}, Targets: []webhook.TargetDraft{{Type: webhook.HTTP, Address: "http://127.0.0.1:1/", AuthHeader: "canary"}},
	})
	ok(f.t, err)
	f.happened(events.Event{Kind: events.CreateArtifact, ProjectID: perm.ID, Project: "perm", Repository: "perm/app", Tag: "v1", Success: true})
	rows, _, err := f.webhooks.Deliveries(ctx, perm.ID, id, db.List{})
	ok(f.t, err)
	f.lastHookID, f.lastHook = id, []string{"{webhook_policy_id}", fmt.Sprint(id), "{delivery_id}", fmt.Sprint(rows[0].ID)}
	return f.lastHook
}

// happened hands an event to webhooks, as the dispatcher does.
func (f *fixture) happened(e events.Event) {
	f.t.Helper()
	ok(f.t, f.db.WriteRelaxed(f.t.Context(), func(tx db.Tx) error { return f.webhooks.Handle(f.t.Context(), tx, []events.Event{e}) }))
}

// A robot that may change a project's policies, and not delete them, doesn't so by this API either.
func TestWhoMayDeleteAWebhook(t *testing.T) {
	f := newFixture(t, dbtest.SQLite(t))
	peopled(f)
	path := "/webhooks/" + f.webhook("kept")[1]
	may := func(action string) identity.Access {
		return identity.Access{Resource: "notification-policy", Action: action}
	}
	f.must(f.robot("changes", "project", in("perm", may("read"), may("update"))), "DELETE", path, "", 404, nil)
	f.must(f.robot("deletes", "project", in("perm", may("delete"))), "DELETE", path, "", 200, nil)
}

func TestWebhooks(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		f := newFixture(t, d)
		peopled(f)
		must := func(want int, method, path, body string, into any) http.Header {
			t.Helper()
			w := f.do("admin", method, path, body)
			if w.Code != want {
				t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
			}
			if strings.Contains(w.Body.String(), "canary") {
				t.Errorf("%s %s shows a secret: %s", method, path, w.Body)
			}
			if into != nil {
				ok(t, json.Unmarshal(w.Body.Bytes(), into))
			}
			return w.Header()
		}
		// Nobody listens there.
		const body = `{"name":"all","enabled":true,"event_types":["PUSH_ARTIFACT"],"targets":[{"type":"teams","address":"http://127.0.0.1:1/x","auth_header":"canary","signing_secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}]}`
		location := must(201, "POST", "/webhooks", body, nil).Get("Location")
		path := strings.TrimPrefix(location, "/api/haven/v1")
		var p gen.WebhookPolicy
		must(200, "GET", path, "", &p)
		if p.ProjectID != 0 || p.Targets[0].AuthHeader != "*****" || p.Targets[0].SigningSecret == nil || *p.Targets[0].SigningSecret != "*****" || p.Targets[0].Type != "teams" {
			t.Errorf("got %+v", p)
		}
		var all []gen.WebhookPolicy
		must(200, "GET", "/webhooks", "", &all)
		if len(all) != 1 || all[0].Name != "all" {
			t.Errorf("got %+v", all)
		}
		must(400, "POST", "/webhooks", `{"name":"x","event_types":["NOSUCH"],"targets":[{"type":"http","address":"http://x/"}]}`, nil)
		sent, _ := json.Marshal(p)
		must(200, "PUT", path, string(sent), nil) // as it was shown
		must(400, "PUT", path, strings.Replace(string(sent), "127.0.0.1", "127.0.0.2", 1), nil)

		f.happened(events.Event{Kind: events.CreateArtifact, ProjectID: 7, Project: "any", Repository: "any/app", Tag: "v1", Success: true})
		var deliveries []gen.WebhookDelivery
		must(200, "GET", path+"/deliveries?q=status=Running", "", &deliveries)
		if len(deliveries) != 1 || deliveries[0].Subject != "any/app" || deliveries[0].Status != "Pending" {
			t.Fatalf("got %+v", deliveries)
		}
		one := fmt.Sprintf("%s/deliveries/%d", path, deliveries[0].ID)
		var delivery gen.WebhookDelivery
		must(200, "GET", one, "", &delivery)
		if !strings.Contains(delivery.RequestHead, "Authorization: *****") || !strings.Contains(delivery.RequestBody, "AdaptiveCard") || delivery.Address != "http://127.0.0.1:1/x" {
			t.Errorf("got %+v", delivery)
		}
		must(200, "POST", one+"/cancel", "", nil)
		must(200, "GET", one, "", &delivery)
		if delivery.Status != "Stopped" {
			t.Errorf("called off: %+v", delivery)
		}
		must(202, "POST", one+"/redeliver", "", nil)
		var again gen.WebhookRedelivery
		must(200, "POST", path+"/redeliver", "", &again)
		if again.Deliveries != 0 {
			t.Errorf("%d failed", again.Deliveries)
		}
		var trials []gen.WebhookTest
		must(200, "POST", path+"/test", "", &trials)
		if len(trials) != 1 || trials[0].Delivered || trials[0].Complaint != "nothing listens there" ||
			!strings.Contains(trials[0].RequestHead, "Authorization: *****") || !strings.Contains(trials[0].RequestBody, "webhook-test") {
			t.Errorf("got %+v", trials)
		}
		must(200, "DELETE", path, "", nil)
		must(404, "GET", path, "", nil)
	})
}
