package garbage

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/await"
	"github.com/havenregistry/haven/internal/blob/file"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

func TestParse(t *testing.T) {
	for _, c := range []struct {
		sent string
		want string // its text, or the error's
		bad  bool
	}{
		{`{}`, `{"delete_tag":false,"delete_untagged":false,"workers":1}`, false},
		{`{"delete_untagged":true,"workers":2,"additionalProp1":7}`, `{"delete_tag":false,"delete_untagged":true,"workers":2}`, false},
		{`{"dry_run":false,"delete_tag":true,"workers":10}`, `{"delete_tag":true,"delete_untagged":false,"dry_run":false,"workers":10}`, false},
		{`{"workers":0}`, "workers: expected a whole number from 1 to 10", true},
		{`{"workers":11}`, "workers", true},
		{`{"workers":1.5}`, "workers", true},
		{`{"workers":"2"}`, "workers", true},
		{`{"delete_untagged":"yes"}`, "delete_untagged: expected true or false", true},
		{`{"delete_tag":1}`, "delete_tag", true},
		{`{"dry_run":"no"}`, "dry_run", true},
	} {
		var sent map[string]any
		if err := json.Unmarshal([]byte(c.sent), &sent); err != nil {
			t.Fatal(err)
		}
		got, err := Parse(sent)
		switch {
		case c.bad && (!errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: got %v, want %s", c.sent, err, c.want)
		case !c.bad && (err != nil || got.String() != c.want):
			t.Errorf("%s: got %s, %v; want %s", c.sent, got, err, c.want)
		}
	}
}

// clock is one that a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// world is a registry that collects garbage, with a project and its clock.
type world struct {
	*testing.T
	*Collector
	db   *db.DB
	jobs *job.Service
	now  *clock
}

var (
	app = registry.Ref{ProjectID: 1, Project: "alpha", Name: "app"}
	ann = authz.Principal{Kind: authz.User, ID: 1, Name: "ann"}
)

func each(t *testing.T, f func(w world)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		store, err := file.Open(filepath.Join(t.TempDir(), "storage"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { store.Close() })
		err = d.Write(t.Context(), func(tx db.Tx) error {
			_, err := tx.Exec(t.Context(), `INSERT INTO account (username, email, created_at, updated_at) VALUES ('ann', 'ann@example.com', 0, 0)`)
			if err == nil {
				_, err = tx.Exec(t.Context(), `INSERT INTO project (name, owner_id, created_at, updated_at) SELECT 'alpha', id, 0, 0 FROM account`)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		now, quiet := &clock{now: time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)}, slog.New(slog.DiscardHandler)
		r := registry.New(registry.Deps{DB: d, Blobs: store, Clock: now.Now, Log: quiet, Wake: func() {}})
		jobs := job.New(job.Deps{DB: d, Clock: now.Now, Log: quiet})
		f(world{t, New(d, r, jobs, now.Now), d, jobs, now})
	})
}

// run works on jobs until the test ends.
func (w world) run() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.jobs.Run(ctx) }()
	w.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			w.Error(err)
		}
	})
}

// collect has a run of these parameters done, and returns it with its log.
func (w world) collect(parameters string) (Execution, string) {
	w.Helper()
	id, err := w.Start(w.Context(), "admin", parameters)
	if err != nil {
		w.Fatal(err)
	}
	var e Execution
	await.Until(w.T, "the run ends", func() bool {
		if e, err = w.Execution(w.Context(), id); err != nil {
			w.Fatal(err)
		}
		return e.Status.Ended()
	})
	log, err := w.Collector.Log(w.Context(), id)
	if err != nil || e.Status != job.Success {
		w.Fatalf("%+v: %v\n%s", e, err, log)
	}
	return e, log
}

type manifest struct {
	SchemaVersion int              `json:"schemaVersion"`
	MediaType     string           `json:"mediaType"`
	ArtifactType  string           `json:"artifactType,omitempty"`
	Config        *oci.Descriptor  `json:"config,omitempty"`
	Layers        []oci.Descriptor `json:"layers,omitempty"`
	Manifests     []oci.Descriptor `json:"manifests,omitempty"`
	Subject       *oci.Descriptor  `json:"subject,omitempty"`
}

