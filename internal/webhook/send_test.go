package webhook

import (
	"net/http"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
)

// What is sent, and where it isn't.
func TestRequests(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := newReceiver(t, nil)
		signing := signingSecret
		p := w.policy(1, Draft{Name: "h", Enabled: true, EventTypes: []EventType{Pushed}, Targets: []TargetDraft{
			{Type: HTTP, Address: v.URL + "/hook?key=1", AuthHeader: "Bearer canary", Signing: &signing, Format: CloudEvents},
		}})
		w.happen(pushed("app", "v1"))
		w.work()
		all := v.all()
		if len(all) != 1 {
			t.Fatalf("%d requests", len(all))
		}
		h := all[0].header
		want := http.Header{}
		if err := sign(want, signing, h.Get("Webhook-Id"), w.Clock(), all[0].body); err != nil {
			t.Fatal(err)
		}
		if h.Get("Authorization") != "Bearer canary" || h.Get("Content-Type") != "application/cloudevents+json" || h.Get("Webhook-Signature") != want.Get("Webhook-Signature") {
			t.Errorf("headers %v", h)
		}
		x, err := w.Exchange(w.ctx, 1, p.ID, w.all(p)[0].ID)
		if err != nil || strings.Contains(x.Log()+x.RequestHead, "canary") || x.RequestBody != string(all[0].body) || !strings.HasPrefix(x.RequestHead, "POST /hook?key=1\nHost: ") {
			t.Errorf("%v: %+v", err, x)
		}
		// A redirect isn't followed, and what a project enters may not be inside.
		target := newReceiver(t, nil)
		v.answers(func(w http.ResponseWriter, _ received) {
			w.Header().Set("Location", target.URL)
			w.WriteHeader(http.StatusTemporaryRedirect)
		})
		w.happen(pushed("app", "v2"))
		w.work()
		if got := w.all(p)[1]; got.Status != Waiting || got.Answer != 307 || len(target.all()) != 0 {
			t.Errorf("a redirect: %+v", got)
		}
		w.Networks = nil
		w.Service = New(w.Deps)
		inside := w.tell("inside", target.URL)
		whole := w.policy(Whole, Draft{Name: "h", Enabled: true, EventTypes: []EventType{Pushed}, Targets: []TargetDraft{{Type: HTTP, Address: target.URL}}})
		w.happen(pushed("app", "v3"))
		w.work()
		if got := w.all(inside)[0]; got.Status != Waiting || !strings.Contains(got.Complaint, "this address may not be connected to: webhooks of projects reach the networks that --webhook-networks lists") {
			t.Errorf("the inside: %+v", got)
		}
		if got := w.all(whole)[0]; got.Status != Delivered || len(target.all()) != 1 {
			t.Errorf("what an administrator entered: %+v", got)
		}
	})
}
