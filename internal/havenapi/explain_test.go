package havenapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"testing"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/havenapi/gen"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/project"
)

func ask(f *fixture, who, query string) gen.AccessExplanation {
	f.t.Helper()
	var e gen.AccessExplanation
	f.must(who, http.MethodGet, "/explain?"+query, "", http.StatusOK, &e)
	return e
}

func codes(e gen.AccessExplanation) (all []string) {
	for _, r := range e.Reasons {
		all = append(all, r.Code)
	}
	return all
}

func TestExplain(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		f := newFixture(t, d)
		peopled(f)
		f.project("pub", true)
		f.robot("deny", "system", in("*", identity.Access{Resource: "repository", Action: "pull"}),
			in("perm", identity.Access{Resource: "repository", Action: "pull", Effect: "deny"}))
		for _, c := range []struct {
			name, who, query string
			allowed          bool
			codes            []string
		}{
			{"a role", "admin", "user=developer&project=perm&resource=repository&action=push", true, []string{"role"}},
			{"a role that lacks it", "padmin", "user=guest&project=perm&resource=repository&action=push", false, []string{"role_lacks"}},
			{"no role", "padmin", "user=stranger&project=perm&resource=repository&action=pull", false, []string{"not_public", "no_role"}},
			{"public", "admin", "user=stranger&project=pub&resource=repository&action=pull", true, []string{"public_project"}},
			{"anonymous on public", "admin", "anonymous=true&project=pub&resource=repository&action=pull", true, []string{"public_project"}},
			{"anonymous", "admin", "anonymous=true&project=pub&resource=repository&action=push", false, []string{"not_signed_in"}},
			{"administrator", "admin", "project=perm&resource=repository&action=delete", true, []string{"system_administrator"}},
			{"the system", "admin", "user=padmin&resource=configuration&action=update", false, []string{"administrator_only"}},
			{"a grant", "admin", "robot=robot$perm%2Bci&project=perm&resource=repository&action=push", true, []string{"grant"}},
			{"pull, implied by push", "admin", "robot=robot$perm%2Bci&project=perm&resource=repository&action=pull", true, []string{"grant", "grant"}},
			{"without the prefix", "admin", "robot=perm%2Bci&project=perm&resource=repository&action=delete", false, []string{"no_grant"}},
			{"a denial", "admin", "robot=robot$deny&project=perm&resource=repository&action=pull", false, []string{"not_public", "denied"}},
			{"denied, but public", "admin", "robot=robot$deny&project=pub&resource=repository&action=pull", true, []string{"public_project", "grant"}},
			{"oneself", "guest", "project=perm&resource=repository&action=pull", true, []string{"role"}},
			{"oneself, elsewhere", "stranger", "project=perm&resource=repository&action=pull", false, []string{"unrelated"}},
			{"oneself, nowhere", "stranger", "project=nosuch&resource=repository&action=pull", false, []string{"unrelated"}},
			{"oneself, on public", "stranger", "project=pub&resource=repository&action=push", false, []string{"no_role"}},
			{"what nobody has", "padmin", "project=perm&resource=moon&action=landing", false, []string{"administrator_only"}},
		} {
			e := ask(f, c.who, c.query)
			if e.Allowed != c.allowed || !slices.Equal(codes(e), c.codes) {
				t.Errorf("%s: %v %v; want %v %v", c.name, e.Allowed, codes(e), c.allowed, c.codes)
			}
			for _, r := range e.Reasons {
				if r.Text == "" || r.Text == r.Code {
					t.Errorf("%s: %s has no words", c.name, r.Code)
				}
			}
		}
		f.must("admin", http.MethodGet, "/explain?user=nosuch&resource=x&action=y", "", http.StatusNotFound, nil)
		f.must("padmin", http.MethodGet, "/explain?user=nosuch&resource=x&action=y&project=perm", "", http.StatusNotFound, nil)
		f.must("stranger", http.MethodGet, "/explain?user=nosuch&resource=x&action=y&project=perm", "", http.StatusForbidden, nil)
		f.must("foreign", http.MethodGet, "/explain?robot=robot$perm%2Bci&project=other&resource=x&action=y", "", http.StatusNotFound, nil) // not foreign's
		f.must("admin", http.MethodGet, "/explain?project=nosuch&resource=x&action=y", "", http.StatusNotFound, nil)
		f.must("admin", http.MethodGet, "/explain?user=a&robot=b&resource=x&action=y", "", http.StatusBadRequest, nil)
		f.must("admin", http.MethodGet, "/explain?repository=a&resource=repository&action=pull", "", http.StatusBadRequest, nil)
	})
}

