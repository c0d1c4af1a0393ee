package workload_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/identity/workload"
)

func TestPolicies(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		system := w.create(w.draft())
		own, err := w.workloads.Create(ctx, w.admin, w.team, w.draft()) // the same name, elsewhere
		ok(t, err)
		for _, home := range []int64{0, w.team} {
			if _, err := w.workloads.Create(ctx, w.admin, home, w.draft()); !errors.Is(err, fault.Conflict) {
				t.Errorf("the same name twice: %v", err)
			}
		}
		p, err := w.workloads.Get(ctx, own)
		ok(t, err)
		if p.FullName() != "team+ci" || p.ProjectID != w.team || !p.Enabled || p.Epoch != 1 || !p.CreatedAt.Equal(w.now) || len(p.Permissions) != 1 || p.Permissions[0].Namespace != "team" {
			t.Errorf("%+v", p)
		}
		changed := w.draft()
		changed.Description, changed.Enabled, changed.LifeMinutes = "for tests", false, 60
		changed.Permissions[0].Access = append(changed.Permissions[0].Access, identity.Access{Resource: "repository", Action: "delete", Effect: "deny"})
		w.now = w.now.Add(time.Minute)
		ok(t, w.workloads.Update(ctx, w.admin, own, changed))
		p, err = w.workloads.Get(ctx, own)
		ok(t, err)
		if p.Description != "for tests" || p.Enabled || p.LifeMinutes != 60 || p.Epoch != 2 || len(p.Permissions[0].Access) != 2 || p.Permissions[0].Access[1].Effect != "deny" || !p.UpdatedAt.Equal(w.now) {
			t.Errorf("%+v", p)
		}
		renamed := w.draft()
		renamed.Name = "other"
		if err := w.workloads.Update(ctx, w.admin, own, renamed); !errors.Is(err, fault.Invalid) {
			t.Errorf("renamed: %v", err)
		}
		for home, want := range map[int64]int64{0: system, w.team: own} {
			page, total, err := w.workloads.List(ctx, home, db.List{Page: 1, Size: 10})
			ok(t, err)
			if total != 1 || len(page) != 1 || page[0].ID != want || len(page[0].Permissions) != 1 {
				t.Errorf("list of %d: %+v, %d", home, page, total)
			}
		}
		ok(t, w.workloads.Delete(ctx, w.admin, system))
		for _, err := range []error{w.workloads.Delete(ctx, w.admin, system), w.workloads.Update(ctx, w.admin, system, w.draft())} {
			if !errors.Is(err, fault.NotFound) {
				t.Errorf("one that is gone: %v", err)
			}
		}
		ok(t, w.projects.Delete(ctx, w.admin, w.team))
		if _, err := w.workloads.Get(ctx, own); !errors.Is(err, fault.NotFound) {
			t.Errorf("of a deleted project: %v", err)
		}
		w.refused("of a deleted project", "workload/team+ci", w.issuer.Sign(w.claims()))
		again := w.project("team")
		if _, err := w.workloads.Create(ctx, w.admin, again, w.draft()); err != nil {
			t.Errorf("in a project of the same name: %v", err)
		}
	})
}

