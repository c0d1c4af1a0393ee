package authz_test

import (
	"context"
	"slices"
	"testing"

	"github.com/havenregistry/haven/internal/authz"
	"pgregory.net/rapid"
)

// personal is a token of an owner, with limits.
func personal(owner authz.Principal, limits ...authz.Grant) authz.Principal {
	return authz.Principal{Kind: authz.Personal, ID: owner.ID, Name: owner.Name, Owner: &owner, Limits: limits, TokenID: 1}
}

func limit(scope authz.GrantScope, project int64, resource authz.Resource, action authz.Action) authz.Grant {
	return authz.Grant{Scope: scope, ProjectID: project, Permission: authz.Permission{Resource: resource, Action: action}}
}

func TestPersonalTokens(t *testing.T) {
	ctx := context.Background()
	a := authz.New(members{{1, here}: {authz.Developer}, {1, there}: {authz.Guest}})
	administrator := authz.Principal{Kind: authz.User, ID: 3, Admin: true}
	pull, push := limit(authz.OneProject, here, authz.Repository, authz.Pull), limit(authz.OneProject, here, authz.Repository, authz.Push)
	all := limit(authz.EveryProject, 0, authz.AnyResource, authz.AnyAction)
	for _, c := range []struct {
		name    string
		p       authz.Principal
		project authz.ProjectObject
		perm    authz.Permission
		want    error
	}{
		{"within owner and limits", personal(user(1), pull), authz.ProjectObject{ID: here}, pull.Permission, nil},
		{"the owner may, the limits don't", personal(user(1), pull), authz.ProjectObject{ID: here}, push.Permission, authz.ErrForbidden},
		{"push brings pull", personal(user(1), push), authz.ProjectObject{ID: here}, pull.Permission, nil},
		{"another project", personal(user(1), pull), authz.ProjectObject{ID: there}, pull.Permission, authz.ErrForbidden},
		{"the limits let, the owner may not", personal(user(1), all), authz.ProjectObject{ID: there}, push.Permission, authz.ErrForbidden},
		{"everything, as the owner", personal(user(1), all), authz.ProjectObject{ID: here}, push.Permission, nil},
		{"everything, of an administrator", personal(administrator, all), authz.ProjectObject{ID: there}, push.Permission, nil},
		{"one project, of an administrator", personal(administrator, pull), authz.ProjectObject{ID: there}, pull.Permission, authz.ErrForbidden},
		{"a stranger's", personal(user(9), all), authz.ProjectObject{ID: here}, pull.Permission, authz.ErrForbidden},
		{"no limits, no rights", personal(administrator), authz.ProjectObject{ID: here}, pull.Permission, authz.ErrForbidden},
		{"what everybody may in public", personal(user(9)), authz.ProjectObject{ID: here, Public: true}, pull.Permission, nil},
		{"limits of the system don't reach projects", personal(administrator, limit(authz.System, 0, authz.AnyResource, authz.AnyAction)),
			authz.ProjectObject{ID: here}, pull.Permission, authz.ErrForbidden},
		{"without an owner", authz.Principal{Kind: authz.Personal, ID: 3, Admin: true, Limits: []authz.Grant{all}},
			authz.ProjectObject{ID: here}, pull.Permission, authz.ErrForbidden},
	} {
		check(t, c.name, a.Project(ctx, c.p, c.project, c.perm), c.want)
	}
}

func TestPersonalTokensInTheSystem(t *testing.T) {
	a := authz.New(members{})
	administrator := authz.Principal{Kind: authz.User, ID: 3, Admin: true}
	read := authz.Permission{Resource: authz.SystemConfig, Action: authz.Read}
	limited := limit(authz.System, 0, authz.SystemConfig, authz.Read)
	check(t, "limited to it", a.System(personal(administrator, limited), read), nil)
	check(t, "another right", a.System(personal(administrator, limited), authz.Permission{Resource: authz.SystemConfig, Action: authz.Update}), authz.ErrForbidden)
	check(t, "everything in projects", a.System(personal(administrator, limit(authz.EveryProject, 0, authz.AnyResource, authz.AnyAction)), read), authz.ErrForbidden)
	check(t, "everything in the system", a.System(personal(administrator, limit(authz.System, 0, authz.AnyResource, authz.AnyAction)), read), nil)
	check(t, "the owner isn't one", a.System(personal(user(1), limited), read), authz.ErrForbidden)
}

