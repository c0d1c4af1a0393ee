package immutable

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/selector"
)

// Harbor's words for how a selector chooses.
const (
	Doublestar   = "doublestar"
	Matches      = "matches"
	Excludes     = "excludes"
	RepoMatches  = "repoMatches"
	RepoExcludes = "repoExcludes"

	// ByRepository is the only key of scope selectors that counts.
	ByRepository = "repository"
)

// Selector is a pattern as Harbor's clients write it.
type Selector struct {
	Kind       string `json:"kind"`
	Decoration string `json:"decoration"`
	Pattern    string `json:"pattern"`
	Extras     string `json:"extras,omitempty"` // means nothing here
}

// Rule says what may not happen to the tags that it chooses.
type Rule struct {
	ID, ProjectID int64
	Priority      int
	Disabled      bool
	Action        string // as a client sent it, and so Template and Params; they mean nothing
	Template      string
	Params        map[string]any
	Tags          []Selector            // the first counts, as in Harbor
	Scope         map[string][]Selector // the first of ByRepository counts

	NoMove, NoDelete bool
	HoldUntil        time.Time // zero: it holds nothing
	Reason           string    // for people
	CreatedBy        string
	CreatedAt        time.Time
	UpdatedAt        time.Time
	Release          Release
}

// Release is the word of the first of the two administrators who end a hold before its time.
type Release struct {
	By, Reason string
	account    int64
	At         time.Time // zero: nobody has asked
}

// Harbors reports whether it is what Harbor calls an immutable tag rule.
func (r Rule) Harbors() bool { return r.NoMove && r.NoDelete && r.HoldUntil.IsZero() }

// Holds reports whether it is a hold that hasn't ended.
func (r Rule) Holds(now time.Time) bool { return now.Before(r.HoldUntil) }

// Bounds of rules.
const (
	maxRules     = 100 // of a project
	maxSelectors = 10
	maxWord      = 256
	maxReason    = 1024
	maxParams    = 4096
	// maxHold is how far ahead the end of a hold may lie. It may be put off again and again.
	maxHold = 10 * 366 * 24 * time.Hour
)

// matcher is a selector that is ready to be asked.
type matcher struct {
	*selector.Selector
	excludes bool
}

func (m matcher) chooses(name string) bool { return m.Match(name) != m.excludes }

func (m matcher) String() string {
	text := m.Selector.String()
	if text == "" {
		text = "**"
	}
	if m.excludes {
		return "all but " + text
	}
	return text
}

func compile(what string, all []Selector, matches, excludes string) (matcher, error) {
	if len(all) == 0 || len(all) > maxSelectors {
		return matcher{}, fault.Invalidf("a rule has from 1 to %d selectors of %s", maxSelectors, what)
	}
	s := all[0]
	if s.Kind != "" && s.Kind != Doublestar {
		return matcher{}, fault.Invalidf("a selector's kind is %s", Doublestar)
	}
	if s.Decoration != matches && s.Decoration != excludes {
		return matcher{}, fault.Invalidf("the decoration of a selector of %s is %s or %s", what, matches, excludes)
	}
	compiled, err := selector.Compile(s.Pattern)
	return matcher{compiled, s.Decoration == excludes}, err
}

// compiled is a rule that is ready to be asked.
type compiled struct {
	id                 int64
	repositories, tags matcher
	noMove, noDelete   bool
	holdUntil          time.Time
}

func (r Rule) compiled() (c compiled, err error) {
	c = compiled{id: r.ID, noMove: r.NoMove, noDelete: r.NoDelete, holdUntil: r.HoldUntil}
	if c.tags, err = compile("tags", r.Tags, Matches, Excludes); err != nil {
		return c, err
	}
	c.repositories, err = compile("repositories", r.Scope[ByRepository], RepoMatches, RepoExcludes)
	return c, err
}

