package declared_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/app/apptest"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/declared"
	"github.com/havenregistry/haven/internal/secret"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// world is a registry, and one elsewhere that lets in who has the password.
type world struct {
	*declared.API
	s        *apptest.Server
	dir      string
	upstream string
}

const (
	upstreamPassword = "up-Stream-canary-1"
	chatAuth         = "Bearer chat-canary-3"
	backupPassword   = "Back-up-canary-1"
)

func newWorld(t *testing.T, s *apptest.Server) *world {
	t.Helper()
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, password, _ := r.BasicAuth(); password != upstreamPassword {
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
	}))
	t.Cleanup(upstream.Close)
	w := &world{s: s, dir: t.TempDir(), upstream: upstream.URL}
	w.API = apiOf(t, s)
	return w
}

func apiOf(t *testing.T, s *apptest.Server) *declared.API {
	t.Helper()
	base, err := url.Parse(s.URL)
	ok(t, err)
	return declared.NewAPI(base, "admin", apptest.AdminPassword)
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// example is the document of docs/config.md, with a registry elsewhere that is there.
func (w *world) example(t *testing.T) string {
	t.Helper()
	t.Setenv("CHAT_AUTH", chatAuth)
	page, err := os.ReadFile("../../docs/config.md")
	ok(t, err)
	found := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindSubmatch(page)
	if found == nil {
		t.Fatal("docs/config.md has no example")
	}
	return strings.ReplaceAll(string(found[1]), "https://upstream.example.com", w.upstream)
}

func (w *world) read(t *testing.T, content string) *declared.Document {
	t.Helper()
	d, err := declared.Read([]byte(content), filepath.Join(w.dir, "registry.yaml"))
	ok(t, err)
	return d
}

// plan is the plan as people read it.
func (w *world) plan(t *testing.T, content string, prune bool) string {
	t.Helper()
	p, err := w.Plan(t.Context(), w.read(t, content), prune)
	ok(t, err)
	var b bytes.Buffer
	ok(t, p.Print(&b))
	return b.String()
}

// apply applies, and returns all that was said.
func (w *world) apply(t *testing.T, content string, prune bool) (said string, err error) {
	t.Helper()
	var b bytes.Buffer
	err = w.Apply(t.Context(), w.read(t, content), prune, func(p declared.Plan) error { return p.Print(&b) }, func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) })
	return b.String(), err
}

func (w *world) applied(t *testing.T, content string, prune bool) string {
	t.Helper()
	said, err := w.apply(t, content, prune)
	if err != nil {
		t.Fatalf("%s%v", said, err)
	}
	if left := w.plan(t, content, prune); !strings.HasSuffix(left, "Nothing differs.\n") {
		t.Fatalf("the second plan isn't empty:\n%s", left)
	}
	return said
}

func (w *world) export(t *testing.T) string {
	t.Helper()
	d, err := w.Export(t.Context())
	ok(t, err)
	return string(d)
}

// call asks the registry as somebody, and returns the status.
func (w *world) call(t *testing.T, username string, password secret.Text, method, path, body string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, w.s.URL+path, strings.NewReader(body))
	ok(t, err)
	r.SetBasicAuth(username, password.Reveal())
	r.Header.Set("Content-Type", "application/json")
	if strings.Contains(path, "/manifests/") {
		r.Header.Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
	}
	response, err := http.DefaultClient.Do(r)
	ok(t, err)
	ok(t, response.Body.Close())
	return response.StatusCode
}

func (w *world) must(t *testing.T, method, path, body string) {
	t.Helper()
	if status := w.call(t, "admin", apptest.AdminPassword, method, path, body); status >= 300 {
		t.Fatalf("%s %s: %d", method, path, status)
	}
}

func contains(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in:\n%s", part, text)
		}
	}
}

func lacks(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if strings.Contains(text, part) {
			t.Errorf("%q is in:\n%s", part, text)
		}
	}
}

