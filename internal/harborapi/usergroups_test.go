package harborapi

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/harborapi/gen"
)

// joins puts a user into a group, as a provider's word does.
func (f *fixture) joins(userID, groupID string) {
	f.t.Helper()
	ctx := context.Background()
	ok(f.t, f.db.Write(ctx, func(tx db.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO account_group (account_id, group_id, told_at) SELECT a.id, g.id, 1 FROM account a JOIN user_group g ON CAST(g.id AS TEXT) = $1
			WHERE CAST(a.id AS TEXT) = $2`, groupID, userID)
		return err
	}))
}

func TestUserGroups(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		f := newFixture(t, d)
		f.user("alice")
		h := f.must("admin", "POST", "/usergroups", `{"group_name":"g1","group_type":2}`, 201, nil)
		id := lastSegment(h)
		if got := h.Get("Location"); got != "/api/v2.0/usergroups/"+id {
			t.Errorf("Location: %q", got)
		}
		f.must("admin", "POST", "/usergroups", `{"group_name":"g1","group_type":3}`, 201, nil)
		for _, c := range []struct {
			body   string
			status int
			say    string
		}{
			{`{"group_name":"g1","group_type":2}`, 409, "duplicated user group name"},
			{`{"group_name":"g1","group_type":9}`, 409, "duplicated user group name"},
			{`{"group_name":"g2","group_type":9}`, 400, "invalid group type"},
			{`{"group_name":"","group_type":2}`, 400, "name must have"},
			{`{"group_name":"g\u0000","group_type":2}`, 400, ""},
			{`{"group_name":"` + strings.Repeat("g", 256) + `","group_type":3}`, 400, "name must have"},
			{`{"group_name":"g2","group_type":1}`, 400, "ldap_group_dn"},
			{`{"group_name":"g2","group_type":1,"ldap_group_dn":"cn=g2"}`, 400, "no directory"},
		} {
			if w := f.do("admin", "POST", "/usergroups", c.body); w.Code != c.status || !strings.Contains(w.Body.String(), c.say) {
				t.Errorf("%s: %d %s", c.body, w.Code, w.Body)
			}
		}
		var one gen.UserGroup
		f.must("admin", "GET", "/usergroups/"+id, "", 200, &one)
		if fmt.Sprint(one.ID) != id || one.GroupName != "g1" || one.GroupType != 2 || one.LdapGroupDn != "" {
			t.Errorf("got %+v", one)
		}
		var found []gen.UserGroupSearchItem
		if h := f.must("alice", "GET", "/usergroups/search?groupname=G1", "", 200, &found); len(found) != 2 || h.Get("X-Total-Count") != "2" {
			t.Errorf("found %+v", found)
		}
		f.must("alice", "GET", "/usergroups/search?groupname=", "", 400, nil)
		f.must("admin", "PUT", "/usergroups/"+id, `{"group_name":"renamed","group_type":3}`, 200, nil)
		f.must("admin", "PUT", "/usergroups/"+id, `{}`, 400, nil)
		f.must("admin", "PUT", "/usergroups/999999", `{"group_name":"x"}`, 404, nil)
		f.must("admin", "POST", "/usergroups", `{"group_name":"taken","group_type":2}`, 201, nil)
		f.must("admin", "PUT", "/usergroups/"+id, `{"group_name":"taken"}`, 409, nil)
		var all []gen.UserGroup
		if h := f.must("admin", "GET", "/usergroups?group_name=ren&sort=-group_name", "", 200, &all); len(all) != 1 || all[0].GroupName != "renamed" || all[0].GroupType != 2 || h.Get("X-Total-Count") != "1" {
			t.Errorf("listed %+v", all)
		}
		if h := f.must("admin", "GET", "/usergroups?page_size=2", "", 200, &all); len(all) != 2 || h.Get("X-Total-Count") != "3" || !strings.Contains(h.Get("Link"), `rel="next"`) {
			t.Errorf("a page: %+v, %v", all, h)
		}
		f.must("admin", "DELETE", "/usergroups/"+id, "", 200, nil)
		f.must("admin", "DELETE", "/usergroups/"+id, "", 200, nil)
		f.must("admin", "GET", "/usergroups/"+id, "", 404, nil)
	})
}

func TestGroupMembers(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		f := newFixture(t, d)
		alice := f.user("alice")
		f.project("admin", "perm", false)
		f.push("perm/app", "v1", "seed")
		add := func(body string, status int) string {
			return lastSegment(f.must("admin", "POST", "/projects/perm/members", body, status, nil))
		}
		mid := add(`{"role_id":3,"member_group":{"group_name":"devs","group_type":3}}`, 201)
		var m gen.ProjectMemberEntity
		f.must("admin", "GET", "/projects/perm/members/"+mid, "", 200, &m)
		if m.EntityType != "g" || m.EntityName != "devs" || m.EntityID == 0 || m.RoleName != authz.Guest.String() {
			t.Fatalf("got %+v", m)
		}
		group := fmt.Sprint(m.EntityID)
		add(`{"role_id":3,"member_group":{"id":`+group+`}}`, 409)
		add(`{"role_id":3,"member_group":{"group_name":"devs","group_type":3},"member_user":{}}`, 409)
		add(`{"role_id":3,"member_group":{"id":999999}}`, 404)
		add(`{"role_id":3,"member_group":{}}`, 400)
		add(`{"role_id":3,"member_group":{"group_name":"x"}}`, 400)
		add(`{"role_id":3,"member_group":{"ldap_group_dn":"cn=x"}}`, 400)
		add(`{"role_id":9,"member_group":{"group_name":"others","group_type":2}}`, 400)
		add(`{"role_id":3,"member_user":{"username":"nosuch"}}`, 404)

		f.must("alice", "GET", "/projects/perm", "", 403, nil)
		f.joins(alice, group)
		var p gen.Project
		f.must("alice", "GET", "/projects/perm", "", 200, &p)
		if p.CurrentUserRoleID != int64(authz.Guest) {
			t.Errorf("role %d", p.CurrentUserRoleID)
		}
		var perms []gen.Permission
		f.must("alice", "GET", fmt.Sprintf("/users/current/permissions?scope=/project/%d", p.ProjectID), "", 200, &perms)
		if len(perms) == 0 {
			t.Error("no permissions")
		}
		var projects []gen.Project
		if f.must("alice", "GET", "/projects?name=perm", "", 200, &projects); len(projects) != 1 || len(projects[0].CurrentUserRoleIds) != 1 {
			t.Errorf("listed: %+v", projects)
		}
		var repositories []gen.Repository
		if f.must("alice", "GET", "/repositories", "", 200, &repositories); len(repositories) != 1 {
			t.Errorf("repositories: %+v", repositories)
		}
		f.must("alice", "DELETE", "/projects/perm/repositories/app", "", 403, nil)
		f.must("admin", "PUT", "/projects/perm/members/"+mid, `{"role_id":4}`, 200, nil)
		f.must("alice", "DELETE", "/projects/perm/repositories/app", "", 200, nil)
		var members []gen.ProjectMemberEntity
		if f.must("alice", "GET", "/projects/perm/members?entityname=devs", "", 200, &members); len(members) != 1 || members[0].RoleID != int64(authz.Maintainer) {
			t.Errorf("members: %+v", members)
		}
		f.must("admin", "DELETE", "/usergroups/"+group, "", 200, nil)
		f.must("alice", "GET", "/projects/perm", "", 403, nil)
		f.must("admin", "GET", "/projects/perm/members/"+mid, "", 404, nil)
	})
}
