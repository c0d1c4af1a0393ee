package pause_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/havenregistry/haven/internal/pause"
)

func TestFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		if !pause.For(ctx, time.Second) || time.Since(start) != time.Second {
			t.Errorf("a second took %v", time.Since(start))
		}
		if pause.For(ctx, time.Hour) || time.Since(start) != time.Minute {
			t.Errorf("it went on for %v after a minute was over", time.Since(start))
		}
	})
}