// drawToken draws an owner with roles in two projects, and a token with limits.
func drawToken(t *rapid.T, all []authz.Permission) (token authz.Principal, roles members) {
	role := rapid.SampledFrom([]authz.Role{1, 2, 3, 4, 5})
	roles = members{{1, here}: rapid.SliceOfN(role, 0, 2).Draw(t, "roles here"), {1, there}: rapid.SliceOfN(role, 0, 2).Draw(t, "roles there")}
	owner := authz.Principal{Kind: authz.User, ID: 1, Admin: rapid.IntRange(0, 3).Draw(t, "administrator") == 0}
	grant := rapid.Custom(func(t *rapid.T) authz.Grant {
		g := authz.Grant{Scope: rapid.SampledFrom([]authz.GrantScope{authz.System, authz.OneProject, authz.EveryProject}).Draw(t, "scope")}
		if g.Scope == authz.OneProject {
			g.ProjectID = rapid.SampledFrom([]int64{here, there}).Draw(t, "project")
		}
		g.Permission = rapid.SampledFrom(all).Draw(t, "limit")
		return g
	})
	return personal(owner, rapid.SliceOfN(grant, 0, 4).Draw(t, "limits")...), roles
}

// A token never allows what its owner may not, and nothing beyond its limits but what everybody may.
func TestATokenIsAPartOfItsOwner(t *testing.T) {
	ctx, all := context.Background(), everything()
	rapid.Check(t, func(t *rapid.T) {
		token, roles := drawToken(t, all)
		a := authz.New(roles)
		object := authz.ProjectObject{ID: rapid.SampledFrom([]int64{here, there}).Draw(t, "in"), Public: rapid.Bool().Draw(t, "public")}
		perm := rapid.SampledFrom(all).Draw(t, "permission")
		if len(token.Limits) > 0 && rapid.Bool().Draw(t, "one of its limits") {
			perm = token.Limits[0].Permission
		}
		may := a.Project(ctx, token, object, perm) == nil
		ownerMay := a.Project(ctx, *token.Owner, object, perm) == nil
		anybodyMay := a.Project(ctx, authz.Principal{}, object, perm) == nil
		passes := slices.ContainsFunc(token.Limits, func(g authz.Grant) bool {
			inPlace := g.Scope == authz.EveryProject || g.Scope == authz.OneProject && g.ProjectID == object.ID
			pushed := g.Permission == authz.Permission{Resource: authz.Repository, Action: authz.Push} && perm == authz.Permission{Resource: authz.Repository, Action: authz.Pull}
			return inPlace && (g.Permission == perm || pushed || g.Resource == "*" && g.Action == "*")
		})
		if may && !ownerMay {
			t.Fatalf("the token may %v in %v, its owner may not", perm, object)
		}
		if may != (anybodyMay || ownerMay && passes) {
			t.Fatalf("the token may %v in %v: %v; the owner %v, the limits %v, anybody %v", perm, object, may, ownerMay, passes, anybodyMay)
		}
		if token.MayEverywhere(perm) && !token.Owner.MayEverywhere(perm) {
			t.Fatalf("the token may %v everywhere, its owner may not", perm)
		}
		if a.System(token, perm) == nil && a.System(*token.Owner, perm) != nil {
			t.Fatalf("the token may %v in the system, its owner may not", perm)
		}
		listed, err := a.Permissions(ctx, token, object)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range listed {
			if a.Project(ctx, token, object, p) != nil {
				t.Fatalf("%v is listed and refused", p)
			}
		}
	})
}

// What a token passes on to a robot is nothing that the token itself may not.
func TestATokenPassesOnAPart(t *testing.T) {
	ctx, all := context.Background(), everything()
	rapid.Check(t, func(t *rapid.T) {
		token, roles := drawToken(t, all)
		token.Owner.Admin = true
		given := authz.Grant{Scope: rapid.SampledFrom([]authz.GrantScope{authz.System, authz.OneProject, authz.EveryProject}).Draw(t, "given scope"),
			Permission: rapid.SampledFrom(all).Draw(t, "given")}
		if given.Scope == authz.OneProject {
			given.ProjectID = here
		}
		if len(token.Limits) > 0 && rapid.Bool().Draw(t, "one of its limits") {
			given.Permission = token.Limits[0].Permission
		}
		if !token.Covers(given, false) {
			return
		}
		a, robot := authz.New(roles), authz.Principal{Kind: authz.Robot, ID: 5, Grants: []authz.Grant{given}}
		for _, perm := range []authz.Permission{given.Permission, {Resource: authz.Repository, Action: authz.Pull}} {
			for _, id := range []int64{here, there} {
				if a.Project(ctx, robot, authz.ProjectObject{ID: id}, perm) == nil && a.Project(ctx, token, authz.ProjectObject{ID: id}, perm) != nil {
					t.Fatalf("a robot with %v may %v in %d, the token may not", given, perm, id)
				}
			}
			if a.System(robot, perm) == nil && a.System(token, perm) != nil {
				t.Fatalf("a robot with %v may %v in the system, the token may not", given, perm)
			}
		}
	})
}
