//go:build acceptance

package identity

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/havenregistry/haven/test/haventest"
)

// company is a directory whose people meet Haven: alice is in devs, which is in engineering; root is in
// admins; carol is in neither.
type company struct {
	settings    map[string]any
	engineering string // the DN of the group
	base        string // that engineering lies below
	passwords   map[string]string
	fire        func() // takes alice out of devs
	remove      func() // takes alice out of the directory
}

// later lets the words of providers grow old.
func later(t testing.TB, server *haventest.Server) { (&openID{t: t}).later(server) }

// signIn is a browser that signs in by name and password.
func signIn(t testing.TB, server *haventest.Server, name, password string) (*visitor, page) {
	t.Helper()
	v := (&openID{t: t, server: server.Door}).visitor()
	v.get("/c/session")
	return v, v.post("/c/login", form, url.Values{"principal": {name}, "password": {password}}.Encode())
}

func configure(t testing.TB, server *haventest.Server, settings map[string]any) {
	t.Helper()
	server.Admin(t, http.StatusOK, http.MethodPut, "/api/v2.0/configurations", settings)
	server.Admin(t, http.StatusOK, http.MethodPut, "/api/v2.0/configurations", map[string]any{"auth_mode": "ldap_auth"})
}

// works is what the people of a company rely on, from the first log-in to the last.
func (c company) works(t *testing.T, server *haventest.Server) {
	configure(t, server, c.settings)
	server.NewProject(t, "app", false)
	member := map[string]any{"group_type": 1, "ldap_group_dn": strings.ToUpper(c.engineering)}
	server.Admin(t, http.StatusCreated, http.MethodPost, "/api/v2.0/projects/app/members",
		map[string]any{"role_id": haventest.Developer, "member_group": member})

	token, actions, status := dockerToken(t, server.Door, "alice", c.passwords["alice"])
	if !slices.Equal(actions, []string{"pull", "push"}) || upload(t, server.Door, token) != http.StatusAccepted {
		t.Fatalf("docker: %d, %q", status, actions)
	}
	if _, actions, status := dockerToken(t, server.Door, "carol", c.passwords["carol"]); status != http.StatusOK || len(actions) != 0 {
		t.Errorf("docker, in no group: %d, %q", status, actions)
	}
	browser, in := signIn(t, server, "alice", c.passwords["alice"])
	if in.status != http.StatusOK {
		t.Fatalf("sign in: %d %s", in.status, in.body)
	}
	for _, ask := range []struct {
		name, path string
		status     int
	}{
		{"alice", "/api/v2.0/users/current", 200}, {"alice", "/api/v2.0/projects/app", 200}, {"alice", "/api/v2.0/configurations", 403},
		{"carol", "/api/v2.0/projects/app", 403}, {"root", "/api/v2.0/configurations", 200}, {"root", "/api/v2.0/projects/app", 200},
	} {
		if a := server.Call(t, ask.name, c.passwords[ask.name], http.MethodGet, ask.path, nil); a.Status != ask.status {
			t.Errorf("%s gets %s: %d %s; want %d", ask.name, ask.path, a.Status, a.Body, ask.status)
		}
	}
	if got := browser.get("/api/v2.0/projects/app"); got.status != http.StatusOK {
		t.Errorf("the browser: %d %s", got.status, got.body)
	}
	c.ends(t, server, browser, token)
	for _, password := range c.passwords {
		if strings.Contains(server.Log(), password) {
			t.Error("the log tells a password")
		}
	}
}

