package job

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/pause"
)

const (
	// leaseTime is how long after the end of a process another one takes up its tasks, and renewEvery how often
	// a process says that it hasn't ended.
	leaseTime  = 30 * time.Second
	renewEvery = 10 * time.Second
	// maxLost is how many processes a task may outlive. One that costs more of them is what ends them.
	maxLost = 10
	// lostBatch is how many tasks one transaction takes from processes that are gone.
	lostBatch = 50
)

const (
	renew  = `UPDATE job_task SET lease_until = $1 WHERE holder = $2 AND status = 'Running' AND id IN (`
	states = `SELECT id, runs, holder, status, message FROM job_task WHERE id IN (`

	overdue = `SELECT ` + taskFields + ` FROM job_task WHERE status = 'Running' AND lease_until < $1 ORDER BY lease_until LIMIT $2`
	left    = `SELECT ` + taskFields + ` FROM job_task WHERE status = 'Running' AND holder <> $1 ORDER BY lease_until LIMIT $2`
	// A task that comes back goes on before others.
	giveBack = `UPDATE job_task SET status = 'Pending', holder = '', lease_until = 0, lost = lost + $1, queued_at = $2, updated_at = $2,
		turn = COALESCE((SELECT q.turn FROM job_task q WHERE q.kind = job_task.kind AND q.priority = job_task.priority AND q.status = 'Pending' ORDER BY q.turn LIMIT 1), turn)
		WHERE id = $3 AND holder = $4 AND runs = $5 AND status = 'Running' AND lease_until < $6`
	giveUp = `UPDATE job_task SET status = 'Error', lost = lost + 1, message = $1, lease_until = 0, ended_at = $2, updated_at = $2
		WHERE id = $3 AND holder = $4 AND runs = $5 AND status = 'Running' AND lease_until < $6`
)

// anyLease is later than any lease ends.
const anyLease = math.MaxInt64

// current are the runs of this process.
func (s *Service) current() []*Run {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*Run, 0, len(s.runs))
	for _, r := range s.runs {
		all = append(all, r)
	}
	return all
}

// beat renews the leases of this process's runs, and says that the process lives, until ctx is cancelled. Where that
// can't be done for as long as a lease takes, others have the tasks, and the runs end.
func (s *Service) beat(ctx context.Context) {
	renewed := s.clock()
	for pause.For(ctx, renewEvery) {
		err := s.renew(ctx)
		if err == nil {
			renewed = s.clock()
			continue
		}
		if ctx.Err() != nil {
			return
		}
		s.log.WarnContext(ctx, "the leases of jobs can't be renewed", "error", err)
		if s.clock().Sub(renewed) > leaseTime {
			for _, r := range s.current() {
				r.cancel(ErrLost)
			}
		}
	}
}

func (s *Service) renew(ctx context.Context) error {
	var ids []int64
	for _, r := range s.current() {
		ids = append(ids, r.task.ID)
	}
	if len(ids) == 0 && s.db.Exclusive() { // nobody else asks whether this process lives
		return nil
	}
	slices.Sort(ids)
	return s.db.WriteRelaxed(ctx, func(tx db.Tx) error {
		now := s.clock()
		if len(ids) > 0 {
			marks, args := db.In(2, ids)
			if _, err := tx.Exec(ctx, renew+marks+")", slices.Concat([]any{db.Micros(now.Add(leaseTime)), s.holder}, args)...); err != nil {
				return err
			}
		}
		return s.live(ctx, tx, now)
	})
}

// watch ends the runs that don't hold their tasks any more.
func (s *Service) watch(ctx context.Context) error {
	runs := s.current()
	if len(runs) == 0 {
		return nil
	}
	type state struct {
		runs    int
		holder  string
		status  Status
		message string
	}
	ids, now := make([]int64, len(runs)), map[int64]state{}
	for i, r := range runs {
		ids[i] = r.task.ID
	}
	marks, args := db.In(0, ids)
	_, err := db.Collect(ctx, s.db.Auto(), func(r db.Row) (id int64, err error) {
		var v state
		err = r.Scan(&id, &v.runs, &v.holder, &v.status, &v.message)
		now[id] = v
		return id, err
	}, states+marks+")", args...)
	if err != nil {
		return fmt.Errorf("look after running tasks: %w", err)
	}
	for _, r := range runs {
		v := now[r.task.ID]
		ours := v.holder == s.holder && v.runs == r.task.Runs
		switch {
		case ours && v.status == Running || r.finished.Load():
		case ours && v.status == Stopped:
			if r.stopped.CompareAndSwap(false, true) {
				r.Logf("%s", v.message)
				r.cancel(ErrStopped)
			}
		default:
			r.cancel(ErrLost)
		}
	}
	return nil
}

// recover takes tasks from processes that are gone, so that they are done again.
func (s *Service) recover(ctx context.Context) error {
	for {
		now := db.Micros(s.clock())
		tasks, err := db.Collect(ctx, s.db.Auto(), scanTask, overdue, now, lostBatch)
		if err == nil && len(tasks) > 0 {
			err = s.takeBack(ctx, tasks, now)
		}
		if err != nil {
			return fmt.Errorf("take tasks from processes that are gone: %w", err)
		}
		if len(tasks) < lostBatch {
			return nil
		}
	}
}

// inherit takes what a former process left, on a database that no other process uses.
func (s *Service) inherit(ctx context.Context) error {
	for {
		tasks, err := db.Collect(ctx, s.db.Auto(), scanTask, left, s.holder, lostBatch)
		if err == nil && len(tasks) > 0 {
			err = s.takeBack(ctx, tasks, anyLease)
		}
		if err != nil {
			return fmt.Errorf("take up what a former process left: %w", err)
		}
		if len(tasks) < lostBatch {
			return nil
		}
	}
}

// takeBack makes tasks wait again whose lease ended before now, or ends those that cost too many processes.
func (s *Service) takeBack(ctx context.Context, tasks []Task, now int64) error {
	slices.SortFunc(tasks, func(a, b Task) int { return int(a.ID - b.ID) })
	return s.db.Write(ctx, func(tx db.Tx) error {
		for _, t := range tasks {
			if err := s.takeOne(ctx, tx, t, now); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Service) takeOne(ctx context.Context, tx db.Tx, t Task, now int64) error {
	status, statement, first := Pending, giveBack, any(1)
	if t.lost+1 >= maxLost {
		status, statement, first = Error, giveUp, fmt.Sprintf("%d processes ended while they worked on it", t.lost+1)
	}
	n, err := tx.Exec(ctx, statement, first, db.Micros(s.clock()), t.ID, t.holder, t.Runs, now)
	if err != nil || n == 0 { // somebody else was faster
		return err
	}
	_, err = s.settle(ctx, tx, t.ExecutionID, moved(Running, status, 1))
	return err
}

// release gives a task back when this process ends: the next one goes on with it at once.
func (r *Run) release(ctx context.Context) error {
	written := r.log.take()
	return r.s.db.WriteRelaxed(ctx, func(tx db.Tx) error {
		if err := r.writeLog(ctx, tx, written); err != nil {
			return err
		}
		n, err := tx.Exec(ctx, giveBack, 0, db.Micros(r.s.clock()), r.task.ID, r.s.holder, r.task.Runs, int64(anyLease))
		if err != nil || n == 0 {
			return err
		}
		tx.AfterCommit(r.s.tell)
		_, err = r.s.settle(ctx, tx, r.task.ExecutionID, moved(Running, Pending, 1))
		return err
	})
}
