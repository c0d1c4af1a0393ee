package vulndb

import (
	"context"
	"math/rand/v2"
	"time"
)

// firstRefresh is how long after a start the sources are asked first: what else a start does comes before.
const firstRefresh = 10 * time.Second

// Run asks the sources as often as is set, until ctx is cancelled, then returns nil. Replicas may all do it: what one of
// them brought into force is the newest to the others, and they download nothing.
func (s *Service) Run(ctx context.Context) error {
	if len(s.sources) == 0 {
		return nil
	}
	pause := firstRefresh
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause + rand.N(pause/10)):
		}
		logf := func(string, ...any) {}
		if _, _, err := s.Refresh(ctx, logf); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "asking for a newer vulnerability database", "error", err)
		}
		pause = s.refresh
	}
}
