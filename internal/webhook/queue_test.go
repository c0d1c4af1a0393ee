package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/havenregistry/haven/internal/await"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
)

func TestWhoIsTold(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := newReceiver(t, nil)
		w.happen(pushed("app", "nobody-listens"))
		own := w.policy(1, hook(func(d *Draft) { d.Targets[0].Address = v.URL + "/own" }))
		other := w.policy(2, hook(func(d *Draft) { d.Targets[0].Address = v.URL + "/other" }))
		whole := w.policy(Whole, hook(func(d *Draft) {
			d.Targets[0].Address = v.URL + "/whole"
			d.EventTypes = []EventType{Pushed, Deleted}
		}))
		disabled := w.policy(1, hook(func(d *Draft) { d.Name, d.Enabled, d.Targets[0].Address = "off", false, v.URL }))
		gone := pushed("app", "v1")
		gone.Kind = event.DeleteArtifact
		refused := pushed("app", "v0")
		refused.Success = false
		w.happen(pushed("app", "v1"), gone, refused, event.Event{Kind: event.LoginUser, Success: true})
		w.work()
		for _, c := range []struct {
			policy Policy
			want   int
		}{{own, 1}, {other, 0}, {whole, 2}, {disabled, 0}} {
			if got := w.statuses(c.policy)[Delivered]; got != c.want || len(w.all(c.policy)) != c.want {
				t.Errorf("policy %d: %d delivered of %d, want %d", c.policy.ID, got, len(w.all(c.policy)), c.want)
			}
		}
		triggers, err := w.Triggers(w.ctx, 1)
		if err != nil || len(triggers) != 2 || triggers[1].Policy.ID != own.ID || triggers[1].At.Unix() != 1700000000 || !triggers[0].At.IsZero() {
			t.Errorf("triggers %+v, %v", triggers, err)
		}
		// A change counts at once, also where another process made it.
		if err := w.replica(w.Box).Update(w.ctx, ann, Project{ID: 1}, own.ID, hook(func(d *Draft) { d.EventTypes = []EventType{Pulled}; d.Targets[0].Address = v.URL })); err != nil {
			t.Fatal(err)
		}
		w.happen(pushed("app", "v2"))
		w.mu.Lock()
		w.off = true
		w.mu.Unlock()
		w.happen(pushed("app", "v3"))
		w.work()
		if n := len(w.all(own)); n != 1 {
			t.Errorf("%d deliveries", n)
		}
		if counts := w.statuses(whole); counts[Delivered] != 2 || counts[Waiting] != 1 {
			t.Errorf("while webhooks are off: %v", counts)
		}
	})
}

