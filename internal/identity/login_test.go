package identity_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/secret"
)

func TestBootstrap(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		w := newWorld(t, d)
		w.exec(`DELETE FROM account`)
		if created, err := w.Bootstrap(ctx, adminPassword, false); !created || err != nil {
			t.Fatalf("the first start: created %v, %v", created, err)
		}
		if created, err := w.Bootstrap(ctx, "Another-123", false); created || err != nil {
			t.Fatalf("a second start: created %v, %v", created, err)
		}
		p := w.mustLogin("admin", adminPassword)
		want := authz.Principal{Kind: authz.User, ID: 1, Name: "admin", Admin: true, Epoch: 1}
		if p.ID != want.ID || p.Kind != want.Kind || p.Name != want.Name || !p.Admin || p.Epoch != 1 {
			t.Errorf("got %+v, want %+v", p, want)
		}
		u, err := w.GetUser(ctx, 1)
		if err != nil || u.Email != "admin@example.com" || !u.Sysadmin || u.MustChangePassword {
			t.Errorf("got %+v, %v", u, err)
		}
	})
}

func TestBootstrapGenerates(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		w := newWorld(t, d)
		w.exec(`DELETE FROM account`) // an empty database whose first id is used up
		if exists, err := w.Bootstrapped(ctx); exists || err != nil {
			t.Fatalf("before the first start: %v, %v", exists, err)
		}
		for _, short := range []secret.Text{"", "short"} {
			if _, err := w.Bootstrap(ctx, short, false); err == nil {
				t.Fatal("a password of five characters was accepted")
			}
		}
		generated := secret.NewPassword()
		created, err := w.Bootstrap(ctx, generated, true)
		if !created || err != nil {
			t.Fatalf("created %v, %v", created, err)
		}
		if exists, err := w.Bootstrapped(ctx); !exists || err != nil {
			t.Fatalf("after the first start: %v, %v", exists, err)
		}
		if p := w.mustLogin("admin", generated); p.ID != identity.AdminID {
			t.Errorf("the administrator's id is %d", p.ID)
		}
		if u, _ := w.GetUser(ctx, identity.AdminID); !u.MustChangePassword {
			t.Error("a generated password needn't be changed")
		}
		old := generated
		if err := w.SetPassword(ctx, admin, identity.AdminID, &old, "Changed-12345"); err != nil {
			t.Fatal(err)
		}
		if u, _ := w.GetUser(ctx, identity.AdminID); u.MustChangePassword {
			t.Error("a changed password must be changed again")
		}
	})
}

func TestAuthenticate(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		w := newWorld(t, d)
		alice := w.addUser("alice", alicePassword)
		gone := w.addUser("gone", alicePassword)
		if err := w.DeleteUser(ctx, admin, gone); err != nil {
			t.Fatal(err)
		}
		project := w.addProject("production")
		ci := w.addRobot(robotOf("production", "ci", "pull", "push"))
		off := w.addRobot(robotOf("production", "off", "pull"))
		update := identity.RobotUpdate{Name: off.Name, Level: "project", Disabled: true, Permissions: off.Permissions}
		if err := w.UpdateRobot(ctx, admin, off.ID, update); err != nil {
			t.Fatal(err)
		}
		brief := w.addRobot(identity.NewRobot{Name: "brief", Level: "system", DurationDays: 1, Permissions: robotOf("production", "", "pull").Permissions})
		w.clock.add(25 * time.Hour)

		cases := []struct {
			name, login string
			password    secret.Text
			kind        authz.Kind // Anonymous: refused
			id          int64
		}{
			{"name", "alice", alicePassword, authz.User, alice},
			{"e-mail", "alice@example.com", alicePassword, authz.User, alice},
			{"robot", "robot$production+ci", ci.Secret, authz.Robot, ci.ID},
			{"robot, for shells", "robot-production+ci", ci.Secret, authz.Robot, ci.ID},
			{"wrong password", "alice", "Alice-99999", authz.Anonymous, 0},
			{"empty password", "alice", "", authz.Anonymous, 0},
			{"other case of the name", "Alice", alicePassword, authz.Anonymous, 0},
			{"unknown", "nobody", alicePassword, authz.Anonymous, 0},
			{"empty", "", "", authz.Anonymous, 0},
			{"NUL", "alice\x00", alicePassword, authz.Anonymous, 0},
			{"not UTF-8", "alice\xff", alicePassword, authz.Anonymous, 0},
			{"long", strings.Repeat("a", 100_000), alicePassword, authz.Anonymous, 0},
			{"wildcard", "ali%", alicePassword, authz.Anonymous, 0},
			{"deleted", "gone", alicePassword, authz.Anonymous, 0},
			{"deleted, by the freed name", fmt.Sprintf("gone#%d", gone), alicePassword, authz.Anonymous, 0},
			{"stored robot name", "production+ci", ci.Secret, authz.Anonymous, 0},
			{"robot with another's secret", "robot$production+ci", off.Secret, authz.Anonymous, 0},
			{"disabled robot", "robot$production+off", off.Secret, authz.Anonymous, 0},
			{"expired robot", "robot$brief", brief.Secret, authz.Anonymous, 0},
			{"prefix alone", "robot$", ci.Secret, authz.Anonymous, 0},
		}
		for _, c := range cases {
			p, err := w.login(c.login, c.password)
			if c.kind == authz.Anonymous {
				if !errors.Is(err, identity.ErrCredentials) || err.Error() != identity.ErrCredentials.Error() || p.Authenticated() {
					t.Errorf("%s: got %+v, %v; want ErrCredentials and nothing else", c.name, p, err)
				}
				continue
			}
			if err != nil || p.Kind != c.kind || p.ID != c.id {
				t.Errorf("%s: got %+v, %v", c.name, p, err)
			}
			w.clock.add(2 * time.Minute)
		}
		p := w.mustLogin("robot-production+ci", ci.Secret)
		pull := authz.Grant{Scope: authz.OneProject, ProjectID: project, Permission: authz.Permission{Resource: authz.Repository, Action: authz.Pull}}
		if p.Name != "robot$production+ci" || p.ProjectID != project || len(p.Grants) != 2 || p.Grants[0] != pull {
			t.Errorf("the robot is %+v", p)
		}
	})
}

