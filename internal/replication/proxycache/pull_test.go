package proxycache_test

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/await"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/project"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/replication/proxycache"
	"github.com/havenregistry/haven/internal/replication/remote"
)

func TestImageIsServedAndStored(t *testing.T) {
	each(t, func(w *world) {
		d, blobs := w.up.image("team/app", "v1", "one", 1000, 3<<20)
		m := w.pull(app, "v1")
		if m.Digest != d.Digest || m.Tag != "v1" {
			t.Errorf("got %s by the tag %q", m.Digest, m.Tag)
		}
		want := map[string]int{"manifest team/app:v1": 1}
		for _, b := range blobs {
			want["blob "+string(b.Digest)] = 1
		}
		w.wantRequests(want)
		if a := w.artifact(app, "v1"); a.Digest != d.Digest || len(a.Tags) != 1 {
			t.Errorf("the artifact is %s with %d tags", a.Digest, len(a.Tags))
		}
		await.Until(t, "nothing waits any more", func() bool { return w.count(`SELECT COUNT(*) FROM proxy_manifest`) == 0 })
		w.pull(app, "v1")
		w.wantRequests(map[string]int{"head team/app:v1": 1})
		w.pull(app, string(d.Digest))
		w.wantRequests(map[string]int{})
		w.sound()
	})
}

func TestManyClientsAskUpstreamOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		clients := []client{w.client()}
		if !d.Exclusive() {
			r := w.newRegistry()
			clients = append(clients, client{w.replica(r), r})
		}
		image, blobs := w.up.image("team/app", "v1", "one", 10, 300<<10, 5<<20)
		w.up.index("team/app", "multi", image)
		var group sync.WaitGroup
		for i := range 32 {
			group.Go(func() {
				if _, err := clients[i%len(clients)].pull(app, oci.TagReference("multi")); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		want := map[string]int{"manifest team/app:multi": 1, "manifest team/app:" + string(image.Digest): 1}
		for _, b := range blobs {
			want["blob "+string(b.Digest)] = 1
		}
		got := w.up.requests()
		delete(got, "head team/app:multi") // who comes when it is here asks whether the tag moved
		for what, n := range want {
			if got[what] != n {
				t.Errorf("upstream was asked %d times for %s", got[what], what)
			}
			delete(got, what)
		}
		if len(got) > 0 {
			t.Errorf("and for %v", got)
		}
		w.artifact(app, "multi")
		w.sound()
	})
}

func TestIndexStaysWhole(t *testing.T) {
	each(t, func(w *world) {
		amd, _ := w.up.image("team/app", "", "amd", 100)
		arm, _ := w.up.image("team/app", "", "arm", 200)
		index := w.up.index("team/app", "v1", amd, arm)
		m := w.pull(app, "v1")
		if m.Digest != index.Digest || !bytes.Equal(m.Content, w.up.manifests[index.Digest].Bytes) {
			t.Error("the index isn't upstream's")
		}
		if a := w.artifact(app, string(amd.Digest)); a.Type != registry.TypeImage {
			t.Errorf("the image is a %s", a.Type)
		}
		if _, err := w.registry.Manifest(ctx, app, oci.TagReference("v1")); !errors.Is(err, registry.ErrManifestUnknown) {
			t.Errorf("the index is an ordinary manifest without all its images: %v", err)
		}
		w.up.set(func() { w.up.err = &remote.UnreachableError{Words: "down"} })
		if m := w.pull(app, "v1"); m.Digest != index.Digest {
			t.Errorf("with upstream down the tag means %s", m.Digest)
		}
		w.up.set(func() { w.up.err = nil })
		w.pull(app, string(arm.Digest))
		if a := w.artifact(app, "v1"); a.Digest != index.Digest || len(a.References) != 2 {
			t.Errorf("the whole index is %s with %d images", a.Digest, len(a.References))
		}
		w.sound()
	})
}

func TestTagMoves(t *testing.T) {
	each(t, func(w *world) {
		first, _ := w.up.image("team/app", "v1", "one", 100)
		w.pull(app, "v1")
		w.artifact(app, "v1")
		second, _ := w.up.image("team/app", "v1", "two", 100)
		if m := w.pull(app, "v1"); m.Digest != second.Digest {
			t.Errorf("the tag means %s still", m.Digest)
		}
		await.Until(t, "the tag is the new image's", func() bool { return w.artifact(app, "v1").Digest == second.Digest })
		if a := w.artifact(app, string(first.Digest)); len(a.Tags) != 0 {
			t.Errorf("the old image has %d tags", len(a.Tags))
		}
		w.up.set(func() { w.up.tags["team/app:v1"] = first.Digest }) // and back, to what is here already
		w.pull(app, "v1")
		if a := w.artifact(app, "v1"); a.Digest != first.Digest {
			t.Errorf("the tag did not come back: %s", a.Digest)
		}
		w.sound()
	})
}

