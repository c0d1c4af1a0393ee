package repair_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/blob/blobtest"
	"github.com/havenregistry/haven/internal/blob/file"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/project"
	"github.com/havenregistry/haven/internal/record"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/repair"
	"github.com/havenregistry/haven/internal/replication/endpoint"
	"github.com/havenregistry/haven/internal/replication/proxycache"
	"github.com/havenregistry/haven/internal/secret"
	"github.com/havenregistry/haven/internal/setting"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

var (
	quiet = slog.New(slog.DiscardHandler)
	admin = authz.Principal{Kind: authz.User, ID: 1, Name: "admin", Admin: true}
)

// world is a registry on a database and a folder of files.
type world struct {
	*registry.Service
	t        *testing.T
	db       *db.DB
	dir      string
	store    blob.Store
	packs    bool // small blobs are many to a file
	projects *project.Service
	keeper   *record.Keeper
	events   *event.Dispatcher

	endpoints *endpoint.Service
	caches    *proxycache.Service
}

// each runs f with an empty registry, once on each database.
func each(t *testing.T, f func(t *testing.T, w world)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) { f(t, newWorld(t, d, t.TempDir())) })
}

func newWorld(t *testing.T, d *db.DB, dir string) world {
	t.Helper()
	store, err := file.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	box, err := secret.OpenBox(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	w := world{t: t, db: d, dir: dir, store: store, packs: d.Exclusive() && store.Packs()}
	w.exec(`INSERT INTO account (username, email, sysadmin, created_at, updated_at) VALUES ('admin', 'admin@example.com', TRUE, 0, 0)`)
	w.projects = project.New(project.Deps{DB: d, Settings: setting.New(d, box, time.Now), Clock: time.Now})
	w.keeper = record.NewKeeper(d, store, time.Now, quiet)
	w.events = event.NewDispatcher(d, quiet, w.keeper)
	w.Service = registry.New(registry.Deps{DB: d, Blobs: store, Clock: time.Now, Log: quiet, Wake: func() {}})
	w.endpoints = endpoint.New(endpoint.Deps{DB: d, Box: box, Clock: time.Now, Log: quiet})
	w.caches = proxycache.New(proxycache.Deps{DB: d, Registry: w.Service, Wake: func() {}, Clock: time.Now, Log: quiet})
	t.Cleanup(w.caches.Close)
	return w
}

// fresh is a world without anything in its database, on the same files.
func (w world) fresh() world {
	w.t.Helper()
	if w.db.Dialect() == db.Postgres {
		return newWorld(w.t, dbtest.Postgres(w.t), w.dir)
	}
	return newWorld(w.t, dbtest.SQLite(w.t), w.dir)
}

func (w world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w world) exec(query string, args ...any) {
	w.t.Helper()
	w.ok(w.db.Write(w.t.Context(), func(tx db.Tx) error {
		_, err := tx.Exec(w.t.Context(), query, args...)
		return err
	}))
}

// settle has every record written.
func (w world) settle() {
	w.t.Helper()
	w.ok(w.events.Drain(w.t.Context()))
	w.ok(w.keeper.Drain(w.t.Context()))
	w.exec(`DELETE FROM record_pass`)
}

// project makes a project.
func (w world) project(n project.NewProject) {
	w.t.Helper()
	_, err := w.projects.Create(w.t.Context(), admin, n)
	w.ok(err)
}

// ref names a repository of a project.
func (w world) ref(full string) registry.Ref {
	w.t.Helper()
	name, rest, _ := strings.Cut(full, "/")
	p, err := w.projects.ByName(w.t.Context(), name)
	w.ok(err)
	return registry.Ref{ProjectID: p.ID, Project: name, Name: rest}
}

// descriptor is part of a document.
type descriptor struct {
	MediaType    string            `json:"mediaType"`
	Digest       oci.Digest        `json:"digest"`
	Size         int               `json:"size"`
	ArtifactType string            `json:"artifactType,omitempty"`
	Platform     map[string]string `json:"platform,omitempty"`
}

// document is a manifest.
type document struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	ArtifactType  string       `json:"artifactType,omitempty"`
	Config        *descriptor  `json:"config,omitempty"`
	Layers        []descriptor `json:"layers,omitempty"`
	Manifests     []descriptor `json:"manifests,omitempty"`
	Subject       *descriptor  `json:"subject,omitempty"`
}