// Changing the prefix renames all robots; those who log in by an older name go on.
func TestFormerPrefixesLogIn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.addProject("production")
		ci := w.addRobot(robotOf("production", "ci", "pull"))
		w.setPrefix("bot$")
		w.mustLogin("bot$production+ci", ci.Secret)
		w.setPrefix("machine.")
		for _, name := range []string{"robot$production+ci", "robot-production+ci", "bot$production+ci", "bot-production+ci", "machine.production+ci"} {
			if p := w.mustLogin(name, ci.Secret); p.ID != ci.ID || p.Name != "machine.production+ci" {
				t.Errorf("%s: got %+v", name, p)
			}
		}
		if _, err := w.login("never$production+ci", ci.Secret); !errors.Is(err, identity.ErrCredentials) {
			t.Errorf("a prefix that never was: %v", err)
		}
		if got := w.FullName(context.Background(), "production+ci"); got != "machine.production+ci" {
			t.Errorf("full name %q", got)
		}
	})
}

// A request with Basic credentials costs one row at most and no hash, once they were checked.
func TestCheckedPasswordIsRemembered(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		w := newWorld(t, d)
		alice := w.addUser("alice", alicePassword)
		w.addProject("production")
		ci := w.addRobot(robotOf("production", "ci", "pull"))
		people := int64(10)
		if d.Exclusive() {
			people = 0 // remembered until an account changes; a robot expires
		}
		for _, who := range []struct {
			name     string
			password secret.Text
			want     int64
		}{{"alice", alicePassword, people}, {"robot$production+ci", ci.Secret, 10}} {
			w.mustLogin(who.name, who.password)
			before := d.Executed()
			for range 10 {
				w.mustLogin(who.name, who.password)
			}
			if n := d.Executed() - before; n != who.want {
				t.Errorf("%s: ten log-ins took %d statements, want %d", who.name, n, who.want)
			}
		}
		for _, c := range []struct {
			later  time.Duration
			logins int
		}{{0, 2}, {30 * time.Minute, 2}, {time.Hour, 3}} {
			w.clock.add(c.later)
			w.mustLogin("alice", alicePassword)
			if n := strings.Count(strings.Join(w.events(), "\n"), "login_user"); n != c.logins {
				t.Errorf("%v later: %d login events, want %d", c.later, n, c.logins)
			}
		}
		if err := w.replica().SetPassword(ctx, admin, alice, nil, "Changed-12345"); err != nil {
			t.Fatal(err)
		}
		_, err := w.login("alice", alicePassword)
		wantErr(t, err, identity.ErrCredentials) // at once, though another replica changed it
		w.mustLogin("alice", "Changed-12345")
	})
}

