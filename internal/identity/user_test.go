package identity_test

import (
	"context"
	"errors"
	"fmt"
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

const weak = "the password or secret must be 8-128, inclusively, characters long with at least 1 uppercase letter, 1 lowercase letter and 1 number"

func TestCreateUserValidates(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		good := identity.NewUser{Username: "alice", Email: "alice@example.com", Realname: "Alice", Password: alicePassword}
		cases := []struct {
			name    string
			change  func(*identity.NewUser)
			message string // "": accepted
		}{
			{"weak password first", func(n *identity.NewUser) { n.Password, n.Email = "weak", "x" }, weak},
			{"no upper case", func(n *identity.NewUser) { n.Password = "alice-12345" }, weak},
			{"no lower case", func(n *identity.NewUser) { n.Password = "ALICE-12345" }, weak},
			{"no digit", func(n *identity.NewUser) { n.Password = "Alice-abcde" }, weak},
			{"password of 129", func(n *identity.NewUser) { n.Password = secret.Text("Aa1" + strings.Repeat("x", 126)) }, weak},
			{"password of 128", func(n *identity.NewUser) {
				n.Username, n.Email, n.Password = "p128", "p128@example.com", secret.Text("Aa1"+strings.Repeat("x", 125))
			}, ""},
			{"bad e-mail before bad realname", func(n *identity.NewUser) { n.Username, n.Email, n.Realname = "bad name!", "x", "" }, "email with illegal format"},
			{"no e-mail", func(n *identity.NewUser) { n.Email = "" }, "email can't be empty"},
			{"e-mail with a newline", func(n *identity.NewUser) { n.Email = "a@example.com\nBcc: b@example.com" }, "email with illegal format"},
			{"no name", func(n *identity.NewUser) { n.Username = "" }, "username with illegal length"},
			{"name of 256", func(n *identity.NewUser) { n.Username = strings.Repeat("a", 256) }, "username with illegal length"},
			{"name of 255 characters", func(n *identity.NewUser) {
				n.Username, n.Email = strings.Repeat("é", 255), "long@example.com"
			}, ""},
			{"robot's sign", func(n *identity.NewUser) { n.Username = "robot$x" }, "username contains illegal characters"},
			{"deleted user's sign", func(n *identity.NewUser) { n.Username = "a#1" }, "username contains illegal characters"},
			{"control character", func(n *identity.NewUser) { n.Username = "a\x1b[2J" }, "username contains illegal characters"},
			{"robot's name for shells", func(n *identity.NewUser) { n.Username = "robot-ci" }, "username begins with robot-, which is reserved for robot accounts"},
			{"no realname", func(n *identity.NewUser) { n.Realname = "" }, "realname with illegal length"},
			{"realname with ~", func(n *identity.NewUser) { n.Realname = "~" }, "realname contains illegal characters"},
			{"comment of 31", func(n *identity.NewUser) { n.Comment = strings.Repeat("x", 31) }, "comment with illegal length"},
			{"good", func(*identity.NewUser) {}, ""},
		}
		for _, c := range cases {
			n := good
			c.change(&n)
			_, err := w.CreateUser(context.Background(), admin, n)
			if c.message == "" {
				if err != nil {
					t.Errorf("%s: %v", c.name, err)
				}
				continue
			}
			t.Run(c.name, func(t *testing.T) { wantFault(t, err, fault.Invalid, c.message) })
		}
	})
}

func TestNamesAndMailsAreUnique(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		w := newWorld(t, d)
		alice := w.addUser("alice", alicePassword)
		w.addUser("bob", alicePassword)
		create := func(name, mail string) error {
			_, err := w.CreateUser(ctx, admin, identity.NewUser{Username: name, Email: mail, Realname: "x", Password: alicePassword})
			return err
		}
		wantFault(t, create("alice", "a2@example.com"), fault.Conflict, "user alice or email a2@example.com already exists")
		wantErr(t, create("alice2", "alice@example.com"), fault.Conflict)
		wantErr(t, create("alice@example.com", "a3@example.com"), fault.Conflict) // would take her log-in away
		profile := func(mail string) error {
			return w.UpdateProfile(ctx, admin, alice, identity.Profile{Email: mail, Realname: "Alice A.", Comment: "hi"})
		}
		wantErr(t, profile("bob@example.com"), fault.Conflict)
		wantErr(t, profile("alice@example.com"), nil) // her own
		wantErr(t, profile("alice@example.org"), nil)
		u, err := w.GetUser(ctx, alice)
		if err != nil || u.Email != "alice@example.org" || u.Realname != "Alice A." || u.Comment != "hi" {
			t.Errorf("got %+v, %v", u, err)
		}
		w.mustLogin("alice@example.org", alicePassword)
		wantErr(t, w.UpdateProfile(ctx, admin, 999, identity.Profile{Email: "x@example.com", Realname: "x"}), fault.NotFound)
		wantFault(t, profile("nothing"), fault.Invalid, "email with illegal format")
	})
}

