//go:build acceptance

// Package replicas holds what several replicas promise together: an upload goes on at any of them, what one
// takes back all refuse within a second, and Redis may come and go.
package replicas

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/await"
	"github.com/havenregistry/haven/test/haventest"
)

// soon is the promise: a change is known everywhere within it.
const soon = time.Second

// sendBytes sends a part of a blob as the administrator; at 0 or more it has a Content-Range.
func sendBytes(t *testing.T, door haventest.Door, method, location string, at int, content []byte) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, door.URL+location, bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("admin", haventest.AdminPassword)
	if at >= 0 {
		req.Header.Set("Content-Range", fmt.Sprintf("%d-%d", at, at+len(content)-1))
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp
}

// next is where the upload goes on, as a path.
func next(t *testing.T, resp *http.Response) string {
	t.Helper()
	u, err := url.Parse(resp.Header.Get("Location"))
	if err != nil || u.Path == "" {
		t.Fatalf("Location %q: %v", resp.Header.Get("Location"), err)
	}
	return u.RequestURI()
}

func TestUploadMovesBetweenReplicas(t *testing.T) {
	c := haventest.StartCluster(t, haventest.Options{})
	a, b := c.Replicas[0], c.Replicas[1]
	content := make([]byte, 7<<20)
	rand.Read(content)
	digest := fmt.Sprintf("sha256:%x", sha256.Sum256(content))
	cuts := []int{0, 1 << 20, 3<<20 + 5, 3<<20 + 6, 6 << 20}

	resp := sendBytes(t, a.Door, http.MethodPost, "/v2/library/moves/blobs/uploads/", -1, nil)
	location := next(t, resp)
	for i, from := range cuts[:len(cuts)-1] {
		to, door := cuts[i+1], c.Replicas[(i+1)%2].Door // begun at a, so b is the first
		resp = sendBytes(t, door, http.MethodPatch, location, from, content[from:to])
		if got, want := resp.Header.Get("Range"), fmt.Sprintf("0-%d", to-1); resp.StatusCode != http.StatusAccepted || got != want {
			t.Fatalf("part %d: status %d, Range %q, want %q", i, resp.StatusCode, got, want)
		}
		location = next(t, resp)
	}
	last := cuts[len(cuts)-1]

	// A body that breaks off at a leaves an upload that b knows the size of, and can go on with.
	cutOff(t, a.Door, location, last, content[last:])
	a.Kill()
	held := c.Admin(t, http.StatusNoContent, http.MethodGet, location, nil).Header.Get("Range")
	var end int
	if _, err := fmt.Sscanf(held, "0-%d", &end); err != nil || end+1 < last {
		t.Fatalf("b holds %q, acknowledged were %d bytes", held, last)
	}
	resp = sendBytes(t, b.Door, http.MethodPut, location+separator(location)+"digest="+digest, end+1, content[end+1:])
	if resp.StatusCode != http.StatusCreated {
		t.Fatalf("the end of the upload at b: status %d", resp.StatusCode)
	}
	a.Restart()
	for _, r := range c.Replicas {
		got := r.Admin(t, http.StatusOK, http.MethodGet, "/v2/library/moves/blobs/"+digest, nil)
		if !bytes.Equal(got.Body, content) {
			t.Errorf("%s has other bytes", r.Host)
		}
	}
}

func separator(location string) string {
	if strings.Contains(location, "?") {
		return "&"
	}
	return "?"
}

// cutOff sends half of the content and then nothing, and waits for the end of the request.
func cutOff(t *testing.T, door haventest.Door, location string, at int, content []byte) {
	t.Helper()
	body, feed := io.Pipe()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, door.URL+location, body)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("admin", haventest.AdminPassword)
	req.Header.Set("Content-Range", fmt.Sprintf("%d-%d", at, at+len(content)-1))
	req.ContentLength = int64(len(content))
	done := make(chan error, 1)
	go func() {
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			resp.Body.Close()
		}
		done <- err
	}()
	if _, err := feed.Write(content[:len(content)/2]); err != nil {
		t.Fatal(err)
	}
	feed.CloseWithError(io.ErrUnexpectedEOF)
	if err := <-done; err == nil {
		t.Fatal("half a body was answered")
	}
}

