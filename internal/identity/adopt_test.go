package identity_test

import (
	"crypto/pbkdf2"
	"crypto/sha1" //nolint:gosec // what an old Harbor hashed with
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/secret"
)

// foreign is a password as another registry hashed it.
func (w *world) foreign(algorithm string, iterations int, password secret.Text) *identity.ForeignHash {
	w.t.Helper()
	f := map[string]func() hash.Hash{"sha1": sha1.New, "sha256": sha256.New}[algorithm]
	digest, err := pbkdf2.Key(f, password.Reveal(), []byte("its salt"), iterations, 16)
	if err != nil {
		w.t.Fatal(err)
	}
	return &identity.ForeignHash{Algorithm: algorithm, Iterations: iterations, Salt: "its salt", Digest: digest}
}

func (w *world) adopt(f func(tx db.Tx) error) error {
	w.t.Helper()
	return w.db.Write(w.t.Context(), f)
}

func (w *world) hashIs(table, column string, id int64, prefix string) {
	w.t.Helper()
	stored, err := db.Get(w.t.Context(), w.db.Auto(), db.ScanString, `SELECT hash FROM `+table+` WHERE `+column+` = $1`, id)
	if err != nil || !strings.HasPrefix(stored, prefix) {
		w.t.Errorf("the hash in %s of %d: %v %v, want %s…", table, id, stored, err, prefix)
	}
}

// A password that came with its hash lets in, and is hashed in our way then.
func TestAdoptedPasswords(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		for id, h := range map[int64]*identity.ForeignHash{
			1: w.foreign("sha256", 5000, "Their-Admin-1"), 20: w.foreign("sha1", 4096, "Their-Pass-20"), 21: w.foreign("sha256", 20_000, "Their-Pass-21"),
		} {
			name := map[int64]string{1: "admin", 20: "twenty", 21: "one"}[id]
			err := w.adopt(func(tx db.Tx) error {
				return w.AdoptUser(t.Context(), tx, identity.AdoptedUser{ID: id, Username: name, Sysadmin: id == 1, Password: h, CreatedAt: w.clock.now(), UpdatedAt: w.clock.now()})
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		w.replicaForget()
		if _, err := w.login("admin", adminPassword); !errors.Is(err, identity.ErrCredentials) {
			t.Errorf("the password of before: %v", err)
		}
		for id, who := range map[int64][2]string{1: {"admin", "Their-Admin-1"}, 20: {"twenty", "Their-Pass-20"}, 21: {"one", "Their-Pass-21"}} {
			w.clock.add(time.Hour)
			if _, err := w.login(who[0], secret.Text(who[1]+"x")); !errors.Is(err, identity.ErrCredentials) {
				t.Errorf("%s with a wrong password: %v", who[0], err)
			}
			w.hashIs("account_password", "account_id", id, "$pbkdf2-")
			w.clock.add(time.Hour)
			if p := w.mustLogin(who[0], secret.Text(who[1])); p.ID != id || p.Admin != (id == 1) {
				t.Errorf("%s is %+v", who[0], p)
			}
			w.hashIs("account_password", "account_id", id, "$argon2id$")
			w.replicaForget()
			w.mustLogin(who[0], secret.Text(who[1]))
		}
	})
}

func TestAdoptedRobots(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		project := w.addProject("prod")
		robot := identity.AdoptedRobot{
			Robot:  identity.Robot{ID: 30, ProjectID: project, Name: "prod+ci", DurationDays: -1, CreatorType: "local", CreatorID: 1, CreatedAt: w.clock.now(), UpdatedAt: w.clock.now()},
			Secret: *w.foreign("sha256", 4096, "Their-Secret-30"),
			Grants: []identity.AdoptedGrant{
				{ProjectID: project, Access: identity.Access{Resource: "repository", Action: "pull"}},
				{ProjectID: project, Access: identity.Access{Resource: "repository", Action: "fly"}},
			},
		}
		var without []identity.Access
		err := w.adopt(func(tx db.Tx) (err error) {
			if without, err = w.AdoptRobot(t.Context(), tx, robot); err != nil {
				return err
			}
			return w.EndAdoption(t.Context(), tx)
		})
		if err != nil || len(without) != 1 || without[0].Action != "fly" {
			t.Fatalf("adopt: without %v, %v", without, err)
		}
		p := w.mustLogin("robot$prod+ci", "Their-Secret-30")
		if p.ID != 30 || len(p.Grants) != 1 {
			t.Errorf("the robot is %+v", p)
		}
		w.hashIs("robot_secret", "robot_id", 30, "$argon2id$")
		if made := w.addRobot(identity.NewRobot{Name: "next", Level: "system", DurationDays: -1, Permissions: []identity.RobotPermission{
			{Kind: "system", Namespace: "/", Access: []identity.Access{{Resource: "catalog", Action: "read"}}}}}); made.ID <= 30 {
			t.Errorf("the next robot has the id %d", made.ID)
		}
		robot.ID, robot.Secret = 31, identity.ForeignHash{}
		err = w.adopt(func(tx db.Tx) (err error) { _, err = w.AdoptRobot(t.Context(), tx, robot); return err })
		if !errors.Is(err, fault.Invalid) {
			t.Errorf("a robot without a secret: %v", err)
		}
	})
}

