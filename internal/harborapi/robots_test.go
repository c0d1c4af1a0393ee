package harborapi

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/identity"
)

type robotShown struct {
	ID                      int64
	Name, Description       string
	Disable                 bool
	Duration                int64
	ExpiresAt               int64  `json:"expires_at"`
	ExpiresSoon             bool   `json:"expires_soon"`
	PreviousSecretExpiresAt string `json:"previous_secret_expires_at"`
	Permissions             []struct {
		Namespace string
		Access    []struct{ Resource, Action string }
	}
}

// Harbor's PATCH replaces the secret at once; only when it is asked to, the old one stays good for a while.
func TestRobotSecretsOverlapOnlyOnRequest(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		f := newFixture(t, d)
		f.project("admin", "perm", false)
		id, name := f.robot("perm", "ci")
		first := f.logins[name]
		may := func(secret string) bool {
			f.logins[name] = secret
			return f.do(name, "GET", "/projects/perm/repositories", "").Code != 401
		}
		var made struct{ Secret string }
		f.must("admin", "PATCH", "/robots/"+id, `{"secret":"","overlap_hours":24}`, 200, &made)
		if !may(made.Secret) || !may(first) {
			t.Error("one of two overlapping secrets is refused")
		}
		var shown robotShown
		f.must("admin", "GET", "/robots/"+id, "", 200, &shown)
		until, err := time.Parse(time.RFC3339, shown.PreviousSecretExpiresAt)
		if left := time.Until(until); err != nil || left < 23*time.Hour || left > 24*time.Hour {
			t.Errorf("the old one is good until %q", shown.PreviousSecretExpiresAt)
		}
		if w := f.do("admin", "PATCH", "/robots/"+id, `{"secret":"Longenough123"}`); strings.TrimSpace(w.Body.String()) != "{}" {
			t.Errorf("a secret of the caller's is answered with %s", w.Body)
		}
		if may(made.Secret) || may(first) || !may("Longenough123") {
			t.Error("a replaced secret is good still, or the new one isn't")
		}
		f.must("admin", "PATCH", "/robots/"+id, `{"secret":"","overlap_hours":2161}`, 422, nil)
	})
}

func TestRobotsV1(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		f := newFixture(t, d)
		perm := f.project("admin", "perm", false)
		f.project("admin", "other", false)
		_, name := f.robot("other", "ci")
		var made struct {
			ID           int64
			Name, Secret string
			ExpiresAt    int64 `json:"expires_at"`
		}
		ends := time.Now().Add(36 * time.Hour).Unix()
		h := f.must("admin", "POST", "/projects/perm/robots", fmt.Sprintf(
			`{"name":"old","description":"d","expires_at":%d,"access":[{"resource":"/project/%s/repository","action":"pull"},{"resource":"repository","action":"push"}]}`, ends, perm), 201, &made)
		if made.Name != "robot$perm+old" || made.ExpiresAt != ends || made.Secret == "" || h.Get("Location") != fmt.Sprint("/api/v2.0/projects/perm/robots/", made.ID) {
			t.Errorf("made %+v, at %s", made, h.Get("Location"))
		}
		f.logins[made.Name] = made.Secret
		f.must(made.Name, "GET", "/projects/perm/repositories", "", 403, nil) // known, and may pull and push only
		one := fmt.Sprint("/projects/", perm, "/robots/", made.ID)
		var shown robotShown
		f.must("admin", "GET", one, "", 200, &shown)
		if shown.Duration != 2 || len(shown.Permissions) != 1 || shown.Permissions[0].Namespace != "perm" || len(shown.Permissions[0].Access) != 2 {
			t.Errorf("shown as %+v", shown)
		}
		f.must("admin", "PUT", one, `{"name":"whatever","disable":true,"description":"off"}`, 200, nil)
		var list []robotShown
		f.must("admin", "GET", "/projects/perm/robots?q=expires_at%3D"+fmt.Sprint(ends), "", 200, &list)
		if len(list) != 1 || !list[0].Disable || list[0].Description != "off" || list[0].ExpiresAt != ends || len(list[0].Permissions[0].Access) != 2 {
			t.Errorf("listed as %+v", list)
		}
		f.must("admin", "GET", fmt.Sprint("/projects/other/robots/", made.ID), "", 404, nil)
		f.must("admin", "DELETE", fmt.Sprint("/projects/other/robots/", made.ID), "", 404, nil)
		f.must("admin", "DELETE", one, "", 200, nil)
		f.must("admin", "GET", one, "", 404, nil)
		for why, body := range map[string]string{
			"the past":        `{"name":"x","expires_at":1,"access":[{"resource":"repository","action":"pull"}]}`,
			"another project": `{"name":"x","access":[{"resource":"/project/999/repository","action":"pull"}]}`,
			"no access":       `{"name":"x"}`,
		} {
			if w := f.do("admin", "POST", "/projects/perm/robots", body); w.Code != 400 {
				t.Errorf("%s: %d %s", why, w.Code, w.Body)
			}
		}
		f.must(name, "GET", "/projects/perm/robots", "", 403, nil)
	})
}

