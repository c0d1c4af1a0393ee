package immutable_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/immutable"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

var (
	ctx  = context.Background()
	ann  = authz.Principal{Kind: authz.User, ID: 1, Name: "ann", Admin: true}
	bob  = authz.Principal{Kind: authz.User, ID: 2, Name: "bob", Admin: true}
	carl = authz.Principal{Kind: authz.User, ID: 3, Name: "carl"}
)

// world is rules on an empty database with the projects one (1) and cache (2), and a clock that stands.
type world struct {
	*immutable.Service
	t   *testing.T
	db  *db.DB
	now time.Time
}

func each(t *testing.T, f func(w *world)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := &world{t: t, db: d, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
		w.Service = immutable.New(d, func() time.Time { return w.now })
		w.must(d.Write(ctx, func(tx db.Tx) error {
			for _, statement := range []string{
				`INSERT INTO account (username, email, created_at, updated_at) VALUES ('ann', 'ann@example.com', 0, 0)`,
				`INSERT INTO project (name, owner_id, created_at, updated_at) SELECT 'one', id, 0, 0 FROM account`,
				`INSERT INTO project (name, owner_id, registry_id, created_at, updated_at) SELECT 'cache', id, 1, 0, 0 FROM account`,
			} {
				if _, err := tx.Exec(ctx, statement); err != nil {
					return err
				}
			}
			return nil
		}))
		f(w)
	})
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func rule(repositories, tags string) immutable.Rule {
	return immutable.Rule{
		ProjectID: 1, NoMove: true, NoDelete: true, Template: "immutable_template", Action: "immutable",
		Tags:  []immutable.Selector{{Kind: immutable.Doublestar, Decoration: immutable.Matches, Pattern: tags}},
		Scope: map[string][]immutable.Selector{immutable.ByRepository: {{Kind: immutable.Doublestar, Decoration: immutable.RepoMatches, Pattern: repositories}}},
	}
}

func (w *world) create(r immutable.Rule) int64 {
	w.t.Helper()
	id, err := w.Create(ctx, ann, "one", r)
	w.must(err)
	return id
}

// holding is a rule that only holds, for so long.
func (w *world) holding(d time.Duration) immutable.Rule {
	r := rule("**", "**")
	r.NoMove, r.NoDelete, r.HoldUntil = false, false, w.now.Add(d)
	return r
}

func (w *world) of(repository string) *immutable.Protected {
	w.t.Helper()
	p, err := w.Immutable(ctx, 1, repository)
	w.must(err)
	return p
}

func TestWhichTags(t *testing.T) {
	each(t, func(w *world) {
		w.create(rule("team/**", "v*"))
		excluding := rule("app", "dev-*")
		excluding.Tags[0].Decoration = immutable.Excludes
		w.create(excluding)
		elsewhere := rule("team/**", "")
		elsewhere.Scope[immutable.ByRepository][0].Decoration = immutable.RepoExcludes
		elsewhere.Tags[0].Pattern = "regex:r[0-9]+"
		w.create(elsewhere)
		second := rule("app2", "never")
		second.Tags = append(second.Tags, immutable.Selector{Decoration: immutable.Matches, Pattern: "second"}) // only the first counts
		w.create(second)
		for name, c := range map[string]struct {
			repository, tag string
			want            bool
		}{
			"matches":                  {"team/app", "v1", true},
			"another tag":              {"team/app", "w1", false},
			"another repository":       {"lib/app", "v1", false},
			"excludes":                 {"app", "v1", true},
			"excluded":                 {"app", "dev-1", false},
			"all but some":             {"lib/app", "r12", true},
			"all but that":             {"team/app", "r12", false},
			"the second doesn't count": {"app2", "second", false},
			"the first does":           {"app2", "never", true},
		} {
			if got := w.of(c.repository).Any(c.tag); got != c.want {
				t.Errorf("%s: %s:%s is protected: %v", name, c.repository, c.tag, got)
			}
		}
	})
}

