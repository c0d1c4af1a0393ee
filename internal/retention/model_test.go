package retention

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/havenregistry/haven/internal/immutable"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
)

// The model is retention as the manual has it, in the plainest words: each manifest of one repository with what was done to it.
type model struct {
	all []*manifest // in the order in which they came
}

type manifest struct {
	d        oci.Descriptor
	pushed   time.Time
	used     time.Time
	tags     map[string]*tag
	children []*manifest
	subject  *manifest
}

type tag struct{ pushed time.Time }

func (m *model) parents(of *manifest) (all []*manifest) {
	for _, p := range m.all {
		if slices.Contains(p.children, of) {
			all = append(all, p)
		}
	}
	return all
}

func (m *model) candidate(of *manifest) bool {
	return of.subject == nil && (len(of.tags) > 0 || len(m.parents(of)) == 0)
}

func (a *manifest) lastPush() time.Time {
	last := a.pushed
	for _, t := range a.tags {
		if t.pushed.After(last) {
			last = t.pushed
		}
	}
	return last
}

func (a *manifest) lastUse() time.Time { return a.used }

// modelRule is a rule about tags that begin with a prefix, or all but those.
type modelRule struct {
	template  string
	n         int
	prefix    string
	excludes  bool
	untagged  string // "", true or false
	elsewhere bool   // it covers another repository
}

func (r modelRule) selects(a *manifest) bool {
	if len(a.tags) == 0 {
		switch r.untagged {
		case "true":
			return !r.excludes
		case "false":
			return r.excludes
		}
		return true
	}
	for name := range a.tags {
		if strings.HasPrefix(name, r.prefix) != r.excludes {
			return true
		}
	}
	return false
}

// retained are those that a rule retains.
func (m *model) retained(r modelRule, now time.Time) (kept []*manifest) {
	var selected []*manifest
	for _, a := range m.all {
		if m.candidate(a) && !r.elsewhere && r.selects(a) {
			selected = append(selected, a)
		}
	}
	slices.Reverse(selected) // of the same time the younger first
	first := func(at func(*manifest) time.Time) []*manifest {
		slices.SortStableFunc(selected, func(a, b *manifest) int { return at(b).Compare(at(a)) })
		return selected[:min(r.n, len(selected))]
	}
	since := now.AddDate(0, 0, -r.n)
	switch r.template {
	case LatestPushed:
		return first((*manifest).lastPush)
	case LatestPulled:
		return first((*manifest).lastUse)
	case LatestActive:
		return first(func(a *manifest) time.Time {
			if a.lastUse().After(a.lastPush()) {
				return a.lastUse()
			}
			return a.lastPush()
		})
	case SincePush, PushedInLastDays:
		return slices.DeleteFunc(selected, func(a *manifest) bool { return a.lastPush().Before(since) })
	case SincePull:
		return slices.DeleteFunc(selected, func(a *manifest) bool { return a.lastUse().IsZero() || a.lastUse().Before(since) })
	case Always:
		return selected
	}
	return nil
}

// survivors is what is there after a run. fixed is the prefix of tags that may not be deleted, "" for none.
func (m *model) survivors(rules []modelRule, fixed string, now time.Time) map[oci.Digest]bool {
	covered := slices.ContainsFunc(rules, func(r modelRule) bool { return !r.elsewhere })
	kept := map[*manifest]bool{}
	for _, r := range rules {
		for _, a := range m.retained(r, now) {
			kept[a] = true
		}
	}
	candidates, dead := map[*manifest]bool{}, map[*manifest]bool{}
	for _, a := range m.all {
		candidates[a] = m.candidate(a)
		for name := range a.tags {
			kept[a] = kept[a] || fixed != "" && strings.HasPrefix(name, fixed)
		}
	}
	for changed := covered; changed; {
		changed = false
		for _, a := range m.all {
			if dead[a] {
				continue
			}
			parents := m.parents(a)
			part := slices.ContainsFunc(parents, func(p *manifest) bool { return !dead[p] })
			goes := false
			switch {
			case part:
			case candidates[a]:
				goes = !kept[a]
			case a.subject != nil:
				goes = dead[a.subject]
			default:
				goes = true
			}
			if goes {
				dead[a], changed = true, true
			}
		}
	}
	alive := map[oci.Digest]bool{}
	for _, a := range m.all {
		if !dead[a] {
			alive[a.d.Digest] = true
		}
	}
	return alive
}

