//go:build acceptance

package replication

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/havenregistry/haven/internal/await"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/replication/remote"
	"github.com/havenregistry/haven/test/haventest"
)

// family pushes an image, an index of two, and what is said about each; it returns what refers to what.
func family(t *testing.T, r there, project string) map[oci.Digest]string {
	t.Helper()
	base := random(300_000)
	one := r.image(t, project+"/app", "v1", "app 1", base, random(2_000_000))
	r.image(t, project+"/app", "v2", "app 2", base, random(1000))
	r.signed(t, project+"/app", one)
	amd, arm := r.image(t, project+"/sub/multi", "", "amd", base), r.image(t, project+"/sub/multi", "", "arm", base)
	index := r.put(t, project+"/sub/multi", "latest", oci.MediaTypeImageIndex, map[string]any{"manifests": []oci.Descriptor{amd, arm}})
	s := r.about(t, project+"/sub/multi", index, "about the index")
	r.about(t, project+"/sub/multi", s, "about that")
	r.about(t, project+"/sub/multi", amd, "about amd")
	return map[oci.Digest]string{index.Digest: project + "/sub/multi", s.Digest: project + "/sub/multi", amd.Digest: project + "/sub/multi"}
}

// sameReferrers compares what refers to manifests.
func sameReferrers(t *testing.T, a, b there, of map[oci.Digest]string) {
	t.Helper()
	for d, repository := range of {
		x, y := a.referrers(t, repository, d), b.referrers(t, repository, d)
		if fmt.Sprint(x) != fmt.Sprint(y) || len(x) == 0 {
			t.Errorf("%v refer to %s, and there %v", x, d, y)
		}
	}
}

// onEachPeer runs a test with another Haven, and with CNCF Distribution.
func onEachPeer(t *testing.T, o haventest.Options, f func(t *testing.T, h *haventest.Server, peer there)) {
	t.Run("haven", func(t *testing.T) { f(t, haventest.Start(t, o), ofHaven(t, haventest.Start(t, o))) })
	t.Run("distribution", func(t *testing.T) { f(t, haventest.Start(t, o), ofDistribution(t)) })
}

// begin registers the peer behind the line; the images are to be pushed to src's project prod, and go from one registry to the other.
func begin(t *testing.T, h *haventest.Server, peer there, l *line, pull bool) (src there, from, to int) {
	t.Helper()
	src, to = ofHaven(t, h), register(t, h.Door, "peer", peer.kind, l.URL)
	if pull {
		src, from, to = peer, to, 0
	}
	if src.kind == remote.Harbor {
		src.door.NewProject(t, "prod", true)
	}
	return src, from, to
}

func TestPush(t *testing.T) {
	onEachPeer(t, haventest.Options{}, func(t *testing.T, h *haventest.Server, peer there) {
		l := newLine(t, peer.url)
		here := ofHaven(t, h)
		h.NewProject(t, "prod", true)
		id := register(t, h.Door, "peer", peer.kind, l.URL)
		referred := family(t, here, "prod")

		by := policy(t, h.Door, 0, id, map[string]any{"filters": []map[string]any{{"type": "name", "value": "prod/**"}}})
		var preview struct {
			Repositories int
			Changes      []map[string]any
		}
		read(t, h.Admin(t, 200, "POST", fmt.Sprintf("/api/haven/v1/replication/policies/%d/preview", by), nil), &preview)
		if preview.Repositories != 2 || len(preview.Changes) != 3 {
			t.Errorf("the preview is %+v", preview)
		}
		run(t, h.Door, by)
		alike(t, here, peer, "")
		sameReferrers(t, here, peer, referred)
		l.once(t)
		if peer.kind == remote.Harbor {
			var p struct{ Metadata map[string]string }
			read(t, peer.door.Admin(t, 200, "GET", "/api/v2.0/projects/prod", nil), &p)
			if p.Metadata["public"] != "true" {
				t.Errorf("the project that was made is %v", p)
			}
		}
		before := l.requests()
		if e := run(t, h.Door, by); e.Total != 0 || e.Text != "no resources need to be replicated" {
			t.Errorf("nothing is to be done, and yet: %+v", e)
		}
		t.Logf("%d requests see that nothing has changed", l.requests()-before)

		// What happens from now on goes over by itself, deletions too.
		policy(t, h.Door, 0, id, map[string]any{"trigger": map[string]any{"type": "event_based"}, "deletion": true})
		moved := here.image(t, "prod/app", "v1", "app 1 anew", random(1000))
		here.about(t, "prod/app", moved, "about the new one")
		await.Until(t, "the tag has moved there, too", func() bool {
			d, err := peer.Head(t.Context(), "prod/app", oci.TagReference("v1"))
			return err == nil && d.Digest == moved.Digest && len(peer.referrers(t, "prod/app", moved.Digest)) == 1
		})
		ok(t, here.DeleteTag(t.Context(), "prod/app", "v2"))
		await.Until(t, "the tag is gone there, too", func() bool {
			_, err := peer.Head(t.Context(), "prod/app", oci.TagReference("v2"))
			return err != nil
		})
		alike(t, here, peer, "")
		l.once(t)
		h.Admin(t, 412, "DELETE", fmt.Sprintf("/api/v2.0/registries/%d", id), nil)
	})
}

