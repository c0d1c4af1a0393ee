//go:build acceptance

package identity

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/await"
	"github.com/havenregistry/haven/test/haventest"
)

// newTeam makes a private project that the group team-a develops.
func newTeam(t *testing.T, server haventest.Door) {
	t.Helper()
	server.NewProject(t, "app", false)
	server.Admin(t, http.StatusCreated, http.MethodPost, "/api/v2.0/projects/app/members", map[string]any{
		"role_id": haventest.Developer, "member_group": map[string]any{"group_name": "team-a", "group_type": 3},
	})
}

// dockerToken logs in as docker does, and returns the token with what it grants in the project.
func dockerToken(t *testing.T, server haventest.Door, name, secret string) (token string, actions []string, status int) {
	t.Helper()
	a := server.Call(t, name, secret, http.MethodGet, "/service/token?service=harbor-registry&scope=repository:app/x:pull,push", nil)
	if a.Status != http.StatusOK {
		return "", nil, a.Status
	}
	var got struct{ Token string }
	must(t, json.Unmarshal(a.Body, &got))
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(got.Token, ".")[1])
	must(t, err)
	var claims struct {
		Access []struct{ Actions []string }
	}
	must(t, json.Unmarshal(payload, &claims))
	for _, a := range claims.Access {
		actions = append(actions, a.Actions...)
	}
	slices.Sort(actions)
	return got.Token, actions, a.Status
}

// upload asks to begin a push with a docker token, and returns the status.
func upload(t *testing.T, server haventest.Door, token string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/v2/app/x/blobs/uploads/", nil)
	must(t, err)
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := http.DefaultClient.Do(r)
	must(t, err)
	must(t, answer.Body.Close())
	return answer.StatusCode
}

