package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/oci"
)

func TestPullsAreCounted(t *testing.T) {
	each(t, func(f fixture) {
		d := f.push(app, f.image(app, "one"), "v1")
		f.push(app, f.image(app, "one"), "v2")
		f.events()
		byTag, err := f.Manifest(ctx, app, oci.TagReference("v1"))
		f.ok(err)
		byDigest, err := f.Manifest(ctx, app, oci.DigestReference(d.Digest))
		f.ok(err)
		alice, bob := authz.Principal{Kind: authz.User, ID: 5, Name: "alice"}, authz.Principal{Kind: authz.Robot, ID: 5, Name: "robot$bob"}
		for range 3 {
			f.RecordPull(Pull{By: alice, Ref: app, Manifest: byTag})
			f.RecordPull(Pull{By: bob, Ref: app, Manifest: byTag})
			f.RecordPull(Pull{By: bob, Ref: app, Manifest: byDigest})
		}
		f.ok(f.Flush(ctx))
		f.ok(f.Flush(ctx))
		if r, err := f.GetRepository(ctx, app); err != nil || r.PullCount != 9 {
			f.t.Errorf("pull count = %d, %v, want 9", r.PullCount, err)
		}
		a, err := f.GetArtifact(ctx, app, oci.TagReference("v2"), all)
		f.ok(err)
		if a.PulledAt.IsZero() || len(a.Tags) != 2 || !a.Tags[0].PulledAt.IsZero() || a.Tags[1].PulledAt.IsZero() {
			f.t.Errorf("pull times = %v, %+v", a.PulledAt, a.Tags)
		}
		want := []string{"pull_artifact alpha/app:v1", "pull_artifact alpha/app:v1", "pull_artifact alpha/app@" + string(d.Digest)}
		if got := f.events(); !slices.Equal(got, want) {
			f.t.Errorf("events = %q, want %q", got, want)
		}
	})
}

func TestPullsWaitForADatabaseThatFails(t *testing.T) {
	each(t, func(f fixture) {
		f.push(app, f.image(app, "one"), "v1")
		m, err := f.Manifest(ctx, app, oci.TagReference("v1"))
		f.ok(err)
		f.RecordPull(Pull{By: pusher, Ref: app, Manifest: m})
		cancelled, cancel := context.WithCancel(ctx)
		cancel()
		if err := f.Flush(cancelled); !errors.Is(err, context.Canceled) {
			f.t.Errorf("flush without a database: %v", err)
		}
		f.RecordPull(Pull{By: pusher, Ref: app, Manifest: m})
		// Run writes what is left when it ends.
		f.ok(f.Run(cancelled))
		if r, err := f.GetRepository(ctx, app); err != nil || r.PullCount != 2 {
			f.t.Errorf("pull count = %d, %v, want 2", r.PullCount, err)
		}
	})
}

func TestPullsAreBounded(t *testing.T) {
	var p pulls
	for i := range maxPulls + 10 {
		p.add(pulled{Pull: Pull{By: authz.Principal{Name: fmt.Sprint(i)}}, count: 2})
	}
	batch, dropped := p.take()
	if len(batch) != maxPulls || dropped != 20 || batch[0].By.Name != "10" {
		t.Errorf("%d kept from %s on, %d lost; want %d from 10 on, 20 lost", len(batch), batch[0].By.Name, dropped, maxPulls)
	}
	if batch, dropped := p.take(); len(batch) != 0 || dropped != 0 {
		t.Errorf("taken twice: %d, %d", len(batch), dropped)
	}
}
