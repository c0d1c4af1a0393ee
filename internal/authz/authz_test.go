package authz_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/authz"
	"pgregory.net/rapid"
)

// matrix says who may do what in a project, in the letters of roles below; * is everybody, signed in or
// not, when the project is public. What isn't listed, nobody but system administrators may do.
const matrix = `
project             read                                     PMDGL*
project             update delete                            P
member              read list                                PMDG
member              create update delete                     P
metadata            read list                                PM
metadata            create update delete                     P
log                 list                                     P
label               read list                                PMDG*
label               create update delete                     PM
quota               read                                     PMDGL
repository          read                                     PMDGL
repository          list pull                                PMDGL*
repository          create update push                       PMD
repository          delete                                   PM
artifact            read list                                PMDGL*
artifact            create                                   PMD
artifact            delete                                   PM
artifact-addition   read                                     PMDGL*
accessory           list                                     PMDGL*
tag                 list                                     PMDGL*
tag                 create                                   PMD
tag                 delete                                   PM
artifact-label      create delete                            PMD
scan                read                                     PMDGL*
scan                create stop                              PM
sbom                read                                     PMDGL
sbom                create stop                              PM
scanner             read                                     PMDGL*
scanner             create                                   P
tag-retention       create read update delete list operate   PMD
immutable-tag       create update delete list                PM
notification-policy read list                                PM
notification-policy create update delete                     P
robot               read list                                PMDG
robot               create update delete                     P
preheat-policy      create read update delete list           P
export-cve          create read list                         PMD
configuration       read                                     PMDGL
configuration       update                                   P
`

var letters = map[string]authz.Role{
	"P": authz.ProjectAdmin, "M": authz.Maintainer, "D": authz.Developer, "G": authz.Guest, "L": authz.LimitedGuest,
}

// table is matrix by permission.
func table(t *testing.T) map[authz.Permission]string {
	t.Helper()
	cells := map[authz.Permission]string{}
	for _, line := range strings.Split(strings.TrimSpace(matrix), "\n") {
		f := strings.Fields(line)
		for _, action := range f[1 : len(f)-1] {
			p := authz.Permission{Resource: authz.Resource(f[0]), Action: authz.Action(action)}
			if _, twice := cells[p]; twice {
				t.Fatalf("%v is twice in the matrix", p)
			}
			cells[p] = f[len(f)-1]
		}
	}
	return cells
}

// everything is each action on each resource that exists anywhere, and some that don't.
func everything() []authz.Permission {
	resources := []authz.Resource{authz.Project, authz.Member, authz.Metadata, authz.Log, authz.Label, authz.Quota, authz.Repository,
		authz.Artifact, authz.ArtifactAddition, authz.ArtifactLabel, authz.Accessory, authz.Tag, authz.Scan, authz.SBOM, authz.Scanner,
		authz.TagRetention, authz.ImmutableTag, authz.NotificationPolicy, authz.RobotAccount, authz.PreheatPolicy, authz.ExportCVE,
		authz.Configuration, authz.AuditLog, authz.PreheatInstance, authz.ReplicationPolicy, authz.Replication, authz.ReplicationAdapter,
		authz.Registry, authz.ScanAll, authz.SystemVolumes, authz.GarbageCollection, authz.PurgeAudit, authz.JobServiceMonitor,
		authz.SecurityHub, authz.Catalog, authz.UserAccount, authz.LDAPUser, authz.UserGroup, "", "nosuch", "*"}
	actions := []authz.Action{authz.Create, authz.Read, authz.Update, authz.Delete, authz.ListAll, authz.Pull, authz.Push, authz.Stop,
		authz.Operate, authz.ScannerPull, "", "nosuch", "*"}
	var all []authz.Permission
	for _, r := range resources {
		for _, a := range actions {
			all = append(all, authz.Permission{Resource: r, Action: a})
		}
	}
	return all
}

