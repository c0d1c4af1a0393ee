package job

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/havenregistry/haven/internal/db"
)

const (
	// watchEvery is how often an execution that is watched is looked at by this process, however many watch it.
	watchEvery = 700 * time.Millisecond
	// maxWatchedTasks is how many tasks an execution may have to be told of each.
	maxWatchedTasks = 500
	// maxUnderway is how many executions Underway returns.
	maxUnderway = 50
)

const (
	watchedTasks = `SELECT id, execution_id, kind, status, '{}', extra, '', '', message, group_id, priority, runs, failures, lost, holder,
		queued_at, created_at, started_at, ended_at, due_at, updated_at FROM job_task WHERE execution_id = $1 ORDER BY id LIMIT $2`
	underway     = `SELECT ` + executionFields + ` FROM job_execution WHERE status IN ('Pending', 'Running') ORDER BY id DESC LIMIT $1`
	underwayFrom = `SELECT ` + executionFields + ` FROM job_execution WHERE started_by = $1 AND status IN ('Pending', 'Running')
		AND trigger_type = 'MANUAL' AND created_at >= $2 ORDER BY id DESC LIMIT $3`
)

// Starter is somebody who begins executions, and since when there is this somebody: names come again.
type Starter struct {
	Name  string
	Since time.Time
}

// Began reports whether an execution was begun by b, in person and not by what they caused.
func (b Starter) Began(e Execution) bool {
	return e.Trigger == Manual && e.By == b.Name && !e.CreatedAt.Before(b.Since)
}

// Underway returns what waits or runs, the newest first, and whether there is more of it; of one starter, or of all (nil).
func (s *Service) Underway(ctx context.Context, of *Starter) (page []Execution, more bool, err error) {
	if of == nil {
		page, err = db.Collect(ctx, s.db.Auto(), scanExecution, underway, maxUnderway+1)
	} else {
		page, err = db.Collect(ctx, s.db.Auto(), scanExecution, underwayFrom, of.Name, db.Micros(of.Since), maxUnderway+1)
	}
	return page[:min(len(page), maxUnderway)], len(page) > maxUnderway, err
}

// watches are the executions that are watched in this process, by id. There is no goroutine behind them: whoever asks
// first when it is time looks for all.
type watches struct {
	mu   sync.Mutex
	byID map[int64]*watched
}

// watched is an execution as it was seen last. What changed carries the number of the look that saw it.
type watched struct {
	by int // how many watch it; guarded by watches.mu

	mu        sync.Mutex
	at        time.Time // of the last look
	look      int64
	execution Execution
	changed   int64
	tasks     map[int64]watchedTask
}

type watchedTask struct {
	Task
	changed int64
}

// Watch is one who watches an execution.
type Watch struct {
	s    *Service
	id   int64
	of   *watched
	seen int64
}

// Watch begins to watch an execution, until Leave.
func (s *Service) Watch(execution int64) *Watch {
	s.watches.mu.Lock()
	defer s.watches.mu.Unlock()
	of := s.watches.byID[execution]
	if of == nil {
		of = &watched{tasks: map[int64]watchedTask{}}
		s.watches.byID[execution] = of
	}
	of.by++
	return &Watch{s: s, id: execution, of: of}
}

// Leave ends watching; what is known of an execution that nobody watches is forgotten.
func (w *Watch) Leave() {
	w.s.watches.mu.Lock()
	defer w.s.watches.mu.Unlock()
	if w.of.by--; w.of.by == 0 {
		delete(w.s.watches.byID, w.id)
	}
}

// Next returns the execution, whether it has changed since the last call, and those of its tasks that have, at the first call all
// of them. Of an execution of many tasks there are none. fault.NotFound where there is no such execution.
func (w *Watch) Next(ctx context.Context) (e Execution, changed bool, tasks []Task, err error) {
	w.of.mu.Lock()
	defer w.of.mu.Unlock()
	if time.Since(w.of.at) >= watchEvery {
		if err := w.of.read(ctx, w.s.db, w.id); err != nil {
			return e, false, nil, err
		}
	}
	for _, t := range w.of.tasks {
		if t.changed > w.seen {
			tasks = append(tasks, t.Task)
		}
	}
	slices.SortFunc(tasks, func(a, b Task) int { return cmp.Compare(a.ID, b.ID) })
	changed = w.of.changed > w.seen
	w.seen = w.of.look
	return w.of.execution, changed, tasks, nil
}

// read looks at the execution and its tasks, as of one moment.
func (w *watched) read(ctx context.Context, d *db.DB, id int64) error {
	var e Execution
	var tasks []Task
	err := d.Read(ctx, func(tx db.Tx) (err error) {
		if e, err = getExecution(ctx, tx, id); err != nil || e.Counts.Total() > maxWatchedTasks {
			return err
		}
		tasks, err = db.Collect(ctx, tx, scanTask, watchedTasks, id, maxWatchedTasks)
		return err
	})
	if err != nil {
		return err
	}
	w.at = time.Now()
	w.look++
	if was := w.execution; w.look == 1 || was.Status != e.Status || was.Counts != e.Counts || !was.UpdatedAt.Equal(e.UpdatedAt) {
		w.execution, w.changed = e, w.look
	}
	for _, t := range tasks {
		was, known := w.tasks[t.ID]
		if !known || was.Status != t.Status || was.Runs != t.Runs || !was.UpdatedAt.Equal(t.UpdatedAt) {
			w.tasks[t.ID] = watchedTask{t, w.look}
		}
	}
	return nil
}