// The example of the documentation is applied, is no difference afterwards, and what is exported then makes another registry that
// exports the same. No secret is told to anybody.
func TestExampleRoundTrip(t *testing.T) {
	apptest.Each(t, func(t *testing.T, s *apptest.Server) {
		w := newWorld(t, s)
		example := w.example(t)
		contains(t, w.plan(t, example, false), "+ create registries/upstream", "~ change settings", `project_creation_restriction: "everyone" -> "adminonly"`,
			"access_secret: (set; environment variable UPSTREAM_PASSWORD)", "secret: (set; made, and written to ci.secret)", "+ create projects/team/robots/ci")
		said, err := w.apply(t, example, false)
		if err == nil {
			t.Fatal("applied without its secrets")
		}
		contains(t, err.Error(), "nothing was done", "registries/upstream: access_secret", "UPSTREAM_PASSWORD", "robots/backup: secret", "backup.secret")
		lacks(t, said, "created")

		t.Setenv("UPSTREAM_PASSWORD", upstreamPassword)
		ok(t, os.WriteFile(filepath.Join(w.dir, "backup.secret"), []byte(backupPassword+"\n"), 0o600))
		said = w.applied(t, example, true)
		contains(t, said, "created registries/upstream", "created robots/backup", "changed settings")

		kept := filepath.Join(w.dir, "ci.secret")
		info, err := os.Stat(kept)
		ok(t, err)
		if info.Mode().Perm() != 0o600 {
			t.Errorf("the robot's secret may be read by others: %v", info.Mode())
		}
		made, err := os.ReadFile(kept)
		ok(t, err)
		ciSecret := strings.TrimSpace(string(made))
		if status := w.call(t, "robot$team+ci", secret.Text(ciSecret), http.MethodGet, "/v2/", ""); status != http.StatusOK {
			t.Errorf("the robot can't log in with what was written: %d", status)
		}
		if status := w.call(t, "robot$backup", backupPassword, http.MethodGet, "/v2/", ""); status != http.StatusOK {
			t.Errorf("the robot can't log in with what it was given: %d", status)
		}

		exported := w.export(t)
		lacks(t, said+exported, upstreamPassword, backupPassword, ciSecret, chatAuth)
		contains(t, exported, "access_secret: {env: HAVEN_REGISTRIES_UPSTREAM_ACCESS_SECRET}", "secret: {write: projects-team-robots-ci.secret}", "version: \"2\"")
		if left := w.plan(t, exported, true); left != "Nothing differs.\n" && !strings.HasSuffix(left, "Nothing differs.\n") {
			t.Errorf("an export differs from what it is of:\n%s", left)
		}

		other := newWorld(t, apptest.Start(t, dbtest.SQLiteURL(t)))
		t.Setenv("HAVEN_REGISTRIES_UPSTREAM_ACCESS_SECRET", upstreamPassword)
		t.Setenv("HAVEN_PROJECTS_TEAM_WEBHOOKS_CHAT_AUTH_HEADER", chatAuth)
		other.applied(t, exported, true)
		if again := other.export(t); again != exported {
			t.Errorf("another registry exports something else:\n%s\nand not\n%s", again, exported)
		}
	})
}

