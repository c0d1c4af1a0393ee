package job_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/job"
)

type payload struct{ Number int }

func TestTasksAreDone(t *testing.T) {
	each(t, func(w world) {
		s := w.service()
		var sum atomic.Int64
		s.Register("ADD", job.Work{Limit: 3, Do: func(_ context.Context, r *job.Run) error {
			var p payload
			if err := r.Decode(&p); err != nil {
				return err
			}
			sum.Add(int64(p.Number))
			r.Logf("added %d", p.Number)
			return nil
		}})
		w.db.Rehearse(false) // how often it is told is counted
		var ended []job.Execution
		s.OnEnd("ADD", func(_ context.Context, _ db.Tx, e job.Execution) error {
			ended = append(ended, e)
			return nil
		})
		var tasks []job.NewTask
		for i := range 75 {
			tasks = append(tasks, job.NewTask{Payload: payload{i}, Extra: i, Group: int64(i % 3)})
		}
		id, ids := w.begin(s, job.NewExecution{Kind: "ADD", VendorID: 7, Trigger: job.ByEvent, By: "ann", Extra: map[string]int{"a": 1}}, tasks...)
		if e := w.execution(s, id); e.Status != job.Pending || e.Counts != (job.Counts{Waiting: 75}) || len(ids) != 75 {
			t.Fatalf("got %+v and %d tasks", e, len(ids))
		}
		for i, id := range ids {
			if got := w.task(s, id); string(got.Extra) != fmt.Sprint(i) || got.Group != int64(i%3) || got.Status != job.Pending {
				t.Fatalf("task %d is %+v", i, got)
			}
		}
		w.running(s)
		e := w.ends(s, id, job.Success)
		if sum.Load() != 74*75/2 || e.Counts != (job.Counts{Succeeded: 75}) || e.VendorID != 7 || e.Trigger != job.ByEvent || e.By != "ann" || string(e.Extra) != `{"a":1}` ||
			e.StartedAt.IsZero() || e.EndedAt.IsZero() {
			t.Errorf("sum %d, %+v", sum.Load(), e)
		}
		if len(ended) != 1 || ended[0].ID != id || ended[0].Status != job.Success {
			t.Errorf("the end was told as %+v", ended)
		}
		text, _, done, err := s.Log(w.Context(), ids[3], 0)
		if err != nil || !done || !strings.HasSuffix(text, " added 3\n") {
			t.Errorf("the log is %q, %v, %v", text, done, err)
		}
		page, total, err := s.Executions(w.Context(), []job.Kind{"ADD"}, new(int64(7)), db.List{})
		if err != nil || total != 1 || len(page) != 1 || page[0].ID != id {
			t.Errorf("executions: %+v, %d, %v", page, total, err)
		}
		some, total, err := s.Tasks(w.Context(), id, db.List{Page: 1, Size: 10, Sort: []db.Sort{{Key: "id"}}})
		if err != nil || total != 75 || len(some) != 10 || some[0].ID != ids[0] || some[0].Status != job.Success {
			t.Errorf("tasks: %+v, %d, %v", some, total, err)
		}
		if _, err := s.Execution(w.Context(), 99999); !errors.Is(err, fault.NotFound) {
			t.Errorf("got %v", err)
		}
	})
}

// Of what is cleaned up at night, one part that fails holds up no other, and is told.
func TestCleaningUpGoesOn(t *testing.T) {
	each(t, func(w world) {
		s := w.service()
		cleaned := make(chan struct{}, 1)
		s.OnCleanup(func(context.Context, *job.Run) error { return errors.New("the first can't") })
		s.OnCleanup(func(context.Context, *job.Run) error {
			cleaned <- struct{}{}
			return nil
		})
		_, ids := w.begin(s, job.NewExecution{Kind: job.ArtifactCleanup}, job.NewTask{})
		w.running(s)
		w.until("the task has failed once", func() bool { return w.task(s, ids[0]).Status == job.Scheduled })
		if task := w.task(s, ids[0]); len(cleaned) != 1 {
			t.Errorf("the second part didn't clean up: %s", task.Message)
		}
	})
}

func TestAnExecutionOfNoTasksHasEnded(t *testing.T) {
	each(t, func(w world) {
		s := w.service()
		id, _ := w.begin(s, job.NewExecution{Kind: "ADD"})
		if e := w.execution(s, id); e.Status != job.Success || e.EndedAt.IsZero() {
			t.Errorf("got %+v", e)
		}
		err := w.db.Write(w.Context(), func(tx db.Tx) error {
			_, err := s.Add(w.Context(), tx, id, job.NewTask{})
			return err
		})
		if !errors.Is(err, job.ErrEnded) {
			t.Errorf("got %v, want ErrEnded", err)
		}
	})
}

// A task that adds others: their execution ends with the last of them.
func TestAnExecutionGrows(t *testing.T) {
	each(t, func(w world) {
		s := w.service()
		s.Register("FAN", job.Work{Do: func(ctx context.Context, r *job.Run) error {
			return r.Finish(ctx, func(tx db.Tx) error {
				_, err := s.Add(ctx, tx, r.Task().ExecutionID, job.NewTask{Kind: "LEAF"}, job.NewTask{Kind: "LEAF"})
				return err
			})
		}})
		s.Register("LEAF", job.Work{Limit: 2, Do: func(context.Context, *job.Run) error { return nil }})
		id, _ := w.begin(s, job.NewExecution{Kind: "FAN"}, job.NewTask{})
		w.running(s)
		if e := w.ends(s, id, job.Success); e.Counts.Succeeded != 3 {
			t.Errorf("got %+v", e)
		}
	})
}

