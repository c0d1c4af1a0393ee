package identity_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/project"
	"pgregory.net/rapid"
)

// model is what the directory said when it was last asked.
type model struct {
	here   bool
	groups []string
	at     time.Time
}

// Whatever happens in a directory: six minutes later, with the directory up, everybody may do exactly what
// it says then, by role and as a principal; while it is down, what it said last, for a day.
func TestAccessFollowsTheDirectory(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := newCompany(t, dbtest.SQLite(t))
		projects := project.New(project.Deps{DB: c.db, Settings: c.settings, Clock: c.clock.now})
		in := map[string]int64{} // the project where a group has a role
		names := []string{"devs", "ops", "qa"}
		for _, name := range names {
			in[name] = c.addProject(name)
			c.exec(`INSERT INTO user_group (name, type, key, created_at, updated_at) VALUES ($1, 1, $2, 1, 1)`, name, group(name).Key)
			c.exec(`INSERT INTO project_member (project_id, group_id, role_id, created_at, updated_at) SELECT $1, id, 2, 1, 1 FROM user_group WHERE name = $2`, in[name], name)
		}
		c.ldap.put(carol())
		id := c.mustLogin("carol", carolPassword).ID
		now := model{here: true}
		last := model{here: true, at: c.clock.now()}
		var down bool
		check := func() {
			_, err := c.Principal(t.Context(), id)
			if !down {
				last = now
				last.at = c.clock.now()
			}
			wantIn := last.here && c.clock.now().Sub(last.at) < 24*time.Hour
			if (err == nil) != wantIn || err != nil && !errors.Is(err, fault.NotFound) {
				rt.Fatalf("gets in: %v; want %v", err, wantIn)
			}
			for _, name := range names {
				roles, err := projects.Roles(t.Context(), id, in[name])
				want := last.here && slices.Contains(last.groups, name)
				if err != nil || slices.Equal(roles, []authz.Role{authz.Developer}) != want {
					rt.Fatalf("in %s: %v, %v; want a role: %v", name, roles, err, want)
				}
			}
		}
		rt.Repeat(map[string]func(*rapid.T){
			"move": func(rt *rapid.T) {
				now.groups = slices.DeleteFunc(slices.Clone(names), func(string) bool { return rapid.Bool().Draw(rt, "left") })
				var groups []identity.Group
				for _, name := range now.groups {
					groups = append(groups, group(name))
				}
				if now.here {
					c.ldap.put(carol(groups...))
				}
			},
			"leave": func(*rapid.T) { c.ldap.remove("uid=carol"); now.here = false },
			"fail":  func(*rapid.T) { down = true; c.ldap.fail(true) },
			"heal":  func(*rapid.T) { down = false; c.ldap.fail(false) },
			"wait": func(rt *rapid.T) {
				c.clock.add(time.Duration(rapid.IntRange(6, 600).Draw(rt, "minutes")) * time.Minute)
				check()
			},
			"forget a cache": func(*rapid.T) { c.Service = c.replica() },
		})
	})
}

func BenchmarkRolesThroughGroups(b *testing.B) {
	for name, open := range map[string]func(testing.TB) *db.DB{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
		b.Run(name, func(b *testing.B) {
			c := newCompany(b, open(b))
			projects := project.New(project.Deps{DB: c.db, Settings: c.settings, Clock: c.clock.now})
			id := c.addProject("production")
			var groups []identity.Group
			for i := range 100 {
				groups = append(groups, group(fmt.Sprint("g", i)))
			}
			c.ldap.put(carol(groups...))
			p := c.mustLogin("carol", carolPassword)
			c.exec(`INSERT INTO project_member (project_id, group_id, role_id, created_at, updated_at) SELECT $1, id, 2, 1, 1 FROM user_group`, id)
			for b.Loop() {
				if roles, err := projects.Roles(b.Context(), p.ID, id); err != nil || len(roles) != 1 {
					b.Fatal(roles, err)
				}
			}
		})
	}
}
