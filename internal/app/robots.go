package app

import (
	"context"
	"math"
)

// watchRobots exports how many robots need somebody's attention.
func (a *App) watchRobots() {
	a.metrics.Gauge("haven_robots_expiring", "Robot accounts that expire within a week, and within the last fifth of their life.", func() float64 {
		ctx, cancel := context.WithTimeout(context.Background(), metricTime)
		defer cancel()
		n, err := a.identity.RobotsExpiring(ctx)
		if err != nil {
			return math.NaN()
		}
		return float64(n)
	})
}
