package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/blob/file"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/oci"
)

const trashSpan = 7 * 24 * time.Hour

// keep has deletions kept.
func (f fixture) keep(counted bool) {
	f.rules.latest.Store(&Rules{KeepDeleted: trashSpan, CountDeleted: counted})
}

// state is all rows of what clients see in alpha, and what its quota says.
func (f fixture) state() string {
	f.t.Helper()
	var all strings.Builder
	for _, query := range []string{
		`SELECT 'repository', r.id, r.name, r.description, r.artifact_count, r.pull_count FROM repository r WHERE NOT r.hidden AND r.project_id = 1 ORDER BY r.id`,
		`SELECT 'manifest', m.id, m.repository_id, m.digest, m.project_id, CASE WHEN m.listed THEN 1 ELSE 0 END + CASE WHEN m.tagged THEN 2 ELSE 0 END + m.pushed_at + m.pulled_at + m.used_at
			FROM manifest m JOIN repository r ON r.id = m.repository_id WHERE NOT r.hidden ORDER BY m.id`,
		`SELECT 'tag', t.id, t.repository_id, t.name, t.manifest_id, t.pushed_at + t.pulled_at FROM tag t JOIN repository r ON r.id = t.repository_id WHERE NOT r.hidden ORDER BY t.id`,
		`SELECT 'child', c.parent_id, c.position, c.platform, c.child_id, 0 FROM manifest_child c JOIN manifest m ON m.id = c.parent_id AND m.project_id > 0 ORDER BY c.parent_id, c.position`,
		`SELECT 'names', mb.manifest_id, mb.blob_id, '', mb.repository_id, 0 FROM manifest_blob mb JOIN repository r ON r.id = mb.repository_id WHERE NOT r.hidden ORDER BY mb.manifest_id, mb.blob_id`,
		`SELECT 'holds', rb.repository_id, rb.blob_id, '', rb.idle_since, CASE WHEN rb.counted THEN 1 ELSE 0 END FROM repository_blob rb JOIN repository r ON r.id = rb.repository_id
			WHERE NOT r.hidden ORDER BY rb.repository_id, rb.blob_id`,
		`SELECT 'label', l.manifest_id, l.label_id, '', 0, 0 FROM artifact_label l ORDER BY l.manifest_id, l.label_id`,
		`SELECT 'usage', u.project_id, SUM(u.bytes), '', 0, 0 FROM project_usage u WHERE u.project_id = 1 GROUP BY u.project_id`,
	} {
		rows, err := db.Collect(ctx, f.db.Auto(), func(r db.Row) (line string, err error) {
			v := [6]any{}
			err = r.Scan(&v[0], &v[1], &v[2], &v[3], &v[4], &v[5])
			for i := range v {
				if b, ok := v[i].([]byte); ok {
					v[i] = string(b)
				}
			}
			return fmt.Sprintln(v[:]...), err
		}, query)
		f.ok(err)
		all.WriteString(strings.Join(rows, ""))
	}
	return all.String()
}

// last returns the newest deletion in alpha.
func (f fixture) last() Trashed {
	f.t.Helper()
	rows, err := f.Trash(ctx, 1, TrashFilter{Size: 1})
	f.ok(err)
	if len(rows) == 0 {
		f.t.Fatal("nothing can be restored")
	}
	return rows[0]
}

func (f fixture) undo(id int64) Undone {
	f.t.Helper()
	u, err := f.Undelete(ctx, pusher, Ref{ProjectID: 1, Project: "alpha"}, id, "")
	f.ok(err)
	return u
}

// gone waits out the graces, as if nothing held what was deleted.
func (f fixture) gone() {
	f.t.Helper()
	for range 3 {
		f.clock.skip(DefaultReclaimAfter)
		f.reclaimAll()
	}
}

