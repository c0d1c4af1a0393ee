package retention

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/await"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
)

func TestPoliciesThatCannotBe(t *testing.T) {
	large := retain(Always, 0, "**", strings.Repeat("a", 4000))
	for range 9 {
		large.Tags = append(large.Tags, large.Tags[0])
	}
	each(t, func(w *world) {
		for name, c := range map[string]struct {
			policy Policy
			kind   fault.Kind
			words  string
		}{
			"project":     {Policy{ProjectID: 9}, fault.Invalid, "project 9 not found"},
			"algorithm":   {Policy{ProjectID: 1, Algorithm: "and"}, fault.Invalid, "algorithm"},
			"template":    {Policy{ProjectID: 1, Rules: []Rule{retain("mostBeloved", 1, "**", "**")}}, fault.Invalid, "template"},
			"parameter":   {Policy{ProjectID: 1, Rules: []Rule{retain(LatestPushed, 40_000, "**", "**")}}, fault.Invalid, "32766"},
			"negative":    {Policy{ProjectID: 1, Rules: []Rule{retain(LatestPushed, -1, "**", "**")}}, fault.Invalid, "32766"},
			"pattern":     {Policy{ProjectID: 1, Rules: []Rule{retain(Always, 1, "**", "regex:(")}}, fault.Invalid, "regular expression"},
			"same":        {Policy{ProjectID: 1, Rules: []Rule{retain(Always, 1, "a", "b"), retain(Nothing, 1, "a", "b"), retain(Always, 1, "a", "b")}}, fault.Conflict, "rule 2 is conflict with rule 0"},
			"cron":        {Policy{ProjectID: 1, Cron: "nonsense"}, fault.Invalid, "invalid cron string for scheduled tag retention: nonsense, error: "},
			"many":        {Policy{ProjectID: 1, Rules: make([]Rule, 16)}, fault.Invalid, "only 15 rules"},
			"large":       {Policy{ProjectID: 1, Rules: []Rule{large}}, fault.Invalid, "32768 bytes"},
			"no selector": {Policy{ProjectID: 1, Rules: []Rule{{Template: Always}}}, fault.Invalid, "selectors"},
		} {
			if _, err := w.Create(ctx, ann, c.policy); !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.words) {
				t.Errorf("%s: got %v", name, err)
			}
		}
		id := w.policy()
		if _, err := w.Create(ctx, ann, Policy{ProjectID: 1}); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), fmt.Sprint("project 1 already has retention policy ", id)) {
			t.Errorf("the second policy: %v", err)
		}
		if found, err := db.Get(ctx, w.db.Auto(), db.ScanString, `SELECT value FROM project_metadata WHERE name = 'retention_id'`); err != nil || found != fmt.Sprint(id) {
			t.Errorf("metadata %q, %v", found, err)
		}
		w.ok(w.Delete(ctx, ann, id))
		if _, err := w.Get(ctx, id); !errors.Is(err, fault.NotFound) {
			t.Errorf("after deletion: %v", err)
		}
		if found, err := db.Collect(ctx, w.db.Auto(), db.ScanString, `SELECT value FROM project_metadata WHERE name = 'retention_id'`); err != nil || len(found) != 0 {
			t.Errorf("metadata %q, %v", found, err)
		}
	})
}

