package identity_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/identity"
)

func (w *world) signIn(name string) string { return w.signInWith(name, alicePassword) }

func TestSessionLifecycle(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		w := newWorld(t, d)
		alice := w.addUser("alice", alicePassword)
		token := w.signIn("alice")
		p, err := w.SessionPrincipal(ctx, token, true)
		if err != nil || p.Kind != authz.User || p.ID != alice || p.Name != "alice" || p.SessionID == "" {
			t.Fatalf("got %+v, %v", p, err)
		}
		if strings.Contains(token, p.SessionID) || w.count(`SELECT COUNT(*) FROM session WHERE user_agent = 'Browser/1.0'`) != 1 {
			t.Error("the session's public id is in its token, or its browser isn't kept")
		}
		second, err := w.CreateSession(ctx, p, "192.0.2.10", strings.Repeat("é", 1000)+"\x00\xff")
		if err != nil {
			t.Fatal(err)
		}
		if q, err := w.replica().SessionPrincipal(ctx, second, true); err != nil || q.SessionID == p.SessionID {
			t.Errorf("another session on another replica: %+v, %v", q, err)
		}
		if err := w.DeleteSession(ctx, token); err != nil {
			t.Fatal(err)
		}
		_, err = w.SessionPrincipal(ctx, token, true)
		wantErr(t, err, identity.ErrSession)
		if _, err := w.SessionPrincipal(ctx, second, true); err != nil {
			t.Errorf("one log-out ended the other session: %v", err)
		}
		if err := w.DeleteSession(ctx, "unknown"); err != nil {
			t.Errorf("ending an unknown session: %v", err)
		}
		events := strings.Join(w.events(), "\n")
		if strings.Count(events, "login_user") != 1 || strings.Count(events, "logout_user") != 1 {
			t.Errorf("want one login and one logout in\n%s", events)
		}
	})
}

func (w *world) count(query string, args ...any) int64 {
	w.t.Helper()
	n, err := db.Get(context.Background(), w.db.Auto(), db.ScanInt, query, args...)
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

func TestSessionsEnd(t *testing.T) {
	ctx := context.Background()
	cases := []struct {
		name string
		do   func(t *testing.T, w *world, id int64, token string)
		ends bool
	}{
		{"idle", func(_ *testing.T, w *world, _ int64, _ string) { w.clock.add(60 * time.Minute) }, true},
		{"a little before", func(_ *testing.T, w *world, _ int64, _ string) { w.clock.add(59 * time.Minute) }, false},
		{"used now and then", func(t *testing.T, w *world, _ int64, token string) {
			for range 5 {
				w.clock.add(50 * time.Minute)
				if _, err := w.SessionPrincipal(ctx, token, true); err != nil {
					t.Fatal(err)
				}
			}
		}, false},
		{"polled without renewal", func(_ *testing.T, w *world, _ int64, token string) {
			for range 2 {
				w.clock.add(35 * time.Minute)
				w.SessionPrincipal(ctx, token, false)
			}
		}, true},
		{"seven days of use", func(_ *testing.T, w *world, _ int64, token string) {
			for range 7 * 24 * 2 {
				w.clock.add(30 * time.Minute)
				w.SessionPrincipal(ctx, token, true)
			}
		}, true},
		{"password change", func(t *testing.T, w *world, id int64, _ string) {
			wantErr(t, w.SetPassword(ctx, admin, id, nil, "Changed-12345"), nil)
		}, true},
		{"deleted", func(t *testing.T, w *world, id int64, _ string) { wantErr(t, w.DeleteUser(ctx, admin, id), nil) }, true},
		{"another role somewhere", func(t *testing.T, w *world, id int64, _ string) {
			wantErr(t, w.db.Write(ctx, func(tx db.Tx) error { return w.BumpEpoch(ctx, tx, id) }), nil)
		}, false},
		{"administrator", func(t *testing.T, w *world, id int64, _ string) { wantErr(t, w.SetSysadmin(ctx, admin, id, true), nil) }, true},
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		for _, c := range cases {
			id := w.addUser("user-"+strings.ReplaceAll(c.name, " ", "-"), alicePassword)
			token := w.signIn("user-" + strings.ReplaceAll(c.name, " ", "-"))
			c.do(t, w, id, token)
			if _, err := w.SessionPrincipal(ctx, token, false); (err != nil) != c.ends {
				t.Errorf("%s: got %v, want the session to end: %v", c.name, err, c.ends)
			}
		}
	})
}

// A sign-in that overlaps a change of the password must not leave a session behind.
func TestSessionNeedsThePresentAccount(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		w := newWorld(t, d)
		alice := w.addUser("alice", alicePassword)
		before := w.mustLogin("alice", alicePassword)
		if err := w.SetPassword(ctx, admin, alice, nil, "Changed-12345"); err != nil {
			t.Fatal(err)
		}
		_, err := w.CreateSession(ctx, before, "", "")
		wantErr(t, err, identity.ErrCredentials)
	})
}

func TestRobotsHaveNoSessions(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		w := newWorld(t, d)
		w.addProject("production")
		ci := w.addRobot(robotOf("production", "ci", "pull"))
		_, _, err := w.SignIn(ctx, "robot$production+ci", ci.Secret, home, "")
		wantErr(t, err, identity.ErrCredentials)
		_, err = w.CreateSession(ctx, w.mustLogin("robot$production+ci", ci.Secret), "", "")
		wantErr(t, err, identity.ErrCredentials)
	})
}

// Renewing writes once a minute, not at each request.
func TestSessionCostsOneRead(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.addUser("alice", alicePassword)
		token := w.signIn("alice")
		w.clock.add(time.Second)
		w.SessionPrincipal(context.Background(), token, true) // reads the settings too
		before := d.Executed()
		for range 10 {
			w.SessionPrincipal(context.Background(), token, true)
		}
		if n := d.Executed() - before; n != 10 {
			t.Errorf("ten requests took %d statements, want 10", n)
		}
	})
}
