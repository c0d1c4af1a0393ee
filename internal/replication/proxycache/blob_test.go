package proxycache_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/await"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/project"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/replication/proxycache"
	"github.com/havenregistry/haven/internal/scan"
)

func TestBlobComesWhileItIsRead(t *testing.T) {
	each(t, func(w *world) {
		_, blobs := w.up.image("team/app", "v1", "one", 4<<20)
		_, err := w.Manifest(ctx, app, oci.TagReference("v1"), proxycache.Ask{})
		w.ok(err)
		layer, gate := blobs[1], make(chan struct{})
		w.up.set(func() { w.up.slowBlobs = gate })
		content, err := w.Blob(ctx, app, layer.Digest)
		w.ok(err)
		defer content.Close()
		half := make([]byte, 1<<20)
		if _, err := io.ReadFull(content, half); err != nil { // though upstream doesn't go on
			t.Fatal(err)
		}
		second, err := w.Blob(ctx, app, layer.Digest)
		w.ok(err)
		_, err = second.Seek(1000, io.SeekStart)
		w.ok(err)
		part := make([]byte, 1000)
		if _, err := io.ReadFull(second, part); err != nil || !bytes.Equal(part, w.up.blobs[layer.Digest][1000:2000]) {
			t.Errorf("a range of what comes: %v", err)
		}
		w.ok(second.Close())
		close(gate)
		if got := append(half, readAll(t, content)...); !layer.Digest.Matches(got) {
			t.Error("the blob has other bytes")
		}
		if n := w.up.requests()["blob "+string(layer.Digest)]; n != 1 {
			t.Errorf("upstream was asked %d times", n)
		}
	})
}

func TestClientLeaves(t *testing.T) {
	each(t, func(w *world) {
		_, blobs := w.up.image("team/app", "v1", "one", 4<<20)
		_, err := w.Manifest(ctx, app, oci.TagReference("v1"), proxycache.Ask{})
		w.ok(err)
		gate := make(chan struct{})
		w.up.set(func() { w.up.slowBlobs = gate })
		content, err := w.Blob(ctx, app, blobs[1].Digest)
		w.ok(err)
		w.ok(content.Close()) // the only reader
		close(gate)
		await.Until(t, "the blob is stored", func() bool {
			_, err := w.registry.Blob(ctx, app, blobs[1].Digest)
			return err == nil
		})
	})
}

func TestUpstreamBreaksOff(t *testing.T) {
	for _, ranges := range []bool{true, false} {
		each(t, func(w *world) {
			_, blobs := w.up.image("team/app", "v1", "one", 1<<20)
			w.up.set(func() { w.up.cutAt, w.up.noRanges = 300<<10, !ranges })
			if !ranges {
				w.up.set(func() { w.up.cutAt = 900 << 10 })
			}
			_, err := w.Manifest(ctx, app, oci.TagReference("v1"), proxycache.Ask{})
			w.ok(err)
			content, err := w.client().blob(app, blobs[1].Digest)
			if !ranges { // from the beginning it never gets further
				if err == nil {
					t.Error("a blob came whole over a line that always breaks")
				}
				w.up.set(func() { w.up.cutAt = 0 })
				content, err = w.client().blob(app, blobs[1].Digest)
			}
			w.ok(err)
			if !blobs[1].Digest.Matches(content) {
				t.Error("the blob has other bytes")
			}
		})
	}
}

func TestBadBlobIsNeverStored(t *testing.T) {
	for name, spoil := range map[string]func([]byte) []byte{
		"other bytes": func(b []byte) []byte { c := bytes.Clone(b); c[len(c)/2]++; return c },
		"too long":    func(b []byte) []byte { return append(bytes.Clone(b), "more"...) },
		"too short":   func(b []byte) []byte { return b[:len(b)-1] },
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(w *world) {
				_, blobs := w.up.image("team/app", "v1", "one", 400<<10)
				good := w.up.blobs[blobs[1].Digest]
				w.up.set(func() { w.up.blobs[blobs[1].Digest] = spoil(good) })
				_, err := w.Manifest(ctx, app, oci.TagReference("v1"), proxycache.Ask{})
				w.ok(err)
				got, err := w.client().blob(app, blobs[1].Digest)
				if err == nil || int64(len(got)) >= blobs[1].Size {
					t.Errorf("a bad blob was served whole: %d bytes, %v", len(got), err)
				}
				if _, err := w.registry.Blob(ctx, app, blobs[1].Digest); !errors.Is(err, registry.ErrBlobUnknown) {
					t.Errorf("a bad blob was stored: %v", err)
				}
				w.up.set(func() { w.up.blobs[blobs[1].Digest] = good })
				w.pull(app, "v1")
			})
		})
	}
}