func TestExplainWhoCantComeIn(t *testing.T) {
	f := newFixture(t, dbtest.SQLite(t))
	perm := f.project("perm", false)
	f.user("locked")
	f.member(perm, "locked", authz.Developer)
	f.logins["locked"] = "Wrong-12345"
	f.stop()
	for range 5 { // then the next has to wait
		f.must("locked", http.MethodGet, "/explain?resource=x&action=y", "", http.StatusUnauthorized, nil)
	}
	e := ask(f, "admin", "user=locked&project=perm&resource=repository&action=pull")
	if e.Allowed || !e.Permitted || !slices.Equal(codes(e), []string{"locked", "role"}) || e.Reasons[0].At == nil {
		t.Errorf("%+v", e)
	}
	off := f.robot("off", "project", in("perm", identity.Access{Resource: "repository", Action: "pull"}))
	st, err := f.identity.RobotStanding(t.Context(), off)
	ok(t, err)
	ok(t, f.identity.UpdateRobot(t.Context(), f.admin, st.Principal.ID, identity.RobotUpdate{
		Name: off, Level: "project", Disabled: true, DurationDays: -1, Permissions: []identity.RobotPermission{in("perm", identity.Access{Resource: "repository", Action: "pull"})},
	}))
	e = ask(f, "admin", "robot="+url.QueryEscape(off)+"&project=perm&resource=repository&action=pull")
	if e.Allowed || !e.Permitted || !slices.Equal(codes(e), []string{"disabled", "grant"}) {
		t.Errorf("%+v", e)
	}
}

// Whoever asks about whatever: the verdict is authz's, and the reasons fit it.
func TestExplainSaysWhatIsDecided(t *testing.T) {
	f := newFixture(t, dbtest.SQLite(t))
	callers := peopled(f)
	callers["X"] = f.robot("all", "system", in("*", identity.Access{Resource: "repository", Action: "push"}),
		in("perm", identity.Access{Resource: "repository", Action: "push", Effect: "deny"}), in("/", identity.Access{Resource: "project", Action: "create"}))
	f.project("pub", true)
	f.group("builders", authz.Maintainer, "developer", "stranger")
	permissions := append(authz.RobotPermissions("project"), authz.RobotPermissions("system")...)
	permissions = append(permissions, authz.Permission{Resource: authz.Configuration, Action: authz.Update}, authz.Permission{Resource: "moon", Action: "landing"})
	asked := map[bool]int{}
	f.askOfToken(permissions)
	for _, name := range callers {
		var p authz.Principal
		query := "anonymous=true"
		switch st, err := f.identity.RobotStanding(t.Context(), name); {
		case err == nil:
			p, query = st.Principal, "robot="+url.QueryEscape(name)
		case name != "":
			st, err := f.identity.UserStanding(t.Context(), name)
			ok(t, err)
			p, query = st.Principal, "user="+name
		}
		for _, perm := range permissions {
			for _, place := range []string{"", "perm", "pub", "other"} {
				var decided error
				if place == "" {
					decided = f.authorizer.System(p, perm)
				} else {
					found, err := f.projects.ByName(t.Context(), place)
					ok(t, err)
					decided = f.authorizer.Project(t.Context(), p, found.Object(), perm)
				}
				q := query + fmt.Sprintf("&resource=%s&action=%s", perm.Resource, perm.Action)
				if place != "" {
					q += "&project=" + place
				}
				e := ask(f, "admin", q)
				fits := len(e.Reasons) > 0
				for _, r := range e.Reasons {
					fits = fits && slices.Contains([]string{"role", "grant", "public_project", "system_administrator"}, r.Code) == e.Allowed
				}
				if e.Allowed != (decided == nil) || e.Permitted != e.Allowed || !fits {
					t.Errorf("%s: %+v, decided %v", q, e, decided)
				}
				asked[e.Allowed]++
			}
		}
	}
	if asked[true] < 100 || asked[false] < 100 {
		t.Errorf("asked %v", asked)
	}
}

