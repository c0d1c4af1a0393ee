package replication

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/replication/remote"
)

// fill pushes a bit of everything: an image, an index of two with an attestation of one, a signature by tag and one that refers to an
// index, something said about that, and an artifact without a tag.
func fill(h *haven) {
	a := h.image("alpha/app", "v1", "base", "app 1")
	h.image("alpha/app", "v2", "base", "app 2")
	h.about("alpha/app", strings.Replace(string(a), ":", "-", 1)+".sig", a, "signed")
	amd, arm := h.image("alpha/multi", "", "base", "amd"), h.image("alpha/multi", "", "base", "arm")
	i := h.index("alpha/multi", "latest", amd, arm)
	h.about("alpha/multi", "", amd, "attested")
	s := h.about("alpha/multi", "", i, "signed index")
	h.about("alpha/multi", "", s, "signed signature")
	h.image("alpha/app", "", "base", "without a tag")
	h.image("beta/x/y", "v1", "base", "other")
}

func TestPushAndPullCopyEverythingOnce(t *testing.T) {
	for _, plain := range []bool{false, true} {
		eachWorld(t, func(w *world) {
			w.peer.plain = plain
			fill(w.haven)
			push := w.policy(Policy{Destination: 1})
			e := w.succeed(push)
			if e.Counts.Total() != 3 || e.Trigger != Manual {
				t.Errorf("got %+v", e)
			}
			alike(t, w.haven, w.there)
			for d, n := range w.peer.sent {
				if n != 1 {
					t.Errorf("blob %s was sent %d times", d, n)
				}
			}
			before := w.peer.times("Head")
			w.told(e.ID, "Success", 3)
			again := w.succeed(push)
			if again.Counts.Total() != 0 || again.Text != nothingToDo {
				t.Errorf("nothing is to be done, and yet: %+v\n%s", again, w.logs(again.ID))
			}
			if heads := w.peer.times("Head") - before; heads > 12 {
				t.Errorf("to see that nothing has changed took %d questions", heads)
			}
			if w.peer.plain {
				return
			}
			// And from there to a third one, through here.
			w.succeed(w.policy(Policy{Source: 1, Destination: 2}))
			alike(t, w.there, w.third)
		})
	}
}

// What is said about a part of an index may lead back to that index: it is copied all the same, whole.
func TestWhatIsSaidLeadsBack(t *testing.T) {
	eachWorld(t, func(w *world) {
		descriptor := func(d oci.Digest) oci.Descriptor {
			found, err := w.local.Head(ctx, "alpha/app", oci.DigestReference(d))
			w.ok(err)
			return found
		}
		part := w.image("alpha/app", "", "part")
		index := w.index("alpha/app", "latest", part)
		w.about("alpha/app", "", index, "said about the index")
		w.put("alpha/app", "", oci.MediaTypeImageIndex, map[string]any{"subject": descriptor(part), "manifests": []oci.Descriptor{descriptor(index)}})
		sig := strings.Replace(string(part), ":", "-", 1) + ".sig"
		w.put("alpha/app", sig, oci.MediaTypeImageIndex, map[string]any{"manifests": []oci.Descriptor{descriptor(index)}})
		w.succeed(w.policy(Policy{Destination: 1}))
		alike(t, w.haven, w.there)
	})
}

// Where blobs went is known to the next run, too: another repository mounts them.
func TestBlobsAreMountedByTheNextRun(t *testing.T) {
	eachWorld(t, func(w *world) {
		w.image("alpha/app", "v1", "base", "one")
		p := w.policy(Policy{Destination: 1})
		w.succeed(p)
		w.settled()
		w.image("beta/app", "v1", "base", "two")
		w.succeed(p)
		alike(t, w.haven, w.there)
		if d := oci.SHA256Of([]byte("base")); w.peer.sent[d] != 1 || w.peer.times("MountBlob") != 1 {
			t.Errorf("the blob was sent %d times, and %d were mounted", w.peer.sent[d], w.peer.times("MountBlob"))
		}
	})
}

