package job_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/job"
)

// order is in which order tasks were done, by their extra.
type order struct {
	mu   sync.Mutex
	done []string
}

func (o *order) do(_ context.Context, r *job.Run) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.done = append(o.done, strings.Trim(string(r.Task().Extra), `"`))
	return nil
}

func (o *order) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.done)
}

// at is how many were done before the first of this name; -1 when there is none.
func (o *order) at(name string) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Index(o.done, name)
}

func (o *order) first(n int) []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.done[:n])
}

// A project with a thousand tasks doesn't delay the one task of another, and what is urgent goes before both.
func TestGroupsTakeTurns(t *testing.T) {
	each(t, func(w world) {
		const few = 8
		s, o := w.service(), &order{}
		arrived := make(chan struct{})
		s.Register("SCAN", job.Work{Do: func(ctx context.Context, r *job.Run) error {
			if err := o.do(ctx, r); err != nil || o.count() < few {
				return err
			}
			select { // the rest of the thousand waits for the late one, and then until it is stopped
			case <-arrived:
			case <-ctx.Done():
				return ctx.Err()
			}
			if o.at("late") >= 0 {
				<-ctx.Done()
			}
			return ctx.Err()
		}})
		var many []job.NewTask
		for range 1000 {
			many = append(many, job.NewTask{Group: 1, Extra: "many"})
		}
		big, _ := w.begin(s, job.NewExecution{Kind: "SCAN"}, many...)
		w.begin(s, job.NewExecution{Kind: "SCAN"}, job.NewTask{Group: 2, Extra: "single"})
		w.begin(s, job.NewExecution{Kind: "SCAN"}, job.NewTask{Group: 3, Extra: "few"}, job.NewTask{Group: 3, Extra: "few"})
		w.begin(s, job.NewExecution{Kind: "SCAN"}, job.NewTask{Group: 1, Extra: "urgent", Priority: 9})
		w.running(s)
		w.until("some are done", func() bool { return o.count() >= few })
		if got := strings.Join(o.first(6), " "); got != "urgent many single few many few" {
			t.Errorf("done were %s", got)
		}
		// One that comes while they work is next but one.
		w.begin(s, job.NewExecution{Kind: "SCAN"}, job.NewTask{Group: 4, Extra: "late"})
		served := o.count()
		close(arrived)
		w.until("the late one is done", func() bool { return o.at("late") >= 0 })
		if at := o.at("late"); at > served+20 {
			t.Errorf("the late one was done after %d others", at-served)
		}
		if err := s.Stop(t.Context(), big); err != nil {
			t.Fatal(err)
		}
		if e := w.execution(s, big); e.Status != job.Stopped || e.Counts.Stopped+e.Counts.Succeeded != 1000 || e.Counts.Stopped == 0 {
			t.Errorf("the big one is %+v", e)
		}
	})
}

// An execution whose tasks are stopped by one transaction is done with, also where they fill it: nobody comes back to it.
func TestStopAFullBatch(t *testing.T) {
	each(t, func(w world) {
		s := w.service()
		big, _ := w.begin(s, job.NewExecution{Kind: "SCAN"}, make([]job.NewTask, 500)...)
		if err := s.Stop(t.Context(), big); err != nil {
			t.Fatal(err)
		}
		if e := w.execution(s, big); e.Status != job.Stopped || e.Counts.Stopped != 500 {
			t.Errorf("the execution is %+v", e)
		}
		left, err := db.Get(t.Context(), w.db.Auto(), db.ScanInt, `SELECT COUNT(*) FROM job_execution WHERE stopping`)
		if err != nil || left != 0 {
			t.Errorf("%d executions are still to be stopped, %v", left, err)
		}
	})
}

func TestPauseAndResume(t *testing.T) {
	each(t, func(w world) {
		s, o := w.service(), &order{}
		s.Register("A", job.Work{Do: o.do})
		s.Register("B", job.Work{Do: o.do})
		if err := s.Pause(t.Context(), "A", "A"); err != nil {
			t.Fatal(err)
		}
		a, _ := w.begin(s, job.NewExecution{Kind: "A"}, job.NewTask{})
		b, _ := w.begin(s, job.NewExecution{Kind: "B"}, job.NewTask{})
		w.running(s)
		w.ends(s, b, job.Success)
		w.clock.pass(time.Minute)
		queues, err := s.Queues(t.Context())
		if err != nil || w.execution(s, a).Status != job.Pending {
			t.Fatal(err)
		}
		for _, q := range queues {
			want := job.Queue{Kind: q.Kind}
			if q.Kind == "A" {
				want = job.Queue{Kind: "A", Count: 1, Latency: time.Minute, Paused: true}
			}
			if q != want {
				t.Errorf("got %+v, want %+v", q, want)
			}
		}
		if err := s.Resume(t.Context(), "A"); err != nil {
			t.Fatal(err)
		}
		w.ends(s, a, job.Success)
		if err := s.Pause(t.Context(), "A"); err != nil {
			t.Fatal(err)
		}
		a, _ = w.begin(s, job.NewExecution{Kind: "A"}, job.NewTask{}, job.NewTask{})
		if err := s.StopWaiting(t.Context(), "A"); err != nil {
			t.Fatal(err)
		}
		w.ends(s, a, job.Stopped)
	})
}

