package havenapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/audit"
	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/blob/file"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	events "github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/gate"
	"github.com/havenregistry/haven/internal/httpauth"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/identity/workload"
	"github.com/havenregistry/haven/internal/immutable"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/profile"
	"github.com/havenregistry/haven/internal/project"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/replication"
	"github.com/havenregistry/haven/internal/replication/proxycache"
	"github.com/havenregistry/haven/internal/retention"
	"github.com/havenregistry/haven/internal/scan"
	"github.com/havenregistry/haven/internal/scan/vulndb"
	"github.com/havenregistry/haven/internal/search"
	"github.com/havenregistry/haven/internal/secret"
	"github.com/havenregistry/haven/internal/setting"
	"github.com/havenregistry/haven/internal/trend"
	"github.com/havenregistry/haven/internal/trust"
	"github.com/havenregistry/haven/internal/trust/signing"
	"github.com/havenregistry/haven/internal/webhook"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

const password = "Test-12345"

// fixture is the API on an empty registry with the user admin, whose password is password.
type fixture struct {
	registry   *registry.Service
	t          testing.TB
	db         *db.DB
	identity   *identity.Service
	webhooks   *webhook.Service
	lastHook   []string // values of a path
	lastHookID int64
	workloads  *workload.Service
	projects   *project.Service
	authorizer *authz.Authorizer
	jobs       *job.Service
	handler    http.Handler
	admin      authz.Principal
	logins     map[string]secret.Text    // by name, where it isn't password
	stopped    atomic.Pointer[time.Time] // the time of the identity service; nil: it passes
}

func (f *fixture) now() time.Time {
	if at := f.stopped.Load(); at != nil {
		return *at
	}
	return time.Now()
}

// stop has no time pass, however busy the machine is.
func (f *fixture) stop() {
	at := time.Now()
	f.stopped.Store(&at)
}

