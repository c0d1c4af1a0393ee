package preheat

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/selector"
)

// The triggers, in Harbor's words.
const (
	Manual     = "manual"
	Scheduled  = "scheduled"
	EventBased = "event_based"
)

// Policy is which images of a project an instance fetches, and when.
type Policy struct {
	ID           int64
	ProjectID    int64
	Name         string
	Description  string
	Instance     int64
	InstanceName string // of one that was read
	Filters      string // JSON as it was sent
	Trigger      string
	Cron         string
	Extra        string // JSON as it was sent; "" for none
	Enabled      bool
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// The filters, in Harbor's words.
const (
	byRepository    = "repository"
	byTag           = "tag"
	byLabel         = "label"
	byVulnerability = "vulnerability"
	bySignature     = "signature"
)

const (
	maxFilters = 20
	maxText    = 8 << 10
)

// filters are those of a policy, ready to be asked. An image must pass all of them.
type filters struct {
	repositories, tags []*selector.Selector
	labels             []string // it has all of these
	below              *int     // the code of a severity: what was found is less bad
	signed             bool
}

// rule is a filter as it is sent.
type rule struct {
	Type  string          `json:"type"`
	Value json.RawMessage `json:"value"`
}

// parseFilters reads filters. The refusal is a fault.Invalid.
func parseFilters(text string) (f filters, err error) {
	if text == "" {
		return f, nil
	}
	var rules []rule
	if len(text) > maxText || json.Unmarshal([]byte(text), &rules) != nil || len(rules) > maxFilters {
		return f, fault.Invalidf("filters are a text of JSON: a list of at most %d objects with type and value", maxFilters)
	}
	for _, r := range rules {
		if err := f.add(r); err != nil {
			return f, err
		}
	}
	return f, nil
}

func (f *filters) add(r rule) error {
	var text string
	var number int
	var truth bool
	bad := func(want string) error { return fault.Invalidf("the value of a %s filter is %s", r.Type, want) }
	switch r.Type {
	case byRepository, byTag:
		if json.Unmarshal(r.Value, &text) != nil {
			return bad("a pattern")
		}
		s, err := selector.Compile(text)
		if err != nil {
			return fault.Invalidf("the value of a %s filter: %v", r.Type, err)
		}
		if r.Type == byRepository {
			f.repositories = append(f.repositories, s)
		} else {
			f.tags = append(f.tags, s)
		}
	case byLabel:
		if json.Unmarshal(r.Value, &text) != nil {
			return bad("names with commas between them")
		}
		for _, name := range strings.Split(text, ",") {
			if name = strings.TrimSpace(name); name != "" {
				f.labels = append(f.labels, name)
			}
		}
	case byVulnerability:
		if json.Unmarshal(r.Value, &number) != nil || number < 0 || number > unjudged {
			return bad("the number of a severity, from 0 (none) to 5 (critical)")
		}
		f.below = &number
	case bySignature:
		if json.Unmarshal(r.Value, &truth) != nil {
			return bad("true or false")
		}
		f.signed = truth
	default:
		return fault.Invalidf("the type of a filter is repository, tag, label, vulnerability or signature")
	}
	return nil
}

// unjudged is worse than any severity: what an image has that nobody has looked at.
const unjudged = 99

// names reports whether a repository, without its project, and a tag match.
func (f filters) names(repository, tag string) bool { return f.covers(repository) && all(f.tags, tag) }

func (f filters) covers(repository string) bool { return all(f.repositories, repository) }

func all(patterns []*selector.Selector, name string) bool {
	for _, p := range patterns {
		if !p.Match(name) {
			return false
		}
	}
	return true
}

// Facts are what is known of an image.
type Facts struct {
	Labels   []string
	Severity int  // Harbor's number of the worst finding: 0 none to 5 critical; 99 where it wasn't scanned
	Signed   bool // as the project's policy for signatures demands; without one, by anybody
	Refused  string
}

// passes is "" for an image that passes, else why it doesn't.
func (f filters) passes(known Facts) string {
	for _, name := range f.labels {
		if !slices.Contains(known.Labels, name) {
			return "it doesn't have the label " + name
		}
	}
	switch {
	case f.below != nil && known.Severity == unjudged:
		return "it has not been scanned"
	case f.below != nil && known.Severity > 0 && known.Severity >= *f.below:
		return "its vulnerabilities are too severe"
	case f.signed && !known.Signed:
		return "it is not signed"
	case known.Refused != "":
		return "it may not be pulled: " + known.Refused
	}
	return ""
}

// trigger is one as it is sent.
type trigger struct {
	Type    string `json:"type"`
	Setting struct {
		Cron string `json:"cron"`
	} `json:"trigger_setting"`
}

// ParseTrigger reads a trigger as it is sent; "" is by hand. The refusal is a fault.Invalid.
func ParseTrigger(text string) (kind, cron string, err error) {
	if text == "" {
		return Manual, "", nil
	}
	var t trigger
	if len(text) > maxText || json.Unmarshal([]byte(text), &t) != nil {
		return "", "", fault.Invalidf("the trigger is a text of JSON: an object with type and trigger_setting")
	}
	switch t.Type {
	case "", Manual:
		return Manual, "", nil
	case EventBased:
		return EventBased, "", nil
	case Scheduled:
		_, err := job.ParseCron(t.Setting.Cron)
		return Scheduled, t.Setting.Cron, err
	}
	return "", "", fault.Invalidf("the trigger is manual, scheduled or event_based")
}

// TriggerText is a policy's trigger as it is shown.
func (p Policy) TriggerText() string {
	t := trigger{Type: p.Trigger}
	t.Setting.Cron = p.Cron
	text, err := json.Marshal(t)
	if err != nil { // texts
		return ""
	}
	return string(text)
}

// extra is what is known of extra_attrs.
type extra struct {
	Scope    string  `json:"scope"`
	Clusters []int64 `json:"cluster_ids"`
}

// maxClusters bounds the clusters of a policy.
const maxClusters = 100

func parseExtra(text string) (e extra, err error) {
	if text == "" {
		return e, nil
	}
	if len(text) > maxText || json.Unmarshal([]byte(text), &e) != nil || len(e.Clusters) > maxClusters {
		return e, fault.Invalidf("extra_attrs are a text of JSON: an object with scope and cluster_ids")
	}
	if !slices.Contains([]string{"", "single_peer", "single_seed_peer", "all_seed_peers", "all_peers"}, e.Scope) {
		return e, fault.Invalidf("the scope is single_seed_peer, all_seed_peers or all_peers")
	}
	if e.Scope == "single_peer" { // Harbor's word
		e.Scope = "single_seed_peer"
	}
	return e, nil
}

// check refuses a policy that can't be carried out, by a fault.Invalid.
func (p Policy) check() error {
	if !validName(p.Name) {
		return fault.Invalidf("the name of a policy is letters and digits, with single dots, dashes and underscores between them")
	}
	if len(p.Description) > maxDescription {
		return fault.Invalidf("the description has more than %d bytes", maxDescription)
	}
	if _, err := parseFilters(p.Filters); err != nil {
		return err
	}
	_, err := parseExtra(p.Extra)
	return err
}
