package registry

import (
	"context"
	"sync/atomic"
)

// Rules is what an administrator may switch off. It holds within two seconds.
type Rules struct {
	NoQuotas     bool // projects may hold more than their limits
	NoPullCounts bool // of repositories
	NoPullTimes  bool // of artifacts and tags
	NoScanTimes  bool // of those that only a scanner pulled
}

// rules are the Rules as they were asked for last. A transaction that asked by itself would wait for a second
// connection while it holds the first.
type rules struct {
	ask    func(context.Context) (Rules, error) // nil: nothing is switched off
	latest atomic.Pointer[Rules]
}

// current is what holds now.
func (r *rules) current() Rules {
	if latest := r.latest.Load(); latest != nil {
		return *latest
	}
	return Rules{}
}

// refresh asks again.
func (r *rules) refresh(ctx context.Context) error {
	if r.ask == nil {
		return nil
	}
	latest, err := r.ask(ctx)
	if err == nil {
		r.latest.Store(&latest)
	}
	return err
}
