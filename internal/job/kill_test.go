package job_test

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/notice"
	"github.com/havenregistry/haven/internal/notice/redistest"
	"github.com/havenregistry/haven/internal/secret"
)

// errKilled stands for the end of the process: nothing is written after it.
var errKilled = errors.New("killed")

// mortal is a process that a test kills: others take its tasks, and its handlers end anywhere, or go on as those of a
// process that hung would.
type mortal struct {
	*job.Service
	dead atomic.Bool
}

// killRun is tasks whose effect is a row, worked on by processes that die at random.
type killRun struct {
	world
	tell  func(*job.Service) (func(), func())
	alive []*mortal
	ends  []func()
}

const effects = `CREATE TABLE effect (task INTEGER NOT NULL, part INTEGER NOT NULL)`

func (k *killRun) start() *mortal {
	k.Helper()
	m := &mortal{}
	var look func()
	m.Service = job.New(job.Deps{DB: k.db, Clock: k.clock.Now, Log: slog.New(slog.DiscardHandler), Tell: func() {
		if look != nil {
			look()
		}
	}})
	end := func() {}
	if k.tell != nil {
		look, end = k.tell(m.Service)
	}
	m.Register("EFFECT", job.Work{Limit: 4, Attempts: 1000, Backoff: time.Millisecond, Do: m.do})
	stop := k.running(m.Service)
	k.alive = append(k.alive, m)
	k.ends = append(k.ends, func() { stop(); end() })
	return m
}

// do has an effect in two steps, the second of which finishes the task.
func (m *mortal) do(ctx context.Context, r *job.Run) error {
	insert := func(part int) func(tx db.Tx) error {
		return func(tx db.Tx) error {
			_, err := tx.Exec(ctx, `INSERT INTO effect (task, part) VALUES ($1, $2)`, r.Task().ID, part)
			return err
		}
	}
	ctx = context.WithoutCancel(ctx) // it heeds nothing
	step := 0
	if _, err := r.Resume(&step); err != nil {
		return err
	}
	if step == 0 {
		err := r.Write(ctx, func(tx db.Tx) error {
			if err := insert(1)(tx); err != nil {
				return err
			}
			return r.Save(ctx, tx, 1)
		})
		if err != nil {
			return err
		}
	}
	r.Logf("half done")
	switch rand.IntN(12) {
	case 0:
		return errors.New("by chance")
	case 1:
		panic("by chance")
	case 2:
		time.Sleep(rand.N(40 * time.Millisecond))
	}
	if m.dead.Load() && rand.IntN(2) == 0 {
		return errKilled
	}
	return r.Finish(ctx, insert(2))
}

// kill ends the leases of a process that hangs: others take its tasks while it still works on them.
func (k *killRun) kill() {
	victim := k.alive[rand.IntN(len(k.alive))]
	victim.dead.Store(true)
	k.clock.pass(31 * time.Second)
	k.write(func(tx db.Tx) error {
		_, err := tx.Exec(k.Context(), `UPDATE job_task SET lease_until = 1 WHERE status = 'Running'`)
		return err
	})
	for _, m := range k.alive {
		m.Look()
	}
}