// push puts a manifest under a tag, or by its digest when tag is "".
func (w world) push(m manifest, tag string) oci.Descriptor {
	w.Helper()
	content, err := json.Marshal(m)
	if err != nil {
		w.Fatal(err)
	}
	d := oci.Descriptor{MediaType: m.MediaType, Digest: oci.SHA256Of(content), Size: int64(len(content))}
	r := oci.DigestReference(d.Digest)
	if tag != "" {
		r = oci.TagReference(tag)
	}
	if _, err := w.registry.PutManifest(w.Context(), ann, app, r, m.MediaType, content); err != nil {
		w.Fatal(err)
	}
	return d
}

func (w world) blob(content string) oci.Descriptor {
	w.Helper()
	d := oci.Descriptor{MediaType: "application/vnd.oci.image.layer.v1.tar", Digest: oci.SHA256Of([]byte(content)), Size: int64(len(content))}
	if _, err := w.registry.PutBlob(w.Context(), app, d.Digest, bytes.NewReader([]byte(content))); err != nil {
		w.Fatal(err)
	}
	return d
}

// image pushes one of its own for the seed, about subject if there is one.
func (w world) image(seed, tag string, subject *oci.Descriptor) oci.Descriptor {
	w.Helper()
	config := w.blob(`{"architecture":"amd64","os":"linux","author":"` + seed + `"}`)
	config.MediaType = oci.MediaTypeImageConfig
	return w.push(manifest{SchemaVersion: 2, MediaType: oci.MediaTypeImageManifest, Config: &config, Layers: []oci.Descriptor{w.blob("layer of " + seed)}, Subject: subject}, tag)
}

func (w world) index(tag string, children ...oci.Descriptor) oci.Descriptor {
	w.Helper()
	return w.push(manifest{SchemaVersion: 2, MediaType: oci.MediaTypeImageIndex, Manifests: children}, tag)
}

// left says which of the manifests are there.
func (w world) left(all map[string]oci.Descriptor) map[string]bool {
	w.Helper()
	left := map[string]bool{}
	for name, d := range all {
		_, err := w.registry.Manifest(w.Context(), app, oci.DigestReference(d.Digest))
		if err != nil && !errors.Is(err, registry.ErrManifestUnknown) {
			w.Fatal(err)
		}
		left[name] = err == nil
	}
	return left
}

// What no tag keeps goes; what belongs to something kept stays, and so does what is young. A dry run says the same.
func TestUntagged(t *testing.T) {
	each(t, func(w world) {
		all := map[string]oci.Descriptor{}
		put := func(name string, d oci.Descriptor) oci.Descriptor { all[name] = d; return d }
		kept := put("kept", w.image("kept", "v1", nil))
		put("signature of kept", w.image("signature of kept", "", &kept))
		child := put("child of kept", w.image("child of kept", "", nil))
		shared := put("shared child", w.image("shared child", "", nil))
		put("kept index", w.index("multi", child, shared))
		lost := put("lost", w.image("lost", "", nil))
		put("signature of lost", w.image("signature of lost", "", &lost))
		only := put("child of lost", w.image("child of lost", "", nil))
		put("lost index", w.index("", only, shared))
		put("other lost index", w.index("", only))
		w.now.pass(window + time.Minute)
		put("young", w.image("young", "", nil))
		w.run()

		w.collect(`{"delete_untagged":false}`)
		for name, there := range w.left(all) {
			if !there {
				t.Errorf("%s went, though nobody asked for it", name)
			}
		}
		dry, log := w.collect(`{"delete_untagged":true,"dry_run":true}`)
		if dry.Result.Manifests != 5 || !strings.Contains(log, "would delete alpha/app@"+string(lost.Digest)) || !strings.Contains(log, "are too young") {
			t.Errorf("a dry run counts %+v and says\n%s", dry.Result, log)
		}
		for name, there := range w.left(all) {
			if !there {
				t.Errorf("%s went by a dry run", name)
			}
		}
		e, log := w.collect(`{"delete_untagged":true,"delete_tag":true,"workers":3}`)
		if e.Result.Manifests != 5 || !strings.Contains(log, "deleted alpha/app@"+string(lost.Digest)) || !strings.Contains(log, "delete_tag changes nothing") {
			t.Errorf("it counts %+v and says\n%s", e.Result, log)
		}
		gone := map[string]bool{"lost": true, "signature of lost": true, "child of lost": true, "lost index": true, "other lost index": true}
		for name, there := range w.left(all) {
			if there == gone[name] {
				t.Errorf("%s: there is %v", name, there)
			}
		}
		if again, _ := w.collect(`{"delete_untagged":true}`); again.Result.Manifests != 0 {
			t.Errorf("again there is %+v", again.Result)
		}
	})
}

