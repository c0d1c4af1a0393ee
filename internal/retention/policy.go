package retention

import (
	"encoding/json"
	"math"
	"slices"
	"time"

	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/selector"
)

// Harbor's words.
const (
	algorithmOr  = "or"
	actionRetain = "retain"
	doublestar   = "doublestar"
	matches      = "matches"
	excludes     = "excludes"
	repoMatches  = "repoMatches"
	repoExcludes = "repoExcludes"
	byRepository = "repository"
)

// The templates of rules. A parameter has the template's name.
const (
	LatestPushed     = "latestPushedK"
	LatestPulled     = "latestPulledN"
	SincePush        = "nDaysSinceLastPush"
	SincePull        = "nDaysSinceLastPull"
	Always           = "always"
	LatestActive     = "latestActiveK" // these are not listed, as in Harbor
	PushedInLastDays = "lastXDays"
	Nothing          = "nothing"
)

const (
	maxRules     = 15
	maxSelectors = 10
	maxParameter = 32_767
	maxWord      = 256
	// maxEncoded bounds the rules of a policy as JSON, in bytes. An execution carries those of two, and what it has deleted.
	maxEncoded   = 32 << 10
	defaultCount = 10
	defaultDays  = 30
	defaultLastX = 10
)

// Selector is a pattern as Harbor's clients write it. Extras is JSON in a text: {"untagged":true}.
type Selector = event.RetentionSelector

// Rule retains artifacts.
type Rule struct {
	ID       int                   `json:"id"` // its place
	Priority int                   `json:"priority"`
	Disabled bool                  `json:"disabled"`
	Action   string                `json:"action"`
	Template string                `json:"template"`
	Params   map[string]any        `json:"params"`
	Tags     []Selector            `json:"tag_selectors"`   // an artifact that all of them choose is selected
	Scope    map[string][]Selector `json:"scope_selectors"` // a repository that all of "repository" choose is covered
}

// Policy is a project's rules, and when they are carried out.
type Policy struct {
	ID, ProjectID int64
	Algorithm     string
	TriggerKind   string
	Cron          string // "": by hand only
	Rules         []Rule
	CreatedAt     time.Time
	UpdatedAt     time.Time
}

// checked is the policy as it is stored, or a fault.Invalid, or a fault.Conflict of two rules that are the same.
func (p Policy) checked() (Policy, error) {
	if p.Algorithm == "" {
		p.Algorithm = algorithmOr
	}
	switch {
	case p.Algorithm != algorithmOr:
		return p, fault.Invalidf("the algorithm is or")
	case len(p.TriggerKind) > maxWord:
		return p, fault.Invalidf("the trigger's kind has at most %d bytes", maxWord)
	case len(p.Rules) > maxRules:
		return p, fault.Invalidf("only %d rules are allowed at most", maxRules)
	}
	p.Rules = slices.Clone(p.Rules)
	for i := range p.Rules {
		p.Rules[i].ID = i
		if _, err := p.Rules[i].compiled(); err != nil {
			return p, err
		}
		for j := range i {
			if p.Rules[i].same(p.Rules[j]) {
				return p, fault.Conflictf("rule %d is conflict with rule %d", i, j)
			}
		}
	}
	if size := len(encode(p.Rules)); size > maxEncoded {
		return p, fault.Invalidf("the rules of a policy have at most %d bytes as JSON, these have %d", maxEncoded, size)
	}
	return p, nil
}

func (r Rule) same(other Rule) bool {
	r.ID, other.ID, r.Priority, other.Priority = 0, 0, 0, 0
	return encode(r) == encode(other)
}

func encode(v any) string {
	text, err := json.Marshal(v)
	if err != nil { // what was decoded from JSON
		return "null"
	}
	return string(text)
}

// matcher is a selector that is ready to be asked.
type matcher struct {
	*selector.Selector
	excludes bool
	untagged bool // artifacts without a tag are chosen
}

// chooses reports whether an artifact with these tags is chosen: one of them is.
func (m matcher) chooses(tags []string) bool {
	if len(tags) == 0 {
		return m.untagged
	}
	return slices.ContainsFunc(tags, m.choosesOne)
}