// Patterns are globs as Harbor's, and besides them regular expressions and ranges of versions.
func TestSelectors(t *testing.T) {
	each(t, func(w *world) {
		w.work()
		for _, name := range []string{"team/app", "team/web", "lib"} {
			for _, tag := range []string{"1.2.0", "2.0.0", "dev-1"} {
				w.image(repository(name), tag, name+tag)
			}
		}
		both := retain(Always, 0, "**", "regex:[0-9.]+")
		both.Tags = append(both.Tags, Selector{Decoration: excludes, Pattern: "2.*"})
		both.Scope[byRepository] = append(both.Scope[byRepository], Selector{Decoration: repoExcludes, Pattern: "lib"})
		disabled := retain(Always, 0, "lib", "**")
		disabled.Disabled = true
		tasks := w.carryOut(w.policy(both, retain(Always, 0, "team/w*", "semver:>=2"), disabled), false)
		if len(tasks) != 2 || tasks["team/app"].Retained != 1 || tasks["team/web"].Retained != 2 || tasks["team/app"].Total != 3 {
			t.Errorf("got %+v", tasks)
		}
		if n := len(w.digests(repository("lib"))); n != 3 {
			t.Errorf("of what no rule covers %d are left", n)
		}
	})
}

// A Cosign signature by tag goes with its image, and stays with it, whatever rules say of its tag.
func TestSignatureByTag(t *testing.T) {
	each(t, func(w *world) {
		w.work()
		ref := repository("app")
		signed := map[string]oci.Digest{}
		for _, tag := range []string{"stays", "goes"} {
			d := w.image(ref, tag, tag)
			layer := []byte("claim of " + tag)
			claim := oci.Descriptor{MediaType: "application/vnd.dev.cosign.simplesigning.v1+json", Digest: oci.SHA256Of(layer), Size: int64(len(layer))}
			_, err := w.registry.PutBlob(ctx, ref, claim.Digest, strings.NewReader(string(layer)))
			w.ok(err)
			empty := oci.SHA256Of([]byte(`{}`))
			content := fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":%q,"config":{"mediaType":%q,"digest":%q,"size":2},"layers":[{"mediaType":%q,"digest":%q,"size":%d}]}`,
				oci.MediaTypeImageManifest, oci.MediaTypeImageConfig, empty, claim.MediaType, claim.Digest, claim.Size)
			signature := oci.Descriptor{MediaType: oci.MediaTypeImageManifest, Digest: oci.SHA256Of(content), Size: int64(len(content))}
			w.push(ref, strings.Replace(string(d.Digest), ":", "-", 1)+".sig", signature, content)
			signed[tag] = signature.Digest
		}
		w.carryOut(w.policy(retain(Always, 0, "**", "stays")), false)
		if got := w.digests(ref); len(got) != 2 || !got[signed["stays"]] {
			t.Errorf("left are %v", got)
		}
	})
}

// What a rule about tags keeps stays, and the log says which rule; the event tells what went.
func TestWhatARunTells(t *testing.T) {
	each(t, func(w *world) {
		w.work()
		ref := repository("app")
		w.image(ref, "v1", "1")
		w.image(ref, "w1", "2")
		used := w.image(ref, "w2", "3")
		for range 3 {
			w.image(ref, "", fmt.Sprint(w.now()))
			w.pass(time.Minute)
		}
		w.pull(ref, oci.DigestReference(used.Digest), registry.ByPerson)
		w.fix("app", "v*")
		w.ok(event.NewDispatcher(w.db, quiet).Drain(ctx))
		id := w.policy(retain(LatestPulled, 1, "**", "**"))
		tasks := w.carryOut(id, false)
		if task := tasks["app"]; task.Total != 6 || task.Retained != 2 {
			t.Errorf("got %+v", task)
		}
		text, err := w.TaskLog(ctx, id, tasks["app"].Execution, tasks["app"].ID)
		w.ok(err)
		for _, words := range []string{"dry run: false", "Load 6 candidates", "rule 0 (latestPulledN) retains 1", "ERR: the tag v1 configured as immutable, cannot be deleted (rule 1", "DEL", "2 of 6 are retained"} {
			if !strings.Contains(text, words) {
				t.Errorf("the log doesn't say %q:\n%s", words, text)
			}
		}
		var told *event.Event
		w.ok(event.NewDispatcher(w.db, quiet, listener(func(e event.Event) {
			if e.Kind == event.RetainTags {
				told = &e
			}
		})).Drain(ctx))
		if told == nil {
			t.Fatal("no event")
		}
		var body event.Retention
		w.ok(json.Unmarshal(told.Detail, &body))
		if body.Total != 6 || body.Retained != 2 || body.Policy != id || body.Result != "Success" || len(body.Deleted) != 4 || body.More || len(body.Rules) != 1 || body.Rules[0].Template != LatestPulled {
			t.Errorf("got %+v", body)
		}
		if last := body.Deleted[3]; last.NameTag != "alpha/app:w1" || last.Type != "image" {
			t.Errorf("got %+v", last)
		}
	})
}