// ends: out of the group roles and tokens go, out of the directory sessions too.
func (c company) ends(t *testing.T, server *haventest.Server, browser *visitor, token string) {
	c.fire()
	later(t, server)
	if got := browser.get("/api/v2.0/projects/app"); got.status != http.StatusForbidden {
		t.Errorf("out of the group: %d %s", got.status, got.body)
	}
	if _, in := browser.me(); !in {
		t.Error("out of the group, not of the directory: the session is over")
	}
	if status := upload(t, server.Door, token); status != http.StatusUnauthorized {
		t.Errorf("a token of before: %d", status)
	}
	token, actions, status := dockerToken(t, server.Door, "alice", c.passwords["alice"])
	if status != http.StatusOK || len(actions) != 0 {
		t.Errorf("docker, out of the group: %d, %q", status, actions)
	}
	c.remove()
	later(t, server)
	if _, in := browser.me(); in {
		t.Error("the session of somebody who left goes on")
	}
	if status := upload(t, server.Door, token); status != http.StatusUnauthorized {
		t.Errorf("the token of somebody who left: %d", status)
	}
	if _, _, status := dockerToken(t, server.Door, "alice", c.passwords["alice"]); status != http.StatusUnauthorized {
		t.Errorf("the password of somebody who left: %d", status)
	}
}

func openLDAPCompany(directory *haventest.OpenLDAP) company {
	c := company{settings: directory.Settings(), base: "ou=groups," + haventest.LDAPBase, passwords: map[string]string{}}
	dn := map[string]string{}
	for _, name := range []string{"alice", "root", "carol", "dave"} {
		c.passwords[name] = "Password-of-" + name + "-1"
		dn[name] = directory.Person(name, c.passwords[name])
	}
	devs := directory.Group("devs", dn["alice"], dn["dave"])
	c.engineering = directory.Group("engineering", devs)
	directory.Group("admins", dn["root"])
	c.fire = func() { directory.Leave(devs, dn["alice"]) }
	c.remove = func() { directory.Delete(dn["alice"]) }
	return c
}

func TestPeopleOfOpenLDAPWork(t *testing.T) {
	directory := haventest.StartOpenLDAP(t)
	c := openLDAPCompany(directory)
	c.settings["ldap_url"], c.settings["ldap_ca_certificate"] = directory.SecureURL, directory.Authority.PEM
	server := haventest.Start(t, haventest.Options{})
	c.works(t, server)
	t.Run("down", func(t *testing.T) { directoryDown(t, server, directory, c) })
}

// While the directory is down the local administrator gets in, who is in stays in, and who wants in is told.
func directoryDown(t *testing.T, server *haventest.Server, directory *haventest.OpenLDAP, c company) {
	browser, in := signIn(t, server, "dave", c.passwords["dave"])
	if in.status != http.StatusOK {
		t.Fatalf("sign in: %d %s", in.status, in.body)
	}
	directory.Stop()
	server.Admin(t, http.StatusOK, http.MethodGet, "/api/v2.0/users/current", nil)
	later(t, server)
	if got := browser.get("/api/v2.0/projects/app"); got.status != http.StatusOK {
		t.Errorf("who is in: %d %s", got.status, got.body)
	}
	const words = "can't be asked"
	if a := server.Call(t, "DAVE", c.passwords["dave"], http.MethodGet, "/api/v2.0/users/current", nil); a.Status != http.StatusServiceUnavailable || !strings.Contains(string(a.Body), words) {
		t.Errorf("who wants in: %d %s", a.Status, a.Body)
	}
	if _, in := signIn(t, server, "DAVE", c.passwords["dave"]); in.status != http.StatusServiceUnavailable || !strings.Contains(in.body, words) {
		t.Errorf("who signs in: %d %s", in.status, in.body)
	}
	if ping := pingStored(t, server); ping.Success || !strings.Contains(ping.Message, "refuses the connection") {
		t.Errorf("the test of the connection: %+v", ping)
	}
	if a := server.Admin(t, http.StatusBadRequest, http.MethodGet, "/api/v2.0/ldap/users/search", nil); !strings.Contains(string(a.Body), "refuses the connection") {
		t.Errorf("a search: %s", a.Body)
	}
	directory.Start()
	if a := server.Call(t, "Dave", c.passwords["dave"], http.MethodGet, "/api/v2.0/users/current", nil); a.Status != http.StatusOK {
		t.Errorf("up again: %d %s", a.Status, a.Body)
	}
}

