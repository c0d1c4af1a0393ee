package identity_test

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/secret"
)

// rotating is a project's robot with its name, first secret and a docker token.
func rotating(w *world) (b identity.Created, full, token string) {
	w.addProject("production")
	b = w.addRobot(robotOf("production", "ci", "pull", "push"))
	full = "robot$production+ci"
	return b, full, w.tokenOf(full, b.Secret)
}

func (w *world) tokenOf(name string, s secret.Text) string {
	w.t.Helper()
	token, _, _, err := w.IssueToken(context.Background(), w.mustLogin(name, s), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return token
}

func (w *world) upkeep() {
	w.t.Helper()
	if err := w.Upkeep(context.Background()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) getRobot(id int64) identity.Robot {
	w.t.Helper()
	b, err := w.GetRobot(context.Background(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

func TestTwoSecretsOverlap(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), context.Background()
		b, full, token := rotating(w)
		second, err := w.RotateRobotSecret(ctx, admin, b.ID, "", 24*time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		w.mustLogin(full, second)
		w.mustLogin(full, b.Secret)
		w.mustLogin(full, b.Secret) // remembered
		if _, err := w.VerifyToken(ctx, token); err != nil {
			t.Errorf("a token did not outlive the rotation: %v", err)
		}
		if got := w.getRobot(b.ID).PreviousUntil; !got.Equal(w.clock.now().Add(24 * time.Hour)) {
			t.Errorf("the previous secret is good until %v", got)
		}
		w.clock.add(24*time.Hour - time.Second)
		fresh := w.tokenOf(full, b.Secret)
		w.clock.add(time.Second)
		_, err = w.login(full, b.Secret)
		wantErr(t, err, identity.ErrCredentials)
		w.mustLogin(full, second)
		w.upkeep()
		_, err = w.VerifyToken(ctx, fresh)
		wantErr(t, err, identity.ErrToken)
		if got := w.getRobot(b.ID).PreviousUntil; !got.IsZero() {
			t.Errorf("the previous secret is still there, until %v", got)
		}
		w.mustLogin(full, second)
	})
}

func TestPreviousSecretEnds(t *testing.T) {
	third := secret.Text("Third-Secret-12345")
	for name, end := range map[string]func(w *world, id int64) error{
		"revoked": func(w *world, id int64) error { return w.EndPreviousSecret(context.Background(), admin, id) },
		"replaced at once": func(w *world, id int64) error {
			_, err := w.SetRobotSecret(context.Background(), admin, id, third)
			return err
		},
		"rotated again": func(w *world, id int64) error {
			_, err := w.RotateRobotSecret(context.Background(), admin, id, third, time.Hour)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB) {
				w, ctx := newWorld(t, d), context.Background()
				b, full, token := rotating(w)
				if _, err := w.RotateRobotSecret(ctx, admin, b.ID, "Second-Secret-12345", time.Hour); err != nil {
					t.Fatal(err)
				}
				w.mustLogin(full, b.Secret)
				if err := end(w, b.ID); err != nil {
					t.Fatal(err)
				}
				_, err := w.login(full, b.Secret)
				wantErr(t, err, identity.ErrCredentials)
				_, err = w.VerifyToken(ctx, token)
				wantErr(t, err, identity.ErrToken)
				_, err = w.login(full, "Second-Secret-12345")
				if good := name != "replaced at once"; good != (err == nil) {
					t.Errorf("the second secret: %v", err)
				}
			})
		})
	}
}

func TestOverlapIsBounded(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		b, full, _ := rotating(w)
		for _, overlap := range []time.Duration{-time.Hour, 91 * 24 * time.Hour} {
			if _, err := w.RotateRobotSecret(context.Background(), admin, b.ID, "", overlap); err == nil {
				t.Errorf("an overlap of %s was taken", overlap)
			}
		}
		w.mustLogin(full, b.Secret)
	})
}