func TestPullByPolicy(t *testing.T) {
	eachWorld(t, func(w *world) {
		w.peer.plain = true
		fill(w.there)
		p := w.policy(Policy{
			Source: 1, Namespace: "mirror",
			Filters: []Filter{{Type: ByName, Value: "alpha/{app,multi}"}, {Type: ByTag, Value: "v*", Decoration: Matches}, {Type: ByResource, Value: ImagesOnly}},
		})
		w.succeed(p)
		if w.tag("mirror/app", "v1") != w.there.tag("alpha/app", "v1") || w.tag("mirror/app", "v2") == "" || w.tag("mirror/multi", "latest") != "" {
			t.Errorf("got %v", w.everything())
		}
		sig := strings.Replace(string(w.tag("mirror/app", "v1")), ":", "-", 1) + ".sig"
		if w.tag("mirror/app", sig) == "" {
			t.Error("the signature wasn't copied")
		}
		for d, n := range w.peer.read {
			if n != 1 {
				t.Errorf("blob %s was read %d times", d, n)
			}
		}
		if public, err := w.local.Public(ctx, "mirror/app"); err != nil || public {
			t.Errorf("the project is public though nobody said so: %v", err)
		}
		tasks, n, err := w.Tasks(ctx, 1, "", db.List{Page: 1, Size: 10})
		if err != nil || n != 1 || tasks[0].Source != "alpha/app [2 item(s) in total]" || tasks[0].Destination != "mirror/app [2 item(s) in total]" || tasks[0].Status != Succeeded {
			t.Errorf("got %+v, %v", tasks, err)
		}
	})
}

func TestEventsReachTheDestination(t *testing.T) {
	eachWorld(t, func(w *world) {
		w.policy(Policy{Destination: 1, Trigger: EventBased, Override: true, Deletion: true, Filters: []Filter{{Type: ByName, Value: "alpha/**"}}})
		fill(w.haven)
		w.settled()
		w.succeedWithout("beta/x/y")
		one := w.tag("alpha/app", "v1")

		// A tag moves, a signature comes later, something is deleted.
		w.image("alpha/app", "v1", "base", "app 1b")
		two := w.tag("alpha/app", "v2")
		w.about("alpha/app", "", two, "late")
		w.settled()
		w.succeedWithout("beta/x/y")
		if !w.there.has("alpha/app", one) {
			t.Error("what a tag led to before is gone")
		}
		w.ok(w.registry.DeleteTag(ctx, ann, w.ref("alpha/app"), "v1"))
		w.ok(w.registry.DeleteManifest(ctx, ann, w.ref("alpha/app"), two))
		w.settled()
		if w.there.tag("alpha/app", "v1") != "" || w.there.tag("alpha/app", "v2") != "" || w.there.has("alpha/app", two) {
			t.Errorf("what was deleted here is there: %v", w.there.everything())
		}
		w.ok(w.registry.DeleteRepository(ctx, ann, w.ref("alpha/multi")))
		w.there.image("alpha/multi", "theirs", "their own")
		w.settled()
		if w.there.tag("alpha/multi", "latest") != "" || w.there.tag("alpha/multi", "theirs") == "" {
			t.Errorf("after the repository was deleted: %v", w.there.everything())
		}
		if n := w.number(`SELECT COUNT(*) FROM replication_due`); n != 0 {
			t.Errorf("%d are due", n)
		}
	})
}

// succeedWithout compares both sides but for one repository that isn't replicated.
func (w *world) succeedWithout(repository string) {
	w.T.Helper()
	here, there := w.everything(), w.there.everything()
	for k, v := range here {
		if strings.HasPrefix(k, repository) || strings.Contains(k, "@") && !strings.Contains(k, "<-") {
			continue // an artifact without a tag comes with the next whole comparison
		}
		if there[k] != v {
			w.T.Errorf("%s is %s, and %q there", k, v, there[k])
		}
	}
}

