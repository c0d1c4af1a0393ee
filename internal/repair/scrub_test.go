package repair_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/project"
	"github.com/havenregistry/haven/internal/record"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/repair"
)

func TestScrubOfASoundStoreIsClean(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		w.project(project.NewProject{Name: "p"})
		w.image("p/a", "one", "v1")
		w.settle()
		r := w.scrub(repair.ScrubOptions{Strays: true})
		if !r.Clean() || r.Blobs.Checked != 2 || r.Manifests.Checked != 1 || r.Records.Checked != 2 || r.Strays.Count != 0 || r.Records.Stray != 0 {
			t.Errorf("%+v", r)
		}
	})
}

func TestScrubFindsDamageAndAPushHealsIt(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		ctx := t.Context()
		w.project(project.NewProject{Name: "p"})
		for _, seed := range []string{"flipped", "removed", "torn", "whole"} {
			w.image("p/a", seed, "v-"+seed)
		}
		w.index("p/a", "multi", w.image("p/a", "child"))
		w.settle()
		w.flip(layerOf("flipped"))
		w.remove(layerOf("removed"))
		w.spoil(layerOf("torn"), func(content []byte) []byte { return content[:3] })
		w.flip(layerOf("child"))

		torn := "wrong size"
		if w.packs { // it has its place among others
			torn = "other bytes"
		}
		r := w.scrub(repair.ScrubOptions{})
		found := map[oci.Digest]string{}
		tags := map[oci.Digest][]string{}
		for _, b := range r.Blobs.Damaged {
			found[b.Digest] = b.Problem
			for _, a := range b.Affected {
				tags[b.Digest] = append(tags[b.Digest], a.Repository+":"+strings.Join(a.Tags, ","))
			}
		}
		for seed, want := range map[string][2]string{
			"flipped": {"other bytes", "p/a:v-flipped"}, "removed": {"missing", "p/a:v-removed"},
			"torn": {torn, "p/a:v-torn"}, "child": {"other bytes", "p/a:multi"},
		} {
			d := layerOf(seed)
			if !strings.HasPrefix(found[d], want[0]) || !slices.Equal(tags[d], []string{want[1]}) {
				t.Errorf("%s: %q in %v, want %q in %s", seed, found[d], tags[d], want[0], want[1])
			}
			if _, err := w.StatBlob(ctx, w.ref("p/a"), d); !errors.Is(err, registry.ErrBlobUnknown) {
				t.Errorf("%s: a client is told %v, want that it is absent", seed, err)
			}
		}
		if len(found) != 4 || r.Clean() {
			t.Errorf("%d damaged, clean %t", len(found), r.Clean())
		}
		if _, err := w.StatBlob(ctx, w.ref("p/a"), layerOf("whole")); err != nil {
			t.Errorf("a whole blob: %v", err)
		}

		for _, seed := range []string{"flipped", "removed", "torn", "child"} {
			w.blob("p/a", layerType, "layer of "+seed)
			if got := w.read(layerOf(seed)); got != "layer of "+seed {
				t.Errorf("%s after a push: %q", seed, got)
			}
			if _, err := w.StatBlob(ctx, w.ref("p/a"), layerOf(seed)); err != nil {
				t.Errorf("%s after a push: %v", seed, err)
			}
		}
		if r := w.scrub(repair.ScrubOptions{}); !r.Clean() {
			t.Errorf("after the pushes: %+v", r.Blobs)
		}
		w.sound()
	})
}

func TestScrubUnmarksWhatIsWholeAgain(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		w.project(project.NewProject{Name: "p"})
		w.image("p/a", "one", "v1")
		w.settle()
		w.flip(layerOf("one"))
		if r := w.scrub(repair.ScrubOptions{}); len(r.Blobs.Damaged) != 1 || r.Blobs.Damaged[0].Known {
			t.Fatalf("%+v", r.Blobs)
		}
		if r := w.scrub(repair.ScrubOptions{}); len(r.Blobs.Damaged) != 1 || !r.Blobs.Damaged[0].Known {
			t.Fatalf("the second time: %+v", r.Blobs)
		}
		w.flip(layerOf("one")) // the backup is back; even the smallest sample looks at what is marked
		if r := w.scrub(repair.ScrubOptions{Sample: 1e-9}); !r.Clean() || !slices.Equal(r.Blobs.Sound, []oci.Digest{layerOf("one")}) {
			t.Fatalf("%+v", r.Blobs)
		}
		if _, err := w.StatBlob(t.Context(), w.ref("p/a"), layerOf("one")); err != nil {
			t.Error(err)
		}
	})
}

