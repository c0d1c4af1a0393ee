package project_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/project"
)

func TestAddMember(t *testing.T) {
	each(t, func(w world) {
		id := w.create(ann, "p", false)
		w.exec(`INSERT INTO account (id, username, email, created_at, updated_at, deleted_at) VALUES (50, 'gone#50', 'x', 1, 1, 9)`)
		cases := []struct {
			name string
			n    project.NewMember
			want string // "" for success
			kind error
		}{
			{"by name", project.NewMember{Username: "bob", Role: authz.Developer}, "", nil},
			{"by id, which wins", project.NewMember{UserID: cyd.ID, Username: "bob", Role: authz.LimitedGuest}, "", nil},
			{"twice", project.NewMember{Username: "bob", Role: authz.Guest}, "The project member specified already exist", fault.Conflict},
			{"twice comes before the role", project.NewMember{Username: "bob", Role: 99}, "The project member specified already exist", fault.Conflict},
			{"role", project.NewMember{Username: "admin", Role: 99}, "Failed to update project member, role is not in 1,2,3", nil},
			{"unknown name", project.NewMember{Username: "nosuch", Role: authz.Guest}, "user nosuch is not found", fault.NotFound},
			{"unknown id", project.NewMember{UserID: 77, Role: authz.Guest}, "user 77 is not found", fault.NotFound},
			{"deleted", project.NewMember{UserID: 50, Role: authz.Guest}, "user 50 is not found", fault.NotFound},
			{"nobody", project.NewMember{Role: authz.Guest}, "needs a user_id or a username", nil},
		}
		for _, c := range cases {
			mid, err := w.AddMember(t.Context(), ann, id, c.n)
			if c.want != "" {
				isInvalid := errors.Is(err, fault.Invalid)
				if err == nil || !strings.Contains(err.Error(), c.want) || c.kind != nil && !errors.Is(err, c.kind) || c.kind == nil && !isInvalid {
					t.Errorf("%s: got %v, want %q", c.name, err, c.want)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
				continue
			}
			m, err := w.GetMember(t.Context(), id, mid)
			if err != nil || m.Role != c.n.Role || m.ProjectID != id || m.ID != mid {
				t.Errorf("%s: got %+v, %v", c.name, m, err)
			}
		}
		if _, err := w.AddMember(t.Context(), ann, 99, project.NewMember{Username: "bob", Role: 1}); !errors.Is(err, fault.NotFound) {
			t.Errorf("got %v, want fault.NotFound", err)
		}
		events := w.events()
		if n := len(events); n != 3 || !strings.HasPrefix(events[1], "create_member ") || !strings.Contains(events[1], `"resource":"p/bob"`) || !strings.Contains(events[1], `"by":"ann"`) {
			t.Errorf("got the events %v", events)
		}
	})
}

// A change of role ends the account's tokens in the same transaction; a refused one doesn't.
func TestRoleChangesMoveTheEpoch(t *testing.T) {
	each(t, func(w world) {
		id, other := w.create(ann, "p", false), w.create(ann, "q", false)
		mid, err := w.AddMember(t.Context(), ann, id, project.NewMember{UserID: bob.ID, Role: authz.Maintainer})
		w.must(err)
		before := w.epoch("account", bob.ID)
		w.must(w.SetMemberRole(t.Context(), ann, id, mid, authz.Guest))
		if got := w.epoch("account", bob.ID); got != before+1 {
			t.Errorf("the epoch went from %d to %d, want one more", before, got)
		}
		if roles, err := w.Roles(t.Context(), bob.ID, id); err != nil || !slices.Equal(roles, []authz.Role{authz.Guest}) {
			t.Errorf("got the roles %v, %v", roles, err)
		}
		if err := w.SetMemberRole(t.Context(), ann, id, mid, 6); err == nil {
			t.Error("a role of 6 was taken")
		}
		if err := w.SetMemberRole(t.Context(), ann, other, mid, authz.Guest); !errors.Is(err, fault.NotFound) ||
			!strings.Contains(err.Error(), fmt.Sprintf("the project member is not found, project id %d, member id %d", other, mid)) {
			t.Errorf("got %v; a member of another project must not be found", err)
		}
		if err := w.DeleteMember(t.Context(), ann, other, mid); !errors.Is(err, fault.NotFound) {
			t.Errorf("got %v; a member of another project must not be found", err)
		}
		if got := w.epoch("account", bob.ID); got != before+1 {
			t.Errorf("the epoch is %d; refused changes must not move it", got)
		}
		w.must(w.DeleteMember(t.Context(), ann, id, mid))
		if got := w.epoch("account", bob.ID); got != before+2 {
			t.Errorf("the epoch is %d, want %d", got, before+2)
		}
		if roles, err := w.Roles(t.Context(), bob.ID, id); err != nil || len(roles) != 0 {
			t.Errorf("got the roles %v, %v", roles, err)
		}
		if err := w.DeleteMember(t.Context(), ann, id, mid); !errors.Is(err, fault.NotFound) {
			t.Errorf("got %v, want fault.NotFound", err)
		}
	})
}

func TestListMembers(t *testing.T) {
	each(t, func(w world) {
		id := w.create(bob, "p", false)
		for _, n := range []project.NewMember{{Username: "cyd", Role: authz.Guest}, {Username: "ann", Role: authz.Maintainer}} {
			_, err := w.AddMember(t.Context(), bob, id, n)
			w.must(err)
		}
		for _, c := range []struct {
			entity string
			list   db.List
			want   string
			total  int64
		}{
			{"", db.List{}, "ann:maintainer bob:projectAdmin cyd:guest", 3},
			{"", db.List{Page: 2, Size: 2}, "cyd:guest", 3},
			{"ann", db.List{}, "ann:maintainer", 1},
			{"an", db.List{}, "", 0},
			{"", db.List{Sort: []db.Sort{{Key: "entity_name", Desc: true}}, Page: 1, Size: 1}, "cyd:guest", 3},
		} {
			before := w.db.Executed()
			rows, total, err := w.ListMembers(t.Context(), id, c.entity, c.list)
			w.must(err)
			var got []string
			for _, m := range rows {
				got = append(got, m.Name+":"+m.Role.String())
			}
			if strings.Join(got, " ") != c.want || total != c.total {
				t.Errorf("%q: got %v of %d, want %s of %d", c.entity, got, total, c.want, c.total)
			}
			if n := w.db.Executed() - before; n != 1+min(c.total, 1) { // there is nothing to read where nothing was counted
				t.Errorf("%q: took %d statements", c.entity, n)
			}
		}
	})
}