// Where one is enough for all processes, two never run.
func TestAlone(t *testing.T) {
	each(t, func(w world) {
		var mu sync.Mutex
		running, most := 0, 0
		var all []*job.Service
		processes := 3
		if w.db.Exclusive() {
			processes = 1
		}
		for range processes {
			s := w.service()
			s.Register("ONE", job.Work{Limit: 5, Alone: true, Do: func(context.Context, *job.Run) error {
				mu.Lock()
				running++
				most = max(most, running)
				mu.Unlock()
				time.Sleep(2 * time.Millisecond)
				mu.Lock()
				running--
				mu.Unlock()
				return nil
			}})
			all = append(all, s)
		}
		id, _ := w.begin(all[0], job.NewExecution{Kind: "ONE"}, make([]job.NewTask, 15)...)
		for _, s := range all {
			w.running(s)
		}
		w.ends(all[0], id, job.Success)
		if most != 1 {
			t.Errorf("%d ran at once", most)
		}
	})
}

// A log is bounded: its beginning and its end stay, and what is missing is named.
func TestLongLogs(t *testing.T) {
	each(t, func(w world) {
		s := w.service()
		release := make(chan struct{})
		s.Register("TALK", job.Work{Do: func(_ context.Context, r *job.Run) error {
			r.Logf("the first\nof them")
			for i := range 300 {
				for j := range 5 {
					r.Logf("%d %d %s", i, j, strings.Repeat("ü", 1000))
				}
				<-release
			}
			r.Logf("the last")
			return nil
		}})
		id, ids := w.begin(s, job.NewExecution{Kind: "TALK"}, job.NewTask{})
		w.running(s)
		for i := range 300 {
			if i%30 == 0 {
				w.until("some is written", func() bool {
					_, next, _, err := s.Log(t.Context(), ids[0], 0)
					return err == nil && next > 0
				})
			}
			release <- struct{}{}
		}
		w.ends(s, id, job.Success)
		text, err := s.WholeLog(t.Context(), ids[0])
		if err != nil || len(text) > job.MaxLog+64<<10 || !strings.Contains(text, " the first\n\tof them\n") || !strings.HasSuffix(text, " the last\n") || !strings.Contains(text, "bytes are left out here") {
			t.Errorf("%d bytes, %v: %.80s … %s", len(text), err, text, text[len(text)-80:])
		}
		size, err := db.Get(t.Context(), w.db.Auto(), db.ScanInt, `SELECT CAST(SUM(size) AS BIGINT) FROM job_log`)
		if err != nil || size > job.MaxLog+32<<10 {
			t.Errorf("%d bytes are kept, %v", size, err)
		}
	})
}

// The sweep leaves as many ended executions of each vendor id as its kind says, and all that haven't ended.
func TestSweep(t *testing.T) {
	each(t, func(w world) {
		s, o := w.service(), &order{}
		s.Register("KEPT", job.Work{Do: o.do, Keep: 2, Limit: 5})
		var last []int64
		for vendor := range int64(3) {
			for range 4 {
				id, _ := w.begin(s, job.NewExecution{Kind: "KEPT", VendorID: vendor}, job.NewTask{}, job.NewTask{})
				last = append(last, id)
			}
		}
		open, _ := w.begin(s, job.NewExecution{Kind: "UNKNOWN"}, job.NewTask{})
		w.running(s)
		for _, id := range last {
			w.ends(s, id, job.Success)
		}
		w.clock.pass(24 * time.Hour)
		s.Look()
		w.until("the sweep ends", func() bool {
			list, _, err := s.Executions(t.Context(), []job.Kind{job.ExecutionSweep}, nil, db.List{})
			return err == nil && len(list) == 1 && list[0].Status == job.Success
		})
		list, _, err := s.Executions(t.Context(), []job.Kind{"KEPT", "UNKNOWN"}, nil, db.List{Sort: []db.Sort{{Key: "id"}}})
		if err != nil {
			t.Fatal(err)
		}
		var got []int64
		for _, e := range list {
			got = append(got, e.ID)
		}
		if want := []int64{last[2], last[3], last[6], last[7], last[10], last[11], open}; !slices.Equal(got, want) {
			t.Errorf("left are %v, want %v", got, want)
		}
		w.write(func(tx db.Tx) error { return s.Forget(t.Context(), tx, "KEPT", 1) })
		if _, n, _ := s.Executions(t.Context(), []job.Kind{"KEPT"}, new(int64(1)), db.List{}); n != 0 {
			t.Errorf("%d are not forgotten", n)
		}
		tasks, err := db.Get(t.Context(), w.db.Auto(), db.ScanInt, `SELECT COUNT(*) FROM job_task WHERE kind = 'KEPT'`)
		if err != nil || tasks != 8 {
			t.Errorf("%d tasks are left, %v", tasks, err)
		}
	})
}

// An execution of more tasks than a transaction stops, whose process ends after the first batch, is stopped by
// another one.
func TestStoppingManyGoesOn(t *testing.T) {
	each(t, func(w world) {
		s, o := w.service(), &order{}
		s.Register("MANY", job.Work{Do: o.do})
		id, _ := w.begin(s, job.NewExecution{Kind: "MANY"}, make([]job.NewTask, 1200)...)
		w.write(func(tx db.Tx) error {
			_, err := s.StopIn(t.Context(), tx, id, "stopped by ann")
			return err
		})
		if e := w.execution(s, id); e.Counts.Stopped != 500 || e.Status != job.Running {
			t.Fatalf("got %+v", e)
		}
		w.running(s)
		if e := w.ends(s, id, job.Stopped); e.Counts.Stopped != 1200 || len(o.done) != 0 {
			t.Errorf("got %+v, %d were done", e, len(o.done))
		}
		page, _, err := s.Tasks(t.Context(), id, db.List{Page: 1, Size: 1, Sort: []db.Sort{{Key: "id"}}})
		if err != nil {
			t.Fatal(err)
		}
		if text, err := s.WholeLog(t.Context(), page[0].ID); err != nil || !strings.HasSuffix(text, " stopped by ann\n") {
			t.Errorf("the log is %q, %v", text, err)
		}
	})
}
