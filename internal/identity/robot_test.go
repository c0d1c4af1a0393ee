package identity_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/secret"
)

func TestCreateRobotValidates(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.addProject("production")
		one := func(kind, namespace, resource, action string) []identity.RobotPermission {
			return []identity.RobotPermission{{Kind: kind, Namespace: namespace, Access: []identity.Access{{Resource: resource, Action: action}}}}
		}
		pull := one("project", "production", "repository", "pull")
		cases := []struct {
			name, robot, level string
			days               int64
			permissions        []identity.RobotPermission
			message            string
		}{
			{"name", "Bad Name", "project", 30, pull, "robot name is not in lower case or contains illegal characters"},
			{"name with the sign of projects", "a+b", "project", 30, pull, "robot name is not in lower case or contains illegal characters"},
			{"duration before permissions", "r", "project", 0, nil, "bad request error duration input: 0, duration must be either -1(Never) or a positive integer"},
			{"duration too long", "r", "project", 2147483647, pull, "bad request error duration input: 2147483647, duration must be either -1(Never) or a positive integer"},
			{"level", "r", "planet", 30, pull, "bad request error level input: planet"},
			{"no permission", "r", "project", 30, nil, "bad request empty permission"},
			{"no access", "r", "project", 30, []identity.RobotPermission{{Kind: "project", Namespace: "production"}}, "bad request empty access"},
			{"two projects", "r", "project", 30, append(pull[:1:1], pull...), "bad request permission"},
			{"unknown resource", "r", "project", 30, one("project", "production", "nosuch", "pull"), "bad request permission: nosuch:pull"},
			{"configuration", "r", "system", 30, one("system", "/", "configuration", "read"), "bad request permission: configuration:read"},
			{"robot update", "r", "project", 30, one("project", "production", "robot", "update"), "bad request permission: robot:update"},
			{"system right in a project", "r", "system", 30, one("project", "production", "user", "create"), "bad request permission: user:create"},
			{"system right of a project robot", "r", "project", 30, one("system", "/", "user", "create"), "bad request permission level: system"},
			{"unknown kind", "r", "system", 30, one("galaxy", "/", "user", "create"), "bad request permission level: galaxy"},
			{"all projects for a project robot", "r", "project", 30, one("project", "*", "repository", "pull"), `bad request permission namespace: "*"`},
			{"system elsewhere", "r", "system", 30, one("system", "production", "user", "create"), `bad request permission namespace: "production"`},
			{"project at the root", "r", "system", 30, one("project", "/", "repository", "pull"), `bad request permission namespace: "/"`},
			{"effect", "r", "system", 30, []identity.RobotPermission{{Kind: "system", Namespace: "/", Access: []identity.Access{{Resource: "user", Action: "read", Effect: "maybe"}}}}, "bad request permission effect: maybe"},
		}
		for _, c := range cases {
			_, err := w.CreateRobot(context.Background(), admin, identity.NewRobot{Name: c.robot, Level: c.level, DurationDays: c.days, Permissions: c.permissions})
			t.Run(c.name, func(t *testing.T) { wantFault(t, err, fault.Invalid, c.message) })
		}
		_, err := w.CreateRobot(context.Background(), admin, robotOf("nowhere", "ci", "pull"))
		wantErr(t, err, fault.NotFound)
		if n := w.count(`SELECT COUNT(*) FROM robot`); n != 0 {
			t.Errorf("%d robots were made", n)
		}
	})
}