// A field that differs is changed, others stay; a secret is set again by its version, or with what it belongs to.
func TestChanges(t *testing.T) {
	apptest.Each(t, func(t *testing.T, s *apptest.Server) {
		w := newWorld(t, s)
		t.Setenv("UPSTREAM_PASSWORD", upstreamPassword)
		ok(t, os.WriteFile(filepath.Join(w.dir, "backup.secret"), []byte(backupPassword), 0o600))
		before := w.example(t)
		w.applied(t, before, false)
		first, err := os.ReadFile(filepath.Join(w.dir, "ci.secret"))
		ok(t, err)

		after := strings.NewReplacer("severity: high", "severity: low", "storage_limit: 53687091200", "storage_limit: -1", "robot_token_duration: 90", "robot_token_duration: 30",
			"'repository:push'", "'tag:create'", "role: maintainer", "role: guest", "{write: ci.secret}", "{write: ci.secret, version: b}", "pending: allow", "failed: allow",
			"description: Looked at by a person", "description: Seen", "cron: 0 0 3 * * *", "cron: 0 0 4 * * *", "max_age_seconds: 600", "max_age_seconds: 700",
			"access_key: mirror", "access_key: another", "acme/app", "acme/web", "CVE-2019-18276", "CVE-2019-18276, CVE-2024-0001", "enabled: true", "enabled: false",
			"n: 20", "n: 30", "no_delete: true}", "no_delete: true, reason: releases}", "QUOTA_WARNING", "QUOTA_EXCEED",
			"hooks.example.com", "hooks2.example.com").Replace(before)
		said := w.applied(t, after, false)
		contains(t, said, `metadata.severity: "high" -> "low"`, "storage_limit: 53687091200 -> -1", "robot_token_duration: 90 -> 30", `role: "maintainer" -> "guest"`,
			`access: ["repository:pull","repository:push"] -> ["repository:pull","tag:create"]`, "secret: (changed: version 1 -> b; made, and written to ci.secret)",
			`gate.failed: "block" -> "allow"`, `description: "Looked at by a person" -> "Seen"`, `trigger.cron: "0 0 3 * * *" -> "0 0 4 * * *"`, "proxy.max_age_seconds: 600 -> 700",
			"access_secret: (set again: access_key changes; environment variable UPSTREAM_PASSWORD)", "signing.enabled: true -> false", `condition: "claims.repository == \"acme/app\"" -> `, "0 to create, 11 to change, 0 to delete",
			`reason: "" -> "releases"`, `event_types: ["QUOTA_WARNING","SCANNING_COMPLETED"] -> ["QUOTA_EXCEED","SCANNING_COMPLETED"]`, "auth_header: (set again: address changes; environment variable CHAT_AUTH)")
		exported := w.export(t)
		contains(t, exported, "pending: allow", "failed: allow", "auto_scan: true", "version: b")
		second, err := os.ReadFile(filepath.Join(w.dir, "ci.secret"))
		ok(t, err)
		if bytes.Equal(first, second) {
			t.Error("the robot has the same secret")
		}
		if status := w.call(t, "robot$team+ci", secret.Text(strings.TrimSpace(string(second))), http.MethodGet, "/v2/", ""); status != http.StatusOK {
			t.Errorf("the robot can't log in: %d", status)
		}

		// What can't change says so, and nothing else is done.
		_, err = w.apply(t, strings.Replace(after, "type: docker-registry", "type: quay", 1), false)
		if err == nil {
			t.Fatal("a registry changed its type")
		}
		contains(t, err.Error(), `registries/upstream: type can't change ("docker-registry" -> "quay")`)
	})
}

// Only lists that the document has are pruned, and not what holds images or came with the installation.
func TestPrune(t *testing.T) {
	apptest.Each(t, func(t *testing.T, s *apptest.Server) {
		w := newWorld(t, s)
		const all = `version: 1
labels: [{name: a}, {name: b}]
projects:
  - name: full
  - name: empty
    labels: [{name: inside}]
    robots: [{name: r, access: ['repository:pull'], secret: {write: r.secret}}]
robots: [{name: s, permissions: [{access: ['user:list']}], secret: {write: s.secret}}]
`
		if _, err := w.apply(t, all, false); err != nil {
			t.Fatal(err)
		}
		w.push(t, "full/app")
		contains(t, w.plan(t, "version: 1\nlabels: [{name: b}]\n", false), "Nothing differs.")
		contains(t, w.applied(t, "version: 1\nlabels: [{name: b}]\n", true), "deleted labels/a", "0 to create, 0 to change, 1 to delete")
		said := w.applied(t, "version: 1\nprojects: [{name: empty, labels: []}]\nrobots: []\n", true)
		contains(t, said, "deleted projects/empty/labels/inside", "deleted robots/s", "projects/full stays: it has 1 repositories", "projects/library stays: it came with the installation")
		lacks(t, said, "robots/r", "labels/b")
		said = w.applied(t, "version: 1\nprojects: [{name: full, members: []}]\n", true)
		contains(t, said, "deleted projects/empty", "projects/full/members/user:admin stays: the account came with the installation")
	})
}

