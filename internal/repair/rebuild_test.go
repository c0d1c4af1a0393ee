package repair_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/project"
	"github.com/havenregistry/haven/internal/record"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/repair"
	"github.com/havenregistry/haven/internal/replication/endpoint"
	"github.com/havenregistry/haven/internal/replication/proxycache"
	"github.com/havenregistry/haven/internal/replication/remote"
)

// fill pushes some of everything into p/a, p/a/b and q/charts.
func (w world) fill() {
	w.t.Helper()
	limit := int64(1 << 40)
	w.project(project.NewProject{Name: "p", Public: true, Metadata: map[string]string{"auto_scan": "true"}, StorageLimit: &limit})
	w.project(project.NewProject{Name: "q", Allowlist: &project.CVEAllowlist{Items: []string{"CVE-2026-1"}}})
	amd, arm := w.image("p/a", "amd64", "amd"), w.image("p/a", "arm64")
	amd.Platform, arm.Platform = map[string]string{"os": "linux", "architecture": "amd64"}, map[string]string{"os": "linux", "architecture": "arm64"}
	multi := w.index("p/a", "multi", amd, arm)
	w.index("p/a", "nested", multi)
	w.image("p/a", "old", "latest", "v1")
	w.image("p/a", "new", "latest", "v2", "V2.0_x-y")

	// A signature by its subject, and one by its tag.
	empty := w.blob("p/a", oci.MediaTypeEmpty, "{}")
	payload := w.blob("p/a", "application/octet-stream", "signature")
	w.push("p/a", document{MediaType: oci.MediaTypeImageManifest, ArtifactType: "application/vnd.cncf.notary.signature",
		Config: &empty, Layers: []descriptor{payload}, Subject: &multi})
	simple := w.blob("p/a", "application/vnd.dev.cosign.simplesigning.v1+json", "simple signing")
	config := w.blob("p/a", oci.MediaTypeImageConfig, "{}")
	w.push("p/a", document{MediaType: oci.MediaTypeImageManifest, Config: &config, Layers: []descriptor{simple}},
		strings.Replace(string(amd.Digest), ":", "-", 1)+".sig")

	w.ok(w.Copy(w.t.Context(), admin, w.ref("p/a/b"), w.ref("p/a"), oci.TagReference("multi")))
	chart := w.blob("q/charts", chartType, `{"name":"demo","version":"1.2.3"}`)
	w.push("q/charts", document{MediaType: oci.MediaTypeImageManifest, Config: &chart,
		Layers: []descriptor{w.blob("q/charts", "application/vnd.cncf.helm.chart.content.v1.tar+gzip", "chart")}}, "1.2.3")
	_, err := w.Mount(w.t.Context(), w.ref("q/charts"), w.ref("p/a"), layerOf("old"))
	w.ok(err)
	w.settle()
}

var filled = []string{"p/a", "p/a/b", "q/charts"}

func TestRebuildBringsEverythingBack(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		w.fill()
		before := w.seen(filled...)
		if strings.Count(before, "accessory") < 2 || !strings.Contains(before, "CHART") {
			t.Fatalf("too little to lose:\n%s", before)
		}
		for _, trust := range []bool{false, true} {
			again, report := w.rebuilt(trust)
			if after := again.seen(filled...); after != before {
				t.Errorf("rebuilt (names trusted: %t)\n%s\nwant\n%s", trust, after, before)
			}
			if !report.Complete() || report.Projects != 2 || report.Repositories != 3 || len(report.Guessed) != 0 {
				t.Errorf("%+v", report)
			}
			again.sound()
			w.ok(repair.CheckServable(t.Context(), again.db.Auto()))
			q, err := again.projects.GetByName(t.Context(), "q")
			if err != nil || !slices.Equal(q.Allowlist.Items, []string{"CVE-2026-1"}) {
				t.Errorf("allowlist of q: %+v, %v", q.Allowlist, err)
			}
			again.settle()
			if r := again.scrub(repair.ScrubOptions{Strays: true}); !r.Clean() || r.Records.Stray != 0 {
				t.Errorf("a scrub afterwards: %+v", r)
			}
			// It is a registry like any other.
			again.image("p/a", "later", "later")
			w.ok(again.DeleteArtifact(t.Context(), admin, again.ref("p/a"), oci.TagReference("nested")))
			w.ok(again.DeleteRepository(t.Context(), admin, again.ref("p/a/b")))
			again.sound()
			w.fillRecordsAgain()
		}
	})
}

