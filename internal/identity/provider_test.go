package identity_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/secret"
)

// directory is a provider in memory.
type directory struct {
	mu     sync.Mutex
	people map[string]identity.Person // by subject
	down   bool
	asked  int // passwords
}

const carolPassword = secret.Text("Carol-12345")

func (d *directory) Authenticate(_ context.Context, name string, password secret.Text) (identity.Person, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked++
	if d.down {
		return identity.Person{}, errors.New("connection refused")
	}
	for _, p := range d.people {
		if p.Username == name && password == carolPassword {
			return p, nil
		}
	}
	return identity.Person{}, identity.ErrCredentials
}

func (d *directory) Refresh(_ context.Context, subject string) (identity.Person, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.down {
		return identity.Person{}, errors.New("connection refused")
	}
	p, ok := d.people[subject]
	if !ok {
		return identity.Person{}, fault.NotFound
	}
	return p, nil
}

func (d *directory) FindGroup(_ context.Context, key string) (identity.Group, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range d.people {
		for _, g := range p.Groups {
			if g.Key == key {
				return g, nil
			}
		}
	}
	return identity.Group{}, fault.NotFound
}

func (d *directory) put(p identity.Person) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.people[p.Subject] = p
}

func (d *directory) remove(subject string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.people, subject)
}

func (d *directory) fail(down bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.down = down
}

func (d *directory) passwords() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.asked
}

func group(name string) identity.Group {
	return identity.Group{Name: name, Key: "cn=" + name + ",dc=example"}
}

func carol(groups ...identity.Group) identity.Person {
	return identity.Person{Subject: "uid=carol", Username: "carol", Email: "carol@example.com", Realname: "Carol", Groups: groups}
}

// company is a world with a directory that is switched on, and another provider behind it.
type company struct {
	*world
	ldap, oidc *directory
}

func newCompany(t testing.TB, d *db.DB) *company {
	w := newWorld(t, d)
	c := &company{world: w, ldap: &directory{people: map[string]identity.Person{}}, oidc: &directory{people: map[string]identity.Person{}}}
	w.Service = c.replica()
	c.set(map[string]any{"identity_providers": "ldap,oidc"})
	return c
}

func (c *company) replica() *identity.Service {
	return identity.New(identity.Deps{DB: c.db, Settings: c.settings, Box: c.box, Clock: c.clock.now,
		Log: slog.New(slog.NewJSONHandler(c.log, nil)),
		Providers: []identity.NamedProvider{
			{Name: identity.OIDCProvider, GroupType: identity.OIDCGroup, Provider: c.oidc},
			{Name: identity.LDAPProvider, GroupType: identity.LDAPGroup, Provider: c.ldap},
		}})
}

func (c *company) set(values map[string]any) {
	c.t.Helper()
	if err := c.settings.Set(context.Background(), "admin", values); err != nil {
		c.t.Fatal(err)
	}
}

func (c *company) login(name string) (authz.Principal, error) {
	return c.Authenticate(context.Background(), name, carolPassword, home)
}

func (c *company) groups(id int64) (names []string) {
	c.t.Helper()
	all, err := c.GroupsOf(context.Background(), id)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, g := range all {
		names = append(names, g.Name)
	}
	return names
}

func eachCompany(t *testing.T, f func(t *testing.T, c *company)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) { f(t, newCompany(t, d)) })
}

