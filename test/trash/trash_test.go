//go:build acceptance

// Package trash deletes whatever can be deleted in a running registry, and restores it with haven trash.
package trash

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/await"
	"github.com/havenregistry/haven/test/haventest"
)

// desk is where an administrator works.
type desk struct {
	*testing.T
	haventest.Door
	host, dir string
}

func (d desk) try(program string, args ...string) (string, error) {
	d.Helper()
	cmd := exec.CommandContext(d.Context(), program, args...)
	cmd.Env = append(os.Environ(), "HOME="+d.dir, "DOCKER_CONFIG="+d.dir, "HAVEN_SERVER="+d.URL, "HAVEN_USERNAME=admin", "HAVEN_PASSWORD="+haventest.AdminPassword)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (d desk) run(program string, args ...string) string {
	d.Helper()
	out, err := d.try(program, args...)
	if err != nil {
		d.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// haven runs haven trash.
func (d desk) haven(args ...string) string {
	d.Helper()
	return d.run(haventest.Binary(d, true), append([]string{"trash"}, args...)...)
}

// refused is a command that fails with these words.
func (d desk) refused(words string, args ...string) {
	d.Helper()
	if out, err := d.try(haventest.Binary(d, true), append([]string{"trash"}, args...)...); err == nil || !strings.Contains(out, words) {
		d.Errorf("haven trash %s: %v, want %q in\n%s", strings.Join(args, " "), err, words, out)
	}
}

// deletion is a row of haven trash list.
type deletion struct {
	ID         int64
	Kind       string
	Repository string
	Tag        string
	Run        int64
	By         string
}

func (d desk) deletions(project string) (rows []deletion) {
	d.Helper()
	if err := json.Unmarshal([]byte(d.haven("list", project, "--json")), &rows); err != nil {
		d.Fatal(err)
	}
	return rows
}

// digests is what every tag of the repositories names, as crane sees it.
func (d desk) digests(repositories ...string) string {
	d.Helper()
	var all []string
	for _, name := range repositories {
		for _, tag := range strings.Fields(d.run(haventest.Tool(d, "crane"), "ls", "--insecure", d.host+"/"+name)) {
			digest := strings.TrimSpace(d.run(haventest.Tool(d, "crane"), "digest", "--insecure", d.host+"/"+name+":"+tag))
			d.run(haventest.Tool(d, "crane"), "pull", "--insecure", d.host+"/"+name+"@"+digest, os.DevNull)
			all = append(all, name+":"+tag+" "+digest)
		}
	}
	slices.Sort(all)
	return strings.Join(all, "\n")
}

func (d desk) delete(path string) {
	d.Helper()
	d.Admin(d, http.StatusOK, http.MethodDelete, "/api/v2.0/projects/"+path, nil)
}

// set changes settings, which gets this status.
func (d desk) set(status int, settings map[string]any) {
	d.Helper()
	d.Admin(d, status, http.MethodPut, "/api/v2.0/configurations", settings)
}

// used is what a project's quota counts, in bytes.
func (d desk) used(project string) int64 {
	d.Helper()
	var v struct{ Used int64 }
	if err := json.Unmarshal(d.Admin(d, http.StatusOK, http.MethodGet, "/api/haven/v1/projects/"+project+"/space", nil).Body, &v); err != nil {
		d.Fatal(err)
	}
	return v.Used
}

// restoreLast restores the newest deletion, which is of this kind.
func (d desk) restoreLast(project, kind string) {
	d.Helper()
	rows := d.deletions(project)
	if len(rows) == 0 || rows[0].Kind != kind || rows[0].By == "" {
		d.Fatalf("the newest deletion should be of a %s: %+v", kind, rows)
	}
	d.haven("restore", project, strconv.FormatInt(rows[0].ID, 10))
}

func TestWhateverIsDeletedComesBack(t *testing.T) {
	haventest.OnEachSize(t, func(t *testing.T, size haventest.Size) {
		d := desk{T: t, Door: size.Start(t, haventest.Options{Plain: true}).Door, dir: t.TempDir()}
		d.host = strings.TrimPrefix(d.URL, "http://")
		crane := haventest.Tool(t, "crane")
		d.run(crane, "auth", "login", d.host, "-u", "admin", "-p", haventest.AdminPassword)
		d.NewProject(t, "team", true)
		name, secret := d.NewRobot(t, "team", "ci", [][2]string{{"repository", "pull"}})
		for _, at := range []string{"app:v1", "app:v2", "tools/lint:v1"} {
			d.run(crane, "push", "--insecure", haventest.NewImage(t, at), d.host+"/team/"+at)
		}
		d.run(crane, "index", "append", "--insecure", "-m", d.host+"/team/app:v1", "-m", d.host+"/team/app:v2", "-t", d.host+"/team/app:all")
		repositories := []string{"team/app", "team/tools/lint"}
		was := d.digests(repositories...)
		same := func(what string) {
			t.Helper()
			if is := d.digests(repositories...); is != was {
				t.Errorf("%s: it was\n%s\nand is\n%s", what, was, is)
			}
		}

		d.delete("team/repositories/app/artifacts/v2/tags/v2")
		d.restoreLast("team", "tag")
		same("a tag")
		d.delete("team/repositories/app/artifacts/all")
		d.restoreLast("team", "artifact")
		same("an index")
		d.delete("team/repositories/tools%252Flint")
		d.restoreLast("team", "repository")
		same("a repository")

		d.retain("team")
		runs := map[int64]bool{}
		for _, gone := range d.deletions("team") { // the newest first
			if gone.Run == 0 || gone.By != "retention" {
				t.Fatalf("retention deleted %+v", gone)
			}
			if !runs[gone.Run] {
				d.haven("restore", "team", "--run", strconv.FormatInt(gone.Run, 10))
				runs[gone.Run] = true
			}
		}
		same("a run of retention")

		d.delete("team/repositories/app")
		d.delete("team/repositories/tools%252Flint")
		d.delete("team")
		var gone []struct {
			ID   int64
			Name string
		}
		if err := json.Unmarshal([]byte(d.haven("projects", "--json")), &gone); err != nil || len(gone) != 1 || gone[0].Name != "team" {
			t.Fatalf("%+v, %v", gone, err)
		}
		id := strconv.FormatInt(gone[0].ID, 10)
		if d.knows(name, secret) {
			t.Error("a robot of a deleted project gets a token")
		}
		d.NewProject(t, "team", false)
		d.refused("there is another project team now", "restore-project", id)
		d.delete("team")
		d.haven("restore-project", id, "--with-repositories")
		same("a project")
		if !d.knows(name, secret) {
			t.Error("a robot of a restored project gets no token")
		}

		d.set(http.StatusBadRequest, map[string]any{"trash_days": -1})
		d.set(http.StatusOK, map[string]any{"trash_in_quota": true})
		await.Until(t, "the quota goes on counting", func() bool { // each process hears of it within two seconds
			before := d.used("team")
			d.delete("team/repositories/app/artifacts/v2/tags/v2")
			d.delete("team/repositories/tools%252Flint/artifacts/v1")
			counts := d.used("team") == before
			d.restoreLast("team", "artifact")
			d.restoreLast("team", "tag")
			return counts
		})
		same("what counts")

		d.refused("404", "restore", "team", "999999")
		d.refused("404", "list", "nosuch")
		d.refused("expected the numbers of deletions", "restore", "team")
		d.delete("team/repositories/app")
		d.haven("empty", "team")
		if rows := d.deletions("team"); len(rows) != 0 {
			t.Errorf("emptied, there are %+v", rows)
		}
		d.set(http.StatusOK, map[string]any{"trash_days": 0})
		await.Until(t, "nothing is kept any more", func() bool {
			d.run(crane, "push", "--insecure", haventest.NewImage(t, "app:gone"), d.host+"/team/app:gone")
			before := len(d.deletions("team"))
			d.delete("team/repositories/app/artifacts/gone")
			return len(d.deletions("team")) == before
		})
	})
}

var service = regexp.MustCompile(`service="([^"]*)"`)

// knows reports whether somebody gets a token.
func (d desk) knows(user, password string) bool {
	d.Helper()
	challenge := service.FindStringSubmatch(d.Call(d, "", "", http.MethodGet, "/v2/", nil).Header.Get("WWW-Authenticate"))
	a := d.Call(d, user, password, http.MethodGet, "/service/token?"+url.Values{"service": {challenge[1]}}.Encode(), nil)
	if a.Status != http.StatusOK && a.Status != http.StatusUnauthorized {
		d.Errorf("a token for %s: %d %s", user, a.Status, a.Body)
	}
	return a.Status == http.StatusOK
}

// retain has a policy keep nothing of the project. What somebody pulled a second ago may be noted while a run goes on, which then
// lets it stay for the next.
func (d desk) retain(project string) {
	d.Helper()
	var p struct {
		ProjectID int64 `json:"project_id"`
	}
	if err := json.Unmarshal(d.Admin(d, http.StatusOK, http.MethodGet, "/api/v2.0/projects/"+project, nil).Body, &p); err != nil {
		d.Fatal(err)
	}
	selector := func(decoration, pattern string) map[string]any {
		return map[string]any{"kind": "doublestar", "decoration": decoration, "pattern": pattern}
	}
	created := d.Admin(d, http.StatusCreated, http.MethodPost, "/api/v2.0/retentions", map[string]any{
		"algorithm": "or", "scope": map[string]any{"level": "project", "ref": p.ProjectID}, "trigger": map[string]any{"kind": "Schedule", "settings": map[string]any{"cron": ""}},
		"rules": []any{map[string]any{"action": "retain", "template": "latestPushedK", "params": map[string]any{"latestPushedK": 1},
			"tag_selectors": []any{selector("matches", "v9")}, "scope_selectors": map[string]any{"repository": []any{selector("repoMatches", "**")}}}},
	})
	policy := created.Header.Get("Location")
	await.Until(d, "nothing is left", func() bool {
		d.carryOut(policy)
		left := d.Admin(d, http.StatusOK, http.MethodGet, "/api/v2.0/projects/"+project+"/artifacts", nil).Header.Get("X-Total-Count")
		return left == "0"
	})
}

// carryOut runs a policy to its end.
func (d desk) carryOut(policy string) {
	d.Helper()
	d.Admin(d, http.StatusCreated, http.MethodPost, policy+"/executions", map[string]any{"dry_run": false})
	var runs []struct{ Status string }
	await.Until(d, "the run has ended", func() bool {
		if err := json.Unmarshal(d.Admin(d, http.StatusOK, http.MethodGet, policy+"/executions", nil).Body, &runs); err != nil || len(runs) == 0 {
			d.Fatalf("%+v, %v", runs, err)
		}
		return runs[0].Status == "Success"
	})
}
