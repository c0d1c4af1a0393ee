package registry

import (
	"context"
	"errors"
	"testing"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/oci"
)

// What an administrator switches off is off for whoever asks next, and on again later; figures stay true.
func TestRules(t *testing.T) {
	each(t, func(f fixture) {
		var now Rules
		by := pusher
		f.Service.rules.ask = func(context.Context) (Rules, error) { return now, nil }
		f.push(app, f.image(app, "one"), "v1")
		byTag, err := f.Manifest(ctx, app, oci.TagReference("v1"))
		f.ok(err)
		pull := func(rules Rules) Artifact {
			now = rules
			f.askRules(ctx)
			f.RecordPull(Pull{By: by, Ref: app, Manifest: byTag})
			f.ok(f.Flush(ctx))
			a, err := f.GetArtifact(ctx, app, oci.TagReference("v1"), all)
			f.ok(err)
			return a
		}
		if a := pull(Rules{NoPullTimes: true, NoPullCounts: true}); !a.PulledAt.IsZero() || !a.Tags[0].PulledAt.IsZero() {
			t.Errorf("switched off, the times of a pull are %v and %v", a.PulledAt, a.Tags[0].PulledAt)
		}
		if r, err := f.GetRepository(ctx, app); err != nil || r.PullCount != 0 {
			t.Errorf("switched off, %d pulls are counted, %v", r.PullCount, err)
		}
		by = authz.Principal{Kind: authz.Bearer, Holder: authz.ScannerPass, Name: "scanner:Clair"}
		if a := pull(Rules{NoScanTimes: true}); !a.PulledAt.IsZero() {
			t.Error("switched off, a scanner's pull has a time")
		}
		by = pusher
		if a := pull(Rules{NoScanTimes: true}); a.PulledAt.IsZero() || a.Tags[0].PulledAt.IsZero() {
			t.Error("a pull has no time")
		}
		if n := len(f.events()); n < 2 {
			t.Errorf("%d events: a pull is told in any case", n)
		}

		f.exec(`UPDATE project SET storage_limit = 10 WHERE id = 1`)
		if err := f.CheckQuota(ctx, app, "", 1<<40); !errors.Is(err, ErrQuota) {
			t.Errorf("above the limit: %v", err)
		}
		pull(Rules{NoQuotas: true})
		f.blob(app, "", []byte("more than the project may hold"))
		pull(Rules{})
		if err := f.CheckQuota(ctx, app, "", 1<<40); !errors.Is(err, ErrQuota) {
			t.Errorf("switched on again: %v", err)
		}
		f.sound()
	})
}
