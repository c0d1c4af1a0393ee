package audit_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/audit"
	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/job"
)

var admin = authz.Principal{Kind: authz.User, ID: 1, Name: "admin", Admin: true}

func TestParsePurge(t *testing.T) {
	for _, c := range []struct {
		sent map[string]any
		want string // its text, or the error's
		bad  bool
	}{
		{map[string]any{"audit_retention_hour": 24.0, "include_event_types": "create_artifact,other", "dry_run": true, "id": 7},
			`{"audit_retention_hour":24,"dry_run":true,"include_event_types":"create_artifact,other"}`, false},
		{map[string]any{"audit_retention_hour": 0.0, "include_operations": "create, pull"}, `{"audit_retention_hour":0,"include_operations":"create, pull"}`, false},
		{map[string]any{"include_event_types": "other"}, "audit_retention_hour should provide", true},
		{map[string]any{"audit_retention_hour": 24.0}, "include_event_types should provide", true},
		{map[string]any{"audit_retention_hour": 24.0, "include_event_types": ","}, "include_event_types should provide", true},
		{map[string]any{"audit_retention_hour": 240001.0, "include_event_types": "other"}, "0 to 240000", true},
		{map[string]any{"audit_retention_hour": -1.0, "include_event_types": "other"}, "0 to 240000", true},
		{map[string]any{"audit_retention_hour": 1.5, "include_event_types": "other"}, "0 to 240000", true},
		{map[string]any{"audit_retention_hour": "x", "include_event_types": "other"}, "0 to 240000", true},
		{map[string]any{"audit_retention_hour": 1.0, "include_event_types": "no_such"}, `"no_such" is not valid`, true},
		{map[string]any{"audit_retention_hour": 1.0, "include_event_types": 3.0}, "words with commas", true},
		{map[string]any{"audit_retention_hour": 1.0, "include_event_types": "other", "dry_run": "yes"}, "true or false", true},
	} {
		got, err := audit.ParsePurge(c.sent)
		switch {
		case c.bad && (!errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%v: got %v, want %s", c.sent, err, c.want)
		case !c.bad && (err != nil || got.String() != c.want):
			t.Errorf("%v: got %s, %v; want %s", c.sent, got, err, c.want)
		}
	}
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

// purger is a process that purges, when it runs.
type purger struct {
	*audit.Purger
	*job.Service
}

func (w world) purger(c *timed) purger {
	jobs := job.New(job.Deps{DB: w.db, Clock: c.Now, Log: slog.New(slog.DiscardHandler)})
	return purger{audit.NewPurger(w.audit, jobs, c.Now), jobs}
}

// running runs a purger until what is done, or the test ends.
func (w world) running(p purger) (end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Service.Run(ctx) }()
	end = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			w.Error(err)
		}
	})
	w.Cleanup(end)
	return end
}

func (w world) purge(sent map[string]any) audit.Purge {
	w.Helper()
	what, err := audit.ParsePurge(sent)
	if err != nil {
		w.Fatal(err)
	}
	return what
}

func (w world) start(p purger, what audit.Purge) int64 {
	w.Helper()
	id, err := p.Purger.Start(w.Context(), admin.Name, what.String())
	if err != nil {
		w.Fatal(err)
	}
	return id
}

func (w world) execution(p purger, id int64) audit.Execution {
	w.Helper()
	e, err := p.Purger.Execution(w.Context(), id)
	if err != nil {
		w.Fatal(err)
	}
	return e
}

// left are the resources of the rows that aren't about purging, the oldest first.
func (w world) left() (all []string) {
	w.Helper()
	rows, _ := w.list(audit.Scope{All: true}, db.List{Sort: []db.Sort{{Key: "op_time"}}})
	for _, r := range rows {
		if r.Resource != "audit log" {
			all = append(all, r.Resource)
		}
	}
	return all
}