func TestLastUseOfRobots(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		b, full, _ := rotating(w)
		if got := w.getRobot(b.ID).UsedAt; !got.IsZero() {
			t.Errorf("written at once: %v", got)
		}
		first := w.clock.now()
		w.upkeep()
		w.clock.add(time.Minute)
		w.mustLogin(full, b.Secret)
		w.upkeep()
		if got := w.getRobot(b.ID).UsedAt; !got.Equal(first) {
			t.Errorf("used %v, want %v: within minutes it isn't written again", got, first)
		}
		w.clock.add(5 * time.Minute)
		w.upkeep()
		w.mustLogin(full, b.Secret)
		w.upkeep()
		if got := w.getRobot(b.ID).UsedAt; !got.Equal(w.clock.now()) {
			t.Errorf("used %v, want %v", got, w.clock.now())
		}
	})
}

func TestRobotsExpireWithAWarning(t *testing.T) {
	for _, tt := range []struct {
		days int64
		from time.Duration // of its end
	}{{30, 6 * 24 * time.Hour}, {365, 7 * 24 * time.Hour}, {1, 24 * time.Hour / 5}} {
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			w, ctx := newWorld(t, d), context.Background()
			w.addProject("production")
			n := robotOf("production", "ci", "pull")
			n.DurationDays = tt.days
			b := w.addRobot(n)
			check := func(want int) {
				t.Helper()
				w.upkeep()
				got := strings.Count(strings.Join(w.events(), "\n"), "expire_robot")
				if logged := strings.Count(w.log.String(), "expires soon"); got != want || logged != want {
					t.Errorf("%d days: %d events and %d lines, want %d", tt.days, got, logged, want)
				}
			}
			w.clock.add(b.ExpiresAt.Sub(w.clock.now()) - tt.from - time.Second)
			check(0)
			if w.getRobot(b.ID).ExpiresSoon(w.clock.now()) {
				t.Error("expires soon, too early")
			}
			w.clock.add(time.Second)
			check(1)
			check(1) // once
			if !w.getRobot(b.ID).ExpiresSoon(w.clock.now()) {
				t.Error("doesn't expire soon")
			}
			if count, err := w.RobotsExpiring(ctx); count != 1 || err != nil {
				t.Errorf("%d robots expire soon, %v", count, err)
			}
			w.clock.add(tt.from)
			if count, err := w.RobotsExpiring(ctx); count != 0 || err != nil {
				t.Errorf("an expired robot counts: %d, %v", count, err)
			}
		})
	}
}

func TestListRobotsByHarborsFields(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		id := w.addProject("production")
		var ends int64
		for _, n := range []struct {
			name string
			days int64
		}{{"a", -1}, {"b", 30}, {"c", 10}} {
			r := robotOf("production", n.name, "pull")
			r.DurationDays = n.days
			if made := w.addRobot(r); n.days == 30 {
				ends = made.ExpiresAt.Unix()
			}
		}
		list := func(l db.List) string {
			t.Helper()
			rows, _, err := w.ListRobots(context.Background(), identity.RobotFilter{ProjectID: id}, l)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, r := range rows {
				names = append(names, strings.TrimPrefix(r.Name, "production+"))
			}
			return strings.Join(names, "")
		}
		equal := func(key, value string) db.List {
			return db.List{Page: 1, Size: 10, Filters: []db.Filter{{Key: key, Values: []string{value}}}}
		}
		for _, tt := range []struct {
			list db.List
			want string
		}{
			{db.List{Page: 1, Size: 10, Sort: []db.Sort{{Key: "expires_at"}}}, "acb"},
			{db.List{Page: 1, Size: 10, Sort: []db.Sort{{Key: "expires_at", Desc: true}}}, "bca"},
			{equal("expires_at", "-1"), "a"},
			{equal("expires_at", strconv.FormatInt(ends, 10)), "b"},
			{equal("duration", "10"), "c"},
			{equal("disabled", "true"), ""},
			{equal("level", "project"), "abc"},
			{equal("project_id", strconv.FormatInt(id, 10)), "abc"},
		} {
			if got := list(tt.list); got != tt.want {
				t.Errorf("%+v: %q, want %q", tt.list, got, tt.want)
			}
		}
	})
}