func TestPull(t *testing.T) {
	onEachPeer(t, haventest.Options{}, func(t *testing.T, h *haventest.Server, peer there) {
		l := newLine(t, peer.url)
		here := ofHaven(t, h)
		if peer.kind == remote.Harbor {
			peer.door.NewProject(t, "prod", true)
		}
		referred := family(t, peer, "prod")
		id := register(t, h.Door, "peer", peer.kind, l.URL)

		by := policy(t, h.Door, id, 0, map[string]any{"copy_by_chunk": true})
		run(t, h.Door, by)
		alike(t, peer, here, "")
		sameReferrers(t, peer, here, referred)
		l.once(t)

		// By what is seen to happen there.
		by = policy(t, h.Door, id, 0, map[string]any{"trigger": map[string]any{"type": "event_based"}, "dest_namespace": "mirror", "dest_namespace_replace_count": 1,
			"filters": []map[string]any{{"type": "tag", "value": "semver:>=2"}}})
		peer.image(t, "prod/app", "2.1.0", "two one", random(1000))
		notify := fmt.Sprintf("/api/haven/v1/replication/policies/%d/notify", by)
		h.Admin(t, 202, "POST", notify, map[string]any{"type": "PUSH_ARTIFACT"})
		await.Until(t, "it has arrived", func() bool {
			d, err := here.Head(t.Context(), "mirror/app", oci.TagReference("2.1.0"))
			return err == nil && d.Digest != ""
		})
		if _, err := here.Head(t.Context(), "mirror/app", oci.TagReference("v1")); err == nil {
			t.Error("a tag was copied that isn't chosen")
		}
		l.once(t)
	})
}

// The clock begins it, each minute: a pull from a Haven, and a push to CNCF Distribution.
func TestTheClockBeginsIt(t *testing.T) {
	h, other := haventest.Start(t, haventest.Options{}), haventest.Start(t, haventest.Options{})
	here, peer, plain := ofHaven(t, h), ofHaven(t, other), ofDistribution(t)
	from, to := register(t, h.Door, "from", peer.kind, peer.url), register(t, h.Door, "to", plain.kind, plain.url)
	h.NewProject(t, "prod", true)
	other.NewProject(t, "theirs", true)
	family(t, here, "prod")
	family(t, peer, "theirs")
	scheduled := func(from, to int, name string) int {
		return policy(t, h.Door, from, to, map[string]any{"filters": []map[string]any{{"type": "name", "value": name}},
			"trigger": map[string]any{"type": "scheduled", "trigger_settings": map[string]string{"cron": "0 0-59 * * * *"}}})
	}
	for _, by := range []int{scheduled(from, 0, "theirs/**"), scheduled(0, to, "prod/**")} {
		var all []execution
		until(t, 90*time.Second, "the minute has come, and the execution to its end", func() bool {
			read(t, h.Admin(t, 200, "GET", fmt.Sprintf("/api/v2.0/replication/executions?policy_id=%d&trigger=scheduled&sort=id", by), nil), &all)
			return len(all) > 0 && all[0].Status != "InProgress"
		})
		if all[0].Status != "Succeed" || all[0].Total != 2 {
			t.Errorf("the execution ended as %+v\n%s", all[0], logs(t, h.Door, all[0].ID))
		}
	}
	alike(t, peer, here, "theirs/")
	alike(t, here, plain, "prod/")
}