func (r modelRule) rule(repository string) Rule {
	v := retain(r.template, r.n, repository, r.prefix+"*")
	if r.excludes {
		v.Tags[0].Decoration = excludes
	}
	if r.untagged != "" {
		v.Tags[0].Extras = `{"untagged":` + r.untagged + `}`
	}
	if r.elsewhere {
		v.Scope[byRepository][0].Decoration = repoExcludes
	}
	return v
}

var templates = []string{LatestPushed, LatestPulled, SincePush, SincePull, Always, LatestActive, PushedInLastDays, Nothing}

func drawRule(rt *rapid.T) modelRule {
	return modelRule{
		template: rapid.SampledFrom(templates).Draw(rt, "template"), n: rapid.IntRange(0, 6).Draw(rt, "n"),
		prefix: rapid.SampledFrom([]string{"", "a", "b"}).Draw(rt, "prefix"), excludes: rapid.Bool().Draw(rt, "excludes"),
		untagged: rapid.SampledFrom([]string{"", "true", "false"}).Draw(rt, "untagged"), elsewhere: rapid.IntRange(0, 9).Draw(rt, "where") == 0,
	}
}

// history does something to a repository and its model.
type history struct {
	*world
	rt  *rapid.T
	ref registry.Ref
	m   *model
}

func (h history) any() *manifest {
	return rapid.SampledFrom(h.m.all).Draw(h.rt, "which")
}

func (h history) tag(name string, a *manifest) {
	if _, there := a.tags[name]; there || name == "" {
		return
	}
	for _, other := range h.m.all {
		delete(other.tags, name)
	}
	a.tags[name] = &tag{pushed: h.now()}
}

func (h history) put(subject *manifest, children ...*manifest) {
	var of *oci.Descriptor
	if subject != nil {
		of = &subject.d
	}
	parts := make([]oci.Descriptor, len(children))
	for i, c := range children {
		parts[i] = c.d
	}
	name := rapid.SampledFrom([]string{"", "a1", "a2", "a3", "b1", "b2", "c1"}).Draw(h.rt, "tag")
	if subject != nil && name == "c1" { // which may be one that a rule keeps
		name = ""
	}
	d, content := h.manifest(h.ref, fmt.Sprint(len(h.m.all)), of, parts...)
	h.world.push(h.ref, name, d, content)
	a := &manifest{d: d, pushed: h.now(), tags: map[string]*tag{}, children: children, subject: subject}
	h.m.all = append(h.m.all, a)
	h.tag(name, a)
}

func (h history) step() {
	h.pass(time.Duration(rapid.IntRange(0, 60).Draw(h.rt, "hours")) * time.Hour)
	if len(h.m.all) == 0 {
		h.put(nil)
		return
	}
	switch rapid.IntRange(0, 9).Draw(h.rt, "what") {
	case 0, 1, 2, 3:
		h.put(nil)
	case 4:
		children := rapid.SliceOfNDistinct(rapid.SampledFrom(h.m.all), 1, min(3, len(h.m.all)), func(a *manifest) *manifest { return a }).Draw(h.rt, "children")
		if slices.ContainsFunc(children, func(a *manifest) bool { return a.subject != nil }) {
			return // a part of an index that is somebody's signature makes no sense
		}
		h.put(nil, children...)
	case 5, 6:
		if on := h.any(); on.subject == nil {
			h.put(on)
		}
	default:
		a, class := h.any(), registry.Class(rapid.IntRange(0, 3).Draw(h.rt, "class"))
		names := slices.Sorted(maps.Keys(a.tags))
		r := oci.DigestReference(a.d.Digest)
		if len(names) > 0 {
			r = oci.TagReference(names[0])
		}
		h.world.pull(h.ref, r, class)
		if class != registry.ByPerson && class != registry.ByRobot {
			return
		}
		a.used = h.now()
	}
}

