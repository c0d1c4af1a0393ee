package webhook

import (
	"errors"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/secret"
)

const signingSecret = secret.Text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")

func hook(change func(*Draft)) Draft {
	d := Draft{Name: "h", Enabled: true, EventTypes: []EventType{Pushed}, Targets: []TargetDraft{{Type: HTTP, Address: "https://ci.example/hook"}}}
	change(&d)
	return d
}

func TestWhatAPolicyMayBe(t *testing.T) {
	text := func(s string) *secret.Text { v := secret.Text(s); return &v }
	for name, c := range map[string]struct {
		change func(*Draft)
		want   string // "" for good
	}{
		"a policy":               {func(*Draft) {}, ""},
		"no name":                {func(d *Draft) { d.Name = " " }, "name"},
		"a long name":            {func(d *Draft) { d.Name = strings.Repeat("n", 256) }, "name"},
		"no target":              {func(d *Draft) { d.Targets = nil }, "empty notification target with policy h"},
		"too many targets":       {func(d *Draft) { d.Targets = make([]TargetDraft, 6) }, "at most 5"},
		"no event":               {func(d *Draft) { d.EventTypes = nil }, "empty event type"},
		"an unknown event":       {func(d *Draft) { d.EventTypes = []EventType{"NOSUCH"} }, "unsupported event type NOSUCH"},
		"an unknown type":        {func(d *Draft) { d.Targets[0].Type = "pigeon" }, "unsupported target type pigeon with policy h"},
		"a relative address":     {func(d *Draft) { d.Targets[0].Address = "x" }, "invalid address"},
		"another scheme":         {func(d *Draft) { d.Targets[0].Address = "ftp://x/" }, "invalid address"},
		"credentials in it":      {func(d *Draft) { d.Targets[0].Address = "https://u:p@x/" }, "auth_header"},
		"an unknown format":      {func(d *Draft) { d.Targets[0].Format = "XML" }, "unsupported payload format"},
		"a format for Slack":     {func(d *Draft) { d.Targets[0].Type, d.Targets[0].Format = Slack, CloudEvents }, "payload format is not allowed"},
		"Teams":                  {func(d *Draft) { d.Targets[0].Type = Teams }, ""},
		"a header of two lines":  {func(d *Draft) { d.Targets[0].AuthHeader = "a\r\nX: y" }, "auth_header"},
		"a secret":               {func(d *Draft) { d.Targets[0].Signing = text(signingSecret.Reveal()) }, ""},
		"a short secret":         {func(d *Draft) { d.Targets[0].Signing = text("whsec_c2hvcnQ=") }, "signing_secret"},
		"a secret in clear":      {func(d *Draft) { d.Targets[0].Signing = text("correct horse battery staple") }, "signing_secret"},
		"a hidden header":        {func(d *Draft) { d.Targets[0].AuthHeader = Hidden }, ""}, // refused against what is stored
		"the same events, twice": {func(d *Draft) { d.EventTypes = []EventType{Pushed, Pushed} }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := hook(c.change).clean()
			if c.want == "" && err != nil || c.want != "" && (!errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), c.want)) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
			if err == nil && (len(got.EventTypes) != 1 || got.Targets[0].Type == HTTP && got.Targets[0].Format != Default) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// What waits for an address, and its secrets, stay with it when others in the list go or change places.
func TestTargetsKeepTheirQueues(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		first, second := newReceiver(t, nil), newReceiver(t, nil)
		signing := signingSecret
		one := TargetDraft{Type: HTTP, Address: first.URL, AuthHeader: "Bearer one"}
		two := TargetDraft{Type: HTTP, Address: second.URL, AuthHeader: "Bearer two", Signing: &signing}
		p := w.policy(1, hook(func(d *Draft) { d.Targets = []TargetDraft{one, two} }))
		w.happen(pushed("app", "v1"))
		waiting := w.all(p)
		one.AuthHeader, two.AuthHeader, two.Signing = Hidden, Hidden, nil
		for _, targets := range [][]TargetDraft{{two, one}, {two}} {
			if err := w.Update(w.ctx, ann, Project{ID: 1}, p.ID, hook(func(d *Draft) { d.Targets = targets })); err != nil {
				t.Fatal(err)
			}
		}
		got, err := w.Get(w.ctx, 1, p.ID)
		if err != nil || len(got.Targets) != 1 || got.Targets[0].ID != p.Targets[1].ID || got.Targets[0].AuthHeader != "Bearer two" || !got.Targets[0].Signed {
			t.Errorf("got %+v, %v", got.Targets, err)
		}
		w.work()
		if all := second.all(); len(first.all()) != 0 || len(all) != 1 || all[0].header.Get("Webhook-Id") != waiting[1].UUID {
			t.Errorf("%d and %d requests", len(first.all()), len(all))
		}
	})
}