// What is here is served whatever upstream does.
func TestUpstreamMisbehaves(t *testing.T) {
	for name, err := range map[string]error{
		"down": &remote.UnreachableError{Words: "down"}, "limit": &remote.LimitError{RetryAfter: time.Hour}, "denied": remote.ErrDenied, "odd": errors.New("odd"),
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(w *world) {
				d, _ := w.up.image("team/app", "v1", "one", 100)
				w.up.image("team/app", "v2", "two", 100)
				w.pull(app, "v1")
				w.artifact(app, "v1")
				w.up.set(func() { w.up.err = err })
				if m := w.pull(app, "v1"); m.Digest != d.Digest {
					t.Errorf("got %s", m.Digest)
				}
				_, got := w.client().pull(app, oci.TagReference("v2"))
				wait, isWait := errors.AsType[*proxycache.WaitError](got)
				_, isDown := errors.AsType[*proxycache.UnavailableError](got)
				switch name {
				case "limit":
					if !isWait || wait.After < 30*time.Minute {
						t.Errorf("what isn't here: %v", got)
					}
					w.up.requests()
					w.pull(app, "v1")
					w.wantRequests(map[string]int{}) // it is left alone
				case "denied":
					if !errors.Is(got, registry.ErrManifestUnknown) {
						t.Errorf("what isn't here: %v", got)
					}
				default:
					if !isDown {
						t.Errorf("what isn't here: %v", got)
					}
				}
			})
		})
	}
}

func TestSlowUpstream(t *testing.T) {
	each(t, func(w *world) {
		d, _ := w.up.image("team/app", "v1", "one", 100)
		w.pull(app, "v1")
		w.artifact(app, "v1")
		w.patience = 2 * time.Second // a busy machine's own delays are less
		slow := client{w.replica(w.registry), w.registry}
		stop := make(chan struct{})
		w.up.set(func() { w.up.stop = stop })
		began := time.Now()
		if m, err := slow.pull(app, parsed(t, "v1")); err != nil || m.Digest != d.Digest {
			t.Errorf("got %s, %v", m.Digest, err)
		}
		if took := time.Since(began); took > 5*w.patience {
			t.Errorf("a pull took %s with a slow upstream", took)
		}
		began = time.Now()
		_, err := slow.pull(app, parsed(t, "v1")) // the second one isn't even held up
		if took := time.Since(began); took > w.patience || err != nil {
			t.Errorf("the next pull took %s: %v", took, err)
		}
		close(stop)
	})
}

func TestDeletedUpstream(t *testing.T) {
	each(t, func(w *world) {
		d, _ := w.up.image("team/app", "v1", "one", 100)
		w.pull(app, "v1")
		w.artifact(app, "v1")
		w.up.set(func() { delete(w.up.tags, "team/app:v1") })
		if _, err := w.client().pull(app, oci.TagReference("v1")); !errors.Is(err, registry.ErrManifestUnknown) {
			t.Errorf("as Harbor does it is gone: %v", err)
		}
		w.up.requests()
		if _, err := w.client().pull(app, oci.TagReference("v1")); err == nil {
			t.Error("it is there again")
		}
		w.wantRequests(map[string]int{}) // that it isn't there is believed for a moment
		w.pull(app, string(d.Digest))    // by digest it is here
		w.metadata(project.ProxyLocalOnNotFound, "true")
		if m := w.pull(app, "v1"); m.Digest != d.Digest {
			t.Errorf("got %s", m.Digest)
		}
	})
}

