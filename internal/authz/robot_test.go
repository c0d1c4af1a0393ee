package authz_test

import (
	"context"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/authz"
	"pgregory.net/rapid"
)

// What Harbor lets robots hold, in the order it lists them.
const (
	systemList = `audit-log:list preheat-instance:read,create,delete,list,update project:list,create
		replication-policy:read,create,delete,list,update replication:read,create,list replication-adapter:list
		registry:read,create,delete,list,update scan-all:read,update,stop,create system-volumes:read
		garbage-collection:read,create,list,update,stop purge-audit:read,create,list,update,stop jobservice-monitor:list,stop
		scanner:read,create,delete,list,update label:read,create,delete,update security-hub:read,list catalog:read quota:read,list
		robot:create,read,list,delete user:create,read,update,list,delete ldap-user:create,list quota:update
		user-group:create,read,update,list,delete`
	projectList = `log:list project:read,delete,update metadata:read,create,delete,list,update
		repository:read,update,delete,list,pull,push artifact:read,create,list,delete scan:create,read,stop sbom:create,stop,read
		tag:create,list,delete accessory:list artifact-addition:read artifact-label:create,delete scanner:create,read
		preheat-policy:read,create,delete,list,update immutable-tag:create,delete,list,update
		notification-policy:read,create,delete,list,update tag-retention:read,create,delete,list,update
		label:read,create,delete,list,update quota:read robot:create,read,list,delete export-cve:create,read
		member:create,read,update,list,delete`
)

func spell(list []authz.Permission) string {
	var all []string
	for _, p := range list {
		all = append(all, string(p.Resource)+":"+string(p.Action))
	}
	return strings.Join(all, " ")
}

func unfold(list string) string {
	var all []string
	for _, word := range strings.Fields(list) {
		resource, actions, _ := strings.Cut(word, ":")
		for _, a := range strings.Split(actions, ",") {
			all = append(all, resource+":"+a)
		}
	}
	return strings.Join(all, " ")
}

func TestRobotPermissionLists(t *testing.T) {
	for level, want := range map[string]string{"system": systemList, "project": projectList, "planet": ""} {
		got := authz.RobotPermissions(level)
		if spell(got) != unfold(want) {
			t.Errorf("%s:\n got %s\nwant %s", level, spell(got), unfold(want))
		}
		for _, p := range everything() {
			if want := strings.Contains(" "+spell(got)+" ", " "+string(p.Resource)+":"+string(p.Action)+" "); authz.RobotMayHold(level, p) != want {
				t.Errorf("a robot may hold %v at %s: %v, want %v", p, level, !want, want)
			}
		}
	}
	for _, never := range []authz.Permission{{Resource: authz.Configuration, Action: authz.Read}, {Resource: authz.Configuration, Action: authz.Update},
		{Resource: authz.RobotAccount, Action: authz.Update}, {Resource: authz.TagRetention, Action: authz.Operate}} {
		if authz.RobotMayHold("system", never) || authz.RobotMayHold("project", never) {
			t.Errorf("a robot may hold %v", never)
		}
	}
}

var (
	pull = authz.Permission{Resource: authz.Repository, Action: authz.Pull}
	push = authz.Permission{Resource: authz.Repository, Action: authz.Push}
)

func allow(scope authz.GrantScope, project int64, p authz.Permission) authz.Grant {
	return authz.Grant{Scope: scope, ProjectID: project, Permission: p}
}

func deny(scope authz.GrantScope, project int64, p authz.Permission) authz.Grant {
	return authz.Grant{Scope: scope, ProjectID: project, Permission: p, Deny: true}
}

