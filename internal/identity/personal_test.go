package identity_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
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

// pulling lets a token pull in a project.
func pulling(projectID int64) []authz.Grant {
	return []authz.Grant{{Scope: authz.OneProject, ProjectID: projectID, Permission: authz.Permission{Resource: authz.Repository, Action: authz.Pull}}}
}

func (w *world) addToken(by authz.Principal, n identity.NewPersonalToken) identity.MadeToken {
	w.t.Helper()
	made, err := w.CreatePersonalToken(context.Background(), by, n)
	if err != nil {
		w.t.Fatal(err)
	}
	return made
}

// ann is a user with a token that pulls in a project.
func (w *world) ann() (p authz.Principal, made identity.MadeToken, projectID int64) {
	w.t.Helper()
	w.addUser("ann", alicePassword)
	p, projectID = w.mustLogin("ann", alicePassword), w.addProject("production")
	return p, w.addToken(p, identity.NewPersonalToken{Name: "laptop", Limits: pulling(projectID)}), projectID
}

func TestPersonalTokensLogIn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), context.Background()
		ann, made, projectID := w.ann()
		w.addUser("bob", alicePassword)
		for _, name := range []string{"ann", "ann@example.com"} {
			p := w.mustLogin(name, made.Secret)
			if p.Kind != authz.Personal || p.ID != ann.ID || p.Name != "ann" || p.Admin || len(p.Grants) > 0 || p.Owner.Kind != authz.User ||
				fmt.Sprint(p.Limits) != fmt.Sprint(pulling(projectID)) || p.TokenID != made.ID {
				t.Errorf("%s is %+v", name, p)
			}
		}
		if p, err := w.AuthenticateToken(ctx, made.Secret, home); err != nil || p.ID != ann.ID {
			t.Errorf("as a bearer: %+v, %v", p, err)
		}
		for _, name := range []string{"bob", "robot$production+ci", "nobody"} {
			_, err := w.login(name, made.Secret)
			wantErr(t, err, identity.ErrCredentials)
		}
		_, _, err := w.SignIn(ctx, "ann", made.Secret, home, "Browser/1.0")
		wantErr(t, err, identity.ErrCredentials)
		w.mustLogin("ann", alicePassword)
		if got := strings.Join(w.events(), "\n"); strings.Count(got, "with the token laptop") != 1 {
			t.Errorf("want one log-in event an hour: %s", got)
		}
	})
}

func TestPersonalTokensEnd(t *testing.T) {
	for name, end := range map[string]func(w *world, ann authz.Principal, made identity.MadeToken) error{
		"revoked": func(w *world, ann authz.Principal, made identity.MadeToken) error {
			return w.DeletePersonalToken(context.Background(), ann, made.ID)
		},
		"deleted with the account": func(w *world, ann authz.Principal, _ identity.MadeToken) error {
			return w.DeleteUser(context.Background(), admin, ann.ID)
		},
		"expired": func(w *world, _ authz.Principal, _ identity.MadeToken) error {
			w.clock.add(10 * time.Minute)
			return nil
		},
		"left": func(w *world, ann authz.Principal, _ identity.MadeToken) error {
			w.exec(`UPDATE account SET left_at = 1, epoch = epoch + 1 WHERE id = $1`, ann.ID)
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB) {
				w, ctx := newWorld(t, d), context.Background()
				ann, _, projectID := w.ann()
				made := w.addToken(ann, identity.NewPersonalToken{Name: "short", Limits: pulling(projectID), ExpiresAt: w.clock.now().Add(10 * time.Minute)})
				other := w.replica()
				docker := w.tokenOf("ann", made.Secret)
				for _, s := range []*identity.Service{w.Service, other} { // both know it
					if _, err := s.VerifyToken(ctx, docker); err != nil {
						t.Fatal(err)
					}
					if _, err := s.Authenticate(ctx, "ann", made.Secret, home); err != nil {
						t.Fatal(err)
					}
				}
				if err := end(w, ann, made); err != nil {
					t.Fatal(err)
				}
				for _, s := range []*identity.Service{w.Service, other} {
					_, err := s.Authenticate(ctx, "ann", made.Secret, home)
					wantErr(t, err, identity.ErrCredentials)
					_, err = s.AuthenticateToken(ctx, made.Secret, home)
					wantErr(t, err, identity.ErrCredentials)
					_, err = s.VerifyToken(ctx, docker)
					wantErr(t, err, identity.ErrToken)
				}
			})
		})
	}
}

