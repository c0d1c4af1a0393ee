package declared

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/havenregistry/haven/internal/fault"
)

// Action is what becomes of an object.
type Action string

// The actions.
const (
	Create Action = "create"
	Change Action = "change"
	Delete Action = "delete"
)

// Difference is one field of an object. Old is empty where there is nothing yet, and both are words where it is a secret.
type Difference struct {
	Field string `json:"field"`
	Old   string `json:"old,omitempty"`
	New   string `json:"new"`
}

// Step is what is to be done with one object.
type Step struct {
	Action      Action       `json:"action"`
	Object      string       `json:"object"` // registries/hub, projects/team/robots/ci
	Differences []Difference `json:"differences,omitempty"`

	kind kind
	want want
	refs map[string]reference // the secrets that are to be set
}

// Plan is all that is to be done, in order.
type Plan struct {
	Steps []Step   `json:"steps"`
	Notes []string `json:"notes,omitempty"` // what pruning leaves, and why
}

// Empty reports whether there is nothing to be done.
func (p Plan) Empty() bool { return len(p.Steps) == 0 }

// planner makes a plan.
type planner struct {
	*session
	prune    bool
	plan     Plan
	removals []Step
	created  map[string]bool // projects that are to be made
	problems []error
}

// Plan says what differs between a document and a registry. prune says that what a list of the document doesn't have is to go.
func (a *API) Plan(ctx context.Context, d *Document, prune bool) (Plan, error) {
	p, err := a.planned(ctx, d, prune)
	if err != nil {
		return Plan{}, err
	}
	return p.plan, nil
}

func (a *API) planned(ctx context.Context, d *Document, prune bool) (*planner, error) {
	s, err := a.session(ctx)
	if err != nil {
		return nil, err
	}
	p := &planner{session: s, prune: prune, created: map[string]bool{}, plan: Plan{Steps: []Step{}}}
	for _, list := range d.lists {
		if err := p.list(ctx, list); err != nil {
			return nil, fmt.Errorf("compare %s: %w", strings.TrimSuffix(list.kind.place(list.home, ""), "/"), err)
		}
	}
	if len(p.problems) > 0 {
		return nil, errors.Join(p.problems...)
	}
	slices.Reverse(p.removals)
	p.plan.Steps = append(p.plan.Steps, p.removals...)
	return p, nil
}

// list compares a list of the document with the registry's.
func (p *planner) list(ctx context.Context, l objects) error {
	names := map[string]bool{}
	for _, o := range l.objects {
		names[o.name] = true
	}
	var there []object
	if !p.created[l.home] || l.home == "" {
		var err error
		if there, err = l.kind.list(ctx, p.session, l.home, func(name string) bool { return names[name] }); err != nil {
			return err
		}
	}
	for _, o := range l.objects {
		i := slices.IndexFunc(there, func(have object) bool { return have.name == o.name })
		if i < 0 {
			p.create(l.kind, o)
		} else {
			p.change(l.kind, o, there[i])
		}
	}
	if !p.prune || l.kind.remove == nil {
		return nil
	}
	slices.SortFunc(there, func(a, b object) int { return strings.Compare(b.name, a.name) })
	for _, have := range there {
		place := l.kind.place(l.home, have.name)
		switch {
		case names[have.name]:
		case have.keep != "":
			p.plan.Notes = append(p.plan.Notes, place+" stays: "+have.keep)
		default:
			have.home = l.home
			p.removals = append(p.removals, Step{Action: Delete, Object: place, kind: l.kind, want: want{have: have}})
		}
	}
	return nil
}

func (p *planner) problem(place string, err error) {
	p.problems = append(p.problems, fmt.Errorf("%s: %w", place, err))
}

func (p *planner) create(k kind, o object) {
	if k.section == projectSection && !k.inProject {
		p.created[o.name] = true
	}
	p.step(k, Create, o, object{})
}

func (p *planner) change(k kind, o, have object) { p.step(k, Change, o, have) }

