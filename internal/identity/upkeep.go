package identity

import (
	"context"
	"errors"
	"time"
)

// upkeepEvery is how often Run works.
const upkeepEvery = 20 * time.Second

// closeTime bounds what Run writes when it ends.
const closeTime = 2 * time.Second

// Run does what no request waits for, until ctx is cancelled. Any number of processes may.
func (s *Service) Run(ctx context.Context) error {
	tick := time.NewTicker(upkeepEvery)
	defer tick.Stop()
	for {
		if err := s.Upkeep(ctx); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "upkeep of accounts", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
			defer cancel()
			return s.writeUses(last)
		}
	}
}

// Upkeep is one round of Run: it writes when robots and tokens were used, ends secrets whose overlap is
// over, warns of robots that expire soon, drops tokens and passes that expired, and asks the providers about
// people who may hold docker tokens.
func (s *Service) Upkeep(ctx context.Context) error {
	return errors.Join(s.writeUses(ctx), s.endLapsed(ctx), s.warnOfExpiry(ctx), s.sweepTokens(ctx), s.sweepPasses(ctx), s.refreshUsed(ctx))
}
