package job_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/job"
)

// A process that hangs is followed by another when its lease is over, from the checkpoint on, and writes nothing more.
func TestAHangingProcessLosesItsTask(t *testing.T) {
	each(t, func(w world) {
		one, two := w.service(), w.service()
		began, hangs, freed := make(chan struct{}), make(chan struct{}), make(chan error)
		one.Register("SLOW", job.Work{Do: func(ctx context.Context, r *job.Run) error {
			r.Logf("one begins")
			if err := r.Checkpoint(ctx, payload{41}); err != nil {
				return err
			}
			close(began)
			<-hangs
			err := r.Finish(context.WithoutCancel(ctx), func(db.Tx) error {
				t.Error("the effect of a lost run")
				return nil
			})
			freed <- err
			return err
		}})
		two.Register("SLOW", job.Work{Do: func(ctx context.Context, r *job.Run) error {
			var p payload
			if found, err := r.Resume(&p); !found || err != nil || p.Number != 41 {
				t.Errorf("resumed %+v, %v, %v", p, found, err)
			}
			r.Logf("two goes on")
			return r.Finish(ctx, nil)
		}})
		id, ids := w.begin(one, job.NewExecution{Kind: "SLOW"}, job.NewTask{})
		w.running(one)
		<-began
		w.clock.pass(29 * time.Second)
		if !w.db.Exclusive() {
			w.running(two)
			two.Look()
			if got := w.task(two, ids[0]); got.Status != job.Running || got.Runs != 1 {
				t.Errorf("before the end of the lease: %+v", got)
			}
			w.clock.pass(2 * time.Second)
			two.Look()
		} else {
			w.running(two) // on a database of its own it knows that the other one is gone
		}
		w.ends(two, id, job.Success)
		close(hangs)
		if err := <-freed; !errors.Is(err, job.ErrLost) {
			t.Errorf("got %v, want ErrLost", err)
		}
		text, _, _, err := two.Log(w.Context(), ids[0], 0)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(text, " two goes on\n") {
			t.Errorf("the log is %q", text)
		}
	})
}

// What a process doesn't finish when it ends, another one takes at once.
func TestDrainingGivesBack(t *testing.T) {
	each(t, func(w world) {
		one, two := w.service(), w.service()
		began := make(chan struct{})
		one.Register("LONG", job.Work{Do: func(ctx context.Context, _ *job.Run) error {
			close(began)
			<-ctx.Done()
			if cause := context.Cause(ctx); !errors.Is(cause, job.ErrDraining) {
				t.Errorf("it ended by %v", cause)
			}
			return ctx.Err()
		}})
		two.Register("LONG", job.Work{Do: func(context.Context, *job.Run) error { return nil }})
		id, ids := w.begin(one, job.NewExecution{Kind: "LONG"}, job.NewTask{})
		end := w.running(one)
		<-began
		end()
		if got := w.task(two, ids[0]); got.Status != job.Pending || w.execution(two, id).Status != job.Running {
			t.Errorf("got %+v", got)
		}
		w.running(two)
		w.ends(two, id, job.Success)
		if got := w.task(two, ids[0]); got.Runs != 2 || got.Failures != 0 {
			t.Errorf("got %+v", got)
		}
	})
}
