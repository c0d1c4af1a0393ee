package havenapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/secret"
)

// fresh makes what a path names, for the one request that may destroy it.
func (f *fixture) fresh(path string) (values []string) {
	f.t.Helper()
	ctx := f.t.Context()
	name := fmt.Sprintf("n%d", time.Now().UnixNano())
	switch {
	case strings.Contains(path, "{token_id}"):
		made, err := f.identity.CreatePersonalToken(ctx, f.principal("developer"), identity.NewPersonalToken{Name: name, Limits: everything()})
		ok(f.t, err)
		return []string{"{token_id}", fmt.Sprint(made.ID)}
	case strings.Contains(path, "{session_id}"):
		return []string{"{session_id}", f.session("developer").SessionID}
	case strings.Contains(path, "{webhook_policy_id}"):
		return f.webhook(name)
	case strings.Contains(path, "{policy_id}"):
		return []string{"{policy_id}", f.policy(name)}
	case strings.Contains(path, "/robots/{robot_id}"):
		made, err := f.identity.CreateRobot(ctx, f.admin, identity.NewRobot{Name: name, Level: "project", DurationDays: -1,
			Permissions: []identity.RobotPermission{in("perm", identity.Access{Resource: "repository", Action: "pull"})}})
		ok(f.t, err)
		return []string{"{robot_id}", fmt.Sprint(made.ID)}
	}
	return nil
}

func everything() []authz.Grant {
	return []authz.Grant{{Scope: authz.EveryProject, Permission: authz.Permission{Resource: authz.AnyResource, Action: authz.AnyAction}}}
}

func (f *fixture) principal(name string) authz.Principal {
	f.t.Helper()
	u, err := f.identity.FindUser(f.t.Context(), name)
	ok(f.t, err)
	p, err := f.identity.Principal(f.t.Context(), u.ID)
	ok(f.t, err)
	return p
}

// session opens a browser session of a user.
func (f *fixture) session(name string) authz.Principal {
	f.t.Helper()
	token, err := f.identity.CreateSession(f.t.Context(), f.principal(name), "192.0.2.7", "Browser/1.0")
	ok(f.t, err)
	p, err := f.identity.SessionPrincipal(f.t.Context(), token, true)
	ok(f.t, err)
	return p
}

// bearer sends a request with a token alone.
func (f *fixture) bearer(token, method, path string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/api/haven/v1"+path, http.NoBody)
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	f.handler.ServeHTTP(w, r)
	return w
}

const pullInPerm = `{"kind":"project","namespace":"perm","access":[{"resource":"repository","action":"pull"}]}`

func TestTokensAreMadeShownAndRevoked(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		f := newFixture(t, d)
		peopled(f)
		var made struct {
			ID          int64
			Token, Name string
			ExpiresAt   string `json:"expires_at"`
		}
		h := f.must("developer", "POST", "/tokens", `{"name":"laptop","expires_at":"2099-01-02T03:04:05Z","permissions":[`+pullInPerm+`]}`, 201, &made)
		if h.Get("Location") != fmt.Sprint("/api/haven/v1/tokens/", made.ID) || !strings.HasPrefix(made.Token, "hvn_") || made.ExpiresAt != "2099-01-02T03:04:05.000Z" {
			t.Errorf("got %+v, %v", made, h)
		}
		var list []map[string]any
		f.must("developer", "GET", "/tokens?q=name%3Dlaptop", "", 200, &list)
		shown, _ := json.Marshal(list)
		if len(list) != 1 || strings.Contains(string(shown), made.Token) || !strings.Contains(string(shown), `"namespace":"perm"`) || list[0]["hint"] != made.Token[len(made.Token)-4:] {
			t.Errorf("the list is %s", shown)
		}
		one := fmt.Sprint("/tokens/", made.ID)
		if w := f.bearer(made.Token, "GET", "/explain?resource=repository&action=pull&project=perm"); w.Code != 200 || !strings.Contains(w.Body.String(), `"allowed":true`) {
			t.Errorf("as Bearer: %d %s", w.Code, w.Body)
		}
		// A token manages no tokens, by whichever way it comes.
		f.logins["developer"] = secret.Text(made.Token)
		for _, c := range [][2]string{{"GET", "/tokens"}, {"GET", one}, {"DELETE", one}, {"GET", "/sessions"}, {"DELETE", "/sessions"}} {
			for how, w := range map[string]*httptest.ResponseRecorder{"Bearer": f.bearer(made.Token, c[0], c[1]), "Basic": f.do("developer", c[0], c[1], "")} {
				if w.Code != 403 && w.Code != 404 {
					t.Errorf("%s %s by %s: %d %s", c[0], c[1], how, w.Code, w.Body)
				}
			}
		}
		f.must("developer", "POST", "/tokens", `{"name":"more","permissions":[`+pullInPerm+`]}`, 403, nil)
		delete(f.logins, "developer")
		f.must("developer", "DELETE", one, "", 200, nil)
		f.must("developer", "GET", one, "", 404, nil)
		if w := f.bearer(made.Token, "GET", "/explain?resource=repository&action=pull&project=perm"); w.Code != 401 {
			t.Errorf("revoked: %d", w.Code)
		}
	})
}

