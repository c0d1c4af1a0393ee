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
	decide(rules, items, s.Clock())
	v := Preview{Covered: covered(rules, ref.Name), Total: int64(len(items)), Retained: int64(len(items))}
	var unretained map[int64]error
	if v.Covered {
		if unretained, err = s.unretained(ctx, ref, rules, items); err != nil {
			return Preview{}, err
		}
	}
	for _, stays := range unretained {
		if stays == nil {
			v.Retained--
		}
	}
	v.Artifacts, err = s.fates(ctx, ref, items, places, unretained)
	return v, err
}

// unretained is why artifacts stay that no rule retains, nil for those that go. Where a run would refuse to delete
// anything, they all stay.
func (s *Service) unretained(ctx context.Context, ref registry.Ref, rules []rule, items []item) (map[int64]error, error) {
	var ids []int64
	for _, it := range items {
		if it.kept == 0 {
			ids = append(ids, it.id)
		}
	}
	stays := make(map[int64]error, len(ids))
	blind, err := s.NoUses(ctx)
	if err != nil {
		return nil, err
	}
	if blind && slices.ContainsFunc(rules, rule.byUse) {
		for _, id := range ids {
			stays[id] = errNoUses
		}
		return stays, nil
	}
	slices.SortFunc(ids, func(a, b int64) int { return cmp.Compare(b, a) })
	return stays, s.outcomes(ctx, ref, ids, func(c registry.Candidate, why error) { stays[c.ID] = why })
}

// fates is what a preview shows of artifacts, those that were pushed last.
func (s *Service) fates(ctx context.Context, ref registry.Ref, items []item, places []int, unretained map[int64]error) ([]Fate, error) {
	slices.SortFunc(items, func(a, b item) int { return cmp.Or(cmp.Compare(b.pushed, a.pushed), cmp.Compare(b.id, a.id)) })
	items = items[:min(len(items), MaxPreview)]
	ids := make([]int64, len(items))
	for i, it := range items {
		ids[i] = it.id
	}
	found, err := s.Registry.CandidatesByID(ctx, ref, ids)
	if err != nil {
		return nil, err
	}
	byID := map[int64]registry.Candidate{}
	for _, c := range found {
		byID[c.ID] = c
	}
	fates := []Fate{}
	for _, it := range items {
		c, there := byID[it.id]
		if !there { // gone just now
			continue
		}
		f := Fate{Digest: string(c.Digest), Type: c.Type, Tags: c.Tags, PushedAt: db.Time(c.PushedAt), UsedAt: db.Time(c.UsedAt), Stays: true, Rule: -1}
		if it.kept > 0 {
			f.Rule = places[it.kept-1]
		}
		if why, doomed := unretained[it.id]; why != nil {
			f.Why = why.Error()
		} else if doomed {
			f.Stays = false
		}
		fates = append(fates, f)
	}
	return fates, nil
}