// until asks again and again until the answer is right, which it must be within soon of the change.
func until(t *testing.T, what string, changed time.Time, right func() bool) {
	t.Helper()
	for {
		asked := time.Now()
		if right() {
			t.Logf("%s: known everywhere after %d ms", what, time.Since(changed).Milliseconds())
			return
		}
		if asked.Sub(changed) > soon {
			t.Fatalf("%s: not known after %s", what, asked.Sub(changed))
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// world is a cluster with somebody of each kind, who all get in at b.
type world struct {
	*testing.T
	c                 *haventest.Cluster
	a, b              haventest.Door
	robot, robotKey   string
	robotID           int64
	project           string
	userID, projectID int64
	token, robotToken string
}

const (
	userName     = "mary"
	userPassword = "Mary-was-12345"
)

func newWorld(t *testing.T, c *haventest.Cluster, project string) *world {
	w := &world{T: t, c: c, a: c.Replicas[0].Door, b: c.Replicas[1].Door, project: project}
	w.a.NewProject(t, project, false)
	w.a.NewMember(t, project, userName+project, userPassword, haventest.Developer)
	w.robot, w.robotKey = w.a.NewRobot(t, project, "ci", [][2]string{{"repository", "pull"}, {"repository", "push"}})
	scope := "repository:" + project + "/r:pull,push"
	w.token = w.a.Token(t, userName+project, userPassword, scope)
	w.robotToken = w.a.Token(t, w.robot, w.robotKey, scope)
	w.userID = w.id("/api/v2.0/users/search?username="+userName+project, "user_id")
	w.projectID = w.id("/api/v2.0/projects?name="+project, "project_id")
	w.robotID = w.id(fmt.Sprintf("/api/v2.0/robots?q=Level=project,ProjectID=%d", w.projectID), "id")
	for name, in := range map[string]bool{
		"the user's token": w.bearer(w.token), "the robot's token": w.bearer(w.robotToken),
		"the user": w.basic(userName+project, userPassword), "the robot": w.basic(w.robot, w.robotKey),
	} {
		if !in {
			t.Fatalf("%s doesn't get in at b", name)
		}
	}
	return w
}

// id is a number of the first row of a listing.
func (w *world) id(path, field string) int64 {
	w.Helper()
	var rows []map[string]any
	answer := w.a.Admin(w.T, http.StatusOK, http.MethodGet, path, nil)
	if err := json.Unmarshal(answer.Body, &rows); err != nil || len(rows) != 1 {
		w.Fatalf("%s: %v: %s", path, err, answer.Body)
	}
	return int64(rows[0][field].(float64))
}

// bearer reports whether b lets the token push and pull.
func (w *world) bearer(token string) bool {
	return w.status(func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) })
}

// basic reports whether b lets the name and password push and pull.
func (w *world) basic(name, password string) bool {
	return w.status(func(r *http.Request) { r.SetBasicAuth(name, password) })
}

func (w *world) status(with func(r *http.Request)) bool {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), http.MethodPost, w.b.URL+"/v2/"+w.project+"/r/blobs/uploads/", nil)
	if err != nil {
		w.Fatal(err)
	}
	with(req)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusAccepted:
		return true
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound:
		return false
	}
	w.Fatalf("b answers %s", resp.Status)
	return false
}