// check refuses a rule that can't be.
func (r Rule) check(now time.Time) error {
	if _, err := r.compiled(); err != nil {
		return err
	}
	if len(r.Scope) > maxSelectors {
		return fault.Invalidf("a rule has at most %d kinds of scope selectors", maxSelectors)
	}
	for _, all := range r.Scope {
		if len(all) > maxSelectors {
			return fault.Invalidf("a rule has at most %d selectors of a kind", maxSelectors)
		}
	}
	if len(r.Action) > maxWord || len(r.Template) > maxWord || len(r.Reason) > maxReason {
		return fault.Invalidf("a rule's action and template have at most %d bytes, its reason %d", maxWord, maxReason)
	}
	if len(encode(r.Params)) > maxParams {
		return fault.Invalidf("a rule's params have at most %d bytes", maxParams)
	}
	if !r.NoMove && !r.NoDelete && r.HoldUntil.IsZero() {
		return fault.Invalidf("a rule forbids moving, deleting, or holds until a time")
	}
	if r.Holds(now) && r.Disabled {
		return fault.Invalidf("a rule that holds can't be disabled")
	}
	if r.HoldUntil.Sub(now) > maxHold {
		return fault.Invalidf("a hold ends within ten years; it can be made longer later")
	}
	return nil
}

// says is the same for rules that say the same: what they choose and forbid, whether in force or not. How long a hold lasts
// makes no other rule of it.
func (r Rule) says() string {
	sum := sha256.Sum256([]byte(encode([]any{r.Tags, r.Scope, r.NoMove, r.NoDelete, !r.HoldUntil.IsZero()})))
	return hex.EncodeToString(sum[:])
}

func encode(v any) string {
	text, err := json.Marshal(v)
	if err != nil { // what was decoded from JSON
		return "null"
	}
	return string(text)
}

// Refusal is what a rule refuses.
type Refusal struct {
	Rule            int64
	Repository, Tag string // without the project
	Moving          bool   // else deleting
	HoldUntil       time.Time
	About           string // which tags the rule is about
}

// Error is what Harbor says, and which rule it is.
func (r *Refusal) Error() string {
	var b strings.Builder
	switch {
	case !r.HoldUntil.IsZero():
		fmt.Fprintf(&b, "the tag %s of %s is under a legal hold until %s: nobody may move or delete it before, administrators neither",
			r.Tag, r.Repository, r.HoldUntil.UTC().Format(time.RFC3339))
	case r.Moving:
		fmt.Fprintf(&b, "Failed to process request due to '%s:%s' configured as immutable.", r.Repository, r.Tag)
	default:
		fmt.Fprintf(&b, "the tag %s configured as immutable, cannot be deleted", r.Tag)
	}
	fmt.Fprintf(&b, " (rule %d: %s)", r.Rule, r.About)
	return b.String()
}

// Protected is what protects the tags of one repository. nil protects none.
type Protected struct {
	repository string
	rules      []compiled
	now        time.Time
}

// MayMove returns a *Refusal where a tag that is there may not point to something else.
func (p *Protected) MayMove(tag string) error { return p.ask(tag, true) }

// MayDelete returns a *Refusal where a tag that is there may not go.
func (p *Protected) MayDelete(tag string) error { return p.ask(tag, false) }

// Any reports whether a rule protects the tag from anything.
func (p *Protected) Any(tag string) bool { return p.MayMove(tag) != nil || p.MayDelete(tag) != nil }

// HoldsAny reports whether a hold is about some tags of the repository.
func (p *Protected) HoldsAny() bool {
	if p == nil {
		return false
	}
	for _, r := range p.rules {
		if p.now.Before(r.holdUntil) {
			return true
		}
	}
	return false
}

// Held returns a *Refusal where the tag is under a hold.
func (p *Protected) Held(tag string) error {
	if found := p.find(tag, false, true); found != nil {
		return found
	}
	return nil
}

// ask prefers a hold to other rules: it says most.
func (p *Protected) ask(tag string, moving bool) error {
	for _, holds := range []bool{true, false} {
		if found := p.find(tag, moving, holds); found != nil {
			return found
		}
	}
	return nil
}

func (p *Protected) find(tag string, moving, holds bool) *Refusal {
	if p == nil {
		return nil
	}
	for _, r := range p.rules {
		forbids := !moving && r.noDelete || moving && r.noMove
		if holds {
			forbids = p.now.Before(r.holdUntil)
		}
		if !forbids || !r.tags.chooses(tag) {
			continue
		}
		found := &Refusal{Rule: r.id, Repository: p.repository, Tag: tag, Moving: moving, About: "tags " + r.tags.String() + " of " + r.repositories.String()}
		if holds {
			found.HoldUntil = r.holdUntil
		}
		return found
	}
	return nil
}