// What a rule about tags holds isn't pruned, a project without rules of retention has no policy, and a webhook with several addresses is let alone.
func TestRulesOfProjects(t *testing.T) {
	apptest.Each(t, func(t *testing.T, s *apptest.Server) {
		w := newWorld(t, s)
		until := time.Now().AddDate(1, 0, 0).Truncate(time.Second)
		w.applied(t, `version: 1
projects:
  - name: p
    retention: {rules: [{template: always, except_tags: true, tags: 'dev*', untagged: true, disabled: false}, {template: nothing, untagged: false}]}
    tag_rules: [{repositories: app, tags: 'v*', hold_until: '`+until.In(time.FixedZone("", 3600)).Format(time.RFC3339)+`'}, {repositories: app, tags: 'w*', no_move: true}]
    webhooks: [{name: w, address: 'http://192.0.2.1/', event_types: [PUSH_ARTIFACT], enabled: false}]
`, false)
		w.must(t, http.MethodPost, "/api/v2.0/projects/p/webhook/policies", `{"name":"two","enabled":true,"event_types":["PUSH_ARTIFACT"],"targets":[{"type":"http","address":"http://192.0.2.1"},{"type":"http","address":"http://192.0.2.2"}]}`)
		contains(t, w.export(t), "template: nothing", "untagged: false", "except_tags: true", "enabled: false")
		said := w.applied(t, "version: 1\nprojects: [{name: p, retention: {cron: '', rules: []}, tag_rules: [], webhooks: []}]\n", true)
		contains(t, said, "deleted projects/p/tag_rules/app w* no_move", "deleted projects/p/webhooks/w", "projects/p/tag_rules/app v* hold stays: it is a legal hold until "+until.UTC().Format(time.RFC3339))
		exported := w.export(t)
		lacks(t, exported, "retention", "webhooks")
		if status := w.call(t, "admin", apptest.AdminPassword, http.MethodGet, "/api/v2.0/projects/p/webhook/policies/2", ""); status != http.StatusOK {
			t.Errorf("the policy with two addresses: %d", status)
		}
	})
}

// What the registry has otherwise than a document can say is neither replaced nor deleted by one: it is refused where the document
// names it, and stays when lists are pruned.
func TestWhatNoDocumentCanSay(t *testing.T) {
	w := newWorld(t, apptest.Start(t, dbtest.SQLiteURL(t)))
	w.applied(t, "version: 1\nprojects: [{name: p}]\n", false)
	w.must(t, http.MethodPost, "/api/v2.0/projects/p/webhook/policies", `{"name":"two","enabled":true,"event_types":["PUSH_ARTIFACT"],"targets":[{"type":"http","address":"http://192.0.2.1"},{"type":"http","address":"http://192.0.2.2"}]}`)
	w.must(t, http.MethodPost, "/api/v2.0/retentions", `{"algorithm":"or","scope":{"level":"project","ref":2},"trigger":{"kind":"Schedule","settings":{"cron":""}},"rules":[{"action":"retain","template":"always",
		"tag_selectors":[{"kind":"doublestar","decoration":"matches","pattern":"a"},{"kind":"doublestar","decoration":"matches","pattern":"b"}],
		"scope_selectors":{"repository":[{"kind":"doublestar","decoration":"repoMatches","pattern":"**"}]}}]}`)
	for document, want := range map[string]string{
		"webhooks: [{name: two, address: 'http://192.0.2.1', event_types: [PUSH_ARTIFACT]}]": "projects/p/webhooks/two: address: the registry's has several, which a document can't say",
		"retention: {rules: []}":                    "projects/p: retention: the registry's has rules with several patterns, which a document can't say",
		"retention: {rules: [{template: always}]}":  "projects/p: retention: the registry's has rules with several patterns",
		"retention: {cron: 0 0 2 * * *}":            "projects/p: retention: a cron needs rules",
		"retention: {cron: 0 0 2 * * *, rules: []}": "projects/p: retention: a cron needs rules",
		"metadata: {proxy_speed_kb: 1}":             "projects/p: metadata: proxy_speed_kb is for projects that are a cache",
		"proxy: {keep_days: 1}":                     "projects/p: proxy is for projects that are a cache",
	} {
		said, err := w.apply(t, "version: 1\nprojects: [{name: p, "+document+"}]\n", true)
		if err == nil {
			t.Errorf("%s:\n%s", document, said)
			continue
		}
		contains(t, err.Error(), want)
	}
	contains(t, w.applied(t, "version: 1\nprojects: [{name: p, webhooks: []}]\n", true), "projects/p/webhooks/two stays: it has several addresses, which a document can't say")
	lacks(t, w.export(t), "webhooks", "retention")
}