func TestFirstLogInMakesAnAccount(t *testing.T) {
	eachCompany(t, func(t *testing.T, c *company) {
		ctx := t.Context()
		c.ldap.put(carol(group("devs"), group("ops")))
		p := c.mustLogin("carol", carolPassword)
		u, err := c.GetUser(ctx, p.ID)
		if err != nil || u.Username != "carol" || u.Email != "carol@example.com" || u.Realname != "Carol" || u.Comment != "from LDAP." || !u.Onboarded || u.Sysadmin {
			t.Fatalf("got %+v, %v", u, err)
		}
		if got := c.groups(p.ID); !slices.Equal(got, []string{"devs", "ops"}) {
			t.Errorf("groups: %v", got)
		}
		if s, err := c.LinkedSubject(ctx, p.ID, identity.LDAPProvider); s != "uid=carol" || err != nil {
			t.Errorf("subject: %q, %v", s, err)
		}
		if u, err := c.Linked(ctx, identity.LDAPProvider, "uid=carol"); u.ID != p.ID || err != nil {
			t.Errorf("linked: %+v, %v", u, err)
		}
		if again := c.mustLogin("carol", carolPassword); again.ID != p.ID || c.ldap.passwords() != 1 {
			t.Errorf("again: %+v after %d questions", again, c.ldap.passwords())
		}
		c.clock.add(2 * time.Minute)
		if again := c.mustLogin("carol", carolPassword); again.ID != p.ID || c.ldap.passwords() != 2 {
			t.Errorf("later: %+v after %d questions", again, c.ldap.passwords())
		}
		if _, err := c.Authenticate(ctx, "carol", "", home); !errors.Is(err, identity.ErrCredentials) || c.ldap.passwords() != 2 {
			t.Errorf("an empty password: %v, after %d questions", err, c.ldap.passwords())
		}
		if err := c.SetPassword(ctx, admin, p.ID, nil, "Another-123"); !errors.Is(err, fault.Forbidden) {
			t.Errorf("a password for an account of the directory: %v", err)
		}
		if err := c.UpdateProfile(ctx, p, p.ID, identity.Profile{Email: "x@example.com", Realname: "x"}); !errors.Is(err, fault.Forbidden) {
			t.Errorf("another profile: %v", err)
		}
	})
}

func TestOrderOfProviders(t *testing.T) {
	eachCompany(t, func(t *testing.T, c *company) {
		local := c.addUser("carol", alicePassword)
		c.ldap.put(carol())
		if _, err := c.login("carol"); !errors.Is(err, identity.ErrCredentials) || c.ldap.passwords() != 0 {
			t.Errorf("the directory's password for a local account: %v, after %d questions", err, c.ldap.passwords())
		}
		if p, err := c.Authenticate(t.Context(), "carol", alicePassword, home); p.ID != local || err != nil {
			t.Errorf("the local account: %+v, %v", p, err)
		}
		dave := identity.Person{Subject: "dave", Username: "dave"}
		c.oidc.put(dave)
		p, err := c.login("dave")
		if err != nil || p.Name != "dave" || c.ldap.passwords() != 1 {
			t.Errorf("known by the second only: %+v, %v", p, err)
		}
		if u, err := c.GetUser(t.Context(), p.ID); err != nil || u.Email != "" || u.Comment != "from OIDC." {
			t.Errorf("without an e-mail: %+v, %v", u, err)
		}
		c.clock.add(time.Hour)
		c.ldap.fail(true)
		if again, err := c.login("dave"); err != nil || again.ID != p.ID {
			t.Errorf("while the first is down: %+v, %v", again, err)
		}
		if _, err := c.login("erin"); !errors.Is(err, identity.ErrUnavailable) || errors.Is(err, identity.ErrCredentials) {
			t.Errorf("perhaps known by one that is down: %v", err)
		}
		c.mustLogin("admin", adminPassword)
		c.set(map[string]any{"identity_providers": ""})
		if _, err := c.login("dave"); !errors.Is(err, identity.ErrCredentials) {
			t.Errorf("with all switched off: %v", err)
		}
		for _, bad := range []string{"ldap,ldap", "nosuch", "ldap;oidc"} {
			if err := c.settings.Set(t.Context(), "admin", map[string]any{"identity_providers": bad}); !errors.Is(err, fault.Invalid) {
				t.Errorf("%q: %v", bad, err)
			}
		}
	})
}

func TestGuessingAtAProvider(t *testing.T) {
	eachCompany(t, func(t *testing.T, c *company) {
		c.ldap.put(carol())
		guess := func(i int) error {
			_, err := c.Authenticate(t.Context(), "carol", secret.Text(fmt.Sprintf("Guess-%d", i)), home)
			return err
		}
		for range 3 { // a client that repeats itself doesn't lock the directory's account
			if err := guess(0); !errors.Is(err, identity.ErrCredentials) {
				t.Fatal(err)
			}
		}
		if c.ldap.passwords() != 1 {
			t.Errorf("%d questions for one guess", c.ldap.passwords())
		}
		var tooMany identity.ErrTooManyAttempts
		for i := 1; i < 10 && tooMany.RetryAfter == 0; i++ {
			if err := guess(i); !errors.As(err, &tooMany) && !errors.Is(err, identity.ErrCredentials) {
				t.Fatal(err)
			}
		}
		if tooMany.RetryAfter == 0 {
			t.Fatal("guessing is not slowed")
		}
		asked := c.ldap.passwords()
		if _, err := c.replica().Authenticate(t.Context(), "carol", carolPassword, home); !errors.As(err, &tooMany) || c.ldap.passwords() != asked {
			t.Errorf("the right password at another replica meanwhile: %v", err)
		}
		c.clock.add(tooMany.RetryAfter + time.Second)
		c.mustLogin("carol", carolPassword)
	})
}