func TestRobots(t *testing.T) {
	ctx := context.Background()
	create := authz.Permission{Resource: authz.Project, Action: authz.Create}
	cases := []struct {
		name    string
		level   int64 // the robot's own project, 0: system
		grants  []authz.Grant
		perm    authz.Permission
		here    error
		there   error
		inWhole error // in the system
	}{
		{"nothing", 0, nil, pull, authz.ErrForbidden, authz.ErrForbidden, authz.ErrForbidden},
		{"one project", here, []authz.Grant{allow(authz.OneProject, here, pull)}, pull, nil, authz.ErrForbidden, authz.ErrForbidden},
		{"every project", 0, []authz.Grant{allow(authz.EveryProject, 0, pull)}, pull, nil, nil, authz.ErrForbidden},
		{"system", 0, []authz.Grant{allow(authz.System, 0, create)}, create, authz.ErrForbidden, authz.ErrForbidden, nil},
		{"push implies pull in a project's robot", here, []authz.Grant{allow(authz.OneProject, here, push)}, pull, nil, authz.ErrForbidden, authz.ErrForbidden},
		{"not in a system robot", 0, []authz.Grant{allow(authz.EveryProject, 0, push)}, pull, authz.ErrForbidden, authz.ErrForbidden, authz.ErrForbidden},
		{"pull doesn't imply push", here, []authz.Grant{allow(authz.OneProject, here, pull)}, push, authz.ErrForbidden, authz.ErrForbidden, authz.ErrForbidden},
		{"denied in one of all", 0, []authz.Grant{allow(authz.EveryProject, 0, pull), deny(authz.OneProject, there, pull)}, pull, nil, authz.ErrForbidden, authz.ErrForbidden},
		{"denied before allowed", 0, []authz.Grant{deny(authz.OneProject, here, pull), allow(authz.EveryProject, 0, pull)}, pull, authz.ErrForbidden, nil, authz.ErrForbidden},
		{"denied everywhere", 0, []authz.Grant{allow(authz.OneProject, here, pull), deny(authz.EveryProject, 0, pull)}, pull, authz.ErrForbidden, authz.ErrForbidden, authz.ErrForbidden},
		{"denied pull, though push implies it", here, []authz.Grant{allow(authz.OneProject, here, push), deny(authz.OneProject, here, pull)}, pull, authz.ErrForbidden, authz.ErrForbidden, authz.ErrForbidden},
		{"denied push implies nothing", here, []authz.Grant{deny(authz.OneProject, here, push)}, pull, authz.ErrForbidden, authz.ErrForbidden, authz.ErrForbidden},
	}
	// The robot's id is that of a project administrator: their roles must not be mixed up.
	a := authz.New(members{{1, here}: {authz.ProjectAdmin}, {1, there}: {authz.ProjectAdmin}})
	for _, c := range cases {
		p := authz.Principal{Kind: authz.Robot, ID: 1, Name: "robot$x", ProjectID: c.level, Grants: c.grants}
		check(t, c.name+", here", a.Project(ctx, p, authz.ProjectObject{ID: here}, c.perm), c.here)
		check(t, c.name+", there", a.Project(ctx, p, authz.ProjectObject{ID: there}, c.perm), c.there)
		check(t, c.name+", in the system", a.System(p, c.perm), c.inWhole)
		check(t, c.name+", on /v2/", a.Repository(ctx, p, authz.ProjectObject{ID: here}, "p/app", c.perm.Action),
			a.Project(ctx, p, authz.ProjectObject{ID: here}, authz.Permission{Resource: authz.Repository, Action: c.perm.Action}))
	}
	open := authz.ProjectObject{ID: there, Public: true}
	check(t, "a public project", a.Project(ctx, authz.Principal{Kind: authz.Robot, ID: 1}, open, pull), nil)
	check(t, "Admin on a robot means nothing", a.System(authz.Principal{Kind: authz.Robot, ID: 1, Admin: true}, create), authz.ErrForbidden)
}