func TestRobotsAsHarborShowsThem(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		w := newWorld(t, d)
		project := w.addProject("production")
		ci := w.addRobot(robotOf("production", "ci", "pull", "push", "pull"))
		if ci.Name != "production+ci" || ci.Level() != "project" || ci.ProjectID != project || ci.ProjectName != "production" ||
			!ci.ExpiresAt.Equal(w.clock.now().AddDate(0, 0, 30)) || ci.CreatorType != "local" || ci.CreatorID != 1 || ci.DurationDays != 30 {
			t.Errorf("got %+v", ci.Robot)
		}
		if got := fmt.Sprint(ci.Permissions); got != "[{project production [{repository pull } {repository push }]}]" {
			t.Errorf("permissions %s", got)
		}
		_, err := w.CreateRobot(ctx, admin, robotOf("production", "ci", "pull"))
		wantFault(t, err, fault.Conflict, fmt.Sprintf("robot account %d:production+ci already exists", project))
		sys := w.addRobot(identity.NewRobot{Name: "sys", Level: "system", DurationDays: -1, Permissions: []identity.RobotPermission{
			{Kind: "system", Namespace: "/", Access: []identity.Access{{Resource: "project", Action: "create"}}},
			{Kind: "project", Namespace: "*", Access: []identity.Access{{Resource: "repository", Action: "pull", Effect: "allow"}, {Resource: "repository", Action: "push", Effect: "deny"}}},
			{Kind: "project", Namespace: "production", Access: []identity.Access{{Resource: "tag", Action: "list"}}},
		}})
		if !sys.ExpiresAt.IsZero() || sys.Level() != "system" {
			t.Errorf("got %+v", sys.Robot)
		}
		got, err := w.GetRobot(ctx, sys.ID)
		want := "[{system / [{project create }]} {project * [{repository pull } {repository push deny}]} {project production [{tag list }]}]"
		if err != nil || fmt.Sprint(got.Permissions) != want {
			t.Errorf("permissions %v, %v; want %s", got.Permissions, err, want)
		}
		p := w.mustLogin("robot$sys", sys.Secret)
		if len(p.Grants) != 4 || p.Grants[0].Scope != authz.System || p.Grants[1].Scope != authz.EveryProject || !p.Grants[2].Deny || p.Grants[3].ProjectID != project {
			t.Errorf("grants %+v", p.Grants)
		}
		// A deleted project takes its robots along, and its entries in others.
		w.deleteProject(project)
		if got, _ := w.GetRobot(ctx, sys.ID); len(got.Permissions) != 2 {
			t.Errorf("after the project's end: %v", got.Permissions)
		}
		_, err = w.GetRobot(ctx, ci.ID)
		wantErr(t, err, fault.NotFound)
		_, err = w.login("robot$production+ci", ci.Secret)
		wantErr(t, err, identity.ErrCredentials)
		_, err = w.GetRobot(ctx, 999)
		wantErr(t, err, fault.NotFound)
	})
}

func TestUpdateRobot(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		w := newWorld(t, d)
		w.addProject("production")
		w.addProject("elsewhere")
		ci := w.addRobot(robotOf("production", "ci", "pull", "push"))
		before := w.mustLogin("robot$production+ci", ci.Secret)
		pull := robotOf("production", "", "pull").Permissions
		update := func(change func(*identity.RobotUpdate)) error {
			u := identity.RobotUpdate{Name: "robot$production+ci", Level: "project", Description: "new", Permissions: pull}
			change(&u)
			return w.UpdateRobot(ctx, admin, ci.ID, u)
		}
		for _, name := range []string{"robot$production+ci", "robot-production+ci", "production+ci", "ci"} {
			wantErr(t, update(func(u *identity.RobotUpdate) { u.Name = name }), nil)
		}
		const fixed = "cannot update the level or name of robot"
		wantFault(t, update(func(u *identity.RobotUpdate) { u.Name = "other" }), fault.Invalid, fixed)
		wantFault(t, update(func(u *identity.RobotUpdate) { u.Level = "system" }), fault.Invalid, fixed)
		wantFault(t, update(func(u *identity.RobotUpdate) { u.Permissions = nil }), fault.Invalid, "bad request empty permission")
		wantFault(t, update(func(u *identity.RobotUpdate) { u.Permissions = robotOf("elsewhere", "", "pull").Permissions }), fault.Invalid, "cannot update the project id of robot")
		wantErr(t, w.UpdateRobot(ctx, admin, 999, identity.RobotUpdate{}), fault.NotFound)

		w.clock.add(10 * 24 * time.Hour)
		wantErr(t, update(func(u *identity.RobotUpdate) { u.DurationDays = 60 }), nil)
		got, err := w.GetRobot(ctx, ci.ID)
		if err != nil || got.Description != "new" || got.DurationDays != 60 || !got.ExpiresAt.Equal(ci.CreatedAt.AddDate(0, 0, 60)) || len(got.Permissions[0].Access) != 1 {
			t.Errorf("got %+v, %v; a duration counts from the creation", got, err)
		}
		wantFault(t, update(func(u *identity.RobotUpdate) { u.DurationDays = 5 }), fault.Invalid,
			"bad request error duration input: 5, the robot would have expired on 2026-05-06")
		wantErr(t, update(func(*identity.RobotUpdate) {}), nil) // none given: kept
		if got, _ := w.GetRobot(ctx, ci.ID); got.DurationDays != 60 {
			t.Errorf("duration %d, want 60", got.DurationDays)
		}
		wantErr(t, update(func(u *identity.RobotUpdate) { u.DurationDays = -1 }), nil)
		if got, _ := w.GetRobot(ctx, ci.ID); !got.ExpiresAt.IsZero() {
			t.Error("it still expires")
		}
		after := w.mustLogin("robot$production+ci", ci.Secret)
		if len(after.Grants) != 1 || after.Epoch <= before.Epoch {
			t.Errorf("grants %v, epoch %d after %d", after.Grants, after.Epoch, before.Epoch)
		}
		wantErr(t, update(func(u *identity.RobotUpdate) { u.Disabled = true }), nil)
		_, err = w.login("robot$production+ci", ci.Secret)
		wantErr(t, err, identity.ErrCredentials)
		wantErr(t, update(func(u *identity.RobotUpdate) { u.Disabled = false }), nil)
		w.mustLogin("robot$production+ci", ci.Secret)
	})
}

