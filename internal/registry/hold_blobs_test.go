package registry

import (
	"context"
	"testing"

	"github.com/havenregistry/haven/internal/oci"
)

// What is deleted while somebody holds blobs keeps its bytes until the hold is over; what was condemned before it goes.
func TestWhatIsHeldKeepsItsBytes(t *testing.T) {
	each(t, func(f fixture) {
		before := f.image(app, "before")
		pushed := f.push(app, before, "before")
		f.push(app, f.image(app, "during"), "during")
		f.ok(f.DeleteManifest(ctx, pusher, app, pushed.Digest))
		f.clock.skip(DefaultReclaimAfter)
		if did := f.reclaimAll(); did.Memberships == 0 || did.Blobs != 0 {
			f.t.Fatalf("nothing was condemned before: %+v", did)
		}
		f.clock.skip(2 * holdSkew)
		f.ok(f.Holding(ctx, func(ctx context.Context) error {
			held, err := f.Manifest(ctx, app, oci.TagReference("during"))
			f.ok(err)
			f.ok(f.DeleteManifest(ctx, pusher, app, held.Digest))
			blobs, _ := f.files()
			// Each step of the way out lasts a grace. The lease is renewed by the real clock, so it is made long.
			f.exec(`UPDATE blob_hold SET lease_until = lease_until * 2`)
			for range 3 {
				f.pass()
			}
			if after, _ := f.files(); blobs-after != 2 {
				f.t.Errorf("%d blobs were deleted, want the 2 that were condemned before", blobs-after)
			}
			if n, _, err := f.Due(ctx); err != nil || n != 0 {
				f.t.Errorf("%d blobs are said to be due, %v", n, err)
			}
			return nil
		}))
		if did := f.reclaimAll(); did.Blobs != 2 {
			f.t.Errorf("after the hold %d blobs went, want 2", did.Blobs)
		}
	})
}

// A holder that died holds nothing up when its lease is over, and its row goes with the next one's.
func TestAHoldEndsWithItsHolder(t *testing.T) {
	each(t, func(f fixture) {
		f.exec(`INSERT INTO blob_hold (id, since, lease_until) VALUES ('dead', 1, $1)`, f.now()+holdLease.Microseconds())
		pushed := f.push(app, f.image(app, "x"), "x")
		f.ok(f.DeleteManifest(ctx, pusher, app, pushed.Digest))
		f.pass()
		if did := f.pass(); did.Blobs != 2 {
			f.t.Errorf("%d blobs went, want 2", did.Blobs)
		}
		f.ok(f.Holding(ctx, func(context.Context) error { return nil }))
		if n := f.count(`SELECT COUNT(*) FROM blob_hold`); n != 0 {
			f.t.Errorf("%d holds are left", n)
		}
	})
}
