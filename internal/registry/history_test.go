package registry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/await"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/oci"
)

// names are the digests that a tag named, the newest first, as the names that the test has for them.
func (f fixture) names(ref Ref, tag string, known map[oci.Digest]string) (all string) {
	f.t.Helper()
	for before, more := int64(0), true; more; {
		rows, err := f.TagHistory(ctx, ref, tag, before, 2)
		f.ok(err)
		for _, n := range rows {
			all += known[n.Digest] + "/" + n.By + " "
			before = n.ID
		}
		more = len(rows) == 2
	}
	return all
}

func TestTagHistory(t *testing.T) {
	each(t, func(f fixture) {
		known := map[oci.Digest]string{"": "-"}
		image := func(name string) document {
			d := f.image(app, name)
			known[d.descriptor().Digest] = name
			return d
		}
		one, two := image("one"), image("two")
		f.push(app, one, "v")
		first := f.clock.now()
		f.push(app, one, "v") // nothing changes
		f.push(app, two, "v")
		second := f.clock.now()
		f.ok(f.DeleteTag(ctx, pusher, app, "v"))
		none := f.clock.now()
		f.push(app, one, "v")
		f.ok(f.DeleteManifest(ctx, pusher, app, one.descriptor().Digest))
		if got := f.names(app, "v", known); got != "-/owner one/owner -/owner two/owner one/owner " {
			t.Errorf("the history is %s", got)
		}
		for at, want := range map[time.Time]string{first: "one false", second: "two true", none: "", first.Add(-time.Hour): "", first.Add(time.Hour): ""} {
			n, err := f.TagAt(ctx, app, "v", at)
			if want == "" && !errors.Is(err, ErrTagUnknown) || want != "" && (err != nil || fmt.Sprint(known[n.Digest], " ", n.There) != want) {
				t.Errorf("at %s it named %+v, %v; want %q", at, n, err, want)
			}
		}
		// By hand, and by a copy, which says only what changes.
		a, err := f.GetArtifact(ctx, app, oci.DigestReference(two.descriptor().Digest), With{})
		f.ok(err)
		f.ok(f.CreateTag(ctx, pusher, app, a.ID, "w"))
		f.ok(f.Copy(ctx, pusher, other, app, oci.TagReference("w")))
		f.ok(f.Copy(ctx, pusher, other, app, oci.TagReference("w")))
		if got := f.names(app, "w", known) + f.names(other, "w", known); got != "two/owner two/owner " {
			t.Errorf("by hand and by a copy: %s", got)
		}
		f.ok(f.DeleteRepository(ctx, pusher, app))
		if _, err := f.TagHistory(ctx, app, "v", 0, 10); !errors.Is(err, ErrRepositoryUnknown) {
			t.Errorf("got %v", err)
		}
		if n := f.count(`SELECT COUNT(*) FROM tag_history`); n != 1 {
			t.Errorf("%d rows are left of a deleted repository", n-1)
		}
	})
}

// What is needed to say what a tag named at any time of the last days stays, and never more than the last thousand.
func TestSweepHistory(t *testing.T) {
	each(t, func(f fixture) {
		one, two := f.image(app, "one"), f.image(app, "two")
		jobs := job.New(job.Deps{DB: f.db, Clock: f.clock.now, Log: slog.New(slog.DiscardHandler)})
		jobs.OnCleanup(f.SweepHistory(func(context.Context) (time.Duration, error) { return 30 * 24 * time.Hour, nil }))
		ctx, cancel := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() { ended <- jobs.Run(ctx) }()
		defer func() { cancel(); f.ok(<-ended) }()
		sweep := func() {
			t.Helper()
			var id int64
			f.ok(f.db.Write(ctx, func(tx db.Tx) (err error) {
				id, _, err = jobs.Begin(ctx, tx, job.NewExecution{Kind: job.ArtifactCleanup}, job.NewTask{})
				return err
			}))
			await.Until(t, "the sweep ends", func() bool {
				e, err := jobs.Execution(ctx, id)
				f.ok(err)
				return e.Status == job.Success
			})
		}
		f.push(app, one, "kept") // needed for as long as the tag names it
		f.push(app, one, "moved")
		f.push(app, two, "moved")
		f.push(app, one, "gone")
		f.ok(f.DeleteTag(ctx, pusher, app, "gone"))
		f.push(app, one, "late")
		f.clock.skip(29 * 24 * time.Hour)
		f.push(app, two, "late")
		sweep()
		if n := f.count(`SELECT COUNT(*) FROM tag_history`); n != 7 {
			t.Errorf("%d rows are left of 7 within the days", n)
		}
		f.clock.skip(2 * 24 * time.Hour)
		sweep()
		for name, want := range map[string]int64{"kept": 1, "moved": 1, "gone": 0, "late": 2} {
			if n := f.count(`SELECT COUNT(*) FROM tag_history WHERE name = $1`, name); n != want {
				t.Errorf("of %s %d rows are left, want %d", name, n, want)
			}
		}
		n, err := f.TagAt(ctx, app, "late", f.clock.now().Add(-30*24*time.Hour))
		if err != nil || n.Digest != one.descriptor().Digest {
			t.Errorf("at the begin of what is kept it named %+v, %v", n, err)
		}
		f.exec(`INSERT INTO tag_history (repository_id, name, digest, named_at, named_by)
			SELECT r.id, 'busy', b.digest, $1, '' FROM repository r, blob b, blob b2, blob b3, blob b4, blob b5, blob b6 WHERE r.name = 'app'`, db.Micros(f.clock.now()))
		if n := f.count(`SELECT COUNT(*) FROM tag_history WHERE name = 'busy'`); n < maxNamings {
			t.Fatalf("%d rows are too few", n)
		}
		last := f.count(`SELECT MAX(id) FROM tag_history`)
		sweep()
		if n := f.count(`SELECT COUNT(*) FROM tag_history WHERE name = 'busy'`); n != maxNamings || f.count(`SELECT MAX(id) FROM tag_history`) != last {
			t.Errorf("of a busy tag %d rows are left", n)
		}
	})
}