type ping struct {
	Success bool
	Message string
}

func pingStored(t testing.TB, server *haventest.Server) (p ping) {
	t.Helper()
	must(t, json.Unmarshal(server.Admin(t, http.StatusOK, http.MethodPost, "/api/v2.0/ldap/ping", nil).Body, &p))
	return p
}

func TestGuessingIsSlowed(t *testing.T) {
	directory := haventest.StartOpenLDAP(t)
	c := openLDAPCompany(directory)
	server := haventest.Start(t, haventest.Options{})
	configure(t, server, c.settings)
	slowed := false
	for i := range 8 {
		a := server.Call(t, "carol", fmt.Sprintf("Guess-%d-wrong", i), http.MethodGet, "/api/v2.0/users/current", nil)
		if slowed = a.Status == http.StatusTooManyRequests; slowed {
			if a.Header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
			break
		}
		if a.Status != http.StatusUnauthorized {
			t.Fatalf("guess %d: %d %s", i, a.Status, a.Body)
		}
	}
	if !slowed {
		t.Error("eight guesses in a row and no delay")
	}
	if a := server.Call(t, "carol", c.passwords["carol"], http.MethodGet, "/api/v2.0/users/current", nil); a.Status != http.StatusTooManyRequests {
		t.Errorf("the right password during the delay: %d", a.Status)
	}
	if a := server.Call(t, "dave", c.passwords["dave"], http.MethodGet, "/api/v2.0/users/current", nil); a.Status != http.StatusOK {
		t.Errorf("somebody else: %d", a.Status)
	}
}

func TestLDAPEndpoints(t *testing.T) {
	directory := haventest.StartOpenLDAP(t)
	c := openLDAPCompany(directory)
	server := haventest.Start(t, haventest.Options{})
	for _, ask := range []struct{ method, path, body string }{
		{http.MethodGet, "users/search", ""}, {http.MethodGet, "groups/search", ""}, {http.MethodPost, "users/import", `{"ldap_uid_list":["alice"]}`},
	} {
		var body any
		if ask.body != "" {
			body = json.RawMessage(ask.body)
		}
		if a := server.Admin(t, http.StatusBadRequest, ask.method, "/api/v2.0/ldap/"+ask.path, body); !strings.Contains(string(a.Body), "no directory is configured") {
			t.Errorf("%s without a directory: %s", ask.path, a.Body)
		}
	}
	pings(t, server, c)
	configure(t, server, c.settings)
	searches(t, server)
	imports(t, server)
	a := server.Admin(t, http.StatusCreated, http.MethodPost, "/api/v2.0/usergroups", map[string]any{"group_type": 1, "ldap_group_dn": "CN=Admins, " + c.base})
	var group struct {
		GroupName string `json:"group_name"`
		DN        string `json:"ldap_group_dn"`
	}
	path := a.Header.Get("Location")
	must(t, json.Unmarshal(server.Admin(t, http.StatusOK, http.MethodGet, path, nil).Body, &group))
	if group.GroupName != "admins" || group.DN != "cn=admins,"+c.base {
		t.Errorf("a group is %+v", group)
	}
	server.Admin(t, http.StatusBadRequest, http.MethodPost, "/api/v2.0/usergroups", map[string]any{
		"group_type": 1, "group_name": "x", "ldap_group_dn": "cn=nobody," + c.base,
	})
}