type listener func(event.Event)

func (l listener) Handle(_ context.Context, _ db.Tx, events []event.Event) error {
	for _, e := range events {
		l(e)
	}
	return nil
}

// What was pushed, tagged or used since it was looked at stays.
func TestChangedMeanwhile(t *testing.T) {
	each(t, func(w *world) {
		ref := repository("app")
		for name, change := range map[string]func(d oci.Descriptor, content []byte){
			"another tag": func(d oci.Descriptor, content []byte) { w.push(ref, "new", d, content) },
			"a use":       func(d oci.Descriptor, _ []byte) { w.pull(ref, oci.DigestReference(d.Digest), registry.ByRobot) },
			"a scan":      func(d oci.Descriptor, _ []byte) { w.pull(ref, oci.DigestReference(d.Digest), registry.ByScanner) },
			"a copy":      func(d oci.Descriptor, _ []byte) { w.pull(ref, oci.DigestReference(d.Digest), registry.ByRegistry) },
		} {
			d, content := w.manifest(ref, name, nil)
			w.push(ref, "v1", d, content)
			var seen registry.Candidate
			w.ok(w.registry.Candidates(ctx, ref, func(page []registry.Candidate) error {
				for _, c := range page {
					if c.Digest == d.Digest {
						seen = c
					}
				}
				return nil
			}))
			w.pass(time.Minute)
			change(d, content)
			var stays error
			w.ok(w.db.Write(ctx, func(tx db.Tx) (err error) {
				stays, err = remove(ctx, tx, w.registry.Deletion(ourselves.Name, ref, 0), seen)
				return err
			}))
			if uses := name == "another tag" || name == "a use"; errors.Is(stays, registry.ErrChanged) != uses || w.digests(ref)[d.Digest] != uses {
				t.Errorf("%s: %v", name, stays)
			}
		}
	})
}

// The clock begins a run, unless one goes on; a read-only system deletes nothing; who stops a run has it delete nothing more.
func TestScheduleReadOnlyAndStop(t *testing.T) {
	each(t, func(w *world) {
		ref := repository("app")
		w.image(ref, "v1", "1")
		id, err := w.Create(ctx, ann, Policy{ProjectID: 1, TriggerKind: "Schedule", Cron: "0 0 0 * * *", Rules: []Rule{retain(Nothing, 0, "**", "**")}})
		w.ok(err)
		next, err := w.Next(ctx, id)
		w.ok(err)
		if want := start.Truncate(24*time.Hour).AddDate(0, 0, 1); !next.Equal(want) {
			t.Errorf("next at %v, want %v", next, want)
		}
		w.readOnly.Store(true)
		w.work()
		w.pass(24 * time.Hour)
		var run Execution
		await.Until(t, "the clock begins it", func() bool {
			page, _, err := w.Executions(ctx, id, db.List{Page: 1, Size: 10})
			w.ok(err)
			if len(page) > 0 {
				run = page[0]
			}
			return len(page) > 0
		})
		if run.Trigger != job.BySchedule || run.DryRun {
			t.Errorf("got %+v", run)
		}
		if err := w.Delete(ctx, ann, id); !errors.Is(err, fault.Conflict) {
			t.Errorf("deletion while it runs: %v", err)
		}
		await.Until(t, "its task has failed once", func() bool {
			tasks, _, err := w.Tasks(ctx, id, run.ID, db.List{Page: 1, Size: 10})
			w.ok(err)
			return tasks[0].Status == job.Scheduled
		})
		if err := w.Stop(ctx, ann, id+1, run.ID); !errors.Is(err, fault.NotFound) {
			t.Errorf("stop by another policy: %v", err)
		}
		w.ok(w.Stop(ctx, ann, id, run.ID))
		w.ok(w.Stop(ctx, ann, id, run.ID)) // it has ended: that is no news
		if n, err := db.Get(ctx, w.db.Auto(), db.ScanInt, `SELECT COUNT(*) FROM event WHERE kind = 'stop_retention'`); err != nil || n != 1 {
			t.Errorf("%d events tell that it was stopped, %v", n, err)
		}
		w.readOnly.Store(false)
		w.pass(time.Hour)
		if e, err := w.Execution(ctx, id, run.ID); err != nil || e.Status != job.Stopped || len(w.digests(ref)) != 1 {
			t.Errorf("got %+v, %v; left are %v", e, err, w.digests(ref))
		}
		w.ok(w.Delete(ctx, ann, id))
	})
}