func TestFailures(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		t.Run("what is refused isn't tried again", func(t *testing.T) {
			v := newReceiver(t, func(w http.ResponseWriter, _ received) {
				http.Error(w, "no such\x1b[31m field", http.StatusUnprocessableEntity)
			})
			p := w.tell("refused", v.URL)
			w.happen(pushed("app", "v1"))
			w.work()
			w.pass(time.Hour)
			w.work()
			got := w.all(p)
			if len(v.all()) != 1 || got[0].Status != GivenUp || got[0].Answer != 422 || got[0].AnswerBody != "no such[31m field\n" {
				t.Errorf("%d requests, %+v", len(v.all()), got)
			}
			v.answers(nil)
			if n, err := w.RedeliverFailed(w.ctx, 1, p.ID); err != nil || n != 1 {
				t.Fatalf("sent again: %d, %v", n, err)
			}
			w.work()
			if got := w.all(p); got[0].Status != Delivered {
				t.Errorf("sent again: %+v", got)
			}
			all := v.all()
			if all[0].header.Get("Webhook-Id") != all[1].header.Get("Webhook-Id") || all[0].header.Get("Webhook-Id") == "" {
				t.Error("it has another id")
			}
			if err := w.Delete(w.ctx, ann, Project{ID: 1}, p.ID); err != nil {
				t.Fatal(err)
			}
		})
		t.Run("a delivery that always fails holds up its repository, and nobody else", func(t *testing.T) {
			v := newReceiver(t, func(w http.ResponseWriter, r received) {
				if strings.Contains(string(r.body), "poison") {
					w.WriteHeader(http.StatusInternalServerError)
				}
			})
			p := w.tell("poison", v.URL)
			w.happen(pushed("app", "poison"), pushed("app", "v2"), pushed("other", "v1"))
			w.work()
			if counts := w.statuses(p); counts[Delivered] != 1 || counts[Waiting] != 2 {
				t.Fatalf("got %v", counts)
			}
			for range maxAttempts {
				w.pass(lastPause)
				w.happen(pushed("other", "again")) // the target takes others
				w.work()
			}
			got := w.all(p)
			if got[0].Status != GivenUp || got[0].Attempts != maxAttempts || got[1].Status != Delivered || !strings.Contains(got[0].Complaint, "500") {
				t.Errorf("got %+v", got[:2])
			}
			if err := w.Delete(w.ctx, ann, Project{ID: 1}, p.ID); err != nil {
				t.Fatal(err)
			}
		})
		t.Run("while a delivery waits for its next try, others are sent at once", func(t *testing.T) {
			v := newReceiver(t, func(w http.ResponseWriter, r received) {
				if strings.Contains(string(r.body), "poison") {
					w.WriteHeader(http.StatusInternalServerError)
				}
			})
			p := w.tell("held", v.URL)
			w.happen(pushed("app", "poison"))
			w.work()
			w.happen(pushed("app", "v2"), pushed("other", "v1"))
			w.work()
			if counts := w.statuses(p); counts[Delivered] != 1 || counts[Waiting] != 2 {
				t.Errorf("got %v", counts)
			}
			// What the target asks for holds for all.
			v.answers(func(w http.ResponseWriter, _ received) {
				w.Header().Set("Retry-After", "100")
				w.WriteHeader(http.StatusTooManyRequests)
			})
			w.happen(pushed("third", "v1"))
			w.work()
			v.answers(nil)
			w.happen(pushed("fourth", "v1"))
			w.work()
			if counts := w.statuses(p); counts[Delivered] != 1 {
				t.Errorf("before the time that it asked for: %v", counts)
			}
			w.pass(101 * time.Second)
			w.work()
			if counts := w.statuses(p); counts[Delivered] != 5 || counts[Waiting] != 0 {
				t.Errorf("after it: %v", counts)
			}
			if err := w.Delete(w.ctx, ann, Project{ID: 1}, p.ID); err != nil {
				t.Fatal(err)
			}
		})
		t.Run("a dead target is asked seldom, and gets all when it lives again", func(t *testing.T) {
			v := newReceiver(t, nil)
			address := v.URL
			v.Close()
			p := w.tell("dead", address)
			for i := range 300 {
				w.happen(pushed(fmt.Sprintf("app%d", i%7), fmt.Sprint(i)))
			}
			for range 100 {
				w.work()
				w.pass(time.Minute)
			}
			tried := int64(0)
			for _, d := range w.all(p) {
				tried += d.Attempts
			}
			if counts := w.statuses(p); counts[Waiting] != 300 || tried < 20 || tried > 60 {
				t.Errorf("%v after %d attempts", counts, tried)
			}
			state, err := w.Get(w.ctx, 1, p.ID)
			if err != nil || state.Targets[0].Failures == 0 || state.Targets[0].Complaint != "nothing listens there" {
				t.Errorf("got %+v, %v", state.Targets, err)
			}
			living := newReceiver(t, nil)
			if err := w.Update(w.ctx, ann, Project{ID: 1}, p.ID, Draft{Name: "dead", Enabled: true, EventTypes: EventTypes(), Targets: []TargetDraft{{Type: HTTP, Address: living.URL}}}); err != nil {
				t.Fatal(err)
			}
			w.work()
			if counts := w.statuses(p); counts[Delivered] != 300 || len(living.all()) != 300 {
				t.Errorf("%v, %d arrived", counts, len(living.all()))
			}
		})
		t.Run("what waits for a day is given up", func(t *testing.T) {
			v := newReceiver(t, nil)
			address := v.URL
			v.Close()
			p := w.tell("late", address)
			w.happen(pushed("app", "v1"), pushed("app", "v2"))
			w.work()
			w.pass(giveUpAfter + time.Minute)
			w.happen(pushed("app", "v3"))
			w.work()
			if counts := w.statuses(p); counts[GivenUp] != 2 || counts[Waiting] != 1 {
				t.Errorf("got %v", counts)
			}
		})
		t.Run("a policy that is off sends nothing, and what waits for it is given up after a day", func(t *testing.T) {
			v := newReceiver(t, nil)
			p := w.tell("paused", v.URL)
			w.happen(pushed("app", "v1"))
			off := Draft{Name: "paused", EventTypes: EventTypes(), Targets: []TargetDraft{{Type: HTTP, Address: v.URL}}}
			if err := w.Update(w.ctx, ann, Project{ID: 1}, p.ID, off); err != nil {
				t.Fatal(err)
			}
			w.work()
			if counts := w.statuses(p); counts[Waiting] != 1 || len(v.all()) != 0 {
				t.Errorf("got %v", counts)
			}
			w.pass(giveUpAfter + time.Minute)
			w.work()
			if counts := w.statuses(p); counts[GivenUp] != 1 || len(v.all()) != 0 {
				t.Errorf("after a day: %v", counts)
			}
		})
	})
}