// Whatever dies in between, the effect of each task is there once, and none is lost.
func (k *killRun) check(tasks, kills int, between func(i int)) {
	k.Helper()
	k.write(func(tx db.Tx) error { _, err := tx.Exec(k.Context(), effects); return err })
	for range 3 {
		k.start()
	}
	var executions []int64
	for i := 0; i < tasks; i += 20 {
		var some []job.NewTask
		for j := range 20 {
			some = append(some, job.NewTask{Group: int64(j % 3)})
		}
		id, _ := k.begin(k.alive[i%3].Service, job.NewExecution{Kind: "EFFECT"}, some...)
		executions = append(executions, id)
		for range kills * 20 / tasks {
			k.kill()
		}
		if between != nil {
			between(i)
		}
		if i%100 == 60 { // one leaves for good, and another comes
			k.ends[0]()
			k.alive, k.ends = k.alive[1:], k.ends[1:]
			k.start()
		}
	}
	last := k.alive[2]
	for _, id := range executions {
		k.until("an execution ends", func() bool {
			k.clock.pass(time.Second) // so that what failed is due
			last.Look()
			return k.execution(last.Service, id).Status.Ended()
		})
		if e := k.execution(last.Service, id); e.Status != job.Success || e.Counts != (job.Counts{Succeeded: 20}) {
			k.Errorf("execution %d is %+v", id, e)
		}
	}
	for _, part := range []int{1, 2} {
		for _, c := range []struct{ what, query string }{
			{"effects", `SELECT COUNT(*) FROM effect WHERE part = $1`}, {"tasks with one", `SELECT COUNT(DISTINCT task) FROM effect WHERE part = $1`},
		} {
			n, err := db.Get(k.Context(), k.db.Auto(), db.ScanInt, c.query, part)
			if err != nil || n != int64(tasks) {
				k.Errorf("part %d: %d %s of %d tasks, %v", part, n, c.what, tasks, err)
			}
		}
	}
	lost, err := db.Get(k.Context(), k.db.Auto(), db.ScanInt, `SELECT CAST(SUM(lost) AS BIGINT) FROM job_task`)
	if err != nil || lost == 0 {
		k.Errorf("no run was lost, %v", err)
	}
	k.Logf("%d runs were lost", lost)
}

func TestKilledAtRandom(t *testing.T) {
	each(t, func(w world) { (&killRun{world: w}).check(400, 300, nil) })
}

// Redis only wakes: killed with all it holds, nothing is lost and nothing done twice.
func TestRedisIsKilled(t *testing.T) {
	redis := redistest.Start(t)
	w := world{t, dbtest.Postgres(t), &timed{now: time.Now().UTC()}}
	k := &killRun{world: w, tell: func(s *job.Service) (func(), func()) {
		board, err := notice.Open(secret.Text(redis.URL), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		board.Subscribe(notice.Jobs, s.Look)
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- board.Run(ctx) }()
		return func() { board.Publish(notice.Jobs) }, func() {
			cancel()
			if err := errors.Join(<-ended, board.Close()); err != nil {
				t.Error(err)
			}
		}
	}}
	k.check(200, 50, func(i int) {
		switch i % 60 {
		case 20:
			redis.Kill()
		case 40:
			redis.Restart() // empty
		}
	})
	for _, end := range k.ends {
		end()
	}
}

// With word from Redis, work begins and stops elsewhere at once, long before anybody looks by himself.
func TestWordFromElsewhere(t *testing.T) {
	redis := redistest.Start(t)
	w := world{t, dbtest.Postgres(t), &timed{now: time.Now().UTC()}}
	board := func(look func()) *notice.Board {
		b, err := notice.Open(secret.Text(redis.URL), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		b.Subscribe(notice.Jobs, look)
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- b.Run(ctx) }()
		t.Cleanup(func() {
			cancel()
			if err := errors.Join(<-ended, b.Close()); err != nil {
				t.Error(err)
			}
		})
		return b
	}
	worker := w.service()
	began, ended := make(chan struct{}, 1), make(chan struct{}, 1)
	worker.Register("WAIT", job.Work{Do: func(ctx context.Context, _ *job.Run) error {
		began <- struct{}{}
		<-ctx.Done()
		ended <- struct{}{}
		return ctx.Err()
	}})
	connected := make(chan struct{}, 100)
	board(func() { worker.Look(); connected <- struct{}{} })
	<-connected
	w.running(worker)
	sender := board(func() {})
	other := job.New(job.Deps{DB: w.db, Clock: w.clock.Now, Log: slog.New(slog.DiscardHandler), Tell: func() { sender.Publish(notice.Jobs) }})
	var all time.Duration
	const rounds = 10
	for range rounds {
		at := time.Now()
		id, _ := w.begin(other, job.NewExecution{Kind: "WAIT"}, job.NewTask{})
		<-began
		if err := other.Stop(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		<-ended
		all += time.Since(at)
	}
	if mean := all / rounds; mean > 700*time.Millisecond { // two looks would take some two seconds
		t.Errorf("beginning and stopping elsewhere takes %s", mean)
	} else {
		t.Logf("beginning and stopping elsewhere takes %s", mean)
	}
}
