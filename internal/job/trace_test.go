package job_test

import (
	"context"
	"testing"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/telemetry/trace"
)

const cause = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

// A task is a part of the trace that caused it, also by way of an event, and so is what it begins itself; a trace that isn't kept leaves
// nothing.
func TestTasksKnowTheirCause(t *testing.T) {
	each(t, func(w world) {
		s := w.service()
		s.Register("CAUSED", job.Work{Do: func(context.Context, *job.Run) error { return nil }})
		caused := event.Event{Cause: cause}.Context(w.Context())
		unkept := trace.Caused(w.Context(), cause[:len(cause)-1]+"0")
		var ids []int64
		w.write(func(tx db.Tx) error {
			ids = nil
			for _, ctx := range []context.Context{caused, unkept, w.Context()} {
				_, tasks, err := s.Begin(ctx, tx, job.NewExecution{Kind: "CAUSED"}, job.NewTask{})
				if err != nil {
					return err
				}
				ids = append(ids, tasks...)
			}
			return event.Append(caused, tx, event.Event{Kind: event.CreateArtifact})
		})
		for i, want := range []string{cause, "", ""} {
			got, err := db.Get(w.Context(), w.db.Auto(), db.ScanString, `SELECT cause FROM job_task WHERE id = $1`, ids[i])
			if err != nil || got != want {
				t.Errorf("task %d: %q, %v", i, got, err)
			}
		}
		var written event.Event
		d := event.NewDispatcher(w.db, nil, listener(func(events []event.Event) { written = events[0] }))
		if err := d.Drain(w.Context()); err != nil || written.Cause != cause {
			t.Errorf("the event's cause is %q, %v", written.Cause, err)
		}
	})
}

type listener func([]event.Event)

// Handle implements event.Listener.
func (l listener) Handle(_ context.Context, _ db.Tx, events []event.Event) error {
	l(events)
	return nil
}