// Deliveries of a repository arrive in their order, whatever the receiver answers, and each is delivered or given up.
func TestOrder(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		round := 0
		rapid.Check(t, func(rt *rapid.T) {
			w := newWorld(t, d)
			round++
			answers := rapid.SliceOfN(rapid.SampledFrom([]int{200, 200, 200, 204, 400, 403, 429, 500, 503}), 1, 40).Draw(rt, "answers")
			var asked atomic.Int64
			v := newReceiver(t, func(w http.ResponseWriter, _ received) {
				n := int(asked.Add(1)) - 1
				if n < len(answers) {
					w.WriteHeader(answers[n])
				}
			})
			p := w.tell(fmt.Sprint("order ", round), v.URL)
			defer func() {
				if err := w.Delete(w.ctx, ann, Project{ID: 1}, p.ID); err != nil {
					rt.Fatal(err)
				}
				w.work()
			}()
			serial := 0
			for range rapid.IntRange(1, 4).Draw(rt, "batches") {
				var events []event.Event
				for _, repository := range rapid.SliceOfN(rapid.IntRange(0, 3), 1, 12).Draw(rt, "repositories") {
					serial++
					events = append(events, pushed(fmt.Sprintf("app%d", repository), fmt.Sprintf("%04d", serial)))
				}
				w.happen(events...)
				w.work()
				w.pass(time.Duration(rapid.IntRange(0, 20).Draw(rt, "pause")) * time.Second)
			}
			for range 3 * maxAttempts {
				w.work()
				w.pass(lastPause)
			}
			last := map[string]string{}
			for _, r := range v.all() {
				tag := r.tag(rt)
				repository := r.repository(rt)
				if tag < last[repository] {
					rt.Errorf("%s: %s came after %s", repository, tag, last[repository])
				}
				last[repository] = tag
			}
			seen := map[string]bool{}
			for _, r := range v.all() {
				seen[r.tag(rt)] = true
			}
			if counts := w.statuses(p); counts[Waiting] != 0 || counts[Delivered]+counts[GivenUp] != serial || len(seen) != serial {
				rt.Errorf("of %d: %v, %d were sent", serial, counts, len(seen))
			}
		})
	})
}