// members are the roles of accounts in projects.
type members map[[2]int64][]authz.Role

func (m members) Roles(_ context.Context, accountID, projectID int64) ([]authz.Role, error) {
	return m[[2]int64{accountID, projectID}], nil
}

const (
	here  = int64(7)
	there = int64(8)
)

func user(id int64) authz.Principal { return authz.Principal{Kind: authz.User, ID: id, Name: "user"} }

func check(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) || (want == nil) != (got == nil) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// Each cell, for each role, in private and public projects, and what is in no cell.
func TestRolesInProjects(t *testing.T) {
	ctx, cells := context.Background(), table(t)
	for _, public := range []bool{false, true} {
		for letter, role := range letters {
			a := authz.New(members{{1, here}: {role}, {2, there}: {role}})
			for _, perm := range everything() {
				open := public && strings.Contains(cells[perm], "*")
				refusedUnless := func(ok bool, refusal error) error {
					if ok {
						return nil
					}
					return refusal
				}
				object := authz.ProjectObject{ID: here, Public: public}
				what := fmt.Sprintf("%s %s:%s (public %v)", role, perm.Resource, perm.Action, public)
				check(t, what, a.Project(ctx, user(1), object, perm), refusedUnless(open || strings.Contains(cells[perm], letter), authz.ErrForbidden))
				check(t, what+" elsewhere", a.Project(ctx, user(2), object, perm), refusedUnless(open, authz.ErrForbidden))
				check(t, what+" as nobody", a.Project(ctx, authz.Principal{}, object, perm), refusedUnless(open, authz.ErrUnauthenticated))
				check(t, what+" as administrator", a.Project(ctx, authz.Principal{Kind: authz.User, ID: 3, Admin: true}, object, perm), nil)
				check(t, what+" in the system", a.System(user(1), perm), authz.ErrForbidden)
			}
		}
	}
}

func TestPermissionsAreTheTable(t *testing.T) {
	ctx, cells := context.Background(), table(t)
	for letter, role := range letters {
		a := authz.New(members{{1, here}: {role}})
		for _, public := range []bool{false, true} {
			object := authz.ProjectObject{ID: here, Public: public}
			got, err := a.Permissions(ctx, user(1), object)
			if err != nil {
				t.Fatal(err)
			}
			for perm, who := range cells {
				want := strings.Contains(who, letter) || public && strings.Contains(who, "*")
				if slices.Contains(got, perm) != want {
					t.Errorf("%s lists %v: %v, want %v", role, perm, !want, want)
				}
			}
			if extra := slices.IndexFunc(got, func(p authz.Permission) bool { return cells[p] == "" }); extra >= 0 {
				t.Errorf("%s lists %v, which is in no cell", role, got[extra])
			}
		}
	}
	got, err := authz.New(members{}).Permissions(ctx, authz.Principal{Kind: authz.User, Admin: true}, authz.ProjectObject{ID: here})
	if err != nil || len(got) != len(cells) {
		t.Errorf("an administrator has %d permissions, want %d (%v)", len(got), len(cells), err)
	}
}

// Roles add up, and no set of roles gives more than its roles do.
func TestRolesAddUp(t *testing.T) {
	ctx, all := context.Background(), everything()
	rapid.Check(t, func(t *rapid.T) {
		roles := rapid.SliceOf(rapid.SampledFrom([]authz.Role{1, 2, 3, 4, 5, 0, 6, 63})).Draw(t, "roles")
		perm := rapid.SampledFrom(all).Draw(t, "permission")
		object := authz.ProjectObject{ID: here, Public: rapid.Bool().Draw(t, "public")}
		together := authz.New(members{{1, here}: roles}).Project(ctx, user(1), object, perm) == nil
		anyone := authz.New(members{}).Project(ctx, user(1), object, perm) == nil
		for _, r := range roles {
			anyone = anyone || authz.New(members{{1, here}: {r}}).Project(ctx, user(1), object, perm) == nil
		}
		if together != anyone {
			t.Fatalf("roles %v give %v: %v, one by one %v", roles, perm, together, anyone)
		}
	})
}