func newFixture(t testing.TB, d *db.DB) *fixture {
	t.Helper()
	ctx := t.Context()
	box, err := secret.OpenBox(filepath.Join(t.TempDir(), "key"))
	ok(t, err)
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	settings := setting.New(d, box, time.Now)
	f := &fixture{t: t, db: d, logins: map[string]secret.Text{}}
	f.workloads, err = workload.New(workload.Deps{DB: d, Box: box, Clock: time.Now, Log: log})
	ok(t, err)
	f.identity = identity.New(identity.Deps{DB: d, Settings: settings, Box: box, Clock: f.now, Log: log, Workloads: f.workloads})
	_, err = f.identity.Bootstrap(ctx, password, false)
	ok(t, err)
	f.projects = project.New(project.Deps{DB: d, Settings: settings, Clock: time.Now})
	ok(t, f.projects.Bootstrap(ctx))
	f.authorizer = authz.New(f.projects)
	f.jobs = job.New(job.Deps{DB: d, Clock: time.Now, Log: log})
	scans := scan.New(scan.Deps{DB: d, Jobs: f.jobs, Clock: time.Now, Log: log})
	blobs, err := file.Open(filepath.Join(t.TempDir(), "storage"))
	ok(t, err)
	t.Cleanup(func() { ok(t, blobs.Close()) })
	contents := registry.New(registry.Deps{DB: d, Blobs: blobs, Clock: time.Now, Log: log, Wake: func() {}})
	signatures := trust.New(trust.Deps{DB: d, Contents: contents, Jobs: f.jobs, Clock: time.Now, Log: log})
	door := gate.New(gate.Deps{DB: d, Scans: scans, Trust: signatures, Contents: contents, Clock: time.Now})
	f.webhooks = webhook.New(webhook.Deps{
		DB: d, Box: box, Host: "reg.example", Keep: time.Hour, Wake: func() {}, Clock: time.Now, Log: log,
		Enabled:  func(context.Context) (bool, error) { return true, nil },
		Overview: func(context.Context, events.Event, string) (json.RawMessage, error) { return nil, nil },
	})
	f.registry = contents
	f.handler = New(Deps{
		Webhooks: f.webhooks,
		Auth:     httpauth.New(f.identity), Authorizer: f.authorizer, Projects: f.projects, Identity: f.identity, Workloads: f.workloads, Settings: settings, Log: log,
		Audit: audit.New(d, settings, func(context.Context) {}), Jobs: f.jobs,
		VulnDB:   vulndb.New(vulndb.Deps{DB: d, Records: noRecords{}, Verifier: anything{}, Happened: events.Append, Dir: filepath.Join(t.TempDir(), "vulndb"), Clock: time.Now, Log: log}),
		Scans:    scans,
		Registry: contents, Immutable: immutable.New(d, time.Now),
		Retention: retention.New(retention.Deps{
			DB: d, Registry: contents, Projects: f.projects, Jobs: f.jobs, NoUses: func(context.Context) (bool, error) { return false, nil }, ReadOnly: func(context.Context) (bool, error) { return false, nil }, Wake: func() {}, Clock: time.Now, Log: log,
		}),
		Gate: door,
		Replication: replication.New(replication.Deps{
			DB: d, Jobs: f.jobs, Itself: func(string) bool { return false }, Wake: func() {}, Clock: time.Now, Log: log,
		}),
		Signing:        signing.New(signing.Deps{DB: d, Registry: contents, Jobs: f.jobs, Box: box, Judge: door, Scans: scans, Clock: time.Now, Log: log}),
		Trust:          signatures,
		Proxy:          proxycache.New(proxycache.Deps{DB: d, Registry: contents, Jobs: f.jobs, Clock: time.Now, Log: log, Wake: func() {}}),
		Confinement:    func() string { return "not at all" },
		Search:         search.New(d, f.projects, f.identity, f.authorizer),
		Profiles:       profile.New(d, time.Now),
		Trends:         trend.New(d, func(context.Context) (scan.Counts, error) { return scan.Counts{Critical: 2}, nil }, time.Now),
		ExternalScheme: func(string) string { return "" },
	})
	f.admin, err = f.identity.Principal(ctx, identity.AdminID)
	ok(t, err)
	return f
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// do sends a request below /api/haven/v1 as a user or robot, "" for nobody.
func (f *fixture) do(who, method, path, body string) *httptest.ResponseRecorder {
	f.t.Helper()
	r := httptest.NewRequest(method, "/api/haven/v1"+path, bytes.NewBufferString(body))
	r.RemoteAddr = "192.0.2.1:1234"
	if who != "" {
		pass := secret.Text(password)
		if own, found := f.logins[who]; found {
			pass = own
		}
		r.SetBasicAuth(who, pass.Reveal())
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

func (f *fixture) user(name string) int64 {
	f.t.Helper()
	id, err := f.identity.CreateUser(context.Background(), f.admin, identity.NewUser{
		Username: name, Email: name + "@example.com", Realname: name, Password: password,
	})
	ok(f.t, err)
	return id
}

func (f *fixture) project(name string, public bool) int64 {
	f.t.Helper()
	id, err := f.projects.Create(context.Background(), f.admin, project.NewProject{Name: name, Metadata: map[string]string{"public": fmt.Sprint(public)}})
	ok(f.t, err)
	return id
}

func (f *fixture) member(projectID int64, user string, role authz.Role) {
	f.t.Helper()
	_, err := f.projects.AddMember(context.Background(), f.admin, projectID, project.NewMember{Username: user, Role: role})
	ok(f.t, err)
}

// robot creates a robot and returns its full name.
func (f *fixture) robot(name, level string, permissions ...identity.RobotPermission) string {
	f.t.Helper()
	made, err := f.identity.CreateRobot(context.Background(), f.admin, identity.NewRobot{Name: name, Level: level, DurationDays: -1, Permissions: permissions})
	ok(f.t, err)
	full := f.identity.FullName(context.Background(), made.Name)
	f.logins[full] = made.Secret
	return full
}

func in(namespace string, access ...identity.Access) identity.RobotPermission {
	kind := "project"
	if namespace == "/" {
		kind = "system"
	}
	return identity.RobotPermission{Kind: kind, Namespace: namespace, Access: access}
}
