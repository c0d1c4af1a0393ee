package job_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/job"
)

// Who watches hears of each change once, however many watch; what nobody watches is forgotten.
func TestWatching(t *testing.T) {
	each(t, func(w world) {
		s := w.service()
		goOn := make(chan bool)
		s.Register("SLOW", job.Work{Limit: 1, Do: func(context.Context, *job.Run) error {
			<-goOn
			return nil
		}})
		id, tasks := w.begin(s, job.NewExecution{Kind: "SLOW", Trigger: job.Manual, By: "ann"}, job.NewTask{}, job.NewTask{Payload: payload{1}})
		first, second := s.Watch(id), s.Watch(id)
		for _, each := range []*job.Watch{first, second} {
			e, changed, seen, err := each.Next(w.Context())
			if err != nil || !changed || e.Status != job.Pending || len(seen) != 2 || seen[0].ID != tasks[0] || string(seen[1].Payload) != "{}" {
				t.Fatalf("at first: %+v, %v, %+v, %v", e, changed, seen, err)
			}
		}
		if _, changed, seen, err := first.Next(w.Context()); err != nil || changed || len(seen) > 0 {
			t.Errorf("nothing happened: %v, %+v, %v", changed, seen, err)
		}
		w.running(s)
		close(goOn)
		w.clock.pass(time.Second)
		w.ends(s, id, job.Success)
		for _, each := range []*job.Watch{first, second} {
			told := map[int64]job.Status{}
			w.until("the end is told", func() bool {
				e, _, seen, err := each.Next(w.Context())
				for _, task := range seen {
					told[task.ID] = task.Status
				}
				return err == nil && e.Status == job.Success
			})
			if len(told) != 2 || told[tasks[0]] != job.Success || told[tasks[1]] != job.Success {
				t.Errorf("told of %v", told)
			}
		}
		first.Leave()
		second.Leave()
		third := s.Watch(id)
		defer third.Leave()
		if _, changed, seen, err := third.Next(w.Context()); err != nil || !changed || len(seen) != 2 {
			t.Errorf("anew: %v, %+v, %v", changed, seen, err)
		}
		none := s.Watch(99999)
		defer none.Leave()
		if _, _, _, err := none.Next(w.Context()); !errors.Is(err, fault.NotFound) {
			t.Errorf("got %v", err)
		}
	})
}

// Of an execution of many tasks only the counts are told.
func TestWatchingMany(t *testing.T) {
	each(t, func(w world) {
		s := w.service()
		id, _ := w.begin(s, job.NewExecution{Kind: "MANY"}, make([]job.NewTask, 501)...)
		watch := s.Watch(id)
		defer watch.Leave()
		if e, changed, seen, err := watch.Next(w.Context()); err != nil || !changed || e.Counts.Waiting != 501 || len(seen) > 0 {
			t.Errorf("%+v, %v, %d tasks, %v", e, changed, len(seen), err)
		}
	})
}

func TestUnderway(t *testing.T) {
	each(t, func(w world) {
		s := w.service()
		begun := w.clock.Now()
		mine, _ := w.begin(s, job.NewExecution{Kind: "A", Trigger: job.Manual, By: "ann"}, job.NewTask{})
		w.begin(s, job.NewExecution{Kind: "A", Trigger: job.ByEvent, By: "ann"}, job.NewTask{})
		w.begin(s, job.NewExecution{Kind: "A", Trigger: job.Manual, By: "bob"}, job.NewTask{})
		stopped, _ := w.begin(s, job.NewExecution{Kind: "A", Trigger: job.Manual, By: "ann"}, job.NewTask{})
		if err := s.Stop(w.Context(), stopped); err != nil {
			t.Fatal(err)
		}
		got := func(of *job.Starter) string {
			page, more, err := s.Underway(w.Context(), of)
			if err != nil {
				t.Fatal(err)
			}
			var ids []int64
			for _, e := range page {
				ids = append(ids, e.ID)
			}
			return fmt.Sprint(len(ids), more, len(ids) > 0 && ids[len(ids)-1] == mine)
		}
		for what, c := range map[string]struct {
			of   *job.Starter
			want string
		}{
			"all":                  {nil, "3 false true"},
			"ann's":                {&job.Starter{Name: "ann", Since: begun}, "1 false true"},
			"another ann's, later": {&job.Starter{Name: "ann", Since: begun.Add(time.Second)}, "0 false false"},
			"of who began nothing": {&job.Starter{Name: "eve", Since: begun}, "0 false false"},
		} {
			if got := got(c.of); got != c.want {
				t.Errorf("%s: %s, want %s", what, got, c.want)
			}
		}
		for range 50 {
			w.begin(s, job.NewExecution{Kind: "A"}, job.NewTask{})
		}
		if got := got(nil); got != "50 true false" {
			t.Errorf("of many: %s", got)
		}
	})
}
