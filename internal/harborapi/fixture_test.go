package harborapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/audit"
	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/blob/file"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/gate"
	"github.com/havenregistry/haven/internal/httpauth"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/identity/ldap"
	"github.com/havenregistry/haven/internal/identity/oidc"
	"github.com/havenregistry/haven/internal/immutable"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/label"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/preheat"
	"github.com/havenregistry/haven/internal/project"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/registry/garbage"
	"github.com/havenregistry/haven/internal/replication"
	"github.com/havenregistry/haven/internal/replication/endpoint"
	"github.com/havenregistry/haven/internal/replication/local"
	"github.com/havenregistry/haven/internal/replication/remote"
	"github.com/havenregistry/haven/internal/retention"
	"github.com/havenregistry/haven/internal/scan"
	"github.com/havenregistry/haven/internal/scan/adapter"
	"github.com/havenregistry/haven/internal/scan/scanner"
	"github.com/havenregistry/haven/internal/secret"
	"github.com/havenregistry/haven/internal/setting"
	"github.com/havenregistry/haven/internal/trust"
	"github.com/havenregistry/haven/internal/webhook"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

const password = "Test-12345"

// fixture is the API on an empty registry with the user admin, whose password is password.
type fixture struct {
	t        testing.TB
	db       *db.DB
	registry *registry.Service
	webhooks *webhook.Service
	events   *event.Dispatcher
	jobs     *job.Service
	handler  http.Handler
	checks   int               // of health
	logins   map[string]string // password by user name, where it isn't password
}