// The request of the manual, as it stands, where the first of the registries is this very instance.
func TestTheManualsRequest(t *testing.T) {
	h, other := haventest.Start(t, haventest.Options{}), haventest.Start(t, haventest.Options{})
	here, peer := ofHaven(t, h), ofHaven(t, other)
	first, second := register(t, h.Door, "self", remote.Harbor, h.URL), register(t, h.Door, "production", remote.Harbor, other.URL)
	if first != 1 || second != 2 {
		t.Fatalf("the registries are %d and %d", first, second)
	}
	h.NewProject(t, "production", false)
	h.Admin(t, 201, "POST", "/api/v2.0/replication/policies", map[string]any{
		"name": "sync-to-production", "src_registry": map[string]int{"id": 1}, "dest_registry": map[string]int{"id": 2},
		"filters": []map[string]string{{"type": "name", "value": "production/**"}}, "trigger": map[string]string{"type": "event_based"}, "deletion": false, "enabled": true,
	})
	pushed := here.image(t, "production/app", "v1", "app", random(1000))
	await.Until(t, "it is there", func() bool {
		d, err := peer.Head(t.Context(), "production/app", oci.TagReference("v1"))
		return err == nil && d.Digest == pushed.Digest
	})
}

// Both registries are elsewhere: images pass through this Haven without being kept.
func TestRelay(t *testing.T) {
	h, other := haventest.Start(t, haventest.Options{}), haventest.Start(t, haventest.Options{})
	peer, plain := ofHaven(t, other), ofDistribution(t)
	other.NewProject(t, "prod", false)
	referred := family(t, peer, "prod")
	from, to := newLine(t, peer.url), newLine(t, plain.url)
	run(t, h.Door, policy(t, h.Door, register(t, h.Door, "from", remote.Harbor, from.URL), register(t, h.Door, "to", remote.DockerRegistry, to.URL), nil))
	alike(t, peer, plain, "")
	sameReferrers(t, peer, plain, referred)
	from.once(t)
	to.once(t)
	if kept := ofHaven(t, h).everything(t, ""); len(kept) > 0 {
		t.Errorf("this Haven has kept %v", kept)
	}
}

// The line is slow, and breaks in the middle of blobs.
func TestTheLineIsCut(t *testing.T) {
	for _, direction := range []string{"push", "pull"} {
		t.Run(direction, func(t *testing.T) {
			onEachPeer(t, haventest.Options{Plain: true}, func(t *testing.T, h *haventest.Server, peer there) { cutLine(t, h, peer, direction == "pull") })
		})
	}
}

func cutLine(t *testing.T, h *haventest.Server, peer there, pull bool) {
	here, l := ofHaven(t, h), newLine(t, peer.url)
	src, from, to := begin(t, h, peer, l, pull)
	var size int64
	for i := range 4 {
		layer := random(12 << 20)
		size += int64(len(layer))
		src.image(t, "prod/big", fmt.Sprintf("v%d", i), fmt.Sprint(i), layer)
	}
	by := policy(t, h.Door, from, to, nil)
	l.set(func() { l.speed = 20 << 20 })
	var cuts sync.WaitGroup
	cuts.Go(func() {
		for _, at := range []int64{6 << 20, 20 << 20, 30 << 20} {
			l.set(func() { l.cutAt = at })
			until(t, 5*time.Minute, "so much has crossed", func() (passed bool) {
				l.set(func() { passed = l.cutAt == 0 })
				return passed
			})
		}
	})
	e := start(t, h.Door, by)
	cuts.Wait()
	l.set(func() { l.speed = 0 })
	if got := wait(t, h.Door, e); got.Status != "Succeed" {
		t.Fatalf("got %+v\n%s", got, logs(t, h.Door, e))
	}
	alike(t, here, peer, "")
	l.once(t)
	l.mu.Lock()
	defer l.mu.Unlock()
	t.Logf("%d bytes crossed for blobs of %d bytes, and the line was cut three times", l.crossed, size)
	if l.crossed > size*5/4 {
		t.Errorf("%d bytes crossed for %d", l.crossed, size)
	}
}