// A blob that another repository of the project holds is taken from there; one of another project isn't (S10).
func TestBlobsOfOthers(t *testing.T) {
	each(t, func(w *world) {
		_, blobs := w.up.image("team/app", "v1", "one", 1000)
		w.pull(app, "v1")
		w.artifact(app, "v1")
		w.up.set(func() { w.up.tags["team/beta:v1"] = w.up.tags["team/app:v1"] })
		w.up.requests()
		w.pull(beta, "v1")
		w.wantRequests(map[string]int{"manifest team/beta:v1": 1})
		w.artifact(beta, "v1")

		secret := []byte("of another project")
		d := oci.SHA256Of(secret)
		_, err := w.registry.PutBlob(ctx, registry.Ref{ProjectID: 2, Project: "plain", Name: "x"}, d, bytes.NewReader(secret))
		w.ok(err)
		evil := document{SchemaVersion: 2, MediaType: oci.MediaTypeImageManifest, Config: &blobs[0], Layers: []oci.Descriptor{{MediaType: "a/b", Digest: d, Size: int64(len(secret))}}}
		w.up.put("team/app", "evil", evil)
		_, err = w.Manifest(ctx, app, oci.TagReference("evil"), proxycache.Ask{})
		w.ok(err)
		if _, err := w.client().blob(app, d); !errors.Is(err, registry.ErrBlobUnknown) {
			t.Errorf("a blob of another project was served because upstream named it: %v", err)
		}
		w.sound()
	})
}

func TestUnnamedBlob(t *testing.T) {
	each(t, func(w *world) {
		d := w.up.blob([]byte("no manifest here names it"))
		content, err := w.client().blob(app, d.Digest)
		w.ok(err)
		if string(content) != "no manifest here names it" {
			t.Errorf("got %q", content)
		}
		if _, err := w.client().blob(app, oci.SHA256Of([]byte("nor this"))); !errors.Is(err, registry.ErrBlobUnknown) {
			t.Errorf("what upstream doesn't have: %v", err)
		}
	})
}

// What a client had already is fetched without it: another one may not have it when upstream is gone.
func TestPartialPullBecomesWhole(t *testing.T) {
	each(t, func(w *world) {
		_, blobs := w.up.image("team/app", "v1", "one", 1000, 2000)
		_, err := w.Manifest(ctx, app, oci.TagReference("v1"), proxycache.Ask{})
		w.ok(err)
		_, err = w.client().blob(app, blobs[2].Digest)
		w.ok(err)
		w.skipped.Add(int64(time.Minute))
		within, cancel := contextWithCancel()
		done := make(chan error, 1)
		go func() { done <- w.Run(within) }()
		w.artifact(app, "v1")
		cancel()
		w.ok(<-done)
	})
}

func TestQuotaMakesRoom(t *testing.T) {
	each(t, func(w *world) {
		w.exec(`UPDATE project SET storage_limit = 3000000 WHERE id = 1`)
		w.up.image("team/app", "old", "old", 1_000_000)
		w.up.image("team/app", "kept", "kept", 1_000_000)
		w.up.image("team/app", "new", "new", 1_500_000)
		w.pull(app, "old")
		w.artifact(app, "old")
		m := w.pull(app, "kept")
		kept := w.artifact(app, "kept")
		w.skipped.Add(int64(time.Hour))
		m.ID, m.RepositoryID = kept.ID, kept.RepositoryID
		w.registry.RecordPull(registry.Pull{By: authz.Principal{Name: "x"}, Ref: app, Manifest: m})
		w.ok(w.registry.Flush(ctx))
		w.pull(app, "new")
		w.artifact(app, "new")
		if _, err := w.registry.Manifest(ctx, app, oci.TagReference("old")); !errors.Is(err, registry.ErrManifestUnknown) {
			t.Errorf("what was pulled longest ago is still there: %v", err)
		}
		w.artifact(app, "kept")
		w.up.image("team/app", "huge", "huge", 4_000_000)
		w.pull(app, "huge") // more than the project may hold: served all the same
		w.artifact(app, "new")
		w.sound()
	})
}

