package registry

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/oci"
)

// pullAll does what a client does, and returns how many statements it took.
func (f fixture) pullAll(ref Ref, tag string, doc document) int64 {
	f.t.Helper()
	before := f.db.Executed()
	m, err := f.ManifestInfo(ctx, ref, oci.TagReference(tag))
	f.ok(err)
	if m.Content != nil || m.Tag != tag {
		f.t.Fatalf("the head of a manifest has %d bytes, and the tag %q", len(m.Content), m.Tag)
	}
	m, err = f.Manifest(ctx, ref, oci.DigestReference(m.Digest))
	f.ok(err)
	if !bytes.Equal(m.Content, doc.bytes()) || m.Tag != "" {
		f.t.Fatalf("by digest: %q, tag %q", m.Content, m.Tag)
	}
	for _, d := range doc.blobs() {
		_, err := f.Blob(ctx, ref, d)
		f.ok(err)
	}
	return f.db.Executed() - before
}

// A pull asks the database for nothing that another one has asked for, whatever is pushed meanwhile, but for what
// a tag says.
func TestPullsAreRemembered(t *testing.T) {
	f := newFixture(t, dbtest.SQLite(t))
	first := f.image(app, "1")
	f.push(app, first, "v1")
	if n := f.pullAll(app, "v1", first); n != 1 {
		t.Errorf("the pull after the push took %d statements, want 1", n)
	}
	if n := f.pullAll(app, "v1", first); n != 0 {
		t.Errorf("the next pull took %d statements", n)
	}
	f.push(app, f.image(app, "2"), "v2")
	f.push(theirs, f.image(theirs, "3"), "v1")
	_, err := f.Mount(ctx, theirs, app, first.Config.Digest)
	f.ok(err)
	_, err = f.StatBlob(ctx, app, first.Config.Digest)
	f.ok(err)
	f.RecordPull(Pull{By: pusher, Ref: app, Manifest: Manifest{ID: 1, RepositoryID: 1, Tag: "v1"}})
	f.ok(f.Flush(ctx))
	if n := f.pullAll(app, "v1", first); n != 1 {
		t.Errorf("the pull after pushes of others took %d statements, want 1 for the tag", n)
	}
}

// What ends a membership, a manifest or a tag is noticed by the next request.
func TestRemembersNothingThatEnded(t *testing.T) {
	type gone struct{ blobs, manifest, tag error }
	type target struct {
		ref    Ref
		doc    document
		digest oci.Digest
	}
	all := gone{ErrBlobUnknown, ErrManifestUnknown, ErrManifestUnknown}
	each(t, func(f fixture) {
		deleteManifest := func(x target) { f.ok(f.DeleteManifest(ctx, pusher, x.ref, x.digest)) }
		for what, end := range map[string]func(target) gone{
			"untag": func(x target) gone {
				f.ok(f.DeleteTag(ctx, pusher, x.ref, "v1"))
				return gone{tag: ErrManifestUnknown}
			},
			"delete": func(x target) gone {
				deleteManifest(x)
				return gone{nil, ErrManifestUnknown, ErrManifestUnknown} // the blobs stay for the grace
			},
			"reclaim": func(x target) gone {
				deleteManifest(x)
				f.clock.skip(DefaultReclaimAfter)
				f.reclaimAll()
				return all
			},
			"unlink": func(x target) gone {
				deleteManifest(x)
				for _, b := range x.doc.blobs() {
					_, err := f.Blob(ctx, x.ref, b)
					f.ok(err)
					f.ok(f.DeleteBlob(ctx, x.ref, b))
				}
				return all
			},
			"drop": func(x target) gone {
				f.ok(f.DeleteRepository(ctx, pusher, x.ref))
				return all
			},
			"damage": func(x target) gone {
				for _, d := range x.doc.blobs() {
					b, err := f.Blob(ctx, x.ref, d)
					f.ok(err)
					_, err = f.MarkDamaged(ctx, StoredBlob{ID: b.ID, Digest: d, Location: b.Location})
					f.ok(err)
				}
				return gone{blobs: ErrBlobUnknown}
			},
		} {
			x := target{ref: Ref{ProjectID: 1, Project: "alpha", Name: what}}
			x.doc = f.image(x.ref, what)
			x.digest = f.push(x.ref, x.doc, "v1").Digest
			f.pullAll(x.ref, "v1", x.doc)
			want := end(x)
			for _, b := range x.doc.blobs() {
				if _, err := f.Blob(ctx, x.ref, b); !errors.Is(err, want.blobs) {
					f.t.Errorf("%s: blob: got %v, want %v", what, err, want.blobs)
				}
			}
			if _, err := f.Manifest(ctx, x.ref, oci.DigestReference(x.digest)); !errors.Is(err, want.manifest) {
				f.t.Errorf("%s: manifest: got %v, want %v", what, err, want.manifest)
			}
			if _, err := f.Manifest(ctx, x.ref, oci.TagReference("v1")); !errors.Is(err, want.tag) {
				f.t.Errorf("%s: tag: got %v, want %v", what, err, want.tag)
			}
		}
	})
}