type brokenRoles struct{}

var errBroken = errors.New("the database is away")

func (brokenRoles) Roles(context.Context, int64, int64) ([]authz.Role, error) { return nil, errBroken }

// Not to know is to refuse, as a failure and not as a decision.
func TestUnknownRolesRefuse(t *testing.T) {
	a := authz.New(brokenRoles{})
	err := a.Project(context.Background(), user(1), authz.ProjectObject{ID: here}, authz.Permission{Resource: authz.Repository, Action: authz.Pull})
	if !errors.Is(err, errBroken) || errors.Is(err, authz.ErrForbidden) || errors.Is(err, authz.ErrUnauthenticated) {
		t.Errorf("got %v, want the failure", err)
	}
}

func TestTokens(t *testing.T) {
	ctx := context.Background()
	a := authz.New(members{{1, here}: {authz.ProjectAdmin}})
	token := authz.Principal{Kind: authz.Bearer, ID: 1, Token: []authz.TokenGrant{
		{ProjectID: here, Repository: "p/app", Actions: []authz.Action{authz.Pull}},
		{ProjectID: here, Repository: "p/other", Actions: []authz.Action{authz.Pull, authz.Push}},
	}}
	cases := []struct {
		name       string
		project    int64
		repository string
		action     authz.Action
		want       error
	}{
		{"granted", here, "p/app", authz.Pull, nil},
		{"granted on another repository only", here, "p/app", authz.Push, authz.ErrUnauthenticated},
		{"the other repository", here, "p/other", authz.Push, nil},
		{"no scope", here, "p/none", authz.Pull, authz.ErrUnauthenticated},
		{"another project under the same name", there, "p/app", authz.Pull, authz.ErrUnauthenticated},
		{"not granted, though the holder may", here, "p/app", authz.Delete, authz.ErrUnauthenticated},
		{"a part of the name", here, "p/ap", authz.Pull, authz.ErrUnauthenticated},
	}
	for _, c := range cases {
		check(t, c.name, a.Repository(ctx, token, authz.ProjectObject{ID: c.project}, c.repository, c.action), c.want)
	}
	// A public project doesn't widen a token, and no token reaches the API, whoever holds it.
	check(t, "public", a.Repository(ctx, token, authz.ProjectObject{ID: here, Public: true}, "p/none", authz.Pull), authz.ErrUnauthenticated)
	token.Admin = true
	for _, perm := range everything() {
		check(t, fmt.Sprint("API ", perm), a.Project(ctx, token, authz.ProjectObject{ID: here, Public: true}, perm), authz.ErrForbidden)
		check(t, fmt.Sprint("system ", perm), a.System(token, perm), authz.ErrForbidden)
	}
	check(t, "the holder by password", a.Repository(ctx, user(1), authz.ProjectObject{ID: here}, "p/app", authz.Delete), nil)
	if (authz.Principal{Kind: authz.Bearer}).Authenticated() || !token.Authenticated() {
		t.Error("nobody's token counts as somebody, or somebody's as nobody")
	}
}

func TestHighest(t *testing.T) {
	for _, c := range []struct {
		roles []authz.Role
		want  authz.Role
	}{
		{nil, 0},
		{[]authz.Role{authz.LimitedGuest, authz.Guest}, authz.Guest},
		{[]authz.Role{authz.Developer, authz.Maintainer}, authz.Maintainer}, // 4 is more than 2
		{[]authz.Role{authz.Guest, authz.ProjectAdmin, authz.Developer}, authz.ProjectAdmin},
		{[]authz.Role{99}, 0},
	} {
		if got := authz.Highest(c.roles); got != c.want {
			t.Errorf("of %v: %v, want %v", c.roles, got, c.want)
		}
	}
}