func TestRobotSecret(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		w := newWorld(t, d)
		w.addProject("production")
		ci := w.addRobot(robotOf("production", "ci", "pull"))
		if s := ci.Secret.Reveal(); len(s) != 32 {
			t.Errorf("the secret has %d characters", len(s))
		}
		generated, err := w.SetRobotSecret(ctx, admin, ci.ID, "")
		if err != nil || len(generated.Reveal()) != 32 || generated == ci.Secret {
			t.Fatalf("got %v", err)
		}
		_, err = w.login("robot$production+ci", ci.Secret)
		wantErr(t, err, identity.ErrCredentials)
		w.mustLogin("robot$production+ci", generated)
		_, err = w.SetRobotSecret(ctx, admin, ci.ID, "short")
		wantFault(t, err, fault.Invalid, "the secret must be 8-128, inclusively, characters long with at least 1 uppercase letter, 1 lowercase letter and 1 number")
		shown, err := w.SetRobotSecret(ctx, admin, ci.ID, "Longenough123")
		if err != nil || shown != "" {
			t.Errorf("a chosen secret is shown again: %v", err)
		}
		w.mustLogin("robot$production+ci", "Longenough123")
		_, err = w.SetRobotSecret(ctx, admin, 999, "")
		wantErr(t, err, fault.NotFound)
		wantErr(t, w.DeleteRobot(ctx, admin, ci.ID), nil)
		wantErr(t, w.DeleteRobot(ctx, admin, ci.ID), fault.NotFound)
		_, err = w.login("robot$production+ci", "Longenough123")
		wantErr(t, err, identity.ErrCredentials)
	})
}

func TestRobotsPassOnNoMoreThanTheyHave(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		w := newWorld(t, d)
		w.addProject("production")
		maker := robotOf("production", "maker", "push")
		maker.Permissions[0].Access = append(maker.Permissions[0].Access, identity.Access{Resource: "robot", Action: "create"})
		p := w.mustLogin("robot$production+maker", w.addRobot(maker).Secret)
		child, err := w.CreateRobot(ctx, p, robotOf("production", "child", "push", "pull")) // push implies pull
		if err != nil || child.CreatorType != "robot" || child.CreatorID != p.ID {
			t.Errorf("got %+v, %v", child.Robot, err)
		}
		_, err = w.CreateRobot(ctx, p, robotOf("production", "greedy", "push", "delete"))
		wantErr(t, err, identity.ErrGrantTooBroad)
		everywhere := identity.NewRobot{Name: "everywhere", Level: "system", DurationDays: 1, Permissions: []identity.RobotPermission{
			{Kind: "project", Namespace: "*", Access: []identity.Access{{Resource: "repository", Action: "push"}}}}}
		_, err = w.CreateRobot(ctx, p, everywhere)
		wantErr(t, err, identity.ErrGrantTooBroad)
	})
}

