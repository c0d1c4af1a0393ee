package replication

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/replication/remote"
	"github.com/havenregistry/haven/internal/selector"
)

// Local is the id of the registry that this Haven is.
const Local int64 = 0

// Trigger says when a policy is carried out.
type Trigger string

// The triggers, in Harbor's words.
const (
	Manual     Trigger = "manual"
	Scheduled  Trigger = "scheduled"
	EventBased Trigger = "event_based"
)

// Policy says what is copied from where to where, and when.
type Policy struct {
	ID          int64
	Name        string
	Description string
	Source      int64 // a registry's id, or Local
	SourceHere  bool  // the source is this Haven, by its id or its address
	Destination int64
	// Namespace takes the place of the first ReplaceCount parts of a repository's name, of all but the last for -1; "" keeps the name.
	Namespace    string
	ReplaceCount int
	Trigger      Trigger
	Cron         string
	Filters      []Filter
	Deletion     bool // what the source lost, the destination loses
	Override     bool // a tag that exists at the destination moves
	Enabled      bool
	Speed        int64 // KB/s of each task; 0: as fast as it goes
	CopyByChunk  bool
	SingleActive bool // a run that is to begin while another one goes on is left out
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// Filter narrows what is copied.
type Filter struct {
	Type   string   `json:"type"`
	Value  string   `json:"value,omitempty"`
	Labels []string `json:"labels,omitempty"` // of a label filter: all of them
	// Decoration is Matches or Excludes; "" is Matches.
	Decoration string `json:"decoration,omitempty"`
}

// What filters look at, and how.
const (
	ByName     = "name"
	ByTag      = "tag"
	ByLabel    = "label"
	ByResource = "resource"

	Matches  = "matches"
	Excludes = "excludes"

	// ImagesOnly and AllArtifacts are the values of ByResource.
	ImagesOnly   = "image"
	AllArtifacts = "artifact"
)

// Bounds of a policy.
const (
	maxName        = 256
	maxDescription = 1024
	maxFilters     = 32
	maxLabels      = 64
	maxReplace     = 32
	chunkSize      = 10 << 20 // bytes of one request, of a copy by chunks
)

// invalidRegistries is Harbor's refusal.
const invalidRegistries = "either src_registry or dest_registry should be empty and the other one shouldn't be empty"

// checked is the policy as it is stored, or fault.Invalid.
func (p Policy) checked() (Policy, error) {
	switch {
	case strings.TrimSpace(p.Name) == "" || len(p.Name) > maxName:
		return p, fault.Invalidf("the name of a replication policy has 1 to %d bytes", maxName)
	case len(p.Description) > maxDescription:
		return p, fault.Invalidf("the description of a replication policy has at most %d bytes", maxDescription)
	case p.Source == Local && p.Destination == Local, p.Source < 0, p.Destination < 0:
		return p, fault.Invalidf(invalidRegistries)
	case p.ReplaceCount < -1 || p.ReplaceCount > maxReplace:
		return p, fault.Invalidf("the dest_namespace_replace_count must be -1 to %d", maxReplace)
	case len(p.Filters) > maxFilters:
		return p, fault.Invalidf("a replication policy has at most %d filters", maxFilters)
	}
	if p.Namespace != "" {
		if _, _, err := oci.ParseRepository(p.Namespace); err != nil {
			return p, fault.Invalidf("invalid destination namespace: %v", err)
		}
	}
	p.Speed = max(p.Speed, 0)
	p.Filters = slices.Clone(p.Filters)
	if _, err := p.selection(); err != nil {
		return p, err
	}
	return p.triggered()
}

// triggered checks the trigger.
func (p Policy) triggered() (Policy, error) {
	switch p.Trigger {
	case "":
		p.Trigger = Manual
	case Manual, EventBased:
	case Scheduled:
		if _, err := job.ParseCron(p.Cron); err != nil {
			return p, fault.Invalidf("invalid cron string for scheduled trigger: %s", p.Cron)
		}
		if strings.Fields(p.Cron)[1] == "*" {
			return p, fault.Invalidf("the 2nd field (indicating Minutes of time) of the cron setting cannot be *")
		}
	default:
		return p, fault.Invalidf("invalid trigger type")
	}
	if p.Trigger != Scheduled {
		p.Cron = ""
	}
	if p.Trigger == EventBased && p.SingleActive {
		return p, fault.Invalidf("single_active_replication can't go with event_based: events of different repositories are carried out side by side")
	}
	return p, nil
}

// Watched reports whether what happens at the source is found out by looking, because the source is elsewhere.
func (p Policy) Watched() bool { return p.Trigger == EventBased && !p.SourceHere }

// sameEnds reports whether two policies copy from the same place to the same.
func (p Policy) sameEnds(q Policy) bool {
	return p.Source == q.Source && p.Destination == q.Destination && p.Namespace == q.Namespace && p.ReplaceCount == q.ReplaceCount
}

// Relays reports whether images pass through without being kept.
func (p Policy) Relays() bool { return !p.SourceHere && p.Destination != Local }

// DestinationName is the name that a repository has at the destination. A name that has too few parts is fault.Invalid.
func (p Policy) DestinationName(repository string) (string, error) {
	if p.Namespace == "" {
		return repository, nil
	}
	parts := strings.Split(repository, "/")
	n := p.ReplaceCount
	if n < 0 {
		n = len(parts) - 1
	}
	if n >= len(parts) {
		return "", fault.Invalidf("dest_namespace_replace_count is %d, and the repository %s has only %d parts: none would be left of its name", p.ReplaceCount, repository, len(parts))
	}
	name := p.Namespace + "/" + strings.Join(parts[n:], "/")
	if _, _, err := oci.ParseRepository(name); err != nil {
		return "", fault.Invalidf("%s can't be named %s at the destination: %v", repository, name, err)
	}
	return name, nil
}

// fits refuses names that a kind of registry can't have.
func fits(kind remote.Kind, repository string) error {
	switch n := strings.Count(repository, "/") + 1; {
	case kind == remote.DockerHub && n != 2:
		return fault.Invalidf("%s: repositories of Docker Hub have exactly two parts", repository)
	case kind == remote.Harbor && n < 2:
		return fault.Invalidf("%s: repositories of Harbor have two parts at least", repository)
	}
	return nil
}

// filterText is filters as they are stored.
func filterText(filters []Filter) (string, error) {
	if filters == nil {
		filters = []Filter{}
	}
	text, err := json.Marshal(filters)
	return string(text), err
}

// selection is a policy's filters, ready to be asked.
type selection struct {
	names, tags []chosen[*selector.Selector]
	labels      []chosen[[]string]
	imagesOnly  bool
}

type chosen[T any] struct {
	by      T
	exclude bool
}

// selection compiles the filters, or says what is wrong with them.
func (p Policy) selection() (s selection, err error) {
	for _, f := range p.Filters {
		exclude := f.Decoration == Excludes
		switch {
		case f.Decoration != "" && f.Decoration != Matches && f.Decoration != Excludes:
			return s, fault.Invalidf("invalid filter decoration")
		case f.Decoration != "" && f.Type == ByResource:
			return s, fault.Invalidf("only name, tag and label filters support decoration")
		}
		switch f.Type {
		case ByName, ByTag:
			compiled, err := selector.Compile(f.Value)
			if err != nil {
				return s, err
			}
			if f.Type == ByName {
				s.names = append(s.names, chosen[*selector.Selector]{compiled, exclude})
			} else {
				s.tags = append(s.tags, chosen[*selector.Selector]{compiled, exclude})
			}
		case ByLabel:
			if len(f.Labels) > maxLabels {
				return s, fault.Invalidf("a label filter names at most %d labels", maxLabels)
			}
			s.labels = append(s.labels, chosen[[]string]{f.Labels, exclude})
		case ByResource:
			switch f.Value {
			case ImagesOnly:
				s.imagesOnly = true
			case AllArtifacts, "":
			default:
				return s, fault.Invalidf("invalid resource filter: %s", f.Value)
			}
		default:
			return s, fault.Invalidf("invalid filter type")
		}
	}
	return s, nil
}

// repository reports whether a repository's name is chosen.
func (s selection) repository(name string) bool { return all(s.names, name) }

// tag reports whether a tag is chosen; "" stands for none.
func (s selection) tag(name string) bool { return all(s.tags, name) }

func all(rules []chosen[*selector.Selector], name string) bool {
	for _, r := range rules {
		if r.by.Match(name) == r.exclude {
			return false
		}
	}
	return true
}

// labelled reports whether something that carries labels is chosen.
func (s selection) labelled(has []string) bool {
	for _, r := range s.labels {
		carries := true
		for _, name := range r.by {
			carries = carries && slices.Contains(has, name)
		}
		if carries == r.exclude {
			return false
		}
	}
	return true
}

// literals are the only repositories that can be chosen, where the filters name them.
func (s selection) literals() ([]string, bool) {
	for _, r := range s.names {
		if names, ok := r.by.Literals(); ok && !r.exclude {
			return names, true
		}
	}
	return nil, false
}

// prefix is what the names of all chosen repositories begin with.
func (s selection) prefix() (longest string) {
	for _, r := range s.names {
		if p := r.by.Prefix(); !r.exclude && len(p) > len(longest) {
			longest = p
		}
	}
	return longest
}