func TestFreshness(t *testing.T) {
	each(t, func(w *world) {
		first, _ := w.up.image("team/app", "v1", "one", 100)
		w.pull(app, "v1")
		w.artifact(app, "v1")
		w.up.requests()
		w.own(proxycache.Own{Freshness: proxycache.MaxAge, MaxAge: time.Hour})
		second, _ := w.up.image("team/app", "v1", "two", 100)
		if m := w.pull(app, "v1"); m.Digest != first.Digest {
			t.Errorf("within the age it means %s", m.Digest)
		}
		w.wantRequests(map[string]int{})
		w.skipped.Add(int64(2 * time.Hour))
		w.own(proxycache.Own{Freshness: proxycache.MaxAge, MaxAge: time.Hour, MinimumAge: 24 * time.Hour})
		if m := w.pull(app, "v1"); m.Digest != first.Digest {
			t.Errorf("a tag that just moved means %s", m.Digest)
		}
		w.skipped.Add(int64(25 * time.Hour))
		if m := w.pull(app, "v1"); m.Digest != second.Digest {
			t.Errorf("a day later it means %s", m.Digest)
		}
		w.artifact(app, string(second.Digest))
		w.own(proxycache.Own{Freshness: proxycache.Offline})
		w.up.requests()
		w.up.image("team/app", "v1", "three", 100)
		if m := w.pull(app, "v1"); m.Digest != second.Digest {
			t.Errorf("offline it means %s", m.Digest)
		}
		if _, err := w.client().pull(app, oci.TagReference("nosuch")); !errors.Is(err, registry.ErrManifestUnknown) {
			t.Errorf("offline, what isn't here: %v", err)
		}
		w.wantRequests(map[string]int{})
	})
}

// Offline means offline, also where an image would be fetched whole before it is served.
func TestOfflineWithRules(t *testing.T) {
	each(t, func(w *world) {
		d, blobs := w.up.image("team/app", "v1", "one", 1000)
		_, err := w.Manifest(ctx, app, oci.TagReference("v1"), proxycache.Ask{}) // without what it names
		w.ok(err)
		w.metadata(project.PreventVulnerable, "true")
		w.own(proxycache.Own{Freshness: proxycache.Offline})
		w.up.requests()
		for _, r := range []oci.Reference{oci.TagReference("v1"), oci.DigestReference(d.Digest)} {
			if m, err := w.Manifest(ctx, app, r, proxycache.Ask{}); !errors.Is(err, registry.ErrManifestUnknown) {
				t.Errorf("%s: %+v, %v", r, m, err)
			}
		}
		if _, err := w.Blob(ctx, app, blobs[1].Digest); !errors.Is(err, registry.ErrBlobUnknown) {
			t.Errorf("a blob: %v", err)
		}
		w.wantRequests(map[string]int{})
	})
}

// What clients ask for that upstream never had leaves nothing behind.
func TestTagsThatNeverWere(t *testing.T) {
	each(t, func(w *world) {
		w.up.image("team/app", "v1", "one", 10)
		w.pull(app, "v1")
		for _, tag := range []string{"no", "nor", "neither"} {
			if _, err := w.client().pull(app, oci.TagReference(tag)); !errors.Is(err, registry.ErrManifestUnknown) {
				t.Errorf("%s: %v", tag, err)
			}
		}
		w.skipped.Add(int64(time.Minute))
		within, cancel := contextWithCancel()
		done := make(chan error, 1)
		go func() { done <- w.Run(within) }()
		await.Until(t, "one tag is left", func() bool { return w.count(`SELECT COUNT(*) FROM proxy_tag`) == 1 })
		cancel()
		w.ok(<-done)
	})
}

// At Docker Hub a name without a slash is one of library's.
func TestElsewhere(t *testing.T) {
	each(t, func(w *world) {
		busybox := registry.Ref{ProjectID: 1, Project: "hub", Name: "busybox"}
		for _, c := range []struct {
			kind remote.Kind
			ref  registry.Ref
			want string
		}{
			{remote.DockerHub, busybox, "library/busybox"}, {remote.DockerHub, app, ""}, {remote.DockerRegistry, busybox, ""},
		} {
			w.up.kind = c.kind
			if got, err := w.Elsewhere(ctx, c.ref); err != nil || got != c.want {
				t.Errorf("%s at a %s is %q, %v", c.ref.Name, c.kind, got, err)
			}
		}
	})
}