// Images of an index can't go before it: however many of them nobody pulled, something else makes room.
func TestImagesOfAnIndexAreNotInTheWay(t *testing.T) {
	each(t, func(w *world) {
		var images []oci.Descriptor
		for i := range 55 {
			tag := fmt.Sprint("arch", i)
			d, _ := w.up.image("team/app", tag, tag, 10)
			images = append(images, d)
			w.pull(app, tag)
			w.artifact(app, tag)
		}
		w.up.index("team/app", "multi", images...)
		w.up.image("team/app", "old", "old", 1_000_000)
		w.up.image("team/app", "new", "new", 1_500_000)
		w.pull(app, "multi")
		w.artifact(app, "multi")
		w.pull(app, "old")
		w.artifact(app, "old")
		w.exec(`UPDATE project SET storage_limit = 2000000 WHERE id = 1`)
		w.pull(app, "new")
		w.artifact(app, "new")
		w.sound()
	})
}

func TestExpire(t *testing.T) {
	each(t, func(w *world) {
		w.up.image("team/app", "v1", "one", 100)
		amd, _ := w.up.image("team/app", "", "amd", 100)
		arm, _ := w.up.image("team/app", "", "arm", 100)
		w.up.index("team/app", "multi", amd, arm)
		w.pull(app, "v1")
		w.artifact(app, "v1")
		w.pull(app, "multi")
		w.artifact(app, string(amd.Digest))
		w.skipped.Add(int64(6 * 24 * time.Hour))
		n, err := w.Expire(ctx, 1, "hub")
		w.ok(err)
		if n != 0 {
			t.Errorf("%d artifacts went too early", n)
		}
		w.skipped.Add(int64(2 * 24 * time.Hour))
		n, err = w.Expire(ctx, 1, "hub")
		w.ok(err)
		if n != 2 {
			t.Errorf("%d artifacts went", n)
		}
		if n := w.count(`SELECT COUNT(*) FROM proxy_manifest`) + w.count(`SELECT COUNT(*) FROM proxy_tag`); n != 0 {
			t.Errorf("%d rows are left", n)
		}
		w.sound()
	})
}

func TestForget(t *testing.T) {
	each(t, func(w *world) {
		amd, _ := w.up.image("team/app", "", "amd", 100)
		arm, _ := w.up.image("team/app", "", "arm", 100)
		index := w.up.index("team/app", "multi", amd, arm)
		w.pull(app, "multi")
		w.artifact(app, string(amd.Digest))
		found, err := w.Forget(ctx, app, oci.DigestReference(index.Digest))
		w.ok(err)
		if !found {
			t.Error("the index that waits wasn't found")
		}
		w.pull(app, "multi")
		w.ok(w.registry.DeleteRepository(ctx, authz.Principal{Name: "x"}, app))
		w.dispatch()
		if n := w.count(`SELECT COUNT(*) FROM proxy_manifest`) + w.count(`SELECT COUNT(*) FROM proxy_tag`); n != 0 {
			t.Errorf("%d rows outlive the repository", n)
		}
		w.pull(app, "multi") // and it comes again
	})
}

