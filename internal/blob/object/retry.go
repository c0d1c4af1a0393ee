package object

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

const (
	// tries bounds how often a request is sent; with the pauses between them a provider that
	// answers "slow down" has about six seconds.
	tries      = 7
	firstPause = 100 * time.Millisecond
	lastPause  = 3 * time.Second

	// quick is how long a request without a long body may take, slow one on which the provider
	// may have to move bytes.
	quick = 30 * time.Second
	slow  = 10 * time.Minute
	// leastRate is the slowest pace at which a body may be written, in bytes a second.
	leastRate = 256 << 10

	// settleTime is how long bytes that were read may still be written when the caller's
	// context is done.
	settleTime = 20 * time.Second
)

// forBody is how long a request that writes size bytes may take.
func forBody(size int64) time.Duration {
	return quick + time.Duration(size/leastRate)*time.Second
}

// try calls f, which makes one request, and calls it again after an error that is marked by
// Retry, or when it took longer than limit.
func try(ctx context.Context, limit time.Duration, f func(ctx context.Context) error) error {
	pause := firstPause
	for attempt := 1; ; attempt++ {
		err := within(ctx, limit, f)
		if err == nil || ctx.Err() != nil {
			return err
		}
		var again *retryError
		if !errors.As(err, &again) && !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		if attempt == tries {
			return fmt.Errorf("gave up after %d tries: %w", tries, err)
		}
		// Clients that failed together don't come back together.
		timer := time.NewTimer(pause/2 + rand.N(pause))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return err
		}
		pause = min(2*pause, lastPause)
	}
}

func within(ctx context.Context, limit time.Duration, f func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return f(ctx)
}

// settling returns a context that ends settleTime after ctx.
func settling(ctx context.Context) (context.Context, context.CancelFunc) {
	detached, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var late *time.Timer
	armed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		late = time.AfterFunc(settleTime, cancel)
		close(armed)
	})
	return detached, func() {
		if !stop() {
			<-armed
			late.Stop()
		}
		cancel()
	}
}
