//go:build acceptance

package identity

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/havenregistry/haven/test/haventest"
)

const annPassword = "Ann-test-12345"

// tokenOf makes a personal access token of ann with a right in a project's repositories, and returns its id
// and text.
func tokenOf(t *testing.T, d haventest.Door, name, project, expires string, actions ...string) (id int64, text string) {
	t.Helper()
	access := []any{}
	for _, a := range actions {
		access = append(access, map[string]string{"resource": "repository", "action": a})
	}
	body := map[string]any{"name": name, "permissions": []any{map[string]any{"kind": "project", "namespace": project, "access": access}}}
	if expires != "" {
		body["expires_at"] = expires
	}
	a := d.Call(t, "ann", annPassword, http.MethodPost, "/api/haven/v1/tokens", body)
	var made struct {
		ID    int64
		Token string
	}
	if err := json.Unmarshal(a.Body, &made); err != nil || a.Status != http.StatusCreated {
		t.Fatalf("make a token: %d %s", a.Status, a.Body)
	}
	return made.ID, made.Token
}

// begin starts an upload with a docker token, and tells the status: 202 where it may push.
func begin(t *testing.T, d haventest.Door, repository, bearer string) int {
	t.Helper()
	return withBearer(t, d, http.MethodPost, "/v2/"+repository+"/blobs/uploads/", bearer)
}

func withBearer(t *testing.T, d haventest.Door, method, path, bearer string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, d.URL+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+bearer)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// logIn is what `docker login` asks: a token without a scope.
func logIn(t *testing.T, d haventest.Door, user, password string) int {
	t.Helper()
	return d.Call(t, user, password, http.MethodGet, "/service/token?service=harbor-registry&account="+url.QueryEscape(user), nil).Status
}

// within asks until the answer is the one wanted, and fails when that takes longer than a second.
func within(t *testing.T, what string, want int, ask func() int) {
	t.Helper()
	deadline := time.Now().Add(time.Second)
	for {
		got := ask()
		if got == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: still %d after a second, want %d", what, got, want)
		}
	}
}

