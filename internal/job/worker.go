package job

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/telemetry/trace"
)

const (
	// lookEvery is how often a process looks for work that nobody told it of, a quarter more or less.
	lookEvery = time.Second
	maxPause  = 30 * time.Second
	// finishTime is how long runs may go on when the process ends, and leaveTime how long they may take to heed
	// that they can't.
	finishTime = time.Second
	leaveTime  = 3 * time.Second
	// endTime bounds writing down how a run ended.
	endTime = 10 * time.Second
)

// Run works on tasks and schedules until ctx is cancelled, and returns nil then: runs end within a few seconds, and
// what they didn't finish waits for another process.
func (s *Service) Run(ctx context.Context) error {
	s.running.Store(true)
	work, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	var running, upkeep sync.WaitGroup
	keep, leave := context.WithCancel(context.WithoutCancel(ctx))
	upkeep.Go(func() { s.beat(keep) })
	upkeep.Go(func() { s.writeLogs(keep) })
	s.loop(ctx, func(t Task) { s.begin(work, &running, t) })
	if !waits(&running, finishTime) {
		cancel(ErrDraining)
		waits(&running, leaveTime)
	}
	leave()
	upkeep.Wait()
	s.depart()
	return nil
}

// waits reports whether the group's goroutines end in time.
func waits(g *sync.WaitGroup, most time.Duration) bool {
	ended := make(chan struct{})
	go func() {
		g.Wait()
		close(ended)
	}()
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-ended:
		return true
	case <-timer.C:
		return false
	}
}

// loop looks for work, when somebody says that there is some, and now and then.
func (s *Service) loop(ctx context.Context, begin func(Task)) {
	arrived, pause := false, lookEvery
	for {
		err := error(nil)
		if !arrived {
			err = s.arrive(ctx)
			arrived = err == nil
		}
		if err == nil {
			err = s.turn(ctx, begin)
		}
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			s.log.WarnContext(ctx, "looking for jobs failed", "error", err)
			pause = min(2*pause, maxPause)
		default:
			pause = lookEvery
			s.looked.Store(db.Micros(s.clock()))
		}
		timer := time.NewTimer(pause*3/4 + rand.N(pause/2))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		case <-s.wake:
			timer.Stop()
		}
	}
}

// arrive is what a process does first.
func (s *Service) arrive(ctx context.Context) error {
	if s.db.Exclusive() {
		if err := s.inherit(ctx); err != nil {
			return err
		}
	}
	err := s.db.WriteRelaxed(ctx, func(tx db.Tx) error {
		for _, sch := range s.builtin {
			if err := s.ensure(ctx, tx, sch); err != nil {
				return err
			}
		}
		return s.live(ctx, tx, s.clock())
	})
	if err != nil {
		return fmt.Errorf("begin to work on jobs: %w", err)
	}
	return nil
}

// depart gives back what hasn't ended in time.
func (s *Service) depart() {
	ctx, cancel := context.WithTimeout(context.Background(), leaveTime)
	defer cancel()
	for _, r := range s.current() {
		s.log.WarnContext(ctx, "a job doesn't heed that the process ends", "kind", r.task.Kind, "task", r.task.ID)
		if err := r.release(ctx); err != nil {
			s.log.WarnContext(ctx, "a job can't be given back", "task", r.task.ID, "error", err)
		}
	}
	err := s.db.WriteRelaxed(ctx, func(tx db.Tx) error {
		_, err := tx.Exec(ctx, dropPool, s.holder)
		return err
	})
	if err != nil {
		s.log.WarnContext(ctx, "the end of this process isn't noted", "error", err)
	}
}

// todo is what a look finds.
type todo struct{ pending, due, overdue, schedules, stopping bool }

const look = `SELECT EXISTS (SELECT 1 FROM job_task WHERE status = 'Pending'), EXISTS (SELECT 1 FROM job_task WHERE status = 'Scheduled' AND due_at <= $1),
	EXISTS (SELECT 1 FROM job_task WHERE status = 'Running' AND lease_until < $1), EXISTS (SELECT 1 FROM job_schedule WHERE due_at <= $1 AND ` + clockRuns + `),
	EXISTS (SELECT 1 FROM job_execution WHERE stopping)`

// turn does all that there is to do now.
func (s *Service) turn(ctx context.Context, begin func(Task)) error {
	if err := s.watch(ctx); err != nil {
		return err
	}
	v, err := db.Get(ctx, s.db.Auto(), func(r db.Row) (v todo, err error) {
		err = r.Scan(&v.pending, &v.due, &v.overdue, &v.schedules, &v.stopping)
		return v, err
	}, look, db.Micros(s.clock()))
	if err != nil {
		return fmt.Errorf("look for jobs: %w", err)
	}
	for _, step := range []struct {
		needed bool
		do     func(context.Context) error
	}{{v.schedules, s.fire}, {v.stopping, s.stopRest}, {v.overdue, s.recover}, {v.due, s.promote}} {
		if step.needed {
			err = errors.Join(err, step.do(ctx)) // one that fails doesn't hold up the others
		}
	}
	if v.pending || v.schedules || v.overdue || v.due {
		err = errors.Join(err, s.claimAll(ctx, begin))
	}
	return err
}

