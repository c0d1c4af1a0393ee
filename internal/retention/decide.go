package retention

import (
	"cmp"
	"slices"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/registry"
)

// item is what a decision needs of an artifact: little, because there may be a million of them.
type item struct {
	id           int64
	pushed, used int64  // microseconds; used 0: never
	selected     uint32 // by which of the rules
	kept         uint32 // the place of the first rule that retains it, from 1; 0: none
	tags         int32  // how many
}

// itemOf is an artifact as the rules select it, those that cover its repository.
func itemOf(c registry.Candidate, rules []rule, repository string) item {
	it := item{id: c.ID, pushed: c.PushedAt, used: c.UsedAt, tags: int32(len(c.Tags))}
	for i, r := range rules {
		if r.covers(repository) && r.selects(c.Tags) {
			it.selected |= 1 << i
		}
	}
	return it
}

// is reports whether an artifact is what was decided about: nobody pushed, tagged or used it since.
func (it item) is(c registry.Candidate) bool {
	return it.pushed == c.PushedAt && it.used == c.UsedAt && int(it.tags) == len(c.Tags)
}

func idsOf(items []item) []int64 {
	ids := make([]int64, len(items))
	for i, it := range items {
		ids[i] = it.id
	}
	return ids
}

// decide writes into each item which rule retains it first.
func decide(rules []rule, items []item, now time.Time) {
	for i, r := range rules {
		var chosen []int
		for j := range items {
			if items[j].selected&(1<<i) != 0 {
				chosen = append(chosen, j)
			}
		}
		for _, j := range r.retains(items, chosen, now) {
			if items[j].kept == 0 {
				items[j].kept = uint32(i + 1)
			}
		}
	}
}

// byUse reports whether the template asks when an artifact was used.
func (r rule) byUse() bool {
	return r.template == LatestPulled || r.template == SincePull || r.template == LatestActive
}

// retains returns those of the chosen items that the template retains.
func (r rule) retains(items []item, chosen []int, now time.Time) []int {
	since := db.Micros(now.Add(-time.Duration(r.n) * 24 * time.Hour))
	switch r.template {
	case LatestPushed:
		return latest(items, chosen, r.n, func(it item) int64 { return it.pushed })
	case LatestPulled:
		return latest(items, chosen, r.n, func(it item) int64 { return it.used })
	case LatestActive:
		return latest(items, chosen, r.n, func(it item) int64 { return max(it.used, it.pushed) })
	case SincePush, PushedInLastDays:
		return slices.DeleteFunc(chosen, func(j int) bool { return items[j].pushed < since })
	case SincePull:
		return slices.DeleteFunc(chosen, func(j int) bool { return items[j].used == 0 || items[j].used < since })
	case Always:
		return chosen
	}
	return nil // Nothing
}

// latest returns the n chosen items of the latest times; of the same time those that came later.
func latest(items []item, chosen []int, n int, at func(item) int64) []int {
	if n >= len(chosen) {
		return chosen
	}
	slices.SortFunc(chosen, func(a, b int) int {
		return cmp.Or(cmp.Compare(at(items[b]), at(items[a])), cmp.Compare(items[b].id, items[a].id))
	})
	return chosen[:n]
}