func TestPersonalAccessTokens(t *testing.T) {
	haventest.OnEachSize(t, func(t *testing.T, size haventest.Size) {
		site := size.Start(t, haventest.Options{})
		near, far := site.Replicas[0].Door, site.Replicas[len(site.Replicas)-1].Door
		site.NewProject(t, "app", false)
		site.NewProject(t, "other", false)
		site.NewMember(t, "app", "ann", annPassword, haventest.Developer)
		site.Admin(t, http.StatusCreated, http.MethodPost, "/api/v2.0/projects/other/members", map[string]any{
			"role_id": haventest.Developer, "member_user": map[string]string{"username": "ann"}})

		t.Run("docker", func(t *testing.T) {
			_, text := tokenOf(t, near, "docker", "app", "", "pull", "push")
			if got := logIn(t, far, "ann", text); got != http.StatusOK {
				t.Errorf("docker login: %d", got)
			}
			if got := logIn(t, far, "admin", text); got != http.StatusUnauthorized {
				t.Errorf("docker login under another name: %d", got)
			}
			if got := begin(t, far, "app/web", near.Token(t, "ann", text, "repository:app/web:pull,push")); got != http.StatusAccepted {
				t.Errorf("push: %d", got)
			}
			client := newClient(t)
			client.must("login", "--username", "ann", "--password", text, far.Host)
			client.must("copy", "docker-archive:"+haventest.NewImage(t, "token:1"), "docker://"+far.Host+"/app/client:v1")
			client.must("inspect", "docker://"+far.Host+"/app/client:v1")
			if a := far.Call(t, "ann", text, http.MethodGet, "/v2/", nil); a.Status != http.StatusOK {
				t.Errorf("Basic on /v2/: %d", a.Status)
			}
		})

		t.Run("narrowing", func(t *testing.T) {
			_, text := tokenOf(t, near, "narrow", "app", "", "pull", "list")
			if got := begin(t, near, "app/web", near.Token(t, "ann", text, "repository:app/web:pull,push")); got != http.StatusUnauthorized {
				t.Errorf("a token that may pull pushes: %d", got)
			}
			for path, want := range map[string]int{
				"/api/v2.0/projects/app/repositories": http.StatusOK, "/api/v2.0/projects/other/repositories": http.StatusForbidden,
				"/api/v2.0/users/current": http.StatusOK, "/api/v2.0/projects/app/members": http.StatusForbidden,
				"/api/haven/v1/tokens": http.StatusForbidden, "/api/v2.0/configurations": http.StatusForbidden,
			} {
				if got := withBearer(t, far, http.MethodGet, path, text); got != want {
					t.Errorf("GET %s as Bearer: %d, want %d", path, got, want)
				}
			}
			// What the owner loses the token loses, on the next request.
			site.Admin(t, http.StatusOK, http.MethodDelete, fmt.Sprintf("/api/v2.0/projects/app/members/%d", memberID(t, site.Door, "app", "ann")), nil)
			within(t, "a token of somebody who is no member", http.StatusForbidden, func() int {
				return withBearer(t, far, http.MethodGet, "/api/v2.0/projects/app/repositories", text)
			})
			site.Admin(t, http.StatusCreated, http.MethodPost, "/api/v2.0/projects/app/members", map[string]any{
				"role_id": haventest.Developer, "member_user": map[string]string{"username": "ann"}})
		})

		t.Run("revoked at one replica", func(t *testing.T) {
			id, text := tokenOf(t, near, "revoked", "app", "", "pull", "push")
			docker := far.Token(t, "ann", text, "repository:app/web:pull,push")
			if got := begin(t, far, "app/web", docker); got != http.StatusAccepted {
				t.Fatalf("push: %d", got)
			}
			if a := near.Call(t, "ann", annPassword, http.MethodDelete, fmt.Sprint("/api/haven/v1/tokens/", id), nil); a.Status != http.StatusOK {
				t.Fatalf("revoke: %d %s", a.Status, a.Body)
			}
			within(t, "the docker token", http.StatusUnauthorized, func() int { return begin(t, far, "app/web", docker) })
			within(t, "the token", http.StatusUnauthorized, func() int { return logIn(t, far, "ann", text) })
		})

		t.Run("expiry", func(t *testing.T) {
			ends := time.Now().Add(3 * time.Second)
			_, text := tokenOf(t, near, "short", "app", ends.UTC().Format(time.RFC3339Nano), "pull", "push")
			docker := near.Token(t, "ann", text, "repository:app/web:pull,push")
			if got := begin(t, far, "app/web", docker); got != http.StatusAccepted {
				t.Fatalf("push: %d", got)
			}
			<-time.After(time.Until(ends))
			within(t, "the docker token", http.StatusUnauthorized, func() int { return begin(t, far, "app/web", docker) })
			within(t, "the token", http.StatusUnauthorized, func() int { return logIn(t, far, "ann", text) })
		})

		t.Run("ends with the account", func(t *testing.T) {
			_, text := tokenOf(t, near, "last", "app", "", "pull", "push")
			docker := near.Token(t, "ann", text, "repository:app/web:pull,push")
			site.Admin(t, http.StatusOK, http.MethodDelete, fmt.Sprint("/api/v2.0/users/", userID(t, site.Door, "ann")), nil)
			within(t, "the docker token", http.StatusUnauthorized, func() int { return begin(t, far, "app/web", docker) })
			within(t, "the token", http.StatusUnauthorized, func() int { return logIn(t, far, "ann", text) })
		})
	}, haventest.Alone, haventest.Replicated)
}

// client is skopeo with credentials of its own.
type client struct {
	t        *testing.T
	program  string
	authFile string
}

func newClient(t *testing.T) client {
	return client{t, haventest.Tool(t, "skopeo"), filepath.Join(t.TempDir(), "auth.json")}
}

func (c client) must(command string, args ...string) {
	c.t.Helper()
	insecure := "--tls-verify=false"
	if command == "copy" {
		insecure = "--dest-tls-verify=false"
	}
	out, err := exec.CommandContext(c.t.Context(), c.program, append([]string{"--insecure-policy", command, "--authfile", c.authFile, insecure}, args...)...).CombinedOutput() //nolint:gosec // a tool of the tests
	if err != nil {
		c.t.Fatalf("skopeo %s: %v: %s", command, err, out)
	}
}

func memberID(t *testing.T, d haventest.Door, project, name string) (id int64) {
	t.Helper()
	var rows []struct{ ID int64 }
	a := d.Admin(t, http.StatusOK, http.MethodGet, "/api/v2.0/projects/"+project+"/members?entityname="+name, nil)
	if err := json.Unmarshal(a.Body, &rows); err != nil || len(rows) != 1 {
		t.Fatalf("members: %s", a.Body)
	}
	return rows[0].ID
}

