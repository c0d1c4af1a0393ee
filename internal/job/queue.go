package job

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
)

// Queue is the tasks of a kind that wait for a process.
type Queue struct {
	Kind    Kind
	Count   int64
	Latency time.Duration // how long the first of them has waited
	Paused  bool
}

const (
	queueSizes  = `SELECT kind, COUNT(*), MIN(queued_at) FROM job_task WHERE status = 'Pending' GROUP BY kind`
	pausedKinds = `SELECT kind FROM job_paused`
	putPaused   = `INSERT INTO job_paused (kind, paused_at) VALUES ($1, $2) ON CONFLICT (kind) DO NOTHING`
	dropPaused  = `DELETE FROM job_paused WHERE kind = $1`
	isPaused    = `SELECT EXISTS (SELECT 1 FROM job_paused WHERE kind = $1)`

	queued     = `SELECT ` + taskFields + ` FROM job_task WHERE kind = $1 AND status = 'Pending' ORDER BY priority DESC, turn, id LIMIT $2`
	queuedLate = `SELECT ` + taskFields + ` FROM job_task WHERE kind = $1 AND status = 'Scheduled' ORDER BY due_at LIMIT $2`
	runningIDs = `SELECT id FROM job_task WHERE status = 'Running' ORDER BY lease_until LIMIT $1`
	runningOf  = `SELECT id FROM job_task WHERE status = 'Running' AND kind = $1 ORDER BY lease_until LIMIT $2`
)

// Queues are the queues of all kinds that this process knows, and of those whose tasks wait for another one, by name.
func (s *Service) Queues(ctx context.Context) ([]Queue, error) {
	all := map[Kind]Queue{Scheduler: {Kind: Scheduler}}
	for kind := range s.works {
		all[kind] = Queue{Kind: kind}
	}
	err := s.db.Read(ctx, func(tx db.Tx) error {
		now := s.clock()
		_, err := db.Collect(ctx, tx, func(r db.Row) (q Queue, err error) {
			var first time.Time
			err = r.Scan(&q.Kind, &q.Count, db.ScanTime(&first))
			q.Latency = max(now.Sub(first), 0)
			all[q.Kind] = q
			return q, err
		}, queueSizes)
		if err != nil {
			return err
		}
		paused, err := db.Collect(ctx, tx, db.ScanString, pausedKinds)
		for _, kind := range paused {
			q := all[Kind(kind)]
			q.Kind, q.Paused = Kind(kind), true
			all[q.Kind] = q
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list the queues of jobs: %w", err)
	}
	var list []Queue
	for _, kind := range slices.Sorted(maps.Keys(all)) {
		list = append(list, all[kind])
	}
	return list, nil
}

// Pause has the waiting tasks of some kinds wait on; those that run go on.
func (s *Service) Pause(ctx context.Context, kinds ...Kind) error {
	err := s.db.Write(ctx, func(tx db.Tx) error {
		for _, kind := range kinds {
			if _, err := tx.Exec(ctx, putPaused, kind, db.Micros(s.clock())); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("pause jobs: %w", err)
	}
	return nil
}

// Resume ends Pause.
func (s *Service) Resume(ctx context.Context, kinds ...Kind) error {
	err := s.db.Write(ctx, func(tx db.Tx) error {
		tx.AfterCommit(s.changed)
		for _, kind := range kinds {
			if _, err := tx.Exec(ctx, dropPaused, kind); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("resume jobs: %w", err)
	}
	return nil
}

// Paused reports whether a kind is paused.
func (s *Service) Paused(ctx context.Context, kind Kind) (bool, error) {
	paused, err := db.Get(ctx, s.db.Auto(), db.ScanBool, isPaused, kind)
	if err != nil {
		return false, fmt.Errorf("ask whether %s is paused: %w", kind, err)
	}
	return paused, nil
}

// StopWaiting stops the tasks of some kinds that wait. Those that run go on.
func (s *Service) StopWaiting(ctx context.Context, kinds ...Kind) error {
	for _, kind := range kinds {
		for _, statement := range []string{queued, queuedLate} {
			if err := s.stopQueued(ctx, kind, statement); err != nil {
				return fmt.Errorf("stop what waits of %s: %w", kind, err)
			}
		}
	}
	return nil
}

func (s *Service) stopQueued(ctx context.Context, kind Kind, statement string) error {
	for more := true; more; {
		err := s.db.Write(ctx, func(tx db.Tx) error {
			tasks, err := db.Collect(ctx, tx, scanTask, statement, kind, stopBatch)
			if more = len(tasks) == stopBatch; err != nil {
				return err
			}
			byExecution := map[int64][]Task{}
			for _, t := range tasks {
				byExecution[t.ExecutionID] = append(byExecution[t.ExecutionID], t)
			}
			for _, id := range slices.Sorted(maps.Keys(byExecution)) {
				if err := s.stopTasks(ctx, tx, id, byExecution[id], "stopped with its queue"); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// StopRunning stops the tasks that run now, of all kinds, in all processes.
func (s *Service) StopRunning(ctx context.Context) error {
	return s.stopListed(ctx, runningIDs, db.MaxRows)
}

// StopKind stops all tasks of a kind, in all processes.
func (s *Service) StopKind(ctx context.Context, kind Kind) error {
	if err := s.StopWaiting(ctx, kind); err != nil {
		return err
	}
	if err := s.stopListed(ctx, runningOf, kind, db.MaxRows); err != nil {
		return err
	}
	return s.StopWaiting(ctx, kind) // what failed meanwhile waits to be tried again
}

// stopListed stops the tasks whose ids a query returns.
func (s *Service) stopListed(ctx context.Context, query string, args ...any) error {
	ids, err := db.Collect(ctx, s.db.Auto(), db.ScanInt, query, args...)
	if err != nil {
		return fmt.Errorf("list running tasks: %w", err)
	}
	for _, id := range ids {
		if err := s.StopTask(ctx, id); err != nil && !errors.Is(err, fault.NotFound) { // it ended, and its policy went
			return err
		}
	}
	return nil
}