// step adds what is to be done with an object, if there is anything.
func (p *planner) step(k kind, action Action, o, have object) {
	place := k.place(o.home, o.name)
	s := Step{Action: action, Object: place, kind: k, refs: map[string]reference{}}
	s.want = want{object: o, have: have, full: have.values.over(o.values), changed: map[string]bool{}, secret: map[string]due{}}
	if k.check != nil {
		if err := k.check(o.values, s.want.full); err != nil {
			p.problem(place, err)
			return
		}
	}
	for _, f := range k.fields {
		said, isSaid := o.values[f.name]
		if !isSaid || f.form == hidden {
			continue
		}
		if why, is := have.values[f.name].(beyond); is {
			p.problem(place, fault.Invalidf("%s: %s, which a document can't say: change that at the registry, or leave this out", f.name, string(why)))
			continue
		}
		differences := f.differences(have.values[f.name], said, f.name)
		if len(differences) == 0 {
			continue
		}
		if f.fixed && action == Change {
			d := differences[0]
			p.problem(place, fault.Invalidf("%s can't change (%s -> %s): delete the object, or give this one another name", d.Field, d.Old, d.New))
		}
		s.want.changed[f.name] = true
		if f.name != "name" { // which the step has
			s.Differences = append(s.Differences, differences...)
		}
	}
	p.secrets(k, &s)
	if action == Create || len(s.want.changed) > 0 {
		p.plan.Steps = append(p.plan.Steps, s)
	}
}

// secrets adds those that are to be set.
func (p *planner) secrets(k kind, s *Step) {
	for _, f := range k.fields {
		ref, said := s.want.values[f.name].(reference)
		if !said {
			continue
		}
		if why := p.secretIsDue(f, ref, *s); why != "" {
			s.refs[f.name], s.want.changed[f.name] = ref, true
			s.Differences = append(s.Differences, Difference{Field: f.name, New: fmt.Sprintf("(%s; %s)", why, ref)})
		}
	}
}

// secretIsDue says why a secret is to be set, "" if it isn't.
func (p *planner) secretIsDue(f field, ref reference, s Step) string {
	if s.Action == Create {
		return "set"
	}
	if there, known := s.want.have.secrets[f.name]; known && !there {
		return "set: there is none"
	}
	for _, name := range f.boundTo {
		if s.want.changed[name] {
			return "set again: " + name + " changes"
		}
	}
	if before := p.version(s.Object + "/" + f.name); before != ref.version {
		return "changed: version " + before + " -> " + ref.version
	}
	return ""
}

// differences are where a field is not as it is to be. Of a record only what is said counts.
func (f field) differences(have, said any, path string) (all []Difference) {
	wanted, isRecord := said.(values)
	if !isRecord {
		if have != nil && f.same(have, said) || have == nil && (nothing(said) || f.usual != nil && f.same(f.usual, said)) {
			return nil
		}
		d := Difference{Field: path, New: show(said)}
		if have != nil {
			d.Old = show(have)
		}
		if d.Old == d.New {
			d.New += " (they differ further on)"
		}
		return []Difference{d}
	}
	had, _ := have.(values)
	for _, inner := range f.fields {
		if v, isSaid := wanted[inner.name]; isSaid {
			all = append(all, inner.differences(had[inner.name], v, path+"."+inner.name)...)
		}
	}
	return all
}

// maxShown bounds what is shown of a value, in bytes.
const maxShown = 160

// show is a value in one line that no terminal takes for anything else.
func show(v any) string {
	var b strings.Builder
	for _, r := range canonical(v) {
		if b.Len() > maxShown {
			b.WriteString("…")
			break
		}
		if r != utf8.RuneError && unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// plain is words of the registry or the document as a line of a terminal.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, s)
}

// Print writes the plan for people.
func (p Plan) Print(w io.Writer) error {
	marks := map[Action]string{Create: "+", Change: "~", Delete: "-"}
	counts := map[Action]int{}
	var b strings.Builder
	for _, s := range p.Steps {
		counts[s.Action]++
		fmt.Fprintf(&b, "%s %s %s\n", marks[s.Action], s.Action, plain(s.Object))
		for _, d := range s.Differences {
			if d.Old != "" {
				fmt.Fprintf(&b, "    %s: %s -> %s\n", d.Field, d.Old, plain(d.New))
			} else {
				fmt.Fprintf(&b, "    %s: %s\n", d.Field, plain(d.New))
			}
		}
	}
	for _, n := range p.Notes {
		fmt.Fprintf(&b, "  %s\n", plain(n))
	}
	if p.Empty() {
		b.WriteString("Nothing differs.\n")
	} else {
		fmt.Fprintf(&b, "%d to create, %d to change, %d to delete\n", counts[Create], counts[Change], counts[Delete])
	}
	_, err := io.WriteString(w, b.String())
	return err
}