// A robot whose grants are all covered by another's can do nothing that the other can't.
func TestCoveredRobotsCanDoNoMore(t *testing.T) {
	ctx := context.Background()
	permissions := []authz.Permission{pull, push, {Resource: authz.Repository, Action: authz.Delete}}
	grant := rapid.Custom(func(t *rapid.T) authz.Grant {
		g := authz.Grant{
			Scope:      rapid.SampledFrom([]authz.GrantScope{authz.System, authz.OneProject, authz.EveryProject}).Draw(t, "scope"),
			Permission: rapid.SampledFrom(permissions).Draw(t, "permission"),
			Deny:       rapid.Bool().Draw(t, "deny"),
		}
		if g.Scope == authz.OneProject {
			g.ProjectID = rapid.SampledFrom([]int64{here, there}).Draw(t, "project")
		}
		return g
	})
	a := authz.New(members{})
	covered := 0
	rapid.Check(t, func(t *rapid.T) {
		level := rapid.SampledFrom([]int64{0, here}).Draw(t, "level")
		maker := authz.Principal{Kind: authz.Robot, ID: 1, ProjectID: level, Grants: rapid.SliceOfN(grant, 0, 5).Draw(t, "maker")}
		made := authz.Principal{Kind: authz.Robot, ID: 2, ProjectID: rapid.SampledFrom([]int64{0, here}).Draw(t, "made level")}
		for _, g := range rapid.SliceOfN(grant, 0, 3).Draw(t, "made") {
			if maker.Covers(g, made.ProjectID != 0) {
				made.Grants = append(made.Grants, g)
				covered++
			}
		}
		for _, perm := range permissions {
			for _, project := range []int64{here, there, 9} {
				object := authz.ProjectObject{ID: project}
				if a.Project(ctx, made, object, perm) == nil && a.Project(ctx, maker, object, perm) != nil {
					t.Fatalf("%+v made %+v, which may %v in project %d", maker.Grants, made.Grants, perm, project)
				}
			}
			if a.System(made, perm) == nil && a.System(maker, perm) != nil {
				t.Fatalf("%+v made %+v, which may %v in the system", maker.Grants, made.Grants, perm)
			}
		}
	})
	if covered == 0 {
		t.Error("no grant was ever covered")
	}
}

func TestCovers(t *testing.T) {
	everywhere := authz.Principal{Kind: authz.Robot, Grants: []authz.Grant{allow(authz.EveryProject, 0, pull)}}
	one := authz.Principal{Kind: authz.Robot, ProjectID: here, Grants: []authz.Grant{allow(authz.OneProject, here, push)}}
	except := authz.Principal{Kind: authz.Robot, Grants: []authz.Grant{allow(authz.EveryProject, 0, pull), deny(authz.OneProject, there, pull)}}
	cases := []struct {
		name  string
		maker authz.Principal
		grant authz.Grant
		want  bool
	}{
		{"all of all", everywhere, allow(authz.EveryProject, 0, pull), true},
		{"one of all", everywhere, allow(authz.OneProject, here, pull), true},
		{"system of all projects", everywhere, allow(authz.System, 0, pull), false},
		{"another right", everywhere, allow(authz.OneProject, here, push), false},
		{"a denial", one, deny(authz.EveryProject, 0, pull), true},
		{"the same", one, allow(authz.OneProject, here, push), true},
		{"implied", one, allow(authz.OneProject, here, pull), true},
		{"elsewhere", one, allow(authz.OneProject, there, push), false},
		{"everywhere", one, allow(authz.EveryProject, 0, push), false},
		{"where denied", except, allow(authz.OneProject, there, pull), false},
		{"where not denied", except, allow(authz.OneProject, here, pull), true},
		{"everywhere, denied in one", except, allow(authz.EveryProject, 0, pull), false},
	}
	pushes := authz.Principal{Kind: authz.Robot, Grants: []authz.Grant{allow(authz.OneProject, here, push)}}
	if pushes.Covers(allow(authz.OneProject, here, push), true) {
		t.Error("a system robot that may only push made a project's robot, which may pull too")
	}
	for _, c := range cases {
		if got := c.maker.Covers(c.grant, c.maker.ProjectID != 0); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