// away is a store that doesn't answer; or only once, with damage.
type away struct {
	blob.Store
	opened atomic.Int64
	wrong  func(n int64) error
}

func (a *away) Open(ctx context.Context, location string) (blob.Content, error) {
	if err := a.wrong(a.opened.Add(1)); err != nil {
		return nil, err
	}
	return a.Store.Open(ctx, location)
}

func TestAStoreThatIsAwayIsNoDamage(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		w.project(project.NewProject{Name: "p"})
		for range 15 {
			w.image("p/a", time.Now().String())
		}
		s := w.scrubber(repair.ScrubOptions{})
		s.Blobs = &away{Store: w.store, wrong: func(int64) error { return errors.New("connection refused") }}
		if r, err := s.Run(t.Context()); err == nil || len(r.Blobs.Damaged) != 0 || r.Blobs.Unclear == 0 {
			t.Errorf("%v: %+v", err, r.Blobs)
		}
		n, err := db.Get(t.Context(), w.db.Auto(), db.ScanInt, `SELECT COUNT(*) FROM blob WHERE damaged`)
		if err != nil || n != 0 {
			t.Errorf("%d blobs are marked, %v", n, err)
		}
	})
}

// One bad answer isn't damage yet.
func TestScrubReadsTwice(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		w.project(project.NewProject{Name: "p"})
		w.image("p/a", "one", "v1")
		w.settle()
		s := w.scrubber(repair.ScrubOptions{Parallel: 1})
		s.Blobs = &away{Store: w.store, wrong: func(n int64) error {
			if n%2 == 1 {
				return blob.ErrNotFound
			}
			return nil
		}}
		if r, err := s.Run(t.Context()); err != nil || !r.Clean() {
			t.Errorf("%v: %+v", err, r.Blobs)
		}
	})
}

func TestScrubGoesOnWhereItStopped(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		w.project(project.NewProject{Name: "p"})
		for range 10 {
			w.image("p/a", time.Now().String())
		}
		w.settle()
		ctx, stop := context.WithCancel(t.Context())
		s := w.scrubber(repair.ScrubOptions{Parallel: 1})
		s.Blobs = &away{Store: w.store, wrong: func(n int64) error {
			if n == 7 {
				stop()
				return ctx.Err()
			}
			return nil
		}}
		first, err := s.Run(ctx)
		if !errors.Is(err, context.Canceled) || first.Blobs.ResumeAfter == 0 {
			t.Fatalf("%v: %+v", err, first.Blobs)
		}
		rest := w.scrub(repair.ScrubOptions{After: first.Blobs.ResumeAfter})
		if !rest.Clean() || first.Blobs.Checked != 6 || rest.Blobs.Checked != 14 {
			t.Errorf("%d blobs and %d after %d, want 6 and the rest of 20", first.Blobs.Checked, rest.Blobs.Checked, first.Blobs.ResumeAfter)
		}
	})
}

func TestScrubLimits(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		w.project(project.NewProject{Name: "p"})
		for range 100 {
			w.blob("p/a", layerType, time.Now().String())
		}
		w.exec(`UPDATE blob SET created_at = 1 WHERE id % 2 = 0`)
		if r := w.scrub(repair.ScrubOptions{Since: time.Now().Add(-time.Hour)}); r.Blobs.Checked != 50 {
			t.Errorf("%d blobs of the last hour, want 50", r.Blobs.Checked)
		}
		if r := w.scrub(repair.ScrubOptions{Sample: 0.2}); r.Blobs.Checked < 2 || r.Blobs.Checked > 60 {
			t.Errorf("%d blobs in a sample of a fifth of 100", r.Blobs.Checked)
		}
		w.blob("p/a", layerType, strings.Repeat("x", 768<<10))
		began := time.Now()
		w.scrub(repair.ScrubOptions{MaxRate: 64 << 20, Since: time.Now().Add(-time.Hour)})
		// 51 blobs of one chunk or three, a chunk at 64 MiB/s takes 4 ms.
		if took := time.Since(began); took < 150*time.Millisecond {
			t.Errorf("took %s, faster than the rate allows", took)
		}
	})
}