func TestGroupsOfTheProviderAreRoles(t *testing.T) {
	server := haventest.Start(t, haventest.Options{})
	p := newOpenID(t, server.Door, "token")
	newTeam(t, server.Door)
	p.people(map[string][]string{"alice": {"team-a", "other"}, "bob": {"bosses"}, "carol": {}})

	alice, bob, carol := p.visitor(), p.visitor(), p.visitor()
	if at := alice.signIn("alice"); at.status != http.StatusOK || at.at.String() != server.URL+"/projects" {
		t.Fatalf("alice is at %s: %d %s", at.at, at.status, at.body)
	}
	bob.signIn("bob")
	carol.signIn("carol")
	who, in := alice.me()
	if !in || who.Username != "alice" || who.SysadminFlag || who.Admin || who.Meta.SubIss != "alice"+p.issuer || len(who.Meta.Secret) < 20 {
		t.Fatalf("alice is %+v", who)
	}
	for name, c := range map[string]struct {
		visitor *visitor
		path    string
		status  int
	}{
		"alice, whose group develops":     {alice, "/api/v2.0/projects/app", http.StatusOK},
		"carol, who is in no group":       {carol, "/api/v2.0/projects/app", http.StatusForbidden},
		"bob, whose group administers":    {bob, "/api/v2.0/configurations", http.StatusOK},
		"alice, whose group doesn't":      {alice, "/api/v2.0/configurations", http.StatusForbidden},
		"bob's groups, but for the other": {bob, "/api/v2.0/usergroups?page_size=100", http.StatusOK},
	} {
		if got := c.visitor.get(c.path); got.status != c.status {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}

	token, actions, status := dockerToken(t, server.Door, "alice", who.Meta.Secret)
	if !slices.Equal(actions, []string{"pull", "push"}) || upload(t, server.Door, token) != http.StatusAccepted {
		t.Fatalf("docker with the CLI secret: %d, %q", status, actions)
	}
	if _, _, status := dockerToken(t, server.Door, "alice", who.Meta.Secret+"x"); status != http.StatusUnauthorized {
		t.Errorf("docker with another secret: %d", status)
	}
	put := server.Call(t, "alice", who.Meta.Secret, http.MethodPut, "/api/v2.0/users/1/cli_secret", map[string]string{})
	if put.Status != http.StatusForbidden {
		t.Errorf("another's secret: %d %s", put.Status, put.Body)
	}

	// Out of the group: roles and tokens go, the account stays.
	p.people(map[string][]string{"alice": {"team-b"}, "bob": {}})
	p.later(server)
	if got := alice.get("/api/v2.0/projects/app"); got.status != http.StatusForbidden {
		t.Errorf("out of the group: %d %s", got.status, got.body)
	}
	noAdministrator(t, bob, "bob")
	if status := upload(t, server.Door, token); status != http.StatusUnauthorized {
		t.Errorf("a token of before: %d", status)
	}
	if _, actions, status := dockerToken(t, server.Door, "alice", who.Meta.Secret); status != http.StatusOK || len(actions) != 0 {
		t.Errorf("docker out of the group: %d, %q", status, actions)
	}

	// Gone from the company: nothing is left but the account, for when they come back.
	p.people(map[string][]string{"alice": nil})
	p.later(server)
	if _, in := alice.me(); in {
		t.Error("the session of somebody who left goes on")
	}
	if _, _, status := dockerToken(t, server.Door, "alice", who.Meta.Secret); status != http.StatusUnauthorized {
		t.Errorf("the CLI secret of somebody who left: %d", status)
	}
	p.people(map[string][]string{"alice": {"team-a"}})
	alice = p.visitor()
	alice.signIn("alice")
	if again, in := alice.me(); !in || again.UserID != who.UserID {
		t.Errorf("back again: %+v", again)
	}
	for _, secret := range []string{who.Meta.Secret, "s3cret-of-haven"} {
		if strings.Contains(server.Log(), secret) {
			t.Error("the log tells a secret")
		}
	}
}

func TestGroupsFromUserinfo(t *testing.T) {
	server := haventest.Start(t, haventest.Options{})
	p := newOpenID(t, server.Door, "userinfo")
	p.people(map[string][]string{"bob": {"bosses"}})
	bob := p.visitor()
	bob.signIn("bob")
	if got := bob.get("/api/v2.0/configurations"); got.status != http.StatusOK || strings.Contains(got.body, "s3cret") {
		t.Fatalf("got %d %s", got.status, got.body)
	}
	p.people(map[string][]string{"bob": {"team"}})
	p.later(server)
	noAdministrator(t, bob, "bob")
}

// noAdministrator checks that who was one isn't any more: the session has ended, and another one is a user's.
func noAdministrator(t *testing.T, v *visitor, name string) {
	t.Helper()
	if got := v.get("/api/v2.0/configurations"); got.status != http.StatusUnauthorized {
		t.Errorf("the session of an administrator goes on: %d", got.status)
	}
	v.get("/c/oidc/login") // where one is still known
	if who, in := v.me(); !in || who.Username != name {
		t.Fatalf("not in again: %+v", who)
	}
	if got := v.get("/api/v2.0/configurations"); got.status != http.StatusForbidden {
		t.Errorf("still an administrator: %d", got.status)
	}
}

func TestWaysThatLeadNowhere(t *testing.T) {
	server := haventest.Start(t, haventest.Options{})
	early := &visitor{t: t, p: &openID{server: server.Door}, client: http.DefaultClient}
	if got := early.get("/c/oidc/login"); got.status != http.StatusPreconditionFailed {
		t.Errorf("while it is switched off: %d", got.status)
	}
	p := newOpenID(t, server.Door, "token")
	p.people(map[string][]string{"alice": {}})
	info := server.Call(t, "", "", http.MethodGet, "/api/v2.0/systeminfo", nil)
	if !strings.Contains(string(info.Body), `"oidc_provider_name":"Company"`) || !strings.Contains(string(info.Body), `"auth_mode":"oidc_auth"`) {
		t.Errorf("systeminfo: %s", info.Body)
	}

	v := p.visitor()
	for _, next := range []string{"https://evil.example/", "//evil.example", `/\evil.example`} {
		if got := v.get("/c/oidc/login?redirect_url=" + url.QueryEscape(next)); got.status != http.StatusBadRequest {
			t.Errorf("back to %s: %d at %s", next, got.status, got.at)
		}
	}

	v.halt = true
	answer, err := url.Parse(v.signIn("alice").header.Get("Location"))
	must(t, err)
	if answer.Host != server.Host || answer.Query().Get("code") == "" {
		t.Fatalf("the provider answers to %s", answer)
	}
	refused := func(name string, by *visitor, change func(url.Values)) {
		t.Helper()
		query := answer.Query()
		change(query)
		if got := by.get("/c/oidc/callback?" + query.Encode()); got.status < 400 || got.status >= 500 {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
		if _, in := by.me(); in {
			t.Errorf("%s: somebody is signed in", name)
		}
	}
	refused("in another browser", p.visitor(), func(url.Values) {})
	other := p.visitor()
	other.begin()
	refused("in a browser with an attempt of its own", other, func(url.Values) {})
	refused("with another state", other, func(q url.Values) { q.Set("state", "x") })
	v.halt = false
	if got := v.get("/c/oidc/callback?" + answer.RawQuery); got.status != http.StatusOK {
		t.Fatalf("as it should be: %d %s", got.status, got.body)
	}
	if _, in := v.me(); !in {
		t.Fatal("nobody is signed in")
	}
	refused("a second time", p.visitor(), func(url.Values) {})
	if got := v.get("/c/oidc/callback?" + answer.RawQuery); got.status != http.StatusBadRequest {
		t.Errorf("a second time, in the same browser: %d", got.status)
	}

	ping := map[string]any{"url": p.issuer, "verify_cert": true}
	server.Admin(t, http.StatusOK, http.MethodPost, "/api/v2.0/system/oidc/ping", ping)
	late := p.visitor()
	late.halt = true
	answer, err = url.Parse(late.signIn("alice").header.Get("Location"))
	must(t, err)
	p.stop()
	server.Admin(t, http.StatusBadRequest, http.MethodPost, "/api/v2.0/system/oidc/ping", ping)
	if got := late.get("/c/oidc/callback?" + answer.RawQuery); got.status != http.StatusBadGateway {
		t.Errorf("the provider is down: %d %s", got.status, got.body)
	}
	if _, in := v.me(); !in {
		t.Error("who was in is out because the provider is down")
	}
	if got := server.Call(t, "admin", haventest.AdminPassword, http.MethodGet, "/api/v2.0/configurations", nil); got.Status != http.StatusOK {
		t.Errorf("the local administrator: %d", got.Status)
	}
}

func TestUserNameOfOnesOwn(t *testing.T) {
	server := haventest.Start(t, haventest.Options{})
	p := newOpenID(t, server.Door, "token")
	server.Admin(t, http.StatusOK, http.MethodPut, "/api/v2.0/configurations", map[string]any{"oidc_auto_onboard": false})
	p.people(map[string][]string{"carol": {}})
	v := p.visitor()
	at := v.signIn("carol")
	if at.at.Path != "/oidc-onboard" || at.at.Query().Get("username") != "carol" || at.at.Query().Get("redirect_url") != "/projects" {
		t.Fatalf("at %s", at.at)
	}
	if _, in := v.me(); in {
		t.Fatal("signed in without an account")
	}
	v.get("/c/session") // brings the token against cross-site requests
	choose := func(name string) page {
		return v.post("/c/oidc/onboard", "application/json", `{"username":"`+name+`"}`)
	}
	if got := choose("admin"); got.status != http.StatusConflict {
		t.Errorf("a name that is taken: %d %s", got.status, got.body)
	}
	if got := choose("a,b"); got.status != http.StatusBadRequest {
		t.Errorf("no name: %d %s", got.status, got.body)
	}
	forged := v.token
	v.token = ""
	if got := choose("carol-x"); got.status != http.StatusForbidden {
		t.Errorf("without a token against cross-site requests: %d", got.status)
	}
	v.token = forged
	if got := choose("carol-x"); got.status != http.StatusOK || !strings.Contains(got.body, `"redirect_url":"/projects"`) {
		t.Fatalf("got %d %s", got.status, got.body)
	}
	if who, in := v.me(); !in || who.Username != "carol-x" {
		t.Errorf("got %+v", who)
	}
	again := p.visitor()
	again.signIn("carol")
	if who, in := again.me(); !in || who.Username != "carol-x" {
		t.Errorf("the next time: %+v", who)
	}
}

func TestLogOutOnBothSides(t *testing.T) {
	server := haventest.Start(t, haventest.Options{})
	p := newOpenID(t, server.Door, "token")
	server.Admin(t, http.StatusOK, http.MethodPut, "/api/v2.0/configurations", map[string]any{"oidc_logout": true})
	p.people(map[string][]string{"alice": {}})

	// From here: the provider ends its session, too.
	v := p.visitor()
	v.signIn("alice")
	answer := v.get("/c/log_out")
	var told struct {
		Location string `json:"redirect_location"`
	}
	if json.Unmarshal([]byte(answer.body), &told) != nil || answer.status != http.StatusForbidden {
		t.Fatalf("got %d %s", answer.status, answer.body)
	}
	asked := v.get(told.Location)
	if _, in := v.me(); in {
		t.Error("still in, here")
	}
	idToken := asked.at.Query().Get("id_token_hint")
	back := v.confirm(asked)
	if back.at.Host != server.Host || back.at.Path != "/account/sign-in" {
		t.Errorf("the provider sends back to %s: %d %s", back.at, back.status, back.body)
	}
	if at := v.begin(); !strings.Contains(at.body, `name="login"`) {
		t.Errorf("still in, there: %s", at.body)
	}

	// From there: one session of the provider ends, and the one that it began here. The other goes on.
	first, second := p.visitor(), p.visitor()
	first.signIn("alice")
	second.signIn("alice")
	for name, token := range map[string]string{"nothing": "", "no token": "x.y.z", "an ID token": idToken} {
		got := p.visitor().post("/c/oidc/backchannel", form, url.Values{"logout_token": {token}}.Encode())
		if got.status != http.StatusBadRequest {
			t.Errorf("%s ends sessions: %d %s", name, got.status, got.body)
		}
	}
	if _, in := first.me(); !in {
		t.Fatal("a forged word has ended the session")
	}
	first.confirm(first.get(p.issuer + "/session/end"))
	await.Until(t, "the provider's log-out ends the session", func() bool {
		_, in := first.me()
		return !in
	})
	if _, in := second.me(); !in {
		t.Error("another session of the same person has ended, too")
	}
}