func TestAgainstThePlainModel(t *testing.T) {
	if err := flag.Set("rapid.checks", "40"); err != nil {
		t.Fatal(err)
	}
	each(t, func(w *world) {
		w.work()
		n := 0
		rapid.Check(w.T, func(rt *rapid.T) {
			n++
			h := history{world: w, rt: rt, ref: repository(fmt.Sprintf("r%d", n)), m: &model{}}
			for range rapid.IntRange(3, 25).Draw(rt, "steps") {
				h.step()
			}
			rules := rapid.SliceOfNDistinct(rapid.Custom(drawRule), 1, 3, func(r modelRule) modelRule { return r }).Draw(rt, "rules")
			var stored []Rule
			for _, r := range rules {
				stored = append(stored, r.rule(h.ref.Name))
			}
			policy, err := w.replace(stored)
			if err != nil {
				rt.Skip("two rules say the same")
			}
			fixed := rapid.SampledFrom([]string{"", "c"}).Draw(rt, "fixed")
			if fixed != "" {
				defer w.fix(h.ref.Name, fixed+"*")()
			}
			want := h.m.survivors(rules, fixed, w.now())
			before := w.digests(h.ref)
			dry := w.carryOut(policy, true)
			if now := w.digests(h.ref); !maps.Equal(now, before) {
				rt.Fatalf("a dry run changes what is there")
			}
			preview, err := w.Preview(ctx, h.ref, stored)
			w.ok(err)
			was, last := w.state(h.ref), w.lastDeletion()
			real := w.carryOut(policy, false)
			if w.undo(h.ref, last) {
				if is := w.state(h.ref); !slices.Equal(is, was) {
					rt.Fatalf("undone, the repository is\n%s\nand was\n%s", strings.Join(is, "\n"), strings.Join(was, "\n"))
				}
				real = w.carryOut(policy, false)
			}
			if got := w.digests(h.ref); !maps.Equal(got, want) {
				rt.Fatalf("left are %d, by the model %d: %v, %v", len(got), len(want), got, want)
			}
			one, two := dry[h.ref.Name], real[h.ref.Name]
			if one.Total != two.Total || one.Retained != two.Retained || preview.Covered && (preview.Retained != two.Retained || preview.Total != two.Total) {
				rt.Fatalf("dry %d of %d, real %d of %d, preview %d of %d", one.Retained, one.Total, two.Retained, two.Total, preview.Retained, preview.Total)
			}
			if again := w.carryOut(policy, false)[h.ref.Name]; again.Total < again.Retained {
				rt.Fatalf("a second run: %+v", again)
			}
		})
	})
}

// fix has tags of a repository not be deleted, until the end.
func (w *world) fix(repository, tags string) (end func()) {
	w.Helper()
	id, err := w.rules.Create(ctx, ann, "alpha", immutable.Rule{
		ProjectID: 1, NoDelete: true, Tags: []immutable.Selector{{Decoration: immutable.Matches, Pattern: tags}},
		Scope: map[string][]immutable.Selector{immutable.ByRepository: {{Decoration: immutable.RepoMatches, Pattern: repository}}},
	})
	w.ok(err)
	return func() { w.ok(w.rules.Delete(ctx, ann, "alpha", 1, id, false)) }
}

// replace makes rules the project's policy; what can't be is an error.
func (w *world) replace(rules []Rule) (int64, error) {
	if _, err := (Policy{Rules: rules}).checked(); err != nil {
		return 0, err
	}
	return w.policy(rules...), nil
}

