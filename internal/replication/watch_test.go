package replication

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/label"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/replication/remote"
)

// look is what the clock begins each minute.
func (w *world) look(policy int64) {
	w.T.Helper()
	w.ok(w.Notified(ctx, policy))
	w.settled()
}

func TestASourceElsewhereIsWatched(t *testing.T) {
	eachWorld(t, func(w *world) {
		w.peer.plain = true
		fill(w.there)
		p := w.policy(Policy{Source: 1, Destination: 2, Trigger: EventBased, Override: true, Deletion: true, Filters: []Filter{{Type: ByName, Value: "alpha/**"}}})
		w.look(p)
		if w.third.tag("alpha/app", "v1") != w.there.tag("alpha/app", "v1") || w.third.tag("alpha/multi", "latest") == "" {
			t.Fatalf("got %v", w.third.everything())
		}
		if len(w.everything()) > 0 {
			t.Errorf("what only passes through is kept: %v", w.everything())
		}
		_, before, err := w.Executions(ctx, ExecutionFilter{Policy: &p, Trigger: EventBased}, db.List{Page: 1, Size: 10})
		w.ok(err)
		w.look(p) // nothing has happened
		if _, n, err := w.Executions(ctx, ExecutionFilter{Policy: &p}, db.List{Page: 1, Size: 10}); n != before || err != nil {
			t.Errorf("there were %d executions, and now %d, though nothing happened: %v", before, n, err)
		}
		moved := w.there.image("alpha/app", "v1", "moved")
		w.ok(w.there.registry.DeleteTag(ctx, ann, w.there.ref("alpha/app"), "v2"))
		w.look(p)
		if w.third.tag("alpha/app", "v1") != moved || w.third.tag("alpha/app", "v2") != "" {
			t.Errorf("got %v", w.third.everything())
		}
	})
}

// A repository of the source that can't be listed holds up no other: neither where it is watched, nor where all are compared.
func TestOneRepositoryThatCannotBeListed(t *testing.T) {
	eachWorld(t, func(w *world) {
		for i := range 30 {
			w.there.image(fmt.Sprintf("alpha/app%02d", i), "v1", "base")
		}
		w.peer.shut = map[string]error{"alpha/app00": fmt.Errorf("a key is missing: %w", remote.ErrDenied)}
		watched := w.policy(Policy{Source: 1, Destination: 2, Trigger: EventBased})
		w.look(watched)
		if n := len(w.third.everything()); n != 29 {
			t.Errorf("%d of 29 were seen and copied", n)
		}
		e := w.run(w.policy(Policy{Source: 1}))
		if n := len(w.everything()); e.Status != Failed || e.Counts.Succeeded != 29 || e.Counts.Failed != 1 || n != 29 {
			t.Errorf("%d were copied: %+v", n, e)
		}
		if log := w.logs(e.ID); !strings.Contains(log, "alpha/app00") || !strings.Contains(log, "a key is missing") {
			t.Errorf("nobody is told: %s", log)
		}
	})
}

// A policy that copies from or to elsewhere from now on deletes nothing of what it copied before, and brings all to the new place.
func TestAPolicyOfOtherRegistries(t *testing.T) {
	eachWorld(t, func(w *world) {
		w.there.image("alpha/app", "v1", "a")
		p := Policy{Name: "p", Source: 1, Deletion: true, Enabled: true, ReplaceCount: -1}
		var err error
		p.ID, err = w.Create(ctx, ann, p)
		w.ok(err)
		w.succeed(p.ID)
		w.third.image("alpha/app", "v2", "b")
		p.Source = 2
		w.ok(w.Update(ctx, ann, p))
		w.succeed(p.ID)
		if w.tag("alpha/app", "v1") == "" || w.tag("alpha/app", "v2") == "" {
			t.Errorf("after another source: %v", w.everything())
		}
		watched := Policy{Name: "watched", Source: 1, Trigger: EventBased, Namespace: "mirror", Enabled: true, ReplaceCount: -1}
		watched.ID, err = w.Create(ctx, ann, watched)
		w.ok(err)
		w.look(watched.ID)
		watched.Destination = 2
		w.ok(w.Update(ctx, ann, watched))
		w.look(watched.ID)
		if w.tag("mirror/app", "v1") == "" || w.third.tag("mirror/app", "v1") == "" {
			t.Errorf("after another destination: %v", w.third.everything())
		}
	})
}