func TestRulesThatCannotBe(t *testing.T) {
	each(t, func(w *world) {
		w.create(rule("app", "v*"))
		for name, c := range map[string]struct {
			change func(r *immutable.Rule)
			kind   fault.Kind
			words  string
		}{
			"twice":         {func(*immutable.Rule) {}, fault.Conflict, "immutable rule already exists"},
			"twice, off":    {func(r *immutable.Rule) { r.Disabled = true }, fault.Conflict, "immutable rule already exists"},
			"nothing":       {func(r *immutable.Rule) { r.NoMove, r.NoDelete = false, false }, fault.Invalid, "forbids"},
			"no tags":       {func(r *immutable.Rule) { r.Tags = nil }, fault.Invalid, "selectors of tags"},
			"no scope":      {func(r *immutable.Rule) { r.Scope = nil }, fault.Invalid, "selectors of repositories"},
			"kind":          {func(r *immutable.Rule) { r.Tags[0].Kind = "glob" }, fault.Invalid, "doublestar"},
			"decoration":    {func(r *immutable.Rule) { r.Tags[0].Decoration = "repoMatches" }, fault.Invalid, "decoration"},
			"pattern":       {func(r *immutable.Rule) { r.Tags[0].Pattern = "regex:(" }, fault.Invalid, "regular expression"},
			"past":          {func(r *immutable.Rule) { r.HoldUntil = w.now.Add(-time.Second) }, fault.Invalid, "future"},
			"far future":    {func(r *immutable.Rule) { r.HoldUntil = w.now.AddDate(20, 0, 0) }, fault.Invalid, "ten years"},
			"disabled hold": {func(r *immutable.Rule) { r.HoldUntil, r.Disabled = w.now.Add(time.Hour), true }, fault.Invalid, "disabled"},
			"long reason":   {func(r *immutable.Rule) { r.Reason = strings.Repeat("x", 2000) }, fault.Invalid, "reason"},
			"cache":         {func(r *immutable.Rule) { r.ProjectID = 2 }, fault.Invalid, "cache"},
		} {
			r := rule("app", "v*")
			c.change(&r)
			if _, err := w.Create(ctx, ann, "one", r); !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.words) {
				t.Errorf("%s: got %v", name, err)
			}
		}
	})
}

// For Harbor's clients a change of disabled is no change of anything else, and other rules aren't there.
func TestUpdateAsHarborDoes(t *testing.T) {
	each(t, func(w *world) {
		r := rule("app", "v*")
		r.ID = w.create(r)
		r.Disabled, r.Tags[0].Pattern = true, "w*"
		w.must(w.UpdateHarbors(ctx, ann, "one", r))
		if got, err := w.Get(ctx, 1, r.ID); err != nil || !got.Disabled || got.Tags[0].Pattern != "v*" {
			t.Errorf("got %+v, %v", got, err)
		}
		w.must(w.UpdateHarbors(ctx, ann, "one", r))
		if got, err := w.Get(ctx, 1, r.ID); err != nil || got.Tags[0].Pattern != "w*" || w.of("app").Any("w1") {
			t.Errorf("got %+v, %v", got, err)
		}
		hold := w.holding(time.Hour)
		hold.ID = w.create(hold)
		if err := w.UpdateHarbors(ctx, ann, "one", hold); !errors.Is(err, fault.NotFound) {
			t.Errorf("update of a hold: %v", err)
		}
		if err := w.Delete(ctx, ann, "one", 1, hold.ID, true); !errors.Is(err, fault.NotFound) {
			t.Errorf("deletion of a hold: %v", err)
		}
		for only, want := range map[bool]int64{true: 1, false: 2} {
			if _, total, err := w.List(ctx, 1, only, db.List{Page: 1, Size: 10}); err != nil || total != want {
				t.Errorf("Harbor's only %v: %d, %v", only, total, err)
			}
		}
		if err := w.Delete(ctx, ann, "one", 2, r.ID, true); !errors.Is(err, fault.NotFound) {
			t.Errorf("deletion by another project: %v", err)
		}
	})
}