// group makes a group a member of perm, with people in it as a log-in by their provider puts them there.
func (f *fixture) group(name string, role authz.Role, people ...string) {
	f.t.Helper()
	ctx := f.t.Context()
	id, err := f.identity.CreateGroup(ctx, f.admin, identity.NewUserGroup{Name: name, Type: identity.OIDCGroup})
	ok(f.t, err)
	perm, err := f.projects.ByName(ctx, "perm")
	ok(f.t, err)
	_, err = f.projects.AddMember(ctx, f.admin, perm.ID, project.NewMember{GroupID: id, Role: role})
	ok(f.t, err)
	for _, person := range people {
		ok(f.t, f.db.Write(ctx, func(tx db.Tx) error {
			_, err := tx.Exec(ctx, `INSERT INTO account_group (account_id, group_id, told_at) VALUES ($1, $2, 1)`, f.principal(person).ID, id)
			return err
		}))
	}
}

func TestExplainGroups(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		f := newFixture(t, d)
		peopled(f)
		f.group("builders", authz.Maintainer, "guest", "stranger")
		e := ask(f, "admin", "user=guest&project=perm&resource=repository&action=delete")
		if !e.Allowed || len(e.Reasons) != 1 || e.Reasons[0].Role != "maintainer" || e.Reasons[0].Group != "builders" {
			t.Errorf("%+v", e)
		}
		e = ask(f, "stranger", "project=perm&resource=repository&action=pull")
		if !e.Allowed || len(e.Reasons) != 1 || e.Reasons[0].Group != "builders" {
			t.Errorf("%+v", e)
		}
		e = ask(f, "admin", "user=guest&project=perm&resource=member&action=delete")
		if e.Allowed || !slices.Equal(codes(e), []string{"role_lacks", "role_lacks"}) || e.Reasons[0].Group != "" || e.Reasons[1].Group != "builders" {
			t.Errorf("%+v", e)
		}
	})
}

// askOfToken has a personal token of the developer ask about itself.
func (f *fixture) askOfToken(permissions []authz.Permission) {
	f.t.Helper()
	perm, err := f.projects.ByName(f.t.Context(), "perm")
	ok(f.t, err)
	pull := authz.Permission{Resource: authz.Repository, Action: authz.Pull}
	made, err := f.identity.CreatePersonalToken(f.t.Context(), f.principal("developer"), identity.NewPersonalToken{
		Name: "narrow", Limits: []authz.Grant{{Scope: authz.OneProject, ProjectID: perm.ID, Permission: pull}}})
	ok(f.t, err)
	p, err := f.identity.AuthenticateToken(f.t.Context(), made.Secret, netip.Addr{})
	ok(f.t, err)
	for _, perm := range permissions {
		for _, place := range []string{"perm", "pub", "other"} {
			found, err := f.projects.ByName(f.t.Context(), place)
			ok(f.t, err)
			decided := f.authorizer.Project(f.t.Context(), p, found.Object(), perm)
			w := f.bearer(made.Secret.Reveal(), http.MethodGet, fmt.Sprintf("/explain?project=%s&resource=%s&action=%s", place, perm.Resource, perm.Action))
			var e gen.AccessExplanation
			ok(f.t, json.Unmarshal(w.Body.Bytes(), &e))
			if w.Code != http.StatusOK || e.Allowed != (decided == nil) || len(e.Reasons) == 0 {
				f.t.Errorf("a token, %s:%s in %s: %d %+v, decided %v", perm.Resource, perm.Action, place, w.Code, e, decided)
			}
		}
	}
}
