package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/havenregistry/haven/internal/adopt"
	"github.com/havenregistry/haven/internal/adopt/harbor/harbortest"
	"github.com/havenregistry/haven/internal/app"
	"github.com/havenregistry/haven/internal/config"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/repair"
)

// adoption is a Harbor that is taken over into a database.
type adoption struct {
	t      *testing.T
	harbor *harbortest.Harbor
	cfg    config.Config
	asked  atomic.Value // the name and password that the registry elsewhere was asked with

	url string
}

// eachAdoption runs f with a Harbor and an empty database of each kind.
func eachAdoption(t *testing.T, f func(t *testing.T, a *adoption)) {
	for _, kind := range []string{"sqlite", "postgres"} {
		t.Run(kind, func(t *testing.T) {
			a := &adoption{t: t}
			elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				name, password, ok := r.BasicAuth()
				if !ok {
					w.Header().Set("WWW-Authenticate", `Basic realm="elsewhere"`)
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
				a.asked.Store(name + ":" + password)
				w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
				w.Header().Set("Content-Type", "application/json")
				io.WriteString(w, "{}")
			}))
			t.Cleanup(elsewhere.Close)
			a.harbor = harbortest.New(t, dbtest.PostgresURL(t), elsewhere.URL)
			dir := t.TempDir()
			a.cfg = config.Config{DataDir: filepath.Join(dir, "data"), Listen: "127.0.0.1:0", StorageURL: "file:" + a.harbor.Storage}
			if kind == "postgres" {
				a.cfg.DatabaseURL = dbtest.PostgresURL(t)
			}
			if err := a.cfg.Complete(); err != nil {
				t.Fatal(err)
			}
			f(t, a)
		})
	}
}

func (a *adoption) log() *slog.Logger {
	return slog.New(slog.NewTextHandler(a.t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
}

func (a *adoption) run(ctx context.Context, dry bool, p repair.Progress) (*adopt.Report, error) {
	a.t.Helper()
	o := app.HarborOptions{Database: a.harbor.DatabaseURL, SecretKey: a.harbor.SecretKey, AdoptOptions: app.AdoptOptions{Storage: a.harbor.Storage, DryRun: dry}}
	return app.AdoptHarbor(ctx, a.cfg, a.log(), o, p)
}

// complete adopts everything.
func (a *adoption) complete() *adopt.Report {
	a.t.Helper()
	report, err := a.run(a.t.Context(), false, repair.Silent{})
	if err != nil {
		a.t.Fatal(err)
	}
	if !report.Complete() {
		a.t.Fatalf("not taken: %+v", report.NotTaken)
	}
	return report
}

// serve answers requests until the test ends.
func (a *adoption) serve() {
	a.t.Helper()
	served, err := app.New(context.Background(), a.cfg, a.log())
	if err != nil {
		a.t.Fatal(err)
	}
	server := httptest.NewServer(served.Handler())
	a.url = server.URL
	a.t.Cleanup(func() {
		server.Close()
		if err := served.Close(); err != nil {
			a.t.Error(err)
		}
	})
}

func (a *adoption) ask(user, password, method, path string, body string) (int, []byte) {
	a.t.Helper()
	req, err := http.NewRequestWithContext(a.t.Context(), method, a.url+path, strings.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	req.SetBasicAuth(user, password)
	req.Header.Set("Accept", "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, application/json")
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	return resp.StatusCode, content
}

// get reads JSON as the administrator.
func (a *adoption) get(path string) any {
	a.t.Helper()
	status, content := a.ask("admin", harbortest.AdminPassword, http.MethodGet, path, "")
	if status != http.StatusOK {
		a.t.Fatalf("GET %s: %d %s", path, status, content)
	}
	var v any
	if err := json.Unmarshal(content, &v); err != nil {
		a.t.Fatal(err)
	}
	return v
}

// at is a value inside of what get read: keys, and places in lists.
func at(v any, path ...any) any {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[step]
		case int:
			l, _ := v.([]any)
			if step >= len(l) {
				return nil
			}
			v = l[step]
		}
	}
	return v
}

func (a *adoption) holds(path string, want any, inside ...any) {
	a.t.Helper()
	if got := at(a.get(path), inside...); got != want {
		a.t.Errorf("%s %v: %v, want %v", path, inside, got, want)
	}
}

// files are the names, sizes, inodes and times below a folder.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		all[path] = info.ModTime().String() + " " + info.Mode().String()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func same(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for name, v := range a {
		if b[name] != v {
			return false
		}
	}
	return true
}