func TestFailedLoginsWait(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		w := newWorld(t, d)
		w.addUser("alice", alicePassword)
		other := w.replica()
		for _, name := range []string{"alice", "nobody"} {
			for i := range 5 {
				_, err := w.login(name, secret.Text(fmt.Sprintf("Guess-%d", i)))
				if wait := (identity.ErrTooManyAttempts{}); errors.As(err, &wait) || !errors.Is(err, identity.ErrCredentials) {
					t.Fatalf("%s, failure %d: got %v, want ErrCredentials", name, i+1, err)
				}
			}
			wait := identity.ErrTooManyAttempts{}
			if _, err := other.Authenticate(ctx, name, alicePassword, home); !errors.As(err, &wait) || wait.RetryAfter <= 0 || wait.RetryAfter > 2*time.Second {
				t.Fatalf("%s on another replica: got %v after %v, want a wait of about a second", name, err, wait.RetryAfter)
			}
			if !errors.Is(wait, identity.ErrCredentials) {
				t.Error("a wait isn't an ErrCredentials for those who don't care")
			}
		}
		// Each failure after a wait doubles the next, up to a quarter of an hour.
		var waits []time.Duration
		for i := range 13 {
			w.clock.add(20 * time.Minute)
			_, err := w.login("alice", secret.Text(fmt.Sprintf("Later-%d", i)))
			wantErr(t, err, identity.ErrCredentials)
			_, err = w.login("alice", alicePassword)
			var wait identity.ErrTooManyAttempts
			if !errors.As(err, &wait) {
				t.Fatalf("got %v, want a wait", err)
			}
			waits = append(waits, wait.RetryAfter-time.Second)
		}
		if !slices.IsSorted(waits) || waits[0] != 2*time.Second || waits[1] != 4*time.Second || waits[12] != 15*time.Minute {
			t.Errorf("waits are %v", waits)
		}
		w.clock.add(16 * time.Minute)
		w.mustLogin("alice", alicePassword)
		w.clock.add(2 * time.Minute)
		for i := range 4 { // starts from nothing again
			_, err := w.login("alice", secret.Text(fmt.Sprintf("Again-%d", i)))
			wantErr(t, err, identity.ErrCredentials)
		}
		w.mustLogin("alice", alicePassword)
	})
}

// Somebody who is locked out by others' guesses keeps working with a password that was just checked.
func TestRememberedPasswordPassesDelays(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.addUser("alice", alicePassword)
		w.mustLogin("alice", alicePassword)
		for i := range 6 {
			w.login("alice", secret.Text(fmt.Sprintf("Guess-%d", i)))
		}
		w.mustLogin("alice", alicePassword)
		w.clock.add(time.Minute) // no longer remembered; the delay is over as well
		w.mustLogin("alice", alicePassword)
	})
}

func TestNetworkWaits(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		w := newWorld(t, d)
		w.addUser("alice", alicePassword)
		from := func(addr string) error {
			_, err := w.Authenticate(ctx, "alice", alicePassword, netip.MustParseAddr(addr))
			return err
		}
		guess := func(addr string, n int) {
			for i := range n {
				w.Authenticate(ctx, fmt.Sprintf("user%d", i), secret.Text("Summer-2026 "+addr), netip.MustParseAddr(addr))
			}
		}
		guess("198.51.100.7", 20)
		guess("2001:db8:1:2::7", 20)
		for _, c := range []struct {
			addr string
			wait bool
		}{
			{"198.51.100.200", true},
			{"::ffff:198.51.100.9", true},
			{"2001:db8:1:2:ffff::1", true},
			{"198.51.101.7", false},
			{"2001:db8:1:3::7", false},
		} {
			var wait identity.ErrTooManyAttempts
			if err := from(c.addr); errors.As(err, &wait) != c.wait {
				t.Errorf("%s: got %v, want a wait: %v", c.addr, err, c.wait)
			}
			w.replicaForget()
		}
		// One client that repeats its wrong password locks only itself out.
		for range 40 {
			w.Authenticate(ctx, "robot$ci", "Stale-Secret-1", netip.MustParseAddr("203.0.113.1"))
			w.clock.add(2 * time.Second)
		}
		if err := from("203.0.113.2"); err != nil {
			t.Errorf("a neighbour of a misconfigured client: %v", err)
		}
	})
}

// replicaForget makes the next log-in a fresh one.
func (w *world) replicaForget() { w.Service = w.replica() }

// A name that nobody has costs as much as one that somebody has.
func TestUnknownNamesCostTheSame(t *testing.T) {
	d := dbtest.SQLite(t)
	w := newWorld(t, d)
	w.addUser("alice", alicePassword)
	attempt := func(name string, i int) time.Duration {
		start := time.Now()
		w.login(name, secret.Text(fmt.Sprintf("Wrong-%s-%d", name, i)))
		return time.Since(start)
	}
	// The fastest of several is free of what else the machine does.
	known, unknown := time.Hour, time.Hour
	for i := range 12 {
		w.clock.add(2 * time.Hour) // no delays
		known, unknown = min(known, attempt("alice", i)), min(unknown, attempt("nobody", i))
	}
	if unknown < known/2 || known < unknown/2 {
		t.Errorf("a wrong password takes %v, an unknown name %v", known, unknown)
	}
}

func TestPrincipal(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		alice := w.addUser("alice", alicePassword)
		p, err := w.Principal(context.Background(), alice)
		if err != nil || p.Kind != authz.User || p.Name != "alice" || p.Admin || p.ID != alice {
			t.Errorf("got %+v, %v", p, err)
		}
		_, err = w.Principal(context.Background(), 999)
		wantErr(t, err, fault.NotFound)
	})
}