// personalToken makes a token that is limited to rights in a project, or in all of them.
func personalToken(t testing.TB, accounts *identity.Service, owner, projectID string, rights ...string) string {
	t.Helper()
	u, err := accounts.FindUser(t.Context(), owner)
	ok(t, err)
	by, err := accounts.Principal(t.Context(), u.ID)
	ok(t, err)
	n := identity.NewPersonalToken{Name: "test"}
	for _, right := range rights {
		resource, action, _ := strings.Cut(right, ":")
		g := authz.Grant{Scope: authz.EveryProject, Permission: authz.Permission{Resource: authz.Resource(resource), Action: authz.Action(action)}}
		if projectID != "" {
			g.Scope = authz.OneProject
			g.ProjectID, err = strconv.ParseInt(projectID, 10, 64)
			ok(t, err)
		}
		n.Limits = append(n.Limits, g)
	}
	made, err := accounts.CreatePersonalToken(t.Context(), by, n)
	ok(t, err)
	return made.Secret.Reveal()
}

// A personal access token does by Harbor's API what it is limited to, for its owner.
func TestPersonalTokensOnTheAPI(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var accounts *identity.Service
		f := newFixture(t, d, func(deps *Deps) { accounts = deps.Identity })
		ann := f.user("ann")
		mine := f.project("ann", "mine", false)
		f.project("ann", "second", false)
		f.project("admin", "theirs", false)
		f.push("mine/app", "v1", "a")
		f.push("second/app", "v1", "b")
		f.logins["ann"] = personalToken(t, accounts, "ann", mine, "repository:list", "repository:pull", "artifact:list", "robot:create", "member:list")
		f.must("ann", "GET", "/projects/mine/repositories/app/artifacts", "", 200, nil)
		for _, path := range []string{"/projects/second/repositories", "/projects/theirs/repositories", "/projects/mine/logs"} {
			f.must("ann", "GET", path, "", 403, nil)
		}
		f.must("ann", "DELETE", "/projects/mine/repositories/app", "", 403, nil)
		var who struct{ Username string }
		f.must("ann", "GET", "/users/current", "", 200, &who)
		var names []struct{ Name string }
		f.must("ann", "GET", "/repositories", "", 200, &names)
		if who.Username != "ann" || fmt.Sprint(names) != "[{mine/app}]" {
			t.Errorf("%s lists %v", who.Username, names)
		}
		f.must("ann", "GET", "/projects?name=second", "", 200, &names)
		if len(names) != 0 {
			t.Errorf("projects beyond the limits: %v", names)
		}
		robot := `{"name":"r","level":"project","duration":-1,"permissions":[{"kind":"project","namespace":"mine","access":[{"resource":"repository","action":%q}]}]}`
		f.must("ann", "POST", "/robots", fmt.Sprintf(robot, "delete"), 403, nil)
		f.must("ann", "POST", "/robots", fmt.Sprintf(robot, "pull"), 201, nil)
		// Nothing of its owner's person is in its reach.
		f.must("ann", "PUT", "/users/"+ann+"/password", `{"old_password":"`+password+`","new_password":"Another-12345"}`, 403, nil)
		f.must("ann", "GET", "/permissions", "", 403, nil)
		// An administrator's token is one of its limits, too.
		f.logins["admin"] = personalToken(t, accounts, "admin", "", "*:*")
		f.must("admin", "GET", "/projects/theirs", "", 200, nil)
		f.must("admin", "GET", "/projects/nosuch", "", 404, nil)
		f.must("admin", "GET", "/configurations", "", 403, nil)
		f.must("admin", "POST", "/users", `{"username":"eve","email":"eve@example.com","realname":"eve","password":"`+password+`"}`, 403, nil)
	})
}
