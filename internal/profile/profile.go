// Package profile takes profiles of the running program, in the format of pprof and, for traces, of go tool trace: what it works on, what it keeps in
// memory, what it waits for. They name functions and lines of the program, and addresses; no values, so that no secret is in them.
//
// Taking one costs the program something, so that there is one at a time, for a bounded while, of a bounded size, and the audit log says who asked.
package profile

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"runtime/pprof"
	"runtime/trace"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/pause"
)

const (
	// MaxTime bounds how long is looked; a trace, which grows by megabytes a second, is over after maxTrace.
	MaxTime  = time.Minute
	maxTrace = 5 * time.Second
	// maxSize bounds a profile, in bytes.
	maxSize = 128 << 20
	// mutexShare of waits for locks are looked at, and waits of blockRate on average.
	mutexShare = 10
	blockRate  = 10 * time.Microsecond
)

// ErrBusy refuses a profile while another one is taken.
var ErrBusy = fault.Conflictf("another profile is being taken; wait for its end")

// Service takes profiles. It is safe for concurrent use. Callers have asked authz before.
type Service struct {
	db    *db.DB
	clock func() time.Time
	one   chan struct{}
}

// New returns a Service. It does no I/O.
func New(d *db.DB, clock func() time.Time) *Service {
	return &Service{db: d, clock: clock, one: make(chan struct{}, 1)}
}

// Take takes a profile of a kind for the caller of this name. cpu, mutex, block and trace look for a time of at most MaxTime; the others are of now.
// It ends with ctx.
func (s *Service) Take(ctx context.Context, by, kind string, long time.Duration) ([]byte, error) {
	select {
	case s.one <- struct{}{}:
		defer func() { <-s.one }()
	default:
		return nil, ErrBusy
	}
	err := s.db.Write(ctx, func(tx db.Tx) error {
		return event.Append(ctx, tx, event.Event{Kind: event.TakeProfile, At: s.clock(), By: by, Resource: kind, Success: true})
	})
	if err != nil {
		return nil, fmt.Errorf("log that a profile is taken: %w", err)
	}
	out := &bounded{}
	if err := take(ctx, kind, min(max(long, time.Second), MaxTime), out); err != nil {
		return nil, fmt.Errorf("take a profile (%s): %w", kind, err)
	}
	if out.cut {
		return nil, fault.Invalidf("the profile is larger than %d MB: look for a shorter time", maxSize>>20)
	}
	return out.Bytes(), nil
}

func take(ctx context.Context, kind string, long time.Duration, out *bounded) error {
	switch kind {
	case "cpu":
		if err := pprof.StartCPUProfile(out); err != nil {
			return err
		}
		pause.For(ctx, long)
		pprof.StopCPUProfile()
		return ctx.Err()
	case "trace":
		if err := trace.Start(out); err != nil {
			return err
		}
		pause.For(ctx, min(long, maxTrace))
		trace.Stop()
		return ctx.Err()
	case "mutex":
		before := runtime.SetMutexProfileFraction(mutexShare)
		pause.For(ctx, long)
		runtime.SetMutexProfileFraction(before)
	case "block":
		runtime.SetBlockProfileRate(int(blockRate))
		pause.For(ctx, long)
		runtime.SetBlockProfileRate(0)
	case "heap", "allocs", "goroutine":
	default:
		return fault.NotFoundf("there is no profile %s", kind)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return pprof.Lookup(kind).WriteTo(out, 0)
}

// bounded keeps as much as maxSize of what is written.
type bounded struct {
	bytes.Buffer
	cut bool
}

// Write takes everything, and keeps what there is room for.
func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > maxSize {
		b.cut = true
		return len(p), nil
	}
	return b.Buffer.Write(p)
}
