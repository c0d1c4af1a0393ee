package distribution_test

import (
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/app/apptest"
	"github.com/havenregistry/haven/internal/await"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/project"
	"github.com/havenregistry/haven/internal/secret"
	"github.com/havenregistry/haven/internal/setting"
)

func sqliteURL(t *testing.T) string { return dbtest.SQLiteURL(t) }

// granted reads the actions of a token for one repository.
func granted(t *testing.T, c *client, repository string) []string {
	t.Helper()
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(c.bearer, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims struct {
		Access []struct {
			Type, Name string
			Actions    []string
		}
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	for _, a := range claims.Access {
		if a.Type == "repository" && a.Name == repository {
			slices.Sort(a.Actions)
			return a.Actions
		}
	}
	return nil
}

func TestTokenGrantsWhatIsAllowedAndNoMore(t *testing.T) {
	apptest.Each(t, func(t *testing.T, s *apptest.Server) {
		c := admin(t, s)
		c.project("p", false)
		c.project("open", true)
		users := map[string]*client{"": {t: t, base: s.URL}, "stranger": c.user("stranger")}
		for name, role := range map[string]int{"owner": 1, "developer": 2, "guest": 3, "maintainer": 4, "limited": 5} {
			users[name] = c.user(name)
			c.member("p", name, role)
		}
		cases := []struct{ who, scope, repo, want string }{
			{"owner", "repository:p/app:pull,push,delete", "p/app", "delete pull push"},
			{"maintainer", "repository:p/app:*", "p/app", "delete pull push"},
			{"developer", "repository:p/app:pull,push,delete", "p/app", "pull push"},
			{"developer", "repository:p/app:pull", "p/app", "pull"},
			{"guest", "repository:p/app:pull,push", "p/app", "pull"},
			{"limited", "repository:p/app:pull,push", "p/app", "pull"},
			{"stranger", "repository:p/app:pull,push", "p/app", ""},
			{"stranger", "repository:open/app:pull,push", "open/app", "pull"},
			{"", "repository:open/app:pull,push", "open/app", "pull"},
			{"", "repository:p/app:pull", "p/app", ""},
			{"owner", "repository:nosuch/app:pull", "nosuch/app", ""},
			{"owner", "repository:p:pull", "p", ""},
			{"owner", "repository:P/App:pull", "P/App", ""},
		}
		for _, k := range cases {
			got := granted(t, users[k.who].token(k.scope), k.repo)
			if strings.Join(got, " ") != k.want {
				t.Errorf("%q asking %s got %v, want %q", k.who, k.scope, got, k.want)
			}
		}
		// Several scopes at once, in one parameter and in two.
		both := users["developer"].token("repository:p/a:pull repository:open/b:pull", "repository:p/c:push")
		for repo, want := range map[string]string{"p/a": "pull", "open/b": "pull", "p/c": "push"} {
			if got := granted(t, both, repo); strings.Join(got, " ") != want {
				t.Errorf("%s: %v, want %s", repo, got, want)
			}
		}
		users[""].must(401, "GET", "/service/token?service=harbor-registry", nil)
		c.as("admin", "wrong").must(401, "GET", "/service/token?service=harbor-registry&scope=repository:open/app:pull", nil)
		c.must(400, "GET", "/service/token?service=else", nil)
		c.must(405, "POST", "/service/token", "grant_type=password")
	})
}

// A token dies with what it was granted for (S8).
func TestTokensDie(t *testing.T) {
	apptest.Each(t, func(t *testing.T, s *apptest.Server) {
		c := admin(t, s)
		c.project("p", false)
		c.project("q", false)
		c.image("q/app", "v1", "l")
		dev := c.user("dev")
		c.member("p", "dev", 2)
		const push = "/v2/p/app/blobs/uploads/"
		scope := "repository:p/app:pull,push"

		other := c.token("repository:p/app:pull")
		other.must(401, "GET", "/v2/q/app/manifests/v1", nil)
		other.must(401, "GET", "/v2/p/other/tags/list", nil)
		other.must(401, "POST", push, nil) // only pull was granted

		before := dev.token(scope)
		before.must(202, "POST", push, nil)
		c.must(200, "PUT", "/api/v2.0/projects/p/members/"+memberID(t, c, "p", "dev"), map[string]int{"role_id": 3})
		before.must(401, "POST", push, nil)
		if got := granted(t, dev.token(scope), "p/app"); strings.Join(got, " ") != "pull" {
			t.Errorf("a guest was granted %v", got)
		}

		old := c.token(scope)
		old.must(202, "POST", push, nil)
		c.must(200, "DELETE", "/api/v2.0/projects/p", nil)
		old.must(401, "POST", push, nil)
		c.project("p", false)
		old.must(401, "POST", push, nil)

		forged := old.bearer[:strings.LastIndexByte(old.bearer, '.')] + ".AAAA"
		(&client{t: t, base: s.URL, bearer: forged}).must(401, "GET", "/v2/", nil)
		unsigned := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + strings.Split(old.bearer, ".")[1] + "."
		(&client{t: t, base: s.URL, bearer: unsigned}).must(401, "GET", "/v2/", nil)
		(&client{t: t, base: s.URL, bearer: c.token(scope).bearer}).must(401, "GET", "/api/v2.0/users/current", nil)
	})
}

func memberID(t *testing.T, c *client, project, user string) string {
	t.Helper()
	var members []struct {
		ID   json.Number `json:"id"`
		Name string      `json:"entity_name"`
	}
	if err := json.Unmarshal([]byte(c.must(200, "GET", "/api/v2.0/projects/"+project+"/members", nil).body), &members); err != nil {
		t.Fatal(err)
	}
	for _, m := range members {
		if m.Name == user {
			return m.ID.String()
		}
	}
	t.Fatalf("%s is no member of %s", user, project)
	return ""
}

// A scanner pulls one repository by name and password, by the token it fetches with them, and does nothing else.
func TestScanPass(t *testing.T) {
	url := dbtest.PostgresURL(t) // a second process gives the pass
	s := apptest.Start(t, url)
	c := admin(t, s)
	c.project("p", false)
	push := c.token("repository:p/app:pull,push", "repository:p/other:pull,push")
	m := push.image("p/app", "v1", "layer")
	push.image("p/other", "v1", "layer")

	d, err := db.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	box, err := secret.OpenBox(filepath.Join(s.Dir, "secret-key"))
	if err != nil {
		t.Fatal(err)
	}
	id := identity.New(identity.Deps{DB: d, Settings: setting.New(d, box, time.Now), Box: box, Clock: time.Now, Log: slog.New(slog.DiscardHandler)})
	projects := project.New(project.Deps{DB: d, Clock: time.Now})
	p, err := projects.ByName(t.Context(), "p")
	if err != nil {
		t.Fatal(err)
	}
	pass, err := id.GiveScanPass(t.Context(), "Clair", identity.TokenAccess{Name: "p/app", ProjectID: p.ID, ProjectEpoch: p.Epoch}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	basic := c.as(identity.ScanName, strings.TrimPrefix(pass.Bearer.Reveal(), "Bearer "))
	fetched := basic.token("repository:p/app:pull,push", "repository:p/other:pull")
	if got := granted(t, fetched, "p/app"); strings.Join(got, " ") != "pull" {
		t.Errorf("it was granted %v", got)
	}
	if got := granted(t, fetched, "p/other"); len(got) != 0 {
		t.Errorf("elsewhere it was granted %v", got)
	}
	direct := &client{t: t, base: s.URL, bearer: basic.password}
	for name, scanner := range map[string]*client{"name and password": basic, "fetched token": fetched, "the token itself": direct} {
		if a := scanner.must(200, "GET", "/v2/p/app/manifests/v1", nil); a.body != m {
			t.Errorf("%s: %s", name, a.body)
		}
		scanner.must(200, "GET", "/v2/p/app/blobs/"+digestOf("layer"), nil)
		scanner.must(401, "GET", "/v2/p/other/manifests/v1", nil)
		scanner.must(401, "POST", "/v2/p/app/blobs/uploads/", nil)
		scanner.must(401, "DELETE", "/v2/p/app/manifests/v1", nil)
		scanner.must(401, "GET", "/api/v2.0/projects/p", nil)
		scanner.must(401, "GET", "/api/v2.0/users/current", nil)
	}
	if err := id.EndScanPass(t.Context(), pass.ID); err != nil {
		t.Fatal(err)
	}
	for _, scanner := range []*client{basic, fetched, direct} {
		await.Until(t, "the pass ends with its scan", func() bool { return scanner.do("GET", "/v2/p/app/manifests/v1", nil).status == 401 })
	}
}
