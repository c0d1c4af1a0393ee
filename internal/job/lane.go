package job

import (
	"context"
	"slices"
	"time"
)

// lanes keep transactions of this process that count the tasks of one execution from running at once. On PostgreSQL
// all but one of them would fail and begin anew, with all that they write besides; SQLite has one writer anyway.
type lanes [64]chan struct{}

func newLanes() (l lanes) {
	for i := range l {
		l[i] = make(chan struct{}, 1)
	}
	return l
}

// enter waits for the lanes of some executions. leave must be called, unless ctx ends before.
func (l *lanes) enter(ctx context.Context, executions ...int64) (leave func(), err error) {
	var wanted, held []int
	for _, id := range executions {
		wanted = append(wanted, int(uint64(id)%uint64(len(l))))
	}
	slices.Sort(wanted) // the same order for all, so that none waits for another in a circle
	leave = func() {
		for _, i := range held {
			<-l[i]
		}
	}
	for _, i := range slices.Compact(wanted) {
		select {
		case l[i] <- struct{}{}:
			held = append(held, i)
		case <-ctx.Done():
			leave()
			return nil, ctx.Err()
		}
	}
	return leave, nil
}

// laneTime bounds the wait for a lane: without one a transaction is slower, and as right.
const laneTime = 500 * time.Millisecond

// counting is a transaction that counts tasks of some executions.
func (s *Service) counting(ctx context.Context, executions []int64, write func() error) error {
	if s.db.Exclusive() {
		return write()
	}
	wait, cancel := context.WithTimeout(ctx, laneTime)
	defer cancel()
	if leave, err := s.lanes.enter(wait, executions...); err == nil {
		defer leave()
	}
	return write()
}