func TestDraftsAreChecked(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	w.project("other")
	for what, change := range map[string]func(d *workload.Draft){
		"a name in capitals":          func(d *workload.Draft) { d.Name = "CI" },
		"a name with +":               func(d *workload.Draft) { d.Name = "a+b" },
		"no name":                     func(d *workload.Draft) { d.Name = "" },
		"a description of many lines": func(d *workload.Draft) { d.Description = "a\nb" },
		"an issuer without TLS":       func(d *workload.Draft) { d.Issuer = "http://ci.example.com" },
		"an issuer that is a file":    func(d *workload.Draft) { d.Issuer = "file:///etc/passwd" },
		"an issuer with a password":   func(d *workload.Draft) { d.Issuer = "https://a:b@ci.example.com" },
		"an issuer with a query":      func(d *workload.Draft) { d.Issuer = "https://ci.example.com?x=y" },
		"no issuer":                   func(d *workload.Draft) { d.Issuer = "" },
		"no audience":                 func(d *workload.Draft) { d.Audience = "" },
		"no life":                     func(d *workload.Draft) { d.LifeMinutes = 0 },
		"hours of life":               func(d *workload.Draft) { d.LifeMinutes = 61 },
		"no condition":                func(d *workload.Draft) { d.Condition = "" },
		"no CEL":                      func(d *workload.Draft) { d.Condition = "claims.ref ==" },
		"another variable":            func(d *workload.Draft) { d.Condition = "request.path == ''" },
		"no truth value":              func(d *workload.Draft) { d.Condition = "claims.ref" },
		"a number":                    func(d *workload.Draft) { d.Condition = "1 + 1" },
		"types that don't fit":        func(d *workload.Draft) { d.Condition = "'a' < 1" },
		"a long condition":            func(d *workload.Draft) { d.Condition = "true" + strings.Repeat(" || true", 600) },
		"a deep condition":            func(d *workload.Draft) { d.Condition = strings.Repeat("(", 500) + "true" + strings.Repeat(")", 500) },
		"a key set without keys":      func(d *workload.Draft) { d.KeySet = `{"keys":[]}` },
		"a key set of a secret": func(d *workload.Draft) {
			d.KeySet = `{"keys":[{"kty":"oct","k":"c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0","alg":"HS256"}]}`
		},
		"no key set":     func(d *workload.Draft) { d.KeySet = `hello` },
		"no permissions": func(d *workload.Draft) { d.Permissions = nil },
		"what no robot may hold": func(d *workload.Draft) {
			d.Permissions[0].Access[0] = identity.Access{Resource: "configuration", Action: "update"}
		},
		"an unknown project": func(d *workload.Draft) { d.Permissions[0].Namespace = "nosuch" },
	} {
		for _, home := range []int64{0, w.team} {
			d := w.draft()
			change(&d)
			if _, err := w.workloads.Create(t.Context(), w.admin, home, d); !errors.Is(err, fault.Invalid) && !errors.Is(err, fault.NotFound) {
				t.Errorf("%s (project %d): %v", what, home, err)
			}
		}
	}
	d := w.draft()
	for what, permissions := range map[string][]identity.RobotPermission{
		"another project": {pushing("other")}, "all projects": {pushing("*")}, "two projects": {pushing("team"), pushing("other")},
		"the system": {{Kind: "system", Namespace: "/", Access: []identity.Access{{Resource: "project", Action: "create"}}}},
	} {
		d.Permissions = permissions
		if _, err := w.workloads.Create(t.Context(), w.admin, w.team, d); !errors.Is(err, fault.Invalid) {
			t.Errorf("a project's policy for %s: %v", what, err)
		}
		if what != "the system" {
			d.Name = strings.ReplaceAll(what, " ", "-")
			w.create(d)
		}
	}
}

// A robot grants no more than it has, and neither does a program that a policy let in.
func TestWhatIsPassedOn(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	d := w.draft()
	maker := authz.Principal{Kind: authz.Robot, ID: 1, Name: "robot$maker", Grants: []authz.Grant{
		{Scope: authz.OneProject, ProjectID: w.team, Permission: authz.Permission{Resource: authz.Repository, Action: authz.Pull}}}}
	if _, err := w.workloads.Create(t.Context(), maker, w.team, d); !errors.Is(err, identity.ErrGrantTooBroad) {
		t.Errorf("a robot that may pull lets push: %v", err)
	}
	d.Permissions[0].Access[0].Action = "pull"
	if _, err := w.workloads.Create(t.Context(), maker, w.team, d); err != nil {
		t.Errorf("a robot that may pull lets pull: %v", err)
	}
}

// A condition that works too much is stopped.
func TestConditionsAreBounded(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	d := w.draft()
	d.Condition = `claims.list.all(a, claims.list.all(b, claims.list.all(c, a + b + c >= 0)))`
	w.create(d)
	list := make([]any, 1000)
	for i := range list {
		list[i] = i
	}
	began := time.Now()
	w.refused("a billion steps", "workload", w.issuer.Sign(w.with("list", list)))
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("refused after %s", took)
	}
	_, err := w.logIn("workload", w.issuer.Sign(w.with("list", []any{1, 2, 3})))
	ok(t, err)
}

func TestTry(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	w.create(w.draft())
	branch := w.draft()
	branch.Name, branch.Condition = "branch", `claims.ref.startsWith("refs/heads/release/")`
	w.create(branch)
	missing := w.draft()
	missing.Name, missing.Condition = "missing", `claims.environment == "production"`
	w.create(missing)
	off := w.draft()
	off.Name, off.Enabled = "off", false
	w.create(off)
	elsewhere := w.draft()
	elsewhere.Name, elsewhere.Audience = "elsewhere", "other"
	w.create(elsewhere)
	trials, err := w.workloads.Try(t.Context(), 0, w.claims())
	ok(t, err)
	var got []string
	for _, v := range trials {
		got = append(got, v.Policy+": "+v.Reason)
		if v.Fits != (v.Policy == "ci") {
			t.Errorf("%+v", v)
		}
	}
	want := []string{"branch: the condition is false", "ci: ", "elsewhere: its audience is " + audience + ", not other",
		"missing: evaluate the condition: no such key: environment", "off: the policy is disabled"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	trials, err = w.workloads.Try(t.Context(), w.team, w.claims())
	ok(t, err)
	if len(trials) != 0 {
		t.Errorf("a project without policies: %+v", trials)
	}
}
