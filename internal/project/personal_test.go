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

// personal is a token of an owner, limited to one right, in some projects or in all of them.
func personal(owner authz.Principal, perm authz.Permission, projects ...int64) authz.Principal {
	p := authz.Principal{Kind: authz.Personal, ID: owner.ID, Name: owner.Name, Owner: &owner, TokenID: 1}
	if len(projects) == 0 {
		p.Limits = []authz.Grant{{Scope: authz.EveryProject, Permission: perm}}
	}
	for _, id := range projects {
		p.Limits = append(p.Limits, authz.Grant{Scope: authz.OneProject, ProjectID: id, Permission: perm})
	}
	return p
}

// What a token sees is what its owner sees, where its limits let it look, and what is public.
func TestPersonalTokensSeeAPart(t *testing.T) {
	readLog := authz.Permission{Resource: authz.Log, Action: authz.ListAll}
	each(t, func(w world) {
		open, priv, solo := w.cast()
		for _, c := range []struct {
			name  string
			p     authz.Principal
			all   bool
			sees  []int64
			reads []int64 // the logs of
			total bool    // or of all
		}{
			{"everywhere, the owner's", personal(ann, readLog), false, []int64{1, open, priv}, []int64{open, priv}, false},
			{"one of the owner's", personal(ann, readLog, priv), false, []int64{1, open, priv}, []int64{priv}, false},
			{"another's", personal(ann, readLog, solo), false, []int64{1, open}, nil, false},
			{"a stranger's", personal(cyd, readLog), false, []int64{1, open}, nil, false},
			{"everywhere, an administrator's", personal(admin, readLog), true, nil, nil, true},
			{"one, an administrator's", personal(admin, readLog, solo), false, []int64{1, open, solo}, []int64{solo}, false},
			{"without an owner", authz.Principal{Kind: authz.Personal, Admin: true, Limits: personal(admin, readLog).Limits}, false, []int64{1, open}, nil, false},
		} {
			all, ids, err := w.VisibleIDs(t.Context(), c.p)
			w.must(err)
			if all != c.all || !slices.Equal(ids, c.sees) {
				t.Errorf("%s sees %v %v, want %v %v", c.name, all, ids, c.all, c.sees)
			}
			total, reads, err := w.IDsWith(t.Context(), c.p, readLog)
			w.must(err)
			if total != c.total || !slices.Equal(reads, c.reads) {
				t.Errorf("%s reads the logs of %v %v, want %v %v", c.name, total, reads, c.total, c.reads)
			}
			_, count, err := w.List(t.Context(), c.p, project.ListFilter{}, db.List{Page: 1, Size: 50})
			w.must(err)
			if !all && int(count) != len(ids) {
				t.Errorf("%s lists %d projects of %d", c.name, count, len(ids))
			}
		}
	})
}

func TestPersonalTokensMakeProjects(t *testing.T) {
	create := authz.Permission{Resource: authz.Project, Action: authz.Create}
	token := func(owner authz.Principal, scope authz.GrantScope) authz.Principal {
		p := personal(owner, create)
		p.Limits[0].Scope = scope
		return p
	}
	each(t, func(w world) {
		id, err := w.Create(t.Context(), token(ann, authz.System), project.NewProject{Name: "made"})
		w.must(err)
		made, err := w.Get(t.Context(), id)
		w.must(err)
		if made.OwnerID != ann.ID {
			t.Errorf("the project belongs to %d, want the token's owner %d", made.OwnerID, ann.ID)
		}
		_, err = w.Create(t.Context(), token(ann, authz.EveryProject), project.NewProject{Name: "other"})
		if !errors.Is(err, authz.ErrForbidden) {
			t.Errorf("a token that may not: %v", err)
		}
		w.must(w.settings.Set(t.Context(), "admin", map[string]any{"project_creation_restriction": "adminonly"}))
		if err := w.MayCreate(t.Context(), token(ann, authz.System)); !errors.Is(err, fault.Forbidden) {
			t.Errorf("a token whose owner may not: %v", err)
		}
		w.must(w.MayCreate(t.Context(), token(admin, authz.System)))
	})
}