// What is tried again after the rules were changed deletes nothing by those of then.
func TestTriedAgainByOtherRules(t *testing.T) {
	each(t, func(w *world) {
		ref := repository("app")
		w.image(ref, "v1", "1")
		id := w.policy(retain(Nothing, 0, "**", "**"))
		w.readOnly.Store(true)
		w.work()
		for _, change := range []bool{true, false} {
			run, err := w.Start(ctx, ann, id, false)
			w.ok(err)
			await.Until(t, "its task has failed once", func() bool {
				tasks, _, err := w.Tasks(ctx, id, run, db.List{Page: 1, Size: 10})
				w.ok(err)
				return tasks[0].Status == job.Scheduled
			})
			if change {
				w.policy(retain(Always, 0, "**", "**"))
			}
			w.readOnly.Store(false)
			w.pass(time.Hour)
			await.Until(t, "it ends", func() bool {
				e, err := w.Execution(ctx, id, run)
				w.ok(err)
				return e.Status.Ended()
			})
			tasks, _, err := w.Tasks(ctx, id, run, db.List{Page: 1, Size: 10})
			w.ok(err)
			text, err := w.TaskLog(ctx, id, run, tasks[0].ID)
			w.ok(err)
			if failed := tasks[0].Status == job.Error; failed != change || strings.Contains(text, errOtherRules.Error()) != change || len(w.digests(ref)) != map[bool]int{true: 1}[change] {
				t.Errorf("changed: %v, and left are %v\n%s", change, w.digests(ref), text)
			}
			w.readOnly.Store(true)
			w.policy(retain(Nothing, 0, "**", "**"))
		}
	})
}

// While nobody notes pulls, rules by use delete nothing.
func TestNoUsesAreNoted(t *testing.T) {
	each(t, func(w *world) {
		ref := repository("app")
		w.image(ref, "v1", "1")
		w.blind.Store(true)
		w.work()
		byUse := retain(SincePull, 1, "**", "**")
		if v, err := w.Preview(ctx, ref, []Rule{byUse}); err != nil || v.Retained != 1 || !v.Artifacts[0].Stays || v.Artifacts[0].Rule != -1 || !strings.Contains(v.Artifacts[0].Why, "pull_time_update_disable") {
			t.Errorf("the preview says %+v, %v", v, err)
		}
		id := w.policy(byUse)
		run, err := w.Start(ctx, ann, id, false)
		w.ok(err)
		await.Until(t, "it fails", func() bool {
			e, err := w.Execution(ctx, id, run)
			w.ok(err)
			return e.Status == job.Error
		})
		if len(w.digests(ref)) != 1 {
			t.Error("it deletes what nobody knows the uses of")
		}
		if task := w.carryOut(w.policy(retain(SincePush, 0, "**", "**")), false)["app"]; task.Retained != 1 {
			t.Errorf("by push: %+v", task)
		}
	})
}