func TestWhatWasMissedArrivesLater(t *testing.T) {
	eachWorld(t, func(w *world) {
		w.policy(Policy{Destination: 1, Trigger: EventBased})
		w.peer.set(func() { w.peer.down = remote.ErrDenied }) // which isn't tried again by the task
		w.image("alpha/app", "v1", "a")
		w.settled()
		if w.there.tag("alpha/app", "v1") != "" {
			t.Fatal("it is there already")
		}
		if n := w.number(`SELECT COUNT(*) FROM replication_due WHERE execution_id = 0 AND failures = 1`); n != 1 {
			t.Fatalf("%d are due", n)
		}
		w.peer.set(func() { w.peer.down = nil })
		w.ok(w.Recovered(ctx, 1))
		w.ok(w.again(ctx))
		w.settled()
		if w.there.tag("alpha/app", "v1") == "" {
			t.Error("it never arrived")
		}
	})
}

// A policy that is no more begun by events leaves what it couldn't bring over by them.
func TestNoMoreByEvents(t *testing.T) {
	eachWorld(t, func(w *world) {
		p := Policy{Name: "p", Destination: 1, Trigger: EventBased, Enabled: true, ReplaceCount: -1}
		var err error
		p.ID, err = w.Create(ctx, ann, p)
		w.ok(err)
		w.peer.set(func() { w.peer.down = remote.ErrDenied })
		w.image("alpha/app", "v1", "a")
		w.settled()
		p.Trigger = Manual
		w.ok(w.Update(ctx, ann, p))
		if n := w.number(`SELECT COUNT(*) FROM replication_due`); n != 0 {
			t.Errorf("%d are due, and would be tried for ever", n)
		}
	})
}

// What others pushed to the destination stays when the source loses a tag of this name.
func TestWhatOthersPushedStays(t *testing.T) {
	eachWorld(t, func(w *world) {
		theirs := w.there.image("alpha/app", "v1", "their own")
		w.policy(Policy{Destination: 1, Trigger: EventBased, Deletion: true})
		w.image("alpha/app", "v1", "ours")
		w.image("alpha/app", "v2", "ours, too")
		w.settled()
		w.ok(w.registry.DeleteTag(ctx, ann, w.ref("alpha/app"), "v1"))
		w.ok(w.registry.DeleteTag(ctx, ann, w.ref("alpha/app"), "v2"))
		w.settled()
		if w.there.tag("alpha/app", "v1") != theirs || w.there.tag("alpha/app", "v2") != "" {
			t.Errorf("got %v", w.there.everything())
		}
	})
}

// A list of tags that leaves one out is no word that it is gone: what goes at the destination is asked for at the source before.
func TestAListThatSlips(t *testing.T) {
	eachWorld(t, func(w *world) {
		w.there.image("alpha/app", "v1", "a")
		w.there.image("alpha/app", "v2", "b")
		p := w.policy(Policy{Source: 1, Deletion: true})
		w.succeed(p)
		w.peer.slips = map[string]bool{"v1": true}
		w.ok(w.there.registry.DeleteTag(ctx, ann, w.there.ref("alpha/app"), "v2"))
		w.succeed(p)
		if w.tag("alpha/app", "v1") == "" || w.tag("alpha/app", "v2") != "" {
			t.Errorf("got %v", w.everything())
		}
	})
}

func TestOverride(t *testing.T) {
	eachWorld(t, func(w *world) {
		w.image("alpha/app", "v1", "mine")
		theirs := w.there.image("alpha/app", "v1", "theirs")
		w.succeed(w.policy(Policy{Destination: 1}))
		if w.there.tag("alpha/app", "v1") != theirs {
			t.Error("a tag moved though the policy doesn't override")
		}
		w.succeed(w.policy(Policy{Destination: 1, Override: true}))
		if w.there.tag("alpha/app", "v1") == theirs {
			t.Error("the tag didn't move")
		}
	})
}

func TestABrokenLineGoesOn(t *testing.T) {
	eachWorld(t, func(w *world) {
		big := strings.Repeat("0123456789abcdef", 200_000) // above what is taken in one go
		w.there.image("alpha/big", "v1", big)
		d := oci.SHA256Of([]byte(big))
		w.peer.set(func() { w.peer.cut[d] = 1_500_000 })
		w.succeed(w.policy(Policy{Source: 1}))
		if w.tag("alpha/big", "v1") == "" || w.peer.read[d] != 1 {
			t.Errorf("the blob was read %d times from its start", w.peer.read[d])
		}
	})
}