// A personal token is not shown to a directory, and dies with its owner's way in.
func TestPersonalTokensOfGuests(t *testing.T) {
	eachCompany(t, func(t *testing.T, c *company) {
		ctx := t.Context()
		c.ldap.put(carol())
		p := c.mustLogin("carol", carolPassword)
		made := c.addToken(p, identity.NewPersonalToken{Name: "laptop", Limits: pulling(c.addProject("production"))})
		asked := c.ldap.passwords()
		if _, _, err := c.SignIn(ctx, "carol", made.Secret, home, "browser"); !errors.Is(err, identity.ErrCredentials) || c.ldap.passwords() != asked {
			t.Errorf("a token in the form of passwords: %v, after %d questions", err, c.ldap.passwords()-asked)
		}
		if _, err := c.Authenticate(ctx, "carol", made.Secret, home); err != nil || c.ldap.passwords() != asked {
			t.Errorf("the token: %v, after %d questions", err, c.ldap.passwords()-asked)
		}
		c.ldap.remove("uid=carol")
		c.clock.add(6 * time.Minute)
		if _, err := c.Authenticate(ctx, "carol", made.Secret, home); !errors.Is(err, identity.ErrCredentials) {
			t.Errorf("a token of one who left: %v", err)
		}
	})
}

func TestWhoOwnsAName(t *testing.T) {
	eachCompany(t, func(t *testing.T, c *company) {
		ctx := t.Context()
		sign := func(provider string, p identity.Person, onboard bool) (authz.Principal, error) {
			who, _, err := c.SignInExternal(ctx, provider, p, onboard, home, "browser")
			return who, err
		}
		if _, err := sign("oidc", identity.Person{Subject: "1", Username: "carol"}, false); !errors.Is(err, identity.ErrNotOnboarded) {
			t.Fatalf("not onboarded: %v", err)
		}
		c.ldap.put(carol())
		first := c.mustLogin("carol", carolPassword)
		if _, err := sign("oidc", identity.Person{Subject: "1", Username: "carol", Email: "carol@example.com"}, true); !errors.Is(err, fault.Conflict) {
			t.Errorf("another provider's carol: %v", err)
		}
		if _, err := sign("oidc", identity.Person{Subject: "1", Username: "admin"}, true); !errors.Is(err, fault.Conflict) {
			t.Errorf("admin by a provider: %v", err)
		}
		if _, err := sign("oidc", identity.Person{Subject: "1", Username: "carol@example.com"}, true); !errors.Is(err, fault.Conflict) {
			t.Errorf("somebody's e-mail for a name: %v", err)
		}
		if _, err := sign("oidc", identity.Person{Subject: "1", Username: " "}, true); !errors.Is(err, fault.Invalid) {
			t.Errorf("no name: %v", err)
		}
		second, err := sign("oidc", identity.Person{Subject: "1", Username: `car"ol`, Email: "carol@example.com"}, true)
		if err != nil || second.Name != "car_ol" {
			t.Fatalf("a name that can't be: %+v, %v", second, err)
		}
		if u, err := c.GetUser(ctx, second.ID); err != nil || u.Email != "" {
			t.Errorf("an e-mail that is taken: %+v, %v", u, err)
		}
		if renamed, err := sign("oidc", identity.Person{Subject: "1", Username: "caroline"}, false); err != nil || renamed.ID != second.ID || renamed.Name != "car_ol" {
			t.Errorf("the same subject under another name: %+v, %v", renamed, err)
		}
		// One that a directory had, taken over from another registry, is nobody's yet.
		c.exec(`INSERT INTO account (username, email, created_at, updated_at) VALUES ('frank', 'frank@example.com', 1, 1)`)
		frank, err := sign("oidc", identity.Person{Subject: "2", Username: "frank"}, false)
		if !errors.Is(err, identity.ErrNotOnboarded) {
			t.Errorf("taken over, without onboarding: %+v, %v", frank, err)
		}
		if frank, err = sign("oidc", identity.Person{Subject: "2", Username: "frank"}, true); err != nil {
			t.Fatal(err)
		}
		if u, err := c.FindUser(ctx, "frank"); err != nil || u.ID != frank.ID {
			t.Errorf("taken over: %+v, %v", u, err)
		}
		// Who moves in the directory gets another DN, and stays the same.
		c.ldap.remove("uid=carol")
		moved := carol()
		moved.Subject = "uid=carol,ou=elsewhere"
		c.ldap.put(moved)
		c.clock.add(time.Hour)
		if again := c.mustLogin("carol", carolPassword); again.ID != first.ID {
			t.Errorf("moved: %+v", again)
		}
		// A newcomer with the same name is not.
		c.ldap.remove(moved.Subject)
		newcomer := moved
		newcomer.Subject, newcomer.Email = "uid=carol,ou=new", "carol2@example.com"
		c.ldap.put(newcomer)
		c.clock.add(time.Hour)
		if _, err := c.login("carol"); !errors.Is(err, identity.ErrCredentials) {
			t.Errorf("a newcomer in an old account: %v", err)
		}
	})
}

