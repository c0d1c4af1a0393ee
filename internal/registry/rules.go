package registry

import (
	"context"
	"sync/atomic"
	"time"
)

// Rules is what an administrator may change. It holds within two seconds.
type Rules struct {
	NoQuotas     bool // projects may hold more than their limits
	NoPullCounts bool // of repositories
	NoPullTimes  bool // of artifacts and tags
	NoScanTimes  bool // of those that only a scanner pulled

	KeepDeleted  time.Duration // for how long what is deleted can be restored; 0: it is gone at once
	CountDeleted bool          // the quotas of projects count it as long
}

// rules are the Rules as they were asked for last. A transaction that asked by itself would wait for a second
// connection while it holds the first.
type rules struct {
	ask    func(context.Context) (Rules, error) // nil: nothing is switched off
	latest atomic.Pointer[Rules]
}

// keptUnasked is for how long what is deleted is kept before anybody was asked: nothing is lost to a start.
const keptUnasked = 7 * 24 * time.Hour

// current is what holds now.
func (r *rules) current() Rules {
	if latest := r.latest.Load(); latest != nil {
		return *latest
	}
	if r.ask == nil {
		return Rules{}
	}
	return Rules{KeepDeleted: keptUnasked}
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
