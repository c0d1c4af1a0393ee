package job

import (
	"context"
	"errors"
	"time"
)

// Work is how the tasks of one kind are done.
type Work struct {
	// Do does a task. Its context ends when the task is stopped, its lease is lost, the timeout passes or the
	// process drains; context.Cause tells which. A task may be done anew at any time, from its last checkpoint.
	Do       func(ctx context.Context, r *Run) error
	Limit    int           // tasks at once in this process; 0: 1
	Alone    bool          // one task at once in all processes together
	Timeout  time.Duration // of a run; 0: none
	Attempts int           // how often in all a task may fail; 0: once. An error that is Permanent isn't tried again
	Backoff  time.Duration // the pause after the first failure, which doubles with each; 0: 10 s
	Keep     int           // ended executions that are kept for each vendor id; 0: 50
}

const (
	firstBackoff = 10 * time.Second
	maxBackoff   = time.Hour
	keepDefault  = 50
)

func (w Work) complete() Work {
	w.Limit, w.Attempts = max(w.Limit, 1), max(w.Attempts, 1)
	if w.Alone {
		w.Limit = 1
	}
	if w.Backoff <= 0 {
		w.Backoff = firstBackoff
	}
	if w.Keep <= 0 {
		w.Keep = keepDefault
	}
	return w
}

// pause is how long a task rests after so many failures, from 1.
func (w Work) pause(failures int) time.Duration {
	if failures > 20 {
		return maxBackoff
	}
	return min(w.Backoff<<(failures-1), maxBackoff)
}

// Why a run's context ended, by context.Cause.
var (
	// ErrStopped: somebody stopped the task, or the execution.
	ErrStopped = errors.New("the task was stopped")
	// ErrLost: this run doesn't hold the task any more: another one does, or it has ended.
	ErrLost = errors.New("the task isn't held any more")
	// ErrDraining: this process ends; another one goes on with the task.
	ErrDraining = errors.New("the process ends")
)

// ErrEnded: an execution that has ended doesn't grow.
var ErrEnded = errors.New("the execution has ended")

// Permanent marks an error of Work.Do that trying again wouldn't mend.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanent{err}
}

type permanent struct{ error }

// Unwrap returns the error itself.
func (p *permanent) Unwrap() error { return p.error }

func isPermanent(err error) bool {
	_, ok := errors.AsType[*permanent](err)
	return ok
}