// With rules, an image is here whole before anybody gets it.
func TestGatedProject(t *testing.T) {
	each(t, func(w *world) {
		w.metadata(project.PreventVulnerable, "true")
		amd, blobs := w.up.image("team/app", "v1", "one", 1000)
		m, err := w.Manifest(ctx, app, oci.TagReference("v1"), proxycache.Ask{})
		w.ok(err)
		if m.ID == 0 || !m.Gated {
			t.Errorf("a manifest that nobody looked at was given out: %+v", m)
		}
		for _, b := range blobs {
			if _, err := w.registry.Blob(ctx, app, b.Digest); err != nil {
				t.Errorf("blob %s: %v", b.Digest, err)
			}
		}
		arm, _ := w.up.image("team/app", "", "arm", 1000)
		w.up.index("team/app", "multi", amd, arm)
		if m, err = w.Manifest(ctx, app, oci.TagReference("multi"), proxycache.Ask{}); err != nil || m.ID != 0 {
			t.Errorf("an index, whose images are looked at when they are pulled: %+v, %v", m, err)
		}
		if m, err = w.Manifest(ctx, app, oci.DigestReference(arm.Digest), proxycache.Ask{Head: true}); err != nil || m.ID == 0 {
			t.Errorf("its image, by HEAD: %+v, %v", m, err)
		}
	})
}

// An image may be signed when it has come already.
func TestSignedLater(t *testing.T) {
	each(t, func(w *world) {
		w.metadata(project.ContentTrustCosign, "true")
		d, _ := w.up.image("team/app", "v1", "one", 1000)
		w.pull(app, "v1")
		w.artifact(app, "v1")
		w.up.requests()
		if again, err := w.LookAgain(ctx, app, d.Digest); again || err != nil {
			t.Errorf("a moment after it came: %t, %v", again, err)
		}
		w.wantRequests(map[string]int{})
		w.patience = time.Minute                           // of a machine that is busy
		other := client{w.replica(w.registry), w.registry} // one that hasn't looked yet, which this process may again in a while
		signature, _ := w.up.image("team/app", d.Digest.ReferrersTag()+".sig", "signature", 10)
		attestation, _ := w.up.image("team/app", "", "attestation", 10)
		w.up.set(func() { w.up.referrers[d.Digest] = []oci.Descriptor{attestation} })
		if again, err := other.cache.LookAgain(ctx, app, d.Digest); !again || err != nil {
			t.Errorf("when it has been signed: %t, %v", again, err)
		}
		w.artifact(app, string(signature.Digest))
		w.artifact(app, string(attestation.Digest))
		w.own(proxycache.Own{Freshness: proxycache.Offline})
		if again, err := w.replica(w.registry).LookAgain(ctx, app, d.Digest); again || err != nil {
			t.Errorf("offline: %t, %v", again, err)
		}
	})
}

// What upstream says about the images of an index may lead back to the index that they are fetched for.
func TestSignatureThatLeadsBack(t *testing.T) {
	each(t, func(w *world) {
		w.metadata(project.ContentTrustCosign, "true")
		var images []oci.Descriptor
		for _, name := range []string{"amd64", "arm64", "riscv64", "s390x", "ppc64le"} {
			d, _ := w.up.image("team/app", "", name, 1000)
			images = append(images, d)
		}
		index := w.up.index("team/app", "multi", images...)
		back := w.up.put("team/app", "", document{SchemaVersion: 2, MediaType: oci.MediaTypeImageIndex, Subject: &images[0], Manifests: []oci.Descriptor{index}})
		w.up.set(func() {
			for _, d := range images {
				w.up.referrers[d.Digest] = []oci.Descriptor{back}
			}
		})
		w.pull(app, "multi")
		w.artifact(app, "multi")
	})
}

func TestScanBeforeServe(t *testing.T) {
	each(t, func(w *world) {
		own := proxycache.Own{Freshness: proxycache.Always, ScanBeforeServe: true}
		w.own(own)
		w.Hold = 50 * time.Millisecond
		w.scans.outcome = scan.Standing{Status: scan.Running}
		w.up.image("team/app", "v1", "one", 1000)
		_, err := w.Manifest(ctx, app, oci.TagReference("v1"), proxycache.Ask{})
		for range 100 { // fetching, then scanning
			wait, ok := errors.AsType[*proxycache.WaitError](err)
			if !ok {
				t.Fatalf("while it is made ready: %v", err)
			}
			if strings.Contains(wait.Words, "scanned") {
				break
			}
			_, err = w.Manifest(ctx, app, oci.TagReference("v1"), proxycache.Ask{})
		}
		if _, err := w.Manifest(ctx, app, oci.TagReference("v1"), proxycache.Ask{Scanner: true}); err != nil {
			t.Errorf("who is to scan it doesn't get it: %v", err)
		}
		w.scans.mu.Lock()
		w.scans.outcome = scan.Standing{Status: scan.Success, Evaluated: scan.Wholly}
		w.scans.mu.Unlock()
		w.pull(app, "v1")
		w.scans.mu.Lock()
		w.scans.outcome = scan.Standing{Status: scan.Failed, Reason: "it is no image at all"}
		w.scans.mu.Unlock()
		_, err = w.Manifest(ctx, app, oci.TagReference("v1"), proxycache.Ask{})
		if refused, ok := errors.AsType[*proxycache.RefusedError](err); !ok || !strings.Contains(refused.Words, "no image at all") {
			t.Errorf("one that can't be scanned: %v", err)
		}
	})
}