func newFixture(t testing.TB, d *db.DB, changes ...func(*Deps)) *fixture {
	t.Helper()
	ctx, dir := t.Context(), t.TempDir()
	blobs, err := file.Open(filepath.Join(dir, "storage"))
	ok(t, err)
	t.Cleanup(func() { ok(t, blobs.Close()) })
	box, err := secret.OpenBox(filepath.Join(dir, "key"))
	ok(t, err)
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	settings := setting.New(d, box, time.Now)
	openID := oidc.NewProvider(oidc.Deps{DB: d, Settings: settings, Box: box, Clock: time.Now, Log: log})
	accounts := identity.New(identity.Deps{DB: d, Settings: settings, Box: box, Clock: time.Now, Log: log})
	_, err = accounts.Bootstrap(ctx, password, false)
	ok(t, err)
	rules := immutable.New(d, time.Now)
	projects := project.New(project.Deps{DB: d, Settings: settings, Clock: time.Now, Immutable: rules})
	ok(t, projects.Bootstrap(ctx))
	f := &fixture{t: t, db: d, logins: map[string]string{}}
	audits := audit.New(d, settings, func(ctx context.Context) { f.events.CatchUp(ctx) })
	f.events = event.NewDispatcher(d, log, audits)
	f.registry = registry.New(registry.Deps{DB: d, Blobs: blobs, Clock: time.Now, Log: log, Wake: f.events.Wake, Immutable: rules})
	deps := Deps{
		Auth: httpauth.New(accounts), Authorizer: authz.New(projects), Projects: projects, Identity: accounts, Directory: ldap.New(settings, time.Now, log), OIDC: oidc.NewService(openID, accounts), Registry: f.registry,
		Immutable: rules, Labels: label.New(d, time.Now), Audit: audits, Settings: settings, Log: log, Clock: time.Now, ExternalScheme: func(string) string { return "" },
		Health: []Part{{Name: "core"}, {Name: "counted", Check: func(context.Context) error { f.checks++; return nil }}}, Storage: "s3", Volume: blobs.Free,
	}
	deps.Scanners = scanner.New(scanner.Deps{
		DB: d, Box: box, Adapters: adapter.NewClient(), Projects: projects, Clock: time.Now, Log: log,
		Own: adapter.Own(func(context.Context) (updated, next time.Time, err error) { return updated, next, nil }),
	})
	registries := remote.NewHTTP()
	t.Cleanup(registries.Close)
	deps.Endpoints = endpoint.New(endpoint.Deps{DB: d, Box: box, Remote: remote.Deps{HTTP: registries}, LocalURL: "http://here", Clock: time.Now, Log: log})
	f.jobs = job.New(job.Deps{DB: d, Clock: time.Now, Log: log})
	deps.Jobs, deps.Purger, deps.Garbage = f.jobs, audit.NewPurger(audits, f.jobs, time.Now), garbage.New(d, f.registry, f.jobs, time.Now)
	toInstances := preheat.NewHTTP()
	t.Cleanup(toInstances.Close)
	deps.Preheat = preheat.New(preheat.Deps{DB: d, Jobs: f.jobs, Registry: f.registry, Judge: nil, Box: box, HTTP: toInstances, Address: "http://here", Wake: f.events.Wake, Clock: time.Now})
	engine := &fakeScanner{}
	deps.Scans = scan.New(scan.Deps{DB: d, Registry: f.registry, Jobs: f.jobs, Engine: engine, Editions: engine, Merge: engine.merge, Scanners: engine, Clock: time.Now, Log: log})
	signatures := trust.New(trust.Deps{DB: d, Contents: f.registry, Jobs: f.jobs, Clock: time.Now, Log: log})
	deps.Gate = gate.New(gate.Deps{DB: d, Scans: deps.Scans, Trust: signatures, Contents: f.registry, Clock: time.Now})
	deps.Retention = retention.New(retention.Deps{
		DB: d, Registry: f.registry, Projects: projects, Jobs: f.jobs, NoUses: func(context.Context) (bool, error) { return false, nil }, ReadOnly: func(context.Context) (bool, error) { return false, nil }, Wake: f.events.Wake, Clock: time.Now, Log: log,
	})
	deps.Replication = replication.New(replication.Deps{
		DB: d, Jobs: f.jobs, Endpoints: peers{deps.Endpoints}, Itself: func(string) bool { return false }, Wake: f.events.Wake, Clock: time.Now, Log: log,
		Local: local.New(local.Deps{Registry: f.registry, Projects: projects, Labels: deps.Labels, Gate: deps.Gate, By: "replication", ReadOnly: func(context.Context) (bool, error) { return false, nil }}),
	})
	f.webhooks = webhook.New(webhook.Deps{
		DB: d, Box: box, Host: "reg.example", Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Keep: time.Hour, Wake: f.events.Wake, Clock: time.Now, Log: log,
		Enabled:  func(context.Context) (bool, error) { return true, nil },
		Overview: func(context.Context, event.Event, string) (json.RawMessage, error) { return nil, nil },
	})
	deps.Webhooks = f.webhooks
	for _, change := range changes {
		change(&deps)
	}
	f.handler, err = New(deps)
	ok(t, err)
	return f
}

// peers are the endpoints as replication knows them.
type peers struct{ endpoints *endpoint.Service }

func (p peers) Peer(ctx context.Context, _ db.Tx, id int64) (replication.Peer, error) {
	e, err := p.endpoints.Get(ctx, id)
	return replication.Peer{ID: e.ID, Name: e.Name, Kind: e.Kind, URL: e.URL}, err
}

