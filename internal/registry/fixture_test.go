package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/blob/file"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/oci"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// fixture is a registry on an empty database with the projects alpha (1) and beta (2).
type fixture struct {
	*Service
	t      testing.TB
	db     *db.DB
	store  *file.Store
	dir    string
	pushes *sync.RWMutex // of benchmarks, while the clock stands
	clock  *clock
}

// clock goes on by a millisecond with each look, so that orders by time are certain.
type clock struct{ looks, skipped atomic.Int64 }

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func (c *clock) now() time.Time {
	return epoch.Add(time.Duration(c.looks.Add(1))*time.Millisecond + time.Duration(c.skipped.Load()))
}

// skip lets time pass.
func (c *clock) skip(d time.Duration) { c.skipped.Add(int64(d)) }

// each runs f with a fixture on both databases.
func each(t *testing.T, f func(f fixture)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) { f(newFixture(t, d)) })
}

func newFixture(t testing.TB, d *db.DB) fixture {
	t.Helper()
	f := fixture{t: t, db: d, dir: t.TempDir(), clock: &clock{}, pushes: &sync.RWMutex{}}
	f.reopen()
	f.exec(`INSERT INTO account (username, email, created_at, updated_at) VALUES ('owner', 'owner@example.com', 0, 0)`)
	for _, name := range []string{"alpha", "beta"} {
		f.exec(`INSERT INTO project (name, owner_id, created_at, updated_at) SELECT $1, id, 0, 0 FROM account`, name)
	}
	return f
}

// roomy is a store that is never full, however full the disk of the machine is that the tests run on.
type roomy struct{ *file.Store }

func (roomy) Free(context.Context) (total, free uint64, err error) { return 0, 0, nil }

// reopen is a new process on the same database and files.
func (f *fixture) reopen() {
	f.t.Helper()
	store, err := file.Open(f.dir)
	f.ok(err)
	f.t.Cleanup(func() { store.Close() })
	f.store = store
	f.serve(roomy{store})
}

// serve is a new process with this store.
func (f *fixture) serve(store blob.Store) {
	f.Service = New(Deps{DB: f.db, Blobs: store, Clock: f.clock.now, Log: slog.New(slog.DiscardHandler), Wake: func() {}})
	f.reclaim.orphansAt = f.clock.now() // the tests that are about orphans ask for them
}

var ctx = context.Background()

var (
	pusher = authz.Principal{Kind: authz.User, ID: 1, Name: "owner"}
	app    = Ref{ProjectID: 1, Project: "alpha", Name: "app"}
	other  = Ref{ProjectID: 1, Project: "alpha", Name: "team/other"}
	theirs = Ref{ProjectID: 2, Project: "beta", Name: "app"}
)

func (f fixture) ok(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f fixture) exec(query string, args ...any) {
	f.t.Helper()
	f.ok(f.db.Write(ctx, func(tx db.Tx) error {
		_, err := tx.Exec(ctx, query, args...)
		return err
	}))
}

// count runs a query that gives one number.
func (f fixture) count(query string, args ...any) int64 {
	f.t.Helper()
	n, err := db.Get(ctx, f.db.Auto(), db.ScanInt, query, args...)
	f.ok(err)
	return n
}

// events returns what was written to the outbox, as kind and resource, and empties it.
func (f fixture) events() []string {
	f.t.Helper()
	f.db.Rehearse(false) // each event once
	defer f.db.Rehearse(f.db.Dialect() == db.SQLite)
	var all []string
	f.ok(event.NewDispatcher(f.db, slog.New(slog.DiscardHandler), listener(func(e event.Event) {
		all = append(all, string(e.Kind)+" "+e.Resource)
	})).Drain(ctx))
	return all
}

type listener func(event.Event)

func (l listener) Handle(_ context.Context, _ db.Tx, events []event.Event) error {
	for _, e := range events {
		l(e)
	}
	return nil
}

// blob uploads content and returns its descriptor.
func (f fixture) blob(ref Ref, mediaType string, content []byte) oci.Descriptor {
	f.t.Helper()
	d := oci.SHA256Of(content)
	_, err := f.PutBlob(ctx, ref, d, bytes.NewReader(content))
	f.ok(err)
	return oci.Descriptor{MediaType: mediaType, Digest: d, Size: int64(len(content))}
}

// document is a manifest to be pushed.
type document struct {
	SchemaVersion int               `json:"schemaVersion"`
	MediaType     string            `json:"mediaType"`
	ArtifactType  string            `json:"artifactType,omitempty"`
	Config        *oci.Descriptor   `json:"config,omitempty"`
	Layers        []oci.Descriptor  `json:"layers,omitempty"`
	Manifests     *[]oci.Descriptor `json:"manifests,omitempty"`
	Subject       *oci.Descriptor   `json:"subject,omitempty"`
	Annotations   map[string]string `json:"annotations,omitempty"`
}

func (d document) bytes() []byte {
	text, err := json.Marshal(d)
	if err != nil {
		panic(err)
	}
	return text
}

// descriptor is how others name the document.
func (d document) descriptor() oci.Descriptor {
	content := d.bytes()
	return oci.Descriptor{MediaType: d.MediaType, Digest: oci.SHA256Of(content), Size: int64(len(content))}
}

// image makes an image of its own for the seed, with its blobs in the repository.
func (f fixture) image(ref Ref, seed string) document {
	f.t.Helper()
	config := f.blob(ref, oci.MediaTypeImageConfig, fmt.Appendf(nil, `{"architecture":"amd64","os":"linux","created":"2026-01-02T03:04:05Z",
		"config":{"Env":["SEED=%s"],"Labels":{"maintainer":"m"}},"history":[{"created_by":"COPY %s"}],"rootfs":{}}`, seed, seed))
	layer := f.blob(ref, "application/vnd.oci.image.layer.v1.tar+gzip", []byte("layer of "+seed))
	return document{SchemaVersion: 2, MediaType: oci.MediaTypeImageManifest, Config: &config, Layers: []oci.Descriptor{layer}}
}

func index(children ...oci.Descriptor) document {
	if children == nil {
		children = []oci.Descriptor{}
	}
	return document{SchemaVersion: 2, MediaType: oci.MediaTypeImageIndex, Manifests: &children}
}

// push puts the document under a tag, or by its digest when tag is "".
func (f fixture) push(ref Ref, d document, tag string) oci.Descriptor {
	f.t.Helper()
	_, err := f.put(ref, d, tag)
	f.ok(err)
	return d.descriptor()
}

func (f fixture) put(ref Ref, d document, tag string) (Put, error) {
	r := oci.DigestReference(d.descriptor().Digest)
	if tag != "" {
		r = oci.TagReference(tag)
	}
	return f.PutManifest(ctx, pusher, ref, r, d.MediaType, d.bytes())
}
