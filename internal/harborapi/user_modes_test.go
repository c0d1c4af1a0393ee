package harborapi

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
)

// Who may make accounts here depends on how people sign in; those that are here stay.
func TestUsersInEachMode(t *testing.T) {
	for _, mode := range []string{"db_auth", "ldap_auth", "oidc_auth", "http_auth", "uaa_auth"} {
		t.Run(mode, func(t *testing.T) {
			f := newFixture(t, dbtest.SQLite(t))
			f.must("admin", "PUT", "/configurations", `{"auth_mode":"`+mode+`","self_registration":true}`, 200, nil)
			const body = `{"username":"erin","email":"erin@example.com","realname":"Erin","password":"Test-12345"}`
			if w := f.do("", "POST", "/users", body); w.Code != 403 || !strings.Contains(w.Body.String(), "self-registration cannot be triggered via API") {
				t.Errorf("by a program: %d %s", w.Code, w.Body)
			}
			r := httptest.NewRequest("POST", "/api/v2.0/users", strings.NewReader(body))
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Cookie", "sid=of-nobody")
			w := recorder(f, r)
			if mode != "db_auth" {
				if w.Code != 403 || !strings.Contains(w.Body.String(), "creating local user is not allowed under auth mode: "+mode) {
					t.Errorf("in a browser: %d %s", w.Code, w.Body)
				}
				if w := f.do("admin", "POST", "/users", body); w.Code != 403 || !strings.Contains(w.Body.String(), "creating local user is not allowed under auth mode: "+mode) {
					t.Errorf("by the administrator: %d %s", w.Code, w.Body)
				}
				f.must("admin", "GET", "/users/current", "", 200, nil)
				return
			}
			if w.Code != 201 || lastSegment(w.Header()) == "" {
				t.Errorf("in a browser: %d %s", w.Code, w.Body)
			}
			f.must("erin", "GET", "/users/current", "", 200, nil)
			f.must("admin", "PUT", "/configurations", `{"auth_mode":"ldap_auth"}`, 400, nil)
			f.must("admin", "PUT", "/configurations", `{"self_registration":false,"identity_providers":"ldap"}`, 200, nil)
			f.must("", "POST", "/users", body, 401, nil)
			f.must("erin", "GET", "/users/current", "", 200, nil) // has a password here
		})
	}
}

// An account of a provider is managed there; here it can be made an administrator, and deleted.
func TestGuestAccounts(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		f := newFixture(t, d)
		ctx := t.Context()
		ok(t, f.db.Write(ctx, func(tx db.Tx) error {
			_, err := tx.Exec(ctx, `INSERT INTO account (id, username, email, admin_in_auth, created_at, updated_at) VALUES (7, 'gina', '#gina', TRUE, 1, 1)`)
			return err
		}))
		var u struct {
			Email           string
			SysadminFlag    bool `json:"sysadmin_flag"`
			AdminRoleInAuth bool `json:"admin_role_in_auth"`
		}
		if f.must("admin", "GET", "/users/7", "", 200, &u); u.Email != "" || !u.AdminRoleInAuth || u.SysadminFlag {
			t.Errorf("got %+v", u)
		}
		f.must("admin", "PUT", "/users/7/password", `{"new_password":"Other-12345"}`, 403, nil)
		f.must("admin", "PUT", "/users/7", `{"email":"gina@example.com","realname":"Gina"}`, 403, nil)
		f.must("admin", "PUT", "/users/7/sysadmin", `{"sysadmin_flag":true}`, 200, nil)
		var found []struct {
			UserID   int64 `json:"user_id"`
			Username string
		}
		if f.must("admin", "GET", "/users/search?username=gin", "", 200, &found); len(found) != 1 || found[0].UserID != 7 {
			t.Errorf("found %+v", found)
		}
		if f.must("admin", "GET", "/users?q=username=gina", "", 200, &found); len(found) != 1 {
			t.Errorf("listed %+v", found)
		}
		f.must("admin", "DELETE", "/users/7", "", 200, nil)
		f.must("admin", "GET", "/users/7", "", 404, nil)
		f.user("gina")
	})
}