func (p peers) Open(ctx context.Context, id int64) (remote.Registry, error) {
	r, _, err := p.endpoints.Open(ctx, id)
	return r, err
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// sendWith is do with one more header.
func (f *fixture) sendWith(who, method, path, body, name, value string) *httptest.ResponseRecorder {
	f.t.Helper()
	r := httptest.NewRequest(method, "/api/v2.0"+path, strings.NewReader(body))
	r.RemoteAddr = "192.0.2.1:1234"
	r.SetBasicAuth(who, password)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(name, value)
	w := httptest.NewRecorder()
	f.handler.ServeHTTP(w, r)
	return w
}

// do sends a request as a user or robot, "" for nobody. The path is below /api/v2.0, if it isn't /api/version.
func (f *fixture) do(who, method, path, body string) *httptest.ResponseRecorder {
	f.t.Helper()
	var sent io.Reader
	if body != "" {
		sent = strings.NewReader(body)
	}
	if path != "/api/version" {
		path = "/api/v2.0" + path
	}
	r := httptest.NewRequest(method, path, sent)
	r.RemoteAddr = "192.0.2.1:1234"
	if who != "" {
		pass := password
		if own, found := f.logins[who]; found {
			pass = own
		}
		r.SetBasicAuth(who, pass)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	f.handler.ServeHTTP(w, r)
	return w
}

// must is do, for a status that nothing else works without. It decodes the body into v unless that is nil.
func (f *fixture) must(who, method, path, body string, status int, v any) http.Header {
	f.t.Helper()
	w := f.do(who, method, path, body)
	if w.Code != status {
		f.t.Fatalf("%s %s %s as %q: %d %s; want %d", method, path, body, who, w.Code, w.Body, status)
	}
	if v != nil {
		ok(f.t, json.Unmarshal(w.Body.Bytes(), v))
	}
	return w.Header()
}

// user creates a user and returns its id.
func (f *fixture) user(name string) string {
	f.t.Helper()
	h := f.must("admin", "POST", "/users", fmt.Sprintf(`{"username":%q,"email":"%s@example.com","realname":%q,"password":%q}`, name, name, name, password), 201, nil)
	return lastSegment(h)
}

// project creates a project and returns its id.
func (f *fixture) project(owner, name string, public bool) string {
	f.t.Helper()
	h := f.must(owner, "POST", "/projects", fmt.Sprintf(`{"project_name":%q,"metadata":{"public":"%v"}}`, name, public), 201, nil)
	return lastSegment(h)
}

// member gives a user a role and returns the member's id.
func (f *fixture) member(project, user string, role authz.Role) string {
	f.t.Helper()
	h := f.must("admin", "POST", "/projects/"+project+"/members", fmt.Sprintf(`{"role_id":%d,"member_user":{"username":%q}}`, role, user), 201, nil)
	return lastSegment(h)
}

// robot creates a robot that may pull and push in a project, and returns its id and full name.
func (f *fixture) robot(project, name string) (id, full string) {
	f.t.Helper()
	var made struct {
		ID           int64
		Name, Secret string
	}
	f.must("admin", "POST", "/robots", fmt.Sprintf(`{"name":%q,"level":"project","duration":-1,"permissions":[{"kind":"project","namespace":%q,
		"access":[{"resource":"repository","action":"pull"},{"resource":"repository","action":"push"}]}]}`, name, project), 201, &made)
	f.logins[made.Name] = made.Secret
	return fmt.Sprint(made.ID), made.Name
}

// push puts an image into a repository; each seed gives another digest.
func (f *fixture) push(repository, tag, seed string) oci.Digest {
	f.t.Helper()
	ctx := context.Background()
	name, rest, _ := strings.Cut(repository, "/")
	var found struct {
		ID int64 `json:"project_id"`
	}
	f.must("admin", "GET", "/projects/"+name, "", 200, &found)
	ref := registry.Ref{ProjectID: found.ID, Project: name, Name: rest}
	config := []byte(fmt.Sprintf(`{"architecture":"amd64","os":"linux","config":{"Labels":{"seed":%q}},"history":[{"created_by":"x"}],"rootfs":{"type":"layers","diff_ids":[]}}`, seed))
	digest := oci.SHA256Of(config)
	_, err := f.registry.PutBlob(ctx, ref, digest, bytes.NewReader(config))
	ok(f.t, err)
	manifest := fmt.Sprintf(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":%q,"size":%d},"layers":[]}`, digest, len(config))
	put, err := f.registry.PutManifest(ctx, authz.Principal{Kind: authz.User, ID: 1, Name: "admin", Admin: true}, ref, oci.TagReference(tag), "application/vnd.oci.image.manifest.v1+json", []byte(manifest))
	ok(f.t, err)
	return put.Digest
}

func lastSegment(h http.Header) string {
	location := h.Get("Location")
	return location[strings.LastIndexByte(location, '/')+1:]
}

func recorder(f *fixture, r *http.Request) *httptest.ResponseRecorder {
	r.RemoteAddr = "192.0.2.1:1234"
	w := httptest.NewRecorder()
	f.handler.ServeHTTP(w, r)
	return w
}
