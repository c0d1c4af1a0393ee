package doctor

import (
	"context"
	"time"

	"github.com/havenregistry/haven/internal/notice"
)

// redis looks whether replicas hear of each other. Which keys Redis drops when its memory is full is no matter: Haven keeps none there.
func (g *Given) redis(ctx context.Context, n *Notes) {
	s, err := notice.Examine(ctx, g.RedisURL)
	switch {
	case err != nil:
		n.Wrong("See that Redis runs and is reached from this machine, and that redis_url and what its user may do (PING, SUBSCRIBE and PUBLISH on haven/notice) are right; without it, "+
			"replicas hear of each other's changes a second later.", "redis_url: %v", err)
	case s.Took > 50*time.Millisecond:
		n.Doubt("Run Redis near the replicas.", "Redis %s answers in %s", s.Version, s.Took.Round(time.Millisecond))
	default:
		n.Good("Redis %s answers, and notices come through; Haven keeps no keys there, so that it may drop any", s.Version)
	}
}