// Who can't be taken is refused without a trace, also where the transaction goes on.
func TestAdoptUserRefusals(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		alice := w.addUser("alice", alicePassword)
		for name, c := range map[string]struct {
			user identity.AdoptedUser
			want error
		}{
			"a name that is taken":   {identity.AdoptedUser{ID: 40, Username: "alice"}, fault.Conflict},
			"an email that is taken": {identity.AdoptedUser{ID: 40, Username: "x", Email: "alice@example.com"}, fault.Conflict},
			"an id that is taken":    {identity.AdoptedUser{ID: alice, Username: "y"}, fault.Conflict},
			"a robot's name":         {identity.AdoptedUser{ID: 40, Username: "robot$x"}, fault.Invalid},
			"an unknown hash":        {identity.AdoptedUser{ID: 40, Username: "z", Password: &identity.ForeignHash{Algorithm: "md5", Iterations: 1, Digest: make([]byte, 16)}}, fault.Invalid},
		} {
			var refused error
			err := w.adopt(func(tx db.Tx) error {
				refused = w.AdoptUser(t.Context(), tx, c.user)
				return w.AdoptUser(t.Context(), tx, identity.AdoptedUser{ID: 50, Username: "fifty", Comment: strings.Repeat("é", 40)})
			})
			if err != nil || !errors.Is(refused, c.want) {
				t.Errorf("%s: %v, want %v; after it %v", name, refused, c.want, err)
			}
			w.exec(`DELETE FROM account WHERE id = 50`)
		}
		if n := w.count(`SELECT COUNT(*) FROM account`); n != 2 {
			t.Errorf("%d accounts, want 2", n)
		}
	})
}

// As long as hashes of another registry are left, a log-in that fails takes as long for every name.
func TestAdoptedPasswordsTellNoNames(t *testing.T) {
	d := dbtest.SQLite(t)
	w := newWorld(t, d)
	w.addUser("alice", alicePassword)
	err := w.adopt(func(tx db.Tx) error {
		return w.AdoptUser(t.Context(), tx, identity.AdoptedUser{ID: 20, Username: "theirs", Password: w.foreign("sha256", 200_000, "Their-Pass-20")})
	})
	if err != nil {
		t.Fatal(err)
	}
	w.replicaForget()
	fastest := map[string]time.Duration{}
	for i := range 4 {
		for _, name := range []string{"alice", "theirs", "nobody"} {
			w.clock.add(2 * time.Hour) // no delays
			start := time.Now()
			w.login(name, secret.Text(fmt.Sprintf("Wrong-%s-%d", name, i)))
			if took := time.Since(start); fastest[name] == 0 || took < fastest[name] {
				fastest[name] = took
			}
		}
	}
	for name, took := range fastest {
		if took < fastest["theirs"]/2 || took > 2*fastest["theirs"] {
			t.Errorf("a wrong password of %s takes %v, of theirs %v", name, took, fastest["theirs"])
		}
	}
}
