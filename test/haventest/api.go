//go:build acceptance

package haventest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"
)

// Door is where clients meet a registry.
type Door struct {
	Host string // 127.0.0.1:PORT
	URL  string // http://127.0.0.1:PORT
}

// Answer is what a request got.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Call sends a request as the user, with body as JSON unless it is nil, and returns
// whatever the answer was. An empty user is anonymous.
func (d Door) Call(t testing.TB, user, password, method, path string, body any) Answer {
	t.Helper()
	var r io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		r = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, d.URL+path, r)
	if err != nil {
		t.Fatal(err)
	}
	if user != "" {
		req.SetBasicAuth(user, password)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return Answer{resp.StatusCode, resp.Header, b}
}

// Admin sends a request of the administrator that must get the status wanted.
func (d Door) Admin(t testing.TB, want int, method, path string, body any) Answer {
	t.Helper()
	a := d.Call(t, "admin", AdminPassword, method, path, body)
	if a.Status != want {
		t.Fatalf("%s %s: status %d, want %d: %s", method, path, a.Status, want, a.Body)
	}
	return a
}

// NewProject makes a project.
func (d Door) NewProject(t testing.TB, name string, public bool) {
	t.Helper()
	visible := "false"
	if public {
		visible = "true"
	}
	d.Admin(t, http.StatusCreated, http.MethodPost, "/api/v2.0/projects", map[string]any{
		"project_name": name, "metadata": map[string]string{"public": visible},
	})
}

// Role numbers of Harbor's API.
const (
	ProjectAdmin = 1
	Developer    = 2
	Guest        = 3
	Maintainer   = 4
	LimitedGuest = 5
)

// NewMember makes a user and a member of the project in one.
func (d Door) NewMember(t testing.TB, project, name, password string, role int) {
	t.Helper()
	d.Admin(t, http.StatusCreated, http.MethodPost, "/api/v2.0/users", map[string]string{
		"username": name, "email": name + "@example.org", "realname": name, "password": password,
	})
	d.Admin(t, http.StatusCreated, http.MethodPost, "/api/v2.0/projects/"+project+"/members", map[string]any{
		"role_id": role, "member_user": map[string]string{"username": name},
	})
}

// NewRobot makes a robot of the project that may do what is listed on its
// repositories, and returns its log-in name and secret.
func (d Door) NewRobot(t testing.TB, project, name string, access [][2]string) (string, string) {
	t.Helper()
	list := make([]map[string]string, 0, len(access))
	for _, a := range access {
		list = append(list, map[string]string{"resource": a[0], "action": a[1]})
	}
	a := d.Admin(t, http.StatusCreated, http.MethodPost, "/api/v2.0/robots", map[string]any{
		"name": name, "duration": -1, "level": "project", "disable": false,
		"permissions": []any{map[string]any{"kind": "project", "namespace": project, "access": list}},
	})
	var robot struct{ Name, Secret string }
	if err := json.Unmarshal(a.Body, &robot); err != nil {
		t.Fatalf("robot: %v in %s", err, a.Body)
	}
	return robot.Name, robot.Secret
}