// A cache comes back as one, and not as a project that somebody could push to; what only the database knew is said.
func TestRebuildBringsCachesBack(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		up := endpoint.Draft{Name: "up", Endpoint: remote.Endpoint{
			Kind: remote.DockerRegistry, URL: "https://up.example.com", Insecure: true, Credential: remote.Credential{AccessKey: "robot", Secret: "canary-of-up"},
		}}
		id, err := w.endpoints.Restore(t.Context(), up)
		w.ok(err)
		hub, err := w.projects.Restore(t.Context(), project.Project{Name: "hub", StorageLimit: -1, RegistryID: id, Metadata: map[string]string{project.ProxyFilterPattern: "team/**"}})
		w.ok(err)
		own := proxycache.Own{Freshness: proxycache.MaxAge, MaxAge: time.Hour, MinimumAge: time.Minute, ScanBeforeServe: true, KeepDays: 30}
		w.ok(w.caches.SetOwn(t.Context(), admin, hub, "hub", own))
		w.settle()
		if text := w.recordOf("hub"); strings.Contains(text, "canary") || strings.Contains(text, "robot") {
			t.Errorf("the record tells %s", text)
		}

		again, report := w.rebuilt(false)
		restored, err := again.projects.GetByName(t.Context(), "hub")
		w.ok(err)
		e, err := again.endpoints.Get(t.Context(), restored.RegistryID)
		if err != nil || e.Name != "up" || e.Kind != up.Kind || e.URL != up.URL || !e.Insecure || e.HasSecret() {
			t.Errorf("it is a cache of %+v, %v", e, err)
		}
		if got, err := again.caches.GetOwn(t.Context(), restored.ID); err != nil || got != own {
			t.Errorf("it caches by %+v, %v", got, err)
		}
		var text strings.Builder
		report.WriteText(&text)
		if !report.Complete() || !strings.Contains(text.String(), "credentials are gone; enter them again: up\n") {
			t.Errorf("the report tells %s", &text)
		}

		// What a registry is now, the records of its caches say too.
		w.exec(`UPDATE remote_registry SET url = 'https://elsewhere.example.com'`)
		w.ok(w.db.Write(t.Context(), func(tx db.Tx) error {
			return event.Append(t.Context(), tx, event.Event{Kind: event.UpdateRegistry, At: time.Now(), By: "admin", Resource: "up", Success: true})
		}))
		w.settle()
		if text := w.recordOf("hub"); !strings.Contains(text, "https://elsewhere.example.com") {
			t.Errorf("the record tells %s", text)
		}
	})
}

// What a record only names, a policy of retention and a scanner, isn't there any more.
func TestRebuildNamesNothingThatIsGone(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		id, err := w.projects.Restore(t.Context(), project.Project{Name: "p", StorageLimit: -1, Metadata: map[string]string{project.ScannerUUID: "clair", project.AutoScan: "true"}})
		w.ok(err)
		w.ok(w.db.Write(t.Context(), func(tx db.Tx) error {
			if err := w.projects.NoteRetention(t.Context(), tx, id, "7"); err != nil {
				return err
			}
			return event.Append(t.Context(), tx, event.Event{Kind: event.UpdateProject, At: time.Now(), By: "admin", ProjectID: id, Project: "p", Success: true})
		}))
		w.settle()
		if text := w.recordOf("p"); !strings.Contains(text, `"retention_id":"7"`) {
			t.Fatalf("the record tells %s", text)
		}
		again, _ := w.rebuilt(false)
		restored, err := again.projects.GetByName(t.Context(), "p")
		w.ok(err)
		if got := fmt.Sprint(restored.Metadata); strings.Contains(got, "retention_id") || strings.Contains(got, "clair") || !strings.Contains(got, "auto_scan:true") {
			t.Errorf("it has %s", got)
		}
	})
}

// fillRecordsAgain takes back what another database's server has written.
func (w world) fillRecordsAgain() {
	w.t.Helper()
	for _, kind := range []record.Kind{record.Project, record.Manifest} {
		for after := int64(0); ; {
			last, err := w.keeper.Names(w.t.Context(), kind, after, func(name string) error { return w.keeper.Look(w.t.Context(), name) })
			w.ok(err)
			if last == 0 {
				break
			}
			after = last
		}
	}
	w.settle()
}