func TestPersonalTokensOutliveSessionsAndPasswords(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), context.Background()
		ann, made, _ := w.ann()
		session := w.signInWith("ann", alicePassword)
		if err := w.DeleteSession(ctx, session); err != nil {
			t.Fatal(err)
		}
		old := alicePassword
		if err := w.SetPassword(ctx, ann, ann.ID, &old, "Another-12345"); err != nil {
			t.Fatal(err)
		}
		w.mustLogin("ann", made.Secret)
	})
}

// A docker token that a personal one got is of that one, in all that asks about its holder.
func TestDockerTokensOfPersonalTokens(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), context.Background()
		ann, made, projectID := w.ann()
		docker, err := w.VerifyToken(ctx, w.tokenOf("ann", made.Secret))
		if err != nil {
			t.Fatal(err)
		}
		if docker.Kind != authz.Bearer || docker.Holder != authz.Personal || docker.ID != ann.ID {
			t.Errorf("got %+v", docker)
		}
		h, err := w.Holder(ctx, docker)
		if err != nil || h.Kind != authz.Personal || fmt.Sprint(h.Limits) != fmt.Sprint(pulling(projectID)) {
			t.Errorf("its holder is %+v, %v", h, err)
		}
		_, err = w.CreatePersonalToken(ctx, docker, identity.NewPersonalToken{Name: "x", Limits: pulling(projectID)})
		wantErr(t, err, fault.Forbidden)
	})
}

func TestTokensMakeNoTokens(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), context.Background()
		_, made, projectID := w.ann()
		b := w.addRobot(robotOf("production", "ci", "pull"))
		for _, p := range []authz.Principal{w.mustLogin("ann", made.Secret), w.mustLogin("robot$production+ci", b.Secret), {}} {
			_, err := w.CreatePersonalToken(ctx, p, identity.NewPersonalToken{Name: "x", Limits: pulling(projectID)})
			wantErr(t, err, fault.Forbidden)
			_, err = w.CreateSession(ctx, p, "", "")
			wantErr(t, err, identity.ErrCredentials)
		}
	})
}

func TestCreatePersonalTokenValidates(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), context.Background()
		ann, _, projectID := w.ann()
		one := func(scope authz.GrantScope, r authz.Resource, a authz.Action) []authz.Grant {
			return []authz.Grant{{Scope: scope, Permission: authz.Permission{Resource: r, Action: a}}}
		}
		for name, n := range map[string]identity.NewPersonalToken{
			"no name":         {Limits: pulling(projectID)},
			"blank name":      {Name: " x", Limits: pulling(projectID)},
			"line in a name":  {Name: "a\nb", Limits: pulling(projectID)},
			"long name":       {Name: strings.Repeat("a", 101), Limits: pulling(projectID)},
			"nothing":         {Name: "x"},
			"the past":        {Name: "x", Limits: pulling(projectID), ExpiresAt: w.clock.now()},
			"no such right":   {Name: "x", Limits: one(authz.EveryProject, "nosuch", "pull")},
			"half of all":     {Name: "x", Limits: one(authz.EveryProject, "repository", "*")},
			"in wrong places": {Name: "x", Limits: one(authz.System, "repository", "pull")},
		} {
			if _, err := w.CreatePersonalToken(ctx, ann, n); !errors.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		_, err := w.CreatePersonalToken(ctx, ann, identity.NewPersonalToken{Name: "laptop", Limits: pulling(projectID)})
		wantErr(t, err, fault.Conflict)
		stale := ann
		stale.Epoch--
		_, err = w.CreatePersonalToken(ctx, stale, identity.NewPersonalToken{Name: "late", Limits: pulling(projectID)})
		wantErr(t, err, identity.ErrCredentials)
	})
}

var tokenForm = regexp.MustCompile(`^hvn_[0-9A-Za-z]{49}$`)