func TestListRobots(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		w := newWorld(t, d)
		project := w.addProject("production")
		w.addProject("other")
		w.addRobot(robotOf("other", "x", "pull"))
		for _, name := range []string{"b", "a", "c"} {
			w.addRobot(robotOf("production", name, "pull", "push"))
		}
		w.addRobot(identity.NewRobot{Name: "sys", Level: "system", DurationDays: -1, Permissions: robotOf("production", "", "pull").Permissions})
		names := func(page []identity.Robot) string {
			var all []string
			for _, r := range page {
				all = append(all, r.Name)
				if len(r.Permissions) != 1 {
					t.Errorf("%s has %d permissions", r.Name, len(r.Permissions))
				}
			}
			return strings.Join(all, " ")
		}
		cases := []struct {
			name   string
			filter identity.RobotFilter
			list   db.List
			total  int64
			want   string
		}{
			{"system", identity.RobotFilter{}, db.List{}, 1, "sys"},
			{"project", identity.RobotFilter{ProjectID: project}, db.List{}, 3, "production+a production+b production+c"},
			{"page", identity.RobotFilter{ProjectID: project}, db.List{Page: 2, Size: 2}, 3, "production+c"},
			{"name", identity.RobotFilter{ProjectID: project}, db.List{Filters: []db.Filter{{Key: "name", Values: []string{"production+b"}}}}, 1, "production+b"},
			{"none", identity.RobotFilter{ProjectID: 999}, db.List{}, 0, ""},
		}
		for _, c := range cases {
			page, total, err := w.ListRobots(ctx, c.filter, c.list)
			if err != nil || total != c.total || names(page) != c.want {
				t.Errorf("%s: %q of %d, %v; want %q of %d", c.name, names(page), total, err, c.want, c.total)
			}
		}
		statements := func(size int) int64 {
			before := d.Executed()
			if _, _, err := w.ListRobots(ctx, identity.RobotFilter{ProjectID: project}, db.List{Page: 1, Size: size}); err != nil {
				t.Fatal(err)
			}
			return d.Executed() - before
		}
		if one, three := statements(1), statements(3); one != three || one > 4 {
			t.Errorf("a page of one robot takes %d statements, of three %d", one, three)
		}
	})
}

// Nothing that is printed, logged, audited or stored holds what only its owner may know (S17).
func TestSecretsStayWithTheirOwners(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		w := newWorld(t, d)
		w.addProject("production")
		const chosen, wrong, typo = secret.Text("Canary-Password-1"), secret.Text("Canary-Wrong-2"), "Canary-InTheNameField-3"
		id := w.addUser("alice", chosen)
		ci := w.addRobot(robotOf("production", "ci", "pull"))
		alice := w.mustLogin("alice", chosen)
		session := w.signInWith("alice", chosen)
		token := w.issue(alice)
		var sinks []any
		collect := func(v any, err error) { sinks = append(sinks, v, err) }
		collect(w.login("alice", wrong))
		collect(w.login(typo, wrong))
		collect(w.login("robot$production+ci", ci.Secret))
		collect(nil, w.SetPassword(ctx, alice, id, new(wrong), wrong))
		collect(nil, w.SetPassword(ctx, alice, id, new(chosen), chosen))
		collect(w.CreateUser(ctx, admin, identity.NewUser{Username: "x", Email: "x", Realname: "x", Password: chosen}))
		collect(w.SetRobotSecret(ctx, admin, ci.ID, "weak-canary"))
		collect(w.VerifyToken(ctx, token))
		collect(w.VerifyToken(ctx, token+"x"))
		collect(w.SessionPrincipal(ctx, session, true))
		collect(w.SessionPrincipal(ctx, session+"x", true))
		collect(ci, nil)
		collect(identity.NewUser{Username: "x", Password: chosen}, nil)
		text := w.dump(sinks)
		for name, value := range map[string]string{"password": chosen.Reveal(), "wrong password": wrong.Reveal(), "name field": typo,
			"robot secret": ci.Secret.Reveal(), "weak secret": "weak-canary", "session": session, "token": token} {
			if i := strings.Index(text, value); i >= 0 {
				t.Errorf("the %s is in …%s…", name, text[max(0, i-80):min(len(text), i+80)])
			}
		}
		if !strings.Contains(text, "[redacted]") || !strings.Contains(text, "argon2id") {
			t.Error("the dump is not what it should be")
		}
	})
}