// furnish fills app: images, an index of two, signatures in both forms, labels, pulls.
func (f fixture) furnish() (one, two, list oci.Descriptor) {
	f.t.Helper()
	one, two = f.push(app, f.image(app, "one"), "v1"), f.push(app, f.image(app, "two"), "")
	list = f.push(app, index(one, two), "latest")
	f.push(app, index(one, two), "stable")
	empty := f.blob(app, oci.MediaTypeEmpty, []byte("{}"))
	f.push(app, document{SchemaVersion: 2, MediaType: oci.MediaTypeImageManifest, ArtifactType: "text/sbom", Config: &empty, Layers: []oci.Descriptor{empty}, Subject: &list}, "")
	signature := f.image(app, "signature")
	signature.Layers[0].MediaType = "application/vnd.dev.cosign.simplesigning.v1+json"
	f.push(app, signature, strings.Replace(string(list.Digest), ":", "-", 1)+".sig")
	f.push(app, f.image(app, "three"), "v3")
	f.push(other, f.image(other, "one"), "elsewhere")
	f.exec(`INSERT INTO label (project_id, name, created_at, updated_at) VALUES (1, 'good', 0, 0)`)
	f.exec(`INSERT INTO artifact_label (manifest_id, label_id, created_at) SELECT m.id, l.id, 0 FROM manifest m, label l WHERE m.digest = $1`, list.Digest)
	m, err := f.Manifest(ctx, app, oci.TagReference("latest"))
	f.ok(err)
	f.RecordPull(Pull{By: pusher, Ref: app, Manifest: m})
	f.ok(f.Flush(ctx))
	f.ok(f.UpdateRepository(ctx, pusher, app, "what it is"))
	return one, two, list
}

// Whatever was deleted, and however long the collector ran meanwhile: undone, everything is as it was.
func TestUndoBringsBackTheExactState(t *testing.T) {
	each(t, func(f fixture) {
		_, _, list := f.furnish()
		f.events()
		was := f.state()
		for _, counted := range []bool{false, true} {
			f.keep(counted)
			for name, remove := range map[string]func() error{
				"a tag":            func() error { return f.DeleteTag(ctx, pusher, app, "stable") },
				"an index":         func() error { return f.DeleteManifest(ctx, pusher, app, list.Digest) },
				"an image by tag":  func() error { return f.DeleteArtifact(ctx, pusher, app, oci.TagReference("v3")) },
				"a repository":     func() error { return f.DeleteRepository(ctx, pusher, app) },
				"a shared image":   func() error { return f.DeleteArtifact(ctx, pusher, other, oci.TagReference("elsewhere")) },
				"the last of them": func() error { return f.DeleteRepository(ctx, pusher, other) },
			} {
				used := f.used(1)
				f.ok(remove())
				f.sound()
				if f.state() == was {
					t.Fatalf("%s: nothing was deleted", name)
				}
				e := f.last()
				if e.By != "owner" || e.Until.Sub(e.At) != trashSpan || e.Kind != TrashedTag && e.Artifacts != 1 && e.Kind != TrashedRepository {
					t.Errorf("%s: %+v", name, e)
				}
				if back := used - f.used(1); counted && back != 0 || !counted && back != e.Bytes || (e.Counted > 0) != (counted && e.Bytes > 0) {
					t.Errorf("%s: the quota gave back %d, counted: %v, %+v", name, back, counted, e)
				}
				f.gone()
				f.undo(e.ID)
				f.sound()
				if is := f.state(); is != was {
					t.Errorf("%s, counted: %v: it was\n%s\nand is\n%s", name, counted, was, is)
				}
				if rows, err := f.Trash(ctx, 1, TrashFilter{Size: 10}); err != nil || len(rows) != 0 {
					t.Errorf("%s: still %+v, %v", name, rows, err)
				}
				for _, tag := range []string{"v1", "latest", "stable", "v3"} {
					f.readWhole(app, tag)
				}
			}
		}
	})
}

// readWhole reads an image with its blobs from the store.
func (f fixture) readWhole(ref Ref, tag string) {
	f.t.Helper()
	m, err := f.Manifest(ctx, ref, oci.TagReference(tag))
	f.ok(err)
	parsed, err := oci.ParseManifest(m.MediaType, m.Content)
	f.ok(err)
	for _, d := range parsed.Blobs() {
		b, err := f.Blob(ctx, ref, d.Digest)
		f.ok(err)
		_, err = f.readBlob(ctx, b)
		f.ok(err)
	}
}

