package app

import (
	"cmp"
	"time"

	"github.com/havenregistry/haven/internal/load"
)

// usualRequests and usualWait hold where no command line filled the configuration.
const (
	usualRequests = 4096
	usualWait     = 2 * time.Second
)

// loadGuard makes what refuses requests that are too many.
func (a *App) loadGuard() *load.Guard {
	g := load.New(load.Limits{
		Requests: cmp.Or(a.cfg.MaxRequests, usualRequests), Wait: cmp.Or(a.cfg.RequestWait, usualWait),
		Network: a.cfg.RateNetwork, Account: a.cfg.RateAccount, Search: a.cfg.RateSearch,
	}, time.Now)
	g.Watch(a.metrics)
	return g
}