// What one replica takes back, the other refuses within a second, with Redis and without it.
func TestRevocationReachesAllReplicas(t *testing.T) {
	c := haventest.StartCluster(t, haventest.Options{})
	changes := []struct {
		name   string
		change func(w *world)
		gone   func(w *world) bool
	}{
		{"robot-disabled", func(w *world) {
			w.a.Admin(w.T, http.StatusOK, http.MethodPut, fmt.Sprintf("/api/v2.0/robots/%d", w.robotID), map[string]any{
				"id": w.robotID, "name": w.robot, "level": "project", "duration": -1, "disable": true,
				"permissions": []any{map[string]any{"kind": "project", "namespace": w.project, "access": []any{map[string]string{"resource": "repository", "action": "pull"}}}},
			})
		}, func(w *world) bool { return !w.bearer(w.robotToken) && !w.basic(w.robot, w.robotKey) }},
		{"robot-deleted", func(w *world) {
			w.a.Admin(w.T, http.StatusOK, http.MethodDelete, fmt.Sprintf("/api/v2.0/robots/%d", w.robotID), nil)
		}, func(w *world) bool { return !w.bearer(w.robotToken) && !w.basic(w.robot, w.robotKey) }},
		{"password-changed", func(w *world) {
			w.a.Admin(w.T, http.StatusOK, http.MethodPut, fmt.Sprintf("/api/v2.0/users/%d/password", w.userID), map[string]string{"new_password": "Another-12345"})
		}, func(w *world) bool {
			return !w.bearer(w.token) && !w.basic(userName+w.project, userPassword) && w.basic(userName+w.project, "Another-12345")
		}},
		{"user-deleted", func(w *world) {
			w.a.Admin(w.T, http.StatusOK, http.MethodDelete, fmt.Sprintf("/api/v2.0/users/%d", w.userID), nil)
		}, func(w *world) bool { return !w.bearer(w.token) && !w.basic(userName+w.project, userPassword) }},
		{"member-removed", func(w *world) {
			path := fmt.Sprintf("/api/v2.0/projects/%d/members", w.projectID)
			w.a.Admin(w.T, http.StatusOK, http.MethodDelete, fmt.Sprintf("%s/%d", path, w.id(path+"?entityname="+userName+w.project, "id")), nil)
		}, func(w *world) bool { return !w.bearer(w.token) && !w.basic(userName+w.project, userPassword) }},
		{"project-deleted", func(w *world) {
			w.a.Admin(w.T, http.StatusOK, http.MethodDelete, fmt.Sprintf("/api/v2.0/projects/%d", w.projectID), nil)
		}, func(w *world) bool {
			return !w.bearer(w.token) && !w.bearer(w.robotToken) && !w.basic(w.robot, w.robotKey)
		}},
		{"project-deleted-and-made-again", func(w *world) {
			w.a.Admin(w.T, http.StatusOK, http.MethodDelete, fmt.Sprintf("/api/v2.0/projects/%d", w.projectID), nil)
			w.a.NewProject(w.T, w.project, true)
		}, func(w *world) bool { return !w.bearer(w.token) && !w.bearer(w.robotToken) }},
		{"read-only", func(w *world) { readOnly(w.T, w.a, true) }, func(w *world) bool {
			return w.c.Replicas[1].Call(w.T, "admin", haventest.AdminPassword, http.MethodPost, "/v2/"+w.project+"/r/blobs/uploads/", nil).Status == http.StatusForbidden
		}},
	}
	for _, change := range changes {
		t.Run(change.name, func(t *testing.T) {
			w := newWorld(t, c, change.name)
			change.change(w)
			until(t, change.name, time.Now(), func() bool { return change.gone(w) })
		})
	}
	readOnly(t, c.Replicas[0].Door, false)
	until(t, "read-write", time.Now(), func() bool {
		return c.Replicas[1].Call(t, "admin", haventest.AdminPassword, http.MethodPost, "/v2/library/r/blobs/uploads/", nil).Status == http.StatusAccepted
	})
	t.Run("without-redis", func(t *testing.T) {
		c.Redis.Kill()
		w := newWorld(t, c, "no-redis")
		for _, on := range []bool{true, false} {
			readOnly(t, w.a, on)
			until(t, "read-only", time.Now(), func() bool { return w.bearer(w.token) != on })
		}
	})
}