func userID(t *testing.T, d haventest.Door, name string) int64 {
	t.Helper()
	var rows []struct {
		ID int64 `json:"user_id"`
	}
	a := d.Admin(t, http.StatusOK, http.MethodGet, "/api/v2.0/users?q=username%3D"+name, nil)
	if err := json.Unmarshal(a.Body, &rows); err != nil || len(rows) != 1 {
		t.Fatalf("users: %s", a.Body)
	}
	return rows[0].ID
}

// Two clients of a robot, each on a replica of its own, change over to another secret one after the other. Neither
// is refused once, while all the time they log in and push.
func TestRobotSecretsRotateWithoutDowntime(t *testing.T) {
	haventest.OnEachSize(t, func(t *testing.T, size haventest.Size) {
		site := size.Start(t, haventest.Options{})
		site.NewProject(t, "app", false)
		name, first := site.NewRobot(t, "app", "ci", [][2]string{{"repository", "pull"}, {"repository", "push"}})
		id := robotID(t, site.Door, "app")

		var secrets [2]atomic.Value
		var served [len(secrets)]atomic.Int64
		stop, done := make(chan struct{}), make(chan error, len(secrets))
		for i := range secrets {
			secrets[i].Store(first)
			go func() {
				done <- pushUntil(site.Replicas[i%len(site.Replicas)].Door, name, &secrets[i], &served[i], stop)
			}()
		}
		wait := func() { // until each has been served by a request that began after now
			for i := range served {
				for from := served[i].Load(); served[i].Load() < from+2; {
					select {
					case err := <-done:
						t.Fatalf("a client was refused: %v", err)
					case <-time.After(5 * time.Millisecond):
					}
				}
			}
		}
		wait()
		a := site.Admin(t, http.StatusOK, http.MethodPatch, fmt.Sprint("/api/v2.0/robots/", id), map[string]any{"secret": "", "overlap_hours": 1})
		var made struct{ Secret string }
		if err := json.Unmarshal(a.Body, &made); err != nil || made.Secret == "" {
			t.Fatalf("rotate: %s", a.Body)
		}
		for i := range secrets {
			wait()
			secrets[i].Store(made.Secret)
		}
		wait()
		site.Admin(t, http.StatusOK, http.MethodDelete, fmt.Sprintf("/api/haven/v1/robots/%d/previous-secret", id), nil)
		wait()
		close(stop)
		for range secrets {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		for _, r := range site.Replicas {
			within(t, "the old secret", http.StatusUnauthorized, func() int { return logIn(t, r.Door, name, first) })
		}
	}, haventest.Alone, haventest.Replicated)
}

func robotID(t *testing.T, d haventest.Door, project string) int64 {
	t.Helper()
	var rows []struct{ ID int64 }
	a := d.Admin(t, http.StatusOK, http.MethodGet, "/api/v2.0/projects/"+project+"/robots", nil)
	if err := json.Unmarshal(a.Body, &rows); err != nil || len(rows) != 1 {
		t.Fatalf("robots: %s", a.Body)
	}
	return rows[0].ID
}

// pushUntil logs in and begins an upload, again and again, with the secret of the moment. A docker token that has died
// is fetched anew, as clients do.
func pushUntil(d haventest.Door, name string, text *atomic.Value, served *atomic.Int64, stop <-chan struct{}) error {
	for {
		select {
		case <-stop:
			return nil
		default:
		}
		secret, _ := text.Load().(string)
		status, err := pushOnce(d, name, secret)
		if err == nil && status == http.StatusUnauthorized { // the docker token died between the two requests
			status, err = pushOnce(d, name, secret)
		}
		if err != nil {
			return err
		}
		if status != http.StatusAccepted {
			return fmt.Errorf("a push was answered with %d", status)
		}
		served.Add(1)
	}
}

// pushOnce logs in and begins an upload. A log-in that is refused is an error.
func pushOnce(d haventest.Door, name, secret string) (status int, err error) {
	req, err := http.NewRequest(http.MethodGet, d.URL+"/service/token?service=harbor-registry&scope=repository:app/web:pull,push", http.NoBody)
	if err != nil {
		return 0, err
	}
	req.SetBasicAuth(name, secret)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	var got struct{ Token string }
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil || resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("the log-in was answered with %d (%v)", resp.StatusCode, err) //nolint:errorlint // there may be none
	}
	if req, err = http.NewRequest(http.MethodPost, d.URL+"/v2/app/web/blobs/uploads/", http.NoBody); err != nil {
		return 0, err
	}
	req.Header.Set("Authorization", "Bearer "+got.Token)
	begun, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	return begun.StatusCode, begun.Body.Close()
}