// A number that the registry would take for another one is refused: it would differ in each plan.
func TestNumbersThatAreNone(t *testing.T) {
	w := newWorld(t, apptest.Start(t, dbtest.SQLiteURL(t)))
	for document, want := range map[string]string{
		"robots: [{name: r, duration: 0, permissions: [{access: ['user:list']}], secret: {write: r.secret}}]":                                                                   "robots/r: duration: expected days, or -1 for a robot that doesn't expire",
		"workload_policies: [{name: a, issuer: 'https://x.example.com', audience: b, condition: 'claims.x == \"y\"', life_minutes: 0, permissions: [{access: ['user:list']}]}]": "life_minutes in body",
	} {
		if said, err := w.apply(t, "version: 1\n"+document+"\n", false); err == nil {
			t.Errorf("%s:\n%s", document, said)
		} else {
			contains(t, err.Error(), want)
		}
	}
}

// A webhook changes its type, and what only the old one has is not sent along.
func TestWebhookChangesItsType(t *testing.T) {
	w := newWorld(t, apptest.Start(t, dbtest.SQLiteURL(t)))
	document := func(more string) string {
		return "version: 1\nprojects: [{name: p, webhooks: [{name: w, address: 'http://192.0.2.1/', event_types: [PUSH_ARTIFACT]" + more + "}]}]\n"
	}
	w.applied(t, document(", payload_format: CloudEvents"), false)
	contains(t, w.applied(t, document(", type: slack"), false), `type: "http" -> "slack"`)
	contains(t, w.applied(t, document(", type: http, payload_format: CloudEvents"), false), `payload_format: "" -> "CloudEvents"`)
}

// push makes a repository with the smallest image.
func (w *world) push(t *testing.T, repository string) {
	t.Helper()
	digest := func(content string) string { return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(content))) }
	w.must(t, http.MethodPost, "/v2/"+repository+"/blobs/uploads/?digest="+url.QueryEscape(digest("{}")), "{}")
	w.must(t, http.MethodPut, "/v2/"+repository+"/manifests/v1", `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":"`+
		digest("{}")+`","size":2},"layers":[]}`)
}

// A setting's secret is set with the address and the account that it belongs to, and by its version. Who makes a project is in it, and
// gets the role that the document says.
func TestSecretsOfSettings(t *testing.T) {
	w := newWorld(t, apptest.Start(t, dbtest.SQLiteURL(t)))
	t.Setenv("LDAP_PASSWORD", "Directory-canary-1")
	const document = `version: 1
settings: {ldap_url: "ldap://ldap.example.com", ldap_search_dn: "cn=haven", ldap_search_password: {env: LDAP_PASSWORD}}
projects: [{name: p, members: [{user: admin, role: developer}]}]
`
	lacks(t, w.export(t), "ldap_url") // which nobody may set to nothing
	contains(t, w.applied(t, document, true), "ldap_search_password: (set again: ldap_url changes; environment variable LDAP_PASSWORD)")
	contains(t, w.export(t), "ldap_search_password: {env: HAVEN_SETTINGS_LDAP_SEARCH_PASSWORD}", "- user: admin\n        role: developer")
	said := w.applied(t, strings.Replace(document, "LDAP_PASSWORD}", "LDAP_PASSWORD, version: 2026-12}", 1), false)
	contains(t, said, "ldap_search_password: (changed: version 1 -> 2026-12;", "0 to create, 1 to change, 0 to delete")
	contains(t, w.export(t), `version: 2026-12}`)
	lacks(t, said+w.export(t), "Directory-canary-1", "declared_secret_versions")
}

