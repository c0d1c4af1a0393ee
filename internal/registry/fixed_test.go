package registry

import (
	"errors"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/immutable"
	"github.com/havenregistry/haven/internal/oci"
)

// rule makes a rule in the project alpha, whose registry is made to ask for rules.
func (f *fixture) rule(repositories, tags string, change func(r *immutable.Rule)) immutable.Rule {
	f.t.Helper()
	if f.fixed == nil {
		f.fixed = immutable.New(f.db, f.clock.now)
	}
	r := immutable.Rule{
		ProjectID: 1, Tags: []immutable.Selector{{Decoration: immutable.Matches, Pattern: tags}},
		Scope: map[string][]immutable.Selector{immutable.ByRepository: {{Decoration: immutable.RepoMatches, Pattern: repositories}}},
	}
	change(&r)
	id, err := f.fixed.Create(ctx, pusher, "alpha", r)
	f.ok(err)
	r.ID = id
	return r
}

func neither(r *immutable.Rule) { r.NoMove, r.NoDelete = true, true }

// refused expects that a rule forbids something, or that none does.
func (f *fixture) refused(what string, err error, rule int64) {
	f.t.Helper()
	refusal, is := errors.AsType[*immutable.Refusal](err)
	switch {
	case rule == 0 && err != nil:
		f.t.Errorf("%s: %v", what, err)
	case rule != 0 && (!is || refusal.Rule != rule):
		f.t.Errorf("%s: got %v, want a refusal by rule %d", what, err, rule)
	}
}

func TestImmutableTags(t *testing.T) {
	each(t, func(f fixture) {
		one, two := f.image(app, "one"), f.image(app, "two")
		f.push(app, one, "v1")
		f.push(app, two, "latest")
		r := f.rule("app", "v*", neither)

		_, err := f.put(app, two, "v1")
		f.refused("move", err, r.ID)
		if want := "Failed to process request due to 'app:v1' configured as immutable. (rule 1: tags v* of app)"; !errorEnds(err, want) {
			t.Errorf("got %v, want …%s", err, want)
		}
		_, err = f.put(app, one, "v1")
		f.refused("push again", err, 0)
		_, err = f.put(app, one, "latest")
		f.refused("move of another tag", err, 0)
		_, err = f.put(app, two, "v2")
		f.refused("new tag", err, 0)
		f.refused("delete a tag", f.DeleteTag(ctx, pusher, app, "v1"), r.ID)
		f.refused("delete an artifact", f.DeleteArtifact(ctx, pusher, app, oci.TagReference("latest")), r.ID) // it is v1, too
		f.refused("delete a repository", f.DeleteRepository(ctx, pusher, app), r.ID)
		f.refused("delete another tag", f.DeleteTag(ctx, pusher, app, "latest"), 0)

		three := f.image(other, "three")
		f.push(other, three, "v1")
		f.refused("copy over it", f.Copy(ctx, pusher, app, other, oci.TagReference("v1")), r.ID)
		f.push(other, three, "w1")
		f.refused("delete in another repository", f.DeleteRepository(ctx, pusher, other), 0)

		f.ok(f.fixed.Delete(ctx, pusher, "alpha", 1, r.ID, true))
		_, err = f.put(app, two, "v1")
		f.refused("move without the rule", err, 0)
		f.refused("delete without the rule", f.DeleteRepository(ctx, pusher, app), 0)
		if found := f.count(`SELECT COUNT(*) FROM immutable_version`); found != 0 {
			t.Errorf("%d versions of no rules", found)
		}
	})
}

func errorEnds(err error, want string) bool {
	e, is := errors.AsType[*immutable.Refusal](err)
	return is && e.Error() == want
}

func TestOneOfTwoRules(t *testing.T) {
	each(t, func(f fixture) {
		one, two := f.image(app, "one"), f.image(app, "two")
		f.push(app, one, "moves")
		f.push(app, one, "stays")
		move := f.rule("**", "stays", func(r *immutable.Rule) { r.NoMove = true })
		keep := f.rule("**", "moves", func(r *immutable.Rule) { r.NoDelete = true })
		_, err := f.put(app, two, "stays")
		f.refused("move", err, move.ID)
		f.refused("delete", f.DeleteTag(ctx, pusher, app, "stays"), 0)
		_, err = f.put(app, two, "moves")
		f.refused("move", err, 0)
		f.refused("delete", f.DeleteTag(ctx, pusher, app, "moves"), keep.ID)
		keep.Disabled = true
		f.ok(f.fixed.Update(ctx, pusher, "alpha", keep))
		f.refused("delete by a disabled rule", f.DeleteTag(ctx, pusher, app, "moves"), 0)
	})
}

// What is held stays with its parts and its signatures, until the hold ends by itself.
func TestLegalHold(t *testing.T) {
	each(t, func(f fixture) {
		child := f.push(app, f.image(app, "child"), "part")
		whole := f.push(app, index(child), "v1")
		signature := f.image(app, "signature")
		signature.Subject = &child
		signed := f.push(app, signature, "")
		free := f.push(app, f.image(app, "free"), "w1")
		r := f.rule("app", "v*", func(r *immutable.Rule) { r.HoldUntil = f.clock.now().Add(time.Hour) })

		f.refused("the artifact", f.DeleteManifest(ctx, pusher, app, whole.Digest), r.ID)
		if err := f.DeleteManifest(ctx, pusher, app, child.Digest); !errors.Is(err, ErrReferenced) {
			t.Errorf("its part: %v", err)
		}
		f.refused("the signature of its part", f.DeleteManifest(ctx, pusher, app, signed.Digest), r.ID)
		f.refused("the repository", f.DeleteRepository(ctx, pusher, app), r.ID)
		_, err := f.put(app, f.image(app, "new"), "v1")
		f.refused("move", err, r.ID)
		f.refused("what isn't held", f.DeleteManifest(ctx, pusher, app, free.Digest), 0)

		f.clock.skip(time.Hour)
		f.refused("after its end", f.DeleteManifest(ctx, pusher, app, signed.Digest), 0)
		f.refused("after its end", f.DeleteRepository(ctx, pusher, app), 0)
	})
}

// Another process sees a change of the rules without word from this one.
func TestRulesOfAnotherProcess(t *testing.T) {
	each(t, func(f fixture) {
		one, two := f.image(app, "one"), f.image(app, "two")
		f.push(app, one, "v1")
		r := f.rule("**", "v1", neither)
		there := f
		there.reopen()
		there.fixed = immutable.New(f.db, f.clock.now)
		_, err := there.put(app, two, "v1")
		f.refused("there", err, r.ID)
		r.Tags[0].Pattern = "v2"
		f.ok(f.fixed.Update(ctx, pusher, "alpha", r))
		_, err = there.put(app, two, "v1")
		f.refused("there, after the change", err, 0)
	})
}