func TestLeavingAGroup(t *testing.T) {
	eachCompany(t, func(t *testing.T, c *company) {
		ctx := t.Context()
		boss := carol(group("devs"), group("ops"))
		boss.Admin = true
		c.ldap.put(boss)
		p, session, err := c.SignIn(ctx, "carol", carolPassword, home, "browser")
		if err != nil || !p.Admin {
			t.Fatalf("%+v, %v", p, err)
		}
		token, _, _, err := c.IssueToken(ctx, p, nil)
		if err != nil {
			t.Fatal(err)
		}
		c.ldap.put(carol(group("ops")))
		if now, err := c.SessionPrincipal(ctx, session, true); err != nil || !now.Admin {
			t.Errorf("asked again at once: %+v, %v", now, err)
		}
		c.clock.add(6 * time.Minute)
		if _, err := c.SessionPrincipal(ctx, session, true); !errors.Is(err, identity.ErrSession) {
			t.Errorf("an administrator's session: %v", err)
		}
		if now, err := c.Principal(ctx, p.ID); err != nil || now.Admin || now.Epoch <= p.Epoch {
			t.Errorf("still: %+v, %v", now, err)
		}
		if got := c.groups(p.ID); !slices.Equal(got, []string{"ops"}) {
			t.Errorf("groups: %v", got)
		}
		if _, err := c.VerifyToken(ctx, token); !errors.Is(err, identity.ErrToken) {
			t.Errorf("a token from before: %v", err)
		}
		now, session, err := c.SignIn(ctx, "carol", carolPassword, home, "browser")
		if err != nil {
			t.Fatal(err)
		}
		c.ldap.put(carol(group("ops"), group("new")))
		c.clock.add(6 * time.Minute)
		if later, err := c.SessionPrincipal(ctx, session, true); err != nil || later.Epoch != now.Epoch || !slices.Equal(c.groups(p.ID), []string{"new", "ops"}) {
			t.Errorf("one more group: %+v, %v, %v", later, err, c.groups(p.ID))
		}
		c.ldap.put(carol())
		c.clock.add(6 * time.Minute)
		if later, err := c.SessionPrincipal(ctx, session, true); err != nil || later.Epoch <= now.Epoch || len(c.groups(p.ID)) != 0 {
			t.Errorf("no group: %+v, %v, %v", later, err, c.groups(p.ID))
		}
	})
}

// Tokens are not asked about when they are used; upkeep asks.
func TestTokensLoseWhatTheirHolderLoses(t *testing.T) {
	eachCompany(t, func(t *testing.T, c *company) {
		ctx := t.Context()
		c.ldap.put(carol(group("devs")))
		p := c.mustLogin("carol", carolPassword)
		token, _, _, err := c.IssueToken(ctx, p, nil)
		if err != nil {
			t.Fatal(err)
		}
		c.ldap.put(carol())
		c.clock.add(6 * time.Minute)
		if _, err := c.VerifyToken(ctx, token); err != nil {
			t.Errorf("before anybody asked: %v", err)
		}
		if err := c.Upkeep(ctx); err != nil {
			t.Fatal(err)
		}
		if _, err := c.replica().VerifyToken(ctx, token); !errors.Is(err, identity.ErrToken) {
			t.Errorf("a token of the group's member that was: %v", err)
		}
	})
}