// What changed meanwhile stays as it is now, and what can't be undone says what to do first.
func TestUndoBesideWhatCameSince(t *testing.T) {
	each(t, func(f fixture) {
		f.keep(false)
		one, _, list := f.furnish()
		project := Ref{ProjectID: 1, Project: "alpha"}

		f.ok(f.DeleteTag(ctx, pusher, app, "v1"))
		f.push(app, f.image(app, "another"), "v1")
		if _, err := f.Undelete(ctx, pusher, project, f.last().ID, ""); !errors.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "delete it first") {
			t.Errorf("a tag that is there again: %v", err)
		}

		f.ok(f.DeleteManifest(ctx, pusher, app, list.Digest))
		deletion := f.last().ID
		f.push(app, f.image(app, "new"), "latest")
		if u := f.undo(deletion); u.Tags != 2 || len(u.TagsTaken) != 1 || u.TagsTaken[0] != "latest" {
			t.Errorf("one tag names something else: %+v", u)
		}
		f.readWhole(app, "stable")

		f.ok(f.DeleteManifest(ctx, pusher, app, list.Digest))
		whole := f.last().ID
		if a, err := f.GetArtifact(ctx, app, oci.DigestReference(one.Digest), all); !errors.Is(err, ErrManifestUnknown) {
			t.Errorf("a child that nothing else needs stays: %+v, %v", a, err)
		}
		f.push(app, f.image(app, "one"), "again")
		f.ok(f.DeleteManifest(ctx, pusher, app, one.Digest))
		if u := f.undo(whole); u.Manifests != 5 {
			t.Errorf("%+v", u)
		}
		if u := f.undo(f.last().ID); u.Manifests != 0 || u.Tags != 1 { // it is there already: the tag comes to it
			t.Errorf("%+v", u)
		}
		f.readWhole(app, "again")
		f.sound()

		f.ok(f.DeleteRepository(ctx, pusher, app))
		gone := f.last().ID
		f.push(app, f.image(app, "first in the new one"), "v1")
		u := f.undo(gone)
		if len(u.TagsTaken) != 1 {
			t.Errorf("a repository of that name is there again: %+v", u)
		}
		f.readWhole(app, "stable")
		f.sound()
		f.gone()
		f.sound()
		if n := f.count(`SELECT COUNT(*) FROM repository WHERE name LIKE 'deleted:%'`); n != 0 {
			t.Errorf("%d graves are left", n)
		}
	})
}

// A repository without artifacts comes back also where somebody has begun to push into one of that name.
func TestUndoOfAnEmptyRepositoryBesideABegunPush(t *testing.T) {
	each(t, func(f fixture) {
		f.keep(false)
		d := f.push(app, f.image(app, "one"), "")
		f.ok(f.DeleteManifest(ctx, pusher, app, d.Digest))
		f.ok(f.DeleteRepository(ctx, pusher, app))
		gone := f.last().ID
		f.blob(app, "text/plain", []byte("a layer"))
		if tags, _, err := f.Tags(ctx, app, "", -1); !errors.Is(err, ErrRepositoryUnknown) {
			t.Fatalf("before: %v, %v", tags, err)
		}
		f.undo(gone)
		if tags, _, err := f.Tags(ctx, app, "", -1); err != nil || len(tags) > 0 {
			t.Errorf("the repository isn't back: %v, %v", tags, err)
		}
		f.sound()
	})
}

// What a deletion keeps can be looked at: artifacts with the tags that they had, and none of a tag alone.
func TestWhatADeletionKeeps(t *testing.T) {
	each(t, func(f fixture) {
		f.keep(false)
		_, _, list := f.furnish()
		keeps := func() (tags []string) {
			rows, err := f.Buried(ctx, 1, f.last().ID)
			f.ok(err)
			for _, b := range rows {
				if tags = append(tags, b.Tags...); b.Size == 0 || b.PushedAt.IsZero() || b.Type != "IMAGE" {
					t.Errorf("%+v", b)
				}
			}
			return tags
		}
		f.ok(f.DeleteTag(ctx, pusher, app, "stable"))
		if tags := keeps(); tags != nil {
			t.Errorf("of a tag: %v", tags)
		}
		f.ok(f.DeleteManifest(ctx, pusher, app, list.Digest))
		if tags := keeps(); !slices.Equal(tags, []string{"latest"}) {
			t.Errorf("of an index: %v", tags)
		}
		f.ok(f.DeleteRepository(ctx, pusher, app))
		if tags := keeps(); !slices.Equal(tags, []string{"v3", "v1"}) {
			t.Errorf("of a repository: %v", tags)
		}
		if _, err := f.Buried(ctx, 2, f.last().ID); !errors.Is(err, fault.NotFound) {
			t.Errorf("in another project: %v", err)
		}
	})
}