func TestHead(t *testing.T) {
	each(t, func(w *world) {
		d, blobs := w.up.image("team/app", "v1", "one", 1000)
		m, err := w.Manifest(ctx, app, oci.TagReference("v1"), proxycache.Ask{Head: true})
		w.ok(err)
		if m.Digest != d.Digest || m.Size != d.Size || m.MediaType != d.MediaType {
			t.Errorf("HEAD tells %+v", m)
		}
		w.wantRequests(map[string]int{"head team/app:v1": 1})
		if _, err := w.StatBlob(ctx, app, blobs[1].Digest); !errors.Is(err, registry.ErrBlobUnknown) {
			t.Errorf("a blob that no manifest named: %v", err)
		}
		_, err = w.Manifest(ctx, app, oci.DigestReference(d.Digest), proxycache.Ask{})
		w.ok(err)
		size, err := w.StatBlob(ctx, app, blobs[1].Digest)
		w.ok(err)
		if size != 1000 {
			t.Errorf("HEAD of a blob that isn't here tells %d bytes", size)
		}
		w.wantRequests(map[string]int{"manifest team/app:" + string(d.Digest): 1})
		for _, b := range blobs { // the tag was known before the manifest
			_, err := w.client().blob(app, b.Digest)
			w.ok(err)
		}
		if a := w.artifact(app, "v1"); a.Digest != d.Digest {
			t.Errorf("the tag means %s", a.Digest)
		}
	})
}

func TestFilter(t *testing.T) {
	each(t, func(w *world) {
		d, blobs := w.up.image("team/app", "v1", "one", 10)
		w.metadata(project.ProxyFilterPattern, "other/**")
		_, err := w.Manifest(ctx, app, oci.TagReference("v1"), proxycache.Ask{})
		if !errors.Is(err, proxycache.ErrFiltered) {
			t.Errorf("manifest: %v", err)
		}
		if _, err := w.Blob(ctx, app, blobs[0].Digest); !errors.Is(err, proxycache.ErrFiltered) {
			t.Errorf("blob: %v", err)
		}
		if _, _, err := w.Tags(ctx, app, "", 10); !errors.Is(err, proxycache.ErrFiltered) {
			t.Errorf("tags: %v", err)
		}
		if _, err := w.Referrers(ctx, app, d.Digest, ""); !errors.Is(err, proxycache.ErrFiltered) {
			t.Errorf("referrers: %v", err)
		}
		w.wantRequests(map[string]int{})
	})
}

func TestLists(t *testing.T) {
	each(t, func(w *world) {
		d, _ := w.up.image("team/app", "v2", "one", 10)
		w.pull(app, "v2")
		w.artifact(app, "v2")
		w.up.image("team/app", "v1", "two", 10)
		w.up.image("team/app", "v3", "three", 10)
		w.up.set(func() { delete(w.up.tags, "team/app:v2") })
		tags, more, err := w.Tags(ctx, app, "", 2)
		w.ok(err)
		if len(tags) != 2 || tags[0] != "v1" || tags[1] != "v2" || !more {
			t.Errorf("tags %v, more %v", tags, more)
		}
		tags, more, err = w.Tags(ctx, app, "v2", 2)
		w.ok(err)
		if len(tags) != 1 || tags[0] != "v3" || more {
			t.Errorf("the rest is %v, more %v", tags, more)
		}
		w.up.set(func() {
			w.up.referrers[d.Digest] = []oci.Descriptor{{Digest: oci.SHA256Of(nil), ArtifactType: "a/b"}, {Digest: d.Digest, ArtifactType: "c/d"}}
		})
		found, err := w.Referrers(ctx, app, d.Digest, "")
		w.ok(err)
		if len(found) != 0 {
			t.Errorf("referrers are asked for though the project doesn't: %v", found)
		}
		w.metadata(project.ProxyReferrers, "true")
		found, err = w.Referrers(ctx, app, d.Digest, "a/b")
		w.ok(err)
		if len(found) != 1 {
			t.Errorf("referrers: %v", found)
		}
		w.up.set(func() { w.up.err = &remote.UnreachableError{Words: "down"} })
		if tags, _, err = w.Tags(ctx, beta, "", 10); err == nil {
			t.Errorf("tags of what nobody knows, with upstream down: %v", tags)
		}
		if tags, _, err = w.Tags(ctx, app, "", -1); err != nil || len(tags) != 3 {
			t.Errorf("tags with upstream down: %v, %v", tags, err)
		}
	})
}

func TestReadOnly(t *testing.T) {
	each(t, func(w *world) {
		w.up.image("team/app", "v1", "one", 1000)
		w.readOnly.Store(true)
		w.pull(app, "v1")
		w.Close() // what is under way ends
		for _, table := range []string{"proxy_manifest", "manifest", "blob", "proxy_tag"} {
			if n := w.count(`SELECT COUNT(*) FROM ` + table); n != 0 {
				t.Errorf("%s has %d rows", table, n)
			}
		}
	})
}

func readAll(t *testing.T, r io.Reader) []byte {
	t.Helper()
	all, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return all
}