func TestConnectionsToUpstream(t *testing.T) {
	each(t, func(w *world) {
		w.metadata(project.ProxyConnections, "1")
		_, blobs := w.up.image("team/app", "v1", "one", 400<<10, 500<<10)
		_, err := w.Manifest(ctx, app, oci.TagReference("v1"), proxycache.Ask{})
		w.ok(err)
		gate := make(chan struct{})
		w.up.set(func() { w.up.slowBlobs = gate })
		content, err := w.Blob(ctx, app, blobs[1].Digest)
		w.ok(err)
		w.up.requests()
		done := make(chan error, 1)
		go func() {
			_, err := w.client().blob(app, blobs[2].Digest)
			done <- err
		}()
		select {
		case err := <-done:
			t.Errorf("a second connection while one is all: %v", err)
		case <-time.After(200 * time.Millisecond):
		}
		w.wantRequests(map[string]int{})
		close(gate)
		w.ok(<-done)
		w.ok(content.Close())
	})
}

// The bound holds over all processes, and what another one only waits for doesn't count.
func TestConnectionsOfAllProcesses(t *testing.T) {
	each(t, func(w *world) {
		if w.db.Exclusive() {
			return // there is no other
		}
		w.metadata(project.ProxyConnections, "1")
		w.up.image("team/app", "v1", "one", 300<<10)
		claim := func(name string, lease time.Duration) {
			w.exec(`INSERT INTO proxy_fetch (name, project_id, holder, lease_until) VALUES ($1, 1, 'another', $2)`, name, db.Micros(time.Now().Add(lease)))
		}
		claim("blob 1 sha256:that waits as well", time.Hour)
		w.pull(app, "v1")
		claim("open one", time.Second)
		w.up.image("team/app", "v2", "two", 300<<10)
		began := time.Now()
		w.pull(app, "v2")
		if took := time.Since(began); took < 500*time.Millisecond {
			t.Errorf("a second connection while one is all: after %s", took)
		}
		await.Until(t, "connections are given back", func() bool { return w.count(`SELECT COUNT(*) FROM proxy_fetch WHERE holder <> 'another'`) == 0 })
	})
}

// No connection is faster than the project lets it be.
func TestSpeed(t *testing.T) {
	each(t, func(w *world) {
		w.metadata(project.ProxySpeed, "1024")
		_, blobs := w.up.image("team/app", "v1", "one", 640<<10)
		began := time.Now()
		w.pull(app, "v1")
		if took := time.Since(began); took < 500*time.Millisecond { // the last eighth of a megabyte is let out with the one before
			t.Errorf("%d bytes at a megabyte a second took %s", blobs[1].Size, took)
		}
	})
}

// A process that died with a claim holds nobody up for longer than its lease.
func TestClaimOfTheDead(t *testing.T) {
	each(t, func(w *world) {
		if w.db.Exclusive() {
			return // no other process is there to claim anything
		}
		d, _ := w.up.image("team/app", "v1", "one", 100)
		w.exec(`INSERT INTO proxy_fetch (name, project_id, holder, lease_until) VALUES ($1, 1, 'dead', $2)`,
			"manifest 1/team/app@"+string(d.Digest), db.Micros(time.Now().Add(time.Second)))
		began := time.Now()
		w.pull(app, string(d.Digest))
		if took := time.Since(began); took < 500*time.Millisecond || took > 5*time.Second {
			t.Errorf("it took %s", took)
		}
	})
}
