package replication

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/replication/remote"
)

func TestNamesAtTheDestination(t *testing.T) {
	for _, c := range []struct {
		namespace string
		replace   int
		want      string // "": it can't be
	}{
		{"", -1, "a/b/c/img"}, {"", 4, "a/b/c/img"}, {"n", -1, "n/img"}, {"n", 0, "n/a/b/c/img"}, {"n", 1, "n/b/c/img"}, {"n", 2, "n/c/img"}, {"n", 3, "n/img"},
		{"n", 4, ""}, {"n/m", 3, "n/m/img"},
	} {
		p := Policy{Namespace: c.namespace, ReplaceCount: c.replace}
		got, err := p.DestinationName("a/b/c/img")
		if got != c.want || (err != nil) != (c.want == "") || err != nil && !errors.Is(err, fault.Invalid) {
			t.Errorf("%q %d: got %q, %v", c.namespace, c.replace, got, err)
		}
	}
	for kind, names := range map[remote.Kind]map[string]bool{
		remote.DockerHub: {"a": false, "a/b": true, "a/b/c": false}, remote.Harbor: {"a": false, "a/b": true, "a/b/c": true}, remote.DockerRegistry: {"a": true},
	} {
		for name, ok := range names {
			if err := fits(kind, name); (err == nil) != ok {
				t.Errorf("%s at %s: %v", name, kind, err)
			}
		}
	}
}