func TestSetPassword(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		w := newWorld(t, d)
		id := w.addUser("alice", alicePassword)
		alice := authz.Principal{Kind: authz.User, ID: id, Name: "alice"}
		old := func(s secret.Text) *secret.Text { return &s }
		wantErr(t, w.SetPassword(ctx, alice, id, old("wrong"), "Alice-99999"), identity.ErrOldPassword)
		wantErr(t, w.SetPassword(ctx, alice, id, old(alicePassword), alicePassword), identity.ErrSamePassword)
		wantErr(t, w.SetPassword(ctx, admin, id, nil, alicePassword), identity.ErrSamePassword)
		wantFault(t, w.SetPassword(ctx, alice, id, old(alicePassword), "weak"), fault.Invalid, weak)
		w.mustLogin("alice", alicePassword)
		wantErr(t, w.SetPassword(ctx, alice, id, old(alicePassword), "Alice-99999"), nil)
		_, err := w.login("alice", alicePassword)
		wantErr(t, err, identity.ErrCredentials)
		w.mustLogin("alice", "Alice-99999")
		wantErr(t, w.SetPassword(ctx, admin, id, nil, "Alice-00000"), nil)
		w.mustLogin("alice", "Alice-00000")
		wantErr(t, w.SetPassword(ctx, admin, 999, nil, "Alice-00000"), fault.NotFound)
		// Guessing the old password waits as guessing at log-in does.
		for i := range 5 {
			wantErr(t, w.SetPassword(ctx, alice, id, old(secret.Text(fmt.Sprintf("Guess-%d", i))), "Alice-11111"), identity.ErrOldPassword)
		}
		var wait identity.ErrTooManyAttempts
		if err := w.SetPassword(ctx, alice, id, old("Alice-00000"), "Alice-11111"); !errors.As(err, &wait) {
			t.Errorf("got %v, want a wait", err)
		}
	})
}

func TestSysadmin(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		w := newWorld(t, d)
		id := w.addUser("dave", alicePassword)
		for _, flag := range []bool{true, true, false} {
			wantErr(t, w.SetSysadmin(ctx, admin, id, flag), nil)
			if p := w.mustLogin("dave", alicePassword); p.Admin != flag {
				t.Errorf("administrator %v, want %v", p.Admin, flag)
			}
		}
		wantErr(t, w.SetSysadmin(ctx, admin, identity.AdminID, false), fault.Forbidden)
		wantErr(t, w.SetSysadmin(ctx, admin, 999, true), fault.NotFound)
	})
}

func TestDeleteUser(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		w := newWorld(t, d)
		id, boss := w.addUser("erin", alicePassword), w.addUser("boss", alicePassword)
		project := w.addProject("production")
		w.exec(`INSERT INTO project_member (project_id, account_id, role_id, created_at, updated_at) VALUES ($1, $2, 2, 1, 1)`, project, id)
		wantFault(t, w.DeleteUser(ctx, admin, identity.AdminID), fault.Forbidden, "User with ID 1 cannot be deleted")
		wantErr(t, w.DeleteUser(ctx, authz.Principal{Kind: authz.User, ID: boss, Admin: true}, boss), fault.Forbidden)
		wantErr(t, w.DeleteUser(ctx, admin, id), nil)
		wantErr(t, w.DeleteUser(ctx, admin, id), fault.NotFound)
		_, err := w.GetUser(ctx, id)
		wantErr(t, err, fault.NotFound)
		_, err = w.FindUser(ctx, "erin")
		wantErr(t, err, fault.NotFound)
		if n := w.count(`SELECT COUNT(*) FROM project_member WHERE account_id = $1`, id); n != 0 {
			t.Error("memberships are left")
		}
		if again := w.addUser("erin", alicePassword); again == id {
			t.Error("the id came back")
		}
	})
}