// An index whose child was deleted by itself comes back after the child, and the refusal says so.
func TestUndoInOrder(t *testing.T) {
	each(t, func(f fixture) {
		f.keep(false)
		one, _, list := f.furnish()
		project := Ref{ProjectID: 1, Project: "alpha"}
		f.push(app, f.image(app, "one"), "keeps")
		f.ok(f.DeleteManifest(ctx, pusher, app, list.Digest))
		first := f.last().ID
		f.ok(f.DeleteManifest(ctx, pusher, app, one.Digest))
		second := f.last().ID
		_, err := f.Undelete(ctx, pusher, project, first, "")
		if !errors.Is(err, fault.Conflict) || !strings.Contains(err.Error(), fmt.Sprintf("restore deletion %d first", second)) {
			t.Errorf("without its child: %v", err)
		}
		f.sound()
		f.undo(second)
		f.undo(first)
		f.readWhole(app, "latest")
		f.sound()

		f.ok(f.DeleteTag(ctx, pusher, app, "v3"))
		tag := f.last().ID
		three, err := f.GetArtifact(ctx, app, oci.DigestReference(f.image(app, "three").descriptor().Digest), all)
		f.ok(err)
		f.ok(f.DeleteManifest(ctx, pusher, app, three.Digest))
		_, err = f.Undelete(ctx, pusher, project, tag, "")
		if !errors.Is(err, fault.Conflict) || !strings.Contains(err.Error(), fmt.Sprintf("restore deletion %d first", f.last().ID)) {
			t.Errorf("a tag without its artifact: %v", err)
		}
		f.undo(f.last().ID)
		f.undo(tag)
		f.readWhole(app, "v3")

		f.ok(f.DeleteRepository(ctx, pusher, app))
		whole := f.last().ID
		f.exec(`UPDATE project SET deleted_at = 1 WHERE id = 1`)
		for range 2 { // free, and as artifacts that join another one
			if _, err := f.Undelete(ctx, pusher, project, whole, ""); !errors.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "the project alpha is deleted: restore it first") {
				t.Errorf("in a deleted project: %v", err)
			}
			f.exec(`UPDATE trash SET kind = 'artifact' WHERE id = $1`, whole)
		}
	})
}

// The quota has its say, and what it refuses is still there to be restored.
func TestUndoWithinTheQuota(t *testing.T) {
	each(t, func(f fixture) {
		f.keep(false)
		f.furnish()
		f.ok(f.DeleteRepository(ctx, pusher, app))
		e := f.last()
		f.exec(`UPDATE project SET storage_limit = $1 WHERE id = 1`, f.used(1)+e.Bytes-1)
		if _, err := f.Undelete(ctx, pusher, Ref{ProjectID: 1, Project: "alpha"}, e.ID, ""); !errors.Is(err, ErrQuota) {
			t.Errorf("above the limit: %v", err)
		}
		f.sound()
		f.exec(`UPDATE project SET storage_limit = $1 WHERE id = 1`, f.used(1)+e.Bytes)
		f.undo(e.ID)
		f.sound()
	})
}

// One artifact of many that went together comes back alone, with what belongs to it.
func TestUndoOneOfMany(t *testing.T) {
	for _, way := range []string{"a run", "a repository"} {
		t.Run(way, func(t *testing.T) {
			each(t, func(f fixture) {
				f.keep(true)
				_, _, list := f.furnish()
				if way == "a repository" {
					f.ok(f.DeleteRepository(ctx, pusher, app))
				} else {
					f.ok(f.db.Write(ctx, func(tx db.Tx) error {
						d := f.Deletion("retention", app, 12)
						for _, tag := range []string{"v3", "latest"} {
							root, err := findNode(ctx, tx, app, oci.TagReference(tag))
							if err == nil {
								_, err = d.graph(ctx, tx, root)
							}
							if err != nil {
								return err
							}
						}
						return d.End(ctx, tx)
					}))
				}
				e := f.last()
				project := Ref{ProjectID: 1, Project: "alpha"}
				if e.Artifacts < 2 {
					t.Fatalf("%+v", e)
				}
				if _, err := f.Undelete(ctx, pusher, project, e.ID, oci.SHA256Of([]byte("none"))); !errors.Is(err, fault.NotFound) {
					t.Errorf("one that isn't among them: %v", err)
				}
				u, err := f.Undelete(ctx, pusher, project, e.ID, list.Digest)
				f.ok(err)
				if want := map[string]int64{"a run": 4, "a repository": 5}[way]; u.Manifests != want { // v1 kept its image from the run
					t.Errorf("%+v", u)
				}
				f.sound()
				f.readWhole(app, "latest")
				const left = 1 // v3
				if is := f.last(); is.ID != e.ID || is.Artifacts != left || is.Counted >= e.Counted || is.Bytes >= e.Bytes {
					t.Errorf("of %+v %+v is left, want %d artifacts", e, is, left)
				}
				if _, err := f.Manifest(ctx, app, oci.TagReference("v3")); !errors.Is(err, ErrManifestUnknown) {
					t.Errorf("another one came too: %v", err)
				}
				f.undo(e.ID)
				f.readWhole(app, "v3")
				f.sound()
			})
		})
	}
}