func TestFailuresAreTriedAgain(t *testing.T) {
	each(t, func(w world) {
		s := w.service()
		var tries atomic.Int64
		fails := errors.New("it rains")
		s.Register("TWICE", job.Work{Attempts: 3, Backoff: time.Minute, Do: func(_ context.Context, r *job.Run) error {
			if tries.Add(1) < 3 {
				return fails
			}
			return nil
		}})
		s.Register("NEVER", job.Work{Attempts: 3, Do: func(context.Context, *job.Run) error { return job.Permanent(fails) }})
		s.Register("PANIC", job.Work{Do: func(context.Context, *job.Run) error { panic("ouch") }})
		twice, ids := w.begin(s, job.NewExecution{Kind: "TWICE"}, job.NewTask{})
		never, nevers := w.begin(s, job.NewExecution{Kind: "NEVER"}, job.NewTask{})
		panics, _ := w.begin(s, job.NewExecution{Kind: "PANIC"}, job.NewTask{})
		w.running(s)
		// Before the clock is turned on: who still ran then would be taken for dead, and begun once more.
		w.ends(s, panics, job.Error)
		if e := w.ends(s, never, job.Error); e.Counts.Failed != 1 || w.task(s, nevers[0]).Message != "it rains" {
			t.Errorf("got %+v, %+v", e, w.task(s, nevers[0]))
		}
		for i, pause := range []time.Duration{time.Minute, 2 * time.Minute} {
			w.until("it failed", func() bool { return w.task(s, ids[0]).Status == job.Scheduled })
			got := w.task(s, ids[0])
			if got.Message != "it rains" || got.Failures != i+1 || !got.DueAt.Equal(w.clock.Now().Add(pause)) || w.execution(s, twice).Status != job.Running {
				t.Errorf("got %+v", got)
			}
			w.clock.pass(pause)
			s.Look()
			w.until("it is tried", func() bool { return tries.Load() == int64(i+2) })
		}
		w.ends(s, twice, job.Success)
		if err := s.Retry(w.Context(), never); err != nil {
			t.Fatal(err)
		}
		w.until("it failed again", func() bool { return w.task(s, nevers[0]).Runs == 2 })
		w.ends(s, never, job.Error)
	})
}

// What has begun elsewhere is stopped within two seconds, though nobody tells.
func TestStop(t *testing.T) {
	each(t, func(w world) {
		worker, other := w.service(), w.service()
		began, ended := make(chan struct{}, 10), make(chan error, 10)
		worker.Register("WAIT", job.Work{Limit: 2, Do: func(ctx context.Context, r *job.Run) error {
			began <- struct{}{}
			<-ctx.Done()
			ended <- context.Cause(ctx)
			return r.Finish(context.WithoutCancel(ctx), func(db.Tx) error {
				t.Error("a stopped task has an effect")
				return nil
			})
		}})
		id, ids := w.begin(other, job.NewExecution{Kind: "WAIT"}, job.NewTask{}, job.NewTask{}, job.NewTask{})
		w.running(worker)
		<-began
		<-began
		at := time.Now()
		if err := other.StopTask(w.Context(), ids[0]); err != nil {
			t.Fatal(err)
		}
		<-began // the third, in its place
		if err := other.Stop(w.Context(), id); err != nil {
			t.Fatal(err)
		}
		if e := w.execution(other, id); e.Status != job.Stopped || e.Counts != (job.Counts{Stopped: 3}) {
			t.Errorf("got %+v", e)
		}
		for range 3 {
			if err := <-ended; !errors.Is(err, job.ErrStopped) {
				t.Errorf("it ended by %v", err)
			}
		}
		if took := time.Since(at); took > 15*time.Second {
			t.Errorf("stopping twice took %s", took)
		}
		if err := other.Stop(w.Context(), 999); !errors.Is(err, fault.NotFound) {
			t.Errorf("got %v", err)
		}
	})
}

// One task of an execution is of another sort: the counts of the others are right at every moment, whatever ends meanwhile.
func TestCountsOfTheOthers(t *testing.T) {
	each(t, func(w world) {
		s := w.service()
		s.Register("ADD", job.Work{Limit: 4, Do: func(context.Context, *job.Run) error { return nil }})
		id, ids := w.begin(s, job.NewExecution{Kind: "ADD"}, make([]job.NewTask, 40)...)
		w.running(s)
		w.until("all tasks are done", func() bool {
			c, err := s.CountsBut(w.Context(), id, ids[20])
			if err != nil || c.Total() != 39 || min(c.Waiting, c.Running, c.Succeeded) < 0 {
				t.Fatalf("got %+v, %v", c, err)
			}
			return c == job.Counts{Succeeded: 39}
		})
		if c, err := s.CountsBut(w.Context(), id, 1<<40); err != nil || c.Total() != 40 {
			t.Errorf("but for one that isn't there: %+v, %v", c, err)
		}
		if _, err := s.CountsBut(w.Context(), 1<<40, ids[0]); !errors.Is(err, fault.NotFound) {
			t.Errorf("got %v, want fault.NotFound", err)
		}
	})
}