// The default policy holds where a project has none, besides its own where it wants so, and not where it doesn't.
func TestDefaultPolicy(t *testing.T) {
	each(t, func(w *world) {
		ref := repository("app")
		for _, tag := range []string{"a", "b", "c"} {
			w.image(ref, tag, tag)
		}
		if err := w.SetDefault(ctx, ann, Default{Cron: "nonsense"}); !errors.Is(err, fault.Invalid) {
			t.Errorf("a cron that can't be: %v", err)
		}
		w.ok(w.SetDefault(ctx, ann, Default{Cron: "0 0 0 * * *", Rules: []Rule{retain(Always, 0, "**", "a")}}))
		w.work()
		nights := 0
		night := func(want int) {
			t.Helper()
			nights++
			w.pass(24 * time.Hour)
			await.Until(t, "the clock has begun what is to begin", func() bool {
				sch, found, err := w.Jobs.FindSchedule(ctx, DefaultKind, job.System)
				w.ok(err)
				return found && sch.Next.After(w.now())
			})
			await.Until(t, "nothing goes on", func() bool {
				n, err := db.Get(ctx, w.db.Auto(), db.ScanInt, `SELECT COUNT(*) FROM job_execution WHERE status IN ('Pending', 'Running') AND kind LIKE 'RETENTION%'`)
				w.ok(err)
				return n == 0
			})
			if got := len(w.digests(ref)); got != want {
				t.Errorf("after night %d: %d are left, want %d", nights, got, want)
			}
		}
		w.ok(w.SetMode(ctx, ann, 1, "alpha", Never))
		night(3)
		w.ok(w.SetMode(ctx, ann, 1, "alpha", UnlessOwn))
		id := w.policy(retain(Always, 0, "**", "b"))
		night(3)
		w.ok(w.SetMode(ctx, ann, 1, "alpha", Besides))
		if task := w.carryOut(id, false)["app"]; task.Retained != 2 {
			t.Errorf("besides: %+v", task)
		}
		if v, err := w.Standing(ctx, 1); err != nil || v.Mode != Besides || v.Policy != id || len(v.Rules) != 2 {
			t.Errorf("got %+v, %v", v, err)
		}
		w.ok(w.Delete(ctx, ann, id))
		night(1)
		w.ok(w.DropDefault(ctx, ann))
		if _, err := w.Default(ctx); !errors.Is(err, fault.NotFound) {
			t.Errorf("after its end: %v", err)
		}
	})
}

// Who wants the default policy no more has nothing more deleted by it: a run that goes on ends.
func TestNoDefaultAnyMore(t *testing.T) {
	each(t, func(w *world) {
		for name, leave := range map[string]func() error{
			"never": func() error { return w.SetMode(ctx, ann, 1, "alpha", Never) },
			"own policy": func() error {
				_, err := w.Create(ctx, ann, Policy{ProjectID: 1})
				return err
			},
			"no default": func() error { return w.DropDefault(ctx, ann) },
		} {
			w.ok(w.SetDefault(ctx, ann, Default{Rules: []Rule{retain(Nothing, 0, "**", "**")}}))
			w.ok(w.SetMode(ctx, ann, 1, "alpha", UnlessOwn))
			w.exec(`DELETE FROM retention_policy`)
			w.image(repository("app"), name[:1], name)
			w.ok(w.db.Write(ctx, func(tx db.Tx) error { return w.fireDefault(ctx, tx, job.Schedule{}) }))
			w.ok(leave())
			all, _, err := w.Jobs.Executions(ctx, []job.Kind{DefaultKind}, new(int64(1)), db.List{Page: 1, Size: 1})
			w.ok(err)
			if len(all) != 1 || all[0].Status != job.Stopped {
				t.Errorf("%s: got %+v", name, all)
			}
		}
	})
}