func (m matcher) choosesOne(name string) bool { return m.Match(name) != m.excludes }

func compile(s Selector, yes, no string) (m matcher, err error) {
	if s.Kind != "" && s.Kind != doublestar {
		return m, fault.Invalidf("a selector's kind is %s", doublestar)
	}
	if s.Decoration != yes && s.Decoration != no {
		return m, fault.Invalidf("a selector's decoration is %s or %s", yes, no)
	}
	m.excludes = s.Decoration == no
	// Of excludes those without a tag are chosen unless untagged is true; without a word both kinds choose them.
	m.untagged = true
	if s.Extras != "" {
		var extras struct {
			Untagged *bool `json:"untagged"`
		}
		if err := json.Unmarshal([]byte(s.Extras), &extras); err != nil {
			return m, fault.Invalidf(`a selector's extras are a JSON object in a text, such as {"untagged":true}`)
		}
		if extras.Untagged != nil {
			m.untagged = *extras.Untagged != m.excludes
		}
	}
	m.Selector, err = selector.Compile(s.Pattern)
	return m, err
}

// rule is a Rule that is ready to be asked.
type rule struct {
	template     string
	n            int
	repositories []matcher
	tags         []matcher
}

func (r Rule) compiled() (c rule, err error) {
	c.template = r.Template
	if r.Action != "" && r.Action != actionRetain {
		return c, fault.Invalidf("a rule's action is %s", actionRetain)
	}
	if c.n, err = r.parameter(); err != nil {
		return c, err
	}
	if n := len(r.Scope[byRepository]); len(r.Tags) == 0 || len(r.Tags) > maxSelectors || n == 0 || n > maxSelectors || len(r.Scope) > maxSelectors {
		return c, fault.Invalidf("a rule has from 1 to %d selectors of tags and of repositories", maxSelectors)
	}
	for _, s := range r.Tags {
		m, err := compile(s, matches, excludes)
		if err != nil {
			return c, err
		}
		c.tags = append(c.tags, m)
	}
	for _, s := range r.Scope[byRepository] {
		m, err := compile(s, repoMatches, repoExcludes)
		if err != nil {
			return c, err
		}
		c.repositories = append(c.repositories, m)
	}
	return c, nil
}

// parameter is the number that the template takes.
func (r Rule) parameter() (int, error) {
	var missing int
	switch r.Template {
	case LatestPushed, LatestPulled, LatestActive:
		missing = defaultCount
	case SincePush, SincePull:
		missing = defaultDays
	case PushedInLastDays:
		missing = defaultLastX
	case Always, Nothing:
		return 0, nil
	default:
		return 0, fault.Invalidf("there is no rule template of this name")
	}
	sent, found := r.Params[r.Template]
	if !found || sent == nil {
		return missing, nil
	}
	n, isNumber := sent.(float64)
	if whole, ok := sent.(int); ok {
		n, isNumber = float64(whole), true
	}
	if !isNumber || math.Trunc(n) != n || n < 0 || n >= maxParameter {
		return 0, fault.Invalidf("%s takes a whole number from 0 to %d", r.Template, maxParameter-1)
	}
	return int(n), nil
}

// rulesOf are the rules that aren't disabled, with their places.
func rulesOf(all []Rule) (rules []rule, places []int, err error) {
	for i, r := range all {
		if r.Disabled {
			continue
		}
		c, err := r.compiled()
		if err != nil {
			return nil, nil, err
		}
		rules, places = append(rules, c), append(places, i)
	}
	return rules, places, nil
}

func (r rule) covers(repository string) bool {
	for _, m := range r.repositories {
		if !m.choosesOne(repository) {
			return false
		}
	}
	return true
}

func (r rule) selects(tags []string) bool {
	for _, m := range r.tags {
		if !m.chooses(tags) {
			return false
		}
	}
	return true
}

func covered(rules []rule, repository string) bool {
	return slices.ContainsFunc(rules, func(r rule) bool { return r.covers(repository) })
}