// What is refused half way is told with what was done and what wasn't, and the next run goes on.
func TestGoesOnAfterARefusal(t *testing.T) {
	w := newWorld(t, apptest.Start(t, dbtest.SQLiteURL(t)))
	t.Setenv("UPSTREAM_PASSWORD", "another-canary-1")
	ok(t, os.WriteFile(filepath.Join(w.dir, "backup.secret"), []byte(backupPassword), 0o600))
	example := w.example(t)
	said, err := w.apply(t, example, false)
	if err == nil {
		t.Fatal("the registry elsewhere took a wrong password")
	}
	contains(t, said, "created labels/approved")
	contains(t, err.Error(), "create registries/upstream: POST /api/v2.0/registries: the registry answered 400", "done:\n  change settings", "\n  create labels/approved\nnot done:\n  create registries/upstream\n  create projects/team",
		"run it again")
	lacks(t, err.Error(), "another-canary-1")
	t.Setenv("UPSTREAM_PASSWORD", upstreamPassword)
	said = w.applied(t, example, false)
	lacks(t, said, "labels/approved", "settings")
	contains(t, said, "created registries/upstream", "created replication_policies/to-upstream")

	// Where the secret can't be written there is no robot.
	if _, err := w.apply(t, "version: 1\nrobots: [{name: x, permissions: [{access: ['user:list']}], secret: {write: nowhere/x}}]\n", false); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	lacks(t, w.export(t), "name: x\n")
}

// A robot whose secret was lost on the way is not left there: the next run would take it for well made.
func TestLostAnswer(t *testing.T) {
	w := newWorld(t, apptest.Start(t, dbtest.SQLiteURL(t)))
	to, err := url.Parse(w.s.URL)
	ok(t, err)
	var lossy atomic.Bool
	lossy.Store(true)
	way := httputil.NewSingleHostReverseProxy(to)
	way.ErrorLog = log.New(io.Discard, "", 0)
	way.ModifyResponse = func(r *http.Response) error {
		if lossy.Load() && r.Request.Method == http.MethodPost && strings.HasSuffix(r.Request.URL.Path, "/robots") {
			return errors.New("lost")
		}
		return nil
	}
	front := httptest.NewServer(way)
	t.Cleanup(front.Close)
	base, err := url.Parse(front.URL)
	ok(t, err)
	w.API = declared.NewAPI(base, "admin", apptest.AdminPassword)
	const document = "version: 1\nprojects: [{name: p, robots: [{name: r, access: ['repository:pull'], secret: {write: r.secret}}]}]\n"
	if said, err := w.apply(t, document, false); err == nil {
		t.Fatalf("the answer was lost:\n%s", said)
	}
	lossy.Store(false)
	contains(t, w.applied(t, document, false), "created projects/p/robots/r")
	made, err := os.ReadFile(filepath.Join(w.dir, "r.secret"))
	ok(t, err)
	if status := w.call(t, "robot$p+r", secret.Text(strings.TrimSpace(string(made))), http.MethodGet, "/v2/", ""); status != http.StatusOK {
		t.Errorf("the robot can't log in: %d", status)
	}
}

// An account that may not is told so, and a program that is no Haven is found out.
func TestWhoMayNot(t *testing.T) {
	w := newWorld(t, apptest.Start(t, dbtest.SQLiteURL(t)))
	base, err := url.Parse(w.s.URL)
	ok(t, err)
	if _, err := declared.NewAPI(base, "admin", "wrong").Export(t.Context()); err == nil || !strings.Contains(err.Error(), "HAVEN_USERNAME and HAVEN_PASSWORD") {
		t.Errorf("got %v", err)
	}
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/elsewhere" {
			t.Error("the password followed a redirect")
		}
		if strings.HasPrefix(r.URL.Path, "/other/") { // some other program
			_, _ = w.Write([]byte("{}"))
			return
		}
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(http.StatusTemporaryRedirect)
	}))
	t.Cleanup(elsewhere.Close)
	base, err = url.Parse(elsewhere.URL)
	ok(t, err)
	if _, err := declared.NewAPI(base, "admin", "x").Export(t.Context()); err == nil || !strings.Contains(err.Error(), "307") {
		t.Errorf("got %v", err)
	}
	base.Path, base.User = "/other", url.UserPassword("admin", "address-canary")
	if _, err := declared.NewAPI(base, "admin", "x").Export(t.Context()); err == nil || !strings.Contains(err.Error(), "it is no Haven") || strings.Contains(err.Error(), "canary") {
		t.Errorf("got %v", err)
	}
}