// That a project has rules about pulls, and other bytes of a blob, are noticed as well.
func TestRemembersNothingThatChanged(t *testing.T) {
	each(t, func(f fixture) {
		d := f.image(app, "1")
		f.push(app, d, "v1")
		f.pullAll(app, "v1", d)
		f.exec(`UPDATE project SET gated = TRUE WHERE id = 1`)
		for _, r := range []oci.Reference{oci.TagReference("v1"), oci.DigestReference(d.descriptor().Digest)} {
			if m, err := f.Manifest(ctx, app, r); err != nil || !m.Gated {
				f.t.Errorf("%s: gated %v, %v", r, m.Gated, err)
			}
		}
		f.exec(`UPDATE blob SET location = 'elsewhere' WHERE digest = $1`, d.Config.Digest)
		if b, err := f.Blob(ctx, app, d.Config.Digest); err != nil || b.Location != "elsewhere" {
			f.t.Errorf("the blob lies at %q, %v", b.Location, err)
		}
		other := f.image(app, "2")
		f.push(app, other, "v1")
		if m, err := f.Manifest(ctx, app, oci.TagReference("v1")); err != nil || m.Digest != other.descriptor().Digest {
			f.t.Errorf("the tag was moved: %s, %v", m.Digest, err)
		}
	})
}

// So are bytes of a manifest that had decayed in the database.
func TestMendedManifestIsServed(t *testing.T) {
	each(t, func(f fixture) {
		d := f.image(app, "1")
		digest := f.push(app, d, "v1").Digest
		f.exec(`UPDATE manifest_content SET content = $1`, []byte("decayed"))
		if m, err := f.Manifest(ctx, app, oci.DigestReference(digest)); err != nil || string(m.Content) != "decayed" {
			f.t.Fatalf("got %q, %v", m.Content, err)
		}
		f.ok(f.MendContent(ctx, Content{Digest: digest, Bytes: d.bytes()}))
		if m, err := f.Manifest(ctx, app, oci.DigestReference(digest)); err != nil || !bytes.Equal(m.Content, d.bytes()) {
			f.t.Errorf("got %q, %v", m.Content, err)
		}
	})
}

// A scrub of another process is noticed when somebody looks.
func TestNoticesAScrubElsewhere(t *testing.T) {
	f := newFixture(t, dbtest.SQLite(t))
	d := f.image(app, "1")
	f.push(app, d, "v1")
	f.ok(f.db.Notice(ctx))
	f.pullAll(app, "v1", d)
	other, err := db.Open(ctx, "sqlite:"+f.path())
	f.ok(err)
	t.Cleanup(func() { other.Close() })
	f.ok(other.Write(ctx, func(tx db.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE blob SET damaged = TRUE`)
		return err
	}))
	f.ok(f.db.Notice(ctx))
	if _, err := f.Blob(ctx, app, d.Config.Digest); !errors.Is(err, ErrBlobUnknown) {
		t.Fatalf("got %v, want ErrBlobUnknown", err)
	}
}

// path is the file of the database.
func (f fixture) path() string {
	f.t.Helper()
	path, err := db.Get(ctx, f.db.Auto(), db.ScanString, `SELECT file FROM pragma_database_list WHERE name = 'main'`)
	f.ok(err)
	return path
}

// What was read before a change and is stored after it isn't believed.
func TestLateNewsIsNoNews(t *testing.T) {
	f := newFixture(t, dbtest.SQLite(t))
	d := f.image(app, "1")
	f.push(app, d, "v1")
	at := f.known.now()
	m, err := f.Manifest(ctx, app, oci.TagReference("v1"))
	f.ok(err)
	b, err := f.Blob(ctx, app, d.Config.Digest)
	f.ok(err)
	f.ok(f.DeleteRepository(ctx, pusher, app))
	f.known.learnManifest(at, app, m)
	f.known.learnBlob(at, app, b)
	if _, err := f.Manifest(ctx, app, oci.TagReference("v1")); !errors.Is(err, ErrManifestUnknown) {
		t.Errorf("by tag: %v", err)
	}
	if _, err := f.Manifest(ctx, app, oci.DigestReference(m.Digest)); !errors.Is(err, ErrManifestUnknown) {
		t.Errorf("by digest: %v", err)
	}
	if _, err := f.Blob(ctx, app, b.Digest); !errors.Is(err, ErrBlobUnknown) {
		t.Errorf("blob: %v", err)
	}
}

// Whoever has changed something sees it at once, however many read the same meanwhile.
func TestOwnChangesAreSeenAmongReaders(t *testing.T) {
	f := newFixture(t, dbtest.SQLite(t))
	docs := []document{f.image(app, "1"), f.image(app, "2")}
	for _, d := range docs {
		f.push(app, d, "")
	}
	lone := f.blob(app, "application/octet-stream", []byte("unnamed")).Digest
	done := make(chan struct{})
	var g errgroup.Group
	for range 4 {
		g.Go(func() error {
			for {
				select {
				case <-done:
					return nil
				default:
				}
				if _, err := f.Blob(ctx, app, lone); err != nil && !errors.Is(err, ErrBlobUnknown) {
					return err
				}
				if _, err := f.Manifest(ctx, app, oci.TagReference("v1")); err != nil && !errors.Is(err, ErrManifestUnknown) {
					return err
				}
			}
		})
	}
	change := func(round int) error {
		want := docs[round%2].descriptor().Digest
		if _, err := f.put(app, docs[round%2], "v1"); err != nil {
			return err
		}
		if m, err := f.Manifest(ctx, app, oci.TagReference("v1")); err != nil || m.Digest != want {
			return fmt.Errorf("the tag was moved to %s and names %s, %w", want, m.Digest, err)
		}
		if err := f.DeleteBlob(ctx, app, lone); err != nil {
			return err
		}
		if _, err := f.Blob(ctx, app, lone); !errors.Is(err, ErrBlobUnknown) {
			return fmt.Errorf("the blob was deleted: got %w", err)
		}
		if _, err := f.PutBlob(ctx, app, lone, strings.NewReader("unnamed")); err != nil {
			return err
		}
		_, err := f.Blob(ctx, app, lone)
		return err
	}
	var err error
	for round := 0; round < 60 && err == nil; round++ {
		err = change(round)
	}
	close(done)
	f.ok(errors.Join(err, g.Wait()))
}