// Either side is killed in the middle, and comes back.
func TestEitherSideIsKilled(t *testing.T) {
	onEachPeer(t, haventest.Options{Plain: true}, func(t *testing.T, h *haventest.Server, peer there) {
		here, l := ofHaven(t, h), newLine(t, peer.url)
		id := register(t, h.Door, "peer", peer.kind, l.URL)
		h.NewProject(t, "prod", true)
		policy(t, h.Door, 0, id, map[string]any{"trigger": map[string]any{"type": "event_based"}})
		l.set(func() { l.speed = 2 << 20 })
		base := random(100_000)
		for i := range 12 {
			for j := range 3 {
				here.image(t, fmt.Sprintf("prod/app%d", i), fmt.Sprintf("v%d", j), fmt.Sprint(i, j), base, random(400_000))
			}
		}
		stored := func() (n int) {
			l.set(func() { n = len(l.stored) })
			return n
		}
		until(t, time.Minute, "some has crossed", func() bool { return stored() > 5 })
		h.Kill()
		h.Restart()
		until(t, 2*time.Minute, "more has crossed", func() bool { return stored() > 20 })
		peer.kill()
		peer.restart()
		l.set(func() { l.speed = 0 })
		until(t, 5*time.Minute, "both sides are alike", func() bool { return len(different(t, here, peer, "")) == 0 })
		l.once(t)
	})
}

// An image that is pushed while the peer is down arrives when it is back.
func TestThePeerIsDown(t *testing.T) {
	h, other := haventest.Start(t, haventest.Options{}), haventest.Start(t, haventest.Options{})
	here, peer := ofHaven(t, h), ofHaven(t, other)
	id := register(t, h.Door, "peer", remote.Harbor, other.URL)
	h.NewProject(t, "prod", true)
	policy(t, h.Door, 0, id, map[string]any{"trigger": map[string]any{"type": "event_based"}})
	other.Stop()
	here.image(t, "prod/app", "v1", "app", random(1000))
	var all []execution
	await.Until(t, "it is tried", func() bool {
		read(t, h.Admin(t, 200, "GET", "/api/v2.0/replication/executions", nil), &all)
		return len(all) > 0
	})
	other.Restart()
	until(t, 3*time.Minute, "it has arrived", func() bool { return len(different(t, here, peer, "")) == 0 })
}

// The size that the requirement names: repositories and tags, of which a twentieth has changed.
func TestSize(t *testing.T) {
	for _, direction := range []string{"push", "pull"} {
		t.Run(direction, func(t *testing.T) {
			onEachPeer(t, haventest.Options{Plain: true}, func(t *testing.T, h *haventest.Server, peer there) { replicateMany(t, h, peer, direction == "pull") })
		})
	}
}

func replicateMany(t *testing.T, h *haventest.Server, peer there, pull bool) {
	most := uint64(200)
	if pull || peer.kind != remote.Harbor { // the latter takes three times as long for each of its requests
		most = 40
	}
	repositories, tags := int(haventest.Number(t, "HAVEN_REPLICATION_REPOSITORIES", most)), int(haventest.Number(t, "HAVEN_REPLICATION_TAGS", 50))
	here, l := ofHaven(t, h), newLine(t, peer.url)
	src, from, to := begin(t, h, peer, l, pull)
	base := random(10_000)
	begun := time.Now()
	var g errgroup.Group
	g.SetLimit(4)
	for i := range repositories {
		g.Go(func() error {
			for j := range tags {
				src.image(t, fmt.Sprintf("prod/app%d", i), fmt.Sprintf("v%d", j), fmt.Sprint(i, j), base)
			}
			return nil
		})
	}
	ok(t, g.Wait())
	t.Logf("pushing %d images: %s", repositories*tags, time.Since(begun).Round(time.Millisecond))
	by := policy(t, h.Door, from, to, nil)
	measure := func(what string) {
		begun, before := time.Now(), l.requests()
		e := run(t, h.Door, by)
		took := time.Since(begun)
		_, peak := h.Memory()
		t.Logf("%s: %s, %d tasks, %d requests to the peer, peak of this Haven %d MB", what, took.Round(time.Millisecond), e.Total, l.requests()-before, peak>>20)
	}
	measure("all of them")
	measure("nothing new")
	for i := range repositories {
		for j := range tags {
			if (i*tags+j)%20 == 0 {
				src.image(t, fmt.Sprintf("prod/app%d", i), fmt.Sprintf("v%d", j), fmt.Sprint("anew", i, j), base)
			}
		}
	}
	measure("a twentieth has changed")
	alike(t, here, peer, "")
	l.once(t)
}