func TestScrubMendsManifestsAndRecords(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		ctx := t.Context()
		w.project(project.NewProject{Name: "p"})
		one := w.image("p/a", "one", "v1")
		two := w.image("p/a", "two", "v2")
		w.settle()
		before := w.seen("p/a")
		w.exec(`UPDATE manifest_content SET content = $1 WHERE digest = $2`, []byte("decayed"), one.Digest)
		torn := record.Name{Kind: record.Manifest, Project: "p", Repository: "a", Digest: two.Digest}
		w.tear(torn, "torn")
		w.lose(record.Name{Kind: record.Project, Project: "p"})
		gone := record.Name{Kind: record.Manifest, Project: "p", Repository: "gone", Digest: two.Digest}
		w.tear(gone, "{}")

		r := w.scrub(repair.ScrubOptions{})
		if len(r.Manifests.Damaged) != 1 || !r.Manifests.Damaged[0].Mended || r.Records.Wrong != 2 || r.Records.Stray != 1 || r.Clean() {
			t.Errorf("%+v %+v", r.Manifests, r.Records)
		}
		w.settle()
		if after := w.seen("p/a"); after != before {
			t.Errorf("afterwards\n%s\nwant\n%s", after, before)
		}
		if _, err := w.keeper.Read(ctx, gone); err != nil {
			t.Errorf("a record that nobody asked to remove: %v", err)
		}
		if r := w.scrub(repair.ScrubOptions{PruneRecords: true}); !r.Clean() || r.Records.Stray != 1 {
			t.Errorf("the second time: %+v", r.Records)
		}
		w.settle()
		if _, err := w.keeper.Read(ctx, gone); !errors.Is(err, blob.ErrNotFound) {
			t.Errorf("a pruned record: %v", err)
		}
	})
}

// A packed record that the database doesn't name tells of what it doesn't have, unless it is about to be seen to.
func TestScrubOfUnnamedRecords(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		ctx := t.Context()
		w.project(project.NewProject{Name: "p"})
		one := w.image("p/a", "one", "v1")
		w.settle()
		double := record.Name{Kind: record.Manifest, Project: "p", Repository: "a", Digest: one.Digest}
		gone := record.Name{Kind: record.Manifest, Project: "p", Repository: "gone", Digest: one.Digest}
		pending := record.Name{Kind: record.Project, Project: "p"}
		for _, n := range []record.Name{double, gone, pending} {
			w.ok(w.packOutdated(n, []byte("outdated")))
		}
		w.ok(w.keeper.Look(ctx, pending.String()))
		r := w.scrub(repair.ScrubOptions{})
		if !r.Clean() || r.Records.Stray != 2 || r.Records.Lagging != 1 {
			t.Errorf("%+v", r.Records)
		}
		w.settle()
		for _, want := range []int64{3, 0} {
			if r := w.scrub(repair.ScrubOptions{PruneRecords: true}); !r.Clean() || r.Records.Stray != want {
				t.Errorf("%+v, want %d strays", r.Records, want)
			}
			w.settle()
		}
		if text, err := w.keeper.Read(ctx, double); err != nil || string(text) == "outdated" {
			t.Errorf("the good one of two says %q, %v", text, err)
		}
		w.ok(w.keeper.EachUnnamed(ctx, func(n record.Name, location string) error {
			t.Errorf("%s is left at %s", n, location)
			return nil
		}))
	})
}

func TestScrubNamesStrays(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		w.project(project.NewProject{Name: "p"})
		w.image("p/a", "one", "v1")
		stray := oci.SHA256Of([]byte("stray"))
		w.ok(os.MkdirAll(strings.TrimSuffix(w.path(stray), "/data"), 0o700))
		w.ok(os.WriteFile(w.path(stray), []byte("stray"), 0o600))
		r := w.scrub(repair.ScrubOptions{Strays: true})
		if r.Strays.Count != 1 || r.Strays.Bytes != 5 || !strings.Contains(r.Strays.Found[0].Location, stray.Hex()) {
			t.Errorf("%+v", r.Strays)
		}
	})
}