func (w world) blob(repository, mediaType, text string) descriptor {
	w.t.Helper()
	d := oci.SHA256Of([]byte(text))
	_, err := w.PutBlob(w.t.Context(), w.ref(repository), d, strings.NewReader(text))
	w.ok(err)
	return descriptor{MediaType: mediaType, Digest: d, Size: len(text)}
}

// push puts a document under tags and returns its descriptor.
func (w world) push(repository string, d document, tags ...string) descriptor {
	w.t.Helper()
	d.SchemaVersion = 2
	text, err := json.Marshal(d)
	w.ok(err)
	digest := oci.SHA256Of(text)
	_, err = w.PutManifest(w.t.Context(), admin, w.ref(repository), oci.DigestReference(digest), d.MediaType, text, tags...)
	w.ok(err)
	return descriptor{MediaType: d.MediaType, Digest: digest, Size: len(text)}
}

const (
	layerType = "application/vnd.oci.image.layer.v1.tar"
	chartType = "application/vnd.cncf.helm.config.v1+json"
)

// image pushes an image whose only layer says "layer of seed".
func (w world) image(repository, seed string, tags ...string) descriptor {
	w.t.Helper()
	config := w.blob(repository, oci.MediaTypeImageConfig, fmt.Sprintf(`{"architecture":"amd64","os":"linux","config":{"Labels":{"seed":%q}}}`, seed))
	layer := w.blob(repository, layerType, "layer of "+seed)
	return w.push(repository, document{MediaType: oci.MediaTypeImageManifest, Config: &config, Layers: []descriptor{layer}}, tags...)
}

func layerOf(seed string) oci.Digest { return oci.SHA256Of([]byte("layer of " + seed)) }

// index pushes an index of the children.
func (w world) index(repository, tag string, children ...descriptor) descriptor {
	w.t.Helper()
	return w.push(repository, document{MediaType: oci.MediaTypeImageIndex, Manifests: children}, tag)
}

// path is where the file of a blob lies that has one of its own.
func (w world) path(d oci.Digest) string {
	return filepath.Join(w.dir, "docker/registry/v2/blobs", string(d.Algorithm()), d.Hex()[:2], d.Hex(), "data")
}

// location is where the database says that a blob lies.
func (w world) location(d oci.Digest) string {
	w.t.Helper()
	location, err := db.Get(w.t.Context(), w.db.Auto(), db.ScanString, `SELECT location FROM blob WHERE digest = $1`, d)
	w.ok(err)
	return location
}

// spoil changes the bytes of a blob behind everybody's back.
func (w world) spoil(d oci.Digest, spoil func(content []byte) []byte) {
	w.t.Helper()
	blobtest.Spoil(w.t, w.dir, w.location(d), spoil)
}

// flip changes one byte of a blob.
func (w world) flip(d oci.Digest) {
	w.t.Helper()
	w.spoil(d, func(content []byte) []byte {
		content[len(content)/2] ^= 1
		return content
	})
}

func (w world) remove(d oci.Digest) {
	w.t.Helper()
	w.spoil(d, func([]byte) []byte { return nil })
}

// read returns the bytes of a blob as the store has them.
func (w world) read(d oci.Digest) string {
	w.t.Helper()
	content, err := w.store.Open(w.t.Context(), w.location(d))
	w.ok(err)
	defer content.Close()
	text, err := io.ReadAll(content)
	w.ok(err)
	return string(text)
}

// recordOf is the text of a project's record.
func (w world) recordOf(name string) string {
	w.t.Helper()
	text, err := w.keeper.Read(w.t.Context(), record.Name{Kind: record.Project, Project: name})
	w.ok(err)
	return string(text)
}

// placeOf is where a record is packed, "" where it isn't.
func (w world) placeOf(n record.Name) string {
	w.t.Helper()
	found, err := db.Collect(w.t.Context(), w.db.Auto(), db.ScanString, `SELECT location FROM record_place WHERE name = $1`, n.String())
	w.ok(err)
	return strings.Join(found, "")
}

// tear puts something else where a record is, or where one would be, behind everybody's back.
func (w world) tear(n record.Name, text string) {
	w.t.Helper()
	w.lose(n)
	if !w.packs {
		w.ok(w.store.PutRecord(w.t.Context(), n.String(), []byte(text)))
		return
	}
	_, err := w.packer().PackRecords(w.t.Context(), []blob.PackedRecord{{Name: n.String(), Stamp: time.Now().UnixMicro(), Content: []byte(text)}})
	w.ok(err)
	w.ok(w.keeper.Adopt(w.t.Context()))
}