func TestPurge(t *testing.T) {
	each(t, func(w world) {
		now := &timed{now: start.Add(10 * time.Hour)}
		p := w.purger(now)
		w.sample() // one an hour, from start on
		if len(w.left()) != 11 {
			w.Fatalf("%v are there", w.left())
		}
		w.running(p)
		done := func(id int64) audit.Execution {
			w.Helper()
			w.until("the purge ends", func() bool { return w.execution(p, id).Status == job.Success })
			return w.execution(p, id)
		}
		dry := done(w.start(p, w.purge(map[string]any{"audit_retention_hour": 6.0, "include_event_types": "create_artifact,delete_artifact,pull_artifact", "dry_run": true})))
		if len(w.left()) != 11 || dry.Result.Rows != 4 {
			w.Fatalf("a dry run left %v and counted %d", w.left(), dry.Result.Rows)
		}
		one := done(w.start(p, w.purge(map[string]any{"audit_retention_hour": 6.0, "include_event_types": "pull_artifact,delete_artifact"})))
		if got := strings.Join(w.left(), " "); got != "p1/r:v0 p1/r:v3 p2/r:v4 p3/r:v5 p1/r:v6 p2/r:v7 p3/r:v8 ann bob" || one.Result.Rows != 2 {
			w.Errorf("%d went, left are %s", one.Result.Rows, got)
		}
		done(w.start(p, w.purge(map[string]any{"audit_retention_hour": 0.0, "include_event_types": "other"})))
		if got := strings.Join(w.left(), " "); got != "p1/r:v0 p1/r:v3 p2/r:v4 p3/r:v5 p1/r:v6 p2/r:v7 p3/r:v8" {
			w.Errorf("left are %s", got)
		}
		done(w.start(p, w.purge(map[string]any{"audit_retention_hour": 0.0, "include_operations": "create"})))
		if got := strings.Join(w.left(), " "); got != "p2/r:v4 p3/r:v5 p2/r:v7 p3/r:v8" {
			w.Errorf("left are %s", got)
		}
		if _, total := w.list(audit.Scope{ProjectIDs: []int64{1, 2, 3}}, db.List{}); total != 4 {
			w.Errorf("the total of the projects is %d, want 4", total)
		}
		// As many numbers are kept as there are people and operations that something is told of.
		kept, err := db.Get(w.Context(), w.db.Auto(), db.ScanInt, `SELECT COUNT(*) FROM audit_count`)
		left, leftErr := db.Get(w.Context(), w.db.Auto(), db.ScanInt, `SELECT COUNT(*) FROM (SELECT DISTINCT project_id, username, operation FROM audit) kept`)
		if err != nil || leftErr != nil || kept != left {
			w.Errorf("%d numbers are kept, want %d; %v %v", kept, left, err, leftErr)
		}
		log, err := p.Purger.Log(w.Context(), one.ID)
		if err != nil || !strings.Contains(log, "begin to purge rows of pull_artifact, delete_artifact from before 2026-01-02T07:00:00Z\n") || !strings.HasSuffix(log, " done: 2 rows\n") {
			w.Errorf("the log is %q, %v", log, err)
		}
		list, total, err := p.Purger.Executions(w.Context(), db.List{Page: 2, Size: 3})
		if err != nil || total != 4 || len(list) != 1 || list[0] != dry {
			w.Errorf("the executions are %+v of %d, %v", list, total, err)
		}
		for _, call := range []func() error{
			func() error { _, err := p.Purger.Execution(w.Context(), 99); return err },
			func() error { _, err := p.Purger.Log(w.Context(), 99); return err },
			func() error { return p.Purger.Stop(w.Context(), admin.Name, 99) },
		} {
			if err := call(); !errors.Is(err, fault.NotFound) {
				w.Errorf("got %v, want fault.NotFound", err)
			}
		}
	})
}

// A purge that is stopped deletes nothing more, and one that its process leaves behind is finished by the next.
func TestPurgeIsStoppedOrGoesOn(t *testing.T) {
	each(t, func(w world) {
		now := &timed{now: start.Add(time.Hour)}
		first := w.purger(now)
		w.numbered(0, 2600)
		all := w.purge(map[string]any{"audit_retention_hour": 0.0, "include_event_types": "pull_artifact"})

		id := w.start(first, all)
		if err := first.Purger.Stop(w.Context(), admin.Name, id); err != nil {
			w.Fatal(err)
		}
		end := w.running(first)
		if e := w.execution(first, id); e.Status != job.Stopped || len(w.left()) != 2600 {
			w.Fatalf("%+v, %d rows are left", e, len(w.left()))
		}

		id = w.start(first, all)
		w.until("some went", func() bool { return w.execution(first, id).Result.Rows > 0 })
		end() // between two batches, or after the last
		second := w.purger(now)
		w.running(second)
		w.until("the purge ends", func() bool { return w.execution(second, id).Status == job.Success })
		if e := w.execution(second, id); e.Result.Rows != 2600 || len(w.left()) != 0 {
			w.Errorf("%+v, %d rows are left", e, len(w.left()))
		}
		if rows, _ := w.list(audit.Scope{All: true}, db.List{}); !slices.ContainsFunc(rows, func(r audit.Row) bool { return r.EventType == event.StopPurge && r.Username == "admin" }) {
			w.Error("no row tells who stopped it")
		}
	})
}

