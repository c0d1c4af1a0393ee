package project_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/project"
)

// group makes a group of these accounts and returns its id.
func (w world) group(name string, members ...authz.Principal) int64 {
	w.Helper()
	w.exec(`INSERT INTO user_group (name, type, key, created_at, updated_at) VALUES ($1, 3, $2, 1, 1)`, name, name)
	id := w.int(`SELECT id FROM user_group WHERE name = $1`, name)
	for _, p := range members {
		w.exec(`INSERT INTO account_group (account_id, group_id, told_at) VALUES ($1, $2, 1)`, p.ID, id)
	}
	return id
}

func TestRolesThroughGroups(t *testing.T) {
	each(t, func(w world) {
		ctx := t.Context()
		secret, other := w.create(ann, "secret", false), w.create(ann, "other", false)
		devs, guests := w.group("devs", bob), w.group("guests", bob, cyd)
		_, err := w.AddMember(ctx, ann, secret, project.NewMember{Username: "bob", Role: authz.Guest})
		w.must(err)
		mid, err := w.AddMember(ctx, ann, secret, project.NewMember{GroupID: devs, Role: authz.Developer})
		w.must(err)
		_, err = w.AddMember(ctx, ann, secret, project.NewMember{GroupID: guests, Username: "cyd", Role: authz.Guest})
		w.must(err)

		for _, c := range []struct {
			who  authz.Principal
			in   int64
			want []authz.Role
		}{
			{bob, secret, []authz.Role{authz.Developer, authz.Guest}}, {cyd, secret, []authz.Role{authz.Guest}},
			{ann, secret, []authz.Role{authz.ProjectAdmin}}, {bob, other, nil},
		} {
			got, err := w.Roles(ctx, c.who.ID, c.in)
			slices.Sort(got)
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("%s in %d: %v, %v; want %v", c.who.Name, c.in, got, err, c.want)
			}
			listed, _, err := w.List(ctx, c.who, project.ListFilter{}, db.List{Page: 1, Size: 100})
			w.must(err)
			i := slices.IndexFunc(listed, func(p project.Project) bool { return p.ID == c.in })
			if (i >= 0) != (len(c.want) > 0) || i >= 0 && !slices.Equal(listed[i].RoleIDs, c.want) {
				t.Errorf("%s: %d is listed at %d of %v", c.who.Name, c.in, i, names(listed))
			}
		}
		if all, ids, err := w.IDsWith(ctx, bob, authz.Permission{Resource: authz.Repository, Action: authz.Push}); all || err != nil || !slices.Equal(ids, []int64{secret}) {
			t.Errorf("bob may push to %v, %v, %v", all, ids, err)
		}
		if all, ids, err := w.IDsWith(ctx, cyd, authz.Permission{Resource: authz.Repository, Action: authz.Push}); all || err != nil || len(ids) > 0 {
			t.Errorf("cyd may push to %v, %v, %v", all, ids, err)
		}
		if _, ids, err := w.VisibleIDs(ctx, cyd); err != nil || !slices.Contains(ids, secret) || slices.Contains(ids, other) {
			t.Errorf("cyd sees %v, %v", ids, err)
		}

		before, cyds := w.epoch("account", bob.ID), w.epoch("account", cyd.ID)
		w.must(w.SetMemberRole(ctx, ann, secret, mid, authz.LimitedGuest))
		w.must(w.DeleteMember(ctx, ann, secret, mid))
		if got := w.epoch("account", bob.ID); got != before+2 {
			t.Errorf("the epoch went from %d to %d, want two more", before, got)
		}
		if got := w.epoch("account", cyd.ID); got != cyds {
			t.Errorf("the epoch of one who isn't in the group went from %d to %d", cyds, got)
		}
		if roles, err := w.Roles(ctx, bob.ID, secret); err != nil || !slices.Equal(roles, []authz.Role{authz.Guest}) {
			t.Errorf("left: %v, %v", roles, err)
		}
	})
}

func TestGroupsAreMembers(t *testing.T) {
	each(t, func(w world) {
		ctx := t.Context()
		id := w.create(ann, "p", false)
		devs := w.group("devs", bob)
		mid, err := w.AddMember(ctx, ann, id, project.NewMember{GroupID: devs, Role: authz.Developer})
		w.must(err)
		for name, c := range map[string]struct {
			n    project.NewMember
			want error
		}{
			"twice":     {project.NewMember{GroupID: devs, Role: 99}, fault.Conflict},
			"unknown":   {project.NewMember{GroupID: 999, Role: authz.Guest}, fault.NotFound},
			"its user":  {project.NewMember{UserID: bob.ID, GroupID: devs, Role: authz.Guest}, nil},
			"bad role":  {project.NewMember{GroupID: w.group("ops"), Role: 6}, fault.Invalid},
			"no entity": {project.NewMember{Role: authz.Guest}, fault.Invalid},
		} {
			if _, err := w.AddMember(ctx, ann, id, c.n); !errors.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		m, err := w.GetMember(ctx, id, mid)
		if err != nil || m.GroupID != devs || m.AccountID != 0 || m.Name != "devs" || m.Role != authz.Developer {
			t.Errorf("got %+v, %v", m, err)
		}
		rows, total, err := w.ListMembers(ctx, id, "", db.List{Page: 1, Size: 10})
		var all []string
		for _, m := range rows {
			all = append(all, m.Name)
		}
		if err != nil || total != 3 || !slices.Equal(all, []string{"ann", "bob", "devs"}) {
			t.Errorf("members: %v of %d, %v", all, total, err)
		}
		if rows, total, err := w.ListMembers(ctx, id, "devs", db.List{Page: 1, Size: 10}); err != nil || total != 1 || rows[0].ID != mid {
			t.Errorf("by name: %+v of %d, %v", rows, total, err)
		}
		w.exec(`DELETE FROM user_group WHERE id = $1`, devs)
		if _, err := w.GetMember(ctx, id, mid); !errors.Is(err, fault.NotFound) {
			t.Errorf("a member that is a group no more: %v", err)
		}
	})
}
