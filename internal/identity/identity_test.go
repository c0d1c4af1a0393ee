package identity_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/secret"
	"github.com/havenregistry/haven/internal/setting"
	"golang.org/x/crypto/argon2"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

const (
	adminPassword = secret.Text("Admin-12345")
	alicePassword = secret.Text("Alice-12345")
)

var (
	home  = netip.MustParseAddr("192.0.2.10")
	admin = authz.Principal{Kind: authz.User, ID: 1, Name: "admin", Admin: true, Epoch: 1}
)

// clock is set by hand.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// world is a database with the first administrator, and a service on it.
type world struct {
	*identity.Service
	t        testing.TB
	db       *db.DB
	clock    *clock
	box      *secret.Box
	settings *setting.Service
	log      *bytes.Buffer
}

func newWorld(t testing.TB, d *db.DB) *world {
	t.Helper()
	box, err := secret.OpenBox(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, db: d, box: box, clock: &clock{at: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)}, log: &bytes.Buffer{}}
	w.settings = setting.New(d, box, w.clock.now)
	w.Service = w.replica()
	w.exec(`INSERT INTO account (username, email, realname, sysadmin, created_at, updated_at) VALUES ('admin', 'admin@example.com', 'admin', TRUE, 1, 1)`)
	w.exec(`INSERT INTO account_password (account_id, hash) VALUES (1, $1)`, w.hashOf(adminPassword))
	return w
}

// hashes keeps what the passwords of tests hash to: a hash takes longer than all else a test does.
var hashes sync.Map

func (w *world) hashOf(password secret.Text) string {
	w.t.Helper()
	if h, ok := hashes.Load(password); ok {
		return h.(string)
	}
	salt := []byte("sixteen bytes ok")
	digest := argon2.IDKey([]byte(password.Reveal()), salt, 2, 19*1024, 1, 32)
	h := fmt.Sprintf("$argon2id$v=19$m=19456,t=2,p=1$%s$%s", base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(digest))
	hashes.Store(password, h)
	return h
}

// replica is another process on the same database.
func (w *world) replica() *identity.Service {
	return identity.New(identity.Deps{DB: w.db, Settings: w.settings, Box: w.box, Clock: w.clock.now,
		Log: slog.New(slog.NewJSONHandler(w.log, nil))})
}

func (w *world) addUser(name string, password secret.Text) (id int64) {
	w.t.Helper()
	now := db.Micros(w.clock.now())
	err := w.db.Write(context.Background(), func(tx db.Tx) (err error) {
		id, err = db.Get(context.Background(), tx, db.ScanInt, `INSERT INTO account (username, email, realname, created_at, updated_at)
			VALUES ($1, $2, $3, $4, $5) RETURNING id`, name, name+"@example.com", name, now, now)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.exec(`INSERT INTO account_password (account_id, hash) VALUES ($1, $2)`, id, w.hashOf(password))
	return id
}

func (w *world) exec(query string, args ...any) {
	w.t.Helper()
	err := w.db.Write(context.Background(), func(tx db.Tx) error {
		_, err := tx.Exec(context.Background(), query, args...)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// addProject makes a project's row; its epoch is 1.
func (w *world) addProject(name string) int64 {
	w.t.Helper()
	var id int64
	err := w.db.Write(context.Background(), func(tx db.Tx) (err error) {
		id, err = db.Get(context.Background(), tx, db.ScanInt,
			`INSERT INTO project (name, owner_id, created_at, updated_at) VALUES ($1, 1, 1, 1) RETURNING id`, name)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

// deleteProject deletes as package project does: softly, freeing the name.
func (w *world) deleteProject(id int64) {
	w.t.Helper()
	w.exec(`UPDATE project SET name = name || '#' || id, deleted_at = 1, epoch = epoch + 1 WHERE id = $1`, id)
}

func (w *world) addRobot(n identity.NewRobot) identity.Created {
	w.t.Helper()
	c, err := w.CreateRobot(context.Background(), admin, n)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func robotOf(project, name string, actions ...string) identity.NewRobot {
	p := identity.RobotPermission{Kind: "project", Namespace: project}
	for _, a := range actions {
		p.Access = append(p.Access, identity.Access{Resource: "repository", Action: a})
	}
	return identity.NewRobot{Name: name, Level: "project", DurationDays: 30, Permissions: []identity.RobotPermission{p}}
}

func (w *world) login(name string, password secret.Text) (authz.Principal, error) {
	return w.Authenticate(context.Background(), name, password, home)
}

func (w *world) mustLogin(name string, password secret.Text) authz.Principal {
	w.t.Helper()
	p, err := w.login(name, password)
	if err != nil {
		w.t.Fatalf("log in as %q: %v", name, err)
	}
	return p
}

func (w *world) setPrefix(prefix string) {
	w.t.Helper()
	if err := w.settings.Set(context.Background(), "admin", map[string]any{"robot_name_prefix": prefix}); err != nil {
		w.t.Fatal(err)
	}
}

// events are the kinds and bodies in the outbox, oldest first.
func (w *world) events() []string {
	w.t.Helper()
	all, err := db.Collect(context.Background(), w.db.Auto(), db.ScanString, `SELECT kind || ' ' || body FROM event ORDER BY id`)
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

func wantErr(t testing.TB, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
}

// wantFault checks the words that clients see.
func wantFault(t testing.TB, got error, kind fault.Kind, message string) {
	t.Helper()
	e, ok := errors.AsType[*fault.Error](got)
	if !ok || e.Kind != kind || e.Message != message {
		t.Errorf("got %v, want %s: %q", got, kind, message)
	}
}

func (w *world) signInWith(name string, password secret.Text) (token string) {
	w.t.Helper()
	_, token, err := w.SignIn(context.Background(), name, password, home, "Browser/1.0")
	if err != nil {
		w.t.Fatal(err)
	}
	return token
}

// dump is everything that others may come to see: values as they are printed, encoded and logged, the
// log, and each text column of the tables.
func (w *world) dump(values []any) string {
	w.t.Helper()
	log := slog.New(slog.NewJSONHandler(w.log, nil))
	var b strings.Builder
	for _, v := range values {
		text, err := json.Marshal(v)
		fmt.Fprintf(&b, "%v %+v %#v %s %v\n", v, v, v, text, err)
		log.Info("dump", "value", v)
	}
	for _, q := range []string{
		`SELECT kind || body FROM event`, `SELECT username || email || comment FROM account`, `SELECT hash FROM account_password`,
		`SELECT hash FROM robot_secret`, `SELECT name || description FROM robot`, `SELECT subject FROM login_failure`,
		`SELECT remote || user_agent FROM session`, `SELECT value FROM setting`,
	} {
		rows, err := db.Collect(context.Background(), w.db.Auto(), db.ScanString, q)
		if err != nil {
			w.t.Fatal(err)
		}
		b.WriteString(strings.Join(rows, "\n"))
	}
	return b.String() + w.log.String()
}
