// Package pause waits as long as somebody still wants it.
package pause

import (
	"context"
	"time"
)

// For waits for d, and reports false when ctx ends before.
func For(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
