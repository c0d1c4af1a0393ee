package event

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestRest(t *testing.T) {
	cases := []struct {
		name    string
		happens func(d *Dispatcher)
		want    time.Duration
	}{
		{"nobody wakes it", func(*Dispatcher) {}, pollEvery},
		{"own events", (*Dispatcher).Wake, gatherFor},
		{"another replica's events", (*Dispatcher).StandBy, standByFor},
		{"another's, then its own", func(d *Dispatcher) { d.StandBy(); d.Wake() }, gatherFor},
		{"its own, again and again", func(d *Dispatcher) {
			for range 50 {
				d.Wake()
				time.Sleep(gatherFor / 10)
			}
		}, gatherFor},
		{"another's shortly before the poll", func(d *Dispatcher) { time.Sleep(pollEvery - standByFor/2); d.StandBy() }, pollEvery},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := NewDispatcher(nil, nil)
				done := make(chan struct{})
				go func() { defer close(done); c.happens(d) }()
				start := time.Now()
				if !d.rest(t.Context(), pollEvery) {
					t.Fatal("it says that it was cancelled")
				}
				if got := time.Since(start); got != c.want {
					t.Errorf("rested %s, want %s", got, c.want)
				}
				<-done
			})
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if NewDispatcher(nil, nil).rest(ctx, time.Hour) {
		t.Error("it goes on after the end")
	}
}