// Bytes go when their grace is over and not before, whoever asks.
func TestGrace(t *testing.T) {
	each(t, func(w world) {
		w.run()
		d := w.image("one", "v1", nil)
		if err := w.registry.DeleteManifest(t.Context(), ann, app, d.Digest); err != nil {
			t.Fatal(err)
		}
		if e, _ := w.collect(`{"workers":1}`); e.Result != (Freed{}) {
			t.Errorf("before the grace %+v went", e.Result)
		}
		w.now.pass(registry.DefaultReclaimAfter)
		e, log := w.collect(`{"workers":1}`) // the memberships end
		if e.Result != (Freed{}) || !strings.Contains(log, "2 blobs with 64 bytes that nothing holds any more wait until their grace of 2h0m0s is over") {
			t.Errorf("after one grace %+v went\n%s", e.Result, log)
		}
		w.now.pass(registry.DefaultReclaimAfter)
		dry, _ := w.collect(`{"dry_run":true}`)
		e, _ = w.collect(`{"workers":2}`)
		want := Freed{Space: 64, Blobs: 2}
		if dry.Result != want || e.Result != want {
			t.Errorf("a dry run said %+v, and %+v went", dry.Result, e.Result)
		}
		text, err := Told(e)
		if err != nil || text != `{"delete_tag":false,"delete_untagged":false,"dry_run":false,"freed_space":64,"purged_blobs":2,"purged_manifests":0,"time_window":2,"workers":2}` {
			t.Errorf("it is told as %s, %v", text, err)
		}
		if dry, _ := w.collect(`{"dry_run":true}`); dry.Result != (Freed{}) {
			t.Errorf("afterwards a dry run says %+v", dry.Result)
		}
	})
}

// A run that its process left behind is finished by the next, with what was done before.
func TestGoesOn(t *testing.T) {
	each(t, func(w world) {
		first := w.image("one", "", nil)
		second := w.image("two", "", nil)
		w.now.pass(window + time.Minute)
		id, err := w.Start(t.Context(), "admin", `{"delete_untagged":true}`)
		if err != nil {
			t.Fatal(err)
		}
		found, _, err := w.registry.TaglessAfter(t.Context(), 0, w.now.Now())
		if err != nil || len(found) != 2 || found[0].Digest != first.Digest {
			t.Fatalf("%+v, %v", found, err)
		}
		before, err := json.Marshal(state{Freed: Freed{Manifests: 7}, After: found[0].ID})
		if err != nil {
			t.Fatal(err)
		}
		err = w.db.Write(t.Context(), func(tx db.Tx) error {
			_, err := tx.Exec(t.Context(), `UPDATE job_task SET checkpoint = $1 WHERE execution_id = $2`, string(before), id)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		w.run()
		await.Until(t, "the run ends", func() bool {
			e, err := w.Execution(t.Context(), id)
			return err == nil && e.Status == job.Success && e.Result.Manifests == 8
		})
		left := w.left(map[string]oci.Descriptor{"first": first, "second": second})
		if !left["first"] || left["second"] {
			t.Errorf("left are %v", left)
		}
	})
}