// Ten thousand tags, each template, decided as the model decides; and one of them carried out.
func TestTenThousandTags(t *testing.T) {
	const many = 10_000
	each(t, func(w *world) {
		ref := repository("large")
		w.image(ref, "seed", "seed")
		m := w.fill(ref, many)
		for _, template := range templates {
			r := modelRule{template: template, n: 40, prefix: "v1"}
			if strings.HasPrefix(template, "latest") {
				r.n = 700
			}
			rules, _, err := rulesOf([]Rule{r.rule(ref.Name)})
			w.ok(err)
			began := time.Now()
			p, err := w.planFor(ctx, ref, rules, w.now())
			w.ok(err)
			took := time.Since(began)
			want := m.retained(r, w.now())
			if p.total != many+1 || p.total-int64(len(p.doomed)) != int64(len(want)) {
				w.Errorf("%s: %d of %d stay, by the model %d", template, p.total-int64(len(p.doomed)), p.total, len(want))
			}
			w.Logf("%s: %d of %d stay, decided in %v", template, len(want), p.total, took)
		}
		w.work()
		was := w.state(ref)
		r := modelRule{template: LatestActive, n: many - 1000, prefix: ""}
		began := time.Now()
		done := w.carryOut(w.policy(r.rule(ref.Name)), false)["large"]
		w.Logf("deleted %d of %d in %v", done.Total-done.Retained, done.Total, time.Since(began))
		want := map[oci.Digest]bool{}
		for _, a := range m.retained(r, w.now()) {
			want[a.d.Digest] = true
		}
		if got := w.digests(ref); !maps.Equal(got, want) {
			w.Errorf("left are %d, by the model %d", len(got), len(want))
		}
		began = time.Now()
		if undone := w.undo(ref, 0); !undone || !slices.Equal(w.state(ref), was) {
			w.Errorf("undone: %v, the repository isn't what it was", undone)
		}
		w.Logf("undone in %v", time.Since(began))
	})
}

// fill writes artifacts with a tag each as rows, which pushes would take minutes for, and the model of them.
func (w *world) fill(ref registry.Ref, n int) *model {
	w.Helper()
	m := &model{}
	for _, d := range slices.Sorted(maps.Keys(w.digests(ref))) {
		m.all = append(m.all, &manifest{d: oci.Descriptor{Digest: d}, pushed: w.now(), tags: map[string]*tag{"seed": {pushed: w.now()}}})
	}
	w.pass(365 * 24 * time.Hour)
	first := w.now().AddDate(0, 0, -100)
	var contents, manifests, tags []string
	flush := func() {
		w.exec(`INSERT INTO manifest_content (digest, content) SELECT x.digest, c.content FROM (` + strings.Join(contents, " UNION ALL ") + `) AS x, (SELECT content FROM manifest_content LIMIT 1) AS c`)
		w.exec(`INSERT INTO manifest (repository_id, project_id, digest, media_type, type, size, content_size, pushed_at, used_at, listed, tagged) VALUES ` + strings.Join(manifests, ", "))
		w.exec(`INSERT INTO tag (repository_id, manifest_id, name, pushed_at) SELECT 1, m.id, x.name, x.pushed_at
			FROM (` + strings.Join(tags, " UNION ALL ") + `) AS x JOIN manifest m ON m.digest = x.digest`)
		contents, manifests, tags = nil, nil, nil
	}
	for i := range n {
		// Times that don't follow the order of the ids.
		pushed := first.Add(time.Duration(i*7919%n) * 14 * time.Minute)
		a := &manifest{d: oci.Descriptor{Digest: oci.SHA256Of([]byte(fmt.Sprint(i)))}, pushed: pushed, tags: map[string]*tag{}}
		used := int64(0)
		if i%3 == 0 {
			a.used = pushed.Add(time.Duration(i*104729%n) * time.Minute)
			used = a.used.UnixMicro()
		}
		name := fmt.Sprintf("v%d", i)
		a.tags[name] = &tag{pushed: pushed}
		m.all = append(m.all, a)
		contents = append(contents, fmt.Sprintf(`SELECT '%s' AS digest`, a.d.Digest))
		manifests = append(manifests, fmt.Sprintf(`(1, 1, '%s', '%s', 'IMAGE', 2, 2, %d, %d, TRUE, TRUE)`, a.d.Digest, oci.MediaTypeImageManifest, pushed.UnixMicro(), used))
		tags = append(tags, fmt.Sprintf(`SELECT '%s' AS digest, '%s' AS name, CAST(%d AS BIGINT) AS pushed_at`, a.d.Digest, name, pushed.UnixMicro()))
		if len(contents) == 200 {
			flush()
		}
	}
	w.exec(`UPDATE repository SET artifact_count = (SELECT COUNT(*) FROM manifest)`)
	w.exec(`INSERT INTO project_usage (project_id, shard, bytes) VALUES (1, 99, $1)`, cmp.Or(2*int64(n), 1))
	return m
}