func pings(t *testing.T, server *haventest.Server, c company) {
	ask := func(body any) (p ping) {
		t.Helper()
		must(t, json.Unmarshal(server.Admin(t, http.StatusOK, http.MethodPost, "/api/v2.0/ldap/ping", body).Body, &p))
		return p
	}
	if p := ask(nil); p.Success || !strings.Contains(p.Message, "no directory is configured") {
		t.Errorf("nothing stored: %+v", p)
	}
	tried := map[string]any{}
	for _, key := range []string{"ldap_url", "ldap_search_dn", "ldap_search_password", "ldap_base_dn", "ldap_uid"} {
		tried[key] = c.settings[key]
	}
	tried["ldap_scope"], tried["ldap_connection_timeout"], tried["ldap_verify_cert"] = 2, 5, true
	if p := ask(tried); !p.Success || p.Message != "" {
		t.Errorf("good settings: %+v", p)
	}
	tried["ldap_search_password"] = ""
	if p := ask(tried); p.Success || !strings.HasPrefix(p.Message, "error: empty password") {
		t.Errorf("no password: %+v", p)
	}
	server.Admin(t, http.StatusOK, http.MethodPut, "/api/v2.0/configurations", c.settings)
	if p := ask(tried); !p.Success {
		t.Errorf("the stored password: %+v", p)
	}
	tried["ldap_url"] = "ldap://" + haventest.Silence(t)
	if p := ask(tried); p.Success || !strings.HasPrefix(p.Message, "error: empty password") {
		t.Errorf("the stored password for another server: %+v", p)
	}
	if p := pingStored(t, server); !p.Success {
		t.Errorf("the stored settings: %+v", p)
	}
}

func searches(t *testing.T, server *haventest.Server) {
	for query, want := range map[string]string{
		"users/search?username=alice":  `[{"email":"alice@example.org","realname":"The alice","username":"alice"}]`,
		"users/search?username=nobody": `[]`,
		"groups/search?groupname=eng*": `[{"group_name":"engineering","group_type":1,"ldap_group_dn":"cn=engineering,ou=groups,dc=example,dc=org"}]`,
		"groups/search?groupdn=" + url.QueryEscape("CN=devs, ou=groups,"+haventest.LDAPBase): `[{"group_name":"devs","group_type":1,"ldap_group_dn":"cn=devs,ou=groups,dc=example,dc=org"}]`,
	} {
		a := server.Admin(t, http.StatusOK, http.MethodGet, "/api/v2.0/ldap/"+query, nil)
		if got := strings.TrimSpace(string(a.Body)); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	for query, want := range map[string]int{
		"groups/search?groupname=nobody": 404, "groups/search?groupdn=cn%3Dnobody,dc%3Dx": 404, "groups/search?groupdn=devs": 400,
	} {
		server.Admin(t, want, http.MethodGet, "/api/v2.0/ldap/"+query, nil)
	}
}

func imports(t *testing.T, server *haventest.Server) {
	const path = "/api/v2.0/ldap/users/import"
	a := server.Admin(t, http.StatusNotFound, http.MethodPost, path, map[string]any{"ldap_uid_list": []string{"carol", "", "nobody"}})
	if got, want := strings.TrimSpace(string(a.Body)), `[{"error":"empty_uid"},{"error":"unknown_user","uid":"nobody"}]`; got != want {
		t.Errorf("import: %s, want %s", got, want)
	}
	server.Admin(t, http.StatusOK, http.MethodPost, path, map[string]any{"ldap_uid_list": []string{"carol", "dave"}})
	var users []struct{ Username, Email, Comment string }
	must(t, json.Unmarshal(server.Admin(t, http.StatusOK, http.MethodGet, "/api/v2.0/users?sort=username", nil).Body, &users))
	if len(users) != 2 || users[0].Username != "carol" || users[0].Email != "carol@example.org" || users[0].Comment != "from LDAP." || users[1].Username != "dave" {
		t.Errorf("users are %+v", users)
	}
	server.Admin(t, http.StatusForbidden, http.MethodPut, "/api/v2.0/users/"+idOf(t, server, "carol")+"/password", map[string]string{"new_password": "Local-Passw0rd"})
}

func idOf(t testing.TB, server *haventest.Server, name string) string {
	t.Helper()
	var found []struct {
		ID int64 `json:"user_id"`
	}
	must(t, json.Unmarshal(server.Admin(t, http.StatusOK, http.MethodGet, "/api/v2.0/users/search?username="+name, nil).Body, &found))
	if len(found) != 1 {
		t.Fatalf("%s: %+v", name, found)
	}
	return fmt.Sprint(found[0].ID)
}