const (
	candidates = `SELECT t.id, t.execution_id FROM job_task t WHERE t.kind = $1 AND t.status = 'Pending'
		AND NOT EXISTS (SELECT 1 FROM job_paused p WHERE p.kind = $1)
		AND NOT EXISTS (SELECT 1 FROM job_execution x WHERE x.id = t.execution_id AND x.stopping)
		ORDER BY t.priority DESC, t.turn, t.id LIMIT $2`
	runsAlready = `SELECT EXISTS (SELECT 1 FROM job_task WHERE status = 'Running' AND kind = $1)`
	claim       = `UPDATE job_task SET status = 'Running', holder = $1, runs = runs + 1, lease_until = $2, started_at = $3, updated_at = $3
		WHERE status = 'Pending' AND id IN (`
)

// claimAll begins as many tasks of each kind as have room.
func (s *Service) claimAll(ctx context.Context, begin func(Task)) error {
	var errs []error
	for _, kind := range slices.Sorted(maps.Keys(s.works)) {
		for again := true; again && !s.draining.Load(); {
			var err error
			if again, err = s.claim(ctx, kind, begin); err != nil {
				errs = append(errs, fmt.Errorf("take up tasks of %s: %w", kind, err))
				again = false
			}
		}
	}
	return errors.Join(errs...)
}

// claim takes up tasks of a kind, at most as many as there is room for. again says that others were faster with some
// of them, so that there may be more.
func (s *Service) claim(ctx context.Context, kind Kind, begin func(Task)) (again bool, err error) {
	w := s.works[kind]
	s.mu.Lock()
	free := w.Limit - s.busy[kind]
	s.mu.Unlock()
	if free <= 0 {
		return false, nil
	}
	// Choosing them outside of the transaction leaves it nothing that others change, but the tasks themselves.
	var executions []int64
	ids, err := db.Collect(ctx, s.db.Auto(), func(r db.Row) (id int64, err error) {
		var execution int64
		err = r.Scan(&id, &execution)
		executions = append(executions, execution)
		return id, err
	}, candidates, kind, free)
	if err != nil || len(ids) == 0 {
		return false, err
	}
	slices.Sort(ids)
	var tasks []Task
	err = s.counting(ctx, executions, func() error {
		return s.db.WriteRelaxed(ctx, func(tx db.Tx) (err error) {
			tasks, err = s.take(ctx, tx, kind, ids)
			return err
		})
	})
	if err != nil {
		return false, err
	}
	for _, t := range tasks {
		begin(t)
	}
	return len(tasks) < len(ids) && !w.Alone, nil
}

// take makes tasks this process's, those of them that still wait.
func (s *Service) take(ctx context.Context, tx db.Tx, kind Kind, ids []int64) ([]Task, error) {
	if s.works[kind].Alone {
		busy, err := db.Get(ctx, tx, db.ScanBool, runsAlready, kind)
		if err != nil || busy {
			return nil, err
		}
	}
	now := s.clock()
	marks, args := db.In(3, ids)
	tasks, err := db.Collect(ctx, tx, scanTask, claim+marks+`) RETURNING `+taskFields,
		slices.Concat([]any{s.holder, db.Micros(now.Add(leaseTime)), db.Micros(now)}, args)...)
	if err != nil {
		return nil, err
	}
	return tasks, s.settleAll(ctx, tx, tasks, Pending, Running)
}

// settleAll is settle for tasks that went from one status to another, of several executions.
func (s *Service) settleAll(ctx context.Context, tx db.Tx, tasks []Task, from, to Status) error {
	n := map[int64]int64{}
	for _, t := range tasks {
		n[t.ExecutionID]++
	}
	for _, execution := range slices.Sorted(maps.Keys(n)) {
		if _, err := s.settle(ctx, tx, execution, moved(from, to, n[execution])); err != nil {
			return err
		}
	}
	return nil
}

// begin runs a task that was claimed.
func (s *Service) begin(work context.Context, running *sync.WaitGroup, t Task) {
	ctx, cancel := context.WithCancelCause(work)
	r := &Run{s: s, task: t, work: s.works[t.Kind], cancel: cancel}
	r.log.settled = t.Runs == 1
	s.mu.Lock()
	s.runs[t.ID] = r
	s.busy[t.Kind]++
	s.mu.Unlock()
	s.stats.began(t, s.clock())
	running.Go(func() {
		defer cancel(nil)
		began := s.clock()
		s.execute(ctx, r)
		s.mu.Lock()
		delete(s.runs, t.ID)
		s.busy[t.Kind]--
		s.mu.Unlock()
		s.stats.left(t.Kind, s.clock().Sub(began))
		s.Look()
	})
}

