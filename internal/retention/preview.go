package retention

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/registry"
)

// MaxPreview is how many artifacts a preview shows, those that were pushed last.
const MaxPreview = 1000

// Fate is what rules would make of an artifact now.
type Fate struct {
	Digest   string
	Type     string
	Tags     []string
	PushedAt time.Time
	UsedAt   time.Time // zero: never
	Stays    bool
	Rule     int    // the place of the first rule that retains it, -1 for none
	Why      string // it stays though no rule retains it
}

// Preview is what rules would make of a repository now.
type Preview struct {
	Covered         bool // a rule covers the repository; else all stays
	Total, Retained int64
	Artifacts       []Fate
}

// Preview tells what rules would make of a repository, and changes nothing. Bad rules are a fault.Invalid.
func (s *Service) Preview(ctx context.Context, ref registry.Ref, all []Rule) (Preview, error) {
	if len(all) > 2*maxRules { // a policy's and the default's
		return Preview{}, fault.Invalidf("only %d rules are allowed at most", maxRules)
	}
	rules, places, err := rulesOf(all)
	if err != nil {
		return Preview{}, err
	}
	items, err := s.items(ctx, ref, rules)
	if err != nil {
		return Preview{}, err
	}
	v := Preview{Covered: covered(rules, ref.Name), Total: int64(len(items)), Retained: int64(len(items)), Artifacts: []Fate{}}
	decide(rules, items, s.Clock())
	why := map[int64]string{}
	goes := map[int64]bool{}
	if v.Covered {
		var doomed []int64
		for _, it := range items {
			if it.kept == 0 {
				doomed = append(doomed, it.id)
			}
		}
		slices.SortFunc(doomed, func(a, b int64) int { return cmp.Compare(b, a) })
		err := s.outcomes(ctx, ref, doomed, func(c registry.Candidate, stays error) {
			if stays == nil {
				goes[c.ID] = true
				v.Retained--
			} else {
				why[c.ID] = stays.Error()
			}
		})
		if err != nil {
			return Preview{}, err
		}
	}
	slices.SortFunc(items, func(a, b item) int { return cmp.Or(cmp.Compare(b.pushed, a.pushed), cmp.Compare(b.id, a.id)) })
	items = items[:min(len(items), MaxPreview)]
	byID := map[int64]registry.Candidate{}
	ids := make([]int64, len(items))
	for i, it := range items {
		ids[i] = it.id
	}
	found, err := s.Registry.CandidatesByID(ctx, ref, ids)
	if err != nil {
		return Preview{}, err
	}
	for _, c := range found {
		byID[c.ID] = c
	}
	for _, it := range items {
		c, ok := byID[it.id]
		if !ok { // gone just now
			continue
		}
		f := Fate{Digest: string(c.Digest), Type: c.Type, Tags: c.Tags, PushedAt: db.Time(c.PushedAt), UsedAt: db.Time(c.UsedAt), Stays: !goes[c.ID], Rule: -1, Why: why[c.ID]}
		if it.kept > 0 {
			f.Rule = places[it.kept-1]
		}
		v.Artifacts = append(v.Artifacts, f)
	}
	return v, nil
}