func TestAScheduleBeginsIt(t *testing.T) {
	eachWorld(t, func(w *world) {
		w.image("alpha/app", "v1", "a")
		id := w.policy(Policy{Destination: 1, Trigger: Scheduled, Cron: "0 0 0 1 1 *"})
		w.exec(`UPDATE job_schedule SET due_at = 1 WHERE kind = 'REPLICATION'`)
		w.eventually("the clock begins it", func() bool { return w.there.tag("alpha/app", "v1") != "" })
		w.settled()
		rows, n, err := w.Executions(ctx, ExecutionFilter{Policy: &id, Trigger: Scheduled, Status: Succeeded}, db.List{Page: 1, Size: 10})
		if n != 1 || err != nil || rows[0].Counts.Succeeded != 1 {
			t.Errorf("got %+v, %v", rows, err)
		}
	})
}

func TestWhatCanNeverBeIsNotTriedForever(t *testing.T) {
	eachWorld(t, func(w *world) {
		id, err := w.Create(ctx, ann, Policy{Name: "p", Destination: 1, Trigger: EventBased, Enabled: true, Namespace: "n", ReplaceCount: 4})
		w.ok(err)
		w.image("alpha/app", "v1", "a") // which would have no name left
		w.settled()
		rows, n, err := w.Executions(ctx, ExecutionFilter{Policy: &id, Status: Failed}, db.List{Page: 1, Size: 10})
		if n != 1 || err != nil || rows[0].Counts.Failed != 1 {
			t.Errorf("got %+v, %v", rows, err)
		}
		if n := w.number(`SELECT COUNT(*) FROM replication_due`); n != 0 {
			t.Errorf("%d are due", n)
		}
	})
}

func TestManyEventsAreOneTask(t *testing.T) {
	eachWorld(t, func(w *world) {
		id := w.policy(Policy{Destination: 1, Trigger: EventBased})
		for i := range 30 {
			w.image("alpha/app", fmt.Sprintf("v%d", i), "base", fmt.Sprint(i))
		}
		w.settled()
		if _, n, err := w.Executions(ctx, ExecutionFilter{Policy: &id}, db.List{Page: 1, Size: 10}); n > 3 || err != nil {
			t.Errorf("30 events made %d executions, %v", n, err)
		}
		for i := range 30 {
			if w.there.tag("alpha/app", fmt.Sprintf("v%d", i)) == "" {
				t.Errorf("v%d isn't there", i)
			}
		}
		if n := w.peer.sent[oci.SHA256Of([]byte("base"))]; n != 1 {
			t.Errorf("the base was sent %d times", n)
		}
	})
}

func TestAPreviewDoesNothing(t *testing.T) {
	eachWorld(t, func(w *world) {
		fill(w.haven)
		w.there.image("alpha/app", "v2", "theirs")
		id := w.policy(Policy{Destination: 1})
		v, err := w.Preview(ctx, id)
		w.ok(err)
		actions := map[string]int{}
		for _, c := range v.Changes {
			actions[c.Action]++
			if c.Why == "" {
				t.Errorf("it doesn't say why: %+v", c)
			}
		}
		if v.Repositories != 3 || actions["copy"] != 4 || actions["skip"] != 1 || v.More {
			t.Errorf("got %+v", v)
		}
		if w.there.tag("alpha/app", "v1") != "" {
			t.Error("something was copied")
		}
	})
}

func TestThisHavenIsKnownByItsAddress(t *testing.T) {
	eachWorld(t, func(w *world) {
		// Both registries are given, as in the manual; 3 is this very Haven.
		w.policy(Policy{Source: 3, Destination: 2, Trigger: EventBased, Filters: []Filter{{Type: ByName, Value: "alpha/**"}}})
		w.image("alpha/x/app", "v1", "a")
		w.settled()
		if w.third.tag("alpha/x/app", "v1") == "" {
			t.Error("an event here didn't begin it")
		}
		w.there.image("alpha/pulled", "v1", "b")
		w.succeed(w.policy(Policy{Source: 1, Destination: 3}))
		if w.tag("alpha/pulled", "v1") == "" {
			t.Error("it wasn't pulled")
		}
		w.succeed(w.policy(Policy{Destination: 3, Namespace: "copy/of"}))
		if w.tag("copy/of/app", "v1") == "" {
			t.Errorf("it wasn't copied within this Haven: %v", w.everything())
		}
	})
}