var errTimeout = errors.New("it took too long")

// execute does a task and writes down how that ended.
func (s *Service) execute(ctx context.Context, r *Run) {
	if r.work.Timeout > 0 {
		limited, cancel := context.WithTimeoutCause(ctx, r.work.Timeout, fmt.Errorf("%w: more than %s", errTimeout, r.work.Timeout))
		defer cancel()
		ctx = limited
	}
	ctx, span := s.tracer.Task(ctx, r.task.cause, "job "+string(r.task.Kind))
	failure := s.do(ctx, r)
	cause := context.Cause(ctx)
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTime)
	defer cancel()
	err := s.conclude(ending, r, failure, cause)
	describe(span, r.task, cmp.Or(failure, err))
	if err != nil && !errors.Is(err, ErrLost) {
		s.log.ErrorContext(ctx, "the end of a job can't be written: it will run again", "kind", r.task.Kind, "task", r.task.ID, "error", err)
	}
}

// describe says which run a span is of, and ends it.
func describe(span trace.Span, t Task, failure error) {
	span.Set("haven.job.kind", string(t.Kind))
	span.Count("haven.job.execution", t.ExecutionID)
	span.Count("haven.job.task", t.ID)
	span.Count("haven.job.run", int64(t.Runs))
	span.End(failure)
}

// do calls the work, whose panic is an error as any other.
func (s *Service) do(ctx context.Context, r *Run) (err error) {
	defer func() {
		if v := recover(); v != nil {
			s.log.ErrorContext(ctx, "panic", "kind", r.task.Kind, "task", r.task.ID, "value", v, "stack", string(debug.Stack()))
			err = errors.New("internal error")
		}
	}()
	return r.work.Do(ctx, r)
}

// conclude writes what a run comes to: nothing, where the row says already that it ended, or that it is another's.
func (s *Service) conclude(ctx context.Context, r *Run, failure, cause error) error {
	if errors.Is(cause, ErrStopped) {
		s.stats.ended(r.task.Kind, Stopped)
	}
	switch {
	case r.finished.Load(), errors.Is(cause, ErrStopped), errors.Is(cause, ErrLost), errors.Is(failure, ErrLost):
		if failure != nil && r.finished.Load() {
			s.log.WarnContext(ctx, "a job failed after it was finished", "kind", r.task.Kind, "task", r.task.ID, "error", failure)
		}
		written := r.log.take()
		if len(written) == 0 {
			return nil
		}
		return s.db.WriteRelaxed(ctx, func(tx db.Tx) error { return r.writeLog(ctx, tx, written) })
	case failure == nil:
		return r.Finish(ctx, nil)
	case errors.Is(cause, ErrDraining):
		return r.release(ctx)
	case errors.Is(cause, errTimeout):
		failure = cause
	}
	return r.fail(ctx, failure)
}

// fail ends a run that failed. Its task is tried again later, or has failed for good.
func (r *Run) fail(ctx context.Context, failure error) error {
	e := ending{status: Error, message: failure.Error(), failures: r.task.Failures + 1}
	if e.failures < r.work.Attempts && !isPermanent(failure) {
		pause := r.work.pause(e.failures)
		e.status, e.due = Scheduled, db.Micros(r.s.clock().Add(pause))
		r.Logf("failed, the next try is in %s: %v", pause, failure)
	} else {
		r.Logf("failed: %v", failure)
	}
	written := r.log.take()
	err := r.conclusion(ctx, func(tx db.Tx) error {
		if err := r.end(ctx, tx, e); err != nil {
			return err
		}
		return r.settled(ctx, tx, e.status, written)
	})
	if err == nil {
		r.s.stats.ended(r.task.Kind, e.status)
	}
	return err
}

const (
	dueTasks = `SELECT ` + taskFields + ` FROM job_task WHERE status = 'Scheduled' AND due_at <= $1 ORDER BY due_at LIMIT $2`
	requeue  = `UPDATE job_task SET status = 'Pending', turn = $1, due_at = 0, queued_at = $2, updated_at = $2 WHERE id = $3 AND status = 'Scheduled'`
	dueBatch = 100
)

// promote queues tasks whose time has come, behind the others of their group.
func (s *Service) promote(ctx context.Context) error {
	for {
		var n int
		err := s.db.WriteRelaxed(ctx, func(tx db.Tx) error {
			now := db.Micros(s.clock())
			tasks, err := db.Collect(ctx, tx, scanTask, dueTasks, now, dueBatch)
			if n = len(tasks); err != nil {
				return err
			}
			upcoming := turns{}
			for _, t := range tasks {
				turn, err := upcoming.next(ctx, tx, place{t.Kind, t.Priority, t.Group})
				if err != nil {
					return err
				}
				if _, err := tx.Exec(ctx, requeue, turn, now, t.ID); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("queue tasks that are due: %w", err)
		}
		if n < dueBatch {
			return nil
		}
	}
}