func TestOtherBytesAreNotStored(t *testing.T) {
	eachWorld(t, func(w *world) {
		w.there.image("alpha/app", "v1", "good")
		w.other.plain = true
		lie := &liar{peer: w.peer, about: oci.SHA256Of([]byte("good"))}
		w.open = map[int64]remote.Registry{1: lie}
		w.Service.Endpoints = lying{w, lie}
		id, err := w.Start(ctx, ann, w.policy(Policy{Source: 1}))
		w.ok(err)
		w.eventually("the task fails", func() bool {
			return w.number(`SELECT COUNT(*) FROM job_task WHERE execution_id = $1 AND kind = 'REPLICATION' AND failures > 0`, id) == 1
		})
		w.ok(w.Stop(ctx, ann, id))
		if w.has("alpha/app", w.there.tag("alpha/app", "v1")) {
			t.Error("an image with other bytes was stored")
		}
		if found, err := w.local.HasBlob(ctx, "alpha/app", lie.about); err != nil || found {
			t.Errorf("the blob was stored, %v", err)
		}
	})
}

type lying struct {
	*world
	lie *liar
}

// Open implements Endpoints.
func (l lying) Open(_ ctxt, _ int64) (remote.Registry, error) { return l.lie, nil }

// liar sends other bytes for one blob.
type liar struct {
	*peer
	about oci.Digest
}

func (l *liar) OpenBlob(ctx ctxt, repository string, d oci.Descriptor, offset int64) (io.ReadCloser, error) {
	if d.Digest == l.about {
		return io.NopCloser(strings.NewReader("evil")), nil
	}
	return l.peer.OpenBlob(ctx, repository, d, offset)
}

func TestRateLimitsAreObeyed(t *testing.T) {
	eachWorld(t, func(w *world) {
		fill(w.haven)
		w.peer.once(&remote.LimitError{RetryAfter: time.Millisecond}, "Head", "PutManifest", "HasBlob", "PutBlob", "Tags", "Prepare", "MountBlob")
		w.succeed(w.policy(Policy{Destination: 1}))
		alike(t, w.haven, w.there)
	})
}

func TestRefusals(t *testing.T) {
	eachWorld(t, func(w *world) {
		w.image("alpha/app", "v1", "a")
		w.image("alpha/app", "v2", "b")
		w.there.gate.refused["v1"] = errors.New("not signed")
		e := w.runs(w.policy(Policy{Destination: 1}))
		if w.there.tag("alpha/app", "v2") == "" || w.there.tag("alpha/app", "v1") != "" {
			t.Errorf("got %v", w.there.everything())
		}
		if !strings.Contains(w.logs(e), "not signed") {
			t.Errorf("the log doesn't say why:\n%s", w.logs(e))
		}
		w.ok(w.Stop(ctx, ann, e))
	})
}

// runs begins an execution and waits until one of its copies has failed.
func (w *world) runs(policy int64) int64 {
	w.T.Helper()
	id, err := w.Start(ctx, ann, policy)
	w.ok(err)
	w.eventually("a task fails", func() bool {
		return w.number(`SELECT COUNT(*) FROM job_task WHERE execution_id = $1 AND failures > 0`, id) > 0
	})
	return id
}

// told checks that it was told how an execution ended, for each project once.
func (w *world) told(execution int64, status string, repositories int) {
	w.T.Helper()
	bodies, err := db.Collect(ctx, w.db.Auto(), db.ScanString, `SELECT body FROM event WHERE kind = 'end_replication'`)
	w.ok(err)
	projects, named := map[int64]bool{}, 0
	for _, body := range bodies {
		var e struct {
			ProjectID int64                   `json:"project_id"`
			Detail    event.ReplicationDetail `json:"detail"`
		}
		w.ok(json.Unmarshal([]byte(body), &e))
		if e.Detail.ExecutionID != execution {
			continue
		}
		if e.ProjectID == 0 || projects[e.ProjectID] || e.Detail.Status != status || e.Detail.Source.Name != "Local" {
			w.T.Errorf("told %s", body)
		}
		projects[e.ProjectID] = true
		named += len(e.Detail.Succeeded) + len(e.Detail.Failed)
	}
	if named != repositories {
		w.T.Errorf("told of %d repositories, want %d: %v", named, repositories, bodies)
	}
}