func TestProjectsAreMadeAsPublicAsTheirSources(t *testing.T) {
	eachWorld(t, func(w *world) {
		w.project("gamma", true)
		w.project("delta", false)
		w.image("gamma/a", "v1", "a")
		w.image("delta/b", "v1", "b")
		w.succeed(w.policy(Policy{Destination: 1}))
		w.succeed(w.policy(Policy{Destination: 1, Namespace: "both"}))
		w.succeed(w.policy(Policy{Destination: 1, Namespace: "one", Filters: []Filter{{Type: ByName, Value: "gamma/*"}}}))
		for repository, want := range map[string]bool{"gamma/a": true, "delta/b": false, "both/a": false, "one/a": true} {
			if public, err := w.there.local.Public(ctx, repository); public != want || err != nil {
				t.Errorf("%s is public: %v, %v", repository, public, err)
			}
		}
	})
}

func TestLabelsChoose(t *testing.T) {
	eachWorld(t, func(w *world) {
		w.image("alpha/app", "v1", "a")
		w.image("alpha/app", "v2", "b")
		id, err := w.labels.Create(ctx, ann, label.Label{Name: "good"})
		w.ok(err)
		m, err := w.registry.ManifestInfo(ctx, w.ref("alpha/app"), oci.TagReference("v1"))
		w.ok(err)
		w.ok(w.labels.Attach(ctx, ann, label.Artifact{ID: m.ID, ProjectID: w.ref("alpha/app").ProjectID, Repository: "alpha/app", Digest: string(m.Digest)}, id))
		p := w.policy(Policy{Destination: 1, Filters: []Filter{{Type: ByLabel, Labels: []string{"good"}}}})
		w.succeed(p)
		if w.there.tag("alpha/app", "v1") == "" || w.there.tag("alpha/app", "v2") != "" {
			t.Errorf("got %v", w.there.everything())
		}
		// It is signed later: the signature carries no label.
		for _, tag := range []string{"v1", "v2"} {
			d := w.tag("alpha/app", tag)
			w.about("alpha/app", d.ReferrersTag()+".sig", d, "signed")
		}
		w.succeed(p)
		for tag, want := range map[string]bool{"v1": true, "v2": false} {
			if got := w.there.tag("alpha/app", w.tag("alpha/app", tag).ReferrersTag()+".sig") != ""; got != want {
				t.Errorf("the signature of %s is there: %v, want %v", tag, got, want)
			}
		}
	})
}

func TestABlobIsNotMountedFromAnotherSourcesRepository(t *testing.T) {
	eachWorld(t, func(w *world) {
		w.image("beta/private", "v1", "secret")
		w.succeed(w.policy(Policy{Destination: 1}))
		// Another registry says that it has an image of the same layer, which it doesn't: it only knows the digest.
		d := w.third.image("alpha/thief", "v1", "secret")
		w.other.set(func() {
			w.other.fails["OpenBlob"] = []error{remote.ErrNotFound, remote.ErrNotFound, remote.ErrNotFound, remote.ErrNotFound}
		})
		e, err := w.Start(ctx, ann, w.policy(Policy{Source: 2, Destination: 1}))
		w.ok(err)
		w.eventually("the copy fails", func() bool {
			return w.number(`SELECT COUNT(*) FROM job_task WHERE execution_id = $1 AND kind = 'REPLICATION' AND failures > 0`, e) > 0
		})
		w.ok(w.Stop(ctx, ann, e))
		if w.there.has("alpha/thief", d) {
			t.Error("the layer was given to who only knew its digest")
		}
	})
}

func TestSpeedIsLimited(t *testing.T) {
	eachWorld(t, func(w *world) {
		w.image("alpha/app", "v1", strings.Repeat("x", 300<<10))
		begun := time.Now()
		w.succeed(w.policy(Policy{Destination: 1, Speed: 200}))
		if took := time.Since(begun); took < time.Second {
			t.Errorf("300 KB at 200 KB/s took %s", took)
		}
	})
}

func TestManyTagsWithNothingNewTakeSeconds(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	const repositories, tags = 20, 500
	for _, h := range []*haven{w.haven, w.there} {
		for i := range repositories {
			name := fmt.Sprintf("alpha/app%d", i)
			h.image(name, "first", "a")
			h.exec(`INSERT INTO tag (repository_id, name, manifest_id, pushed_at) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
				SELECT r.id, 'v' || n.i, m.id, 0 FROM n, repository r JOIN manifest m ON m.repository_id = r.id WHERE r.name = $2`, tags, fmt.Sprintf("app%d", i))
		}
	}
	for _, plain := range []bool{false, true} {
		w.peer.plain = plain
		begun := time.Now()
		e := w.succeed(w.policy(Policy{Destination: 1}))
		took := time.Since(begun)
		t.Logf("%d tags, digests listed: %v: %s", repositories*(tags+1), !plain, took)
		if e.Text != nothingToDo || took > 20*time.Second {
			t.Errorf("got %+v after %s", e, took)
		}
	}
}