// Thousands of events go to one that lives, one that is slow and one that is dead, from two processes where
// the database allows: the living one has all of them soon, in their order.
func TestSlowAndDeadTargets(t *testing.T) {
	const events, repositories, batch = 5000, 20, 200
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.now = time.Time{}
		stop := make(chan struct{})
		live := newReceiver(t, nil)
		slow := newReceiver(t, func(w http.ResponseWriter, _ received) {
			select {
			case <-time.After(300 * time.Millisecond):
			case <-stop:
			}
		})
		dead := newReceiver(t, nil)
		policies := []Policy{w.tell("slow", slow.URL), w.tell("dead", dead.URL), w.tell("live", live.URL)}
		dead.Close()

		ctx, cancel := context.WithCancel(w.ctx)
		var running sync.WaitGroup
		processes := []*Service{w.Service}
		if !d.Exclusive() {
			processes = append(processes, w.replica(w.Box))
		}
		for _, s := range processes {
			running.Go(func() {
				if err := s.Run(ctx); err != nil {
					t.Error(err)
				}
			})
		}
		began := time.Now()
		for i := 0; i < events; i += batch {
			some := make([]event.Event, batch)
			for j := range some {
				some[j] = pushed(fmt.Sprintf("app%d", (i+j)%repositories), fmt.Sprintf("%06d", i+j))
			}
			w.happen(some...)
		}
		written := time.Since(began)
		await.Until(t, "the living one has all", func() bool { return len(live.all()) >= events })
		t.Logf("%d events for three targets: written in %s, with the living one after %s, %d with the slow one", events, written, time.Since(began), len(slow.all()))
		close(stop)
		cancel()
		running.Wait()
		last, seen := map[string]string{}, map[string]bool{}
		for _, r := range live.all() {
			repository, tag := r.repository(t), r.tag(t)
			if tag < last[repository] {
				t.Errorf("%s: %s came after %s", repository, tag, last[repository])
			}
			last[repository], seen[tag] = tag, true
		}
		if len(seen) != events {
			t.Errorf("%d of %d arrived", len(seen), events)
		}
		for i, p := range policies[:2] {
			counts := w.statuses(p)
			if total := counts[Waiting] + counts[Delivered]; total < events-trimEvery && i == 1 || counts[GivenUp] > 0 {
				t.Errorf("%s: %v", p.Name, counts)
			}
		}
		if n := len(slow.all()); n == 0 || n > events/2 {
			t.Errorf("the slow one got %d meanwhile", n)
		}
	})
}

// A process that dies with a target in its hands leaves it to others, and what it noted stays noted.
func TestLeases(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := newReceiver(t, nil)
		p := w.tell("lease", v.URL)
		w.happen(pushed("app", "v1"))
		held, err := w.claim(w.ctx)
		if err != nil || held == nil {
			t.Fatal(held, err)
		}
		w.work()
		if n := len(v.all()); n != 0 {
			t.Errorf("%d requests while somebody else has the target", n)
		}
		w.pass(leaseTime)
		w.work()
		if counts := w.statuses(p); counts[Delivered] != 1 {
			t.Errorf("after the lease: %v", counts)
		}
		if err := held.run(w.ctx); err != nil {
			t.Errorf("the first one comes back: %v", err)
		}
		w.happen(pushed("app", "v2"))
		w.work()
		if n := len(v.all()); n != 2 {
			t.Errorf("%d requests", n)
		}
	})
}

func TestWhatIsKept(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := newReceiver(t, nil)
		p := w.tell("kept", v.URL)
		for i := range (keptDelivered + 2*trimEvery) / 100 {
			some := make([]event.Event, 100)
			for j := range some {
				some[j] = pushed(fmt.Sprintf("app%d", j%9), fmt.Sprintf("%d-%d", i, j))
			}
			w.happen(some...)
			w.work()
		}
		if n := w.statuses(p)[Delivered]; n < keptDelivered || n > keptDelivered+trimEvery {
			t.Errorf("%d are kept", n)
		}
		w.pass(w.Keep + time.Minute)
		w.happen(pushed("app", "new"))
		w.work()
		if err := w.Tidy(w.ctx); err != nil {
			t.Fatal(err)
		}
		if n := len(w.all(p)); n != 1 {
			t.Errorf("%d are left", n)
		}
		w.Service.mu.Lock()
		w.queued[p.Targets[0].ID] = backlog{counted: maxWaiting - 1}
		w.Service.mu.Unlock()
		var log bytes.Buffer
		w.Service.Log = slog.New(slog.NewTextHandler(&log, nil))
		w.happen(pushed("app", "room"), pushed("app", "no room"), pushed("app", "nor here"))
		if got, err := w.Get(w.ctx, 1, p.ID); err != nil || got.Targets[0].Lost != 2 || len(w.all(p)) != 2 {
			t.Errorf("%d are lost of a full queue, %v", got.Targets[0].Lost, err)
		}
		other := w.tell("other", v.URL)
		w.Service.mu.Lock()
		w.queued[other.Targets[0].ID] = backlog{counted: maxWaiting}
		w.Service.mu.Unlock()
		for range 3 {
			w.happen(pushed("app", "no room"))
		}
		if n := strings.Count(log.String(), "queue is full"); n != 2 {
			t.Errorf("that two queues are full was logged %d times", n)
		}
	})
}