func TestRebuildWithLosses(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		ctx := t.Context()
		w.fill()
		arm, err := w.GetArtifact(ctx, w.ref("p/a/b"), oci.TagReference("multi"), registry.With{})
		w.ok(err)
		w.remove(layerOf("old"))
		w.flip(layerOf("new"))
		child := record.Name{Kind: record.Manifest, Project: "p", Repository: "a/b", Digest: arm.References[1].ChildDigest}
		w.tear(child, "haven-manifest 1 5 x\n{torn")
		w.lose(record.Name{Kind: record.Project, Project: "q"})

		again, report := w.rebuilt(false)
		lost := map[string]bool{}
		for _, l := range slices.Concat(report.Lost, report.LostTags) {
			lost[l.What] = true
		}
		for _, want := range []string{"p/a/b@" + string(child.Digest), "p/a/b@" + string(arm.Digest), "p/a/b:multi"} {
			if !lost[want] {
				t.Errorf("%s is not reported as lost: %v %v", want, report.Lost, report.LostTags)
			}
		}
		corrupt := 1
		if w.packs { // other bytes have another digest, and their place names none
			corrupt = 0
		}
		if len(lost) != 3 || report.MissingCount != 2 || len(report.Corrupt) != corrupt || !slices.Equal(report.Guessed, []string{"q"}) || report.Complete() {
			t.Errorf("%+v", report)
		}
		if q, err := again.projects.ByName(ctx, "q"); err != nil || q.Public {
			t.Errorf("a project of which nothing is known: %+v, %v", q, err)
		}
		again.sound()

		// Tags are there; what is missing is asked for again, and then whole.
		for _, seed := range []string{"old", "new"} {
			ref := again.ref("p/a")
			if _, err := again.StatBlob(ctx, ref, layerOf(seed)); !errors.Is(err, registry.ErrBlobUnknown) {
				t.Errorf("%s: %v, want that it is absent", seed, err)
			}
			again.image("p/a", seed)
			content, err := again.Blob(ctx, ref, layerOf(seed))
			w.ok(err)
			r, err := again.OpenBlob(ctx, content)
			w.ok(err)
			r.Close()
		}
		if _, err := again.Manifest(ctx, again.ref("p/a"), oci.TagReference("latest")); err != nil {
			t.Errorf("latest: %v", err)
		}
		again.fillRecordsAgain() // as the first start does
		if r := again.scrub(repair.ScrubOptions{}); !r.Clean() {
			t.Errorf("after the pushes: %+v", r)
		}
		again.sound()
	})
}

// asFiles gives every second packed record a file of its own instead, as it had before records were packed.
func (w world) asFiles() {
	w.t.Helper()
	names := []string{}
	w.ok(w.packer().EachPackedRecord(w.t.Context(), func(_ string, r blob.PackedRecord) error {
		names = append(names, r.Name)
		return nil
	}))
	for i, name := range names {
		n, err := record.ParseName(name)
		w.ok(err)
		if i%2 > 0 {
			continue
		}
		text, err := w.keeper.Read(w.t.Context(), n)
		w.ok(err)
		w.lose(n)
		w.ok(w.store.PutRecord(w.t.Context(), name, text))
	}
}

// A store with packed records and files of them, in which killed processes left outdated ones, tells what was last.
func TestRebuildFromBothKindsOfRecords(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		ctx := t.Context()
		w.fill()
		before := w.seen(filled...)
		w.asFiles()
		packed := 0
		w.ok(w.keeper.Each(ctx, func(n record.Name) error {
			text, err := w.keeper.Read(ctx, n)
			if err == nil && w.placeOf(n) != "" {
				packed++
			}
			outdated := bytes.ReplaceAll(text, []byte("latest"), []byte("oldest"))
			return errors.Join(err, w.packOutdated(n, outdated))
		}))
		if w.packs == (packed == 0) {
			t.Errorf("%d records are packed", packed)
		}
		again, report := w.rebuilt(false)
		if after := again.seen(filled...); after != before || !report.Complete() {
			t.Errorf("rebuilt\n%s\nwant\n%s\n%+v", after, before, report)
		}
		again.fillRecordsAgain() // as the first start does
		w.ok(again.keeper.EachUnnamed(ctx, func(n record.Name, location string) error {
			t.Errorf("%s is left at %s", n, location)
			return nil
		}))
		if r := again.scrub(repair.ScrubOptions{}); !r.Clean() || r.Records.Stray != 0 {
			t.Errorf("a scrub afterwards: %+v", r)
		}
	})
}

// packOutdated packs a record that is an hour old.
func (w world) packOutdated(n record.Name, text []byte) error {
	stamp := time.Now().Add(-time.Hour).UnixMicro()
	_, err := w.packer().PackRecords(w.t.Context(), []blob.PackedRecord{{Name: n.String(), Stamp: stamp, Content: text}})
	return err
}

