package registry

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/oci"
)

// Eight clients push images of shared layers, move one tag, and delete what they pushed before; nobody
// fails, and in the end everything adds up.
func TestConcurrentPushes(t *testing.T) {
	each(t, func(f fixture) {
		const clients, rounds = 8, 6
		shared := []byte("a layer that all of them push")
		sharedDigest := oci.SHA256Of(shared)
		var g errgroup.Group
		for client := range clients {
			g.Go(func() error {
				for round := range rounds {
					if err := f.pushRound(shared, client, round); err != nil {
						return fmt.Errorf("client %d, round %d: %w", client, round, err)
					}
				}
				return nil
			})
		}
		f.ok(g.Wait())
		tags, _, err := f.Tags(ctx, app, "", -1)
		f.ok(err)
		if len(tags) != clients*rounds/2+1 {
			f.t.Errorf("%d tags, want %d", len(tags), clients*rounds/2+1)
		}
		for _, tag := range tags {
			if _, err := f.Manifest(ctx, app, oci.TagReference(tag)); err != nil {
				f.t.Errorf("tag %s: %v", tag, err)
			}
		}
		// Listed is exactly what the truth says, whatever the order was.
		wrong := f.count(`SELECT COUNT(*) FROM manifest WHERE listed <> (accessory_of = ''
			AND (EXISTS (SELECT 1 FROM tag t WHERE t.manifest_id = manifest.id)
				OR NOT EXISTS (SELECT 1 FROM manifest_child c WHERE c.child_id = manifest.id)))`)
		if wrong != 0 {
			f.t.Errorf("%d manifests with a wrong listed", wrong)
		}
		if n := f.count(`SELECT COUNT(*) FROM blob WHERE digest = $1`, sharedDigest); n != 1 {
			f.t.Errorf("the shared layer is stored %d times", n)
		}
		if n := f.count(`SELECT COUNT(*) FROM upload`); n != 0 {
			f.t.Errorf("%d uploads left", n)
		}
	})
}

// pushRound pushes an image and an index of it, and deletes what an odd round has pushed.
func (f fixture) pushRound(shared []byte, client, round int) error {
	u, err := f.StartUpload(ctx, app)
	if err != nil {
		return err
	}
	if _, err := f.Append(ctx, app, u.ID, 0, bytes.NewReader(shared)); err != nil {
		return err
	}
	layer := oci.Descriptor{MediaType: "application/vnd.oci.image.layer.v1.tar", Digest: oci.SHA256Of(shared), Size: int64(len(shared))}
	if _, err := f.CommitUpload(ctx, app, u.ID, layer.Digest); err != nil {
		return err
	}
	text := fmt.Appendf(nil, `{"os":"%d-%d"}`, client, round)
	config := oci.Descriptor{MediaType: oci.MediaTypeImageConfig, Digest: oci.SHA256Of(text), Size: int64(len(text))}
	if _, err := f.PutBlob(ctx, app, config.Digest, bytes.NewReader(text)); err != nil {
		return err
	}
	image := document{SchemaVersion: 2, MediaType: oci.MediaTypeImageManifest, Config: &config, Layers: []oci.Descriptor{layer}}
	for _, tag := range []string{"latest", fmt.Sprintf("%d-%d", client, round)} {
		if _, err := f.put(app, image, tag); err != nil {
			return err
		}
	}
	ix := index(image.descriptor())
	if _, err := f.put(app, ix, ""); err != nil {
		return err
	}
	if round%2 == 0 {
		return nil
	}
	if err := f.DeleteManifest(ctx, pusher, app, ix.descriptor().Digest); err != nil {
		return err
	}
	return f.DeleteTag(ctx, pusher, app, fmt.Sprintf("%d-%d", client, round))
}

func TestConcurrentAppendsOfOneUpload(t *testing.T) {
	each(t, func(f fixture) {
		u, err := f.StartUpload(ctx, app)
		f.ok(err)
		var g errgroup.Group
		for i := range 8 {
			g.Go(func() error {
				_, err := f.Append(ctx, app, u.ID, 0, bytes.NewReader(bytes.Repeat([]byte{byte(i)}, 1000)))
				if errors.Is(err, ErrRange) || errors.Is(err, ErrUploadBusy) || errors.Is(err, blob.ErrUploadBusy) {
					return nil
				}
				return err
			})
		}
		f.ok(g.Wait())
		row, err := f.findUpload(ctx, app, u.ID)
		f.ok(err)
		hasher := blob.NewHasher()
		f.ok(hasher.UnmarshalBinary(row.hash))
		b, err := f.CommitUpload(ctx, app, u.ID, hasher.Digest())
		f.ok(err)
		content, err := f.readBlob(ctx, b)
		f.ok(err)
		if oci.SHA256Of(content) != b.Digest || len(content) != 1000 {
			f.t.Errorf("%d bytes that don't have their digest", len(content))
		}
	})
}

// BenchmarkPushSmallImage pushes a config and three layers of 4 to 64 KiB with single requests, and
// the manifest.
func BenchmarkPushSmallImage(b *testing.B) {
	f := newFixture(b, dbtest.SQLite(b))
	layers := [][]byte{bytes.Repeat([]byte("a"), 4<<10), bytes.Repeat([]byte("b"), 16<<10), bytes.Repeat([]byte("c"), 64<<10)}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		image := document{SchemaVersion: 2, MediaType: oci.MediaTypeImageManifest}
		config := f.blob(app, oci.MediaTypeImageConfig, fmt.Appendf(nil, `{"os":"%d"}`, i))
		image.Config = &config
		for _, layer := range layers {
			copy(layer, fmt.Sprint(i))
			image.Layers = append(image.Layers, f.blob(app, "application/vnd.oci.image.layer.v1.tar", layer))
		}
		f.push(app, image, "v1")
	}
}

func BenchmarkPullManifestByTag(b *testing.B) {
	f := newFixture(b, dbtest.SQLite(b))
	f.push(app, f.image(app, "one"), "v1")
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := f.Manifest(ctx, app, oci.TagReference("v1")); err != nil {
				b.Error(err)
			}
		}
	})
}

// BenchmarkListArtifacts is a page of a repository with 20,000 artifacts.
func BenchmarkListArtifacts(b *testing.B) {
	f := newFixture(b, dbtest.SQLite(b))
	f.push(app, f.image(app, "one"), "v1")
	f.exec(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
		INSERT INTO manifest_content (digest, content) SELECT 'sha256:' || i, x'' FROM n`)
	f.exec(`INSERT INTO manifest (repository_id, digest, media_type, type, size, content_size, pushed_at)
		SELECT r.id, c.digest, 'm', 'IMAGE', 1, 1, c.rowid FROM manifest_content c, repository r WHERE c.content = x''`)
	b.ResetTimer()
	for b.Loop() {
		if _, _, err := f.ListArtifacts(ctx, app, ArtifactFilter{}, all, db.List{Page: 1, Size: 10}); err != nil {
			b.Fatal(err)
		}
	}
}