// A browser that signs in at one replica is signed in at the other, and signed out at both.
func TestSignOutReachesAllReplicas(t *testing.T) {
	c := haventest.StartCluster(t, haventest.Options{})
	a, b := c.Replicas[0].Door, c.Replicas[1].Door
	jar, err := cookiejar.New(nil) // cookies know no ports: one jar is for both
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	ask := func(door haventest.Door, method, path, csrf string, form url.Values) *http.Response {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, door.URL+path, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("X-Harbor-Csrf-Token", csrf)
		resp, err := browser.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp
	}
	csrf := ask(a, http.MethodGet, "/c/session", "", nil).Header.Get("X-Harbor-Csrf-Token")
	in := ask(b, http.MethodPost, "/c/login", csrf, url.Values{"principal": {"admin"}, "password": {haventest.AdminPassword}})
	if in.StatusCode != http.StatusOK {
		t.Fatalf("sign in at b with a's token: %s", in.Status)
	}
	current := func(door haventest.Door) int {
		return ask(door, http.MethodGet, "/api/v2.0/users/current", "", nil).StatusCode
	}
	if got := [2]int{current(a), current(b)}; got != [2]int{http.StatusOK, http.StatusOK} {
		t.Fatalf("signed in: %v", got)
	}
	address, err := url.Parse(b.URL)
	if err != nil {
		t.Fatal(err)
	}
	kept := jar.Cookies(address) // as somebody who copied the cookie would
	ask(a, http.MethodGet, "/c/log_out", "", nil)
	jar.SetCookies(address, kept)
	until(t, "signed out", time.Now(), func() bool { return current(b) == http.StatusUnauthorized })
}

func readOnly(t *testing.T, door haventest.Door, on bool) {
	t.Helper()
	door.Admin(t, http.StatusOK, http.MethodPut, "/api/v2.0/configurations", map[string]any{"read_only": on})
}

// component is what a door says about the health of a part, "" where it has none.
func component(t *testing.T, door haventest.Door, name string) string {
	t.Helper()
	var health struct {
		Components []struct{ Name, Status string }
	}
	answer := door.Call(t, "", "", http.MethodGet, "/api/v2.0/health", nil)
	if err := json.Unmarshal(answer.Body, &health); err != nil || answer.Status != http.StatusOK {
		t.Fatalf("health: status %d, %v: %s", answer.Status, err, answer.Body)
	}
	for _, c := range health.Components {
		if c.Name == name {
			return c.Status
		}
	}
	return ""
}

func healthBecomes(t *testing.T, c *haventest.Cluster, want string) {
	t.Helper()
	for _, r := range c.Replicas {
		await.Until(t, r.Host+" says of Redis that it is "+want, func() bool { return component(t, r.Door, "redis") == want })
	}
}

// Redis killed, flushed and away at the start costs nothing but time, and is said once.
func TestRedisComesAndGoes(t *testing.T) {
	c := haventest.StartCluster(t, haventest.Options{Env: []string{"HAVEN_LOG_LEVEL=debug"}})
	healthBecomes(t, c, "healthy")
	c.Redis.Kill()
	healthBecomes(t, c, "unhealthy")
	w := newWorld(t, c, "no-redis")
	for _, r := range c.Replicas {
		r.Admin(t, http.StatusOK, http.MethodGet, "/readyz", nil)
	}
	c.Replicas[1].Stop()
	c.Replicas[1].Restart() // without Redis
	if !w.bearer(w.token) {
		t.Error("a replica that started without Redis refuses a token")
	}
	c.Redis.Restart()
	healthBecomes(t, c, "healthy")
	for i, r := range c.Replicas {
		log := r.Log()
		if n := strings.Count(log, "Redis can't be reached"); n != 1+i { // the second one started anew
			t.Errorf("replica %d says %d times that Redis is away", i, n)
		}
	}
	noSecrets(t, c)
}

// noSecrets fails the test when a log has a password of what the replicas share (S17).
func noSecrets(t *testing.T, c *haventest.Cluster) {
	t.Helper()
	for _, r := range c.Replicas {
		for _, canary := range c.Secrets {
			if log := r.Log(); strings.Contains(log, canary) {
				t.Errorf("%q is in the log:\n%.2000s", canary, log[max(0, strings.Index(log, canary)-500):])
			}
		}
	}
}