// lose makes a record vanish behind everybody's back.
func (w world) lose(n record.Name) {
	w.t.Helper()
	if location := w.placeOf(n); location != "" {
		w.ok(w.packer().DeletePackedRecords(w.t.Context(), location))
	}
	w.ok(w.store.DeleteRecord(w.t.Context(), n.String()))
}

func (w world) packer() blob.RecordPacker { return w.store.(blob.RecordPacker) }

func (w world) scrub(o repair.ScrubOptions) repair.ScrubReport {
	w.t.Helper()
	report, err := w.scrubber(o).Run(w.t.Context())
	w.ok(err)
	return report
}

func (w world) scrubber(o repair.ScrubOptions) *repair.Scrub {
	o.Parallel = cmp.Or(o.Parallel, 2)
	if o.Sample == 0 {
		o.Sample = 1
	}
	return &repair.Scrub{
		Registry: w.Service, Records: w.keeper, Blobs: w.store, Clock: time.Now, Log: quiet, Progress: repair.Silent{}, Options: o,
	}
}

func (w world) rebuild(ctx context.Context, trust bool, p repair.Progress) (repair.RebuildReport, error) {
	w.t.Helper()
	w.ok(repair.BeginRebuild(w.t.Context(), w.db, time.Now()))
	return (&repair.Rebuild{
		DB: w.db, Registry: w.Service, Projects: w.projects, Endpoints: w.endpoints, Caches: w.caches, Records: w.keeper, Blobs: w.store, Volume: w.dir,
		TrustNames: trust, Parallel: 2, Clock: time.Now, Log: quiet, Progress: p,
	}).Run(ctx)
}

// rebuilt is a fresh world that was rebuilt.
func (w world) rebuilt(trust bool) (world, repair.RebuildReport) {
	w.t.Helper()
	again := w.fresh()
	report, err := again.rebuild(w.t.Context(), trust, repair.Silent{})
	w.ok(err)
	return again, report
}

// seen is all that clients can see, as lines of text.
func (w world) seen(repositories ...string) string {
	w.t.Helper()
	var out bytes.Buffer
	for _, repository := range repositories {
		ref := w.ref(repository)
		p, err := w.projects.GetByName(w.t.Context(), ref.Project)
		w.ok(err)
		fmt.Fprintf(&out, "%s: public %t, limit %d, created %s, %v\n", p.Name, p.Public, p.StorageLimit, p.CreatedAt, slices.Sorted(maps.Keys(p.Metadata)))
		tags, _, err := w.Tags(w.t.Context(), ref, "", 1000)
		w.ok(err)
		for _, tag := range tags {
			m, err := w.Manifest(w.t.Context(), ref, oci.TagReference(tag))
			w.ok(err)
			fmt.Fprintf(&out, "%s:%s %s %s %s\n", repository, tag, m.Digest, m.MediaType, m.Content)
		}
		artifacts, total, err := w.ListArtifacts(w.t.Context(), ref, registry.ArtifactFilter{}, registry.With{Tags: true, Accessories: true}, db.List{Size: 100})
		w.ok(err)
		fmt.Fprintf(&out, "%d artifacts\n", total)
		for _, a := range artifacts {
			fmt.Fprintf(&out, "%s %s %s %d %s %s %s\n", a.Digest, a.Type, a.ConfigMediaType, a.Size, a.PushedAt, a.ExtraAttrs, a.Annotations)
			// Those of one push share their time.
			slices.SortFunc(a.Tags, func(x, y registry.Tag) int { return strings.Compare(x.Name, y.Name) })
			for _, t := range a.Tags {
				fmt.Fprintf(&out, "  tag %s %s\n", t.Name, t.PushedAt)
			}
			for _, c := range a.References {
				fmt.Fprintf(&out, "  child %s %v\n", c.ChildDigest, c.Platform)
			}
			for _, c := range a.Accessories {
				fmt.Fprintf(&out, "  accessory %s %s %s\n", c.Digest, c.Type, c.CreatedAt)
			}
			referrers, _, err := w.Referrers(w.t.Context(), ref, a.Digest, "", 0, 100)
			w.ok(err)
			for _, c := range referrers {
				fmt.Fprintf(&out, "  referrer %s %s %d\n", c.Digest, c.ArtifactType, c.Size)
			}
		}
	}
	return out.String()
}

// sound fails the test when sums or marks are not what the rows say.
func (w world) sound() {
	w.t.Helper()
	wrong, err := w.VerifyUsage(w.t.Context())
	w.ok(err)
	if len(wrong) > 0 {
		w.t.Errorf("not what the rows say: %v", wrong)
	}
}
