package main

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

// load is what many clients do at once. It ends after count operations or after limit, whichever comes
// first.
type load struct {
	clients int
	count   int
	limit   time.Duration
}

// outcome is what a load took.
type outcome struct {
	done  int
	wall  time.Duration
	cpu   time.Duration   // of the server, with what it put off
	own   time.Duration   // of the clients, which share the machine
	times []time.Duration // of each operation, sorted
}

// run does operation number i for i below count, spread over the clients, and measures the server.
func (l load) run(ctx context.Context, s *server, operation func(ctx context.Context, client, i int) error) (outcome, error) {
	before, err := s.settledCPU()
	if err != nil {
		return outcome{}, err
	}
	ownBefore, err := usage(syscall.RUSAGE_SELF)
	if err != nil {
		return outcome{}, err
	}
	start := time.Now()
	times, err := l.spread(ctx, start.Add(l.limit), operation)
	wall := time.Since(start)
	if err != nil {
		return outcome{}, err
	}
	own, err := usage(syscall.RUSAGE_SELF)
	if err != nil {
		return outcome{}, err
	}
	after, err := s.settledCPU()
	if err != nil {
		return outcome{}, err
	}
	slices.Sort(times)
	if len(times) == 0 {
		return outcome{}, errors.New("nothing was done in time")
	}
	return outcome{done: len(times), wall: wall, cpu: after - before, own: own - ownBefore, times: times}, nil
}

// all does the operations without measuring anything, however long they take.
func (l load) all(ctx context.Context, operation func(ctx context.Context, client, i int) error) error {
	_, err := l.spread(ctx, time.Now().Add(time.Hour), operation)
	return err
}

func (l load) spread(ctx context.Context, deadline time.Time, operation func(context.Context, int, int) error) ([]time.Duration, error) {
	var next atomic.Int64
	times := make([][]time.Duration, l.clients)
	g, ctx := errgroup.WithContext(ctx)
	for client := range l.clients {
		g.Go(func() error {
			for {
				i := int(next.Add(1)) - 1
				if i >= l.count || time.Now().After(deadline) {
					return nil
				}
				start := time.Now()
				if err := operation(ctx, client, i); err != nil {
					return err
				}
				times[client] = append(times[client], time.Since(start))
			}
		})
	}
	err := g.Wait()
	return slices.Concat(times...), err
}

// rate is operations a second.
func (o outcome) rate() float64 { return float64(o.done) / o.wall.Seconds() }

// cost is milliseconds of the server's processor time an operation.
func (o outcome) cost() float64 { return float64(o.cpu) / float64(time.Millisecond) / float64(o.done) }

// clientCost is milliseconds of the clients' processor time an operation.
func (o outcome) clientCost() float64 {
	return float64(o.own) / float64(time.Millisecond) / float64(o.done)
}

// percentile is the time that p percent of the operations stayed within.
func (o outcome) percentile(p int) time.Duration {
	return o.times[min(len(o.times)*p/100, len(o.times)-1)]
}