// When its time is over, when somebody says so, or where nothing is kept, what was deleted is gone, and its space is back.
func TestWhatIsGoneForGood(t *testing.T) {
	each(t, func(f fixture) {
		project := Ref{ProjectID: 1, Project: "alpha"}
		empty := func(why string) {
			t.Helper()
			f.gone()
			f.sound()
			blobs, _ := f.files()
			if n := f.count(`SELECT (SELECT COUNT(*) FROM repository) + (SELECT COUNT(*) FROM manifest) + (SELECT COUNT(*) FROM manifest_content) + (SELECT COUNT(*) FROM blob)
				+ (SELECT COUNT(*) FROM trash) + (SELECT COUNT(*) FROM tag_history)`); n != 0 || blobs != 0 || f.used(1) != 0 {
				t.Errorf("%s: %d rows, %d blobs and %d bytes are left", why, n, blobs, f.used(1))
			}
		}
		remove := func() {
			t.Helper()
			_, _, list := f.furnish()
			f.ok(f.DeleteManifest(ctx, pusher, app, list.Digest))
			f.ok(f.DeleteTag(ctx, pusher, app, "v3"))
			f.ok(f.DeleteRepository(ctx, pusher, app))
			f.ok(f.DeleteRepository(ctx, pusher, other))
			f.exec(`DELETE FROM label`)
		}
		f.keep(true)
		remove()
		id := f.last().ID
		f.clock.skip(trashSpan)
		if _, err := f.Undelete(ctx, pusher, project, id, ""); !errors.Is(err, fault.NotFound) {
			t.Errorf("too late: %v", err)
		}
		empty("its time is over")

		remove()
		rows, err := f.Trash(ctx, 1, TrashFilter{Size: 100})
		f.ok(err)
		for _, e := range rows[:2] {
			f.ok(f.PurgeTrash(ctx, pusher, project, e.ID))
		}
		if err := f.PurgeTrash(ctx, pusher, project, rows[0].ID); !errors.Is(err, fault.NotFound) {
			t.Errorf("twice: %v", err)
		}
		if n, err := f.EmptyTrash(ctx, pusher, project); err != nil || n != 2 {
			t.Errorf("%d others, %v", n, err)
		}
		empty("somebody said so")

		remove()
		if n, err := f.EmptyTrash(ctx, pusher, Ref{}); err != nil || n != 4 {
			t.Errorf("%d in all projects, %v", n, err)
		}
		empty("an administrator said so")

		f.rules.latest.Store(&Rules{})
		remove()
		empty("nothing is kept")

		f.keep(false)
		d := f.push(app, f.image(app, "made again"), "")
		f.ok(f.DiscardManifest(ctx, authz.Principal{}, app, d.Digest))
		if rows, err := f.Trash(ctx, 1, TrashFilter{Size: 1}); err != nil || len(rows) != 0 {
			t.Errorf("what can be made again is kept: %+v, %v", rows, err)
		}
	})
}

// fullStore says how much of it is free.
type fullStore struct {
	*file.Store
	total, free uint64
}

func (s *fullStore) Free(context.Context) (uint64, uint64, error) { return s.total, s.free, nil }

// Where the store is nearly full, deletions end before their time: the oldest, and no more than it takes.
func TestTrashMakesRoom(t *testing.T) {
	each(t, func(f fixture) {
		store := &fullStore{f.store, 1 << 20, 1 << 20}
		f.serve(store)
		f.keep(false)
		for i := range 3 {
			content := bytes.Repeat([]byte{byte(i)}, 20_000)
			layer := f.blob(app, "application/vnd.oci.image.layer.v1.tar", content)
			image := f.image(app, fmt.Sprint(i))
			image.Layers = append(image.Layers, layer)
			f.push(app, image, fmt.Sprint(i))
			f.ok(f.DeleteArtifact(ctx, pusher, app, oci.TagReference(fmt.Sprint(i))))
		}
		left := func(want ...string) {
			t.Helper()
			rows, err := f.Trash(ctx, 1, TrashFilter{Size: 10})
			f.ok(err)
			var got []string
			for _, e := range rows {
				got = append(got, e.Tag)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%q can be restored, want %q", got, want)
			}
		}
		f.reclaimAll()
		left("2", "1", "0")
		store.free = store.total/keepFree - 10_000
		f.reclaimAll()
		left("2", "1")
		f.reclaimAll() // its bytes wait for the grace, and are as good as free
		left("2", "1")
		f.gone() // the bytes went, and somebody else took the room
		left("2")
		f.sound()
	})
}