func TestAdoptHarbor(t *testing.T) {
	eachAdoption(t, func(t *testing.T, a *adoption) {
		before, rows := files(t, a.harbor.Storage), a.harbor.Sum()
		rehearsed, err := a.run(t.Context(), true, repair.Silent{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(a.cfg.DataDir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a dry run made a data folder: %v", err)
		}
		if a.cfg.DatabaseURL[:6] != "sqlite" {
			target, err := db.Open(t.Context(), a.cfg.DatabaseURL)
			if err != nil {
				t.Fatal(err)
			}
			if made, err := target.Auto().HasTable(t.Context(), "goose_db_version"); err != nil || made {
				t.Errorf("a dry run wrote into the database: %v %v", made, err)
			}
			target.Close()
		}
		report := a.complete()
		if !slices.Equal(report.Taken, rehearsed.Taken) || report.Summary() == "" {
			t.Errorf("the dry run said %v, and taken was %v", rehearsed.Taken, report.Taken)
		}
		if !same(before, files(t, a.harbor.Storage)) || rows != a.harbor.Sum() {
			t.Error("Harbor's storage or database isn't what it was")
		}
		for _, dry := range []bool{false, true} {
			if _, err := a.run(t.Context(), dry, repair.Silent{}); !errors.Is(err, adopt.ErrNotEmpty) {
				t.Errorf("a second adoption: %v", err)
			}
		}
		a.serve()
		a.checkPeople()
		a.checkProjects()
		a.checkPolicies()
		a.checkImages()
	})
}

func (a *adoption) checkPeople() {
	for _, who := range []struct {
		name, password string
		id             float64
		admin          bool
	}{{"admin", harbortest.AdminPassword, 1, true}, {"alice", harbortest.AlicePassword, 7, false}, {"bob", harbortest.BobPassword, 8, false}, {"carol", harbortest.CarolPassword, 9, true}} {
		for range 2 { // the second time by Haven's own hash
			status, content := a.ask(who.name, who.password, http.MethodGet, "/api/v2.0/users/current", "")
			var u struct {
				ID    float64 `json:"user_id"`
				Admin bool    `json:"sysadmin_flag"`
			}
			if err := json.Unmarshal(content, &u); err != nil || status != http.StatusOK || u.ID != who.id || u.Admin != who.admin {
				a.t.Errorf("%s: %d %s", who.name, status, content)
			}
		}
		if status, _ := a.ask(who.name, who.password+"x", http.MethodGet, "/api/v2.0/users/current", ""); status != http.StatusUnauthorized {
			a.t.Errorf("%s with a wrong password: %d", who.name, status)
		}
	}
	a.holds("/api/v2.0/usergroups/3", "devs", "group_name")
	a.holds("/api/v2.0/robots/11", "bot$prod+ci", "name")
	a.holds("/api/v2.0/robots/12", "system", "level")
	for _, robot := range []struct {
		name, secret string
		want         int
	}{{"robot$prod+ci", harbortest.RobotSecret, 200}, {"bot$mirror", harbortest.MirrorSecret, 200}, {"robot$prod+off", harbortest.RobotSecret, 401}, {"robot$mirror", "Wrong-Secret-1", 401}} {
		for range 2 {
			if status, content := a.ask(robot.name, robot.secret, http.MethodGet, "/v2/prod/app/manifests/v1", ""); status != robot.want {
				a.t.Errorf("%s pulls: %d %s", robot.name, status, content)
			}
		}
	}
	a.rehashed()
}

// rehashed checks that hashes of those who came are Haven's own, and the others' still Harbor's.
func (a *adoption) rehashed() {
	if a.cfg.DatabaseURL[:6] == "sqlite" {
		return // the server has the file to itself
	}
	d, err := db.Open(a.t.Context(), a.cfg.DatabaseURL)
	if err != nil {
		a.t.Fatal(err)
	}
	defer d.Close()
	left, err := db.Collect(a.t.Context(), d.Auto(), db.ScanString, `SELECT r.name FROM robot_secret s JOIN robot r ON r.id = s.robot_id WHERE s.hash LIKE '$pbkdf2-%'
		UNION ALL SELECT a.username FROM account_password p JOIN account a ON a.id = p.account_id WHERE p.hash LIKE '$pbkdf2-%'`)
	if err != nil || !slices.Equal(left, []string{"prod+off"}) {
		a.t.Errorf("hashes of Harbor's are left for %v, %v", left, err)
	}
}

func (a *adoption) checkProjects() {
	a.holds("/api/v2.0/projects/prod", 5.0, "project_id")
	a.holds("/api/v2.0/projects/prod", "alice", "owner_name")
	a.holds("/api/v2.0/projects/prod", "false", "metadata", "public")
	a.holds("/api/v2.0/projects/prod", "high", "metadata", "severity")
	a.holds("/api/v2.0/projects/prod", "2", "metadata", "retention_id")
	a.holds("/api/v2.0/projects/prod", "CVE-2026-0001", "cve_allowlist", "items", 0, "cve_id")
	a.holds("/api/v2.0/system/CVEAllowlist", "CVE-2026-0002", "items", 0, "cve_id")
	a.holds("/api/v2.0/projects/pub", "true", "metadata", "public")
	a.holds("/api/v2.0/projects/cache", 4.0, "registry_id")
	a.holds("/api/v2.0/projects/cache", "500", "metadata", "proxy_speed_kb")
	a.holds("/api/v2.0/quotas?reference=project&reference_id=5", 1073741824.0, 0, "hard", "storage")
	members := map[any]any{}
	for _, m := range a.get("/api/v2.0/projects/prod/members").([]any) {
		members[at(m, "entity_name")] = at(m, "role_id")
	}
	if len(members) != 3 || members["alice"] != 1.0 || members["bob"] != 3.0 || members["devs"] != 5.0 {
		a.t.Errorf("members of prod: %v", members)
	}
	for key, want := range map[string]any{"token_expiration": 45.0, "session_timeout": 90.0, "project_creation_restriction": "adminonly", "robot_name_prefix": "bot$", "ldap_url": "ldaps://ldap.example.com"} {
		a.holds("/api/v2.0/configurations", want, key, "value")
	}
}

func (a *adoption) checkPolicies() {
	a.holds("/api/v2.0/projects/prod/immutabletagrules", "v1", 0, "tag_selectors", 0, "pattern")
	a.holds("/api/v2.0/retentions/2", "0 0 0 * * *", "trigger", "settings", "cron")
	a.holds("/api/v2.0/retentions/2", 5.0, "rules", 0, "params", "latestPushedK")
	a.holds("/api/v2.0/replication/policies/9", "0 0 3 * * *", "trigger", "trigger_settings", "cron")
	a.holds("/api/v2.0/replication/policies/9", "gold", "filters", 1, "value", 0)
	a.holds("/api/v2.0/replication/policies/9", true, "deletion")
	a.holds("/api/v2.0/projects/prod/webhook/policies/2", "Bearer abc", "targets", 0, "auth_header")
	a.holds("/api/v2.0/p2p/preheat/instances/peers", "http://peers.example.com", "endpoint")
	a.holds("/api/v2.0/projects/prod/preheat/policies/heat", 2.0, "provider_id")
	a.holds("/api/v2.0/system/gc/schedule", "0 0 1 * * 0", "schedule", "cron")
	a.holds("/api/v2.0/system/scanAll/schedule", "0 0 2 * * *", "schedule", "cron")
	if status, content := a.ask("admin", harbortest.AdminPassword, http.MethodPost, "/api/v2.0/registries/ping", `{"id":4}`); status != http.StatusOK {
		a.t.Errorf("ping the registry elsewhere: %d %s", status, content)
	}
	if got := a.asked.Load(); got != harbortest.RemoteUser+":"+harbortest.RemotePass {
		a.t.Errorf("the registry elsewhere was asked as %v", got)
	}
	// New ids go on above Harbor's.
	if status, content := a.ask("admin", harbortest.AdminPassword, http.MethodPost, "/api/v2.0/projects", `{"project_name":"later"}`); status != http.StatusCreated {
		a.t.Errorf("make a project: %d %s", status, content)
	}
	if id, _ := at(a.get("/api/v2.0/projects/later"), "project_id").(float64); id <= 8 {
		a.t.Errorf("a new project has the id %v", id)
	}
	a.holds("/api/v2.0/auditlog-exts?q="+url.QueryEscape("operation=adopt"), "registry", 0, "resource_type")
}

func (a *adoption) checkImages() {
	for name, d := range a.harbor.Images {
		repository, tag, _ := strings.Cut(name, ":")
		status, content := a.ask("carol", harbortest.CarolPassword, http.MethodGet, "/v2/"+repository+"/manifests/"+tag, "")
		if lies, err := os.ReadFile(a.harbor.File(d)); status != http.StatusOK || err != nil || !bytes.Equal(content, lies) {
			a.t.Errorf("%s: %d %s", name, status, content)
		}
	}
	for name, d := range a.harbor.Layers {
		repository, _, _ := strings.Cut(name, ":")
		if status, _ := a.ask("carol", harbortest.CarolPassword, http.MethodGet, "/v2/"+repository+"/blobs/"+d, ""); status != http.StatusOK {
			a.t.Errorf("layer of %s: %d", name, status)
		}
	}
	// A repository has no blobs but its own.
	if status, _ := a.ask("carol", harbortest.CarolPassword, http.MethodGet, "/v2/pub/web/blobs/"+a.harbor.Layers["prod/app:v1"], ""); status != http.StatusNotFound {
		a.t.Errorf("another repository's layer: %d", status)
	}
	app := "/api/v2.0/projects/prod/repositories/app"
	a.holds(app, 42.0, "pull_count")
	a.holds(app, "the application", "description")
	a.holds(app, 2.0, "artifact_count")
	v1 := a.get(app + "/artifacts/v1?with_accessory=true&with_label=true&with_immutable_status=true")
	if at(v1, "push_time") != "2025-01-02T03:04:05.678Z" || at(v1, "pull_time") != "2025-05-06T07:08:09.000Z" || at(v1, "labels", 0, "name") != "gold" || at(v1, "extra_attrs", "author") != "prod/app:v1" {
		a.t.Errorf("prod/app:v1: %v", v1)
	}
	var kinds []string
	for _, accessory := range at(v1, "accessories").([]any) {
		kinds = append(kinds, at(accessory, "type").(string))
	}
	if slices.Sort(kinds); !slices.Equal(kinds, []string{"signature.cosign", "signature.notation"}) {
		a.t.Errorf("accessories: %v", kinds)
	}
	if status, _ := a.ask("admin", harbortest.AdminPassword, http.MethodDelete, app+"/artifacts/v1/tags/v1", ""); status != http.StatusPreconditionFailed {
		a.t.Errorf("delete an immutable tag: %d", status)
	}
	a.holds("/api/v2.0/projects/prod/repositories/multi/artifacts/all", "arm64", "references", 0, "platform", "architecture")
}

// What is damaged or missing is named, and all else is taken.
func TestAdoptDamagedHarbor(t *testing.T) {
	eachAdoption(t, func(t *testing.T, a *adoption) {
		h := a.harbor
		for _, err := range []error{
			os.Remove(h.File(h.Layers["prod/app:v2"])),                            // a blob is missing
			os.Truncate(h.File(h.Layers["pub/web:latest"]), 3),                    // a blob is cut off
			os.WriteFile(h.File(h.Images["prod/multi:all"]), []byte("{}"), 0o644), // a manifest is another one
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		h.Exec(`UPDATE robot SET secret = '' WHERE id = 12`)
		h.Exec(`UPDATE retention_policy SET data = '{'`)
		h.Exec(`INSERT INTO properties (k, v) VALUES ('of_a_later_version', 'x')`)
		report, err := a.run(t.Context(), false, repair.Silent{})
		if err != nil {
			t.Fatal(err)
		}
		var text bytes.Buffer
		report.WriteText(&text)
		for _, want := range []string{
			"prod/app@" + h.Images["prod/app:v2"] + ": its blob " + h.Layers["prod/app:v2"] + " is missing in the storage",
			"pub/web@" + h.Images["pub/web:latest"] + ": its blob " + h.Layers["pub/web:latest"] + " is damaged, it has 3 bytes",
			"prod/multi@" + h.Images["prod/multi:all"] + ": its manifest is damaged",
			"tag prod/multi:all: its manifest", "robot mirror: ", "the retention policy of project prod: ", "setting of_a_later_version: ",
		} {
			if !strings.Contains(text.String(), want) {
				t.Errorf("the report doesn't say %q:\n%s", want, text.String())
			}
		}
		if report.NotTakenCount != 7 {
			t.Errorf("%d not taken, want 7:\n%s", report.NotTakenCount, text.String())
		}
		a.serve()
		for path, want := range map[string]int{
			"/v2/prod/app/manifests/v1": 200, "/v2/prod/app/manifests/v2": 200, "/v2/prod/multi/manifests/all": 404,
			"/v2/prod/app/blobs/" + h.Layers["prod/app:v1"]: 200, "/v2/prod/app/blobs/" + h.Layers["prod/app:v2"]: 404,
		} {
			if status, _ := a.ask("admin", harbortest.AdminPassword, http.MethodGet, path, ""); status != want {
				t.Errorf("%s: %d, want %d", path, status, want)
			}
		}
	})
}

// stopper cancels when artifacts have begun to come.
type stopper struct {
	repair.Silent
	cancel func()
}

func (s stopper) Add(int64) { s.cancel() }

// An adoption that was broken off is not served, and is gone on with.
func TestAdoptHarborAgain(t *testing.T) {
	eachAdoption(t, func(t *testing.T, a *adoption) {
		ctx, cancel := context.WithCancel(t.Context())
		if _, err := a.run(ctx, false, stopper{cancel: cancel}); !errors.Is(err, context.Canceled) {
			t.Fatalf("a run that was stopped: %v", err)
		}
		if served, err := app.New(t.Context(), a.cfg, a.log()); !errors.Is(err, adopt.ErrUnfinished) {
			served.Close()
			t.Fatalf("what isn't finished is served: %v", err)
		}
		report := a.complete()
		if report.NotTakenCount != 0 {
			t.Errorf("not taken: %v", report.NotTaken)
		}
		a.serve()
		a.checkProjects()
		a.checkPolicies()
		a.checkImages()
	})
}

// Where a directory knows the people, what Harbor has in the column of passwords is no secret.
func TestAdoptHarborWithADirectory(t *testing.T) {
	eachAdoption(t, func(t *testing.T, a *adoption) {
		a.harbor.Exec(`UPDATE properties SET v = 'oidc_auth' WHERE k = 'auth_mode'`)
		a.harbor.Exec(`INSERT INTO oidc_user (user_id, secret, subiss) VALUES (7, 'x', 'subject-of-alicehttps://login.example.com/realms/x')`)
		a.complete()
		a.serve()
		if status, _ := a.ask("alice", harbortest.AlicePassword, http.MethodGet, "/api/v2.0/users/current", ""); status != http.StatusUnauthorized {
			t.Errorf("alice by the password: %d", status)
		}
		if status, _ := a.ask("admin", harbortest.AdminPassword, http.MethodGet, "/api/v2.0/users/current", ""); status != http.StatusOK {
			t.Errorf("admin by the password: %d", status)
		}
		a.holds("/api/v2.0/configurations", "oidc_auth", "auth_mode", "value")
		a.holds("/api/v2.0/projects/prod/members?entityname=alice", 1.0, 0, "role_id")
	})
}

// What can't be read is said before anything is made.
func TestAdoptHarborRefusals(t *testing.T) {
	a := &adoption{t: t, harbor: harbortest.New(t, dbtest.PostgresURL(t), "http://127.0.0.1:1")}
	a.cfg = config.Config{DataDir: filepath.Join(t.TempDir(), "data"), Listen: "127.0.0.1:0"}
	if err := a.cfg.Complete(); err != nil {
		t.Fatal(err)
	}
	good := app.HarborOptions{Database: a.harbor.DatabaseURL, SecretKey: a.harbor.SecretKey, AdoptOptions: app.AdoptOptions{Storage: a.harbor.Storage}}
	other := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(other, []byte("another key's 16"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(o *app.HarborOptions)
		want   string
	}{
		"another database": {func(o *app.HarborOptions) { o.Database = dbtest.PostgresURL(t) }, "no database of Harbor 2"},
		"no database":      {func(o *app.HarborOptions) { o.Database = "postgres://x:secret@127.0.0.1:1/x" }, "can't be reached"},
		"another key":      {func(o *app.HarborOptions) { o.SecretKey = other }, "secret-key: it isn't this Harbor's"},
		"no key":           {func(o *app.HarborOptions) { o.SecretKey = a.harbor.Storage }, "secret-key: "},
		"another folder":   {func(o *app.HarborOptions) { o.Storage = t.TempDir() }, "no volume"},
		"a bucket":         {func(o *app.HarborOptions) { o.Storage = "s3://bucket" }, "only a folder"},
	} {
		t.Run(name, func(t *testing.T) {
			o := good
			c.change(&o)
			_, err := app.AdoptHarbor(t.Context(), a.cfg, a.log(), o, repair.Silent{})
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret@") {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
	if _, err := os.Stat(a.cfg.DataDir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("something was made: %v", err)
	}
	rows := a.harbor.Sum()
	a.cfg.DatabaseURL = a.harbor.DatabaseURL
	for _, dry := range []bool{true, false} {
		if _, err := a.run(t.Context(), dry, repair.Silent{}); !errors.Is(err, adopt.ErrHarbors) || rows != a.harbor.Sum() {
			t.Errorf("into Harbor's own database: %v", err)
		}
	}
}

func TestAdoptDistribution(t *testing.T) {
	h := harbortest.New(t, dbtest.PostgresURL(t), "http://127.0.0.1:1")
	link := func(name, d string) {
		path := filepath.Join(h.Storage, "docker/registry/v2/repositories", name, "link")
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(d), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	for repository, name := range map[string]string{"team/web": "pub/web:latest", "alone": "prod/app:v1"} {
		d := h.Images[name]
		link(repository+"/_manifests/revisions/sha256/"+d[len("sha256:"):], d)
		link(repository+"/_manifests/tags/v1/current", d)
		link(repository+"/_layers/sha256/"+h.Layers[name][len("sha256:"):], h.Layers[name])
	}
	link("alone/_manifests/tags/lost/current", "sha256:"+strings.Repeat("0", 64))
	before := files(t, h.Storage)
	for _, public := range []bool{false, true} {
		a := &adoption{t: t, harbor: h, cfg: config.Config{DataDir: filepath.Join(t.TempDir(), "data"), Listen: "127.0.0.1:0", StorageURL: "file:" + h.Storage, AdminPassword: harbortest.AdminPassword}}
		if err := a.cfg.Complete(); err != nil {
			t.Fatal(err)
		}
		for _, dry := range []bool{true, false} {
			report, err := app.AdoptDistribution(t.Context(), a.cfg, a.log(), app.AdoptOptions{Storage: h.Storage, Verify: true, DryRun: dry}, public, repair.Silent{})
			if err != nil {
				t.Fatal(err)
			}
			if report.Summary() != "2 projects, 2 artifacts, 2 tags" || report.NotTakenCount != 1 || report.NotTaken[0].What != "tag library/alone:lost" {
				t.Errorf("the report says %s, not taken %v", report.Summary(), report.NotTaken)
			}
		}
		if !public && !same(before, files(t, h.Storage)) {
			t.Error("the volume isn't what it was")
		}
		a.serve()
		a.holds("/api/v2.0/projects/team", map[bool]string{true: "true", false: "false"}[public], "metadata", "public")
		for _, path := range []string{"/v2/team/web/manifests/v1", "/v2/library/alone/manifests/v1", "/v2/library/alone/blobs/" + h.Layers["prod/app:v1"]} {
			if status, content := a.ask("admin", harbortest.AdminPassword, http.MethodGet, path, ""); status != http.StatusOK {
				t.Errorf("%s: %d %s", path, status, content)
			}
		}
	}
}