func TestPolicies(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		p := w.policy(1, hook(func(d *Draft) {
			signing := signingSecret
			d.Targets[0].AuthHeader, d.Targets[0].Signing = "Bearer canary", &signing
			d.Targets = append(d.Targets, TargetDraft{Type: Slack, Address: "https://hooks.example/x"})
		}))
		if len(p.Targets) != 2 || p.Targets[0].AuthHeader != "Bearer canary" || !p.Targets[0].Signed || p.Targets[1].Signed || p.Targets[0].Format != Default {
			t.Fatalf("got %+v", p)
		}
		for _, column := range []string{"auth_header", "signing_secret"} {
			stored, err := db.Collect(w.ctx, d.Auto(), db.ScanBytes, `SELECT `+column+` FROM webhook_target ORDER BY id`)
			if err != nil || strings.Contains(string(stored[0]), "canary") || strings.Contains(string(stored[0]), "whsec") || len(stored[0]) < 20 || len(stored[1]) > 0 {
				t.Errorf("%s is stored as %q, %v", column, stored, err)
			}
		}
		if _, err := w.Create(w.ctx, ann, Project{ID: 1}, hook(func(*Draft) {})); !errors.Is(err, fault.Conflict) || !strings.HasSuffix(err.Error(), "notification policy named h already exists") {
			t.Errorf("the same name: %v", err)
		}
		w.policy(2, hook(func(*Draft) {}))     // another project's
		w.policy(Whole, hook(func(*Draft) {})) // everybody's
		if _, err := w.Get(w.ctx, 2, p.ID); !errors.Is(err, fault.NotFound) {
			t.Errorf("another project's policy: %v", err)
		}
		if page, total, err := w.List(w.ctx, 1, db.List{}); err != nil || total != 1 || len(page) != 1 || len(page[0].Targets) != 2 {
			t.Errorf("got %+v, %d, %v", page, total, err)
		}

		change := func(change func(*Draft)) error { return w.Update(w.ctx, ann, Project{ID: 1}, p.ID, hook(change)) }
		if err := change(func(d *Draft) { d.Targets[0].AuthHeader, d.Targets[0].Address = Hidden, "https://ci.example/elsewhere" }); err != nil {
			t.Fatal(err)
		}
		got, _ := w.Get(w.ctx, 1, p.ID)
		if len(got.Targets) != 1 || got.Targets[0].AuthHeader != "Bearer canary" || got.Targets[0].Signing != signingSecret || got.Targets[0].ID != p.Targets[0].ID || got.Targets[0].Address != "https://ci.example/elsewhere" {
			t.Errorf("after a change on the same host: %+v", got.Targets)
		}
		if err := change(func(d *Draft) { d.Targets[0].AuthHeader, d.Targets[0].Address = Hidden, "https://evil.example/" }); !errors.Is(err, fault.Invalid) {
			t.Errorf("the header followed to another host: %v", err)
		}
		if err := change(func(d *Draft) {
			d.Targets[0].AuthHeader, d.Targets[0].Address = "Bearer other", "https://evil.example/"
		}); err != nil {
			t.Fatal(err)
		}
		if got, _ = w.Get(w.ctx, 1, p.ID); got.Targets[0].Signed || got.Targets[0].AuthHeader != "Bearer other" {
			t.Errorf("the secret followed to another host: %+v", got.Targets)
		}
		if err := change(func(*Draft) {}); err != nil {
			t.Fatal(err)
		}
		if got, _ = w.Get(w.ctx, 1, p.ID); got.Targets[0].AuthHeader != "" {
			t.Errorf("without a header: %+v", got.Targets)
		}
		if err := w.Delete(w.ctx, ann, Project{ID: 2}, p.ID); !errors.Is(err, fault.NotFound) {
			t.Errorf("another project's policy: %v", err)
		}
		if err := w.Delete(w.ctx, ann, Project{ID: 1}, p.ID); err != nil {
			t.Fatal(err)
		}
		w.work()
		if n, err := db.Get(w.ctx, d.Auto(), db.ScanInt, `SELECT COUNT(*) FROM webhook_target WHERE policy_id = $1`, p.ID); err != nil || n != 0 {
			t.Errorf("%d targets are left, %v", n, err)
		}
	})
}
