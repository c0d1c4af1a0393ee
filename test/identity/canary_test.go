//go:build acceptance

package identity

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/havenregistry/haven/test/haventest"
)

// canaries are secrets with known marks, by where they were given or made.
type canaries map[string]string

func (c canaries) in(where string) string {
	c[where] = fmt.Sprintf("Canary-%d-of-them", len(c))
	return c[where]
}

// search fails the test for each canary in text.
func (c canaries) search(t *testing.T, sink, text string) {
	t.Helper()
	for where, secret := range c {
		if strings.Contains(text, secret) {
			t.Errorf("%s holds the secret of %s", sink, where)
		}
	}
}

// Whatever secret is given, and in whatever field, no log, answer, audit row, metric or file shows it again.
func TestNoSecretShowsAgain(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	metrics := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	s := haventest.Start(t, haventest.Options{Env: []string{"HAVEN_LOG_LEVEL=debug", "HAVEN_METRICS_LISTEN=" + metrics}})
	c := canaries{}
	plant(t, s, c)
	planted := len(c)
	answers := 0
	for _, path := range readable(t) {
		for _, as := range []struct{ user, password string }{{"admin", haventest.AdminPassword}, {"ann", c["user, changed"]}, {"admin", c.in("log-in, wrong")}} {
			a := s.Call(t, as.user, as.password, http.MethodGet, path, nil)
			c.search(t, "GET "+path+" as "+as.user, fmt.Sprint(a.Header, string(a.Body)))
			if a.Status == http.StatusOK {
				answers++
			}
		}
	}
	if planted < 15 || answers < 40 {
		t.Fatalf("%d secrets were planted and %d answers searched: too few to tell", planted, answers)
	}
	resp, err := http.Get("http://" + metrics + "/metrics") //nolint:noctx // a test
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || !strings.Contains(string(text), "haven_build_info") {
		t.Fatalf("no metrics: %v", err)
	}
	c.search(t, "/metrics", string(text))
	s.Stop()
	if log := s.Log(); !strings.Contains(log, "/api/v2.0/configurations") {
		t.Error("the log doesn't tell of requests")
	} else {
		c.search(t, "the log", log)
	}
	err = filepath.WalkDir(s.DataDir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		held, err := os.ReadFile(path) //nolint:gosec // the test's own
		c.search(t, path, string(held))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// plant gives a secret in each field that takes one, right and wrong ones, and notes those that are made.
func plant(t *testing.T, s *haventest.Server, c canaries) {
	t.Helper()
	const api = "/api/v2.0"
	s.Admin(t, 200, "PUT", api+"/configurations", map[string]any{
		"ldap_search_password": c.in("LDAP"), "oidc_client_secret": c.in("OIDC"), "uaa_client_secret": c.in("UAA")})
	s.Admin(t, 400, "PUT", api+"/configurations", map[string]any{"ldap_search_password": c.in("LDAP, refused"), "ldap_scope": 9})
	s.Admin(t, 201, "POST", api+"/users", map[string]any{"username": "ann", "email": "ann@example.com", "realname": "ann", "password": c.in("user")})
	s.Admin(t, 409, "POST", api+"/users", map[string]any{"username": "ann", "email": "ann@example.com", "realname": "ann", "password": c.in("user, refused")})
	var ann struct {
		ID int64 `json:"user_id"`
	}
	decode(t, s.Call(t, "ann", c["user"], "GET", api+"/users/current", nil), 200, &ann)
	own := fmt.Sprintf("%s/users/%d", api, ann.ID)
	was := c["user"]
	decode(t, s.Call(t, "ann", was, "PUT", own+"/password", map[string]any{"old_password": c.in("old password, wrong"), "new_password": c.in("new password, refused")}), 403, nil)
	decode(t, s.Call(t, "ann", was, "PUT", own+"/password", map[string]any{"old_password": was, "new_password": c.in("user, changed")}), 200, nil)
	s.Call(t, "ann", c["user, changed"], "PUT", own+"/cli_secret", map[string]any{"secret": c.in("CLI")})

	s.NewProject(t, "demo", false)
	s.Admin(t, 201, "POST", api+"/projects/demo/members", map[string]any{"role_id": haventest.ProjectAdmin, "member_user": map[string]string{"username": "ann"}})
	robot := map[string]any{"name": "ci", "level": "project", "duration": -1, "secret": c.in("robot, as sent"), "permissions": []any{map[string]any{
		"kind": "project", "namespace": "demo", "access": []any{map[string]string{"resource": "repository", "action": "pull"}}}}}
	var made struct {
		ID            int64
		Secret, Token string
	}
	decode(t, s.Call(t, "admin", haventest.AdminPassword, "POST", api+"/robots", robot), 201, &made)
	c["robot, made"] = made.Secret
	decode(t, s.Call(t, "admin", haventest.AdminPassword, "PATCH", fmt.Sprintf("%s/robots/%d", api, made.ID), map[string]any{"secret": c.in("robot")}), 200, nil)
	decode(t, s.Call(t, "ann", c["user, changed"], "POST", "/api/haven/v1/tokens", map[string]any{"name": "cli", "permissions": []any{map[string]any{
		"kind": "project", "namespace": "demo", "access": []any{map[string]string{"resource": "repository", "action": "pull"}}}}}), 201, &made)
	c["personal token"] = made.Token

	s.Admin(t, 200, "POST", api+"/ldap/ping", map[string]any{"ldap_url": "ldap://127.0.0.1:1", "ldap_base_dn": "dc=x", "ldap_uid": "uid", "ldap_search_dn": "cn=x", "ldap_search_password": c.in("LDAP, tried")})
	s.Call(t, "", "", "POST", "/api/haven/v1/workload/token", map[string]any{"token": c.in("workload")})
	s.Call(t, c.in("password as the name"), c.in("log-in, unknown"), "GET", api+"/users/current", nil)
	for _, header := range []string{"Bearer " + c.in("bearer"), "Basic " + c.in("basic")} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+api+"/users/current", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", header)
		req.AddCookie(&http.Cookie{Name: "sid", Value: c.in("cookie " + header[:5])})
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		c.search(t, "the answer to bad credentials", fmt.Sprint(resp.Header, string(text)))
	}
	c["docker token"] = s.Token(t, "ann", c["user, changed"], "registry:catalog:*")
}

func decode(t *testing.T, a haventest.Answer, want int, v any) {
	t.Helper()
	if a.Status != want {
		t.Fatalf("status %d, want %d: %s", a.Status, want, a.Body)
	}
	if v != nil {
		if err := json.Unmarshal(a.Body, v); err != nil {
			t.Fatal(err)
		}
	}
}

// readable are the paths of the contract that are read, about what was planted.
func readable(t *testing.T) (paths []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(haventest.Root(t), "api", "openapi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var contract struct {
		Paths map[string]map[string]any
	}
	if err := yaml.Unmarshal(text, &contract); err != nil {
		t.Fatal(err)
	}
	for path, item := range contract.Paths {
		if item["get"] == nil {
			continue
		}
		path = strings.NewReplacer("{project_name_or_id}", "demo", "{project_name}", "demo", "{user_id}", "2", "{reference}", "v1", "{repository_name}", "app").Replace(path)
		for strings.Contains(path, "{") {
			before, rest, _ := strings.Cut(path, "{")
			_, after, _ := strings.Cut(rest, "}")
			path = before + "1" + after
		}
		paths = append(paths, path+"?page_size=100")
	}
	if len(paths) < 40 {
		t.Fatalf("the contract reads %d paths", len(paths))
	}
	return paths
}