func TestTokensAreRefused(t *testing.T) {
	f := newFixture(t, dbtest.SQLite(t))
	peopled(f)
	permission := func(kind, namespace, resource, action string) string {
		return fmt.Sprintf(`{"name":"x","permissions":[{"kind":%q,"namespace":%q,"access":[{"resource":%q,"action":%q}]}]}`, kind, namespace, resource, action)
	}
	for _, c := range []struct {
		name, body string
		status     int
	}{
		{"a project that isn't there", permission("project", "nosuch", "repository", "pull"), 404},
		{"a project that the owner may not see", permission("project", "other", "repository", "pull"), 404},
		{"no such right", permission("project", "perm", "nosuch", "pull"), 400},
		{"the system elsewhere", permission("system", "perm", "user", "read"), 400},
		{"no such kind", permission("galaxy", "/", "user", "read"), 400},
		{"the past", `{"name":"x","expires_at":"2001-01-01T00:00:00Z","permissions":[` + pullInPerm + `]}`, 400},
		{"a denial", `{"name":"x","permissions":[{"kind":"project","namespace":"perm","access":[{"resource":"repository","action":"pull","effect":"deny"}]}]}`, 400},
	} {
		if w := f.do("developer", "POST", "/tokens", c.body); w.Code != c.status {
			t.Errorf("%s: %d %s, want %d", c.name, w.Code, w.Body, c.status)
		}
	}
}

func TestSessionsAreShownAndEnded(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		f := newFixture(t, d)
		peopled(f)
		gone, left := f.session("developer"), f.session("developer")
		var list []struct {
			ID, Username, Remote string
			UserAgent            string `json:"user_agent"`
			Current              bool
		}
		f.must("developer", "GET", "/sessions", "", 200, &list)
		if len(list) != 2 || list[0].Username != "developer" || list[0].Remote != "192.0.2.7" || list[0].UserAgent != "Browser/1.0" || list[0].Current {
			t.Fatalf("got %+v", list)
		}
		f.must("admin", "DELETE", "/sessions/"+gone.SessionID, "", 200, nil)
		f.must("developer", "DELETE", "/sessions/"+gone.SessionID, "", 404, nil)
		f.must("admin", "GET", fmt.Sprint("/sessions?user_id=", left.ID), "", 200, &list)
		if len(list) != 1 || list[0].ID != left.SessionID {
			t.Errorf("left are %+v", list)
		}
		f.must("developer", "DELETE", "/sessions", "", 200, nil)
		f.must("developer", "GET", "/sessions", "", 200, &list)
		if len(list) != 0 {
			t.Errorf("left are %+v", list)
		}
		f.must("admin", "GET", "/sessions?user_id=999999", "", 404, nil)
	})
}

func TestPreviousSecretIsEnded(t *testing.T) {
	f := newFixture(t, dbtest.SQLite(t))
	peopled(f)
	ctx := context.Background()
	made, err := f.identity.CreateRobot(ctx, f.admin, identity.NewRobot{Name: "two", Level: "project", DurationDays: -1,
		Permissions: []identity.RobotPermission{in("perm", identity.Access{Resource: "repository", Action: "pull"})}})
	ok(t, err)
	_, err = f.identity.RotateRobotSecret(ctx, f.admin, made.ID, "", time.Hour)
	ok(t, err)
	f.logins["robot$perm+two"] = made.Secret
	f.must("robot$perm+two", "GET", "/explain?resource=repository&action=pull&project=perm", "", 200, nil)
	f.must("padmin", "DELETE", fmt.Sprintf("/robots/%d/previous-secret", made.ID), "", 200, nil)
	f.must("robot$perm+two", "GET", "/explain?resource=repository&action=pull&project=perm", "", 401, nil)
	f.must("padmin", "DELETE", fmt.Sprintf("/robots/%d/previous-secret", made.ID), "", 200, nil)
}