func TestLeavingTheCompany(t *testing.T) {
	eachCompany(t, func(t *testing.T, c *company) {
		ctx := t.Context()
		c.ldap.put(carol(group("devs")))
		p, session, err := c.SignIn(ctx, "carol", carolPassword, home, "browser")
		if err != nil {
			t.Fatal(err)
		}
		token, _, _, err := c.IssueToken(ctx, p, nil)
		if err != nil {
			t.Fatal(err)
		}
		c.ldap.remove("uid=carol")
		if _, err := c.login("carol"); err != nil {
			t.Errorf("a password that was right a minute ago: %v", err)
		}
		c.clock.add(6 * time.Minute)
		if _, err := c.SessionPrincipal(ctx, session, true); !errors.Is(err, identity.ErrSession) {
			t.Errorf("the session: %v", err)
		}
		if _, err := c.VerifyToken(ctx, token); !errors.Is(err, identity.ErrToken) {
			t.Errorf("the token: %v", err)
		}
		if _, err := c.Principal(ctx, p.ID); !errors.Is(err, fault.NotFound) {
			t.Errorf("the account: %v", err)
		}
		if _, err := c.login("carol"); !errors.Is(err, identity.ErrCredentials) {
			t.Errorf("a log-in: %v", err)
		}
		if _, err := c.CreateSession(ctx, p, "", ""); !errors.Is(err, identity.ErrCredentials) {
			t.Errorf("a session for one who left: %v", err)
		}
		if got := c.groups(p.ID); len(got) != 0 {
			t.Errorf("groups: %v", got)
		}
		c.ldap.put(carol(group("devs")))
		c.clock.add(6 * time.Minute)
		if again := c.mustLogin("carol", carolPassword); again.ID != p.ID || len(c.groups(p.ID)) != 1 {
			t.Errorf("back: %+v, %v", again, c.groups(p.ID))
		}
		if err := c.DeleteUser(ctx, admin, p.ID); err != nil {
			t.Fatal(err)
		}
		c.clock.add(6 * time.Minute)
		if anew := c.mustLogin("carol", carolPassword); anew.ID == p.ID {
			t.Errorf("a deleted account is back: %+v", anew)
		}
	})
}

func TestWhileTheDirectoryIsDown(t *testing.T) {
	eachCompany(t, func(t *testing.T, c *company) {
		ctx := t.Context()
		c.ldap.put(carol(group("devs")))
		p, session, err := c.SignIn(ctx, "carol", carolPassword, home, "browser")
		if err != nil {
			t.Fatal(err)
		}
		c.ldap.fail(true)
		for range 46 { // half an hour each, so that the session isn't idle for too long
			c.clock.add(30 * time.Minute)
			if _, err := c.SessionPrincipal(ctx, session, true); err != nil {
				t.Fatalf("the old word doesn't hold: %v", err)
			}
		}
		if got := c.groups(p.ID); len(got) != 1 {
			t.Errorf("groups: %v", got)
		}
		for range 4 {
			c.clock.add(30 * time.Minute)
			_, err = c.SessionPrincipal(ctx, session, true)
		}
		if !errors.Is(err, identity.ErrSession) {
			t.Errorf("the old word holds for ever: %v", err)
		}
		c.ldap.fail(false)
		c.clock.add(time.Minute)
		if _, err := c.Principal(ctx, p.ID); err != nil {
			t.Errorf("up again: %v", err)
		}
	})
}

func TestManyGroupsAtOnce(t *testing.T) {
	eachCompany(t, func(t *testing.T, c *company) {
		var groups []identity.Group
		for i := range 1000 {
			groups = append(groups, group(fmt.Sprintf("g%04d", i)))
		}
		c.ldap.put(carol(groups...))
		dave := carol(groups[500:]...)
		dave.Subject, dave.Username, dave.Email = "uid=dave", "dave", "dave@example.com"
		c.ldap.put(dave)
		var together sync.WaitGroup
		for _, name := range []string{"carol", "dave", "carol"} {
			together.Go(func() {
				if _, err := c.replica().Authenticate(t.Context(), name, carolPassword, home); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			})
		}
		together.Wait()
		u, err := c.Linked(t.Context(), identity.LDAPProvider, "uid=dave")
		if err != nil || len(c.groups(u.ID)) != 500 {
			t.Fatalf("%+v is in %d groups, %v", u, len(c.groups(u.ID)), err)
		}
		c.ldap.put(carol(groups[990:]...))
		c.clock.add(6 * time.Minute)
		if p := c.mustLogin("carol", carolPassword); len(c.groups(p.ID)) != 10 {
			t.Errorf("%d groups are left", len(c.groups(p.ID)))
		}
	})
}