// A process that ended without a word is followed by another when its lease is over; not before.
func TestPurgeSurvivesAKill(t *testing.T) {
	each(t, func(w world) {
		now := &timed{now: start.Add(time.Hour)}
		p := w.purger(now)
		w.numbered(0, 10)
		id := w.start(p, w.purge(map[string]any{"audit_retention_hour": 0.0, "include_event_types": "pull_artifact"}))
		err := w.db.Write(w.Context(), func(tx db.Tx) error {
			_, err := tx.Exec(w.Context(), `UPDATE job_task SET status = 'Running', runs = 1, holder = 'gone', lease_until = $1, checkpoint = '{"purged":5,"at":-1}' WHERE execution_id = $2`,
				db.Micros(now.Now().Add(20*time.Second)), id)
			if err == nil {
				_, err = tx.Exec(w.Context(), `UPDATE job_execution SET status = 'Running', waiting = 0, running = 1 WHERE id = $1`, id)
			}
			return err
		})
		if err != nil {
			w.Fatal(err)
		}
		w.running(p)
		if !w.db.Exclusive() {
			second := w.start(p, w.purge(map[string]any{"audit_retention_hour": 0.0, "include_event_types": "other"}))
			if e := w.execution(p, second); e.Status != job.Pending { // one at a time
				w.Errorf("got %+v", e)
			}
			now.pass(21 * time.Second)
			p.Look()
		}
		w.until("the purge ends", func() bool { return w.execution(p, id).Status == job.Success })
		if e := w.execution(p, id); e.Result.Rows != 15 || len(w.left()) != 0 {
			w.Errorf("got %+v", e)
		}
		if log, _ := p.Purger.Log(w.Context(), id); !strings.Contains(log, "go on after 5 rows with purging rows of pull_artifact") {
			w.Errorf("the log is %q", log)
		}
	})
}

// Runs that were missed are one, whoever of several processes begins it.
func TestPurgeSchedule(t *testing.T) {
	each(t, func(w world) {
		now := &timed{now: start.Add(50 * time.Minute)}
		p := w.purger(now)
		daily := w.purge(map[string]any{"audit_retention_hour": 1.0, "include_event_types": "pull_artifact"})
		if err := p.Purger.SetSchedule(w.Context(), admin.Name, "Hourly", "@hourly", daily.String()); !errors.Is(err, fault.Invalid) {
			w.Errorf("got %v, want fault.Invalid", err)
		}
		if _, found, err := p.Purger.Schedule(w.Context()); found || err != nil {
			w.Fatalf("there is a schedule, or %v", err)
		}
		if err := p.Purger.SetSchedule(w.Context(), admin.Name, "Hourly", "0 0 * * * *", daily.String()); err != nil {
			w.Fatal(err)
		}
		s, found, err := p.Purger.Schedule(w.Context())
		if err != nil || !found || s.Cron != "0 0 * * * *" || s.CronType != "Hourly" || s.Parameters != daily.String() || !s.Next.Equal(start.Add(time.Hour)) {
			w.Fatalf("got %+v, %v", s, err)
		}
		now.pass(300 * time.Minute)
		w.numbered(0, 3)
		one, two := w.purger(now), w.purger(now)
		w.running(one)
		if !w.db.Exclusive() {
			w.running(two)
		}
		w.until("the purge ends", func() bool {
			list, _, err := p.Purger.Executions(w.Context(), db.List{})
			return err == nil && len(list) == 1 && list[0].Status == job.Success && list[0].Trigger == job.BySchedule && list[0].Result.Rows == 3
		})
		if s, _, _ := p.Purger.Schedule(w.Context()); !s.Next.Equal(start.Add(6 * time.Hour)) {
			w.Errorf("the next run is at %s", s.Next)
		}
		if err := p.Purger.Unschedule(w.Context(), admin.Name); err != nil {
			w.Fatal(err)
		}
		now.pass(24 * time.Hour)
		one.Look()
		two.Look()
		id := w.start(one, daily)
		w.until("the purge ends", func() bool { return w.execution(one, id).Status == job.Success })
		if _, total, _ := p.Purger.Executions(w.Context(), db.List{}); total != 2 {
			w.Errorf("%d executions, want 2", total)
		}
	})
}

// What waits to be forwarded is not purged.
func TestPurgeSparesWhatWaits(t *testing.T) {
	each(t, func(w world) {
		now := &timed{now: start.Add(time.Hour)}
		p := w.purger(now)
		w.running(p)
		w.numbered(900, 2)
		w.set(map[string]any{"audit_log_forward_endpoint": "127.0.0.1:1", "disabled_audit_log_event_types": "update_configuration"})
		w.numbered(0, 3)
		all := w.purge(map[string]any{"audit_retention_hour": 0.0, "include_event_types": "pull_artifact"})
		for _, left := range []int{3, 0} {
			id := w.start(p, all)
			w.until("the purge ends", func() bool { return w.execution(p, id).Status == job.Success })
			if got := len(w.left()); got != left {
				w.Errorf("%s are left, want %d", strconv.Itoa(got), left)
			}
			w.set(map[string]any{"audit_log_forward_endpoint": ""})
		}
	})
}