func TestPersonalTokensAreTold(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), context.Background()
		ann, made, projectID := w.ann()
		text := made.Secret.Reveal()
		if !tokenForm.MatchString(text) || !strings.HasSuffix(text, made.Hint) {
			t.Errorf("a token of the form %s, with the hint %s", tokenForm.FindString(text), made.Hint)
		}
		everywhere := []authz.Grant{{Scope: authz.EveryProject, Permission: authz.Permission{Resource: authz.AnyResource, Action: authz.AnyAction}}}
		w.addToken(ann, identity.NewPersonalToken{Name: "all", Limits: append(everywhere, everywhere...)})
		w.mustLogin("ann", made.Secret)
		w.upkeep()
		rows, total, err := w.ListPersonalTokens(ctx, ann.ID, db.List{Page: 1, Size: 10, Sort: []db.Sort{{Key: "name"}}})
		if err != nil || total != 2 || rows[0].Name != "all" || len(rows[0].Limits) != 1 || rows[1].Limits[0].Project != "production" {
			t.Fatalf("%+v, %d, %v", rows, total, err)
		}
		if !rows[1].UsedAt.Equal(w.clock.now()) || !rows[0].UsedAt.IsZero() {
			t.Errorf("used %v and %v", rows[1].UsedAt, rows[0].UsedAt)
		}
		if rows, total, err := w.ListPersonalTokens(ctx, 1, db.List{Page: 1, Size: 10}); err != nil || total != 0 {
			t.Errorf("the administrator has %+v, %v", rows, err)
		}
		// A project that is gone is no limit any more, nor is one that comes by its name.
		w.deleteProject(projectID)
		if got, err := w.GetPersonalToken(ctx, made.ID); err != nil || len(got.Limits) != 0 {
			t.Errorf("got %+v, %v", got, err)
		}
		// Nothing that others see has the token in it (S17).
		shown, _ := json.Marshal(made)
		dump := w.dump([]any{made, rows, string(shown)})
		names, err := db.Collect(ctx, w.db.Auto(), db.ScanString, `SELECT name || hint FROM personal_token`)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(dump+strings.Join(names, ""), text) || strings.Contains(dump, text[:20]) {
			t.Error("the token is somewhere to be read")
		}
	})
}

// Guesses wait longer each time, and keep nobody out who has a token.
func TestGuessesOfTokensAreSlowed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), context.Background()
		ann, made, projectID := w.ann()
		guess := func(i int) secret.Text {
			gone := w.addToken(ann, identity.NewPersonalToken{Name: fmt.Sprint("gone ", i), Limits: pulling(projectID)})
			if err := w.DeletePersonalToken(ctx, ann, gone.ID); err != nil {
				t.Fatal(err)
			}
			return gone.Secret
		}
		slowed := 0
		for i := range 8 {
			_, err := w.AuthenticateToken(ctx, guess(i), home)
			if _, ok := errors.AsType[identity.ErrTooManyAttempts](err); ok {
				slowed++
			}
			wantErr(t, err, identity.ErrCredentials)
		}
		if slowed != 3 {
			t.Errorf("%d of 8 guesses had to wait, want 3", slowed)
		}
		if _, err := w.replica().AuthenticateToken(ctx, made.Secret, home); err != nil {
			t.Errorf("the neighbour's token: %v", err)
		}
		w.mustLogin("ann", alicePassword)
		// What only looks like a token is a password.
		_, err := w.login("ann", "hvn_"+secret.Text(strings.Repeat("a", 49)))
		wantErr(t, err, identity.ErrCredentials)
	})
}

func TestExpiredTokensGo(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ann, made, projectID := w.ann()
		w.addToken(ann, identity.NewPersonalToken{Name: "short", Limits: pulling(projectID), ExpiresAt: w.clock.now().Add(time.Hour)})
		w.clock.add(29 * 24 * time.Hour)
		w.upkeep()
		if n := w.count(`SELECT COUNT(*) FROM personal_token`); n != 2 {
			t.Errorf("%d tokens, want both", n)
		}
		w.clock.add(2 * 24 * time.Hour)
		w.upkeep()
		if n := w.count(`SELECT COUNT(*) FROM personal_token`); n != 1 {
			t.Errorf("%d tokens, want the one that lives", n)
		}
		w.mustLogin("ann", made.Secret)
	})
}