func TestListUsers(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		w := newWorld(t, d)
		for _, name := range []string{"carol", "alice", "albert", "bob"} {
			w.addUser(name, alicePassword)
		}
		names := func(page []identity.User) string {
			var all []string
			for _, u := range page {
				all = append(all, u.Username)
			}
			return strings.Join(all, " ")
		}
		cases := []struct {
			name  string
			list  db.List
			total int64
			want  string
		}{
			{"all but admin", db.List{}, 4, "albert alice bob carol"},
			{"second page", db.List{Page: 2, Size: 3}, 4, "carol"},
			{"past the end", db.List{Page: 9, Size: 3}, 4, ""},
			{"by name", db.List{Filters: []db.Filter{{Key: "username", Op: db.Contains, Values: []string{"AL"}}}}, 2, "albert alice"},
			{"newest first", db.List{Sort: []db.Sort{{Key: "user_id", Desc: true}}}, 4, "bob albert alice carol"},
			{"by mail", db.List{Filters: []db.Filter{{Key: "email", Values: []string{"bob@example.com"}}}}, 1, "bob"},
			{"no way to hashes", db.List{Filters: []db.Filter{{Key: "hash", Op: db.Contains, Values: []string{"argon"}}}}, 4, "albert alice bob carol"},
		}
		for _, c := range cases {
			page, total, err := w.ListUsers(ctx, c.list)
			if err != nil || total != c.total || names(page) != c.want {
				t.Errorf("%s: %d of %d %q, %v; want %d %q", c.name, len(page), total, names(page), err, c.total, c.want)
			}
		}
		page, total, err := w.SearchUsers(ctx, "ali", db.List{Page: 1, Size: 10})
		if err != nil || total != 1 || names(page) != "alice" {
			t.Errorf("search: %q of %d, %v", names(page), total, err)
		}
		if page, _, _ := w.SearchUsers(ctx, "admin", db.List{}); len(page) != 0 {
			t.Error("the search finds the administrator")
		}
		u, err := w.FindUser(ctx, "alice")
		if err != nil || u.Email != "alice@example.com" || !u.CreatedAt.Equal(w.clock.now()) {
			t.Errorf("got %+v, %v", u, err)
		}
		_, err = w.FindUser(ctx, "ali\x00")
		wantErr(t, err, fault.NotFound)
	})
}

func TestUsersAreAudited(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		w := newWorld(t, d)
		id, err := w.CreateUser(ctx, admin, identity.NewUser{Username: "alice", Email: "a@example.com", Realname: "A", Password: alicePassword})
		if err != nil {
			t.Fatal(err)
		}
		if p := w.mustLogin("alice", alicePassword); p.ID != id {
			t.Errorf("alice is %d, want %d", p.ID, id)
		}
		w.CreateUser(ctx, authz.Principal{}, identity.NewUser{Username: "zed", Email: "zed@example.com", Realname: "Zed", Password: alicePassword})
		w.UpdateProfile(ctx, admin, id, identity.Profile{Email: "b@example.com", Realname: "B"})
		w.DeleteUser(ctx, admin, id)
		all := w.events()
		for i, want := range []string{
			`create_user {"by":"admin","resource":"alice","resource_type":"user","operation":"create","description":"create user: alice","success":true}`,
			`login_user {"by":"alice","resource":"alice","resource_type":"user","operation":"login","description":"login succeeded from 192.0.2.10: alice","success":true}`,
			`create_user {"by":"zed","resource":"zed",`,
			`update_user {"by":"admin","resource":"alice",`,
			`delete_user {"by":"admin","resource":"alice",`,
		} {
			if i >= len(all) || !strings.HasPrefix(all[i], want) {
				t.Fatalf("event %d: got %v, want %s", i, all, want)
			}
		}
	})
}

func TestTimesOfUsers(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		w := newWorld(t, d)
		id := w.addUser("alice", alicePassword)
		created := w.clock.now()
		w.clock.add(time.Hour)
		if err := w.UpdateProfile(ctx, admin, id, identity.Profile{Email: "b@example.com", Realname: "B"}); err != nil {
			t.Fatal(err)
		}
		u, err := w.GetUser(ctx, id)
		if err != nil || !u.CreatedAt.Equal(created) || !u.UpdatedAt.Equal(created.Add(time.Hour)) {
			t.Errorf("got %v and %v, %v", u.CreatedAt, u.UpdatedAt, err)
		}
	})
}
