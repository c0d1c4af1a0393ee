package workload_test

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/identity/workload"
	"github.com/havenregistry/haven/internal/identity/workload/issuertest"
	"github.com/havenregistry/haven/internal/project"
	"github.com/havenregistry/haven/internal/secret"
	"github.com/havenregistry/haven/internal/setting"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

const audience = "https://registry.example.com"

// world is a registry with the project team, and an issuer.
type world struct {
	t         testing.TB
	db        *db.DB
	now       time.Time
	box       *secret.Box
	workloads *workload.Service
	identity  *identity.Service
	projects  *project.Service
	admin     authz.Principal
	team      int64
	issuer    *issuertest.Issuer
}

func newWorld(t testing.TB, d *db.DB) *world {
	t.Helper()
	w := &world{t: t, db: d, now: time.Now().Truncate(time.Second), issuer: issuertest.New(t)}
	var err error
	w.box, err = secret.OpenBox(filepath.Join(t.TempDir(), "key"))
	ok(t, err)
	settings := setting.New(d, w.box, w.clock)
	w.workloads = w.another()
	w.identity = identity.New(identity.Deps{DB: d, Settings: settings, Box: w.box, Clock: w.clock, Log: w.log(), Workloads: w.workloads})
	_, err = w.identity.Bootstrap(t.Context(), "Test-12345", false)
	ok(t, err)
	w.admin, err = w.identity.Principal(t.Context(), identity.AdminID)
	ok(t, err)
	w.projects = project.New(project.Deps{DB: d, Settings: settings, Clock: w.clock})
	ok(t, w.projects.Bootstrap(t.Context()))
	w.team = w.project("team")
	return w
}

func (w *world) clock() time.Time { return w.now }

func (w *world) log() *slog.Logger {
	return slog.New(slog.NewTextHandler(w.t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// another is the service of another replica.
func (w *world) another() *workload.Service {
	w.t.Helper()
	s, err := workload.New(workload.Deps{DB: w.db, Box: w.box, Clock: w.clock, Log: w.log()})
	ok(w.t, err)
	return s
}

func (w *world) project(name string) int64 {
	w.t.Helper()
	id, err := w.projects.Create(context.Background(), w.admin, project.NewProject{Name: name})
	ok(w.t, err)
	return id
}

// draft is a policy of the project team for the jobs of acme/app on main.
func (w *world) draft() workload.Draft {
	return workload.Draft{
		Name: "ci", Issuer: w.issuer.URL, Audience: audience, Enabled: true, LifeMinutes: 10,
		Condition:   `claims.repository == "acme/app" && claims.ref == "refs/heads/main"`,
		Permissions: []identity.RobotPermission{pushing("team")},
	}
}

func pushing(project string) identity.RobotPermission {
	return identity.RobotPermission{Kind: "project", Namespace: project, Access: []identity.Access{{Resource: "repository", Action: "push"}}}
}

// create creates a policy of the system.
func (w *world) create(d workload.Draft) int64 {
	w.t.Helper()
	id, err := w.workloads.Create(context.Background(), w.admin, 0, d)
	ok(w.t, err)
	return id
}

// logIn is a log-in with a user name and a token as password.
func (w *world) logIn(name, token string) (authz.Principal, error) {
	return w.identity.Authenticate(context.Background(), name, secret.Text(token), netip.MustParseAddr("192.0.2.1"))
}

func (w *world) refused(what, name, token string) {
	w.t.Helper()
	p, err := w.logIn(name, token)
	if !errors.Is(err, identity.ErrCredentials) {
		w.t.Errorf("%s: let in as %q, %v", what, p.Name, err)
	}
	w.forgive()
}

// forgive ends the wait after refusals, so that the next one is looked at.
func (w *world) forgive() {
	w.t.Helper()
	ok(w.t, w.db.Write(context.Background(), func(tx db.Tx) error {
		_, err := tx.Exec(context.Background(), `DELETE FROM login_failure`)
		return err
	}))
}

func (w *world) claims() map[string]any { return w.issuer.Claims(audience, w.now) }

// with is the claims of a good token, changed.
func (w *world) with(name string, value any) map[string]any {
	c := w.claims()
	if value == nil {
		delete(c, name)
	} else {
		c[name] = value
	}
	return c
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