// The policies of a project end with it, when what happened before has been delivered.
func TestPoliciesOfDeletedProjects(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		exec := func(statement string) {
			t.Helper()
			if err := d.Write(w.ctx, func(tx db.Tx) error { _, err := tx.Exec(w.ctx, statement); return err }); err != nil {
				t.Fatal(err)
			}
		}
		exec(`INSERT INTO account (id, username, email, created_at, updated_at) VALUES (1, 'ann', 'a', 1, 1)`)
		exec(`INSERT INTO project (id, name, owner_id, created_at, updated_at) VALUES (1, 'p', 1, 1, 1), (2, 'q', 1, 1, 1)`)
		v := newReceiver(t, nil)
		gone := w.tell("gone", v.URL)
		stays := []Policy{w.policy(2, hook(func(*Draft) {})), w.policy(Whole, hook(func(*Draft) {}))}
		w.happen(pushed("app", "last"))
		exec(`UPDATE project SET name = 'p#1', deleted_at = 1 WHERE id = 1`)
		tidy := func() {
			t.Helper()
			if err := w.Tidy(w.ctx); err != nil {
				t.Fatal(err)
			}
		}
		tidy()
		w.work()
		if n := len(v.all()); n != 1 {
			t.Errorf("%d deliveries arrived of what happened before the project's end", n)
		}
		tidy()
		w.work()
		for _, table := range []string{"webhook_target", "webhook_delivery", "webhook_trigger"} {
			if n, err := db.Get(w.ctx, d.Auto(), db.ScanInt, `SELECT COUNT(*) FROM `+table+` WHERE policy_id = $1`, gone.ID); err != nil || n != 0 {
				t.Errorf("%d rows are left in %s, %v", n, table, err)
			}
		}
		if _, err := w.Home(w.ctx, gone.ID); !errors.Is(err, fault.NotFound) {
			t.Errorf("the policy: %v", err)
		}
		for _, p := range stays {
			if _, err := w.Get(w.ctx, p.ProjectID, p.ID); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestRedeliverAndCallOff(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := newReceiver(t, func(w http.ResponseWriter, _ received) { fmt.Fprint(w, "thanks") })
		p := w.tell("again", v.URL)
		w.happen(pushed("app", "v1"), pushed("app", "v2"))
		first := w.all(p)[0]
		if err := w.CallOff(w.ctx, 1, p.ID, first.ID); err != nil {
			t.Fatal(err)
		}
		w.work()
		if got := w.all(p); got[0].Status != CalledOff || got[1].Status != Delivered || got[1].AnswerBody != "thanks" {
			t.Errorf("got %+v", got)
		}
		if err := w.Redeliver(w.ctx, 1, p.ID, first.ID); err != nil {
			t.Fatal(err)
		}
		w.work()
		x, err := w.Exchange(w.ctx, 1, p.ID, first.ID)
		if err != nil || x.Status != Delivered || !strings.Contains(x.Log(), `"tag":"v1"`) || !strings.Contains(x.Log(), "thanks") || !strings.Contains(x.Log(), "answer 200") {
			t.Errorf("%v:\n%s", err, x.Log())
		}
		tags := []string{}
		for _, r := range v.all() {
			tags = append(tags, r.tag(t))
		}
		if !slices.Equal(tags, []string{"v2", "v1"}) {
			t.Errorf("sent %v", tags)
		}
		if err := w.Redeliver(w.ctx, 1, p.ID, 999); err == nil {
			t.Error("a delivery that isn't there")
		}
	})
}
