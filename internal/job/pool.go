package job

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
)

// Pool is a process that works on tasks.
type Pool struct {
	ID          string
	Host        string
	PID         int
	Concurrency int // tasks at once, of all kinds together
	StartedAt   time.Time
	HeartbeatAt time.Time
}

// Worker is one of the tasks that a pool can do at once: one that it does, or room for one.
type Worker struct {
	ID        string
	PoolID    string
	Kind      Kind // "": there is room
	TaskID    int64
	StartedAt time.Time
	CheckedAt time.Time // when the run last wrote something
}

const (
	putPool = `INSERT INTO job_pool (id, host, pid, concurrency, started_at, heartbeat_at) VALUES ($1, $2, $3, $4, $5, $5)
		ON CONFLICT (id) DO UPDATE SET heartbeat_at = excluded.heartbeat_at`
	dropPool  = `DELETE FROM job_pool WHERE id = $1`
	dropPools = `DELETE FROM job_pool WHERE heartbeat_at < $1`
	pools     = `SELECT id, host, pid, concurrency, started_at, heartbeat_at FROM job_pool ORDER BY started_at, id LIMIT $1`

	runningTasks = `SELECT ` + taskFields + ` FROM job_task WHERE status = 'Running' ORDER BY lease_until LIMIT $1`
)

// live says that this process works on tasks, and forgets those that are long gone: on a database of its own, all others.
func (s *Service) live(ctx context.Context, tx db.Tx, now time.Time) error {
	gone := now.Add(-3 * leaseTime)
	if s.db.Exclusive() {
		gone = now
	}
	if _, err := tx.Exec(ctx, dropPools, db.Micros(gone)); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, putPool, s.holder, s.host, s.pid, s.concurrency(), db.Micros(now))
	return err
}

// Pools are the processes that work on tasks, the oldest first.
func (s *Service) Pools(ctx context.Context) ([]Pool, error) {
	all, err := db.Collect(ctx, s.db.Auto(), func(r db.Row) (p Pool, err error) {
		err = r.Scan(&p.ID, &p.Host, &p.PID, &p.Concurrency, db.ScanTime(&p.StartedAt), db.ScanTime(&p.HeartbeatAt))
		return p, err
	}, pools, db.MaxRows)
	if err != nil {
		return nil, fmt.Errorf("list worker pools: %w", err)
	}
	for i, p := range all {
		if p.ID == s.holder {
			all[i].HeartbeatAt = s.clock().UTC() // it writes that down now and then only
		}
	}
	return all, nil
}

// AllPools stands for all pools.
const AllPools = "all"

// Workers are those of a pool, or of AllPools; the busy ones first. fault.NotFound where there is no such pool.
func (s *Service) Workers(ctx context.Context, pool string) ([]Worker, error) {
	all, err := s.Pools(ctx)
	if err != nil {
		return nil, err
	}
	running, err := db.Collect(ctx, s.db.Auto(), scanTask, runningTasks, db.MaxRows)
	if err != nil {
		return nil, fmt.Errorf("list workers: %w", err)
	}
	var list []Worker
	found := pool == AllPools
	for _, p := range all {
		if pool == AllPools || p.ID == pool {
			found = true
			list = append(list, p.workers(running)...)
		}
	}
	if !found {
		return nil, fault.NotFoundf("worker pool %q not found", pool)
	}
	return list, nil
}

func (p Pool) workers(running []Task) (list []Worker) {
	add := func(w Worker) {
		w.ID, w.PoolID = p.ID+"-"+strconv.Itoa(len(list)+1), p.ID
		list = append(list, w)
	}
	for _, t := range running {
		if t.holder == p.ID {
			add(Worker{Kind: t.Kind, TaskID: t.ID, StartedAt: t.StartedAt, CheckedAt: t.UpdatedAt})
		}
	}
	for len(list) < min(p.Concurrency, maxWorkers) {
		add(Worker{})
	}
	return list
}

// maxWorkers bounds the workers that are shown of a pool.
const maxWorkers = 1000