func TestRebuildForgetsWhatNothingNames(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		w.fill()
		w.blob("p/a", layerType, "named by nothing")
		location := w.location(oci.SHA256Of([]byte("named by nothing")))
		again, report := w.rebuilt(false)
		if report.Unnamed.Count != 1 || report.Unnamed.Bytes != int64(len("named by nothing")) {
			t.Errorf("%+v", report.Unnamed)
		}
		content, err := again.store.Open(t.Context(), location)
		if err != nil {
			t.Fatalf("its bytes: %v", err)
		}
		w.ok(content.Close())
		again.blob("p/a", layerType, "named by nothing")
		again.sound()
	})
}

// stopper cancels when so much was done in a stage.
type stopper struct {
	repair.Silent
	stage, at string
	left      atomic.Int64
	stop      func()
}

func (s *stopper) Stage(name string, _ int64, _ bool) { s.at = name }

func (s *stopper) Add(int64) {
	if s.at == s.stage && s.left.Add(-1) == 0 {
		s.stop()
	}
}

func TestRebuildCanBeBrokenOffAnywhere(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		w.fill()
		before := w.seen(filled...)
		again := w.fresh()
		for _, stage := range []string{"blobs", "projects", "manifests"} {
			ctx, stop := context.WithCancel(t.Context())
			s := &stopper{stage: stage, stop: stop}
			s.left.Store(2)
			if _, err := again.rebuild(ctx, true, s); err == nil {
				t.Errorf("broken off in %s: no error", stage)
			}
			if err := repair.CheckServable(t.Context(), again.db.Auto()); !errors.Is(err, repair.ErrRebuilding) {
				t.Errorf("broken off in %s: %v, want ErrRebuilding", stage, err)
			}
		}
		report, err := again.rebuild(t.Context(), false, repair.Silent{})
		w.ok(err)
		if after := again.seen(filled...); after != before || !report.Complete() {
			t.Errorf("at last\n%s\nwant\n%s", after, before)
		}
		again.sound()
		if err := repair.BeginRebuild(t.Context(), again.db, time.Now()); !errors.Is(err, repair.ErrNotEmpty) {
			t.Errorf("again: %v, want ErrNotEmpty", err)
		}
	})
}

// A volume of CNCF Distribution says by links what there is.
func TestRebuildFromAVolume(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		w.fill()
		want := map[string]string{}
		link := func(path string, d oci.Digest) {
			path = filepath.Join(w.dir, "docker/registry/v2/repositories", path)
			w.ok(os.MkdirAll(filepath.Dir(path), 0o700))
			w.ok(os.WriteFile(path, []byte(d), 0o600))
		}
		w.ok(w.keeper.Each(t.Context(), func(n record.Name) error {
			if n.Kind == record.Project {
				return nil
			}
			text, err := w.keeper.Read(t.Context(), n)
			w.ok(err)
			m, err := record.ParseManifest(n.Digest, text)
			w.ok(err)
			for _, tag := range m.Tags {
				link(n.FullName()+"/_manifests/tags/"+tag.Name+"/current/link", n.Digest)
				link(n.FullName()+"/_manifests/tags/"+tag.Name+"/index/sha256/"+n.Digest.Hex()+"/link", n.Digest)
				want[n.FullName()+":"+tag.Name] = string(n.Digest)
			}
			w.ok(os.MkdirAll(filepath.Dir(w.path(n.Digest)), 0o700))
			w.ok(os.WriteFile(w.path(n.Digest), m.Bytes, 0o600))
			link(n.FullName()+"/_manifests/revisions/sha256/"+n.Digest.Hex()+"/link", n.Digest)
			return nil
		}))
		w.ok(os.MkdirAll(filepath.Join(w.dir, "docker/registry/v2/repositories/p/a/_layers/sha256"), 0o700))
		for _, dir := range []string{"records", "record-segments"} {
			w.ok(os.RemoveAll(filepath.Join(w.dir, dir)))
			w.ok(os.Mkdir(filepath.Join(w.dir, dir), 0o700))
		}

		again, report := w.rebuilt(false)
		if !report.Complete() || report.Tags != int64(len(want)) || !slices.Equal(slices.Sorted(slices.Values(report.Guessed)), []string{"p", "q"}) {
			t.Errorf("%+v", report)
		}
		for full, d := range want {
			repository, tag, _ := strings.Cut(full, ":")
			m, err := again.Manifest(t.Context(), again.ref(repository), oci.TagReference(tag))
			if err != nil || string(m.Digest) != d {
				t.Errorf("%s is %s, %v; want %s", full, m.Digest, err, d)
			}
		}
		again.sound()
	})
}

func TestNothingToRebuildFrom(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		if _, err := w.rebuild(t.Context(), false, repair.Silent{}); !errors.Is(err, repair.ErrNothing) {
			t.Errorf("%v, want ErrNothing", err)
		}
	})
}
