package job_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/await"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/job"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// world is a database and what tests do with it.
type world struct {
	*testing.T
	db    *db.DB
	clock *timed
}

func each(t *testing.T, f func(w world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) { f(world{t, d, &timed{now: time.Now().UTC().Truncate(time.Second)}}) })
}

// timed is a clock that a test moves.
type timed struct {
	mu  sync.Mutex
	now time.Time
}

func (c *timed) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *timed) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// service is a process that doesn't run yet. The others aren't told of anything: they look by themselves.
func (w world) service() *job.Service {
	return job.New(job.Deps{DB: w.db, Clock: w.clock.Now, Log: slog.New(slog.NewTextHandler(logged{w.T}, nil))})
}

// running runs a service until what is done, or the test ends.
func (w world) running(s *job.Service) (end func()) {
	w.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	end = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			w.Error(err)
		}
	})
	w.Cleanup(end)
	return end
}

func (w world) until(what string, found func() bool) {
	w.Helper()
	await.Until(w, what, found)
}

func (w world) begin(s *job.Service, e job.NewExecution, tasks ...job.NewTask) (execution int64, ids []int64) {
	w.Helper()
	w.write(func(tx db.Tx) (err error) {
		execution, ids, err = s.Begin(w.Context(), tx, e, tasks...)
		return err
	})
	return execution, ids
}

func (w world) write(f func(tx db.Tx) error) {
	w.Helper()
	if err := w.db.Write(w.Context(), f); err != nil {
		w.Fatal(err)
	}
}

func (w world) execution(s *job.Service, id int64) job.Execution {
	w.Helper()
	e, err := s.Execution(w.Context(), id)
	if err != nil {
		w.Fatal(err)
	}
	return e
}

func (w world) task(s *job.Service, id int64) job.Task {
	w.Helper()
	t, err := s.Task(w.Context(), id)
	if err != nil {
		w.Fatal(err)
	}
	return t
}

// ends waits for the end of an execution.
func (w world) ends(s *job.Service, id int64, as job.Status) job.Execution {
	w.Helper()
	w.until("execution ends", func() bool { return w.execution(s, id).Status.Ended() })
	e := w.execution(s, id)
	if e.Status != as {
		w.Fatalf("the execution ended as %+v, want %s", e, as)
	}
	return e
}

// logged shows what a service logs, of a test that fails.
type logged struct{ t *testing.T }

func (l logged) Write(p []byte) (int, error) {
	if l.t.Context().Err() == nil {
		l.t.Log(strings.TrimSpace(string(p)))
	}
	return len(p), nil
}
