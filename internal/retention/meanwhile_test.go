package retention

import (
	"context"
	"testing"

	"github.com/havenregistry/haven/internal/await"
)

// What was tagged after a run decided, and before it came to delete it, stays.
func TestTaggedSinceTheDecision(t *testing.T) {
	each(t, func(w *world) {
		ref := repository("app")
		d, content := w.manifest(ref, "x", nil)
		w.push(ref, "old", d, content)
		id := w.policy(retain(Always, 0, "**", "release"))
		w.Service.ReadOnly = func(context.Context) (bool, error) { // it is asked between the two
			w.push(ref, "release", d, content)
			return false, nil
		}
		w.work()
		run, err := w.Start(ctx, ann, id, false)
		w.ok(err)
		await.Until(t, "the run ends", func() bool {
			e, err := w.Execution(ctx, id, run)
			w.ok(err)
			return e.Status.Ended()
		})
		if len(w.digests(ref)) != 1 {
			t.Error("it is gone")
		}
	})
}