// Nobody makes a hold shorter or smaller, and it ends by itself.
func TestHoldOnlyGrows(t *testing.T) {
	each(t, func(w *world) {
		r := w.holding(time.Hour)
		r.NoDelete = true
		r.ID = w.create(r)
		for name, change := range map[string]func(r *immutable.Rule){
			"shorter": func(r *immutable.Rule) { r.HoldUntil = r.HoldUntil.Add(-time.Second) },
			"no hold": func(r *immutable.Rule) { r.HoldUntil, r.NoMove = time.Time{}, true },
			"smaller": func(r *immutable.Rule) { r.Tags = []immutable.Selector{{Decoration: immutable.Matches, Pattern: "v*"}} },
			"off":     func(r *immutable.Rule) { r.Disabled = true },
			"less":    func(r *immutable.Rule) { r.NoDelete = false },
		} {
			changed := r
			change(&changed)
			if err := w.Update(ctx, ann, "one", changed); err == nil {
				t.Errorf("%s: nobody minds", name)
			}
		}
		if err := w.Delete(ctx, ann, "one", 1, r.ID, false); err == nil {
			t.Error("it can be deleted")
		}
		r.HoldUntil, r.NoMove = w.now.Add(2*time.Hour), true
		w.must(w.Update(ctx, ann, "one", r))
		w.now = w.now.Add(2*time.Hour - time.Second)
		if p := w.of("app"); !p.HoldsAny() || p.MayDelete("v1") == nil || p.MayMove("v1") == nil {
			t.Error("it doesn't hold to the end")
		}
		w.now = w.now.Add(time.Second)
		if p := w.of("app"); p.HoldsAny() || p.MayDelete("v1") == nil || p.MayMove("v1") == nil {
			t.Error("it holds for ever, or forbids nothing else")
		}
		w.must(w.Delete(ctx, ann, "one", 1, r.ID, false))
	})
}

func TestTwoAdministratorsEndAHold(t *testing.T) {
	each(t, func(w *world) {
		r := w.holding(24 * 30 * time.Hour)
		r.ID = w.create(r)
		release := func(by authz.Principal, reason string) (bool, error) {
			return w.Release(ctx, by, "one", 1, r.ID, reason)
		}
		robot := authz.Principal{Kind: authz.Robot, ID: 9, Name: "robot$x", Admin: true}
		for _, by := range []authz.Principal{carl, robot} {
			if _, err := release(by, "case closed"); !errors.Is(err, fault.Forbidden) {
				t.Errorf("%s: %v", by.Name, err)
			}
		}
		if _, err := release(ann, ""); !errors.Is(err, fault.Invalid) {
			t.Errorf("without a reason: %v", err)
		}
		if ended, err := release(ann, "case closed"); err != nil || ended {
			t.Errorf("the first: %v, %v", ended, err)
		}
		if _, err := release(ann, "really"); !errors.Is(err, fault.Conflict) {
			t.Errorf("the first again: %v", err)
		}
		w.now = w.now.Add(8 * 24 * time.Hour) // her word is too old
		if ended, err := release(bob, "case closed"); err != nil || ended {
			t.Errorf("after a week: %v, %v", ended, err)
		}
		r.HoldUntil = r.HoldUntil.Add(time.Hour) // she agreed to something else
		w.must(w.Update(ctx, ann, "one", r))
		if ended, err := release(ann, "case closed"); err != nil || ended {
			t.Errorf("after a change: %v, %v", ended, err)
		}
		if ended, err := release(bob, "case closed"); err != nil || !ended {
			t.Errorf("the second: %v, %v", ended, err)
		}
		if w.of("app").Any("v1") {
			t.Error("it still holds")
		}
		if _, err := release(ann, "again"); !errors.Is(err, fault.Invalid) {
			t.Errorf("without a hold: %v", err)
		}
	})
}