func TestPoliciesAreChecked(t *testing.T) {
	good := Policy{Name: "p", Destination: 1, ReplaceCount: -1}
	for name, c := range map[string]struct {
		change func(*Policy)
		words  string // "": it is good
	}{
		"as it is":            {func(*Policy) {}, ""},
		"both":                {func(p *Policy) { p.Source = 2 }, ""},
		"by events elsewhere": {func(p *Policy) { p.Source, p.Trigger = 2, EventBased }, ""},
		"no name":             {func(p *Policy) { p.Name = " " }, "name"},
		"neither":             {func(p *Policy) { p.Destination = 0 }, invalidRegistries},
		"itself by address":   {func(p *Policy) { p.Destination = 3 }, ""},
		"and another name":    {func(p *Policy) { p.Destination, p.Namespace = 3, "mirror" }, ""},
		"the same twice":      {func(p *Policy) { p.Source = 1 }, "same registry"},
		"no such":             {func(p *Policy) { p.Destination = 9 }, "registry 9 not found"},
		"trigger":             {func(p *Policy) { p.Trigger = "x" }, "invalid trigger type"},
		"cron":                {func(p *Policy) { p.Trigger, p.Cron = Scheduled, "x" }, "invalid cron string for scheduled trigger: x"},
		"each minute":         {func(p *Policy) { p.Trigger, p.Cron = Scheduled, "0 * * * * *" }, "2nd field"},
		"each hour":           {func(p *Policy) { p.Trigger, p.Cron = Scheduled, "0 0 * * * *" }, ""},
		"each second":         {func(p *Policy) { p.Trigger, p.Cron = Scheduled, "* 0 * * * *" }, "invalid cron string"},
		"filter":              {func(p *Policy) { p.Filters = []Filter{{Type: "size", Value: "1"}} }, "invalid filter type"},
		"glob":                {func(p *Policy) { p.Filters = []Filter{{Type: ByName, Value: "["}} }, "can't be read"},
		"expression":          {func(p *Policy) { p.Filters = []Filter{{Type: ByTag, Value: "regex:("}} }, "RE2"},
		"resource":            {func(p *Policy) { p.Filters = []Filter{{Type: ByResource, Value: "chart"}} }, "resource"},
		"decoration":          {func(p *Policy) { p.Filters = []Filter{{Type: ByTag, Value: "v", Decoration: "maybe"}} }, "decoration"},
		"decorated resource":  {func(p *Policy) { p.Filters = []Filter{{Type: ByResource, Value: "image", Decoration: Excludes}} }, "decoration"},
		"namespace":           {func(p *Policy) { p.Namespace = "UPPER" }, "namespace"},
		"active and events":   {func(p *Policy) { p.Trigger, p.SingleActive = EventBased, true }, "single_active"},
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{}
			s := &Service{Deps: Deps{DB: &db.DB{}, Endpoints: w, Itself: func(url string) bool { return url == "https://r3.example.com" }}}
			p := good
			c.change(&p)
			_, err := s.check(ctx, p)
			switch {
			case c.words == "" && err != nil:
				t.Error(err)
			case c.words != "" && (!errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), c.words)):
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestWhatIsChosen(t *testing.T) {
	p := Policy{Filters: []Filter{
		{Type: ByName, Value: "prod/**"}, {Type: ByName, Value: "prod/secret/**", Decoration: Excludes},
		{Type: ByTag, Value: "semver:>=1"}, {Type: ByTag, Value: "*-debug", Decoration: Excludes},
		{Type: ByLabel, Labels: []string{"a", "b"}}, {Type: ByLabel, Labels: []string{"c"}, Decoration: Excludes},
	}}
	s, err := p.selection()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"prod/app": true, "prod/secret/app": false, "dev/app": false} {
		if s.repository(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
	for tag, want := range map[string]bool{"1.2": true, "v1.2.3": true, "0.9": false, "latest": false, "": false} {
		if s.tag(tag) != want {
			t.Errorf("%q: %v", tag, !want)
		}
	}
	for labels, want := range map[string]bool{"a b": true, "a": false, "a b c": false, "": false} {
		if s.labelled(strings.Fields(labels)) != want {
			t.Errorf("%q: %v", labels, !want)
		}
	}
	if s.prefix() != "prod/" {
		t.Errorf("the prefix is %q", s.prefix())
	}
	if _, ok := s.literals(); ok {
		t.Error("it names no repositories")
	}
}

func TestPoliciesAreKept(t *testing.T) {
	eachWorld(t, func(w *world) {
		p := Policy{
			Name: "p", Description: "d", Source: 1, Namespace: "n", ReplaceCount: 2, Trigger: Scheduled, Cron: "0 0 0 * * *", Deletion: true, Override: true, Enabled: true, Speed: 7,
			CopyByChunk: true, SingleActive: true, Filters: []Filter{{Type: ByLabel, Labels: []string{"x"}, Decoration: Excludes}},
		}
		id, err := w.Create(ctx, ann, p)
		w.ok(err)
		got, err := w.Get(ctx, id)
		w.ok(err)
		p.ID, p.CreatedAt, p.UpdatedAt = id, got.CreatedAt, got.UpdatedAt
		if !equal(got, p) {
			t.Errorf("got %+v", got)
		}
		if _, found, err := w.jobs.FindSchedule(ctx, Kind, id); !found || err != nil {
			t.Errorf("it isn't scheduled: %v", err)
		}
		if _, err := w.Create(ctx, ann, p); !errors.Is(err, fault.Conflict) {
			t.Errorf("the name is taken: %v", err)
		}
		p.Trigger, p.Cron, p.Speed = Manual, "", 0
		w.ok(w.Update(ctx, ann, p))
		if _, found, _ := w.jobs.FindSchedule(ctx, Kind, id); found {
			t.Error("it is still scheduled")
		}
		p.Trigger, p.SingleActive = EventBased, false
		w.ok(w.Update(ctx, ann, p))
		if got, err := w.Get(ctx, id); err != nil || !got.Watched() || got.Relays() {
			t.Errorf("got %+v, %v", got, err)
		}
		if _, found, _ := w.jobs.FindSchedule(ctx, WatchKind, id); !found {
			t.Error("nobody watches the source")
		}
		if by, err := w.Using(ctx, w.haven.db.Auto(), 1); by != "p" || err != nil {
			t.Errorf("registry 1 is used by %q, %v", by, err)
		}
		if by, err := w.Using(ctx, w.haven.db.Auto(), 2); by != "" || err != nil {
			t.Errorf("registry 2 is used by %q, %v", by, err)
		}
		all, n, err := w.List(ctx, db.List{Page: 1, Size: 10})
		if n != 1 || err != nil || all[0].Name != "p" {
			t.Errorf("got %v, %v", all, err)
		}
		w.ok(w.Delete(ctx, ann, id))
		if _, err := w.Get(ctx, id); !errors.Is(err, fault.NotFound) {
			t.Errorf("got %v", err)
		}
		if err := w.Delete(ctx, ann, id); !errors.Is(err, fault.NotFound) {
			t.Errorf("got %v", err)
		}
		if _, found, _ := w.jobs.FindSchedule(ctx, WatchKind, id); found {
			t.Error("the source of a deleted policy is watched")
		}
		if n := w.number(`SELECT COUNT(*) FROM event WHERE kind LIKE '%_replication_policy'`); n != 4 {
			t.Errorf("%d events", n)
		}
	})
}

func equal(a, b Policy) bool { return fmt.Sprintf("%+v", a) == fmt.Sprintf("%+v", b) }

func TestExecutions(t *testing.T) {
	eachWorld(t, func(w *world) {
		w.image("alpha/app", "v1", "a")
		id := w.policy(Policy{Destination: 1, SingleActive: true})
		w.ok(w.jobs.Pause(ctx, Kind))
		first, err := w.Start(ctx, ann, id)
		w.ok(err)
		second, err := w.Start(ctx, ann, id)
		w.ok(err)
		if e := w.wait(second); e.Status != Failed || e.Text != skippedActive || e.Counts.Total() != 0 {
			t.Errorf("a second one beside the first: %+v", e)
		}
		w.eventually("the copy waits", func() bool {
			tasks, _, err := w.Tasks(ctx, first, Pending, db.List{Page: 1, Size: 5})
			w.ok(err)
			return len(tasks) == 1
		})
		if err := w.Delete(ctx, ann, id); !errors.Is(err, ErrRunning) {
			t.Errorf("got %v", err)
		}
		w.ok(w.Stop(ctx, ann, first))
		if e := w.wait(first); e.Status != StoppedOff || e.Counts.Stopped != 1 {
			t.Errorf("it was stopped: %+v", e)
		}
		w.ok(w.jobs.Resume(ctx, Kind))
		third := w.succeed(id)
		for _, c := range []struct {
			f    ExecutionFilter
			want int64
		}{
			{ExecutionFilter{}, 3}, {ExecutionFilter{Policy: &id}, 3}, {ExecutionFilter{Status: Failed}, 1}, {ExecutionFilter{Status: StoppedOff}, 1}, {ExecutionFilter{Status: Succeeded}, 1},
			{ExecutionFilter{Status: InProgress}, 0}, {ExecutionFilter{Trigger: Manual}, 3}, {ExecutionFilter{Trigger: EventBased}, 0}, {ExecutionFilter{Status: "x"}, 0},
		} {
			if _, n, err := w.Executions(ctx, c.f, db.List{Page: 1, Size: 10}); n != c.want || err != nil {
				t.Errorf("%+v: %d, %v", c.f, n, err)
			}
		}
		tasks, n, err := w.Tasks(ctx, third.ID, "", db.List{Page: 1, Size: 10})
		if n != 1 || err != nil || tasks[0].Operation != "copy" {
			t.Fatalf("got %+v, %v", tasks, err)
		}
		if log, err := w.TaskLog(ctx, third.ID, tasks[0].ID); err != nil || !strings.Contains(log, "copied alpha/app:v1") {
			t.Errorf("got %q, %v", log, err)
		}
		for name, err := range map[string]error{
			"log of another": second2(w.TaskLog(ctx, first, tasks[0].ID)), "execution": second2(w.Execution(ctx, 999)), "log": second2(w.TaskLog(ctx, third.ID, 999)),
			"stop": w.Stop(ctx, ann, 999), "start": second2(w.Start(ctx, ann, 999)),
		} {
			if !errors.Is(err, fault.NotFound) {
				t.Errorf("%s: %v", name, err)
			}
		}
		p, err := w.Get(ctx, id)
		w.ok(err)
		p.Enabled = false
		w.ok(w.Update(ctx, ann, p))
		defer func() {
			w.ok(w.Delete(ctx, ann, id))
			if n := w.number(`SELECT COUNT(*) FROM job_execution WHERE kind = 'REPLICATION'`); n != 0 {
				t.Errorf("a policy that is gone has %d executions", n)
			}
		}()
		if _, err := w.Start(ctx, ann, id); err == nil || !strings.HasSuffix(err.Error(), "is disabled") {
			t.Errorf("got %v", err)
		}
	})
}

func second2[T any](_ T, err error) error { return err }

func TestStatementsUseIndexes(t *testing.T) {
	dbtest.Filled(t, func(t *testing.T, d *db.DB) {
		blobs, _ := blobsAt(pair{0, 1}, []oci.Digest{"a", "b"})
		for name, query := range map[string]string{
			"policy": policyByID, "due": dueOne, "due now": dueNow, "due of an execution": dueOf, "end of due": dueDropAll, "blobs": blobs, "old blobs": blobOld,
			"copied": copiedOf, "seen": seenOf, "all seen": seenAll, "to be forgotten": copiedDrop,
		} {
			if plan := dbtest.PlanOf(t, d, query, true); len(plan.Scans) > 0 {
				t.Errorf("%s reads all of %v\n%s", name, plan.Scans, plan.Text)
			}
		}
	})
}
